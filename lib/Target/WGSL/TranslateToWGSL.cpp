//===- TranslateToWGSL.cpp - GPU kernels to WGSL text ---------------------===//
//
// Prints the kernel normal form of docs/gpu-kernels.md. The printer decides
// names, what is written inline and where variables are declared; everything
// else was decided by passes.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/WGSL.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace {

/// Binding strengths of WGSL expressions.
enum Precedence : int {
  kOr = 1,
  kAnd,
  kRelation,
  kBits, // &, |, ^ take unary operands only
  kSum,
  kProduct,
  kUnary,
  kPrimary
};

struct Expression {
  std::string text;
  Precedence precedence = kPrimary;

  /// The text as an operand of something that binds with `strength`.
  std::string at(int strength) const {
    return precedence >= strength ? text : "(" + text + ")";
  }
};

class Printer {
public:
  explicit Printer(raw_ostream &os) : os(os) {}

  LogicalResult printKernel(gpu::GPUFuncOp kernel);

private:
  // Declarations.
  LogicalResult declareArguments(gpu::GPUFuncOp kernel);
  LogicalResult declareBuffers(gpu::GPUFuncOp kernel);
  void findDeclarations(gpu::GPUFuncOp kernel);
  std::string uniqueName(StringRef hint, bool isGlobal = false);
  FailureOr<std::string> typeName(Operation *op, Type type);

  // Statements.
  LogicalResult printBlock(Block &block);
  LogicalResult printOp(Operation &op);
  LogicalResult printFor(scf::ForOp op);
  LogicalResult printIf(scf::IfOp op);
  LogicalResult printStore(memref::StoreOp op);
  LogicalResult assign(ValueRange values, ArrayRef<std::string> variables);
  raw_ostream &line() { return os.indent(2 * depth); }

  // Expressions.
  FailureOr<Expression> expressionOf(Operation &op);
  Expression get(Value value) { return expressions.lookup(value); }
  std::string access(Value memory, Value index);
  Expression binary(StringRef symbol, Precedence precedence, Operation &op);
  Expression call(StringRef function, ValueRange operands);
  FailureOr<Expression> constant(arith::ConstantOp op);
  Expression compare(arith::CmpIOp op);
  Expression compare(arith::CmpFOp op);

  // What is printed at all, and where.
  bool isNeeded(Operation *op);
  SmallVector<OpOperand *> getNeededUses(Value value);
  bool isInline(Operation *op);
  Operation *getStatement(Operation *op);

  raw_ostream &os;
  int depth = 0;
  llvm::StringSet<> globals;
  SmallVector<llvm::StringSet<>> scopes;
  DenseMap<Value, Expression> expressions;
  DenseMap<Operation *, bool> needed, inlined;
  /// Kernel arguments whose element is the bits of -inf for this sentinel.
  DenseMap<Value, FloatAttr> minusInfinity;
  DenseSet<Value> bytePacked;
  /// A barrier also orders what threads exchange through storage buffers.
  bool readsWhatItWrites = false;
  /// Scalar variables are declared by their first store.
  DenseMap<Operation *, Value> declaringStores;
};

/// Words that WGSL reserves or that the text uses, among the likely names.
bool isReserved(StringRef name) {
  static constexpr StringRef kWords[] = {
      "array",        "bool",   "break",   "case",        "const",  "continue",
      "default",      "else",   "enable",  "f16",         "f32",    "false",
      "fn",           "for",    "group",   "i32",         "if",     "let",
      "local",        "loop",   "params",  "return",      "select", "shared",
      "sizeof",       "struct", "switch",  "target",      "true",   "u32",
      "var",          "while",  "max",     "min",         "abs",    "clamp",
      "exp2",         "log2",   "fma",     "sqrt",        "floor",  "ceil",
      "thread_local", "pass",   "mask",    "exp",         "log",    "tanh",
      "sin",          "cos",    "bitcast", "group_count", "sign",   "round",
      "trunc",        "active", "base"};
  return llvm::is_contained(kWords, name);
}

/// memref.reinterpret_cast only renames its source: sizes are not printed.
bool isRenaming(Operation *op) { return isa<memref::ReinterpretCastOp>(op); }

bool writes(Operation *op) {
  return isa<gpu::BarrierOp>(op) || hasEffect<MemoryEffects::Write>(op) ||
         (op->getNumRegions() && !isMemoryEffectFree(op));
}

//===----------------------------------------------------------------------===//
// What is printed
//===----------------------------------------------------------------------===//

