//===- KernelsToSPIRV.cpp - GPU kernels to SPIR-V for Vulkan --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels in normal form become a SPIR-V module next to theirs. Arithmetic,
// functions and control flow are converted by MLIR, interface and memory by
// BinaryInterface.cpp.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/KernelsToSPIRV.h"
#include "../Staging.h"
#include "BinaryInterface.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Conversion/ArithToSPIRV/ArithToSPIRV.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRV.h"
#include "mlir/Conversion/SCFToSPIRV/SCFToSPIRV.h"
#include "mlir/Conversion/UBToSPIRV/UBToSPIRV.h"
#include "mlir/Conversion/VectorToSPIRV/VectorToSPIRV.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_KERNELSTOSPIRV
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

std::string attn::getSPIRVModuleName(gpu::GPUModuleOp kernels) {
  return ("__spv__" + kernels.getName()).str();
}

namespace {

/// MLIR 22 has the ops, but no conversion to them.
template <typename From, typename To>
struct FunctionPattern final : OpConversionPattern<From> {
  using OpConversionPattern<From>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(From op, typename From::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<To>(
        op, this->typeConverter->convertType(op.getType()),
        adaptor.getOperands());
    return success();
  }
};

/// Of what a device must not regroup.
template <typename From, typename To>
struct ExactPattern final : OpConversionPattern<From> {
  using OpConversionPattern<From>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(From op, typename From::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op->hasAttr(attn::tile::kExactAttrName))
      return rewriter.notifyMatchFailure(op, "may be regrouped");
    auto exact = rewriter.replaceOpWithNewOp<To>(
        op, this->typeConverter->convertType(op.getType()),
        adaptor.getOperands());
    // As MLIR's serialiser calls the decoration.
    exact->setAttr("no_contraction", rewriter.getUnitAttr());
    return success();
  }
};

/// MLIR 22 has no op for GLSL's Trunc.
struct TruncPattern final : OpConversionPattern<math::TruncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(math::TruncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    Value zero = spirv::ConstantOp::getZero(x.getType(), loc, rewriter);
    Value isNegative = spirv::FOrdLessThanOp::create(rewriter, loc, x, zero);
    Value up = spirv::GLCeilOp::create(rewriter, loc, x);
    Value down = spirv::GLFloorOp::create(rewriter, loc, x);
    rewriter.replaceOpWithNewOp<spirv::SelectOp>(op, isNegative, up, down);
    return success();
  }
};

/// Of words: MLIR 22 converts casts of signed indices only.
struct UnsignedCastPattern final : OpConversionPattern<arith::IndexCastUIOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::IndexCastUIOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto isWord = [](Type type) {
      return type.isIndex() || type.isInteger(32);
    };
    if (!isWord(op.getIn().getType()) || !isWord(op.getType()))
      return failure();
    rewriter.replaceOp(op, adaptor.getIn());
    return success();
  }
};

/// Bits that are held as a word stay there.
struct BitsPattern final : OpConversionPattern<arith::BitcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::BitcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getIn().getType().isBF16() && !op.getType().isBF16())
      return failure();
    rewriter.replaceOp(op, adaptor.getIn());
    return success();
  }
};

struct ConstantBitsPattern final : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getType().isBF16())
      return failure();
    APInt bits = cast<FloatAttr>(op.getValue()).getValue().bitcastToAPInt();
    Type word = rewriter.getI32Type();
    rewriter.replaceOpWithNewOp<spirv::ConstantOp>(
        op, word, rewriter.getIntegerAttr(word, bits.zext(32)));
    return success();
  }
};

/// Of anything smaller as of i32.
struct ExtendFirst final : OpRewritePattern<arith::IndexCastUIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::IndexCastUIOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<IntegerType>(op.getIn().getType());
    if (!type || type.getWidth() >= 32)
      return failure();
    Value word = arith::ExtUIOp::create(rewriter, op.getLoc(),
                                        rewriter.getI32Type(), op.getIn());
    rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(op, op.getType(), word);
    return success();
  }
};

