//===- Structure.cpp - The parts of a fused attention kernel --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analysis behind Structure.h.
//
//===----------------------------------------------------------------------===//

#include "Structure.h"

#include "ScalarEmitter.h"

#include "../MatrixKernels.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "llvm/Support/ScopedPrinter.h"

#include <numeric>

using namespace mlir;

namespace attn::tensorcore {

bool isSixteenBit(Type type) { return type.isBF16() || type.isF16(); }

std::optional<View> getView(Value memref) {
  auto cast = memref.getDefiningOp<memref::ReinterpretCastOp>();
  if (!cast)
    return std::nullopt;
  auto base = dyn_cast<BlockArgument>(cast.getSource());
  auto offset = cast.getMixedOffsets();
  if (!base || offset.size() != 1 || !isConstantIntValue(offset[0], 0))
    return std::nullopt;
  return View{base, cast.getMixedSizes(), cast.getMixedStrides()};
}

int64_t getUnit(const View &view) {
  int64_t unit = 16;
  if (!isConstantIntValue(view.strides.back(), 1))
    return elementBytes;
  // Strides that are not known are those of dense rows, or a launch fails.
  std::optional<int64_t> row = getConstantIntValue(view.sizes.back());
  for (OpFoldResult stride : ArrayRef(view.strides).drop_back())
    if (std::optional<int64_t> value = getConstantIntValue(stride);
        value || row)
      unit = std::gcd(unit, value.value_or(*row) * elementBytes);
  return unit;
}

namespace {

class StructureFinder : FitCheck {
public:
  StructureFinder(KernelStructure &structure, std::string &why)
      : FitCheck(why), structure(structure) {}

  LogicalResult run() {
    return success(succeeded(findLoop()) && succeeded(findDots()) &&
                   succeeded(findRoles()) && succeeded(checkOps()));
  }

private:
  LogicalResult findLoop();
  LogicalResult findDots();
  LogicalResult findRoles();
  LogicalResult checkOps();
  LogicalResult checkOp(Operation *op);
  LogicalResult checkLoad(SharedTile &shared, StringRef role);
  bool isDeferrableSum(unsigned number);
  void findWork();