SmallVector<OpOperand *> Printer::getNeededUses(Value value) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isRenaming(user) && use.getOperandNumber() > 0) {
      auto cast = mlir::cast<memref::ReinterpretCastOp>(user);
      // An offset is added to every index.
      if (!llvm::is_contained(cast.getOffsets(), value))
        continue;
    }
    if (isNeeded(user))
      uses.push_back(&use);
  }
  return uses;
}

bool Printer::isNeeded(Operation *op) {
  auto [it, isNew] = needed.try_emplace(op, true);
  if (!isNew)
    return it->second;
  bool result = op->hasTrait<OpTrait::IsTerminator>() || op->getNumRegions() ||
                writes(op);
  for (Value value : op->getResults())
    result = result || !getNeededUses(value).empty();
  return needed[op] = result;
}

/// True if the op has no statement of its own: constants and renamings, and
/// what is used once, in the same block, by something that is evaluated there
/// with the same result.
bool Printer::isInline(Operation *op) {
  auto it = inlined.find(op);
  if (it != inlined.end())
    return it->second;
  auto decide = [&]() -> bool {
    if (isa<arith::ConstantOp>(op) || isRenaming(op))
      return true;
    if (op->getNumRegions() || op->getNumResults() != 1 || writes(op) ||
        isa<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp>(op))
      return false;
    SmallVector<OpOperand *> uses = getNeededUses(op->getResult(0));
    if (uses.size() != 1)
      return false;
    Operation *user = uses.front()->getOwner();
    if (user->getBlock() != op->getBlock())
      return false;
    // A loop evaluates its bounds again and again.
    if (isa<scf::ForOp>(user) && uses.front()->getOperandNumber() < 3)
      return false;
    if (isMemoryEffectFree(op))
      return true;
    Operation *statement = getStatement(user);
    for (Operation *next = op->getNextNode(); next != statement;
         next = next->getNextNode())
      if (writes(next))
        return false;
    return true;
  };
  bool result = decide();
  inlined[op] = result;
  return result;
}

/// The op of the same block whose statement evaluates `op`.
Operation *Printer::getStatement(Operation *op) {
  while (isInline(op) && !isRenaming(op))
    op = getNeededUses(op->getResult(0)).front()->getOwner();
  return op;
}

/// Scalar variables whose every use follows a store of the same block are
/// declared there.
void Printer::findDeclarations(gpu::GPUFuncOp kernel) {
  for (BlockArgument buffer : kernel.getPrivateAttributions()) {
    if (cast<MemRefType>(buffer.getType()).getNumElements() != 1)
      continue;
    Operation *first = nullptr;
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!llvm::is_contained(op->getOperands(), buffer))
        return WalkResult::advance();
      first = op;
      return WalkResult::interrupt();
    });
    auto store = dyn_cast_or_null<memref::StoreOp>(first);
    if (store && llvm::all_of(buffer.getUsers(), [&](Operation *user) {
          return store->getBlock()->findAncestorOpInBlock(*user);
        }))
      declaringStores[store] = buffer;
  }
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

std::string Printer::uniqueName(StringRef hint, bool isGlobal) {
  std::string base;
  for (char c : hint)
    base += llvm::isAlnum(c) ? c : '_';
  if (base.empty() || llvm::isDigit(base.front()) || base.front() == '_')
    base = "x" + base;
  std::string name = base;
  auto isTaken = [&](StringRef name) {
    return isReserved(name) || globals.contains(name) ||
           llvm::any_of(scopes, [&](const llvm::StringSet<> &scope) {
             return scope.contains(name);
           });
  };
  for (unsigned k = 1; isTaken(name); ++k)
    name = base + (llvm::isDigit(base.back()) ? "_" : "") + std::to_string(k);
  (isGlobal ? globals : scopes.back()).insert(name);
  return name;
}

std::string nameHint(Location loc, Type type) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (type.isInteger(1))
    return "is";
  return isa<FloatType>(type) ? "x" : "n";
}

FailureOr<std::string> Printer::typeName(Operation *op, Type type) {
  if (type.isF32())
    return std::string("f32");
  if (type.isF16())
    return std::string("f16");
  if (type.isInteger(1))
    return std::string("bool");
  if (type.isIndex() || type.isInteger(32) || type.isInteger(64))
    return std::string("i32");
  op->emitError("WGSL has no type for ")
      << type << (type.isBF16() ? "; convert to f16 or f32" : "");
  return failure();
}