/// Remainders become those of unsigned numbers where no operand is negative,
/// else x - (x / y) * y. MLIR 22 computes with GLSL's SAbs of both, and takes x
/// for negative if that differs from x: the lowest number's does not, and its
/// remainder gets the wrong sign.
void expandRemainders(gpu::GPUFuncOp kernel) {
  attn::IndexRanges ranges;
  SmallVector<std::pair<arith::RemSIOp, bool>> remainders;
  kernel.walk([&](arith::RemSIOp op) {
    bool hasNoSign = llvm::all_of(op->getOperands(), [&](Value value) {
      return ranges.isWithin(value, 0, INT32_MAX);
    });
    remainders.emplace_back(op, hasNoSign);
  });
  for (auto [op, hasNoSign] : remainders) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value x = op.getLhs(), y = op.getRhs(), rest;
    if (hasNoSign) {
      rest = arith::RemUIOp::create(b, x, y);
    } else {
      Value quotient = arith::DivSIOp::create(b, x, y);
      rest = arith::SubIOp::create(b, x, arith::MulIOp::create(b, quotient, y));
    }
    op.replaceAllUsesWith(rest);
    op.erase();
  }
}

/// The casts around what BinaryInterface.cpp made of matrices.
struct CastPattern final : OpConversionPattern<UnrealizedConversionCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnrealizedConversionCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getInputs());
    return success();
  }
};

/// Of 16 bytes in registers, which are words.
struct PieceConstantPattern final : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto elements = dyn_cast<DenseFPElementsAttr>(op.getValue());
    if (!elements || !isPiece(op.getType()) || !elements.isSplat() ||
        !elements.getSplatValue<APFloat>().isPosZero())
      return failure();
    auto type = cast<VectorType>(typeConverter->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<spirv::ConstantOp>(
        op, type, DenseElementsAttr::get(type, APInt(32, 0)));
    return success();
  }
  static bool isPiece(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector &&
           (vector.getElementType().isF16() ||
            vector.getElementType().isBF16()) &&
           vector.getNumElements() == 8;
  }
};

struct PiecePattern final : OpConversionPattern<vector::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::FromElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!PieceConstantPattern::isPiece(op.getType()))
      return failure();
    Location loc = op.getLoc();
    auto type = cast<VectorType>(typeConverter->convertType(op.getType()));
    auto pair = VectorType::get(2, op.getType().getElementType());
    SmallVector<Value> words;
    for (unsigned k = 0; k < adaptor.getElements().size(); k += 2)
      words.push_back(spirv::BitcastOp::create(
          rewriter, loc, rewriter.getI32Type(),
          spirv::CompositeConstructOp::create(
              rewriter, loc, pair, adaptor.getElements().slice(k, 2))));
    rewriter.replaceOpWithNewOp<spirv::CompositeConstructOp>(op, type, words);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

namespace kernel = attn::kernel;

Type convertMatrix(kernel::MatrixType type) {
  using Use = spirv::CooperativeMatrixUseKHR;
  static constexpr Use uses[] = {Use::MatrixA, Use::MatrixB, Use::MatrixAcc};
  return spirv::CooperativeMatrixType::get(
      type.getElementType(), type.getRows(), type.getCols(),
      spirv::Scope::Subgroup, uses[static_cast<unsigned>(type.getUse())]);
}

/// An op on matrices that SPIR-V has, with the same operands.
template <typename Op, typename Replacement>
struct MatrixPattern final : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<Replacement>(
        op, TypeRange(this->typeConverter->convertType(op.getType())),
        adaptor.getOperands());
    return success();
  }
};
using FillMatrixPattern =
    MatrixPattern<kernel::FillMatrixOp, spirv::CompositeConstructOp>;
using MultiplyMatricesPattern =
    MatrixPattern<kernel::MultiplyMatricesOp,
                  spirv::KHRCooperativeMatrixMulAddOp>;
