//===- TranslateToWGSL.cpp - GPU kernels to WGSL text ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the kernel normal form of docs/gpu-kernels.md, legal for the target
// (tile-verify-kernel-form). The printer decides names, what is written inline
// and where variables are declared; everything else was decided by passes, and
// what they left is refused.
//
//===----------------------------------------------------------------------===//

#include "TranslateToWGSL.h"
#include "ReservedWords.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
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
  LogicalResult printAtomic(memref::AtomicRMWOp op);
  LogicalResult assign(ValueRange values, ArrayRef<std::string> variables);
  raw_ostream &line() { return os.indent(2 * depth); }

  // Expressions.
  FailureOr<Expression> expressionOf(Operation &op);
  Expression get(Value value) { return expressions.lookup(value); }
  std::string access(Value memory, Value index);
  /// Whether the elements of the buffer behind `memory` are atomic.
  bool isAtomic(Value memory);
  Expression binary(StringRef symbol, Precedence precedence, Operation &op);
  Expression call(StringRef function, ValueRange operands);
  Expression divide(StringRef symbol, Operation &op);
  Expression shift(StringRef symbol, Operation &op);
  Expression unsignedOp(StringRef symbol, Operation &op);
  FailureOr<Expression> integerOp(Operation &op);
  FailureOr<Expression> castOp(Operation &op);
  /// The text of an integer as a u32.
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

/// memref.reinterpret_cast only renames its source: sizes are not printed. An
/// index, where an element lies, is an i32.
bool isRenaming(Operation *op) {
  return isa<memref::ReinterpretCastOp, arith::IndexCastOp>(op);
}

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
    if (isa<arith::IndexCastOp>(user)) {
      llvm::append_range(uses, getNeededUses(user->getResult(0)));
      continue;
    }
    auto view = dyn_cast<memref::ReinterpretCastOp>(user);
    // An offset is added to every index; sizes are not printed.
    if (view && use.getOperandNumber() > 0 &&
        !llvm::is_contained(view.getOffsets(), value))
      continue;
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
        isa<gpu::ThreadIdOp>(op))
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
  if (type.isF32())
    return std::string("f32");
  if (type.isF16())
    return std::string("f16");
  if (type.isInteger(1))
    return std::string("bool");
  if (type.isIndex() || type.isInteger(32))
    return std::string("i32");
  if (auto pair = dyn_cast<VectorType>(type);
      pair && pair.getNumElements() == 2 && pair.getElementType().isInteger(32))
    return std::string("vec2<i32>");
  op->emitError("WGSL has no type for ")
      << type << "; attn-legalize-kernels makes kernels that it has";
  return failure();
}

