//===- ScalarProgram.cpp - Scalar code as flat instructions ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation of arith, math, scf.if, scf.for and reads of arrays, and the
// loops that execute it. Every op has a result for every operand (rule 8).
//
//===----------------------------------------------------------------------===//

#include "ScalarProgram.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::reference;

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

/// Ops that map operands to one result without attributes.
static std::optional<Opcode> lookUpOpcode(Operation &op) {
  return llvm::StringSwitch<std::optional<Opcode>>(op.getName().getStringRef())
      .Case("arith.addi", Opcode::AddI)
      .Case("arith.subi", Opcode::SubI)
      .Case("arith.muli", Opcode::MulI)
      .Case("arith.divsi", Opcode::DivSI)
      .Case("arith.divui", Opcode::DivUI)
      .Case("arith.floordivsi", Opcode::FloorDivSI)
      .Case("arith.ceildivsi", Opcode::CeilDivSI)
      .Case("arith.ceildivui", Opcode::CeilDivUI)
      .Case("arith.remsi", Opcode::RemSI)
      .Case("arith.remui", Opcode::RemUI)
      .Case("arith.andi", Opcode::AndI)
      .Case("arith.ori", Opcode::OrI)
      .Case("arith.xori", Opcode::XOrI)
      .Case("arith.shli", Opcode::ShlI)
      .Case("arith.shrsi", Opcode::ShrSI)
      .Case("arith.shrui", Opcode::ShrUI)
      .Case("arith.minsi", Opcode::MinSI)
      .Case("arith.maxsi", Opcode::MaxSI)
      .Case("arith.minui", Opcode::MinUI)
      .Case("arith.maxui", Opcode::MaxUI)
      .Case("math.absi", Opcode::AbsI)
      .Case("math.ctpop", Opcode::CtPop)
      .Cases({"arith.extsi", "arith.index_cast"}, Opcode::ExtSI)
      .Cases({"arith.extui", "arith.index_castui"}, Opcode::ExtUI)
      .Case("arith.trunci", Opcode::TruncI)
      .Case("arith.addf", Opcode::AddF)
      .Case("arith.subf", Opcode::SubF)
      .Case("arith.mulf", Opcode::MulF)
      .Case("arith.divf", Opcode::DivF)
      .Case("arith.negf", Opcode::NegF)
      .Case("arith.minimumf", Opcode::MinimumF)
      .Case("arith.maximumf", Opcode::MaximumF)
      .Case("arith.minnumf", Opcode::MinNumF)
      .Case("arith.maxnumf", Opcode::MaxNumF)
      .Case("math.fma", Opcode::Fma)
      .Case("math.exp", Opcode::Exp)
      .Case("math.exp2", Opcode::Exp2)
      .Case("math.log", Opcode::Log)
      .Case("math.log2", Opcode::Log2)
      .Case("math.log1p", Opcode::Log1p)
      .Case("math.powf", Opcode::Pow)
      .Case("math.erf", Opcode::Erf)
      .Case("math.tanh", Opcode::Tanh)
      .Case("math.sqrt", Opcode::Sqrt)
      .Case("math.rsqrt", Opcode::Rsqrt)
      .Case("math.sin", Opcode::Sin)
      .Case("math.cos", Opcode::Cos)
      .Case("math.absf", Opcode::AbsF)
      .Case("math.floor", Opcode::Floor)
      .Case("math.ceil", Opcode::Ceil)
      .Case("math.round", Opcode::Nearest)
      .Case("math.roundeven", Opcode::NearestEven)
      .Case("math.trunc", Opcode::Trunc)
      .Case("math.clampf", Opcode::Clamp)
      .Case("math.isnan", Opcode::IsNaN)
      .Cases({"arith.extf", "arith.truncf"}, Opcode::Round)
      .Case("arith.sitofp", Opcode::SIToFP)
      .Case("arith.uitofp", Opcode::UIToFP)
      .Case("arith.fptosi", Opcode::FPToSI)
      .Case("arith.fptoui", Opcode::FPToUI)
      .Default(std::nullopt);
}

/// Width of an integer or index; 64 for anything else.
static uint8_t getWidth(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? integer.getWidth() : 64;
}

