//===- Matrices.cpp - Kernels for matrix units ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Matrices.h.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"
#include "FewRowsLayouts.h"
#include "Pieces.h"
#include "Staging.h"
#include "TileKernels.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;
using namespace attn;
using namespace attn::tile;

bool attn::isFactor(OpOperand &use) {
  return isa<DotOp>(use.getOwner()) && use.getOperandNumber() < 2;
}

bool attn::isStaged(Value tile) {
  return tile.getDefiningOp<LoadOp>() && !tile.use_empty() &&
         llvm::all_of(tile.getUses(), isFactor);
}

bool attn::isConstantFactor(Value tile) {
  return tile.getDefiningOp<SplatOp>() && !tile.use_empty() &&
         llvm::all_of(tile.getUses(), [](OpOperand &use) {
           return isFactor(use) && use.getOperandNumber() == 1;
         });
}

int64_t attn::getStripBytes(const Matrices &matrices, TargetAttr target) {
  constexpr int64_t halfBytes = 2, floatBytes = 4;
  if (matrices.areOpaque())
    return matrices.subgroups * matrices.m *
               (matrices.stripColumns + kStripGap) * floatBytes +
           kPieceBytes;
  int64_t strip = matrices.m * (matrices.n + 1) * floatBytes;
  if (!target.hasFeature("matrix-element-map"))
    strip += matrices.m * matrices.n * halfBytes;
  return matrices.subgroups * strip +
         std::max(matrices.m, matrices.n) * floatBytes;
}

bool attn::isReadByLoop(OpOperand &use) {
  auto dot = dyn_cast<DotOp>(use.getOwner());
  return dot && use.getOperandNumber() == 0 && !dot.getTransposeA() &&
         use.get().getDefiningOp<LoadOp>() &&
         use.get().getParentBlock() != dot->getBlock() &&
         isa<scf::ForOp>(dot->getParentOp());
}

Padding Padding::of(TargetAttr target) {
  ArrayRef<int64_t> shape = target.getMatrixShape();
  int64_t cols = std::lcm(shape[1], shape[2]);
  return {std::lcm(shape[0], cols), cols};
}

int64_t FragmentNeeds::getRegisters(int64_t threads, bool areOpaque,
                                    bool stays) const {
  int64_t registers =
      llvm::divideCeil(words - (stays ? readWords : 0), threads);
  return areOpaque ? registers
                   : registers + getWaitingRegisters(waiting, threads);
}

/// Registers of a thread for fragments, and for what waits to go to workgroup
/// memory. With more than 256 in all, compilers spill on all devices that are
/// known; an H100's driver takes 80 for all else.
constexpr int64_t kMostFragmentRegisters = 176;

/// The same where lanes cannot look into fragments, and nothing waits: on an
/// H100 through Dawn, heads of 256 take 58 TFLOP/s with queries in registers,
/// of which fragments have 204 then, 44 with queries in workgroup memory.
constexpr int64_t kMostOpaqueRegisters = 216;

int64_t attn::getMostRegisters(bool areOpaque) {
  return areOpaque ? kMostOpaqueRegisters : kMostFragmentRegisters;
}

bool attn::exceedsRegisters(func::FuncOp kernel, TargetAttr target,
                            const Matrices &matrices) {
  // Of every block with products. Factors of f32 are neither halves nor read
  // ahead.
  llvm::MapVector<Block *, FragmentNeeds> blocks;
  kernel.walk([&](DotOp dot) {
    TileType a = dot.getA().getType(), b = dot.getB().getType();
    if (a.getElementType().isF32() || isConstantFactor(dot.getB()))
      return;
    FragmentNeeds &needs = blocks[dot->getBlock()];
    int64_t words = a.getRows() * a.getCols() / 2;
    needs.words += dot.getType().getRows() * dot.getType().getCols() + words;
    if (isReadByLoop(dot->getOpOperand(0)))
      needs.readWords += words;
    if (dot.getB().getParentBlock() == dot->getBlock())
      needs.waiting.push_back(b.getRows() * b.getCols());
  });
  bool areOpaque = matrices.areOpaque();
  int64_t threads = matrices.subgroups * target.getSubgroup();
  return llvm::any_of(blocks, [&](const auto &entry) {
    const FragmentNeeds &needs = entry.second;
    return needs.readWords &&
           needs.getRegisters(threads, areOpaque, /*stays=*/false) >
               getMostRegisters(areOpaque);
  });
}

SharedAttr attn::getStagedLayout(TileType tile) {
  int64_t padding =
      tile.getRank() == 2
          ? kRowGapBytes * 8 / tile.getElementType().getIntOrFloatBitWidth()
          : 0;
  return SharedAttr::get(tile.getContext(), /*column_major=*/false, padding,
                         /*swizzle=*/DenseI64ArrayAttr());
}

