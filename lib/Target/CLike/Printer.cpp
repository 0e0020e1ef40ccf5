//===- Printer.cpp - GPU kernels in languages like C ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations and statements.
//
//===----------------------------------------------------------------------===//

#include "Printer.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn::clike;

Printer::~Printer() = default;

Printer::Printer(raw_ostream &os, StringRef name,
                 std::function<bool(StringRef)> isReserved)
    : os(os), language(name), names(std::move(isReserved)),
      statements([this](Operation *op) { return isRenaming(op); }) {}

LogicalResult Printer::printLocals(gpu::GPUFuncOp kernel) { return success(); }

std::optional<LogicalResult> Printer::printStatement(Operation &op) {
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

Accesses::Accesses(BlockArgument buffer) {
  for (Operation *view : buffer.getUsers())
    for (OpOperand &use : view->getUses()) {
      Operation *user = use.getOwner();
      isWritten |= isa<memref::StoreOp, memref::AtomicRMWOp, vector::StoreOp,
                       attn::kernel::StoreMatrixOp>(user);
      isRead |=
          isa<memref::LoadOp, vector::LoadOp, attn::kernel::LoadMatrixOp>(user);
    }
}

FailureOr<std::string> Printer::getTypeName(Operation *op, Type type) const {
  std::string name = spellType(type);
  if (!name.empty())
    return name;
  op->emitError() << language << " has no type for " << type
                  << "; attn-legalize-kernels makes kernels that it has";
  return failure();
}

std::string Printer::declareField(BlockArgument argument,
                                  llvm::StringSet<> &fields) const {
  std::string field =
      names.spell(getNameHint(argument.getLoc(), argument.getType()));
  if (names.isReservedWord(field) || !fields.insert(field).second) {
    StringRef between = field.back() == '_' ? "" : "_";
    field += (between + Twine(argument.getArgNumber())).str();
    fields.insert(field);
  }
  return field;
}

Printer::Arguments::Arguments(gpu::GPUFuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments().take_front(
           kernel.getFunctionType().getNumInputs()))
    (isa<MemRefType>(argument.getType()) ? buffers : scalars)
        .push_back(argument);
}

FailureOr<std::string> Printer::printParams(gpu::GPUFuncOp kernel,
                                            ArrayRef<BlockArgument> scalars,
                                            StringRef params) {
  std::string structName = kernel.getName().str() + "_params";
  structName.front() = llvm::toUpper(structName.front());
  structName = declare(structName, /*isGlobal=*/true);
  llvm::StringSet<> fields;
  os << "struct " << structName << " {\n";
  for (BlockArgument scalar : scalars) {
    Type type = scalar.getType();
    if (!type.isInteger(32) && !type.isF32())
      return kernel.emitError("a parameter of ")
             << language << " is i32 or f32, not " << type;
    std::string field = declareField(scalar, fields),
                comment = describe(kernel, scalar);
    os << "  " << spellField(spellType(type), field)
       << (comment.empty() ? "" : " // " + comment) << "\n";
    set(scalar, {params.str() + "." + field});
  }
  os << "}";
  return structName;
}

std::string Printer::describe(gpu::GPUFuncOp kernel, BlockArgument argument) {
  auto element = kernel.getArgAttrOfType<TypeAttr>(argument.getArgNumber(),
                                                   tile::kElementAttrName);
  if (!element)
    return "";
  Type type = element.getValue();
  // A boolean takes a byte.
  unsigned bits = std::max(type.getIntOrFloatBitWidth(), 8u);
  auto memory = dyn_cast<MemRefType>(argument.getType());
  StringRef how = bits == 64 ? "narrowed when bound"
                  : !memory  ? "extended when bound"
                  : memory.getElementTypeBitWidth() == bits ? "by its bits"
                  : type.isInteger(1) ? "a byte each, packed"
                                      : "packed";
  std::string text;
  llvm::raw_string_ostream(text) << type << ", " << how;
  return text;
}

