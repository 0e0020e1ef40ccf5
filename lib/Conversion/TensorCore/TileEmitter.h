//===- TileEmitter.h - Tile ops of the warps that compute -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits what surrounds the two matrix products: the maps and reductions of the
// loop and of the epilogue, branches on tiles, carried values, plain stores.
// Lowerings derive from it and add the products and the loop.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_TILEEMITTER_H
#define LIB_CONVERSION_TENSORCORE_TILEEMITTER_H

#include "Fragment.h"
#include "Structure.h"

namespace attn::tensorcore {

class TileEmitter {
public:
  TileEmitter(Emitter &emit, KernelStructure &structure)
      : emit(emit), structure(structure), tiles(emit) {}
  virtual ~TileEmitter() = default;

protected:
  //===--------------------------------------------------------------------===//
  // One key tile
  //===--------------------------------------------------------------------===//

  /// How a branch on whether the key tile is full is taken.
  enum class Full { yes, no, ask };
  void emitTileOp(Operation *op, Full full, Scope &scope);
  /// The ops between the products, but for those that prepare the second and
  /// those that may follow it.
  void emitStatistics(Full full, Scope &scope);
  void emitAfterProducts(Full full, Scope &scope);
  /// Those that convert the probabilities, which it returns.
  Values emitConversions(Scope &scope);
  /// Those that scale the accumulators.
  void emitAccumulatorMaps(Scope &scope);
  /// Both.
  Values emitPreparation(Scope &scope);
  /// Emits `body` once for full and once for other key tiles, if they differ.
  void emitVersions(Value full, llvm::function_ref<void(Full)> body);

  //===--------------------------------------------------------------------===//
  // What the loop carries
  //===--------------------------------------------------------------------===//

  tile::TileType carriedType(unsigned number) {
    return mlir::cast<tile::TileType>(
        structure.loop.getInits()[number].getType());
  }
  Types carriedTypes();
  /// The values that the loop starts with; binds its arguments to them.
  Values initialValues();
  /// What the loop yields, with the accumulator as the second product expects
  /// it.
  Values carriedValues();
  void bindCarried(ValueRange values);
  /// Binds the loop's results, with row sums completed.
  void bindResults(ValueRange values);

  //===--------------------------------------------------------------------===//
  // Around the loop
  //===--------------------------------------------------------------------===//

  void emitPrologue(Scope &scope);
  void emitEpilogue(Scope &scope);
  virtual void emitStore(tile::StoreOp op, Scope &scope);
  /// Stores of row statistics, and of a matrix from registers.
  void storeRows(tile::StoreOp op, Scope &scope);
  void storeElements(tile::StoreOp op, Scope &scope);

  Emitter &emit;
  KernelStructure &structure;
  FragmentEmitter tiles;

private:
  void emitIf(mlir::scf::IfOp op, Full full, Scope &scope);
  void emitBranch(mlir::Region &region, mlir::scf::IfOp op, Full full,
                  Scope &scope);
  bool hasVersions();
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_TILEEMITTER_H
