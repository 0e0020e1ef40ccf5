//===- TranslateToWGSL.cpp - GPU kernels to WGSL text ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the kernel normal form of docs/gpu-kernels.md. The printer decides
// names, what is written inline and where variables are declared; everything
// else was decided by passes.
//
//===----------------------------------------------------------------------===//

#include "TranslateToWGSL.h"
#include "ReservedWords.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
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
  Expression resize(Value from, Type to, bool isSigned);
  Expression divide(StringRef symbol, Operation &op, bool isUnsigned);
  FailureOr<Expression> shift(StringRef symbol, Operation &op);
  FailureOr<Expression> integerOp(Operation &op);
  Expression loadPacked(Value base, Value index, Type type);
  /// The text of an integer as a u32, zero-extended.
  std::string asUnsigned(Value value);
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
  /// Width of the elements that are read out of 32-bit words, by argument.
  DenseMap<Value, unsigned> packed;
  /// A barrier also orders what threads exchange through storage buffers.
  bool readsWhatItWrites = false;
  /// Scalar variables are declared by their first store.
  DenseMap<Operation *, Value> declaringStores;
};

/// Words of the language, and the parameters of every kernel.
bool isReserved(StringRef name) {
  return attn::isReservedInWGSL(name) || name == "local" || name == "group" ||
         name == "group_count";
}

/// Integers of less than 32 bits live sign-extended in an i32. Their width, 0
/// for other types.
unsigned getNarrowWidth(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  bool isNarrow = integer && integer.getWidth() > 1 && integer.getWidth() < 32;
  return isNarrow ? integer.getWidth() : 0;
}

/// The low bits of an i32, sign-extended, where `type` has less than 32.
Expression wrap(Type type, Expression e) {
  unsigned width = getNarrowWidth(type);
  if (!width)
    return e;
  return {llvm::formatv("extractBits({0}, 0u, {1}u)", e.text, width).str()};
}

/// True if an index is known not to be negative: threads, sizes and what is
/// computed from them without subtractions.
bool isNonNegative(Value value, unsigned depth = 0) {
  // What takes longer to tell is taken for signed.
  constexpr unsigned kMaxDepth = 8;
  if (depth == kMaxDepth)
    return false;
  auto isOperand = [=](Value operand) {
    return isNonNegative(operand, depth + 1);
  };
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    Operation *parent = arg.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return arg == loop.getInductionVar() && isOperand(loop.getLowerBound());
    return isa<gpu::GPUFuncOp>(parent) && arg.getType().isIndex();
  }
  Operation *op = value.getDefiningOp();
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isNonNegative();
  if (isa<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return llvm::any_of(op->getOperands(), isOperand);
  return isa<arith::AddIOp, arith::MulIOp, arith::DivUIOp, arith::RemUIOp,
             arith::DivSIOp, arith::RemSIOp, arith::MinSIOp, arith::MinUIOp>(
             op) &&
         llvm::all_of(op->getOperands(), isOperand);
}

/// An error at `op`, or where its result is used if the op comes from nowhere.
InFlightDiagnostic emitErrorNear(Operation &op) {
  Operation *at = &op;
  while (isa<UnknownLoc>(at->getLoc()) && at->getNumResults() &&
         !at->use_empty())
    at = *at->user_begin();
  if (isa<UnknownLoc>(at->getLoc()))
    at = op.getParentOfType<gpu::GPUFuncOp>();
  return at->emitError();
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

/// `hint` as an identifier.
std::string toIdentifier(StringRef hint) {
  std::string name;
  for (char c : hint)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name.front()) || name.front() == '_')
    name = "x" + name;
  return name;
}