LogicalResult Printer::declareArguments(gpu::GPUFuncOp kernel) {
  SmallVector<BlockArgument> scalars;
  unsigned binding = 0;
  // The block also has the workgroup and private buffers as arguments.
  for (BlockArgument arg : kernel.getArguments().take_front(
           kernel.getFunctionType().getNumInputs())) {
    auto memory = dyn_cast<MemRefType>(arg.getType());
    if (!memory) {
      scalars.push_back(arg);
      continue;
    }
    bool isWritten = false, isRead = false;
    for (Operation *user : arg.getUsers())
      if (isRenaming(user)) {
        isWritten |=
            llvm::any_of(user->getUsers(), llvm::IsaPred<memref::StoreOp>);
        isRead |= llvm::any_of(user->getUsers(), llvm::IsaPred<memref::LoadOp>);
      }
    readsWhatItWrites |= isWritten && isRead;
    FailureOr<std::string> element = std::string("u32");
    // Bytes are read out of words.
    if (memory.getElementType().isInteger(1))
      bytePacked.insert(arg);
    else
      element = typeName(kernel, memory.getElementType());
    if (failed(element))
      return failure();
    if (auto sentinel = kernel.getArgAttrOfType<FloatAttr>(
            arg.getArgNumber(), "attn.minus_infinity")) {
      minusInfinity[arg] = sentinel;
      element = std::string("u32");
    }
    std::string name = uniqueName(nameHint(arg.getLoc(), memory), true);
    os << llvm::formatv("@group(0) @binding({0}) var<storage, {1}> {2}: "
                        "array<{3}>;\n",
                        binding++, isWritten ? "read_write" : "read", name,
                        *element);
    expressions[arg] = {name};
  }
  if (scalars.empty())
    return success();
  std::string params = uniqueName(kernel.getName().str() + "_params", true);
  std::string structName = params;
  structName.front() = llvm::toUpper(structName.front());
  globals.insert(structName);
  llvm::StringSet<> fields;
  os << "\nstruct " << structName << " {\n";
  for (BlockArgument arg : scalars) {
    FailureOr<std::string> type = typeName(kernel, arg.getType());
    if (failed(type))
      return failure();
    if (*type != "f32" && *type != "i32")
      return kernel.emitError("a parameter of type ")
             << arg.getType() << " does not fit a uniform struct";
    std::string field = nameHint(arg.getLoc(), arg.getType());
    if (!fields.insert(field).second || isReserved(field))
      fields.insert(field += "_" + std::to_string(arg.getArgNumber()));
    os << "  " << field << ": " << *type << ",\n";
    expressions[arg] = {params + "." + field};
  }
  os << llvm::formatv("}\n@group(0) @binding({0}) var<uniform> {1}: {2};\n",
                      binding, params, structName);
  return success();
}

LogicalResult Printer::declareBuffers(gpu::GPUFuncOp kernel) {
  bool isGlobal = depth == 0;
  ArrayRef<BlockArgument> buffers = isGlobal ? kernel.getWorkgroupAttributions()
                                             : kernel.getPrivateAttributions();
  for (auto [k, buffer] : llvm::enumerate(buffers)) {
    if (buffer.use_empty())
      continue;
    auto type = cast<MemRefType>(buffer.getType());
    FailureOr<std::string> element = typeName(kernel, type.getElementType());
    if (failed(element))
      return failure();
    Attribute hint = isGlobal
                         ? kernel.getWorkgroupAttributionAttr(k, "attn.name")
                         : kernel.getPrivateAttributionAttr(k, "attn.name");
    auto named = dyn_cast_or_null<StringAttr>(hint);
    std::string name =
        uniqueName(named ? named.getValue() : StringRef("buffer"), isGlobal);
    expressions[buffer] = {name};
    if (llvm::any_of(declaringStores, [&, buffer = buffer](auto &entry) {
          return entry.second == buffer;
        }))
      continue;
    line() << (isGlobal ? "var<workgroup> " : "var ") << name << ": ";
    if (type.getNumElements() == 1 && !isGlobal)
      os << *element << ";\n";
    else
      os << "array<" << *element << ", " << type.getNumElements() << ">;\n";
  }
  return success();
}

