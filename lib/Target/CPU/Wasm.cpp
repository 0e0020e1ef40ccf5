//===- Wasm.cpp - LLVM IR for WebAssembly ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls on scalars and vectors alike, one for one.
//
//===----------------------------------------------------------------------===//

#include "Wasm.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

static Value *replaceCall(IRBuilder<> &b, IntrinsicInst &call) {
  auto larger = [&](Value *left, Value *right, Value *one, Value *other) {
    return b.CreateSelect(b.CreateFCmpOLT(left, right), one, other);
  };
  auto operand = [&](unsigned number) { return call.getArgOperand(number); };
  switch (call.getIntrinsicID()) {
  case Intrinsic::fma:
    return b.CreateIntrinsic(Intrinsic::fmuladd, {call.getType()},
                             {operand(0), operand(1), operand(2)});
  case Intrinsic::maxnum:
    return larger(operand(0), operand(1), operand(1), operand(0));
  case Intrinsic::minnum:
    return larger(operand(1), operand(0), operand(1), operand(0));
  default:
    return nullptr;
  }
}

void attn::legalizeForWasm(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction :
         make_early_inc_range(instructions(function)))
      if (auto *call = dyn_cast<IntrinsicInst>(&instruction)) {
        IRBuilder<> b(call);
        if (Value *value = replaceCall(b, *call)) {
          call->replaceAllUsesWith(value);
          call->eraseFromParent();
        }
      }
}
