//===- Plan.cpp - What a tile kernel needs on Hopper ----------------------===//
//
// Checks what TMA and wgmma can take, and lays out shared memory.
//
//===----------------------------------------------------------------------===//

#include "Plan.h"

#include "llvm/Support/ScopedPrinter.h"

using namespace mlir;

namespace attn::hopper {

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
    if (failed(findStructure(plan.kernel, plan, why)) || failed(assignRows()) ||
        failed(findStores()) || failed(layOut()))
      return failure();
    return plan;
  }

private:
  LogicalResult fail(const Twine &reason) {
    why = reason.str();
    return failure();
  }

  LogicalResult assignRows();
  LogicalResult findStores();
  LogicalResult layOut();
  LogicalResult checkShared(tile::LoadOp load, StringRef role);

  Plan plan;
  std::string &why;
};

LogicalResult Planner::checkShared(tile::LoadOp load, StringRef role) {
  tile::TileType type = load.getType();
  if (load.getPageTable())
    return fail(role + " is paged");
  if (load.getPacking())
    return fail(role + " is packed");
  std::optional<View> view = getView(load.getSource());
  if (view->sizes.size() < 2 || view->sizes.size() > 5)
    return fail(role + " has a rank that a tensor map cannot have");
  if (!isConstantIntValue(view->strides.back(), 1))
    return fail(role + " is not contiguous in its last dimension");
  for (OpFoldResult stride : ArrayRef(view->strides).drop_back())
    if (std::optional<int64_t> value = getConstantIntValue(stride);
        value && *value % 8 != 0)
      return fail(role + " has a stride of " + Twine(*value) +
                  " elements, which is no multiple of 16 bytes");
  if (type.getRows() > maxBoxRows || type.getRows() % 8 != 0)
    return fail(role + " is a tile of " + Twine(type.getRows()) +
                " rows, not of a multiple of 8 (at most 256)");
  return success();
}

LogicalResult Planner::assignRows() {
  if (failed(checkShared(plan.query.load, "q")) ||
      failed(checkShared(plan.key.load, "k")) ||
      failed(checkShared(plan.value.load, "v")))
    return failure();
  int64_t rows = plan.query.type().getRows();
  if (rows % groupRows != 0 || rows / groupRows > 3)
    return fail("a query tile of " + Twine(rows) +
                " rows is not one to three warpgroups of 64");
  plan.consumers = rows / groupRows;
  plan.schedule.pingPong &= plan.consumers > 1;
  if (plan.consumers == 3) {
    plan.consumerRegisters = 160;
    plan.producerRegisters = 32;
  }
  return success();
}

LogicalResult Planner::findStores() {
  for (tile::StoreOp store : plan.kernel.getOps<tile::StoreOp>()) {
    std::optional<View> view = getView(store.getDest());
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
