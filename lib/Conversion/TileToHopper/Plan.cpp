//===- Plan.cpp - What a tile kernel needs on Hopper ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks what TMA and wgmma can take, and lays out shared memory.
//
//===----------------------------------------------------------------------===//

#include "Plan.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ScopedPrinter.h"

using namespace mlir;

namespace attn::hopper {

namespace {

/// What TMA and swizzles ask for.
constexpr int64_t bufferAlignment = 1024;
constexpr int64_t maxBoxRows = 256;
constexpr size_t maxTensorMapRank = 5;

class Planner {
public:
  Planner(func::FuncOp kernel, Schedule schedule, std::string &why) : why(why) {
    plan.kernel = kernel;
    plan.schedule = schedule;
  }

  FailureOr<Plan> run() {
    if (failed(findStructure(plan.kernel, plan, why)) || failed(assignRows()))
      return failure();
    findStores();
    if (failed(layOut()))
      return failure();
    return plan;
  }

private:
  LogicalResult fail(const Twine &reason) {
    why = reason.str();
    return failure();
  }

  LogicalResult assignRows();
  void findStores();
  LogicalResult layOut();

  Plan plan;
  std::string &why;
};

/// Why a tensor map cannot describe what `load` reads; empty if it can.
std::string whyNoTensorMap(tile::LoadOp load) {
  View view = *getView(load.getSource());
  if (load.getPageTable())
    return "it is paged";
  if (load.getPacking())
    return "its rows are those of several heads";
  if (view.sizes.size() > maxTensorMapRank)
    return "it has more than " + std::to_string(maxTensorMapRank) +
           " dimensions";
  if (!isConstantIntValue(view.strides.back(), 1))
    return "it is not contiguous in its last dimension";
  constexpr int64_t tensorMapUnit = 16;
  if (getUnit(view) == tensorMapUnit)
    return "";
  for (OpFoldResult stride : ArrayRef(view.strides).drop_back())
    if (std::optional<int64_t> value = getConstantIntValue(stride);
        value && *value * 2 % tensorMapUnit != 0)
      return "it has a stride of " + std::to_string(*value) +
             " elements, which is no multiple of 16 bytes";
  return "its rows of " +
         std::to_string(*getConstantIntValue(view.sizes.back())) +
         " elements are no multiple of 16 bytes";
}

LogicalResult Planner::assignRows() {
  for (auto [tile, role, why] :
       llvm::zip_equal(plan.sharedTiles(), tileNames, plan.whyGathered)) {
    int64_t rows = tile->type().getRows();
    if (rows > maxBoxRows || rows % 16 != 0)
      return fail(role + " is a tile of " + Twine(rows) +
                  " rows, not of a multiple of 16 (at most 256)");
    why = whyNoTensorMap(tile->load);
  }
  int64_t rows = plan.query.type().getRows();
  if (rows % groupRows != 0 || rows / groupRows > 3)
    return fail("a query tile of " + Twine(rows) +
                " rows is not one to three warpgroups of 64");
  plan.consumers = rows / groupRows;
  plan.schedule.pingPong &= plan.consumers > 1;
  // A block of n warpgroups starts with 64K / n registers each, rounded down to
  // multiples of 8 a thread, which are all that setmaxnreg can share out: 504
  // with two consumers. One consumer needs none of its producer's. Addresses of
  // gathered rows and the walk over what a predicate admits take registers.
  if (plan.consumers == 1) {
    plan.consumerRegisters = plan.producerRegisters = 0;
  } else if (plan.consumers == 3) {
    plan.consumerRegisters = 160;
    plan.producerRegisters = 32;
  } else if (plan.gathers()) {
    plan.consumerRegisters = 224;
    plan.producerRegisters = 56;
  } else if (plan.hasPredicate()) {
    plan.consumerRegisters = 232;
    plan.producerRegisters = 40;
  }
  assert(plan.producerRegisters + plan.consumers * plan.consumerRegisters <=
             llvm::alignDown(65536 / plan.threads(), 8) *
                 (plan.consumers + 1) &&
         "setmaxnreg would wait for registers for ever");
  return success();
}

void Planner::findStores() {
  for (tile::StoreOp store : plan.kernel.getOps<tile::StoreOp>()) {
    View view = *getView(store.getDest());
    tile::TileType type = store.getTile().getType();
    if (plan.schedule.tmaStore && type.getRank() == 2 &&
        isSixteenBit(type.getElementType()) &&
        view.sizes.size() <= maxTensorMapRank && getUnit(view) == 16)
      plan.tmaStores.push_back(store);
  }
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
      plan.schedule.sharedBytes - barrierSpace - streamed - plan.query.bytes();
  if (rest < 0)
    return fail("its tiles need " + Twine(plan.schedule.sharedBytes - rest) +
                " bytes of shared memory of " +
                Twine(plan.schedule.sharedBytes) + "; smaller tiles would fit");
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
  for (Ring *ring : memory.rings()) {
    ring->barriers = offset;
    offset += 16 * ring->stages;
  }
  memory.zeroing = offset;
  memory.scheduler = offset + 8;
  offset += 8 + 24;
  for (Ring *ring : {&memory.query, &memory.key}) {
    ring->words = offset;
    offset += plan.hasPredicate() ? 4 * ring->stages : 0;
  }
  memory.bytes = offset;
  return success();
}

} // namespace

SmallVector<std::string> Plan::describe() {
  SmallVector<std::string> choices;
  choices.push_back(llvm::formatv(
      "wgmma: {0} rows of queries on each of {1} warpgroup{2}, one more loads",
      groupRows, consumers, consumers > 1 ? "s" : ""));
  choices.push_back(llvm::formatv(
      "{0} buffers of keys and values, {1} of queries: {2} bytes of shared "
      "memory of {3}",
      schedule.stages, memory.query.stages, memory.bytes,
      schedule.sharedBytes));
  for (auto [tile, name, why] :
       llvm::zip_equal(sharedTiles(), tileNames, whyGathered))
    choices.push_back(why.empty()
                          ? (name + " comes by TMA").str()
                          : (name + " is gathered by threads: " + why).str());
  choices.push_back(!schedule.persistent ? "a block computes one query tile"
                    : fetchesTiles()
                        ? "blocks stay and fetch query tiles from a counter" +
                              std::string(schedule.longestFirst && unevenWork
                                              ? ", the longest first"
                                              : "")
                        : "blocks stay and are dealt query tiles in turn: all "
                          "are equal work");
  return choices;
}

FailureOr<Plan> makePlan(func::FuncOp kernel, Schedule schedule,
                         std::string &why) {
  return Planner(kernel, schedule, why).run();
}

} // namespace attn::hopper