int ScalarProgram::addInput(Value value) {
  return registers[value] = newRegister(isFloat(value));
}

void ScalarProgram::addArray(Value value, Array array) {
  arrays[value] = std::move(array);
}

int ScalarProgram::getRegister(Value value, Operation &user) {
  if (auto it = registers.find(value); it != registers.end())
    return it->second;
  auto it = outer.find(value);
  if (it == outer.end() || std::holds_alternative<Array>(it->second)) {
    user.emitOpError("uses a value that is not a scalar known to the "
                     "reference interpreter");
    return -1;
  }
  int reg = newRegister(isFloat(value));
  if (const double *number = std::get_if<double>(&it->second))
    floatConstants.emplace_back(reg, *number);
  else
    intConstants.emplace_back(reg, std::get<int64_t>(it->second));
  return registers[value] = reg;
}

const Array *ScalarProgram::getArray(Value value, Operation &user) {
  if (auto it = arrays.find(value); it != arrays.end())
    return &it->second;
  if (auto it = outer.find(value); it != outer.end())
    if (const Array *array = std::get_if<Array>(&it->second))
      return array;
  user.emitOpError("reads a value that is not a tensor or memref known to the "
                   "reference interpreter");
  return nullptr;
}

LogicalResult ScalarProgram::append(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(append(op)))
      return failure();
  return success();
}

int ScalarProgram::appendSelect(int condition, int a, int b, bool isFloat) {
  Instruction select;
  select.opcode = isFloat ? Opcode::SelectF : Opcode::SelectI;
  select.a = condition;
  select.b = a;
  select.c = b;
  select.dst = newRegister(isFloat);
  instructions.push_back(select);
  return select.dst;
}

LogicalResult ScalarProgram::appendConstant(Operation &op) {
  auto constant = cast<arith::ConstantOp>(op);
  int reg = newRegister(isFloat(constant));
  if (auto number = dyn_cast<FloatAttr>(constant.getValue())) {
    floatConstants.emplace_back(reg, number.getValueAsDouble());
  } else if (auto number = dyn_cast<IntegerAttr>(constant.getValue())) {
    // i1 is held as 0 or 1.
    bool isBool = constant.getType().isInteger(1);
    intConstants.emplace_back(reg, isBool ? number.getValue().getZExtValue()
                                          : number.getValue().getSExtValue());
  } else {
    return op.emitOpError("is not a scalar constant");
  }
  registers[constant] = reg;
  return success();
}

LogicalResult ScalarProgram::appendLoad(Operation &op) {
  const Array *array = getArray(op.getOperand(0), op);
  if (!array)
    return failure();
  Instruction load;
  load.opcode = array->isFloat() ? Opcode::LoadF : Opcode::LoadI;
  load.extra = loaded.size();
  loaded.push_back(*array);
  readers.push_back(&op);
  for (Value index : op.getOperands().drop_front()) {
    load.indices.push_back(getRegister(index, op));
    if (load.indices.back() < 0)
      return failure();
  }
  load.dst = registers[op.getResult(0)] = newRegister(array->isFloat());
  instructions.push_back(load);
  return success();
}

LogicalResult ScalarProgram::appendIf(Operation &op) {
  auto ifOp = cast<scf::IfOp>(op);
  int condition = getRegister(ifOp.getCondition(), op);
  if (condition < 0 || failed(append(*ifOp.thenBlock())))
    return failure();
  if (ifOp.getNumResults() == 0)
    return success();
  if (failed(append(*ifOp.elseBlock())))
    return failure();
  for (OpResult result : ifOp.getResults()) {
    unsigned n = result.getResultNumber();
    int a = getRegister(ifOp.thenYield().getOperand(n), op);
    int b = getRegister(ifOp.elseYield().getOperand(n), op);
    if (a < 0 || b < 0)
      return failure();
    registers[result] = appendSelect(condition, a, b, isFloat(result));
  }
  return success();
}