LogicalResult Printer::printKernel(gpu::GPUFuncOp kernel) {
  std::optional<ArrayRef<int32_t>> size = kernel.getKnownBlockSize();
  if (!size)
    return kernel.emitError("the size of the workgroup is not known");
  os << "// " << kernel.getName() << ": a workgroup of " << size->front()
     << " threads computes one tile of rows of one (batch, head).\n";
  if (auto summary = kernel->getAttrOfType<StringAttr>("attn.summary"))
    os << "// Tiles: " << summary.getValue() << "\n";
  os << "// Row statistics are f32, exponentials base 2, -1.5 * 2^126 stands "
        "for -infinity.\n\n";

  scopes.clear();
  readsWhatItWrites = false;
  scopes.emplace_back();
  findDeclarations(kernel);
  if (failed(declareArguments(kernel)))
    return failure();
  os << "\n";
  if (failed(declareBuffers(kernel)))
    return failure();
  os << llvm::formatv("\n@compute @workgroup_size({0})\nfn {1}(\n",
                      size->front(), uniqueName(kernel.getName(), true));
  os << "  @builtin(local_invocation_id) local: vec3<u32>,\n"
     << "  @builtin(workgroup_id) group: vec3<u32>,\n"
     << "  @builtin(num_workgroups) group_count: vec3<u32>,\n) {\n";
  ++depth;
  if (failed(declareBuffers(kernel)) ||
      failed(printBlock(kernel.getBody().front())))
    return failure();
  --depth;
  os << "}\n";
  return success();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

LogicalResult Printer::printBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(printOp(op)))
      return failure();
  return success();
}

LogicalResult Printer::printOp(Operation &op) {
  if (!isNeeded(&op))
    return success();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return printFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return printIf(branch);
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return printStore(store);
  if (isa<gpu::BarrierOp>(op)) {
    if (readsWhatItWrites)
      line() << "storageBarrier();\n";
    line() << "workgroupBarrier();\n";
    return success();
  }
  if (auto view = dyn_cast<memref::ReinterpretCastOp>(op)) {
    expressions[view] = get(view.getSource());
    return success();
  }
  FailureOr<Expression> expression = expressionOf(op);
  if (failed(expression))
    return failure();
  Value result = op.getResult(0);
  if (isInline(&op)) {
    expressions[result] = *expression;
    return success();
  }
  std::string name = uniqueName(nameHint(op.getLoc(), result.getType()));
  line() << "let " << name << " = " << expression->text << ";\n";
  expressions[result] = {name};
  return success();
}

/// True if `name` occurs in `text` as a whole word.
bool mentions(StringRef text, StringRef name) {
  auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; };
  for (size_t at = text.find(name); at != StringRef::npos;
       at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((at == 0 || !isWord(text[at - 1])) &&
        (end == text.size() || !isWord(text[end])))
      return true;
  }
  return false;
}

/// Assigns in parallel: a value that reads a variable assigned before it is
/// computed first.
LogicalResult Printer::assign(ValueRange values,
                              ArrayRef<std::string> variables) {
  SmallVector<std::string> texts;
  for (auto [k, value] : llvm::enumerate(values)) {
    texts.push_back(get(value).text);
    if (llvm::any_of(variables.take_front(k), [&](StringRef variable) {
          return mentions(texts.back(), variable);
        })) {
      std::string name = uniqueName("next_" + variables[k]);
      line() << "let " << name << " = " << texts.back() << ";\n";
      texts.back() = name;
    }
  }
  for (auto [text, variable] : llvm::zip(texts, variables))
    if (text != variable)
      line() << variable << " = " << text << ";\n";
  return success();
}

LogicalResult Printer::printFor(scf::ForOp op) {
  SmallVector<std::string> variables;
  for (auto [arg, init, result] :
       llvm::zip(op.getRegionIterArgs(), op.getInitArgs(), op.getResults())) {
    FailureOr<std::string> type = typeName(op, arg.getType());
    if (failed(type))
      return failure();
    std::string name = uniqueName(nameHint(arg.getLoc(), arg.getType()));
    line() << "var " << name << ": " << *type << " = " << get(init).text
           << ";\n";
    expressions[arg] = {name};
    expressions[result] = {name};
    variables.push_back(name);
  }
  scopes.emplace_back();
  std::string k =
      uniqueName(nameHint(op.getLoc(), op.getInductionVar().getType()));
  expressions[op.getInductionVar()] = {k};
  line() << llvm::formatv("for (var {0} = {1}; {0} < {2}; ", k,
                          get(op.getLowerBound()).text,
                          get(op.getUpperBound()).at(kBits));
  if (isConstantIntValue(op.getStep(), 1))
    os << k << "++) {\n";
  else
    os << k << " += " << get(op.getStep()).text << ") {\n";
  ++depth;
  if (failed(printBlock(*op.getBody())) ||
      failed(assign(op.getBody()->getTerminator()->getOperands(), variables)))
    return failure();
  --depth;
  scopes.pop_back();
  line() << "}\n";
  return success();
}

