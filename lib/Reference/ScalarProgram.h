//===- ScalarProgram.h - Scalar code as flat instructions -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Score regions, mask regions and host arithmetic, compiled once to a list of
// instructions and executed on rows of values: the MLIR is not walked again
// for each element. This is the one place that says what a scalar op means.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_SCALARPROGRAM_H
#define ATTN_LIB_REFERENCE_SCALARPROGRAM_H

#include "Values.h"

#include "mlir/IR/Operation.h"

#include <functional>

namespace attn::reference {

enum class Opcode : uint8_t {
  // Integers.
  AddI,
  SubI,
  MulI,
  DivSI,
  DivUI,
  FloorDivSI,
  CeilDivSI,
  CeilDivUI,
  RemSI,
  RemUI,
  AndI,
  OrI,
  XOrI,
  ShlI,
  ShrSI,
  ShrUI,
  MinSI,
  MaxSI,
  MinUI,
  MaxUI,
  AbsI,
  CtPop,
  CmpI,
  SelectI,
  ExtSI,
  ExtUI,
  TruncI,
  LoadI,
  // Floats.
  AddF,
  SubF,
  MulF,
  DivF,
  NegF,
  MinimumF,
  MaximumF,
  MinNumF,
  MaxNumF,
  Fma,
  Exp,
  Exp2,
  Log,
  Log2,
  Log1p,
  Pow,
  Tanh,
  Erf,
  Sqrt,
  Rsqrt,
  Sin,
  Cos,
  AbsF,
  Floor,
  Ceil,
  Nearest,
  NearestEven,
  Trunc,
  Clamp,
  SelectF,
  Round,
  LoadF,
  // Between the two.
  CmpF,
  IsNaN,
  SIToFP,
  UIToFP,
  FPToSI,
  FPToUI
};

/// What a read outside of its array does: the nearest element is read, as
/// lowerings do (rule 8), or the program stops with a diagnostic.
enum class Reads { Clamped, Checked };

/// Registers of a running program: row n of register r is at r * rowSize + n.
/// F is the type that floats are computed in.
template <typename F> struct Registers {
  static constexpr int64_t rowSize = 256;
  std::vector<F> floats;
  std::vector<int64_t> ints;
  /// The first read outside of its array, if reads are checked; -1: none.
  int outside = -1;

  F *floatRow(int reg) { return floats.data() + reg * rowSize; }
  int64_t *intRow(int reg) { return ints.data() + reg * rowSize; }
};

class ScalarProgram {
public:
  /// The register of an op that the caller defines (attn.q_offset), else -1.
  using Special = std::function<int(mlir::Operation &)>;

  /// `outer` gives the values defined outside of what is appended.
  explicit ScalarProgram(const Environment &outer, Special special = {},
                         Reads reads = Reads::Clamped)
      : outer(outer), special(std::move(special)), reads(reads) {}

  /// A register that the caller fills before each run.
  int addInput(mlir::Value value);
  /// `value` is an array that the program reads.
  void addArray(mlir::Value value, Array array);
  /// `value` means the same as a register that there is already.
  void alias(mlir::Value value, int reg) { registers[value] = reg; }
  /// A new register for an input that no SSA value stands for.
  int addIntInput() { return numInts++; }

  /// Appends one op, or all ops of a block up to its terminator. Both branches
  /// of an scf.if are executed and selected from: scalar code has no effects.
  mlir::LogicalResult append(mlir::Operation &op);
  mlir::LogicalResult append(mlir::Block &block);

  /// The register that holds `value`: an earlier result, an input or an outer
  /// scalar. -1, diagnosed at `user`, if there is none.
  int getRegister(mlir::Value value, mlir::Operation &user);

  static bool isFloat(mlir::Value value) {
    return mlir::isa<mlir::FloatType>(value.getType());
  }

  template <typename F> Registers<F> makeRegisters() const;
  /// Executes on the first `count` rows of each register.
  template <typename F> void run(Registers<F> &registers, int64_t count) const;
  /// Diagnoses a read outside of its array in what ran.
  template <typename F>
  mlir::LogicalResult checkReads(const Registers<F> &registers) const {
    if (registers.outside < 0)
      return mlir::success();
    return readers[registers.outside]->emitOpError(
        "reads outside of the memory");
  }

private:
  struct Instruction {
    Opcode opcode;
    /// Width of the integers, or the predicate of a comparison.
    uint8_t width = 64, predicate = 0;
    int dst = -1, a = -1, b = -1, c = -1;
    /// Load: the array; Round: the rounding.
    int extra = -1;
    mlir::SmallVector<int, 4> indices;
  };

  int newRegister(bool isFloat) { return isFloat ? numFloats++ : numInts++; }
  const Array *getArray(mlir::Value value, mlir::Operation &user);
  mlir::LogicalResult appendIf(mlir::Operation &op);
  mlir::LogicalResult appendFor(mlir::Operation &op);
  mlir::LogicalResult appendConstant(mlir::Operation &op);
  mlir::LogicalResult appendLoad(mlir::Operation &op);
  /// dst = condition ? a : b.
  int appendSelect(int condition, int a, int b, bool isFloat);

  const Environment &outer;
  Special special;
  Reads reads;
  llvm::DenseMap<mlir::Value, int> registers;
  llvm::DenseMap<mlir::Value, Array> arrays;
  std::vector<Instruction> instructions;
  std::vector<Array> loaded;
  /// The ops that read them.
  std::vector<mlir::Operation *> readers;
  std::vector<Rounding> roundings;
  std::vector<std::pair<int, double>> floatConstants;
  std::vector<std::pair<int, int64_t>> intConstants;
  int numFloats = 0, numInts = 0;
};

} // namespace attn::reference

#endif // ATTN_LIB_REFERENCE_SCALARPROGRAM_H
