//===- Staging.h - Tiles in workgroup memory --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tiles of a kernel with layouts are in workgroup memory at the same
// time, and how much of it they take.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_STAGING_H
#define LIB_CONVERSION_STAGING_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace attn {

/// Elements that a thread reads together from workgroup memory, where it has no
/// pieces of 16 bytes: what languages of shaders have vectors of.
constexpr int64_t kVectorElements = 4;

/// Whether a kernel stores tiles to the argument that a memref is rebuilt
/// from. What it never writes may be read late, early, or for nothing.
bool isStoredTo(mlir::Value memory);

/// Whether vectors of a row begin at multiples of their length in memory with
/// these strides, if those that a kernel is given are multiples; `column` is
/// where the first one begins.
bool beginsAtVectors(llvm::ArrayRef<mlir::OpFoldResult> strides,
                     mlir::OpFoldResult column);

/// What workgroup memory has for a tile: its elements or, where rows are
/// multiples of them and begin at such, vectors.
mlir::Type getStoredType(tile::TileType tile, tile::TargetAttr target);

/// What one tile takes of workgroup memory, from one number in the order of a
/// kernel's ops to another.
struct StagedTile {
  mlir::Type storedType;
  int64_t numElements, begin, end;
  mlir::Operation *op = nullptr; ///< that makes it

  /// With a layout.
  static StagedTile of(tile::TileType tile, tile::TargetAttr target,
                       int64_t begin, int64_t end);
  int64_t getNumBytes() const;
};

/// Tiles of one stored type share a buffer, at different places if they are
/// needed at the same time.
class StagedBuffers {
public:
  struct Buffer {
    int64_t numElements = 0;
    /// The op that makes a tile, and its first element.
    llvm::SmallVector<std::pair<mlir::Operation *, int64_t>> places;
  };

  StagedBuffers(mlir::Operation *kernel, tile::TargetAttr target);
  /// Tiles in the order of their begins: those of a kernel that is not there
  /// yet, for a schedule that asks what it will take.
  explicit StagedBuffers(llvm::ArrayRef<StagedTile> tiles);

  const llvm::MapVector<mlir::Type, Buffer> &getBuffers() const {
    return buffers;
  }
  /// What makes the largest tile; null where none is in workgroup memory.
  mlir::Operation *getLargest() const { return largest; }
  int64_t getNumBytes(tile::TargetAttr target) const;

private:
  llvm::MapVector<mlir::Type, Buffer> buffers;
  mlir::Operation *largest = nullptr;
};

/// Whether workgroup memory has elements of f16: what a machine computes with,
/// or its matrix units multiply. Where all memory is words, that is the one
/// small type.
inline bool holdsHalves(tile::TargetAttr target) {
  return target.hasFeature("shaderFloat16") ||
         target.has(tile::MatrixUnits::Cooperative) ||
         target.doesLack(tile::Lacks::SmallStorage);
}

/// Whether bf16 is a type of its own, not bits: where numbers of it are
/// computed with, or matrix units multiply them.
inline bool holdsBFloats(tile::TargetAttr target) {
  return !target.doesLack(tile::Lacks::SmallInt) ||
         target.hasFeature("matrix-bf16");
}

/// Bytes of a number, or of those of a vector.
inline int64_t getNumBytes(mlir::Type type) {
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
    return vector.getNumElements() * getNumBytes(vector.getElementType());
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// What an element takes in workgroup memory: a word where a target has no
/// small ones.
inline int64_t getStoredBytes(mlir::Type element, tile::TargetAttr target) {
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(element))
    return vector.getNumElements() *
           getStoredBytes(vector.getElementType(), target);
  constexpr int64_t word = sizeof(int32_t);
  int64_t bytes = getNumBytes(element);
  bool isSmall = !target.doesLack(tile::Lacks::SmallInt) ||
                 (element.isF16() && holdsHalves(target)) ||
                 (element.isBF16() && holdsBFloats(target));
  return isSmall ? bytes : std::max(bytes, word);
}

/// Whether matrix units of the target multiply elements of this type.
inline bool multipliesMatrices(tile::TargetAttr target, mlir::Type element) {
  return target && target.has(tile::MatrixUnits::Cooperative) &&
         (element.isF16() ||
          (element.isBF16() && target.hasFeature("matrix-bf16")) ||
          (element.isF32() && target.hasFeature("matrix-f32")));
}

/// Whether nobody can look at the elements of a fragment: rows of them go to
/// lanes and back through strips, a subgroup's own.
inline bool hasOpaqueMatrices(tile::TargetAttr target) {
  return target.hasFeature("matrix-opaque");
}

/// Elements of a buffer that holds so many. WebGPU's matrices are read and
/// written at multiples of 16 bytes only, and nobody tells if they are not:
/// buffers are such, so that all begin there.
int64_t getBufferElements(int64_t numElements, mlir::Type type, bool areOpaque);

/// The columns of a strip, of which those of each product are a multiple.
int64_t getStripColumns(mlir::Operation *kernel);

/// Floats between the rows of a strip.
constexpr int64_t kStripGap = 8;

/// Whether threads exchange through workgroup memory: what has subgroups of one
/// lane has none.
inline bool exchangesInMemory(tile::TargetAttr target) {
  return target.getSubgroup() == 1;
}

/// Whether a processor imitates the machine: vectors are loaded element by
/// element, which takes longer than to multiply.
inline bool isImitated(tile::TargetAttr target) {
  return target.hasFeature("software");
}

/// So many threads share a row where they exchange through workgroup memory.
/// Fewer of them have larger blocks of products, and load less for each
/// multiplication, but on an H100 4 take 28 % longer.
constexpr int64_t kLanesInMemory = 8;

/// Whether a lane reads 16 bytes at once: memory of words alone has none.
inline bool readsPieces(tile::TargetAttr target) {
  return !target.doesLack(tile::Lacks::SmallStorage);
}

/// Whether tiles are as large as a workgroup's memory allows: it is small, or
/// lanes read words of it.
inline bool measuresMemory(tile::TargetAttr target) {
  return exchangesInMemory(target) || !readsPieces(target);
}

/// Values of a thread that threads exchange through workgroup memory at a time,
/// where lanes of subgroups do not.
constexpr int64_t kExchangedAtOnce = 4;

/// The memory that this takes.
inline int64_t getExchangeBytes(int64_t threads) {
  return kExchangedAtOnce * threads * static_cast<int64_t>(sizeof(float));
}

/// The memory through which subgroups combine tiles of which a thread has so
/// many registers.
inline int64_t getCombineBytes(int64_t registers, int64_t threads) {
  return registers * threads * static_cast<int64_t>(sizeof(float));
}

} // namespace attn

#endif // LIB_CONVERSION_STAGING_H