LogicalResult Printer::printIf(scf::IfOp op) {
  SmallVector<std::string> variables;
  Region *thenRegion = &op.getThenRegion(), *elseRegion = &op.getElseRegion();
  // Constants of the else branch become initial values.
  bool startsWithElse = op.getNumResults() &&
                        llvm::all_of(op.elseYield().getOperands(), [](Value v) {
                          return v.getDefiningOp<arith::ConstantOp>();
                        });
  for (auto [k, result] : llvm::enumerate(op.getResults())) {
    FailureOr<std::string> type = typeName(op, result.getType());
    if (failed(type))
      return failure();
    std::string name = uniqueName(nameHint(op.getLoc(), result.getType()));
    line() << "var " << name;
    if (startsWithElse) {
      auto init =
          op.elseYield().getOperand(k).getDefiningOp<arith::ConstantOp>();
      FailureOr<Expression> value = constant(init);
      if (failed(value))
        return failure();
      os << ": " << *type << " = " << value->text;
    } else {
      os << ": " << *type;
    }
    os << ";\n";
    expressions[result] = {name};
    variables.push_back(name);
  }
  auto isEmpty = [&](Region *region) {
    return region->empty() ||
           (region->front().without_terminator().empty() && variables.empty());
  };
  auto printRegion = [&](Region *region) -> LogicalResult {
    ++depth;
    scopes.emplace_back();
    if (failed(printBlock(region->front())) ||
        failed(
            assign(region->front().getTerminator()->getOperands(), variables)))
      return failure();
    scopes.pop_back();
    --depth;
    return success();
  };
  Expression condition = get(op.getCondition());
  if (isEmpty(thenRegion) && !isEmpty(elseRegion)) {
    condition = {"!" + condition.at(kPrimary), kUnary};
    std::swap(thenRegion, elseRegion);
  }
  line() << "if (" << condition.text << ") {\n";
  if (failed(printRegion(thenRegion)))
    return failure();
  if (!startsWithElse && !isEmpty(elseRegion)) {
    line() << "} else {\n";
    if (failed(printRegion(elseRegion)))
      return failure();
  }
  line() << "}\n";
  return success();
}

