//===- Interpreter.cpp - Executes integer IR of tests ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Interpreter.h. Integers wrap at their width; an index has 64 bits.
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::test;

SmallVector<Scalar> Interpreter::run(Block &block) {
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>()) {
      SmallVector<Scalar> results;
      for (Value operand : op.getOperands())
        results.push_back(get(operand));
      return results;
    }
    execute(&op);
  }
  return {};
}

static unsigned widthOf(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

/// The value of `x` in `width` bits: i1 is 0 or 1, else sign-extended.
static int64_t wrap(int64_t x, unsigned width) {
  if (width == 1)
    return x & 1;
  return width == 64 ? x : llvm::SignExtend64(x, width);
}

static uint64_t asUnsigned(int64_t x, unsigned width) {
  return width == 64 ? x : x & llvm::maskTrailingOnes<uint64_t>(width);
}

static int64_t &elementOf(Buffer &buffer, ArrayRef<int64_t> indices,
                          bool clamp) {
  int64_t offset = 0;
  for (auto [size, index] : llvm::zip_equal(buffer.shape, indices)) {
    int64_t inside = std::clamp<int64_t>(index, 0, size - 1);
    if (inside != index && !clamp)
      llvm::report_fatal_error("access outside a memref");
    offset = offset * size + inside;
  }
  return buffer.data[offset];
}

static bool compare(arith::CmpIPredicate predicate, int64_t x, int64_t y,
                    unsigned width) {
  uint64_t ux = asUnsigned(x, width), uy = asUnsigned(y, width);
  if (width == 1) {
    x = -x;
    y = -y;
  }
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return x == y;
  case arith::CmpIPredicate::ne:
    return x != y;
  case arith::CmpIPredicate::slt:
    return x < y;
  case arith::CmpIPredicate::sle:
    return x <= y;
  case arith::CmpIPredicate::sgt:
    return x > y;
  case arith::CmpIPredicate::sge:
    return x >= y;
  case arith::CmpIPredicate::ult:
    return ux < uy;
  case arith::CmpIPredicate::ule:
    return ux <= uy;
  case arith::CmpIPredicate::ugt:
    return ux > uy;
  case arith::CmpIPredicate::uge:
    return ux >= uy;
  }
  llvm_unreachable("unknown predicate");
}

