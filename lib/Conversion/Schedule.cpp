//===- Schedule.cpp - Schedules by conditions on sizes --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index arithmetic of the host on the sizes of an attention op.
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "attn-schedule"

using namespace mlir;
using namespace attn;

std::pair<int64_t, int64_t> ScheduleBuilder::getGivenTile(int64_t tileM,
                                                          int64_t tileN) const {
  return {tileM || !given ? tileM : given.getTileM(),
          tileN || !given ? tileN : given.getTileN()};
}

bool ScheduleBuilder::keepsGiven(int64_t tileM, int64_t tileN) {
  if (!given || !given.getTileM() || !given.getTileN() || tileM || tileN)
    return false;
  op->setAttr(kScheduleReasonAttrName, b.getStringAttr("a schedule was given"));
  return true;
}

void ScheduleBuilder::setOn(Operation *version, int64_t tileM, int64_t tileN,
                            int64_t workers, const Twine &reason,
                            int64_t threads) {
  // What is said of the kernel stays.
  ScheduleKnobs knobs = given ? given.getKnobs() : ScheduleKnobs();
  knobs.tile_m = tileM;
  knobs.tile_n = tileN;
  knobs.workers = workers;
  if (!knobs.threads)
    knobs.threads = threads;
  auto schedule = ScheduleAttr::get(op.getContext(), knobs);
  version->setAttr(ScheduleAttr::attributeName, schedule);
  version->setAttr(kScheduleReasonAttrName, b.getStringAttr(reason));
  LDBG() << schedule << ": " << reason;
}

void ScheduleBuilder::set(int64_t tileM, int64_t tileN, int64_t workers,
                          const Twine &reason, int64_t threads) {
  setOn(op, tileM, tileN, workers, reason, threads);
}

bool ScheduleBuilder::choose(Value condition, int64_t tileM, int64_t tileN,
                             int64_t workers, const Twine &reason,
                             int64_t threads) {
  if (matchPattern(condition, m_Zero()))
    return true;
  if (matchPattern(condition, m_One())) {
    setOn(op, tileM, tileN, workers, reason, threads);
    return false;
  }
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  setOn(b.clone(*op), tileM, tileN, workers, reason, threads);
  op->moveBefore(branch.elseBlock()->getTerminator());
  b.setInsertionPoint(op);
  return true;
}

Value ScheduleBuilder::queries() {
  return extent(op.getQuery(), AttentionOp::getDimMap(op.getQueryLayout()).s);
}

Value ScheduleBuilder::keys() {
  Value keys = extent(op.getKey(), AttentionOp::getDimMap(op.getKeyLayout()).s);
  return op.isPaged() ? multiply(keys, extent(op.getPageTable(), 1)) : keys;
}

Value ScheduleBuilder::packedHeads() {
  if (op.maskDependsOnHead())
    return constant(1);
  // There may be no key heads if there are no query heads.
  Value keyHeads = b.createOrFold<arith::MaxSIOp>(
      extent(op.getKey(), AttentionOp::getDimMap(op.getKeyLayout()).h),
      constant(1));
  return b.createOrFold<arith::DivSIOp>(
      extent(op.getQuery(), AttentionOp::getDimMap(op.getQueryLayout()).h),
      keyHeads);
}

Value ScheduleBuilder::manyEnoughToSplit(Value keys) {
  constexpr int64_t fewest = 1024;
  return atMost(constant(fewest), keys);
}

bool ScheduleBuilder::chooseSplit(int64_t rows, int64_t tileN, int64_t workers,
                                  int64_t threads) {
  return choose(
      both(atMost(packedRows(), constant(rows)), manyEnoughToSplit(keys())),
      rows, tileN, workers,
      "one tile holds the queries of all heads of a key head, and "
      "keys are many",
      threads);
}

Value ScheduleBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value ScheduleBuilder::extent(Value memref, int dim) {
  return b.createOrFold<memref::DimOp>(memref, dim);
}

Value ScheduleBuilder::multiply(Value x, Value y) {
  return b.createOrFold<arith::MulIOp>(x, y);
}

Value ScheduleBuilder::atMost(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, x, y);
}

Value ScheduleBuilder::both(Value x, Value y) {
  return b.createOrFold<arith::AndIOp>(x, y);
}

FailureOr<unsigned>
attn::scheduleOps(Operation *function,
                  function_ref<void(AttentionOp)> schedule) {
  SmallVector<AttentionOp> ops;
  function->walk([&](AttentionOp op) { ops.push_back(op); });
  for (AttentionOp op : ops) {
    if (!isa<MemRefType>(op.getQuery().getType()))
      return op.emitOpError("is on tensors; bufferize it first");
    schedule(op);
  }
  unsigned versions = 0;
  function->walk([&](AttentionOp version) {
    versions += version->hasAttr(kScheduleReasonAttrName);
  });
  return versions;
}