LogicalResult Printer::printStore(memref::StoreOp op) {
  Expression value = get(op.getValue());
  if (auto declared = declaringStores.find(op);
      declared != declaringStores.end()) {
    // The name is taken where the variable is in scope.
    line() << "var " << get(op.getMemRef()).text << " = " << value.text
           << ";\n";
    return success();
  }
  Value base = op.getMemRef();
  if (auto view = base.getDefiningOp<memref::ReinterpretCastOp>())
    base = view.getSource();
  if (auto sentinel = minusInfinity.find(base);
      sentinel != minusInfinity.end()) {
    // The bits of -inf stand in memory, never an infinity in a variable.
    value = {llvm::formatv(
                 "select(bitcast<u32>({0}), 0xff800000u, {1} <= -0x1.8p126)",
                 value.text, value.at(kBits))
                 .str()};
  } else if (bytePacked.contains(base)) {
    return op.emitError("WGSL cannot store single bytes");
  }
  line() << access(op.getMemRef(), op.getIndices().front()) << " = "
         << value.text << ";\n";
  return success();
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

std::string Printer::access(Value memory, Value index) {
  auto type = cast<MemRefType>(memory.getType());
  std::string name = get(memory).text;
  if (type.hasStaticShape() && type.getNumElements() == 1 &&
      isa<BlockArgument>(memory))
    if (auto space =
            dyn_cast_or_null<gpu::AddressSpaceAttr>(type.getMemorySpace());
        space && space.getValue() == gpu::AddressSpace::Private)
      return name;
  std::string at = get(index).text;
  if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
    if (!view.getOffsets().empty())
      at = get(view.getOffsets().front()).at(kSum) + " + " + at;
  return name + "[" + at + "]";
}

Expression Printer::binary(StringRef symbol, Precedence precedence,
                           Operation &op) {
  // Bitwise operators do not mix with anything without parentheses.
  int left = precedence == kBits ? int(kUnary) : int(precedence);
  int right = precedence == kBits                             ? int(kUnary)
              : precedence >= kSum || precedence == kRelation ? precedence + 1
                                                              : precedence;
  if (precedence == kRelation)
    left = kSum;
  return {get(op.getOperand(0)).at(left) + " " + symbol.str() + " " +
              get(op.getOperand(1)).at(right),
          precedence};
}

Expression Printer::call(StringRef function, ValueRange operands) {
  std::string text = function.str() + "(";
  llvm::interleave(
      operands, [&](Value value) { text += get(value).text; },
      [&] { text += ", "; });
  return {text + ")"};
}

FailureOr<Expression> Printer::constant(arith::ConstantOp op) {
  if (op.getType().isInteger(1))
    return Expression{cast<BoolAttr>(op.getValue()).getValue() ? "true"
                                                               : "false"};
  if (auto attr = dyn_cast<IntegerAttr>(op.getValue())) {
    const APInt &value = attr.getValue();
    if (!value.isSignedIntN(32))
      return op.emitError("the constant ")
             << value.getSExtValue() << " does not fit WGSL's 32-bit integers";
    std::string text = std::to_string(value.getSExtValue());
    return Expression{text, value.isNegative() ? kUnary : kPrimary};
  }
  auto attr = dyn_cast<FloatAttr>(op.getValue());
  if (!attr)
    return op.emitError("has no WGSL form");
  APFloat value = attr.getValue();
  if (!value.isFinite())
    return op.emitError("WGSL has no constant ") << attr;
  bool isNegative = value.isNegative();
  SmallString<24> text;
  if (abs(value).convertToDouble() > 1e30) {
    char buffer[64];
    value.convertToHexString(buffer, 0, /*upperCase=*/false,
                             APFloat::rmNearestTiesToEven);
    text = buffer;
  } else {
    value.toString(text, /*FormatPrecision=*/9, /*FormatMaxPadding=*/4);
    for (char &c : text)
      c = c == 'E' ? 'e' : c;
    if (!StringRef(text).contains_insensitive('.') &&
        !StringRef(text).contains('e'))
      text += ".0";
  }
  if (op.getType().isF16())
    text += "h";
  else if (!StringRef(text).contains("0x"))
    text += "f";
  return Expression{text.str().str(), isNegative ? kUnary : kPrimary};
}

Expression Printer::compare(arith::CmpIOp op) {
  if (op.getPredicate() == arith::CmpIPredicate::eq &&
      op.getLhs().getType().isInteger(1) && matchPattern(op.getRhs(), m_Zero()))
    return {"!" + get(op.getLhs()).at(kPrimary), kUnary};
  StringRef symbol;
  bool isUnsigned = false;
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    symbol = "==";
    break;
  case arith::CmpIPredicate::ne:
    symbol = "!=";
    break;
  case arith::CmpIPredicate::ult:
    isUnsigned = true;
    [[fallthrough]];
  case arith::CmpIPredicate::slt:
    symbol = "<";
    break;
  case arith::CmpIPredicate::ule:
    isUnsigned = true;
    [[fallthrough]];
  case arith::CmpIPredicate::sle:
    symbol = "<=";
    break;
  case arith::CmpIPredicate::ugt:
    isUnsigned = true;
    [[fallthrough]];
  case arith::CmpIPredicate::sgt:
    symbol = ">";
    break;
  case arith::CmpIPredicate::uge:
    isUnsigned = true;
    [[fallthrough]];
  case arith::CmpIPredicate::sge:
    symbol = ">=";
    break;
  }
  if (!isUnsigned)
    return binary(symbol, kRelation, *op);
  return {"u32(" + get(op.getLhs()).text + ") " + symbol.str() + " u32(" +
              get(op.getRhs()).text + ")",
          kRelation};
}

Expression Printer::compare(arith::CmpFOp op) {
  using P = arith::CmpFPredicate;
  auto is = [&](StringRef symbol) { return binary(symbol, kRelation, *op); };
  auto isNot = [&](StringRef symbol) {
    return Expression{"!(" + is(symbol).text + ")", kUnary};
  };
  switch (op.getPredicate()) {
  case P::AlwaysFalse:
    return {"false"};
  case P::AlwaysTrue:
    return {"true"};
  case P::OEQ:
    return is("==");
  case P::OGT:
    return is(">");
  case P::OGE:
    return is(">=");
  case P::OLT:
    return is("<");
  case P::OLE:
    return is("<=");
  case P::UNE:
    return is("!=");
  case P::ULE:
    return isNot(">");
  case P::ULT:
    return isNot(">=");
  case P::UGE:
    return isNot("<");
  case P::UGT:
    return isNot("<=");
  // NaN is not promised (rule 16): ordered and unordered are the same.
  case P::ONE:
    return is("!=");
  case P::UEQ:
    return is("==");
  case P::ORD:
    return {"true"};
  case P::UNO:
    return {"false"};
  }
  llvm_unreachable("unknown predicate");
}

