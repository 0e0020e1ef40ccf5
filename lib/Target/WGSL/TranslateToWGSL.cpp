//===- TranslateToWGSL.cpp - GPU kernels to WGSL text ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What WGSL says otherwise than its relatives: declarations with the type
// behind, bindings, casts by select, elements that are atomic.
//
//===----------------------------------------------------------------------===//

#include "TranslateToWGSL.h"
#include "../CLike/Printer.h"
#include "WGSLReservedWords.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn::clike;

/// Words of the language, and the parameters of every kernel.
static bool isReserved(StringRef name) {
  return attn::isReservedInWGSL(name) || name == "local" || name == "group" ||
         name == "group_count" || name == "subgroup_size" ||
         name == "subgroup_lane";
}

template <typename... Ops> static bool contains(Operation *root) {
  return root
      ->walk([](Operation *op) {
        return isa<Ops...>(op) ? WalkResult::interrupt()
                               : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether what is printed asks about the subgroup of a thread.
static bool usesSubgroups(Operation *root) {
  return contains<gpu::SubgroupIdOp, gpu::SubgroupSizeOp, gpu::LaneIdOp,
                  gpu::ShuffleOp>(root);
}

/// Matrices of Chromium's extension.
static bool usesMatrices(Operation *root) {
  return contains<attn::kernel::LoadMatrixOp, attn::kernel::StoreMatrixOp>(
      root);
}

namespace {
class WGSLPrinter final : public Printer {
public:
  explicit WGSLPrinter(raw_ostream &os) : Printer(os, "WGSL", isReserved) {}

private:
  std::string spellType(Type type) const override;
  std::string spellConstant(StringRef type, StringRef name) const override {
    return "let " + name.str();
  }
  std::string spellVariable(StringRef type, StringRef name) const override {
    return ("var " + name + ": " + type).str();
  }
  std::string spellInitialized(StringRef type, StringRef name) const override {
    return "var " + name.str();
  }
  std::string spellArray(StringRef type, StringRef name, int64_t count,
                         bool isShared) const override {
    return llvm::formatv("var{0} {1}: array<{2}, {3}>",
                         isShared ? "<workgroup>" : "", name, type, count);
  }

  std::string spellField(StringRef type, StringRef name) const override {
    return (name + ": " + type + ",").str();
  }

  std::string spellHead(StringRef name, ArrayRef<Parameter> parameters,
                        StringRef result) const override;
  LogicalResult refuseBuffers(gpu::GPUFuncOp kernel, int64_t count,
                              int64_t most) const override;
  LogicalResult printSignature(gpu::GPUFuncOp kernel) override;
  LogicalResult declareBuffer(gpu::GPUFuncOp kernel, BlockArgument buffer,
                              unsigned binding);
  void printBarrier(gpu::BarrierOp op) override;
  std::optional<LogicalResult> printStatement(Operation &op) override;
  LogicalResult printAtomic(memref::AtomicRMWOp op);
  LogicalResult printMatrix(Operation &op);
  std::string spellMove(Value memory, Value index) const;

  std::optional<FailureOr<Expression>> spellOwn(Operation &op) override;
  StringRef spellFunction(Operation &op) const override;
  std::string spellInteger(const APInt &value, Type type) const override {
    return value.isSignedIntN(32) ? std::to_string(value.getSExtValue()) : "";
  }
  std::string spellFloat(const APFloat &value, Type type) const override;
  FailureOr<Expression> spellCast(Operation &op, StringRef type) override;
  Expression spellSelect(arith::SelectOp op) override {
    return call("select",
                {op.getFalseValue(), op.getTrueValue(), op.getCondition()});
  }
  /// Integers wrap.
  Expression spellArithmetic(StringRef symbol, Precedence precedence,
                             Operation &op) override {
    return isa<arith::ShLIOp>(op) ? shift(symbol, op)
                                  : binary(symbol, precedence, op);
  }
  std::string spellUnsigned(Value value) override;
  /// A view only renames its source: sizes are not printed. An index, where an
  /// element lies, is an i32.
  bool isRenaming(Operation *op) const override {
    return isa<memref::ReinterpretCastOp, arith::IndexCastOp>(op);
  }

  /// Functions that read four neighbours of a buffer.
  llvm::DenseMap<Value, std::string> readers;
};
} // namespace

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

/// Columns go before rows.
static std::string spellMatrixType(attn::kernel::MatrixType type) {
  static constexpr StringLiteral uses[] = {"left", "right", "result"};
  StringRef use = uses[type.getUse() == attn::tile::FragmentUse::A   ? 0
                       : type.getUse() == attn::tile::FragmentUse::B ? 1
                                                                     : 2];
  StringRef element = type.getElementType().isF32()   ? "f32"
                      : type.getElementType().isF16() ? "f16"
                                                      : "";
  return element.empty()
             ? ""
             : llvm::formatv("subgroup_matrix_{0}<{1}, {2}, {3}>", use, element,
                             type.getCols(), type.getRows())
                   .str();
}

std::string WGSLPrinter::spellType(Type type) const {
  if (auto matrix = dyn_cast<attn::kernel::MatrixType>(type))
    return spellMatrixType(matrix);
  if (type.isF32())
    return "f32";
  if (type.isF16())
    return "f16";
  if (type.isInteger(1))
    return "bool";
  if (type.isIndex() || type.isInteger(32))
    return "i32";
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || vector.getRank() != 1)
    return "";
  Type element = vector.getElementType();
  int64_t count = vector.getNumElements();
  bool isKnown = count == 2
                     ? element.isInteger(32)
                     : count == 4 && (element.isF32() || element.isF16());
  return isKnown ? llvm::formatv("vec{0}<{1}>", count, spellType(element)).str()
                 : "";
}

/// Whether elements of the buffer behind `memory` are atomic.
static bool isAtomic(Value memory) {
  if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
    memory = view.getSource();
  return llvm::any_of(memory.getUsers(), [](Operation *view) {
    return llvm::any_of(view->getUsers(), llvm::IsaPred<memref::AtomicRMWOp>);
  });
}

LogicalResult WGSLPrinter::declareBuffer(gpu::GPUFuncOp kernel,
                                         BlockArgument buffer,
                                         unsigned binding) {
  auto memory = cast<MemRefType>(buffer.getType());
  Accesses accesses(buffer);
  readsWhatItWrites |= accesses.isWritten && accesses.isRead;
  FailureOr<std::string> element = getTypeName(kernel, memory.getElementType());
  if (failed(element))
    return failure();
  if (isAtomic(buffer))
    element = "atomic<" + *element + ">";
  std::string name = declare(getNameHint(buffer.getLoc(), memory), true);
  std::string comment = describe(kernel, buffer);
  os << llvm::formatv("@group(0) @binding({0}) var<storage, {1}> {2}: "
                      "array<{3}>;{4}\n",
                      binding, accesses.isWritten ? "read_write" : "read", name,
                      *element, comment.empty() ? "" : " // " + comment);
  set(buffer, {name});
  bool isInVectors = llvm::any_of(buffer.getUsers(), [](Operation *view) {
    return llvm::any_of(view->getUsers(), llvm::IsaPred<vector::LoadOp>);
  });
  if (!isInVectors)
    return success();
  // runtime/web knows this text: where rows begin at multiples of four, the
  // buffer is one of vectors, and so are both parts of a place.
  std::string reader = declare("read_" + name, true);
  readers[buffer] = reader;
  os << llvm::formatv(
      "fn {0}(base: i32, at: i32) -> vec4<{1}> {{ let n = base + at; return "
      "vec4<{1}>({2}[n], {2}[n + 1], {2}[n + 2], {2}[n + 3]); }\n",
      reader, *element, name);
  return success();
}

std::string WGSLPrinter::spellHead(StringRef name,
                                   ArrayRef<Parameter> parameters,
                                   StringRef result) const {
  std::string text;
  for (const auto &[type, parameter] : parameters)
    text += (text.empty() ? "" : ", ") + parameter + ": " + type;
  return llvm::formatv("fn {0}({1}) -> {2}", name, text, result);
}

LogicalResult WGSLPrinter::refuseBuffers(gpu::GPUFuncOp kernel, int64_t count,
                                         int64_t most) const {
  std::string names;
  for (BlockArgument argument : kernel.getArguments().take_front(
           kernel.getFunctionType().getNumInputs()))
    if (auto name = dyn_cast<NameLoc>(argument.getLoc());
        name && isa<MemRefType>(argument.getType()))
      names += (names.empty() ? "; it binds " : ", ") + name.getName().str();
  return kernel.emitError("needs ")
         << count << " storage buffers, the limit is " << most
         << " (maxStorageBuffersPerShaderStage; storage_buffers of a "
            "tile.target for a device that binds more)"
         << names;
}

LogicalResult WGSLPrinter::printSignature(gpu::GPUFuncOp kernel) {
  Arguments arguments(kernel);
  for (auto [binding, buffer] : llvm::enumerate(arguments.buffers))
    if (failed(declareBuffer(kernel, buffer, binding)))
      return failure();
  if (!arguments.scalars.empty()) {
    std::string params = declare("params", /*isGlobal=*/true);
    os << "\n";
    FailureOr<std::string> type =
        printParams(kernel, arguments.scalars, params);
    if (failed(type))
      return failure();
    os << llvm::formatv("\n@group(0) @binding({0}) var<uniform> {1}: {2};\n",
                        arguments.buffers.size(), params, *type);
  }
  os << "\n";
  if (failed(declareBuffers(kernel, gpu::AddressSpace::Workgroup)))
    return failure();
  os << llvm::formatv("\n@compute @workgroup_size({0})\nfn {1}(\n",
                      kernel.getKnownBlockSize()->front(),
                      declare(kernel.getName(), true));
  os << "  @builtin(local_invocation_id) local: vec3<u32>,\n"
     << "  @builtin(workgroup_id) group: vec3<u32>,\n";
  bool usesGrid =
      kernel.walk([](gpu::GridDimOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (usesGrid)
    os << "  @builtin(num_workgroups) group_count: vec3<u32>,\n";
  if (usesSubgroups(kernel))
    os << "  @builtin(subgroup_size) subgroup_size: u32,\n"
       << "  @builtin(subgroup_invocation_id) subgroup_lane: u32,\n";
  os << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void WGSLPrinter::printBarrier(gpu::BarrierOp op) {
  if (readsWhatItWrites)
    line() << "storageBarrier();\n";
  line() << "workgroupBarrier();\n";
}

std::optional<LogicalResult> WGSLPrinter::printStatement(Operation &op) {
  if (auto atomic = dyn_cast<memref::AtomicRMWOp>(op))
    return printAtomic(atomic);
  if (isa<attn::kernel::LoadMatrixOp, attn::kernel::StoreMatrixOp,
          attn::kernel::MultiplyMatricesOp>(op))
    return printMatrix(op);
  auto store = dyn_cast<memref::StoreOp>(op);
  if (!store || !isAtomic(store.getMemRef()))
    return std::nullopt;
  line() << "atomicStore(&"
         << access(store.getMemRef(), store.getIndices().front()) << ", "
         << get(store.getValue()).text << ");\n";
  return success();
}

/// What elements of a word take (tile-pack-elements): nobody reads the result.
LogicalResult WGSLPrinter::printAtomic(memref::AtomicRMWOp op) {
  StringRef function = op.getKind() == arith::AtomicRMWKind::andi  ? "atomicAnd"
                       : op.getKind() == arith::AtomicRMWKind::ori ? "atomicOr"
                                                                   : "";
  if (function.empty() || !op.use_empty())
    return refuse(*op);
  line() << function << "(&" << access(op.getMemref(), op.getIndices().front())
         << ", " << get(op.getValue()).text << ");\n";
  return success();
}

/// Where a matrix begins in memory.
std::string WGSLPrinter::spellMove(Value memory, Value index) const {
  return "(&" + get(memory).text + ", u32(" +
         spellPosition(memory, index).text + ")";
}

/// A line each: calls of them do not nest.
LogicalResult WGSLPrinter::printMatrix(Operation &op) {
  auto order = [](bool transposed) -> StringRef {
    return transposed ? "col_major" : "row_major";
  };
  if (auto store = dyn_cast<attn::kernel::StoreMatrixOp>(op)) {
    line() << llvm::formatv("subgroupMatrixStore<{0}>{1}, {2}, {3}u);\n",
                            order(store.getTransposed()),
                            spellMove(store.getMemory(), store.getIndex()),
                            get(store.getMatrix()).text, store.getStride());
    return success();
  }
  Value matrix = op.getResult(0);
  FailureOr<std::string> type = getTypeName(&op, matrix.getType());
  if (failed(type))
    return failure();
  std::string text;
  if (auto load = dyn_cast<attn::kernel::LoadMatrixOp>(op)) {
    text = llvm::formatv("subgroupMatrixLoad<{0}, {1}>{2}, {3}u)", *type,
                         order(load.getTransposed()),
                         spellMove(load.getMemory(), load.getIndex()),
                         load.getStride());
  } else {
    auto product = cast<attn::kernel::MultiplyMatricesOp>(op);
    text = call("subgroupMatrixMultiplyAccumulate",
                {product.getA(), product.getB(), product.getAcc()})
               .text;
  }
  std::string name = declare(getNameHint(op.getLoc(), matrix.getType()));
  line() << spellConstant(*type, name) << " = " << text << ";\n";
  set(matrix, {name});
  return success();
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

StringRef WGSLPrinter::spellFunction(Operation &op) const {
  return TypeSwitch<Operation *, StringRef>(&op)
      .Case([](math::AbsFOp) { return "abs"; })
      .Case([](math::RoundEvenOp) { return "round"; })
      .Case([](math::RsqrtOp) { return "inverseSqrt"; })
      .Case([](math::CtPopOp) { return "countOneBits"; })
      .Default([&](Operation *op) { return Printer::spellFunction(*op); });
}

std::string WGSLPrinter::spellUnsigned(Value value) {
  APInt constant;
  // A conversion of a negative literal would be out of range.
  if (matchPattern(value, m_ConstantInt(&constant)))
    return std::to_string(constant.getZExtValue()) + "u";
  return "u32(" + get(value).text + ")";
}

std::string WGSLPrinter::spellFloat(const APFloat &value, Type type) const {
  std::string text = toDecimal(value);
  bool isHex = abs(value).convertToDouble() > 1e30;
  if (isHex) {
    char buffer[64];
    value.convertToHexString(buffer, 0, /*upperCase=*/false,
                             APFloat::rmNearestTiesToEven);
    text = buffer;
  }
  if (type.isF16())
    return text + "h";
  return isHex ? text : text + "f";
}

FailureOr<Expression> WGSLPrinter::spellCast(Operation &op, StringRef type) {
  Value from = op.getOperand(0);
  auto is = [&](unsigned operand, unsigned result) {
    return from.getType().isInteger(operand) &&
           op.getResult(0).getType().isInteger(result);
  };
  auto toFlag = [&](StringRef yes) {
    return Expression{type.str() + "(select(0, " + yes.str() + ", " +
                      get(from).text + "))"};
  };
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case(
          [&](arith::ExtSIOp) { return is(1, 32) ? toFlag("-1") : refuse(op); })
      .Case(
          [&](arith::ExtUIOp) { return is(1, 32) ? toFlag("1") : refuse(op); })
      .Case([&](arith::TruncIOp) -> FailureOr<Expression> {
        if (!is(32, 1))
          return refuse(op);
        return Expression{"(" + get(from).at(kUnary) + " & 1) != 0", kRelation};
      })
      .Case([&](arith::UIToFPOp) {
        return Expression{type.str() + "(" + spellUnsigned(from) + ")"};
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([&](auto) {
        bool isSigned = isa<arith::FPToSIOp>(op);
        Expression number = call(isSigned ? "i32" : "u32", from);
        if (op.getResult(0).getType().isInteger(1))
          return Expression{number.text + (isSigned ? " != 0" : " != 0u"),
                            kRelation};
        return isSigned ? number : Expression{"i32(" + number.text + ")"};
      })
      .Case([&](arith::BitcastOp) {
        return call("bitcast<" + type.str() + ">", from);
      })
      .Default([&](Operation *) -> FailureOr<Expression> {
        // Between floats, and of an i32 or a bool.
        if (from.getType().isInteger(1))
          return toFlag("-1");
        return call(type, from);
      });
}

/// Whether a flag decides which way a kernel goes, alone or with others.
static bool decidesBranch(Operation &op) {
  return llvm::any_of(op.getUsers(), [](Operation *user) {
    return isa<scf::IfOp>(user) ||
           (isa<arith::AndIOp, arith::OrIOp>(user) && decidesBranch(*user));
  });
}

std::optional<FailureOr<Expression>> WGSLPrinter::spellOwn(Operation &op) {
  using Result = std::optional<FailureOr<Expression>>;
  auto construct = [&](ValueRange elements) -> Result {
    FailureOr<std::string> type = getTypeName(&op, op.getResult(0).getType());
    if (failed(type))
      return FailureOr<Expression>(failure());
    return elements.empty() ? Expression{*type + "()"} : call(*type, elements);
  };
  return TypeSwitch<Operation *, Result>(&op)
      .Case([&](memref::LoadOp op) -> Result {
        if (!isAtomic(op.getMemRef()))
          return std::nullopt;
        return Expression{"atomicLoad(&" +
                          access(op.getMemRef(), op.getIndices().front()) +
                          ")"};
      })
      .Case([&](vector::LoadOp op) -> Result {
        auto view = op.getBase().getDefiningOp<memref::ReinterpretCastOp>();
        auto buffer =
            view ? dyn_cast<BlockArgument>(view.getSource()) : BlockArgument();
        auto reader = readers.find(buffer);
        if (reader == readers.end())
          return FailureOr<Expression>(refuse(*op));
        std::string from = view.getOffsets().empty()
                               ? std::to_string(view.getStaticOffsets().front())
                               : get(view.getOffsets().front()).text;
        return Expression{reader->second + "(" + from + ", " +
                          get(op.getIndices().front()).text + ")"};
      })
      // A workgroup has one dimension, which subgroups divide in order.
      .Case([&](gpu::SubgroupIdOp) {
        return Expression{"i32(local.x / subgroup_size)"};
      })
      .Case(
          [&](gpu::SubgroupSizeOp) { return Expression{"i32(subgroup_size)"}; })
      .Case([&](gpu::LaneIdOp) { return Expression{"i32(subgroup_lane)"}; })
      .Case([&](gpu::ShuffleOp op) {
        bool isXor = op.getMode() == gpu::ShuffleMode::XOR;
        return Expression{(isXor ? "subgroupShuffleXor(" : "subgroupShuffle(") +
                          get(op.getValue()).at(kBits) + ", " +
                          spellUnsigned(op.getOffset()) + ")"};
      })
      .Case([&](attn::kernel::FillMatrixOp op) -> Result {
        std::string type = spellType(op.getType());
        if (type.empty())
          return FailureOr<Expression>(refuse(*op));
        bool isZero = matchPattern(op.getValue(), m_AnyZeroFloat());
        return Expression{type + "(" + (isZero ? "" : get(op.getValue()).text) +
                          ")"};
      })
      .Case([&](attn::kernel::UniformLoadOp op) {
        return Expression{"workgroupUniformLoad(&" +
                          access(op.getMemory(), op.getIndex()) + ")"};
      })
      // && and || are branches to compilers, which take long over many.
      .Case<arith::AndIOp, arith::OrIOp>([&](auto flags) -> Result {
        if (!flags.getType().isInteger(1) || decidesBranch(op))
          return std::nullopt;
        return binary(isa<arith::AndIOp>(op) ? "&" : "|", kBits, op);
      })
      // Whatever it stands for, nobody may look.
      .Case([&](ub::PoisonOp) { return construct({}); })
      .Case([&](arith::ConstantOp op) -> Result {
        auto floats = dyn_cast<DenseFPElementsAttr>(op.getValue());
        if (floats && floats.isSplat() && !spellType(op.getType()).empty())
          return Expression{
              llvm::formatv("{0}({1})", spellType(op.getType()),
                            spellFloat(floats.getSplatValue<APFloat>(),
                                       floats.getElementType()))};
        auto pair = dyn_cast<DenseIntElementsAttr>(op.getValue());
        if (!pair || spellType(op.getType()).empty())
          return std::nullopt;
        auto words = llvm::to_vector(pair.getValues<int32_t>());
        return Expression{llvm::formatv("{0}({1}, {2})",
                                        spellType(op.getType()), words.front(),
                                        words.back())};
      })
      .Case([&](arith::RemFOp) -> Result { return binary("%", kProduct, op); })
      .Case([&](vector::ExtractOp op) -> Result {
        static constexpr StringLiteral names[] = {".x", ".y", ".z", ".w"};
        if (op.hasDynamicPosition() ||
            !isa<IntegerType, FloatType>(op.getType()))
          return refuse(*op);
        return Expression{get(op.getSource()).at(kPrimary) +
                          names[op.getStaticPosition().front()].str()};
      })
      .Case([&](vector::FromElementsOp op) {
        return construct(op.getElements());
      })
      .Case([&](vector::BroadcastOp op) { return construct(op.getSource()); })
      .Default([](Operation *) { return std::nullopt; });
}

/// True if the kernel computes with f16.
static bool usesHalf(gpu::GPUModuleOp module) {
  auto isHalf = [](Type type) {
    if (auto matrix = dyn_cast<attn::kernel::MatrixType>(type))
      return matrix.getElementType().isF16();
    return getElementTypeOrSelf(type).isF16();
  };
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

LogicalResult attn::translateToWGSL(gpu::GPUModuleOp module, raw_ostream &os) {
  std::string text;
  llvm::raw_string_ostream buffer(text);
  if (usesHalf(module))
    buffer << "enable f16;\n";
  bool hasSubgroups = usesSubgroups(module), hasMatrices = usesMatrices(module);
  if (hasSubgroups)
    buffer << "enable subgroups;\n";
  if (hasMatrices)
    buffer << "enable chromium_experimental_subgroup_matrix;\n"
              "diagnostic(off, chromium.subgroup_matrix_uniformity);\n";
  // Which subgroup a thread is in, the language's analysis cannot tell.
  if (hasSubgroups || hasMatrices)
    buffer << "diagnostic(off, subgroup_uniformity);\n";
  if (!text.empty())
    buffer << "\n";
  if (failed(WGSLPrinter(buffer).printModule(module)))
    return failure();
  os << text;
  return success();
}
