//===- HopperLayout.cpp - What a tile kernel needs on Hopper --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks what TMA and wgmma can take, and lays out shared memory.
//
//===----------------------------------------------------------------------===//

#include "HopperLayout.h"

#include "attn/Transforms/ScheduleChoices.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ScopedPrinter.h"

using namespace mlir;

namespace attn::hopper {

namespace {

/// What TMA and swizzles ask for.
constexpr int64_t bufferAlignment = 1024;
constexpr int64_t maxBoxRows = 256;
constexpr size_t maxTensorMapRank = 5;

class HopperPlanner : FitCheck {
public:
  HopperPlanner(func::FuncOp kernel, Schedule schedule, std::string &why)
      : FitCheck(why) {
    layout.kernel = kernel;
    layout.schedule = schedule;
  }

  FailureOr<HopperLayout> run() {
    if (failed(findStructure(layout.kernel, layout, why)) ||
        failed(assignRows()))
      return failure();
    findStores();
    if (failed(layOut()))
      return failure();
    return layout;
  }

private:
  LogicalResult assignRows();
  void findStores();
  LogicalResult layOut();

  HopperLayout layout;
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

LogicalResult HopperPlanner::assignRows() {
  for (auto [tile, role, why] :
       llvm::zip_equal(layout.sharedTiles(), tileNames, layout.whyGathered)) {
    int64_t rows = tile->type().getRows();
    if (rows > maxBoxRows || rows % 16 != 0)
      return fail(role + " is a tile of " + Twine(rows) +
                  " rows, not of a multiple of 16 (at most 256)");
    why = whyNoTensorMap(tile->load);
  }
  int64_t rows = layout.query.type().getRows();
  if (rows % groupRows != 0 || rows / groupRows > 3)
    return fail("a query tile of " + Twine(rows) +
                " rows is not one to three warpgroups of 64");
  layout.consumers = rows / groupRows;
  layout.schedule.pingPong &= layout.consumers > 1;
  // A block of n warpgroups starts with 64K / n registers each, rounded down to
  // multiples of 8 a thread, which are all that setmaxnreg can share out: 504
  // with two consumers. One consumer needs none of its producer's. Addresses of
  // gathered rows and the walk over what a predicate admits take registers.
  if (layout.consumers == 1) {
    layout.consumerRegisters = layout.producerRegisters = 0;
  } else if (layout.consumers == 3) {
    layout.consumerRegisters = 160;
    layout.producerRegisters = 32;
  } else if (layout.gathers()) {
    layout.consumerRegisters = 224;
    layout.producerRegisters = 56;
  } else if (layout.hasPredicate()) {
    layout.consumerRegisters = 232;
    layout.producerRegisters = 40;
  }
  assert(layout.producerRegisters +
                 layout.consumers * layout.consumerRegisters <=
             llvm::alignDown(65536 / layout.threads(), 8) *
                 (layout.consumers + 1) &&
         "setmaxnreg would wait for registers for ever");
  return success();
}

void HopperPlanner::findStores() {
  for (tile::StoreOp store : layout.kernel.getOps<tile::StoreOp>()) {
    View view = *getView(store.getDest());
    tile::TileType type = store.getTile().getType();
    if (layout.schedule.tmaStore && type.getRank() == 2 &&
        isSixteenBit(type.getElementType()) &&
        view.sizes.size() <= maxTensorMapRank && getUnit(view) == 16)
      layout.tmaStores.push_back(store);
  }
}

/// Assigns shared memory: all buffers, then what is left to a second query
/// buffer and to staging of the output.
LogicalResult HopperPlanner::layOut() {
  SharedMemory &memory = layout.memory;
  int64_t offset = 0;
  auto place = [&](Ring &ring, SharedTile &tile, int64_t stages) {
    ring.bytes = llvm::alignTo(tile.bytes(), bufferAlignment);
    ring.stages = stages;
    ring.data = offset;
    offset += ring.bytes * stages;
  };
  constexpr int64_t barrierSpace = 512;
  int64_t streamed =
      (layout.key.bytes() + layout.value.bytes()) * layout.schedule.stages;
  int64_t output =
      layout.tmaStores.empty()
          ? 0
          : llvm::divideCeil(layout.value.type().getCols(), swizzleColumns);
  int64_t outputBlock = layout.consumers * groupRows * swizzleBytes;
  int64_t rest = layout.schedule.sharedBytes - barrierSpace - streamed -
                 layout.query.bytes();
  if (rest < 0)
    return fail("its tiles need " + Twine(layout.schedule.sharedBytes - rest) +
                " bytes of shared memory of " +
                Twine(layout.schedule.sharedBytes) +
                "; smaller tiles would fit");
  // A second query buffer hides the load of the next tile; staging in several
  // steps costs little. So staging gets what the second buffer leaves.
  int64_t queries =
      layout.schedule.persistent &&
              rest >= layout.query.bytes() + (output ? outputBlock : 0)
          ? 2
          : 1;
  rest -= (queries - 1) * layout.query.bytes();
  memory.stagingBlocks = std::min(output, rest / outputBlock);
  if (memory.stagingBlocks == 0)
    layout.tmaStores.clear();

  place(memory.query, layout.query, queries);
  place(memory.key, layout.key, layout.schedule.stages);
  place(memory.value, layout.value, layout.schedule.stages);
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
    offset += layout.hasPredicate() ? 4 * ring->stages : 0;
  }
  memory.bytes = offset;
  return success();
}

} // namespace

SmallVector<std::string> HopperLayout::describe() {
  SmallVector<std::string> choices;
  auto choose = [&](StringRef knob, auto get, const Twine &choice,
                    const Twine &reason) {
    choices.push_back(explainChoice(kernel, knob, get, choice, reason));
  };
  choices.push_back(llvm::formatv(
      "wgmma: {0} rows of queries on each of {1} warpgroup{2}, one more loads",
      groupRows, consumers, consumers > 1 ? "s" : ""));
  choose("stages", &ScheduleAttr::getStages,
         llvm::formatv("{0} buffers of keys and values, {1} of queries: {2} "
                       "bytes of shared memory of {3}",
                       schedule.stages, memory.query.stages, memory.bytes,
                       schedule.sharedBytes),
         "one is loaded while another is multiplied");
  for (auto [tile, name, why] :
       llvm::zip_equal(sharedTiles(), tileNames, whyGathered))
    choices.push_back(why.empty()
                          ? (name + " comes by TMA").str()
                          : (name + " is gathered by threads: " + why).str());
  choose("tma_store", &ScheduleAttr::getTmaStore,
         tmaStores.empty() ? "o is stored by threads" : "o leaves by TMA",
         tmaStores.empty() ? "TMA or the rest of shared memory cannot take it"
                           : "the next query tile is computed meanwhile");
  choose("one_behind", &ScheduleAttr::getOneBehind,
         schedule.oneBehind ? "the product with v is one key tile behind"
                            : "the product with v follows its scores",
         schedule.oneBehind ? "the exponentials of a tile overlap it"
                            : "an option says so");
  choose("ping_pong", &ScheduleAttr::getPingPong,
         schedule.pingPong ? "warpgroups take turns at the tensor cores"
                           : "warpgroups take no turns",
         schedule.pingPong ? "one multiplies while another exponentiates"
         : consumers == 1  ? "there is one"
                           : "an option says so");
  if (!schedule.persistent) {
    choose("persistent", &ScheduleAttr::getPersistent,
           "a block computes one query tile", "an option says so");
  } else {
    choose("persistent", &ScheduleAttr::getPersistent,
           "a block a multiprocessor stays",
           "it loads the next query tile while it finishes one");
    choose("deal_equal", &ScheduleAttr::getDealEqual,
           fetchesTiles() ? "blocks fetch query tiles from a counter"
                          : "blocks are dealt query tiles in turn",
           fetchesTiles() ? "some are more work" : "all are equal work");
  }
  choices.push_back(explainOrder(*this, schedule));
  return choices;
}

FailureOr<HopperLayout> makeHopperLayout(func::FuncOp kernel, Schedule schedule,
                                         std::string &why) {
  return HopperPlanner(kernel, schedule, why).run();
}

} // namespace attn::hopper