FailureOr<Expression> Printer::expressionOf(Operation &op) {
  auto unsignedCall = [&](StringRef function) {
    return Expression{"i32(" + function.str() + "(u32(" +
                      get(op.getOperand(0)).text + "), u32(" +
                      get(op.getOperand(1)).text + ")))"};
  };
  auto shift = [&](StringRef symbol) {
    return Expression{get(op.getOperand(0)).at(kUnary) + " " + symbol.str() +
                          " u32(" + get(op.getOperand(1)).text + ")",
                      kBits};
  };
  auto logical = [&](StringRef onBool, Precedence precedence, StringRef onInt) {
    if (op.getResult(0).getType().isInteger(1)) {
      Expression result = binary(onBool, precedence, op);
      // && and || do not mix without parentheses.
      auto operand = [&](unsigned k) {
        Expression e = get(op.getOperand(k));
        return e.precedence == precedence || e.precedence >= kRelation
                   ? e.text
                   : "(" + e.text + ")";
      };
      if (precedence != kRelation)
        result.text = operand(0) + " " + onBool.str() + " " + operand(1);
      return result;
    }
    return binary(onInt, kBits, op);
  };
  auto builtin = [&](Value id, StringRef vector) {
    StringRef dims[] = {"x", "y", "z"};
    auto dim = gpu::Dimension::x;
    TypeSwitch<Operation *>(&op)
        .Case<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp>(
            [&](auto op) { dim = op.getDimension(); });
    return Expression{"i32(" + vector.str() + "." +
                      dims[static_cast<unsigned>(dim)].str() + ")"};
  };
  // A conversion; from bool it is a choice between 0 and `one`.
  auto convert = [&](StringRef type, StringRef one = "1") {
    Value from = op.getOperand(0);
    if (from.getType().isInteger(1))
      return Expression{type.str() + "(select(0, " + one.str() + ", " +
                        get(from).text + "))"};
    return call(type, from);
  };

  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::ConstantOp op) { return constant(op); })
      .Case([&](gpu::ThreadIdOp id) { return builtin(id, "local"); })
      .Case([&](gpu::BlockIdOp id) { return builtin(id, "group"); })
      .Case([&](gpu::GridDimOp id) { return builtin(id, "group_count"); })
      .Case([&](memref::LoadOp op) -> FailureOr<Expression> {
        Value base = op.getMemRef();
        if (auto view = base.getDefiningOp<memref::ReinterpretCastOp>())
          base = view.getSource();
        if (!bytePacked.contains(base))
          return Expression{access(op.getMemRef(), op.getIndices().front())};
        std::string at = get(op.getIndices().front()).at(kUnary);
        return Expression{
            llvm::formatv(
                "(({0}[{1} >> 2u] >> (8u * u32({1} & 3))) & 1u) != 0u",
                get(base).text, at)
                .str(),
            kRelation};
      })
      .Case<arith::AddIOp, arith::AddFOp>(
          [&](auto) { return binary("+", kSum, op); })
      .Case<arith::SubIOp, arith::SubFOp>(
          [&](auto) { return binary("-", kSum, op); })
      .Case<arith::MulIOp, arith::MulFOp>(
          [&](auto) { return binary("*", kProduct, op); })
      // Sizes and positions are not negative: unsigned division is signed.
      .Case<arith::DivSIOp, arith::DivUIOp, arith::DivFOp>(
          [&](auto) { return binary("/", kProduct, op); })
      .Case<arith::RemSIOp, arith::RemUIOp, arith::RemFOp>(
          [&](auto) { return binary("%", kProduct, op); })
      .Case<arith::MaxSIOp, arith::MaxNumFOp, arith::MaximumFOp>(
          [&](auto) { return call("max", op.getOperands()); })
      .Case<arith::MinSIOp, arith::MinNumFOp, arith::MinimumFOp>(
          [&](auto) { return call("min", op.getOperands()); })
      .Case([&](arith::MaxUIOp) { return unsignedCall("max"); })
      .Case([&](arith::MinUIOp) { return unsignedCall("min"); })
      .Case([&](arith::NegFOp op) {
        return Expression{"-" + get(op.getOperand()).at(kPrimary), kUnary};
      })
      .Case([&](arith::AndIOp) { return logical("&&", kAnd, "&"); })
      .Case([&](arith::OrIOp) { return logical("||", kOr, "|"); })
      .Case([&](arith::XOrIOp xorOp) {
        if (matchPattern(xorOp.getRhs(), m_One()) &&
            xorOp.getType().isInteger(1))
          return Expression{"!" + get(xorOp.getLhs()).at(kPrimary), kUnary};
        return logical("!=", kRelation, "^");
      })
      .Case([&](arith::ShLIOp) { return shift("<<"); })
      .Case([&](arith::ShRSIOp) { return shift(">>"); })
      .Case([&](arith::ShRUIOp op) {
        return Expression{"i32(u32(" + get(op.getLhs()).text + ") >> u32(" +
                          get(op.getRhs()).text + "))"};
      })
      .Case([&](arith::CmpIOp op) { return compare(op); })
      .Case([&](arith::CmpFOp op) { return compare(op); })
      .Case([&](arith::SelectOp op) {
        return call("select",
                    {op.getFalseValue(), op.getTrueValue(), op.getCondition()});
      })
      .Case([&](math::FmaOp op) { return call("fma", op->getOperands()); })
      .Case([&](math::Exp2Op op) { return call("exp2", op->getOperands()); })
      .Case([&](math::Log2Op op) { return call("log2", op->getOperands()); })
      .Case([&](math::FloorOp op) { return call("floor", op->getOperands()); })
      .Case([&](math::CeilOp op) { return call("ceil", op->getOperands()); })
      .Case([&](math::RoundEvenOp op) {
        return call("round", op->getOperands());
      })
      .Case([&](math::TruncOp op) { return call("trunc", op->getOperands()); })
      .Case([&](math::SqrtOp op) { return call("sqrt", op->getOperands()); })
      .Case([&](math::RsqrtOp op) {
        return call("inverseSqrt", op->getOperands());
      })
      .Case<math::AbsFOp, math::AbsIOp>(
          [&](auto) { return call("abs", op.getOperands()); })
      .Case([&](arith::IndexCastOp op) -> FailureOr<Expression> {
        if (op.getIn().getType().isInteger(1))
          return convert("i32", "-1");
        return get(op.getIn());
      })
      .Case([&](arith::IndexCastUIOp op) -> FailureOr<Expression> {
        if (op.getIn().getType().isInteger(1))
          return convert("i32");
        return get(op.getIn());
      })
      .Case([&](arith::ExtSIOp) { return convert("i32", "-1"); })
      .Case([&](arith::ExtUIOp) { return convert("i32"); })
      .Case([&](arith::TruncIOp op) -> FailureOr<Expression> {
        if (op.getType().isInteger(1))
          return Expression{"(" + get(op.getIn()).at(kUnary) + " & 1) != 0",
                            kRelation};
        return get(op.getIn());
      })
      .Case([&](arith::SIToFPOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        return convert(*type, "-1");
      })
      .Case([&](arith::UIToFPOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        if (op.getIn().getType().isInteger(1))
          return convert(*type);
        return Expression{*type + "(u32(" + get(op.getIn()).text + "))"};
      })
      .Case([&](arith::FPToSIOp op) { return call("i32", op->getOperands()); })
      .Case([&](arith::FPToUIOp op) {
        return Expression{"i32(u32(" + get(op.getIn()).text + "))"};
      })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto op) -> FailureOr<Expression> {
            FailureOr<std::string> type = typeName(op, op.getType());
            if (failed(type))
              return failure();
            return call(*type, op->getOperands());
          })
      .Case([&](arith::BitcastOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        return call("bitcast<" + *type + ">", op->getOperands());
      })
      .Default([&](Operation *op) -> FailureOr<Expression> {
        op->emitOpError("has no WGSL form");
        return failure();
      });
}

