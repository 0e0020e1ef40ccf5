//===- VerifyKernelForm.cpp - What GPU targets may rely on ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of the kernel normal form (docs/gpu-kernels.md), and of a target
// that has less: one diagnostic for the first op that breaks one.
//
//===----------------------------------------------------------------------===//

#include "Staging.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace attn {
#define GEN_PASS_DEF_VERIFYKERNELFORM
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using tile::Lacks;

//===----------------------------------------------------------------------===//
// Ops and types
//===----------------------------------------------------------------------===//

static bool isScalar(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  return isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type>(
      type);
}

static bool isMatrixOp(Operation *op) {
  return isa<kernel::KernelDialect>(op->getDialect());
}

/// 16 bytes of memory.
static bool isPiece(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getShape() == ArrayRef<int64_t>{8} &&
         (vector.getElementType().isF16() || vector.getElementType().isBF16());
}

/// What languages of shaders have in memory and compute with as one value.
static bool isFloatVector(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getShape() == ArrayRef<int64_t>{4} &&
         (vector.getElementType().isF32() || vector.getElementType().isF16());
}

/// Two words that hold 64 bits (tile-emulate-int64).
static bool isPair(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getShape() == ArrayRef<int64_t>{2} &&
         vector.getElementType().isInteger(32);
}

/// i8, i16 and bf16: a machine without their arithmetic may have memory of
/// them.
static bool isSmall(Type type) {
  return type.isInteger(8) || type.isInteger(16) || type.isBF16();
}

/// Brings bits from one place to another, or between a small type and words.
/// What yields leaves the question to its loop or branch.
static bool isMove(Operation *op) {
  return isa<memref::LoadOp, memref::StoreOp, arith::ConstantOp, arith::ExtSIOp,
             arith::ExtUIOp, arith::TruncIOp, arith::BitcastOp, ub::PoisonOp,
             scf::YieldOp>(op);
}

/// Hands values on. Small integers are words on the way
/// (tile-widen-small-integers), a bf16 is bits that nobody looks at.
static bool isChoice(Operation *op) {
  return isa<scf::ForOp, scf::IfOp, arith::SelectOp, gpu::ShuffleOp>(op);
}

static bool isKnownOp(Operation *op) {
  if (isa<arith::ArithDialect>(op->getDialect()))
    return !isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
                arith::AddUIExtendedOp, arith::MulUIExtendedOp,
                arith::MulSIExtendedOp>(op);
  if (isa<math::MathDialect>(op->getDialect()))
    return isa<math::Exp2Op, math::Log2Op, math::FmaOp, math::SqrtOp,
               math::RsqrtOp, math::AbsFOp, math::AbsIOp, math::FloorOp,
               math::CeilOp, math::RoundEvenOp, math::TruncOp, math::CtPopOp>(
               op) ||
           isa<math::TanhOp>(op); // of a target that keeps it
  return isa<scf::ForOp, scf::IfOp, scf::YieldOp, memref::LoadOp,
             memref::StoreOp, memref::AtomicRMWOp, memref::ReinterpretCastOp,
             gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp, gpu::SubgroupIdOp,
             gpu::SubgroupSizeOp, gpu::LaneIdOp, gpu::ShuffleOp, gpu::BarrierOp,
             gpu::ReturnOp, gpu::SubgroupReduceOp, ub::PoisonOp,
             memref::ExtractAlignedPointerAsIndexOp, tile::SubgroupBarrierOp,
             HoleOp, vector::ExtractOp, vector::FromElementsOp,
             vector::BroadcastOp, vector::LoadOp, vector::StoreOp>(op) ||
         isMatrixOp(op);
}

//===----------------------------------------------------------------------===//
// Values that differ from thread to thread
//===----------------------------------------------------------------------===//

namespace {
/// Found from the ids of threads and their memory, forwards.
class Divergence {
public:
  explicit Divergence(gpu::GPUFuncOp kernel);
  bool contains(Value value) const { return divergent.contains(value); }

private:
  void mark(Value value) {
    if (divergent.insert(value).second)
      work.push_back(value);
  }
  void mark(ValueRange values) {
    for (Value value : values)
      mark(value);
  }
  void propagate(OpOperand &use);
  static bool readsOwnMemory(memref::LoadOp load);

