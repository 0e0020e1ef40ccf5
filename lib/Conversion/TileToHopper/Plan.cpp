//===- Plan.cpp - What a tile kernel needs on Hopper ----------------------===//
//
// The analysis behind Plan.h: structure, dependences, shared memory.
//
//===----------------------------------------------------------------------===//

#include "Plan.h"

#include "ScalarEmitter.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "llvm/Support/ScopedPrinter.h"

using namespace mlir;

namespace attn::hopper {

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

namespace {

/// What a Hopper block may use (227 KiB), and what TMA and swizzles ask for.
constexpr int64_t sharedMemoryLimit = 232448;
constexpr int64_t bufferAlignment = 1024;
constexpr int64_t maxBoxRows = 256;

class Planner {
public:
  Planner(func::FuncOp kernel, Schedule schedule, std::string &why) : why(why) {
    plan.kernel = kernel;
    plan.schedule = schedule;
  }

  FailureOr<Plan> run() {
    if (failed(findLoop()) || failed(findDots()) || failed(findRoles()) ||
        failed(checkOps()) || failed(findStores()) || failed(layOut()))
      return failure();
    return plan;
  }

private:
  LogicalResult fail(const Twine &reason) {
    why = reason.str();
    return failure();
  }

  LogicalResult findLoop();
  LogicalResult findDots();
  LogicalResult findRoles();
  LogicalResult checkOps();
  LogicalResult checkOp(Operation *op);
  LogicalResult findStores();
  LogicalResult layOut();
  LogicalResult checkShared(tile::LoadOp load, StringRef role);
  bool isDeferrableSum(unsigned number);