using ConvertMatrixPattern =
    MatrixPattern<kernel::ConvertMatrixOp, spirv::FConvertOp>;

struct ExtractElementPattern final
    : OpConversionPattern<kernel::ExtractElementOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(kernel::ExtractElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<spirv::CompositeExtractOp>(
        op, adaptor.getMatrix(),
        ArrayRef{static_cast<int32_t>(op.getNumber())});
    return success();
  }
};

struct InsertElementPattern final
    : OpConversionPattern<kernel::InsertElementOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(kernel::InsertElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<spirv::CompositeInsertOp>(
        op, adaptor.getElement(), adaptor.getMatrix(),
        ArrayRef{static_cast<int32_t>(op.getNumber())});
    return success();
  }
};

/// Rounds the elements of matrices that become ones of bf16: OpFConvert rounds
/// such as the driver likes, and NVIDIA's truncates.
void roundMatrices(gpu::GPUFuncOp kernel) {
  auto target = attn::tile::TargetAttr::lookup(kernel);
  SmallVector<kernel::ConvertMatrixOp> conversions;
  kernel.walk([&](kernel::ConvertMatrixOp op) {
    if (op.getInput().getType().getElementType().isF32() &&
        op.getType().getElementType().isBF16() &&
        !op->hasAttr(attn::tile::kAnyRoundingAttrName))
      conversions.push_back(op);
  });
  for (kernel::ConvertMatrixOp op : conversions) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    TypedValue<kernel::MatrixType> matrix = op.getInput();
    int64_t length = matrix.getType().getNumElements() / target.getSubgroup();
    for (int64_t number = 0; number < length; ++number) {
      Value element =
          kernel::ExtractElementOp::create(b, op.getInput(), number);
      matrix = kernel::InsertElementOp::create(
          b, attn::roundToBFloat(b, element), matrix, number);
    }
    op.getInputMutable().assign(matrix);
  }
}

/// A launch says how much workgroup memory its kernel declares.
void setSharedBytes(gpu::GPUFuncOp kernel, const attn::Words &words) {
  auto info = attn::tile::LaunchInfoAttr::of(kernel);
  if (!info)
    return;
  kernel->setAttr(info.attributeName,
                  attn::tile::LaunchInfoAttr::get(
                      info.getContext(), info.getParameters(), info.getGrid(),
                      info.getThreads(), attn::getWorkgroupBytes(kernel, words),
                      info.getStack(), info.getCluster()));
}

/// MLIR 22 stores what a loop yields at the end of each iteration and loads it
/// behind the loop: without an iteration nothing is stored. Stores what the
/// loop begins with ahead of it.
LogicalResult storeInitialValues(spirv::LoopOp loop) {
  auto entry = dyn_cast<spirv::BranchOp>(loop.getEntryBlock()->getTerminator());
  Block *latch = loop.getContinueBlock();
  auto back = dyn_cast<spirv::BranchOp>(latch->getTerminator());
  if (!entry || !back)
    return success();
  // The first argument of the header is the induction variable.
  OperandRange begin = entry.getBlockArguments().drop_front(),
               next = back.getBlockArguments().drop_front();
  SmallVector<spirv::StoreOp> stores(latch->getOps<spirv::StoreOp>());
  OpBuilder b(loop);
  auto refuse = [&] {
    return loop.emitError("stores its results otherwise than MLIR 22 does");
  };
  if (stores.size() < next.size())
    return refuse();
  stores.erase(stores.begin(), stores.end() - next.size());
  for (auto [store, first, value] : llvm::zip_equal(stores, begin, next)) {
    if (store.getValue() != value ||
        !store.getPtr().getDefiningOp<spirv::VariableOp>())
      return refuse();
    spirv::StoreOp::create(b, store.getLoc(), store.getPtr(), first);
  }
  return success();
}