  DenseSet<Value> divergent;
  SmallVector<Value> work;
};
} // namespace

/// Memory of a thread or workgroup, or what the kernel writes itself.
bool Divergence::readsOwnMemory(memref::LoadOp load) {
  auto view = load.getMemref().getDefiningOp<memref::ReinterpretCastOp>();
  return !view || llvm::any_of(view.getSource().getUsers(), [](Operation
                                                                   *other) {
    return llvm::any_of(
        other->getUsers(),
        llvm::IsaPred<memref::StoreOp, memref::AtomicRMWOp, vector::StoreOp>);
  });
}

Divergence::Divergence(gpu::GPUFuncOp kernel) {
  kernel.walk([&](Operation *op) {
    auto load = dyn_cast<memref::LoadOp>(op);
    if (isa<gpu::ThreadIdOp, gpu::SubgroupIdOp, gpu::LaneIdOp, gpu::ShuffleOp,
            gpu::SubgroupReduceOp, kernel::ExtractElementOp, vector::LoadOp>(
            op) ||
        (load && readsOwnMemory(load)))
      mark(op->getResults());
  });
  while (!work.empty())
    for (OpOperand &use : work.pop_back_val().getUses())
      propagate(use);
}

void Divergence::propagate(OpOperand &use) {
  Operation *user = use.getOwner();
  auto markCarried = [&](scf::ForOp loop, unsigned number) {
    mark(loop.getRegionIterArg(number));
    mark(loop.getResult(number));
  };
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    unsigned number = use.getOperandNumber();
    if (number >= loop.getNumControlOperands())
      return markCarried(loop, number - loop.getNumControlOperands());
    mark(loop.getBody()->getArguments());
    return mark(loop.getResults());
  }
  if (isa<scf::YieldOp>(user)) {
    if (auto loop = dyn_cast<scf::ForOp>(user->getParentOp()))
      return markCarried(loop, use.getOperandNumber());
    return mark(user->getParentOp()->getResult(use.getOperandNumber()));
  }
  mark(user->getResults());
}

//===----------------------------------------------------------------------===//
// The verifier
//===----------------------------------------------------------------------===//

namespace {
class KernelVerifier {
public:
  /// `target` is null where everything is legal.
  KernelVerifier(gpu::GPUFuncOp kernel, tile::TargetAttr target)
      : kernel(kernel), target(target), divergence(kernel) {}

  LogicalResult verify();

private:
  bool lacks(Lacks what) const { return target && target.doesLack(what); }
  LogicalResult verifyParameter(BlockArgument parameter);
  LogicalResult verifyBuffer(BlockArgument buffer, gpu::AddressSpace space);
  LogicalResult verifyView(Operation *view);
  LogicalResult verifyOp(Operation *op);
  LogicalResult verifyBarrier(Operation *barrier);
  LogicalResult verifyType(Operation *at, Type type);
  LogicalResult verifyElement(Operation *at, Type element);
  LogicalResult verifySmall(Operation *op);
  LogicalResult verifyLegal(Operation *op);

  gpu::GPUFuncOp kernel;
  tile::TargetAttr target;
  Divergence divergence;
};
} // namespace

