//===- TileLaunch.cpp - How a lowered kernel is launched ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the attributes of TileLaunch.td: each alone, and those of a
// kernel against a launch of it.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace attn::tile;

using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult OperandAttr::verify(EmitError emitError, int64_t index,
                                  int64_t multiple) {
  if (index < 0)
    return emitError() << "an operand has a number from 0 on, not " << index;
  if (multiple < 1)
    return emitError() << "multiple must be positive, not " << multiple;
  return success();
}

LogicalResult ExtentAttr::verify(EmitError emitError, int64_t dim, Type type) {
  if (dim < 0 || dim >= 3)
    return emitError() << "a grid has dimensions 0 to 2, not " << dim;
  if (!type.isInteger(32) && !type.isInteger(64))
    return emitError() << "an extent is passed as i32 or i64, not " << type;
  return success();
}

/// Limits of cuTensorMapEncodeTiled (CUDA driver API, tensor maps).
LogicalResult TensorMapAttr::verify(EmitError emitError, int64_t operand,
                                    Type element, AffineMap sizes,
                                    AffineMap strides, DenseI64ArrayAttr box,
                                    int64_t swizzle) {
  constexpr unsigned mostDims = 5;
  constexpr int64_t mostExtent = 256;
  if (operand < 0)
    return emitError() << "an operand has a number from 0 on, not " << operand;
  if (!element.isF16() && !element.isBF16())
    return emitError() << "a tensor map is of f16 or bf16, not " << element;
  unsigned rank = sizes.getNumResults();
  if (rank < 1 || rank > mostDims)
    return emitError() << "a tensor map has 1 to " << mostDims
                       << " dimensions, not " << rank;
  if (strides.getNumResults() + 1 != rank || box.size() != rank)
    return emitError() << "a tensor map of " << rank << " sizes has "
                       << rank - 1 << " strides and a box of " << rank
                       << ", not " << strides.getNumResults() << " and "
                       << box.size();
  for (AffineMap map : {sizes, strides})
    if (map.getNumDims() != 0)
      return emitError()
             << "sizes and strides are functions of operands, which "
                "are symbols; there are no dimensions";
  bool isKnown = true;
  for (AffineMap map : {sizes, strides})
    map.walkExprs([&](AffineExpr expr) {
      isKnown &= expr.getKind() != AffineExprKind::Mod &&
                 expr.getKind() != AffineExprKind::CeilDiv;
    });
  if (!isKnown)
    return emitError() << "sizes and strides add, multiply and divide "
                          "(floordiv), nothing else";
  for (int64_t extent : box.asArrayRef())
    if (extent < 1 || extent > mostExtent)
      return emitError() << "a box has extents from 1 to " << mostExtent
                         << ", not " << extent;
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "rows are swizzled in 32, 64 or 128 bytes, or not at "
                          "all (0), not in "
                       << swizzle;
  return success();
}

//===----------------------------------------------------------------------===//
// #tile.launch_info
//===----------------------------------------------------------------------===//

/// Limits of blocks and of clusters that every chip with clusters runs (CUDA
/// programming guide).
static constexpr int64_t mostThreads = 1024, mostBlocks = 8;

static LogicalResult verifyCluster(EmitError emitError,
                                   DenseI64ArrayAttr cluster) {
  ArrayRef<int64_t> blocks = cluster;
  int64_t count = 1;
  for (int64_t extent : blocks)
    count = extent < 1 || extent > mostBlocks ? mostBlocks + 1 : count * extent;
  if (blocks.size() != kGridRank || count > mostBlocks)
    return emitError() << "a cluster has " << kGridRank << " extents and 1 to "
                       << mostBlocks << " blocks, not " << cluster;
  return success();
}