/// The target whose SPIR-V a module is.
class Converter {
public:
  explicit Converter(gpu::GPUModuleOp kernels)
      : kernels(kernels), needs(getNeeds(kernels)),
        words(has(spirv::Capability::Float16),
              has(spirv::Capability::BFloat16TypeKHR)),
        environment(getEnvironment(needs)), types(environment) {
    const attn::Words &held = words;
    types.addConversion(
        [held](BFloat16Type type) { return held.getType(type); });
    types.addConversion(convertMatrix);
    // 16 bytes in registers are four words.
    types.addConversion([](VectorType type) -> std::optional<Type> {
      if (!PieceConstantPattern::isPiece(type))
        return std::nullopt;
      return VectorType::get(4, IntegerType::get(type.getContext(), 32));
    });
  }

  LogicalResult convert();

private:
  static spirv::VerCapExtAttr getNeeds(gpu::GPUModuleOp kernels);
  bool has(spirv::Capability capability) {
    return llvm::is_contained(needs.getCapabilities(), capability);
  }
  static spirv::TargetEnvAttr getEnvironment(spirv::VerCapExtAttr needs) {
    return spirv::TargetEnvAttr::get(
        needs, spirv::getDefaultResourceLimits(needs.getContext()),
        spirv::ClientAPI::Vulkan, spirv::Vendor::Unknown,
        spirv::DeviceType::Unknown, spirv::TargetEnvAttr::kUnknownDeviceID);
  }
  LogicalResult convertBodies(spirv::ModuleOp module);

  gpu::GPUModuleOp kernels;
  spirv::VerCapExtAttr needs;
  attn::Words words;
  spirv::TargetEnvAttr environment;
  SPIRVTypeConverter types;
};