/// What a launcher must know of a parameter that is not what the program has.
std::string describe(gpu::GPUFuncOp kernel, BlockArgument argument) {
  auto element = kernel.getArgAttrOfType<TypeAttr>(argument.getArgNumber(),
                                                   "tile.element");
  if (!element)
    return "";
  Type type = element.getValue();
  std::string text;
  llvm::raw_string_ostream os(text);
  if (type.getIntOrFloatBitWidth() == 64)
    os << " // " << type << ", narrowed when bound";
  else if (isa<MemRefType>(argument.getType()))
    os << " // " << type
       << (type.isInteger(1) ? ", a byte each, packed"
           : type.isF32()    ? ", by its bits"
                             : ", packed");
  return text;
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
            llvm::any_of(user->getUsers(),
                         llvm::IsaPred<memref::StoreOp, memref::AtomicRMWOp>);
        isRead |= llvm::any_of(user->getUsers(), llvm::IsaPred<memref::LoadOp>);
      }
    readsWhatItWrites |= isWritten && isRead;
    FailureOr<std::string> element = typeName(kernel, memory.getElementType());
    if (failed(element))
      return failure();
    if (isAtomic(arg))
      element = "atomic<" + *element + ">";
    std::string name = uniqueName(nameHint(arg.getLoc(), memory), true);
    os << llvm::formatv("@group(0) @binding({0}) var<storage, {1}> {2}: "
                        "array<{3}>;{4}\n",
                        binding++, isWritten ? "read_write" : "read", name,
                        *element, describe(kernel, arg));
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
    Type type = arg.getType();
    if (!type.isInteger(32) && !type.isF32())
      return kernel.emitError("a parameter of WGSL is i32 or f32, not ")
             << type;
    std::string field = toIdentifier(nameHint(arg.getLoc(), type));
    if (isReserved(field) || !fields.insert(field).second)
      fields.insert(field += "_" + std::to_string(arg.getArgNumber()));
    os << "  " << field << ": " << (type.isF32() ? "f32" : "i32") << ","
       << describe(kernel, arg) << "\n";
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
  if (auto atomic = dyn_cast<memref::AtomicRMWOp>(op))
    return printAtomic(atomic);
  if (isa<gpu::BarrierOp>(op)) {
    if (readsWhatItWrites)
      line() << "storageBarrier();\n";
    line() << "workgroupBarrier();\n";
    return success();
  }
  if (isRenaming(&op)) {
    expressions[op.getResult(0)] = get(op.getOperand(0));
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
  // A word of a pair mentions the pair, a field of the parameters does not.
  auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos;
       at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((at == 0 || !(isWord(text[at - 1]) || text[at - 1] == '.')) &&
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
  std::string element = access(op.getMemRef(), op.getIndices().front());
  if (isAtomic(op.getMemRef()))
    line() << "atomicStore(&" << element << ", " << value.text << ");\n";
  else
    line() << element << " = " << value.text << ";\n";
  return success();
}

/// What elements of a word take (tile-pack-elements): nobody reads the result.
LogicalResult Printer::printAtomic(memref::AtomicRMWOp op) {
  StringRef function = op.getKind() == arith::AtomicRMWKind::andi  ? "atomicAnd"
                       : op.getKind() == arith::AtomicRMWKind::ori ? "atomicOr"
                                                                   : "";
  if (function.empty() || !op.use_empty())
    return op.emitOpError("has no WGSL form");
  line() << function << "(&" << access(op.getMemref(), op.getIndices().front())
         << ", " << get(op.getValue()).text << ");\n";
  return success();
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

bool Printer::isAtomic(Value memory) {
  if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
    memory = view.getSource();
  return llvm::any_of(memory.getUsers(), [](Operation *view) {
    return llvm::any_of(view->getUsers(), llvm::IsaPred<memref::AtomicRMWOp>);
  });
}

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
    return std::to_string(constant.getZExtValue()) + "u";
  return "u32(" + get(value).text + ")";
}

/// An operator on numbers without sign.
Expression Printer::unsignedOp(StringRef symbol, Operation &op) {
  return {"i32(" + asUnsigned(op.getOperand(0)) + " " + symbol.str() + " " +
          asUnsigned(op.getOperand(1)) + ")"};
}

/// A quotient or remainder. The language defines those by 0 and of the least
/// integer by -1, but for literals.
Expression Printer::divide(StringRef symbol, Operation &op) {
  if (matchPattern(op.getOperand(1), m_Zero()))
    return symbol == "/" ? get(op.getOperand(0)) : Expression{"0"};
  if (isa<arith::DivUIOp, arith::RemUIOp>(op))
    return unsignedOp(symbol, op);
  return binary(symbol, kProduct, op);
}

/// Amounts are less than 32 (attn-make-total).
Expression Printer::shift(StringRef symbol, Operation &op) {
  if (isa<arith::ShRUIOp>(op))
    return unsignedOp(symbol, op);
  return {get(op.getOperand(0)).at(kUnary) + " " + symbol.str() + " " +
              asUnsigned(op.getOperand(1)),
          kBits};
}

FailureOr<Expression> Printer::constant(arith::ConstantOp op) {
  if (op.getType().isInteger(1))
    return Expression{cast<BoolAttr>(op.getValue()).getValue() ? "true"
                                                               : "false"};
  if (auto attr = dyn_cast<IntegerAttr>(op.getValue())) {
    APInt value = attr.getValue();
    if (!value.isSignedIntN(32))
      return op.emitError("WGSL has no constant ") << attr;
    std::string text = std::to_string(value.getSExtValue());
    return Expression{text, value.isNegative() ? kUnary : kPrimary};
  }
  if (auto pair = dyn_cast<DenseIntElementsAttr>(op.getValue())) {
    FailureOr<std::string> type = typeName(op, op.getType());
    if (failed(type))
      return failure();
    auto words = llvm::to_vector(pair.getValues<int32_t>());
    return Expression{
        llvm::formatv("{0}({1}, {2})", *type, words.front(), words.back())};
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
  if (type.isInteger(1))
    return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
        .Case([&](arith::AndIOp) { return logical("&&", kAnd); })
        .Case([&](arith::OrIOp) { return logical("||", kOr); })
        .Case([&](arith::XOrIOp) {
          if (matchPattern(op.getOperand(1), m_One()))
            return Expression{"!" + get(op.getOperand(0)).at(kPrimary), kUnary};
          return binary("!=", kRelation, op);
        })
        .Default([](Operation *op) -> FailureOr<Expression> {
          return op->emitOpError("has no WGSL form on i1");
        });

  auto unsignedCall = [&](StringRef function) -> Expression {
    return {"i32(" + function.str() + "(" + asUnsigned(op.getOperand(0)) +
            ", " + asUnsigned(op.getOperand(1)) + "))"};
  };
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::AddIOp) { return binary("+", kSum, op); })
      .Case([&](arith::SubIOp) { return binary("-", kSum, op); })
      .Case([&](arith::MulIOp) { return binary("*", kProduct, op); })
      .Case<arith::DivSIOp, arith::DivUIOp>(
          [&](auto) { return divide("/", op); })
      .Case<arith::RemSIOp, arith::RemUIOp>(
          [&](auto) { return divide("%", op); })
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
      .Case([&](math::AbsIOp) { return call("abs", op.getOperands()); })
      .Case([&](math::CtPopOp) {
        return Expression{"i32(countOneBits(" + asUnsigned(op.getOperand(0)) +
                          "))"};
      })
      .Default([](Operation *op) -> FailureOr<Expression> {
        return op->emitOpError("has no WGSL form");
      });
}