/// True if the kernel computes with f16.
bool usesHalf(gpu::GPUModuleOp module) {
  auto isHalf = [](Type type) { return getElementTypeOrSelf(type).isF16(); };
  return module
      .walk([&](Operation *op) {
        bool found = llvm::any_of(op->getResultTypes(), isHalf);
        for (Region &region : op->getRegions())
          for (Block &block : region)
            found |= llvm::any_of(block.getArgumentTypes(), isHalf);
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

} // namespace

LogicalResult attn::translateToWGSL(gpu::GPUModuleOp module, raw_ostream &os,
                                    unsigned maxStorageBuffers) {
  std::string text;
  llvm::raw_string_ostream buffer(text);
  if (usesHalf(module))
    buffer << "enable f16;\n\n";
  Printer printer(buffer);
  bool isFirst = true;
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    if (!isFirst)
      buffer << "\n";
    isFirst = false;
    unsigned numBuffers = llvm::count_if(kernel.getFunctionType().getInputs(),
                                         llvm::IsaPred<MemRefType>);
    if (numBuffers > maxStorageBuffers)
      return kernel.emitError("needs ")
             << numBuffers << " storage buffers, the limit is "
             << maxStorageBuffers << " (maxStorageBuffersPerShaderStage)";
    if (failed(printer.printKernel(kernel)))
      return failure();
  }
  os << text;
  return success();
}