LogicalResult LaunchInfoAttr::verify(EmitError emitError, ArrayAttr parameters,
                                     GridOrder grid, int64_t threads,
                                     int64_t shared, int64_t stack,
                                     DenseI64ArrayAttr cluster) {
  for (Attribute parameter : parameters)
    if (!isa<OperandAttr, ExtentAttr, CounterAttr, TensorMapAttr>(parameter))
      return emitError() << "a parameter is #tile.operand, #tile.extent, "
                            "#tile.counter or #tile.tensor_map, not "
                         << parameter;
  if (threads < 0 || threads > mostThreads)
    return emitError() << "a block has 1 to " << mostThreads
                       << " threads, a call on a CPU 0, not " << threads;
  for (auto [name, bytes] :
       {std::pair("shared", shared), std::pair("stack", stack)})
    if (bytes < 0)
      return emitError() << name << " is a number of bytes, not " << bytes;
  if (threads && stack)
    return emitError() << "stack is for calls on a CPU, which have no threads";
  if (!threads && (shared || cluster || grid != GridOrder::Points))
    return emitError() << "a call on a CPU (no threads) is of a point, without "
                          "shared memory and cluster";
  return cluster ? verifyCluster(emitError, cluster) : success();
}

LaunchInfoAttr LaunchInfoAttr::of(Operation *kernel) {
  return kernel->getAttrOfType<LaunchInfoAttr>(attributeName);
}

/// An address: a memref, or what a target makes of it.
static bool isMemory(Type type) { return !type.isIntOrIndexOrFloat(); }

/// What of the parameters of `kernel` a launch passes: all but what the
/// launcher adds of itself, and of a function the point of the grid.
static FailureOr<SmallVector<Type>> getParameterTypes(Operation *op) {
  auto kernel = dyn_cast<FunctionOpInterface>(op);
  if (!kernel)
    return op->emitOpError("is no function and has ")
           << LaunchInfoAttr::attributeName;
  ArrayRef<Type> types = kernel.getArgumentTypes();
  if (!isa<func::FuncOp>(op)) {
    SmallVector<Type> passed;
    for (auto [number, type] : llvm::enumerate(types))
      if (!kernel.getArgAttr(number, kDispatchAttrName))
        passed.push_back(type);
    return passed;
  }
  if (!KernelTypes::fits(types))
    return op->emitOpError("takes ")
           << types.size()
           << " arguments; a kernel takes at least the point and the extents "
              "of the grid, "
           << KernelTypes::size(0);
  KernelTypes signature(types);
  SmallVector<Type> result(signature.operands);
  llvm::append_range(result, signature.extents);
  return result;
}

/// What parameter `number` of `kernel` must be to take what the attribute says.
static LogicalResult verifyParameter(Operation *kernel, unsigned number,
                                     Attribute parameter, Type type) {
  auto reject = [&](const Twine &needed) {
    return kernel->emitOpError("parameter #")
           << number << " is " << type << "; " << parameter << " is passed as "
           << needed;
  };
  if (isa<CounterAttr, TensorMapAttr>(parameter) && !isMemory(type))
    return reject("an address");
  if (auto extent = dyn_cast<ExtentAttr>(parameter))
    if (type != extent.getType() &&
        !(type.isIndex() && extent.getType().isInteger(64)))
      return reject(extent.getType().isInteger(32) ? "i32" : "i64");
  return success();
}

/// What a kernel itself asks for in one of the attributes `names` is what the
/// launch does.
static LogicalResult verifyAsked(Operation *kernel, ArrayRef<StringRef> names,
                                 ArrayRef<int64_t> extents, StringRef what) {
  for (StringRef name : names) {
    auto asked = kernel->getAttrOfType<DenseI32ArrayAttr>(name);
    if (!asked)
      continue;
    for (size_t k = 0, rank = std::max<size_t>(asked.size(), kGridRank);
         k < rank; ++k) {
      int64_t wanted = k < size_t(asked.size()) ? asked[k] : 1;
      if (wanted != (k < extents.size() ? extents[k] : 1))
        return kernel->emitOpError("asks for ")
               << name << " = " << asked << ", but is launched in " << what
               << " of " << extents;
    }
  }
  return success();
}

LogicalResult LaunchInfoAttr::verifyKernel(Operation *kernel) const {
  FailureOr<SmallVector<Type>> types = getParameterTypes(kernel);
  if (failed(types))
    return failure();
  if (types->size() != getParameters().size())
    return kernel->emitOpError("takes ")
           << types->size() << " parameters, but " << attributeName << " lists "
           << getParameters().size();
  for (auto [number, parameter, type] :
       llvm::enumerate(getParameters(), *types))
    if (failed(verifyParameter(kernel, number, parameter, type)))
      return failure();
  if (isa<func::FuncOp>(kernel))
    return success();
  // The GPU dialect's names and NVVM's.
  if (failed(verifyAsked(kernel, {"known_block_size", "nvvm.reqntid"},
                         {getThreads()}, "blocks")))
    return failure();
  DenseI64ArrayAttr cluster = getCluster();
  return verifyAsked(kernel, {"known_cluster_size", "nvvm.cluster_dim"},
                     cluster ? cluster.asArrayRef() : ArrayRef<int64_t>(),
                     "clusters");
}