std::string Printer::uniqueName(StringRef hint, bool isGlobal) {
  std::string base = toIdentifier(hint), name = base;
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
  // What has 64 bits is narrowed when bound (rule 8).
  if (type.isF32() || type.isF64())
    return std::string("f32");
  if (type.isF16())
    return std::string("f16");
  if (type.isInteger(1))
    return std::string("bool");
  if (type.isIndex() || type.isInteger(32) || type.isInteger(64) ||
      getNarrowWidth(type))
    return std::string("i32");
  op->emitError("WGSL has no type for ")
      << type << (type.isBF16() ? "; convert to f16 or f32" : "");
  return failure();
}

/// True if every element of the buffer is widened as soon as it is read.
bool isOnlyWidened(BlockArgument buffer) {
  return llvm::all_of(buffer.getUsers(), [](Operation *view) {
    return isRenaming(view) &&
           llvm::all_of(view->getUsers(), [](Operation *access) {
             return isa<memref::LoadOp>(access) &&
                    llvm::all_of(access->getUsers(),
                                 llvm::IsaPred<arith::ExtFOp>);
           });
  });
}

/// What a launcher must know of a buffer whose elements are not those of the
/// program.
std::string describeElements(Type type, bool isPacked) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (isPacked)
    os << " // " << type << (type.isInteger(1) ? ", a byte each" : "")
       << ", packed";
  else if (type.isInteger(64) || type.isF64())
    os << " // " << type << ", narrowed when bound";
  return text;
}