LogicalResult Printer::declareBuffers(gpu::GPUFuncOp kernel,
                                      gpu::AddressSpace space) {
  bool isShared = space == gpu::AddressSpace::Workgroup;
  ArrayRef<BlockArgument> buffers = isShared ? kernel.getWorkgroupAttributions()
                                             : kernel.getPrivateAttributions();
  for (auto [k, buffer] : llvm::enumerate(buffers)) {
    if (buffer.use_empty())
      continue;
    auto type = cast<MemRefType>(buffer.getType());
    FailureOr<std::string> element = getTypeName(kernel, type.getElementType());
    if (failed(element))
      return failure();
    Attribute hint = isShared
                         ? kernel.getWorkgroupAttributionAttr(k, "attn.name")
                         : kernel.getPrivateAttributionAttr(k, "attn.name");
    auto named = dyn_cast_or_null<StringAttr>(hint);
    std::string name = declare(named ? named.getValue() : StringRef("buffer"),
                               /*isGlobal=*/depth == 0);
    set(buffer, {name});
    if (statements.isDeclaredByStore(buffer))
      continue;
    bool isScalar = type.getNumElements() == 1 && !isShared;
    line() << (isScalar ? spellVariable(*element, name)
                        : spellArray(*element, name, type.getNumElements(),
                                     isShared))
           << ";\n";
  }
  return success();
}

void Printer::printHeader(gpu::GPUFuncOp kernel, int64_t threads) {
  os << "// " << kernel.getName() << ": a workgroup of " << threads
     << " threads computes one tile of rows of one (batch, head).\n";
  if (auto summary = kernel->getAttrOfType<ArrayAttr>("attn.summary"))
    for (auto line : summary.getAsRange<StringAttr>())
      os << "// " << line.getValue() << "\n";
  os << "// Row statistics are f32, exponentials base 2, -1.5 * 2^126 stands "
        "for -infinity.\n\n";
}

LogicalResult Printer::printKernel(gpu::GPUFuncOp kernel) {
  std::optional<ArrayRef<int32_t>> size = kernel.getKnownBlockSize();
  if (!size)
    return kernel.emitError("the size of the workgroup is not known");
  printHeader(kernel, size->front());
  names.leaveAllScopes();
  names.enterScope();
  readsWhatItWrites = false;
  statements.findDeclarations(kernel);
  if (failed(printSignature(kernel)))
    return failure();
  os << " {\n";
  ++depth;
  if (failed(printLocals(kernel)) ||
      failed(declareBuffers(kernel, gpu::AddressSpace::Private)) ||
      failed(printBlock(kernel.getBody().front())))
    return failure();
  --depth;
  os << "}\n";
  return success();
}

//===----------------------------------------------------------------------===//
// Holes
//===----------------------------------------------------------------------===//

/// Whoever fills a hole knows its names: they stay as they are.
LogicalResult Printer::declareAs(func::FuncOp hole, StringRef name,
                                 bool isGlobal) {
  if (declare(name, isGlobal) == name)
    return success();
  return hole.emitError("a hole cannot call '")
         << name << "' what it does: the name is taken in " << language;
}

LogicalResult Printer::printHole(func::FuncOp hole) {
  names.leaveAllScopes();
  names.enterScope();
  FailureOr<std::string> result =
      getTypeName(hole, hole.getResultTypes().front());
  if (failed(result) || failed(declareAs(hole, hole.getName(), true)))
    return failure();
  SmallVector<Parameter> parameters;
  for (BlockArgument argument : hole.getArguments()) {
    auto name = hole.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                  kArgumentNameAttr);
    FailureOr<std::string> type = getTypeName(hole, argument.getType());
    if (failed(type) || failed(declareAs(hole, name, /*isGlobal=*/false)))
      return failure();
    set(argument, {name.str()});
    parameters.push_back({*type, name.str()});
  }
  os << "// The text between the marks may be replaced (docs/holes.md).\n"
     << spellHead(hole.getName(), parameters, *result) << " {\n  // <"
     << hole.getName() << ">\n";
  ++depth;
  Block &body = hole.getBody().front();
  if (failed(printBlock(body)))
    return failure();
  line() << "return " << get(body.getTerminator()->getOperand(0)).text << ";\n";
  --depth;
  os << "  // </" << hole.getName() << ">\n}\n\n";
  return success();
}