FailureOr<Expression> Printer::castOp(Operation &op) {
  Value from = op.getOperand(0);
  FailureOr<std::string> type = typeName(&op, op.getResult(0).getType());
  if (failed(type))
    return failure();
  auto is = [&](Type operand, Type result) {
    return from.getType() == operand && op.getResult(0).getType() == result;
  };
  OpBuilder b(op.getContext());
  Type i1 = b.getI1Type(), i32 = b.getI32Type();
  bool isFloat = isa<FloatType>(from.getType());
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case<arith::ExtSIOp, arith::ExtUIOp>(
          [&](auto cast) -> FailureOr<Expression> {
            if (!is(i1, i32))
              return cast.emitOpError("has no WGSL form");
            StringRef yes = isa<arith::ExtSIOp>(op) ? "-1" : "1";
            return Expression{"i32(select(0, " + yes.str() + ", " +
                              get(from).text + "))"};
          })
      .Case([&](arith::TruncIOp cast) -> FailureOr<Expression> {
        if (!is(i32, i1))
          return cast.emitOpError("has no WGSL form");
        return Expression{"(" + get(from).at(kUnary) + " & 1) != 0", kRelation};
      })
      .Case([&](arith::UIToFPOp) {
        return Expression{*type + "(" + asUnsigned(from) + ")"};
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([&](auto) {
        bool isSigned = isa<arith::FPToSIOp>(op);
        Expression number = call(isSigned ? "i32" : "u32", from);
        if (op.getResult(0).getType() == i1)
          return Expression{number.text + (isSigned ? " != 0" : " != 0u"),
                            kRelation};
        return isSigned ? number : Expression{"i32(" + number.text + ")"};
      })
      .Case([&](arith::BitcastOp) {
        return call("bitcast<" + *type + ">", from);
      })
      .Default([&](Operation *) -> FailureOr<Expression> {
        // Between floats, and of an i32 or a bool.
        if (isFloat || from.getType() == i32)
          return call(*type, from);
        return Expression{*type + "(select(0, -1, " + get(from).text + "))"};
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
        std::string element = access(op.getMemRef(), op.getIndices().front());
        return Expression{isAtomic(op.getMemRef())
                              ? "atomicLoad(&" + element + ")"
                              : element};
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
      .Case<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::SIToFPOp,
            arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp, arith::ExtFOp,
            arith::TruncFOp, arith::BitcastOp>([&](auto) { return castOp(op); })
      .Case([&](vector::ExtractOp op) -> FailureOr<Expression> {
        if (!op.getType().isInteger(32) || op.hasDynamicPosition())
          return op.emitOpError("has no WGSL form");
        return Expression{get(op.getSource()).at(kPrimary) +
                          (op.getStaticPosition().front() ? ".y" : ".x")};
      })
      .Case([&](vector::FromElementsOp op) -> FailureOr<Expression> {
        FailureOr<std::string> type = typeName(op, op.getType());
        if (failed(type))
          return failure();
        return call(*type, op.getElements());
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