LogicalResult KernelVerifier::verify() {
  if (!kernel.isKernel() || !kernel.getKnownBlockSize())
    return kernel.emitOpError("is no kernel whose threads are counted; the "
                              "kernel form needs 'kernel' and "
                              "'known_block_size'");
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitOpError("has branches between blocks; the kernel form "
                              "has structured control flow");
  for (BlockArgument parameter : kernel.getArguments().take_front(
           kernel.getFunctionType().getNumInputs()))
    if (failed(verifyParameter(parameter)))
      return failure();
  for (BlockArgument buffer : kernel.getWorkgroupAttributions())
    if (failed(verifyBuffer(buffer, gpu::AddressSpace::Workgroup)))
      return failure();
  for (BlockArgument buffer : kernel.getPrivateAttributions())
    if (failed(verifyBuffer(buffer, gpu::AddressSpace::Private)))
      return failure();
  WalkResult result = kernel.getBody().walk([&](Operation *op) {
    return failed(verifyOp(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult KernelVerifier::verifyParameter(BlockArgument parameter) {
  auto memory = dyn_cast<MemRefType>(parameter.getType());
  if (!memory) {
    if (lacks(Lacks::Int64) && parameter.getType().isIndex())
      return kernel.emitOpError("parameter #")
             << parameter.getArgNumber()
             << " is an index, which a launcher of 32 bits does not pass";
    return verifyType(kernel, parameter.getType());
  }
  if (memory.getRank() != 0 || !memory.getLayout().isIdentity())
    return kernel.emitOpError("parameter #")
           << parameter.getArgNumber() << " is " << memory
           << "; a buffer is passed as a memref of rank 0";
  if (failed(verifyElement(kernel, memory.getElementType())))
    return failure();
  for (Operation *view : parameter.getUsers())
    if (!isa<memref::ExtractAlignedPointerAsIndexOp>(view) &&
        failed(verifyView(view)))
      return failure();
  return success();
}

/// A buffer is seen through views of rank 1, element by element.
LogicalResult KernelVerifier::verifyView(Operation *view) {
  auto cast = dyn_cast<memref::ReinterpretCastOp>(view);
  if (!cast || cast.getType().getRank() != 1 ||
      !isConstantIntValue(cast.getConstifiedMixedStrides().front(), 1))
    return view->emitOpError("uses a buffer otherwise than by one "
                             "memref.reinterpret_cast to rank 1 and stride 1");
  for (OpOperand &use : cast->getUses()) {
    auto store = dyn_cast<memref::StoreOp>(use.getOwner());
    auto piece = dyn_cast<vector::StoreOp>(use.getOwner());
    bool isAddress = (store && store.getMemref() == use.get()) ||
                     (piece && piece.getBase() == use.get());
    if (!isAddress && !isa<memref::LoadOp, memref::AtomicRMWOp, vector::LoadOp,
                           kernel::ArriveOp>(use.getOwner()))
      return use.getOwner()->emitOpError(
          "uses a view otherwise than to load or store an element");
  }
  return success();
}

LogicalResult KernelVerifier::verifyBuffer(BlockArgument buffer,
                                           gpu::AddressSpace space) {
  auto memory = dyn_cast<MemRefType>(buffer.getType());
  auto where =
      memory ? dyn_cast_or_null<gpu::AddressSpaceAttr>(memory.getMemorySpace())
             : gpu::AddressSpaceAttr();
  if (!memory || memory.getRank() != 1 || !memory.hasStaticShape() || !where ||
      where.getValue() != space)
    return kernel.emitOpError("has the buffer ")
           << buffer.getType() << "; one of the kernel form is flat, of known "
           << "size, in " << gpu::stringifyAddressSpace(space) << " memory";
  return verifyElement(kernel, memory.getElementType());
}

LogicalResult KernelVerifier::verifyOp(Operation *op) {
  if (!isKnownOp(op))
    return op->emitOpError("is not of the kernel form (docs/gpu-kernels.md)");
  auto isMemory = [](Type type) { return isa<MemRefType>(type); };
  for (Type type : op->getResultTypes())
    if (!isMemory(type) && failed(verifyType(op, type)))
      return failure();
  // Of other ops parameters and buffers are operands.
  for (Region &region : op->getRegions())
    for (BlockArgument argument : region.getArguments())
      if (failed(verifyType(op, argument.getType())))
        return failure();
  if (isa<gpu::BarrierOp, kernel::UniformLoadOp, kernel::ArriveOp>(op))
    return verifyBarrier(op);
  return target ? verifyLegal(op) : success();
}

/// All threads of a workgroup reach a barrier, or none.
LogicalResult KernelVerifier::verifyBarrier(Operation *barrier) {
  for (Operation *parent = barrier->getParentOp(); parent != kernel;
       parent = parent->getParentOp()) {
    ValueRange decides = parent->getOperands();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      decides = decides.take_front(loop.getNumControlOperands());
    if (llvm::none_of(decides,
                      [&](Value value) { return divergence.contains(value); }))
      continue;
    InFlightDiagnostic error = barrier->emitOpError(
        "is not reached by all threads of a workgroup together");
    error.attachNote(parent->getLoc()) << "what decides depends on the thread";
    return error;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// What a target lacks
//===----------------------------------------------------------------------===//

LogicalResult KernelVerifier::verifyType(Operation *at, Type type) {
  if (isa<kernel::MatrixType>(type)) {
    if (!target || target.has(tile::MatrixUnits::Cooperative))
      return success();
    return at->emitOpError("has a value of type ")
           << type << ", for which " << target.getName() << " has no units";
  }
  if (isPiece(type))
    return success();
  if (!isScalar(type) && !isPair(type) && !isFloatVector(type))
    return at->emitOpError("has a value of type ")
           << type << ", which is not of the kernel form";
  // Where memory has them, they are moved between it and words (verifySmall).
  if ((lacks(Lacks::Int64) && (type.isInteger(64) || type.isF64())) ||
      (lacks(Lacks::SmallInt) && lacks(Lacks::SmallStorage) && isSmall(type)))
    return at->emitOpError()
           << "has a value of type " << type << ", which " << target.getName()
           << " lacks" << (type.isBF16() ? "; convert to f16 or f32" : "");
  return success();
}

LogicalResult KernelVerifier::verifyElement(Operation *at, Type element) {
  if (lacks(Lacks::SmallStorage) && !element.isF16() && isScalar(element) &&
      !element.isIndex() && element.getIntOrFloatBitWidth() < 32)
    return at->emitOpError("has memory of ")
           << element << ", which " << target.getName() << " lacks"
           << (element.isBF16() ? "; convert to f16 or f32" : "");
  return verifyType(at, element);
}

/// Arithmetic has small types only where the machine computes with them.
LogicalResult KernelVerifier::verifySmall(Operation *op) {
  if (!lacks(Lacks::SmallInt) || isMove(op))
    return success();
  auto isComputed = [&](Type type) {
    return isSmall(type) &&
           !(type.isBF16() && (isChoice(op) || holdsBFloats(target)));
  };
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    if (auto type = llvm::find_if(types, isComputed); type != types.end())
      return op->emitOpError("computes with a value of type ")
             << *type << ", which " << target.getName()
             << " only moves; compute with i32 or f32";
  return success();
}

LogicalResult KernelVerifier::verifyLegal(Operation *op) {
  if (failed(verifySmall(op)))
    return failure();
  if (auto constant = dyn_cast<arith::ConstantOp>(op);
      constant && lacks(Lacks::Infinity))
    if (auto value = dyn_cast<FloatAttr>(constant.getValue());
        value && !value.getValue().isFinite()) {
      // Folding forgets the place of a constant; its first user has one.
      Location place = op->getLoc();
      if (isa<UnknownLoc>(place) && !op->use_empty())
        place = op->user_begin()->getLoc();
      return emitError(place)
             << "'arith.constant' op is not finite, and " << target.getName()
             << " may assume that every float is";
    }
  if (!lacks(Lacks::Int64) || isMatrixOp(op) ||
      isa<memref::MemRefDialect>(op->getDialect()) ||
      isa<vector::LoadOp, vector::StoreOp>(op) ||
      isa<arith::ConstantOp, arith::IndexCastOp, arith::IndexCastUIOp,
          gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp, gpu::SubgroupIdOp,
          gpu::SubgroupSizeOp, gpu::LaneIdOp>(op))
    return success();
  // An index is where an element lies, not a number to compute with.
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    if (llvm::any_of(types, [](Type type) { return type.isIndex(); }))
      return op->emitOpError("computes with an index, which has 64 bits; ")
             << target.getName() << " lacks them";
  return success();
}

namespace {
struct VerifyKernelForm final
    : attn::impl::VerifyKernelFormBase<VerifyKernelForm> {
  using VerifyKernelFormBase::VerifyKernelFormBase;

  void runOnOperation() override {
    tile::TargetAttr target;
    if (legal) {
      FailureOr<tile::TargetAttr> found =
          tile::TargetAttr::require(getOperation(), getArgument());
      if (failed(found))
        return signalPassFailure();
      target = *found;
    }
    WalkResult result = getOperation()->walk([&](gpu::GPUFuncOp kernel) {
      return failed(KernelVerifier(kernel, target).verify())
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