/// Operand `index` of a launch as what parameter `number`, of type `type`,
/// makes of it.
static LogicalResult verifyOperand(LaunchOp launch, int64_t index,
                                   unsigned number, Type type) {
  int64_t count = launch.getArgs().size();
  if (index >= count)
    return launch.emitOpError("has ")
           << count << " arguments; " << launch.getKernelAttr()
           << " is passed argument #" << index;
  Type argument = launch.getArgs()[index].getType();
  if (isMemory(argument) == isMemory(type) &&
      isa<FloatType>(argument) == isa<FloatType>(type))
    return success();
  return launch.emitOpError("argument #")
         << index << " is " << argument << ", but parameter #" << number
         << " of " << launch.getKernelAttr() << " is " << type;
}

/// The operand of a tensor map is memory of its elements.
static LogicalResult verifyMapped(LaunchOp launch, TensorMapAttr map) {
  int64_t index = map.getOperand(), count = launch.getArgs().size();
  if (index >= count)
    return launch.emitOpError("has ")
           << count << " arguments; " << launch.getKernelAttr()
           << " is passed argument #" << index;
  Type type = launch.getArgs()[index].getType();
  auto memory = dyn_cast<MemRefType>(type);
  if (!memory || memory.getElementType() != map.getElement())
    return launch.emitOpError("argument #")
           << index << " is " << type << "; " << launch.getKernelAttr()
           << " needs a tensor map of " << map.getElement() << " of it";
  return success();
}

/// The symbols of `map` are operands, of which it may use integers.
static LogicalResult verifyNumbers(LaunchOp launch, AffineMap map) {
  if (map.getNumSymbols() > launch.getArgs().size())
    return launch.emitOpError("has ")
           << launch.getArgs().size() << " arguments; a tensor map of "
           << launch.getKernelAttr() << " is a function of "
           << map.getNumSymbols();
  for (auto [index, argument] : llvm::enumerate(launch.getArgs()))
    if (!argument.getType().isIntOrIndex() && map.isFunctionOfSymbol(index))
      return launch.emitOpError("argument #")
             << index << " is " << argument.getType() << "; a tensor map of "
             << launch.getKernelAttr() << " has a size or stride of it";
  return success();
}

LogicalResult LaunchInfoAttr::verifyLaunch(LaunchOp launch,
                                           Operation *kernel) const {
  FailureOr<SmallVector<Type>> types = getParameterTypes(kernel);
  if (failed(types))
    return failure();
  for (auto [number, parameter, type] :
       llvm::enumerate(getParameters(), *types)) {
    if (auto operand = dyn_cast<OperandAttr>(parameter)) {
      if (failed(verifyOperand(launch, operand.getIndex(), number, type)))
        return failure();
    } else if (auto map = dyn_cast<TensorMapAttr>(parameter)) {
      if (failed(verifyMapped(launch, map)) ||
          failed(verifyNumbers(launch, map.getSizes())) ||
          failed(verifyNumbers(launch, map.getStrides())))
        return failure();
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// #tile.artifact
//===----------------------------------------------------------------------===//

LogicalResult ArtifactAttr::verify(EmitError emitError, StringAttr target,
                                   StringAttr, ArrayAttr features,
                                   int64_t indexBits, bool, DictionaryAttr) {
  if (target.empty())
    return emitError() << "an artifact has a target";
  if (features && !llvm::all_of(features, llvm::IsaPred<StringAttr>))
    return emitError() << "features are names, not " << features;
  if (indexBits != 32 && indexBits != 64)
    return emitError() << "kernels take integers of 32 or 64 bits, not "
                       << indexBits;
  return success();
}

ArtifactAttr ArtifactAttr::of(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  return module ? module->getAttrOfType<ArtifactAttr>(attributeName)
                : ArtifactAttr();
}