  Plan plan;
  std::string &why;
};

bool isZeroSplat(Value value) {
  auto splat = value.getDefiningOp<tile::SplatOp>();
  return splat && (matchPattern(splat.getValue(), m_AnyZeroFloat()) ||
                   matchPattern(splat.getValue(), m_Zero()));
}

bool isSixteenBit(Type type) { return type.isBF16() || type.isF16(); }

LogicalResult Planner::findLoop() {
  for (scf::ForOp loop : plan.kernel.getOps<scf::ForOp>()) {
    if (plan.loop)
      return fail("it has more than one loop");
    plan.loop = loop;
  }
  if (!plan.loop)
    return fail("it has no loop over key tiles");
  if (!matchPattern(plan.loop.getStep(), m_One()))
    return fail("its loop has a step other than 1");
  for (auto rangeAt : plan.loop.getOps<tile::RangeAtOp>()) {
    if (plan.rangeAt || rangeAt.getPosition() != plan.loop.getInductionVar())
      return fail("it asks for key tiles other than its loop's");
    plan.rangeAt = rangeAt;
  }
  return success();
}

LogicalResult Planner::checkShared(tile::LoadOp load, StringRef role) {
  tile::TileType type = load.getType();
  if (!isSixteenBit(type.getElementType()))
    return fail(role + " has elements of type " +
                llvm::to_string(type.getElementType()) + ", not 16-bit floats");
  if (load.getPageTable())
    return fail(role + " is paged");
  if (load.getPacking())
    return fail(role + " is packed");
  std::optional<View> view = getView(load.getSource());
  if (!view)
    return fail(role + " is not an argument of the kernel");
  if (view->sizes.size() < 2 || view->sizes.size() > 5)
    return fail(role + " has a rank that a tensor map cannot have");
  if (!isConstantIntValue(view->strides.back(), 1))
    return fail(role + " is not contiguous in its last dimension");
  for (OpFoldResult stride : ArrayRef(view->strides).drop_back())
    if (std::optional<int64_t> value = getConstantIntValue(stride);
        value && *value % 8 != 0)
      return fail(role + " has a stride of " + Twine(*value) +
                  " elements, which is no multiple of 16 bytes");
  if (type.getRows() > maxBoxRows || type.getRows() % 8 != 0 ||
      type.getCols() % 16 != 0)
    return fail(role + " is a tile of " + Twine(type.getRows()) + "x" +
                Twine(type.getCols()) +
                ", not of a multiple of 8 rows (at most 256) and 16 columns");
  return success();
}

LogicalResult Planner::findDots() {
  SmallVector<tile::DotOp> dots(plan.loop.getOps<tile::DotOp>());
  if (dots.size() != 2)
    return fail("its loop has " + Twine(dots.size()) +
                " matrix products, not two");
  plan.scoreDot = dots[0];
  plan.valueDot = dots[1];
  if (plan.scoreDot.getTransposeA() || !plan.scoreDot.getTransposeB() ||
      plan.valueDot.getTransposeA() || plan.valueDot.getTransposeB())
    return fail("a matrix product reads a transposed tile");
  auto query = plan.scoreDot.getA().getDefiningOp<tile::LoadOp>();
  auto key = plan.scoreDot.getB().getDefiningOp<tile::LoadOp>();
  auto value = plan.valueDot.getB().getDefiningOp<tile::LoadOp>();
  if (!query || query->getParentOp() != plan.kernel)
    return fail("its query tile is not loaded before the loop");
  if (!key || !value || key->getParentOp() != plan.loop ||
      value->getParentOp() != plan.loop)
    return fail("a key or value tile is not loaded in the loop");
  if (!isZeroSplat(plan.scoreDot.getAcc()))
    return fail("its scores do not start from zero");
  plan.query = {query};
  plan.key = {key};
  plan.value = {value};
  if (failed(checkShared(query, "q")) || failed(checkShared(key, "k")) ||
      failed(checkShared(value, "v")))
    return failure();
  if (!plan.valueDot.getA().getDefiningOp<tile::ConvertOp>())
    return fail("the probabilities are not converted to 16 bits");
  int64_t rows = query.getType().getRows();
  if (rows % groupRows != 0 || rows / groupRows > 3)
    return fail("a query tile of " + Twine(rows) +
                " rows is not one to three warpgroups of 64");
  plan.consumers = rows / groupRows;
  if (plan.consumers == 3) {
    plan.consumerRegisters = 160;
    plan.producerRegisters = 32;
  }
  if (key.getType().getRows() % 16 != 0)
    return fail("a key tile of " + Twine(key.getType().getRows()) +
                " rows is no multiple of 16");
  if (value.getType().getCols() > 256)
    return fail("a value head of more than 256 columns");
  return success();
}

/// A row sum may stay partial when the loop only scales it by factors of the
/// row and adds row sums to it: both are linear.
bool Planner::isDeferrableSum(unsigned number) {
  Value init = plan.loop.getInits()[number];
  BlockArgument argument = plan.loop.getRegionIterArgs()[number];
  if (!isZeroSplat(init))
    return false;
  Value yielded = plan.loop.getBody()->getTerminator()->getOperand(number);
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

LogicalResult Planner::findRoles() {
  Block *body = plan.loop.getBody();
  // What depends on the accumulator must wait for the previous product.
  auto results = body->getTerminator()->getOperands();
  std::optional<unsigned> accumulator;
  for (auto [number, value] : llvm::enumerate(results))
    if (value == plan.valueDot.getResult())
      accumulator = number;
  if (!accumulator || !plan.valueDot->hasOneUse())
    return fail("the second matrix product is not carried by the loop");
  plan.accumulator = *accumulator;
  DenseSet<Value> depends;
  depends.insert(plan.loop.getRegionIterArgs()[plan.accumulator]);
  for (Operation &op : body->without_terminator()) {
    if (!llvm::any_of(op.getOperands(),
                      [&](Value value) { return depends.contains(value); }))
      continue;
    depends.insert(op.getResults().begin(), op.getResults().end());
    if (&op == plan.valueDot)
      continue;
    if (!isa<tile::MapOp>(op))
      return fail("the accumulator is used by " + op.getName().getStringRef());
    plan.accumulatorMaps.insert(&op);
  }
  if (!depends.contains(plan.valueDot.getAcc()))
    return fail("the second matrix product does not accumulate");
  for (auto [number, value] : llvm::enumerate(results))
    if (number != plan.accumulator && depends.contains(value))
      return fail("a row statistic depends on the accumulator");

  for (Value value = plan.valueDot.getA();;) {
    auto convert = value.getDefiningOp<tile::ConvertOp>();
    if (!convert || !convert->hasOneUse())
      break;
    plan.conversions.insert(convert);
    value = convert.getInput();
  }
  if (plan.conversions.empty())
    return fail("the probabilities have other uses");

  for (auto [number, argument] :
       llvm::enumerate(plan.loop.getRegionIterArgs())) {
    auto type = dyn_cast<tile::TileType>(argument.getType());
    if (!type || !type.getElementType().isF32() ||
        (type.getRank() == 2 && number != plan.accumulator))
      return fail("its loop carries a value of type " +
                  llvm::to_string(argument.getType()));
    plan.partialSum.push_back(type.getRank() == 1 && isDeferrableSum(number));
  }

  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  (void)getBackwardSlice(plan.loop.getUpperBound(), &slice, options);
  plan.unevenWork = llvm::any_of(slice, [&](Operation *op) {
    return llvm::is_contained(op->getOperands(), plan.point(2));
  });
  return success();
}

LogicalResult Planner::checkOp(Operation *op) {
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
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return success();
  if (isa<tile::SplatOp, tile::ConvertOp, tile::DotOp, tile::RangeCountOp,
          tile::RangeAtOp, memref::ReinterpretCastOp, scf::ForOp,
          func::ReturnOp, scf::YieldOp, tile::StoreOp>(op))
    return success();
  if (isa<tile::LoadOp>(op)) {
    if (op == plan.query.load || op == plan.key.load || op == plan.value.load)
      return success();
    return fail("it loads a tile that is no operand of a matrix product");
  }
  if (!isScalarOp(op))
    return fail("it uses " + op->getName().getStringRef());
  return success();
}

LogicalResult Planner::checkOps() {
  for (Operation &op : plan.kernel.getOps())
    if (failed(checkOp(&op)))
      return failure();
  for (Operation &op : *plan.loop.getBody())
    if (failed(checkOp(&op)))
      return failure();
  return success();
}

LogicalResult Planner::findStores() {
  for (tile::StoreOp store : plan.kernel.getOps<tile::StoreOp>()) {
    std::optional<View> view = getView(store.getDest());
    if (!view)
      return fail("it stores to what is not an argument of the kernel");
    tile::TileType type = store.getTile().getType();
    if (type.getRank() == 1)
      continue;
    if (!isConstantIntValue(view->strides.back(), 1))
      return fail("o is not contiguous in its last dimension");
    // A pair of 16-bit columns is stored at once.
    if (isSixteenBit(type.getElementType()))
      for (OpFoldResult stride : ArrayRef(view->strides).drop_back())
        if (std::optional<int64_t> value = getConstantIntValue(stride);
            value && *value % 8 != 0)
          return fail("o has a stride of " + Twine(*value) +
                      " elements, which is no multiple of 16 bytes");
    if (plan.schedule.tmaStore && isSixteenBit(type.getElementType()))
      plan.tmaStores.push_back(store);
  }
  return success();
}

/// Assigns shared memory: all buffers, then what is left to a second query
/// buffer and to staging of the output.
LogicalResult Planner::layOut() {
  SharedMemory &memory = plan.memory;
  int64_t offset = 0;
  auto place = [&](Ring &ring, SharedTile &tile, int64_t stages) {
    ring.bytes = llvm::alignTo(tile.bytes(), bufferAlignment);
    ring.stages = stages;
    ring.data = offset;
    offset += ring.bytes * stages;
  };
  constexpr int64_t barrierSpace = 512;
  int64_t streamed =
      (plan.key.bytes() + plan.value.bytes()) * plan.schedule.stages;
  int64_t output =
      plan.tmaStores.empty()
          ? 0
          : llvm::divideCeil(plan.value.type().getCols(), swizzleColumns);
  int64_t outputBlock = plan.consumers * groupRows * swizzleBytes;
  int64_t rest =
      sharedMemoryLimit - barrierSpace - streamed - plan.query.bytes();
  if (rest < 0)
    return fail("its tiles need " + Twine(sharedMemoryLimit - rest) +
                " bytes of shared memory of " + Twine(sharedMemoryLimit) +
                "; smaller tiles would fit");
  // A second query buffer hides the load of the next tile; staging in several
  // steps costs little. So staging gets what the second buffer leaves.
  int64_t queries =
      plan.schedule.persistent &&
              rest >= plan.query.bytes() + (output ? outputBlock : 0)
          ? 2
          : 1;
  rest -= (queries - 1) * plan.query.bytes();
  memory.stagingBlocks = std::min(output, rest / outputBlock);
  if (memory.stagingBlocks == 0)
    plan.tmaStores.clear();

  place(memory.query, plan.query, queries);
  place(memory.key, plan.key, plan.schedule.stages);
  place(memory.value, plan.value, plan.schedule.stages);
  memory.staging = offset;
  offset += memory.stagingBlocks * outputBlock;
  for (Ring *ring : {&memory.query, &memory.key, &memory.value}) {
    ring->barriers = offset;
    offset += 16 * ring->stages;
  }
  memory.zeroing = offset;
  memory.scheduler = offset + 8;
  memory.bytes = offset + 8 + 24;
  return success();
}

} // namespace

FailureOr<Plan> makePlan(func::FuncOp kernel, Schedule schedule,
                         std::string &why) {
  return Planner(kernel, schedule, why).run();
}

} // namespace attn::hopper
