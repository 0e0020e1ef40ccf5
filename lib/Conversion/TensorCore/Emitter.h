//===- Emitter.h - Emit tensor-core instructions ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thin builder of the llvm, nvvm and arith ops that kernels are made of. Only
// Emitter.cpp includes the costly LLVM and NVVM dialect headers.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_EMITTER_H
#define LIB_CONVERSION_TENSORCORE_EMITTER_H

#include "attn/Analysis/IndexRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::tensorcore {
using mlir::Block;
using mlir::Operation;
using mlir::Type;
using mlir::TypeRange;
using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<mlir::Value>;
using Types = llvm::SmallVector<mlir::Type>;

/// A kernel parameter: a value, or a 128-byte tensor map passed by value.
struct Parameter {
  Type type;
  bool tensorMap = false;
};

/// What an inline assembly statement may do to the surrounding code.
enum class AsmEffect {
  pure,   // may move, merge and vanish
  pinned, // keeps its place among other pinned statements
  memory, // pinned, and reads or writes memory
};

class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  Emitter(mlir::Location loc, mlir::MLIRContext *context);

  //===--------------------------------------------------------------------===//
  // Functions and control flow
  //===--------------------------------------------------------------------===//

  /// Creates kernel `name` at the insertion point, moves into its entry block
  /// and returns it with its arguments. A multiprocessor has registers for
  /// `blocks` of it.
  Operation *createKernel(llvm::StringRef name,
                          llvm::ArrayRef<Parameter> parameters, int64_t threads,
                          int64_t blocks, Values &arguments);
  /// Declares the dynamic shared memory of the surrounding module.
  void createSharedMemory(llvm::StringRef name);

  Block *createBlock(TypeRange arguments = {});
  /// Goes on in `block`, which now follows the blocks entered before it.
  void enter(Block *block) {
    mlir::Region *region = block->getParent();
    block->moveBefore(region, region->end());
    setInsertionPointToEnd(block);
  }
  void branch(Block *target, ValueRange arguments = {});
  void branchIf(Value condition, Block *then, ValueRange thenArguments,
                Block *otherwise, ValueRange otherwiseArguments);
  /// Emits `body` so that it runs only where `condition` holds.
  void onlyIf(Value condition, llvm::function_ref<void()> body);
  /// Emits a loop from 0 to `end` > 0.
  void repeat(int64_t end, int64_t step, llvm::function_ref<void(Value)> body);
  void exit();

  //===--------------------------------------------------------------------===//
  // Types, constants and arithmetic (folded where possible)
  //===--------------------------------------------------------------------===//

  Type pointerType(unsigned addressSpace);
  Types repeated(Type type, size_t count) { return Types(count, type); }

  Value i1(bool value);
  Value i32(int64_t value); // of the low 32 bits
  Value i64(int64_t value);
  Value f32(double value);

  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value add(Value a, int64_t b);
  Value mul(Value a, int64_t b);
  /// `value` in the type of `a`.
  Value constantLike(Value a, int64_t value);
  Value bitAnd(Value a, int64_t b);
  Value bitAnd(Value a, Value b) { return both(a, b); }
  Value bitXor(Value a, Value b);
  Value shiftLeft(Value a, int64_t b);
  Value shiftRight(Value a, int64_t b);
  Value shiftRight(Value a, Value b);
  Value trailingZeros(Value a);      // of what is not zero
  Value divide(Value a, Value b);    // unsigned
  Value remainder(Value a, Value b); // unsigned
  Value less(Value a, Value b);      // signed
  Value equal(Value a, int64_t b);
  Value both(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  /// Of f32, by a conjunction, which LLVM 22 would make two selects.
  Value selectUnsplit(Value condition, Value a, Value b);
  Value smaller(Value a, Value b); // signed minimum
  Value larger(Value a, Value b);  // signed maximum
  Value toI64(Value a);            // sign-extended
  Value toI32(Value a);            // truncated
  Value toI16(Value a);            // truncated

  Value fadd(Value a, Value b);
  Value fmul(Value a, Value b);
  Value fmax(Value a, Value b);

  /// The special function unit.
  Value exp2(Value x);
  Value log2(Value x);
  Value reciprocal(Value x);
  Value rsqrt(Value x);
  Value sqrt(Value x);
  Value fdiv(Value a, Value b); // within 2 ulp

  //===--------------------------------------------------------------------===//
  // Memory and threads
  //===--------------------------------------------------------------------===//

  /// The 32-bit address of dynamic shared memory.
  Value sharedBase(llvm::StringRef name);
  Value elementAddress(Value base, Value elementOffset, Type type);
  Value loadGlobal(Value base, Value elementOffset, Type type);
  /// Reads where `predicate` holds, elsewhere the result is zero.
  Value loadGlobalIf(Value predicate, Value base, Value elementOffset,
                     Type type);
  /// Stores where `predicate` holds.
  void storeGlobalIf(Value predicate, Value base, Value elementOffset,
                     Value value, Type elementType);
  Value atomicIncrement(Value pointer);
  void resetCounter(Value pointer);
  Value loadSharedI32(Value address);
  void storeSharedI32(Value address, Value value);
  void storeSharedZero16(Value address);
  void storeShared16(Value address, ValueRange registers);

  Value threadId();
  Value laneId();
  Value blockId();
  /// The same, and any i32, as if they were others: what is computed of them is
  /// computed again instead of kept in registers.
  Value threadIdAnew();
  Value blockIdAnew();
  Value anew(Value value);
  Value gridSize();
  /// The same value in every lane, provably.
  Value broadcastLane0(Value value);
  Value shuffleXor(Value value, int64_t mask);
  /// Bit l is `value` of lane l.
  Value ballot(Value value);
  Value shuffleFrom(Value value, Value lane); // 32 or 64 bits
  void setMaxRegisters(int64_t count, bool increase);
  void syncThreads();
  void syncWarp();
  /// Named barrier among `threads` threads.
  void syncNamed(Value barrier, int64_t threads);
  void arriveNamed(Value barrier, int64_t threads);
  void fenceAsyncShared();

  //===--------------------------------------------------------------------===//
  // mbarrier (addresses are 32-bit shared addresses)
  //===--------------------------------------------------------------------===//

  void barrierInit(Value address, int64_t count);
  void barrierInitFence();
  void barrierWait(Value address, Value parity);
  void barrierArrive(Value address);
  void barrierArriveIf(Value predicate, Value address);
  /// The same, not before `number`, an f32, is known.
  void barrierArriveIfAfter(mlir::Value predicate, mlir::Value address,
                            mlir::Value number);
  void barrierExpect(Value address, int64_t bytes);

  //===--------------------------------------------------------------------===//
  // Asynchronous copies by threads
  //===--------------------------------------------------------------------===//

  /// Copies `bytes` (4, 8 or 16), of which those from the `sourceBytes`-th on
  /// are not read but zero.
  void copyAsync(Value sharedAddress, Value base, Value elementOffset,
                 Type elementType, int64_t bytes, Value sourceBytes);
  /// Copies are in groups; waits until at most `pending` groups are in flight.
  void copyAsyncCommit();
  void copyAsyncWait(int64_t pending);

  //===--------------------------------------------------------------------===//
  // mma.sync
  //===--------------------------------------------------------------------===//

  /// Four 8x8 matrices of 16-bit elements from shared memory, one register
  /// each; lane l gives the address of row l mod 8 of matrix l / 8.
  Values loadMatrix(Value address, bool transpose);
  /// D = A * B + C for m16 n8 k16.
  Values mma(Type elementType, ValueRange a, ValueRange b, ValueRange c);

  //===--------------------------------------------------------------------===//
  // TMA
  //===--------------------------------------------------------------------===//

  enum class L2 { evictFirst, evictLast };
  /// Brings a tensor map near before its first use.
  void tensorMapPrefetch(Value tensorMap);
  void tmaLoad(Value tensorMap, Value sharedAddress, Value barrier,
               ValueRange coordinates, L2 hint);
  /// Stores (and commits) from the threads where `predicate` holds.
  void tmaStoreIf(Value predicate, Value tensorMap, Value sharedAddress,
                  ValueRange coordinates);
  /// Wait in the threads that stored: until shared memory is free, until done.
  void tmaStoreWaitRead();
  void tmaStoreWait();
  /// Four 8x8 matrices of 16-bit elements to shared memory.
  void storeMatrix(Value address, ValueRange registers);

  //===--------------------------------------------------------------------===//
  // wgmma
  //===--------------------------------------------------------------------===//

  void wgmmaFence();
  void wgmmaCommit();
  /// Waits until at most `pending` groups are in flight. The accumulators
  /// `tied` go through the wait, so that no use moves above it.
  Values wgmmaWait(int64_t pending, ValueRange tied);
  /// D = A * B [+ D] for m64 n`columns` k16. `a` is a descriptor (K-major A)
  /// or four registers; B is K-major, or MN-major with `transposeB`.
  /// An empty `accumulators` starts from zero.
  Values wgmma(int64_t columns, Type elementType, ValueRange a, Value b,
               bool transposeB, ValueRange accumulators);
  /// Rounds two f32 to one register of two 16-bit values, in place.
  Value pack(Value low, Value high, Type elementType);

  Values assembly(const llvm::Twine &text, const llvm::Twine &constraints,
                  ValueRange operands, TypeRange results, AsmEffect effect);

  /// Of the integers of the source.
  IndexRanges ranges;

private:
  Value constant(mlir::TypedAttr value);
  Value shared(Value address);

  Block *entry = nullptr;
  llvm::DenseMap<mlir::Attribute, Value> constants;
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_EMITTER_H