  KernelStructure &structure;
};

bool isZeroSplat(Value value) {
  auto splat = value.getDefiningOp<tile::SplatOp>();
  return splat && (matchPattern(splat.getValue(), m_AnyZeroFloat()) ||
                   matchPattern(splat.getValue(), m_Zero()));
}

LogicalResult StructureFinder::findLoop() {
  for (scf::ForOp loop : structure.kernel.getOps<scf::ForOp>()) {
    if (structure.loop)
      return fail("it has more than one loop");
    structure.loop = loop;
  }
  if (!structure.loop)
    return fail("it has no loop over key tiles");
  if (!matchPattern(structure.loop.getStep(), m_One()))
    return fail("its loop has a step other than 1");
  for (auto rangeAt : structure.loop.getOps<tile::RangeAtOp>()) {
    if (structure.rangeAt ||
        rangeAt.getPosition() != structure.loop.getInductionVar())
      return fail("it asks for key tiles other than its loop's");
    structure.rangeAt = rangeAt;
  }
  return success();
}

LogicalResult StructureFinder::checkLoad(SharedTile &shared, StringRef role) {
  tile::LoadOp load = shared.load;
  tile::TileType type = load.getType();
  if (!isSixteenBit(type.getElementType()))
    return fail(role + " has elements of type " +
                llvm::to_string(type.getElementType()) + ", not 16-bit floats");
  std::optional<View> view = getView(load.getSource());
  if (!view || (load.getPageTable() && !getView(load.getPageTable())))
    return fail(role + " is not an argument of the kernel");
  if (type.getCols() % 16 != 0)
    return fail(role + " is a tile of " + Twine(type.getCols()) +
                " columns, not of a multiple of 16");
  // Copies of several elements start at the first column.
  shared.unit = matchPattern(load.getIndices().back(), m_Zero())
                    ? getUnit(*view)
                    : elementBytes;
  return success();
}

LogicalResult StructureFinder::findDots() {
  SmallVector<tile::DotOp> dots(structure.loop.getOps<tile::DotOp>());
  if (dots.size() != 2)
    return fail("its loop has " + Twine(dots.size()) +
                " matrix products, not two");
  structure.scoreDot = dots[0];
  structure.valueDot = dots[1];
  if (structure.scoreDot.getTransposeA() ||
      !structure.scoreDot.getTransposeB() ||
      structure.valueDot.getTransposeA() || structure.valueDot.getTransposeB())
    return fail("a matrix product reads a transposed tile");
  auto query = structure.scoreDot.getA().getDefiningOp<tile::LoadOp>();
  auto key = structure.scoreDot.getB().getDefiningOp<tile::LoadOp>();
  auto value = structure.valueDot.getB().getDefiningOp<tile::LoadOp>();
  if (!query || query->getParentOp() != structure.kernel)
    return fail("its query tile is not loaded before the loop");
  if (!key || !value || key->getParentOp() != structure.loop ||
      value->getParentOp() != structure.loop)
    return fail("a key or value tile is not loaded in the loop");
  if (!isZeroSplat(structure.scoreDot.getAcc()))
    return fail("its scores do not start from zero");
  structure.query.load = query;
  structure.key.load = key;
  structure.value.load = value;
  if (failed(checkLoad(structure.query, "q")) ||
      failed(checkLoad(structure.key, "k")) ||
      failed(checkLoad(structure.value, "v")))
    return failure();
  if (!structure.valueDot.getA().getDefiningOp<tile::ConvertOp>())
    return fail("the probabilities are not converted to 16 bits");
  if (key.getType().getRows() % 16 != 0)
    return fail("a key tile of " + Twine(key.getType().getRows()) +
                " rows is no multiple of 16");
  if (value.getType().getCols() > 256)
    return fail("a value head of more than 256 columns");
  return success();
}

/// A row sum may stay partial when the loop only scales it by factors of the
/// row and adds row sums to it: both are linear.
bool StructureFinder::isDeferrableSum(unsigned number) {
  Value init = structure.loop.getInits()[number];
  BlockArgument argument = structure.loop.getRegionIterArgs()[number];
  if (!isZeroSplat(init))
    return false;
  Value yielded = structure.loop.getBody()->getTerminator()->getOperand(number);
  auto reduce = yielded.getDefiningOp<tile::ReduceOp>();
  if (!reduce || reduce.getKind() != tile::ReduceKind::Sum ||
      !yielded.hasOneUse())
    return false;
  Value current = reduce.getInit();
  while (current != argument) {
    if (!current.hasOneUse())
      return false;
    auto map = current.getDefiningOp<tile::MapOp>();
    if (!map || map.getNumResults() != 1)
      return false;
    auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
    auto product = yield.getValues()[0].getDefiningOp<arith::MulFOp>();
    if (!product)
      return false;
    Value next;
    for (auto [input, element] :
         llvm::zip_equal(map.getInputs(), map.getElementArgs())) {
      bool isFactor =
          element == product.getLhs() || element == product.getRhs();
      SetVector<Operation *> slice;
      (void)getBackwardSlice(input, &slice);
      bool carries =
          input == argument || llvm::any_of(slice, [&](Operation *op) {
            return llvm::is_contained(op->getOperands(), argument);
          });
      if (!carries)
        continue;
      if (next || !isFactor || !element.hasOneUse())
        return false;
      next = input;
    }
    if (!next)
      return false;
    current = next;
  }
  return argument.hasOneUse();
}

/// Compares the work of the points of the grid: what decides which key tiles
/// there are, not how blocks share them.
void StructureFinder::findWork() {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  if (structure.rangeAt) {
    for (Value bound : structure.ranges().getBounds())
      (void)getBackwardSlice(bound, &slice, options);
  } else {
    (void)getBackwardSlice(structure.loop.getUpperBound(), &slice, options);
  }
  structure.unevenWork = llvm::any_of(slice, [&](Operation *op) {
    return llvm::is_contained(op->getOperands(), structure.point(2));
  });
  structure.equalWork = !structure.unevenWork && !structure.hasPredicate() &&
                        llvm::none_of(slice, llvm::IsaPred<memref::LoadOp>);
}

LogicalResult StructureFinder::findRoles() {
  Block *body = structure.loop.getBody();
  // What depends on the accumulator must wait for the previous product.
  auto results = body->getTerminator()->getOperands();
  std::optional<unsigned> accumulator;
  for (auto [number, value] : llvm::enumerate(results))
    if (value == structure.valueDot.getResult())
      accumulator = number;
  if (!accumulator || !structure.valueDot->hasOneUse())
    return fail("the second matrix product is not carried by the loop");
  structure.accumulator = *accumulator;
  DenseSet<Value> depends;
  depends.insert(structure.loop.getRegionIterArgs()[structure.accumulator]);
  for (Operation &op : body->without_terminator()) {
    if (!llvm::any_of(op.getOperands(),
                      [&](Value value) { return depends.contains(value); }))
      continue;
    depends.insert(op.getResults().begin(), op.getResults().end());
    if (&op == structure.valueDot)
      continue;
    if (!isa<tile::MapOp>(op))
      return fail("the accumulator is used by " + op.getName().getStringRef());
    structure.accumulatorMaps.insert(&op);
  }
  if (!depends.contains(structure.valueDot.getAcc()))
    return fail("the second matrix product does not accumulate");
  for (auto [number, value] : llvm::enumerate(results))
    if (number != structure.accumulator && depends.contains(value))
      return fail("a row statistic depends on the accumulator");

  for (Value value = structure.valueDot.getA();;) {
    auto convert = value.getDefiningOp<tile::ConvertOp>();
    if (!convert || !convert->hasOneUse())
      break;
    structure.conversions.insert(convert);
    value = convert.getInput();
  }
  if (structure.conversions.empty())
    return fail("the probabilities have other uses");
  for (Operation &op : llvm::reverse(body->without_terminator()))
    if (isa<tile::MapOp, tile::ReduceOp>(op) &&
        !structure.accumulatorMaps.contains(&op) &&
        llvm::all_of(op.getUsers(), [&](Operation *user) {
          return user == body->getTerminator() ||
                 structure.afterProducts.contains(user);
        }))
      structure.afterProducts.insert(&op);

  for (auto [number, argument] :
       llvm::enumerate(structure.loop.getRegionIterArgs())) {
    auto type = dyn_cast<tile::TileType>(argument.getType());
    if (!type || !type.getElementType().isF32() ||
        (type.getRank() == 2 && number != structure.accumulator))
      return fail("its loop carries a value of type " +
                  llvm::to_string(argument.getType()));
    structure.partialSum.push_back(type.getRank() == 1 &&
                                   isDeferrableSum(number));
  }

  findWork();
  return success();
}

LogicalResult StructureFinder::checkOp(Operation *op) {
  if (isa<tile::TileDialect>(op->getDialect()) || op == structure.loop)
    for (Value operand : op->getOperands())
      if (operand.getType().isIndex() && !isNarrowIndex(operand))
        return fail("a position of " + op->getName().getStringRef() +
                    " has 64 bits (tile-narrow-indices)");
  if (auto map = dyn_cast<tile::MapOp>(op)) {
    for (Operation &inner : map.getBody().front().without_terminator())
      if (!isScalarOp(&inner))
        return fail("a map uses " + inner.getName().getStringRef());
    return success();
  }
  if (isa<scf::IfOp>(op)) {
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        if (!isa<scf::YieldOp>(inner) && failed(checkOp(&inner)))
          return failure();
    return success();
  }
  if (auto ranges = dyn_cast<tile::RangesOp>(op)) {
    for (Operation &inner : ranges.getWhere().getOps())
      if (!isa<tile::YieldOp>(inner) && !isScalarOp(&inner))
        return fail("the predicate of its ranges uses " +
                    inner.getName().getStringRef());
    return success();
  }
  if (auto store = dyn_cast<tile::StoreOp>(op)) {
    std::optional<View> view = getView(store.getDest());
    if (!view)
      return fail("it stores to what is not an argument of the kernel");
    if (store.getTile().getType().getRank() == 2 &&
        !isConstantIntValue(view->strides.back(), 1))
      return fail("o is not contiguous in its last dimension");
    return success();
  }
  if (isa<tile::SplatOp, tile::ConvertOp, tile::ReduceOp, tile::DotOp,
          tile::RangeCountOp, tile::RangeAtOp, memref::ReinterpretCastOp,
          scf::ForOp, func::ReturnOp, scf::YieldOp>(op))
    return success();
  if (isa<tile::LoadOp>(op)) {
    if (op != structure.query.load && op != structure.key.load &&
        op != structure.value.load)
      return fail("it loads a tile that is no operand of a matrix product");
    Region &where = cast<tile::LoadOp>(op).getWhere();
    if (!where.empty() && op != structure.value.load)
      return fail("it leaves out rows of q or k");
    for (Operation &inner : where.getOps())
      if (!isa<tile::YieldOp>(inner) && !isScalarOp(&inner))
        return fail("the condition on rows of v uses " +
                    inner.getName().getStringRef());
    return success();
  }
  if (!isScalarOp(op))
    return fail("it uses " + op->getName().getStringRef());
  return success();
}

LogicalResult StructureFinder::checkOps() {
  for (Operation &op : structure.kernel.getOps())
    if (failed(checkOp(&op)))
      return failure();
  for (Operation &op : *structure.loop.getBody())
    if (failed(checkOp(&op)))
      return failure();
  return success();
}

} // namespace

LogicalResult findStructure(func::FuncOp kernel, KernelStructure &structure,
                            std::string &why) {
  structure.kernel = kernel;
  return StructureFinder(structure, why).run();
}

} // namespace attn::tensorcore