/// The trips, one after the other: rule 8 bounds how many there are.
LogicalResult ScalarProgram::appendFor(Operation &op) {
  auto loop = cast<scf::ForOp>(op);
  std::optional<ConstantLoop> trips = getConstantLoop(loop);
  if (!trips)
    return op.emitOpError("needs constant bounds (rule 8)");
  SmallVector<int> carried;
  auto readCarried = [&](ValueRange values) {
    carried.clear();
    for (Value value : values)
      carried.push_back(getRegister(value, op));
    return success(!llvm::is_contained(carried, -1));
  };
  if (failed(readCarried(loop.getInitArgs())))
    return failure();
  for (int64_t trip = 0; trip < trips->count; ++trip) {
    int index = newRegister(/*isFloat=*/false);
    intConstants.emplace_back(index, trips->first + trip * trips->step);
    registers[loop.getInductionVar()] = index;
    for (auto [value, reg] : llvm::zip(loop.getRegionIterArgs(), carried))
      registers[value] = reg;
    if (failed(append(*loop.getBody())) ||
        failed(readCarried(loop.getYieldedValues())))
      return failure();
  }
  for (auto [result, reg] : llvm::zip(loop.getResults(), carried))
    registers[result] = reg;
  return success();
}

LogicalResult ScalarProgram::append(Operation &op) {
  if (special)
    if (int reg = special(op); reg >= 0) {
      registers[op.getResult(0)] = reg;
      return success();
    }
  if (isa<arith::ConstantOp>(op))
    return appendConstant(op);
  if (isa<tensor::ExtractOp, memref::LoadOp>(op))
    return appendLoad(op);
  if (isa<scf::IfOp>(op))
    return appendIf(op);
  if (isa<scf::ForOp>(op))
    return appendFor(op);

  if (auto hole = dyn_cast<HoleOp>(op)) {
    Value result = hole.getResult();
    if (result.getType().isInteger(1)) {
      int reg = registers[result] = newRegister(/*isFloat=*/false);
      intConstants.emplace_back(reg, 1);
      return success();
    }
    int reg = getRegister(hole.getOperands().front(), op);
    registers[result] = reg;
    return success(reg >= 0);
  }

  if (isa<tensor::DimOp, memref::DimOp>(op)) {
    const Array *array = getArray(op.getOperand(0), op);
    IntegerAttr index;
    if (!array)
      return failure();
    if (!matchPattern(op.getOperand(1), m_Constant(&index)) ||
        index.getInt() < 0 || index.getInt() >= array->getRank())
      return op.emitOpError("needs a constant dimension within the rank");
    int reg = registers[op.getResult(0)] = newRegister(/*isFloat=*/false);
    intConstants.emplace_back(reg, array->sizes[index.getInt()]);
    return success();
  }

  Instruction inst;
  if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
    inst.opcode = Opcode::CmpI;
    inst.predicate = static_cast<uint8_t>(cmp.getPredicate());
    inst.width = getWidth(cmp.getLhs().getType());
  } else if (auto cmp = dyn_cast<arith::CmpFOp>(op)) {
    inst.opcode = Opcode::CmpF;
    inst.predicate = static_cast<uint8_t>(cmp.getPredicate());
  } else if (isa<arith::SelectOp>(op)) {
    inst.opcode = isFloat(op.getResult(0)) ? Opcode::SelectF : Opcode::SelectI;
  } else if (std::optional<Opcode> opcode = lookUpOpcode(op)) {
    inst.opcode = *opcode;
    Type type = op.getResult(0).getType();
    if (inst.opcode == Opcode::Round) {
      inst.extra = roundings.size();
      // f32 is what regions compute in: only narrower types round.
      roundings.emplace_back(type.getIntOrFloatBitWidth() < 32
                                 ? cast<FloatType>(type)
                                 : Float64Type::get(op.getContext()));
    }
    // Widening looks at the width of what it widens, the others at the result.
    bool widens =
        inst.opcode == Opcode::ExtSI || inst.opcode == Opcode::ExtUI ||
        inst.opcode == Opcode::SIToFP || inst.opcode == Opcode::UIToFP;
    // index_cast narrows too.
    if (widens && getWidth(type) < getWidth(op.getOperand(0).getType()) &&
        !isFloat(op.getResult(0)))
      inst.opcode = Opcode::TruncI;
    else if (widens)
      type = op.getOperand(0).getType();
    inst.width = getWidth(type);
  } else {
    return op.emitOpError("is not an op that the reference interpreter knows "
                          "(rule 8)");
  }

  int *operands[] = {&inst.a, &inst.b, &inst.c};
  for (auto [n, operand] : llvm::enumerate(op.getOperands())) {
    if (!operand.getType().isIntOrIndexOrFloat())
      return op.emitOpError("has an operand of type ")
             << operand.getType() << "; regions compute on scalars (rule 8)";
    if ((*operands[n] = getRegister(operand, op)) < 0)
      return failure();
  }
  Value result = op.getResult(0);
  inst.dst = registers[result] = newRegister(isFloat(result));
  instructions.push_back(inst);
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// The canonical form of a `width`-bit integer: sign-extended; i1 is 0 or 1.
static int64_t wrap(uint64_t value, unsigned width) {
  if (width == 64)
    return value;
  return width == 1 ? value & 1 : llvm::SignExtend64(value, width);
}