/// Why the units of `target` cannot compute the kernel, or nothing.
static std::string fit(func::FuncOp kernel, TargetAttr target,
                       int64_t mostThreads, Matrices &matrices) {
  if (target.getSubgroup() == 0 ||
      matrices.m * matrices.n % target.getSubgroup() != 0)
    return "a fragment does not have as many elements for each lane";
  std::string reason;
  auto check = [&](bool fits, const Twine &what) {
    if (!fits && reason.empty())
      reason = what.str();
  };
  auto isMultiple = [&](int64_t size, int64_t of, StringRef what) {
    check(size % of == 0, what + " " + Twine(size) +
                              " is no multiple of the fragments' " + Twine(of));
  };
  int64_t rows = 0;
  forEachTile(kernel, [&](Value tile) {
    auto type = cast<TileType>(tile.getType());
    if (isStaged(tile) || isConstantFactor(tile))
      return;
    check(type.getElementType().isF32() ||
              multipliesMatrices(target, type.getElementType()),
          "its units have no matrices of a tile's elements");
    isMultiple(type.getRows(), matrices.m, "the number of rows");
    if (type.getRank() == 2)
      isMultiple(type.getCols(), matrices.n, "the number of columns");
    // Both are powers of two times the same fragments.
    rows = rows ? std::gcd(rows, type.getRows()) : type.getRows();
  });
  kernel.walk([&](MapOp map) {
    if (matrices.areOpaque())
      return;
    auto isOther = [&](Type type) {
      return cast<TileType>(type).getElementType() !=
             cast<TileType>(map.getResult(0).getType()).getElementType();
    };
    check(llvm::none_of(
              map->getOperands().take_front(map.getInputs().size()).getTypes(),
              isOther) &&
              llvm::none_of(map->getResultTypes(), isOther),
          "a tile.map mixes element types, whose fragments need not lie alike");
  });
  kernel.walk([&](DotOp dot) {
    TileType a = dot.getA().getType();
    check(multipliesMatrices(target, a.getElementType()),
          "its units do not multiply elements of a product's factors");
    isMultiple(a.getShape()[dot.getTransposeA() ? 0 : 1], matrices.k,
               "the depth of a product");
  });
  while (rows % (2 * matrices.subgroups * matrices.m) == 0 &&
         2 * matrices.subgroups * target.getSubgroup() <= mostThreads)
    matrices.subgroups *= 2;
  // Lanes that share a row have neighbours of it (OpaqueAssigner).
  if (matrices.areOpaque()) {
    int64_t ofRow = target.getSubgroup() / matrices.m;
    check(ofRow && matrices.n % (ofRow * kVectorElements) == 0,
          "lanes cannot share the rows of a fragment");
    forEachTile(kernel, [&](Value tile) {
      int64_t tileRows = cast<TileType>(tile.getType()).getRows();
      check(isStaged(tile) || llvm::isPowerOf2_64(tileRows / matrices.m),
            "rows are no power of two times those of a fragment");
    });
  }
  return reason;
}

static bool hasProducts(func::FuncOp kernel) {
  return kernel.walk([](DotOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

TargetAttr attn::getMatrixTarget(func::FuncOp kernel) {
  auto target = TargetAttr::lookup(kernel);
  auto isOther = [&](DotOp dot) {
    bool is =
        !multipliesMatrices(target, dot.getA().getType().getElementType());
    return is ? WalkResult::interrupt() : WalkResult::advance();
  };
  bool mayUse = target && kernel->hasAttr(tile::kKernelAttrName) &&
                target.has(MatrixUnits::Cooperative) && hasProducts(kernel) &&
                !kernel.walk(isOther).wasInterrupted() &&
                !hasFewRows(kernel, target.getSubgroup());
  return mayUse ? target : TargetAttr();
}

std::optional<Matrices> attn::findMatrices(func::FuncOp kernel,
                                           TargetAttr target,
                                           int64_t mostThreads,
                                           std::string &reason) {
  if (!target.has(MatrixUnits::Cooperative) || !hasProducts(kernel))
    return std::nullopt;
  ArrayRef<int64_t> shape = target.getMatrixShape();
  Matrices matrices{shape[0], shape[1], shape[2], 1};
  if (hasOpaqueMatrices(target))
    matrices.stripColumns = getStripColumns(kernel);
  reason = fit(kernel, target, mostThreads, matrices);
  return reason.empty() ? std::optional(matrices) : std::nullopt;
}

std::optional<Matrices> attn::findMatrices(func::FuncOp kernel) {
  TargetAttr target = getMatrixTarget(kernel);
  if (!target)
    return std::nullopt;
  std::string reason;
  std::optional<Matrices> matrices =
      findMatrices(kernel, target, target.getThreads(), reason);
  if (!matrices)
    return std::nullopt;
  OwningOpRef<func::FuncOp> trial = kernel.clone();
  return assignFragments(*trial, target, *matrices) ? matrices : std::nullopt;
}