/// What every device with Vulkan 1.1 has and what subgroups exchange with;
/// for a machine with matrix units what comes with these.
spirv::VerCapExtAttr Converter::getNeeds(gpu::GPUModuleOp kernels) {
  using spirv::Capability;
  auto target = attn::tile::TargetAttr::lookup(kernels);
  bool hasMatrices = target && target.has(attn::tile::MatrixUnits::Cooperative);
  SmallVector<Capability> capabilities{Capability::Shader};
  if (hasMatrices)
    llvm::append_range(
        capabilities,
        ArrayRef{Capability::Float16, Capability::StorageBuffer16BitAccess,
                 Capability::RoundingModeRTE, Capability::VulkanMemoryModel,
                 Capability::CooperativeMatrixKHR});
  bool hasBFloat =
      attn::multipliesMatrices(target, BFloat16Type::get(kernels.getContext()));
  if (hasBFloat)
    llvm::append_range(capabilities,
                       ArrayRef{Capability::BFloat16TypeKHR,
                                Capability::BFloat16CooperativeMatrixKHR});
  bool hasSubgroups =
      kernels->walk([](gpu::SubgroupIdOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (hasSubgroups)
    llvm::append_range(capabilities,
                       ArrayRef{Capability::GroupNonUniform,
                                Capability::GroupNonUniformShuffle});
  if (kernels
          ->walk([](gpu::SubgroupReduceOp) { return WalkResult::interrupt(); })
          .wasInterrupted())
    capabilities.push_back(Capability::GroupNonUniformVote);
  SmallVector<spirv::Extension> extensions;
  if (hasMatrices)
    extensions.push_back(spirv::Extension::SPV_KHR_cooperative_matrix);
  if (hasBFloat)
    extensions.push_back(spirv::Extension::SPV_KHR_bfloat16);
  return spirv::VerCapExtAttr::get(
      hasMatrices ? spirv::Version::V_1_6 : spirv::Version::V_1_3, capabilities,
      extensions, kernels.getContext());
}

LogicalResult Converter::convert() {
  OpBuilder b(kernels);
  b.setInsertionPointAfter(kernels);
  bool hasMatrices = needs.getVersion() == spirv::Version::V_1_6;
  auto module = spirv::ModuleOp::create(
      b, kernels.getLoc(), spirv::AddressingModel::Logical,
      hasMatrices ? spirv::MemoryModel::Vulkan : spirv::MemoryModel::GLSL450,
      needs, StringRef(attn::getSPIRVModuleName(kernels)));
  for (auto kernel : kernels.getOps<gpu::GPUFuncOp>()) {
    expandRemainders(kernel);
    roundMatrices(kernel);
    if (failed(attn::addEntryPoint(kernel, module, words, types)))
      return failure();
    setSharedBytes(kernel, words);
  }
  return convertBodies(module);
}

LogicalResult Converter::convertBodies(spirv::ModuleOp module) {
  MLIRContext *context = module.getContext();
  ScfToSPIRVContext loops;
  RewritePatternSet patterns(context);
  arith::populateArithToSPIRVPatterns(types, patterns);
  populateMathToSPIRVPatterns(types, patterns);
  populateSCFToSPIRVPatterns(types, loops, patterns);
  populateVectorToSPIRVPatterns(types, patterns);
  ub::populateUBToSPIRVConversionPatterns(types, patterns);
  patterns.add<FunctionPattern<math::Exp2Op, spirv::GLExp2Op>,
               FunctionPattern<math::Log2Op, spirv::GLLog2Op>,
               FunctionPattern<math::CtPopOp, spirv::BitCountOp>, TruncPattern,
               UnsignedCastPattern, CastPattern, FillMatrixPattern,
               MultiplyMatricesPattern, ConvertMatrixPattern,
               ExtractElementPattern, InsertElementPattern>(types, context);
  patterns.add<ExactPattern<arith::AddFOp, spirv::FAddOp>,
               ExactPattern<arith::SubFOp, spirv::FSubOp>,
               ExactPattern<arith::MulFOp, spirv::FMulOp>,
               ExactPattern<arith::NegFOp, spirv::FNegateOp>,
               ExactPattern<math::FmaOp, spirv::GLFmaOp>>(types, context,
                                                          /*benefit=*/2);
  // Before those of MLIR.
  patterns.add<PieceConstantPattern, PiecePattern>(types, context,
                                                   /*benefit=*/2);
  if (!has(spirv::Capability::BFloat16TypeKHR))
    patterns.add<BitsPattern, ConstantBitsPattern>(types, context,
                                                   /*benefit=*/2);
  // Numbers are finite there (tile-finite-scores): none is asked whether it is
  // a NaN, which would take more than the maximum itself.
  if (needs.getVersion() == spirv::Version::V_1_6)
    patterns.add<FunctionPattern<arith::MaxNumFOp, spirv::GLFMaxOp>,
                 FunctionPattern<arith::MinNumFOp, spirv::GLFMinOp>,
                 FunctionPattern<arith::MaximumFOp, spirv::GLFMaxOp>,
                 FunctionPattern<arith::MinimumFOp, spirv::GLFMinOp>>(
        types, context, /*benefit=*/2);
  patterns.add<ExtendFirst>(context);
  // Canonical IR has nothing to fold, and each op would be asked.
  ConversionConfig config;
  config.foldingMode = DialectConversionFoldingMode::Never;
  if (failed(applyFullConversion(module,
                                 *SPIRVConversionTarget::get(environment),
                                 std::move(patterns), config)))
    return failure();
  // Drivers unroll loops of known length unasked, which takes them ten times as
  // long to compile; loops that gain by it are unrolled by their lowering.
  WalkResult result = module.walk([](spirv::LoopOp loop) {
    loop.setLoopControl(spirv::LoopControl::DontUnroll);
    return WalkResult(storeInitialValues(loop));
  });
  return failure(result.wasInterrupted());
}

struct KernelsToSPIRVPass final
    : attn::impl::KernelsToSPIRVBase<KernelsToSPIRVPass> {
  using KernelsToSPIRVBase::KernelsToSPIRVBase;

  void runOnOperation() override {
    for (auto kernels :
         llvm::to_vector(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(Converter(kernels).convert()))
        return signalPassFailure();
  }
};

} // namespace