/// The number that signed ops see: an i1 holding 1 is -1.
static int64_t asSigned(int64_t value, unsigned width) {
  return width == 1 ? -value : value;
}

static uint64_t asUnsigned(int64_t value, unsigned width) {
  return width == 64 ? value : value & llvm::maskTrailingOnes<uint64_t>(width);
}

/// Truncating division; 0 where it is undefined.
static int64_t divideSigned(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  return b == -1 ? static_cast<int64_t>(-static_cast<uint64_t>(a)) : a / b;
}

static int64_t remainderSigned(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                    unsigned width) {
  int64_t sa = asSigned(a, width), sb = asSigned(b, width);
  uint64_t ua = asUnsigned(a, width), ub = asUnsigned(b, width);
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return sa < sb;
  case arith::CmpIPredicate::sle:
    return sa <= sb;
  case arith::CmpIPredicate::sgt:
    return sa > sb;
  case arith::CmpIPredicate::sge:
    return sa >= sb;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  llvm_unreachable("unknown predicate");
}

template <typename F>
static bool compare(arith::CmpFPredicate predicate, F a, F b) {
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case arith::CmpFPredicate::AlwaysFalse:
    return false;
  case arith::CmpFPredicate::AlwaysTrue:
    return true;
  case arith::CmpFPredicate::OEQ:
    return a == b;
  case arith::CmpFPredicate::OGT:
    return a > b;
  case arith::CmpFPredicate::OGE:
    return a >= b;
  case arith::CmpFPredicate::OLT:
    return a < b;
  case arith::CmpFPredicate::OLE:
    return a <= b;
  case arith::CmpFPredicate::ONE:
    return !unordered && a != b;
  case arith::CmpFPredicate::ORD:
    return !unordered;
  case arith::CmpFPredicate::UEQ:
    return unordered || a == b;
  case arith::CmpFPredicate::UGT:
    return unordered || a > b;
  case arith::CmpFPredicate::UGE:
    return unordered || a >= b;
  case arith::CmpFPredicate::ULT:
    return unordered || a < b;
  case arith::CmpFPredicate::ULE:
    return unordered || a <= b;
  case arith::CmpFPredicate::UNE:
    return a != b;
  case arith::CmpFPredicate::UNO:
    return unordered;
  }
  llvm_unreachable("unknown predicate");
}

/// minimumf and maximumf: NaN wins, -0 < +0.
template <typename F> static F extremum(F a, F b, bool maximum) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<F>::quiet_NaN();
  if (a == b)
    return std::signbit(a) == maximum ? b : a;
  return (a > b) == maximum ? a : b;
}

/// Conversion that saturates; NaN is 0.
template <typename F>
static int64_t toInteger(F x, bool isUnsigned, unsigned width) {
  if (std::isnan(x))
    return 0;
  // The ends as powers of two, exact in F.
  F high = std::ldexp(F(1), isUnsigned ? width : width - 1);
  F low = isUnsigned ? F(0) : -high;
  if (x >= high)
    return wrap(isUnsigned ? llvm::maskTrailingOnes<uint64_t>(width)
                           : llvm::maskTrailingOnes<uint64_t>(width - 1),
                width);
  if (x < low)
    return wrap(isUnsigned ? 0 : uint64_t(1) << (width - 1), width);
  return wrap(isUnsigned ? static_cast<uint64_t>(x)
                         : static_cast<uint64_t>(static_cast<int64_t>(x)),
              width);
}