void Interpreter::execute(Operation *op) {
  auto operand = [&](unsigned number) {
    return integer(op->getOperand(number));
  };
  auto indicesOf = [&](OperandRange range) {
    SmallVector<int64_t> indices;
    for (Value value : range)
      indices.push_back(integer(value));
    return indices;
  };
  auto setResults = [&](ArrayRef<Scalar> results) {
    for (auto [result, scalar] : llvm::zip_equal(op->getResults(), results))
      set(result, scalar);
  };

  if (auto forOp = dyn_cast<scf::ForOp>(op)) {
    SmallVector<Scalar> carried;
    for (Value init : forOp.getInitArgs())
      carried.push_back(get(init));
    for (int64_t k = integer(forOp.getLowerBound()),
                 end = integer(forOp.getUpperBound()),
                 step = integer(forOp.getStep());
         k < end; k += step) {
      set(forOp.getInductionVar(), k);
      for (auto [arg, scalar] : llvm::zip(forOp.getRegionIterArgs(), carried))
        set(arg, scalar);
      carried = run(*forOp.getBody());
    }
    return setResults(carried);
  }
  if (auto ifOp = dyn_cast<scf::IfOp>(op)) {
    Region &taken = integer(ifOp.getCondition()) ? ifOp.getThenRegion()
                                                 : ifOp.getElseRegion();
    return setResults(taken.empty() ? SmallVector<Scalar>()
                                    : run(taken.front()));
  }
  if (auto forall = dyn_cast<scf::ForallOp>(op)) {
    SmallVector<int64_t> sizes;
    for (OpFoldResult bound : forall.getMixedUpperBound()) {
      std::optional<int64_t> size = getConstantIntValue(bound);
      sizes.push_back(size ? *size : integer(cast<Value>(bound)));
    }
    int64_t points = 1;
    for (int64_t size : sizes)
      points *= size;
    for (int64_t point = 0; point < points; ++point) {
      int64_t rest = point;
      for (unsigned dim = sizes.size(); dim-- > 0; rest /= sizes[dim])
        set(forall.getInductionVars()[dim], rest % sizes[dim]);
      run(*forall.getBody());
    }
    return;
  }
  if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
    auto buffer = std::make_shared<Buffer>();
    int64_t size = 1;
    unsigned dynamic = 0;
    for (int64_t dim : alloc.getType().getShape()) {
      buffer->shape.push_back(ShapedType::isDynamic(dim) ? operand(dynamic++)
                                                         : dim);
      size *= buffer->shape.back();
    }
    buffer->data.assign(size, 0x5555);
    Scalar scalar;
    scalar.buffer = buffer;
    return set(alloc, scalar);
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return set(load, elementOf(*get(load.getMemRef()).buffer,
                               indicesOf(load.getIndices()), clampLoads));
  if (auto store = dyn_cast<memref::StoreOp>(op)) {
    elementOf(*get(store.getMemRef()).buffer, indicesOf(store.getIndices()),
              false) = integer(store.getValue());
    return;
  }
  if (auto dim = dyn_cast<memref::DimOp>(op))
    return set(dim,
               get(dim.getSource()).buffer->shape[integer(dim.getIndex())]);
  if (isa<attn::QLenOp>(op))
    return set(op->getResult(0), queryLength);
  if (isa<attn::KVLenOp>(op))
    return set(op->getResult(0), keyLength);
  if (isa<attn::QOffsetOp>(op))
    return set(op->getResult(0), queryOffset);
  if (isa<attn::tile::RangesOp, attn::tile::LoadOp>(op))
    return; // read by the test
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return set(select, get(operand(0) ? select.getTrueValue()
                                      : select.getFalseValue()));
  if (auto convert = dyn_cast<arith::SIToFPOp>(op)) {
    Scalar scalar;
    scalar.real = static_cast<double>(operand(0));
    return set(convert, scalar);
  }
  if (auto mul = dyn_cast<arith::MulFOp>(op)) {
    Scalar scalar;
    scalar.real = get(mul.getLhs()).real * get(mul.getRhs()).real;
    return set(mul, scalar);
  }
  if (auto cmp = dyn_cast<arith::CmpFOp>(op)) {
    if (cmp.getPredicate() != arith::CmpFPredicate::OLT)
      llvm::report_fatal_error("only olt is interpreted");
    return set(cmp, get(cmp.getLhs()).real < get(cmp.getRhs()).real);
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto attr = dyn_cast<FloatAttr>(constant.getValue())) {
      Scalar scalar;
      scalar.real = attr.getValueAsDouble();
      return set(constant, scalar);
    }
    APInt value = cast<IntegerAttr>(constant.getValue()).getValue();
    return set(constant, wrap(value.getSExtValue(), value.getBitWidth()));
  }

  // One integer from one or two integers.
  unsigned width = widthOf(op->getResult(0).getType());
  unsigned from = widthOf(op->getOperand(0).getType());
  int64_t x = operand(0);
  int64_t y = op->getNumOperands() > 1 ? operand(1) : 0;
  uint64_t ux = asUnsigned(x, from), uy = asUnsigned(y, from);
  auto nonZero = [&](int64_t divisor) {
    if (divisor == 0)
      llvm::report_fatal_error("division by zero");
    return divisor;
  };
  int64_t result =
      llvm::TypeSwitch<Operation *, int64_t>(op)
          .Case([&](arith::AddIOp) { return x + y; })
          .Case([&](arith::SubIOp) { return x - y; })
          .Case([&](arith::MulIOp) { return x * y; })
          .Case([&](arith::DivSIOp) { return x / nonZero(y); })
          .Case([&](arith::RemSIOp) { return x % nonZero(y); })
          .Case([&](arith::DivUIOp) { return ux / nonZero(uy); })
          .Case([&](arith::RemUIOp) { return ux % nonZero(uy); })
          .Case([&](arith::FloorDivSIOp) {
            return llvm::divideFloorSigned(x, nonZero(y));
          })
          .Case([&](arith::CeilDivSIOp) {
            return llvm::divideCeilSigned(x, nonZero(y));
          })
          .Case([&](arith::CeilDivUIOp) {
            return ux / nonZero(uy) + (ux % uy != 0);
          })
          .Case([&](arith::MinSIOp) { return std::min(x, y); })
          .Case([&](arith::MaxSIOp) { return std::max(x, y); })
          .Case([&](arith::AndIOp) { return x & y; })
          .Case([&](arith::OrIOp) { return x | y; })
          .Case([&](arith::XOrIOp) { return x ^ y; })
          .Case([&](arith::ShLIOp) { return x << y; })
          .Case([&](arith::ShRSIOp) { return x >> y; })
          .Case([&](arith::ShRUIOp) { return ux >> y; })
          .Case([&](math::AbsIOp) { return std::abs(x); })
          .Case<arith::TruncIOp, arith::IndexCastOp, arith::ExtSIOp>(
              [&](Operation *) { return from == 1 ? -x : x; })
          .Case<arith::ExtUIOp, arith::IndexCastUIOp>(
              [&](Operation *) { return ux; })
          .Case([&](arith::CmpIOp cmp) {
            return compare(cmp.getPredicate(), x, y, from);
          })
          .Default([](Operation *unknown) -> int64_t {
            unknown->dump();
            llvm::report_fatal_error("an op that is not interpreted");
          });
  set(op->getResult(0), wrap(result, width));
}