/// Elements are counted in 32 bits (rule 21).
LogicalResult checkSpan(BlockArgument buffer, StringRef name) {
  for (Operation *user : buffer.getUsers()) {
    auto view = dyn_cast<memref::ReinterpretCastOp>(user);
    if (!view)
      continue;
    for (OpFoldResult size : view.getConstifiedMixedSizes())
      if (std::optional<int64_t> span = getConstantIntValue(size);
          span && *span > std::numeric_limits<int32_t>::max())
        return view.emitError("buffer '")
               << name << "' spans " << *span
               << " elements; WGSL counts up to 2147483647 (rule 21)";
  }
  return success();
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
    Type type = memory.getElementType();
    // Small elements are read out of words: WGSL has no type that stores them.
    if (type.isInteger(1))
      packed[arg] = 8;
    else if (unsigned width = getNarrowWidth(type))
      packed[arg] = width;
    else if (type.isBF16() && isOnlyWidened(arg))
      packed[arg] = 16;
    else
      element = typeName(kernel, type);
    if (failed(element))
      return failure();
    if (auto sentinel = kernel.getArgAttrOfType<FloatAttr>(
            arg.getArgNumber(), "attn.minus_infinity")) {
      minusInfinity[arg] = sentinel;
      element = std::string("u32");
    }
    std::string name = uniqueName(nameHint(arg.getLoc(), memory), true);
    if (failed(checkSpan(arg, name)))
      return failure();
    os << llvm::formatv("@group(0) @binding({0}) var<storage, {1}> {2}: "
                        "array<{3}>;{4}\n",
                        binding++, isWritten ? "read_write" : "read", name,
                        *element, describeElements(type, packed.contains(arg)));
    expressions[arg] = {name};
  }
  if (scalars.empty())
    return success();
  std::string params = uniqueName(kernel.getName().str() + "_params", true);
  std::string structName = params;
  structName.front() = llvm::toUpper(structName.front());
  structName = uniqueName(structName, true);
  llvm::StringSet<> fields;
  os << "\nstruct " << structName << " {\n";
  for (BlockArgument arg : scalars) {
    // Every field has 32 bits; integers come sign-extended, floats widened.
    Type type = arg.getType();
    std::string field = toIdentifier(nameHint(arg.getLoc(), type));
    if (isReserved(field) || !fields.insert(field).second)
      fields.insert(field += "_" + std::to_string(arg.getArgNumber()));
    os << "  " << field << ": " << (isa<FloatType>(type) ? "f32" : "i32") << ","
       << describeElements(type, /*isPacked=*/false) << "\n";
    expressions[arg] = {params + "." + field};
    if (type.isInteger(1))
      expressions[arg] = {params + "." + field + " != 0", kRelation};
    else if (type.isF16())
      expressions[arg] = {"f16(" + params + "." + field + ")"};
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
  // Long chains get names, or they would nest deeper than parsers go.
  constexpr size_t kLongestInline = 300;
  if (isInline(&op) && expression->text.size() <= kLongestInline) {
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
  } else if (auto width = packed.find(base); width != packed.end()) {
    return op.emitError("WGSL cannot store elements of ")
           << width->second << " bits";
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
  int right = precedence == kBits  ? int(kUnary)
              : precedence >= kSum ? precedence + 1
                                   : precedence;
  // `a < b >> c` would begin a template list.
  if (precedence == kRelation)
    left = right = kSum;
  return {get(op.getOperand(0)).at(left) + " " + symbol.str() + " " +
              get(op.getOperand(1)).at(right),
          precedence};
}

Expression Printer::call(StringRef function, ValueRange operands) {
  std::string text = function.str() + "(";
  // `f(a < b, c > d)` would be a template list: only the last operand may be a
  // relation as it is.
  for (Value value : operands.drop_back())
    text += get(value).at(kBits) + ", ";
  return {text + get(operands.back()).text + ")"};
}

std::string Printer::asUnsigned(Value value) {
  APInt constant;
  // A conversion of a negative literal would be out of range.
  if (matchPattern(value, m_ConstantInt(&constant)))
    return std::to_string(constant.zextOrTrunc(32).getZExtValue()) + "u";
  if (unsigned width = getNarrowWidth(value.getType()))
    return llvm::formatv("u32({0} & {1})", get(value).at(kUnary),
                         (1u << width) - 1);
  return "u32(" + get(value).text + ")";
}

/// A conversion between integers.
Expression Printer::resize(Value from, Type to, bool isSigned) {
  Type type = from.getType();
  Expression e = get(from);
  if (to.isInteger(1))
    return type == to
               ? e
               : Expression{"(" + e.at(kUnary) + " & 1) != 0", kRelation};
  if (type.isInteger(1))
    return {std::string("i32(select(0, ") + (isSigned ? "-1, " : "1, ") +
            e.text + "))"};
  unsigned fromWidth = getNarrowWidth(type), toWidth = getNarrowWidth(to);
  bool widens = fromWidth && (!toWidth || toWidth > fromWidth);
  if (widens && !isSigned)
    return {"i32(" + asUnsigned(from) + ")"};
  return widens || fromWidth == toWidth ? e : wrap(to, e);
}

/// A quotient or remainder. The language defines those by 0 and of the least
/// integer by -1, but for literals.
Expression Printer::divide(StringRef symbol, Operation &op, bool isUnsigned) {
  Value lhs = op.getOperand(0), rhs = op.getOperand(1);
  if (matchPattern(rhs, m_Zero()))
    return symbol == "/" ? get(lhs) : Expression{"0"};
  bool isPlain = !isUnsigned || (lhs.getType().isIndex() &&
                                 isNonNegative(lhs) && isNonNegative(rhs));
  Expression result =
      isPlain ? binary(symbol, kProduct, op)
              : Expression{"i32(" + asUnsigned(lhs) + " " + symbol.str() + " " +
                           asUnsigned(rhs) + ")"};
  return wrap(lhs.getType(), result);
}

FailureOr<Expression> Printer::shift(StringRef symbol, Operation &op) {
  Value lhs = op.getOperand(0), rhs = op.getOperand(1);
  APInt amount;
  if (matchPattern(rhs, m_ConstantInt(&amount)) && amount.uge(32)) {
    emitErrorNear(op) << "a shift by " << amount.getZExtValue()
                      << " needs 64 bits; index and i64 have 32 in WGSL";
    return failure();
  }
  // Of 64 bits, amounts of 32 to 63 leave 0 or the sign (rule 8); WGSL would
  // take them modulo 32.
  bool isWide = !matchPattern(rhs, m_Constant()) &&
                (lhs.getType().isIndex() || lhs.getType().isInteger(64));
  std::string by = asUnsigned(rhs);
  if (isWide)
    by = "min(" + by + ", 31u)";
  Expression result =
      isa<arith::ShRUIOp>(op)
          ? Expression{"i32(" + asUnsigned(lhs) + " >> " + by + ")"}
          : Expression{get(lhs).at(kUnary) + " " + symbol.str() + " " + by,
                       kBits};
  if (isWide && !isa<arith::ShRSIOp>(op))
    result = {"select(0, " + result.text + ", (" + asUnsigned(rhs) +
              ") < 32u)"};
  return wrap(lhs.getType(), result);
}

/// Element `index`, of `type`, of an array of words that hold several.
Expression Printer::loadPacked(Value base, Value index, Type type) {
  unsigned width = packed.lookup(base), perWord = 32 / width;
  std::string at = get(index).at(kUnary);
  auto extract = [&](StringRef word) -> std::string {
    return llvm::formatv("extractBits({0}, {1}u * u32({2} & {3}), {1}u)", word,
                         width, at, perWord - 1);
  };
  std::string word = llvm::formatv("{0}[{1} >> {2}u]", get(base).text, at,
                                   llvm::Log2_32(perWord));
  if (type.isInteger(1))
    return {extract(word) + " != 0u", kRelation};
  if (type.isBF16())
    return {"bitcast<f32>(" + extract(word) + " << 16u)"};
  // Of an i32 the bits come sign-extended.
  return {extract("bitcast<i32>(" + word + ")")};
}

FailureOr<Expression> Printer::constant(arith::ConstantOp op) {
  if (op.getType().isInteger(1))
    return Expression{cast<BoolAttr>(op.getValue()).getValue() ? "true"
                                                               : "false"};
  if (auto attr = dyn_cast<IntegerAttr>(op.getValue())) {
    APInt value = attr.getValue();
    // Narrowing keeps the ends of the range what they are.
    if (value.getBitWidth() > 32 &&
        (value.isMaxSignedValue() || value.isMinSignedValue()))
      value = value.isNegative() ? APInt::getSignedMinValue(32)
                                 : APInt::getSignedMaxValue(32);
    if (!value.isSignedIntN(32)) {
      emitErrorNear(*op) << "the constant " << value.getSExtValue()
                         << " needs 64 bits; index and i64 have 32 in WGSL";
      return failure();
    }
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
  Value lhs = op.getLhs(), rhs = op.getRhs();
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
  // Booleans have no order: 0 and 1 do, and as signed numbers 0 and -1.
  bool isOrder = symbol.front() == '<' || symbol.front() == '>';
  if (lhs.getType().isInteger(1) && isOrder) {
    if (!isUnsigned)
      std::swap(lhs, rhs);
    isUnsigned = true;
  }
  if (!isUnsigned)
    return binary(symbol, kRelation, *op);
  return {asUnsigned(lhs) + " " + symbol.str() + " " + asUnsigned(rhs),
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

FailureOr<Expression> Printer::integerOp(Operation &op) {
  Type type = op.getResult(0).getType();
  // && and || do not mix without parentheses.
  auto logical = [&](StringRef symbol, Precedence precedence) {
    auto operand = [&](unsigned k) {
      Expression e = get(op.getOperand(k));
      return e.precedence == precedence || e.precedence >= kRelation
                 ? e.text
                 : "(" + e.text + ")";
    };
    return Expression{operand(0) + " " + symbol.str() + " " + operand(1),
                      precedence};
  };
  // On booleans, of which the true one is 1, or -1 where signed.
  if (type.isInteger(1))
    return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
        .Case<arith::AndIOp, arith::MulIOp, arith::MinUIOp, arith::MaxSIOp>(
            [&](auto) { return logical("&&", kAnd); })
        .Case<arith::OrIOp, arith::MaxUIOp, arith::MinSIOp>(
            [&](auto) { return logical("||", kOr); })
        .Case<arith::AddIOp, arith::SubIOp, arith::XOrIOp>([&](auto) {
          if (matchPattern(op.getOperand(1), m_One()))
            return Expression{"!" + get(op.getOperand(0)).at(kPrimary), kUnary};
          return binary("!=", kRelation, op);
        })
        .Default([](Operation *op) -> FailureOr<Expression> {
          return op->emitOpError("has no WGSL form on i1");
        });

  auto unsignedCall = [&](StringRef function) {
    return wrap(type,
                {"i32(" + function.str() + "(" + asUnsigned(op.getOperand(0)) +
                 ", " + asUnsigned(op.getOperand(1)) + "))"});
  };
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::AddIOp) { return wrap(type, binary("+", kSum, op)); })
      .Case([&](arith::SubIOp) { return wrap(type, binary("-", kSum, op)); })
      .Case(
          [&](arith::MulIOp) { return wrap(type, binary("*", kProduct, op)); })
      .Case([&](arith::DivSIOp) { return divide("/", op, false); })
      .Case([&](arith::DivUIOp) { return divide("/", op, true); })
      .Case([&](arith::RemSIOp) { return divide("%", op, false); })
      .Case([&](arith::RemUIOp) { return divide("%", op, true); })
      .Case([&](arith::MaxSIOp) { return call("max", op.getOperands()); })
      .Case([&](arith::MinSIOp) { return call("min", op.getOperands()); })
      .Case([&](arith::MaxUIOp) { return unsignedCall("max"); })
      .Case([&](arith::MinUIOp) { return unsignedCall("min"); })
      .Case([&](arith::AndIOp) { return binary("&", kBits, op); })
      .Case([&](arith::OrIOp) { return binary("|", kBits, op); })
      .Case([&](arith::XOrIOp) { return binary("^", kBits, op); })
      .Case([&](arith::ShLIOp) { return shift("<<", op); })
      .Case<arith::ShRSIOp, arith::ShRUIOp>(
          [&](auto) { return shift(">>", op); })
      .Case([&](math::AbsIOp) {
        return wrap(type, call("abs", op.getOperands()));
      })
      .Case([&](math::CtPopOp) {
        Value x = op.getOperand(0);
        // Of i64 what 32 bits hold, sign-extended.
        if (type.isInteger(64))
          return Expression{"i32(countOneBits(" + asUnsigned(x) +
                                ")) + select(0, 32, (" + get(x).text + ") < 0)",
                            kSum};
        return wrap(type, {"i32(countOneBits(" + asUnsigned(x) + "))"});
      })
      .Default([](Operation *op) -> FailureOr<Expression> {
        return op->emitOpError("has no WGSL form");
      });
}

// Long, because it is a table: a case an op.
FailureOr<Expression> Printer::expressionOf(Operation &op) {
  auto builtin = [&](Value id, StringRef vector) {
    StringRef dims[] = {"x", "y", "z"};
    auto dim = gpu::Dimension::x;
    TypeSwitch<Operation *>(&op)
        .Case<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp>(
            [&](auto op) { dim = op.getDimension(); });
    return Expression{"i32(" + vector.str() + "." +
                      dims[static_cast<unsigned>(dim)].str() + ")"};
  };
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::ConstantOp op) { return constant(op); })
      .Case([&](gpu::ThreadIdOp id) { return builtin(id, "local"); })
      .Case([&](gpu::BlockIdOp id) { return builtin(id, "group"); })
      .Case([&](gpu::GridDimOp id) { return builtin(id, "group_count"); })
      .Case([&](memref::LoadOp op) -> FailureOr<Expression> {
        Value base = op.getMemRef(), index = op.getIndices().front();
        if (auto view = base.getDefiningOp<memref::ReinterpretCastOp>())
          base = view.getSource();
        if (packed.contains(base))
          return loadPacked(base, index, op.getType());
        return Expression{access(op.getMemRef(), index)};
      })
      .Case([&](ub::PoisonOp op) -> FailureOr<Expression> {
        // Whatever it stands for, nobody may look.
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        return Expression{*type + "()"};
      })
      .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp,
            arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::MaxSIOp,
            arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp, arith::AndIOp,
            arith::OrIOp, arith::XOrIOp, arith::ShLIOp, arith::ShRSIOp,
            arith::ShRUIOp, math::AbsIOp, math::CtPopOp>(
          [&](auto) { return integerOp(op); })
      .Case([&](arith::AddFOp) { return binary("+", kSum, op); })
      .Case([&](arith::SubFOp) { return binary("-", kSum, op); })
      .Case([&](arith::MulFOp) { return binary("*", kProduct, op); })
      .Case([&](arith::DivFOp) { return binary("/", kProduct, op); })
      .Case([&](arith::RemFOp) { return binary("%", kProduct, op); })
      .Case<arith::MaxNumFOp, arith::MaximumFOp>(
          [&](auto) { return call("max", op.getOperands()); })
      .Case<arith::MinNumFOp, arith::MinimumFOp>(
          [&](auto) { return call("min", op.getOperands()); })
      .Case([&](arith::NegFOp op) {
        return Expression{"-" + get(op.getOperand()).at(kPrimary), kUnary};
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
      .Case([&](math::AbsFOp op) { return call("abs", op->getOperands()); })
      .Case<arith::IndexCastOp, arith::ExtSIOp>([&](auto op) {
        return resize(op.getIn(), op.getType(), /*isSigned=*/true);
      })
      .Case<arith::IndexCastUIOp, arith::ExtUIOp, arith::TruncIOp>(
          [&](auto op) {
            return resize(op.getIn(), op.getType(), /*isSigned=*/false);
          })
      .Case([&](arith::SIToFPOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        Expression number =
            resize(op.getIn(), IntegerType::get(op.getContext(), 32), true);
        return Expression{*type + "(" + number.text + ")"};
      })
      .Case([&](arith::UIToFPOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        return Expression{*type + "(" + asUnsigned(op.getIn()) + ")"};
      })
      .Case([&](arith::FPToSIOp op) -> FailureOr<Expression> {
        Expression number = call("i32", op->getOperands());
        if (op.getType().isInteger(1))
          return Expression{number.text + " != 0", kRelation};
        return wrap(op.getType(), number);
      })
      .Case([&](arith::FPToUIOp op) -> FailureOr<Expression> {
        Expression number = call("u32", op->getOperands());
        if (op.getType().isInteger(1))
          return Expression{number.text + " != 0u", kRelation};
        return wrap(op.getType(), {"i32(" + number.text + ")"});
      })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto op) -> FailureOr<Expression> {
            FailureOr<std::string> type = typeName(op, op.getType());
            if (failed(type))
              return failure();
            // Where bf16 is read it is an f32 already.
            if (op.getIn().getType().isBF16())
              return get(op.getIn());
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

LogicalResult attn::translateToWGSL(gpu::GPUModuleOp module, raw_ostream &os) {
  tile::TargetAttr target = tile::TargetAttr::lookup(module);
  int64_t most = target ? target.getStorageBuffers() : 0;
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
    int64_t numBuffers = llvm::count_if(kernel.getFunctionType().getInputs(),
                                        llvm::IsaPred<MemRefType>);
    if (most && numBuffers > most)
      return kernel.emitError("needs ")
             << numBuffers << " storage buffers, the limit is " << most
             << " (maxStorageBuffersPerShaderStage; storage_buffers of a "
                "tile.target for a device that binds more)";
    if (failed(printer.printKernel(kernel)))
      return failure();
  }
  os << text;
  return success();
}