template <typename F> Registers<F> ScalarProgram::makeRegisters() const {
  constexpr int64_t rowSize = Registers<F>::rowSize;
  Registers<F> result;
  result.floats.resize(numFloats * rowSize);
  result.ints.resize(numInts * rowSize);
  for (auto [reg, value] : floatConstants)
    std::fill_n(result.floatRow(reg), rowSize, static_cast<F>(value));
  for (auto [reg, value] : intConstants)
    std::fill_n(result.intRow(reg), rowSize, value);
  return result;
}

// Long, because it is a table: a case an opcode, each a line or two, with the
// rows of registers that they share.
template <typename F>
void ScalarProgram::run(Registers<F> &registers, int64_t count) const {
  for (const Instruction &inst : instructions) {
    unsigned width = inst.width;
    auto intRow = [&](int reg) {
      return reg < 0 ? nullptr : registers.intRow(reg);
    };
    auto floatRow = [&](int reg) {
      return reg < 0 ? nullptr : registers.floatRow(reg);
    };

    auto ints = [&](auto fn) {
      int64_t *dst = intRow(inst.dst);
      const int64_t *a = intRow(inst.a), *b = intRow(inst.b);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = wrap(fn(a[n], b[n]), width);
    };
    auto unaryInts = [&](auto fn) {
      int64_t *dst = intRow(inst.dst);
      const int64_t *a = intRow(inst.a);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = fn(a[n]);
    };
    auto signedInts = [&](auto fn) {
      ints([&](int64_t a, int64_t b) {
        return fn(asSigned(a, width), asSigned(b, width));
      });
    };
    auto unsignedInts = [&](auto fn) {
      ints([&](int64_t a, int64_t b) {
        return fn(asUnsigned(a, width), asUnsigned(b, width));
      });
    };
    auto floats = [&](auto fn) {
      F *dst = floatRow(inst.dst);
      const F *a = floatRow(inst.a), *b = floatRow(inst.b);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = fn(a[n], b[n]);
    };
    auto unaryFloats = [&](auto fn) {
      F *dst = floatRow(inst.dst);
      const F *a = floatRow(inst.a);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = fn(a[n]);
    };
    auto select = [&](auto row) {
      auto *dst = row(inst.dst);
      const auto *a = row(inst.b), *b = row(inst.c);
      const int64_t *condition = intRow(inst.a);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = condition[n] ? a[n] : b[n];
    };
    auto load = [&](auto *dst, const auto &source) {
      const Array &array = loaded[inst.extra];
      SmallVector<int64_t, 4> indices(inst.indices.size());
      for (int64_t n = 0; n < count; ++n) {
        for (auto [dim, reg] : llvm::enumerate(inst.indices))
          indices[dim] = intRow(reg)[n];
        // The first element of an empty array may be read (rule 8).
        bool isFirst = llvm::all_of(indices, [](int64_t i) { return i == 0; });
        bool isEmpty = llvm::is_contained(array.sizes, 0);
        if (reads == Reads::Checked && !array.contains(indices) &&
            !(isEmpty && isFirst)) {
          if (registers.outside < 0)
            registers.outside = inst.extra;
          dst[n] = 0;
          continue;
        }
        int64_t position = array.atClamped(indices);
        dst[n] = position < 0 ? 0 : source[position];
      }
    };
    auto intsToFloat = [&](auto fn) {
      F *dst = floatRow(inst.dst);
      const int64_t *a = intRow(inst.a);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = static_cast<F>(fn(a[n], width));
    };
    auto floatsToInt = [&](auto fn) {
      int64_t *dst = intRow(inst.dst);
      const F *a = floatRow(inst.a), *b = floatRow(inst.b);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = fn(a, b, n);
    };

    using S = int64_t;
    using U = uint64_t;
    switch (inst.opcode) {
    case Opcode::AddI:
      ints([](U a, U b) { return a + b; });
      break;
    case Opcode::SubI:
      ints([](U a, U b) { return a - b; });
      break;
    case Opcode::MulI:
      ints([](U a, U b) { return a * b; });
      break;
    case Opcode::DivSI:
      signedInts(divideSigned);
      break;
    case Opcode::DivUI:
      unsignedInts([](U a, U b) { return b ? a / b : 0; });
      break;
    case Opcode::FloorDivSI:
      signedInts([](S a, S b) {
        S rest = remainderSigned(a, b);
        return divideSigned(a, b) - (rest != 0 && (rest < 0) != (b < 0));
      });
      break;
    case Opcode::CeilDivSI:
      signedInts([](S a, S b) {
        S rest = remainderSigned(a, b);
        return divideSigned(a, b) + (rest != 0 && (rest < 0) == (b < 0));
      });
      break;
    case Opcode::CeilDivUI:
      unsignedInts([](U a, U b) { return b ? a / b + (a % b != 0) : 0; });
      break;
    case Opcode::RemSI:
      signedInts(remainderSigned);
      break;
    case Opcode::RemUI:
      unsignedInts([](U a, U b) { return b ? a % b : 0; });
      break;
    case Opcode::AndI:
      ints([](U a, U b) { return a & b; });
      break;
    case Opcode::OrI:
      ints([](U a, U b) { return a | b; });
      break;
    case Opcode::XOrI:
      ints([](U a, U b) { return a ^ b; });
      break;
    case Opcode::ShlI:
      unsignedInts([=](U a, U b) { return b < width ? a << b : 0; });
      break;
    case Opcode::ShrUI:
      unsignedInts([=](U a, U b) { return b < width ? a >> b : 0; });
      break;
    case Opcode::ShrSI:
      ints([=](S a, S b) -> S {
        U amount = std::min<U>(asUnsigned(b, width), width - 1);
        return asSigned(a, width) >> amount;
      });
      break;
    case Opcode::MinSI:
      signedInts([](S a, S b) { return std::min(a, b); });
      break;
    case Opcode::MaxSI:
      signedInts([](S a, S b) { return std::max(a, b); });
      break;
    case Opcode::MinUI:
      unsignedInts([](U a, U b) { return std::min(a, b); });
      break;
    case Opcode::MaxUI:
      unsignedInts([](U a, U b) { return std::max(a, b); });
      break;
    case Opcode::AbsI:
      unaryInts([=](S a) {
        U bits = a;
        return wrap(asSigned(a, width) < 0 ? -bits : bits, width);
      });
      break;
    case Opcode::CtPop:
      unaryInts([=](S a) {
        return wrap(llvm::popcount(asUnsigned(a, width)), width);
      });
      break;
    case Opcode::CmpI: {
      auto predicate = static_cast<arith::CmpIPredicate>(inst.predicate);
      int64_t *dst = intRow(inst.dst);
      const int64_t *a = intRow(inst.a), *b = intRow(inst.b);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = compare(predicate, a[n], b[n], width);
      break;
    }
    case Opcode::SelectI:
      select(intRow);
      break;
    case Opcode::ExtSI:
      unaryInts([=](S a) { return asSigned(a, width); });
      break;
    case Opcode::ExtUI:
      unaryInts([=](S a) { return static_cast<S>(asUnsigned(a, width)); });
      break;
    case Opcode::TruncI:
      unaryInts([=](S a) { return wrap(a, width); });
      break;
    case Opcode::LoadI:
      load(intRow(inst.dst), loaded[inst.extra].buffer->ints);
      break;
    case Opcode::AddF:
      floats([](F a, F b) { return a + b; });
      break;
    case Opcode::SubF:
      floats([](F a, F b) { return a - b; });
      break;
    case Opcode::MulF:
      floats([](F a, F b) { return a * b; });
      break;
    case Opcode::DivF:
      floats([](F a, F b) { return a / b; });
      break;
    case Opcode::NegF:
      unaryFloats([](F a) { return -a; });
      break;
    case Opcode::MinimumF:
      floats([](F a, F b) { return extremum(a, b, /*maximum=*/false); });
      break;
    case Opcode::MaximumF:
      floats([](F a, F b) { return extremum(a, b, /*maximum=*/true); });
      break;
    case Opcode::MinNumF:
      floats([](F a, F b) { return std::fmin(a, b); });
      break;
    case Opcode::MaxNumF:
      floats([](F a, F b) { return std::fmax(a, b); });
      break;
    case Opcode::Fma: {
      F *dst = floatRow(inst.dst);
      const F *a = floatRow(inst.a), *b = floatRow(inst.b),
              *c = floatRow(inst.c);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = std::fma(a[n], b[n], c[n]);
      break;
    }
    case Opcode::Exp:
      unaryFloats([](F a) { return std::exp(a); });
      break;
    case Opcode::Exp2:
      unaryFloats([](F a) { return std::exp2(a); });
      break;
    case Opcode::Log:
      unaryFloats([](F a) { return std::log(a); });
      break;
    case Opcode::Log2:
      unaryFloats([](F a) { return std::log2(a); });
      break;
    case Opcode::Log1p:
      unaryFloats([](F a) { return std::log1p(a); });
      break;
    case Opcode::Pow:
      floats([](F a, F b) { return std::pow(a, b); });
      break;
    case Opcode::Erf:
      unaryFloats([](F a) { return std::erf(a); });
      break;
    case Opcode::Tanh:
      unaryFloats([](F a) { return std::tanh(a); });
      break;
    case Opcode::Sqrt:
      unaryFloats([](F a) { return std::sqrt(a); });
      break;
    case Opcode::Rsqrt:
      unaryFloats([](F a) { return 1 / std::sqrt(a); });
      break;
    case Opcode::Sin:
      unaryFloats([](F a) { return std::sin(a); });
      break;
    case Opcode::Cos:
      unaryFloats([](F a) { return std::cos(a); });
      break;
    case Opcode::AbsF:
      unaryFloats([](F a) { return std::fabs(a); });
      break;
    case Opcode::Floor:
      unaryFloats([](F a) { return std::floor(a); });
      break;
    case Opcode::Ceil:
      unaryFloats([](F a) { return std::ceil(a); });
      break;
    case Opcode::Nearest:
      unaryFloats([](F a) { return std::round(a); });
      break;
    case Opcode::NearestEven:
      unaryFloats([](F a) { return std::nearbyint(a); });
      break;
    case Opcode::Trunc:
      unaryFloats([](F a) { return std::trunc(a); });
      break;
    case Opcode::Clamp: {
      F *dst = floatRow(inst.dst);
      const F *a = floatRow(inst.a), *low = floatRow(inst.b),
              *high = floatRow(inst.c);
      for (int64_t n = 0; n < count; ++n)
        dst[n] = extremum(extremum(a[n], high[n], /*maximum=*/false), low[n],
                          /*maximum=*/true);
      break;
    }
    case Opcode::SelectF:
      select(floatRow);
      break;
    case Opcode::Round: {
      const Rounding &rounding = roundings[inst.extra];
      unaryFloats([&](F a) { return static_cast<F>(rounding(a)); });
      break;
    }
    case Opcode::LoadF:
      load(floatRow(inst.dst), loaded[inst.extra].buffer->floats);
      break;
    case Opcode::CmpF: {
      auto predicate = static_cast<arith::CmpFPredicate>(inst.predicate);
      floatsToInt([=](const F *a, const F *b, int64_t n) {
        return compare(predicate, a[n], b[n]);
      });
      break;
    }
    case Opcode::IsNaN:
      floatsToInt([](const F *a, const F *, int64_t n) -> int64_t {
        return std::isnan(a[n]);
      });
      break;
    case Opcode::SIToFP:
      intsToFloat(asSigned);
      break;
    case Opcode::UIToFP:
      intsToFloat(asUnsigned);
      break;
    case Opcode::FPToSI:
      floatsToInt([=](const F *a, const F *, int64_t n) {
        return toInteger(a[n], /*isUnsigned=*/false, width);
      });
      break;
    case Opcode::FPToUI:
      floatsToInt([=](const F *a, const F *, int64_t n) {
        return toInteger(a[n], /*isUnsigned=*/true, width);
      });
      break;
    }
  }
}

template Registers<float> ScalarProgram::makeRegisters() const;
template Registers<double> ScalarProgram::makeRegisters() const;
template void ScalarProgram::run(Registers<float> &, int64_t) const;
template void ScalarProgram::run(Registers<double> &, int64_t) const;