LogicalResult Printer::printModule(gpu::GPUModuleOp module) {
  if (failed(printHoles(module)))
    return failure();
  tile::TargetAttr target = tile::TargetAttr::lookup(module);
  int64_t most = target ? target.getStorageBuffers() : 0;
  bool isFirst = true;
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    if (!isFirst)
      os << "\n";
    isFirst = false;
    int64_t count = llvm::count_if(kernel.getFunctionType().getInputs(),
                                   llvm::IsaPred<MemRefType>);
    if (most && count > most)
      return refuseBuffers(kernel, count, most);
    if (failed(printKernel(kernel)))
      return failure();
  }
  return success();
}

LogicalResult Printer::printHoles(gpu::GPUModuleOp module) {
  for (auto hole : module.getOps<func::FuncOp>())
    if (failed(printHole(hole)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

LogicalResult Printer::printBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (statements.isNeeded(&op) && failed(printOp(op)))
      return failure();
  return success();
}

/// An element of a vector that has a name which nobody assigns to: where it is
/// used it is read from there.
bool Printer::isElementOfConstant(Operation &op) {
  auto extract = dyn_cast<vector::ExtractOp>(op);
  if (!extract || !isa<FloatType>(extract.getType()))
    return false;
  Operation *source = extract.getSource().getDefiningOp();
  return isa_and_nonnull<memref::LoadOp, vector::LoadOp, arith::ExtFOp>(
             source) &&
         !statements.isInline(source);
}

LogicalResult Printer::printOp(Operation &op) {
  if (std::optional<LogicalResult> printed = printStatement(op))
    return *printed;
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return printFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return printIf(branch);
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return printStore(store);
  if (auto barrier = dyn_cast<gpu::BarrierOp>(op)) {
    printBarrier(barrier);
    return success();
  }
  if (isRenaming(&op)) {
    set(op.getResult(0), get(op.getOperand(0)));
    return success();
  }
  if (isElementOfConstant(op)) {
    FailureOr<Expression> element = spell(op);
    if (succeeded(element))
      set(op.getResult(0), *element);
    return element;
  }
  return printValue(op);
}

/// The name of what `op` computes. Vectors are called after what they are
/// loaded from, unless they have a name of their own.
std::string Printer::getName(Operation &op) const {
  Value result = op.getResult(0);
  if (isa<VectorType>(result.getType()) && !isa<NameLoc>(op.getLoc())) {
    if (auto load = dyn_cast<vector::LoadOp>(op))
      return get(load.getBase()).text;
    if (auto load = dyn_cast<memref::LoadOp>(op))
      return get(load.getMemRef()).text;
  }
  return getNameHint(op.getLoc(), result.getType());
}

LogicalResult Printer::printValue(Operation &op) {
  FailureOr<Expression> expression = spell(op);
  if (failed(expression))
    return failure();
  Value result = op.getResult(0);
  // Long chains get names, or they would nest deeper than parsers go.
  constexpr size_t kLongestInline = 300;
  if (statements.isInline(&op) && expression->text.size() <= kLongestInline) {
    set(result, *expression);
    return success();
  }
  FailureOr<std::string> type = getTypeName(&op, result.getType());
  if (failed(type))
    return failure();
  std::string name = declare(getName(op));
  line() << spellConstant(*type, name) << " = " << expression->text << ";\n";
  set(result, {name});
  return success();
}

/// Assigns in parallel: a value that reads a variable assigned before it is
/// computed first.
void Printer::assign(ValueRange values, ArrayRef<std::string> variables) {
  SmallVector<std::string> texts;
  for (auto [k, value] : llvm::enumerate(values)) {
    texts.push_back(get(value).text);
    if (llvm::any_of(variables.take_front(k), [&](StringRef variable) {
          return mentions(texts.back(), variable);
        })) {
      std::string name = declare("next_" + variables[k]);
      line() << spellConstant(spellType(value.getType()), name) << " = "
             << texts.back() << ";\n";
      texts.back() = name;
    }
  }
  for (auto [text, variable] : llvm::zip(texts, variables))
    if (text != variable)
      line() << variable << " = " << text << ";\n";
}

/// A region in a scope of its own, with what it yields.
LogicalResult Printer::printRegion(Region &region,
                                   ArrayRef<std::string> results) {
  ++depth;
  names.enterScope();
  if (failed(printBlock(region.front())))
    return failure();
  assign(region.front().getTerminator()->getOperands(), results);
  names.leaveScope();
  --depth;
  return success();
}

LogicalResult Printer::printFor(scf::ForOp op) {
  SmallVector<std::string> variables;
  for (auto [arg, init, result] :
       llvm::zip(op.getRegionIterArgs(), op.getInitArgs(), op.getResults())) {
    FailureOr<std::string> type = getTypeName(op, arg.getType());
    if (failed(type))
      return failure();
    std::string name = declare(getNameHint(arg));
    line() << spellVariable(*type, name) << " = " << get(init).text << ";\n";
    set(arg, {name});
    set(result, {name});
    variables.push_back(name);
  }
  Value counter = op.getInductionVar();
  FailureOr<std::string> type = getTypeName(op, counter.getType());
  if (failed(type))
    return failure();
  names.enterScope();
  std::string k = declare(getNameHint(op.getLoc(), counter.getType()));
  set(counter, {k});
  line() << "for (" << spellInitialized(*type, k) << " = "
         << get(op.getLowerBound()).text << "; " << k << " < "
         << get(op.getUpperBound()).at(kSum) << "; " << k;
  if (isConstantIntValue(op.getStep(), 1))
    os << "++) {\n";
  else
    os << " += " << get(op.getStep()).text << ") {\n";
  if (failed(printRegion(op.getRegion(), variables)))
    return failure();
  names.leaveScope();
  line() << "}\n";
  return success();
}

/// Declares the variable of result `k`, which begins with what a constant else
/// branch yields.
FailureOr<std::string> Printer::declareResult(scf::IfOp op, unsigned k,
                                              bool startsWithElse) {
  Value result = op.getResult(k);
  FailureOr<std::string> type = getTypeName(op, result.getType());
  if (failed(type))
    return failure();
  std::string name = declare(getNameHint(result));
  line() << spellVariable(*type, name);
  if (startsWithElse) {
    auto init = op.elseYield().getOperand(k).getDefiningOp<arith::ConstantOp>();
    FailureOr<Expression> value = spell(*init);
    if (failed(value))
      return failure();
    os << " = " << value->text;
  }
  os << ";\n";
  set(result, {name});
  return name;
}

LogicalResult Printer::printIf(scf::IfOp op) {
  // Constants of the else branch become initial values.
  bool startsWithElse = op.getNumResults() &&
                        llvm::all_of(op.elseYield().getOperands(), [](Value v) {
                          return v.getDefiningOp<arith::ConstantOp>();
                        });
  SmallVector<std::string> variables;
  for (unsigned k = 0; k < op.getNumResults(); ++k) {
    FailureOr<std::string> name = declareResult(op, k, startsWithElse);
    if (failed(name))
      return failure();
    variables.push_back(*name);
  }
  auto isEmpty = [&](Region *region) {
    return region->empty() ||
           (region->front().without_terminator().empty() && variables.empty());
  };
  Region *thenRegion = &op.getThenRegion(), *elseRegion = &op.getElseRegion();
  Expression condition = get(op.getCondition());
  if (isEmpty(thenRegion) && !isEmpty(elseRegion)) {
    condition = {"!" + condition.at(kPrimary), kUnary};
    std::swap(thenRegion, elseRegion);
  }
  line() << "if (" << condition.text << ") {\n";
  if (failed(printRegion(*thenRegion, variables)))
    return failure();
  if (!startsWithElse && !isEmpty(elseRegion)) {
    line() << "} else {\n";
    if (failed(printRegion(*elseRegion, variables)))
      return failure();
  }
  line() << "}\n";
  return success();
}

LogicalResult Printer::printStore(memref::StoreOp op) {
  Expression value = get(op.getValue());
  if (!statements.declares(op)) {
    line() << access(op.getMemRef(), op.getIndices().front()) << " = "
           << value.text << ";\n";
    return success();
  }
  // The name is taken where the variable is in scope.
  FailureOr<std::string> type = getTypeName(op, op.getValue().getType());
  if (failed(type))
    return failure();
  std::string name = get(op.getMemRef()).text;
  line() << (statements.isConstant(op.getMemRef())
                 ? spellConstant(*type, name)
                 : spellInitialized(*type, name))
         << " = " << value.text << ";\n";
  return success();
}
