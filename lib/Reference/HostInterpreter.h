//===- HostInterpreter.h - Host code around the ops of a dialect -*- C++
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//-*-===//
//
// Structured control flow, calls, allocation, views and scalars, executed op
// by op. Who derives from it adds the ops of a dialect.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_HOSTINTERPRETER_H
#define ATTN_LIB_REFERENCE_HOSTINTERPRETER_H

#include "ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SmallBitVector.h"

namespace attn::reference {

/// How host code is executed.
struct HostSettings {
  /// Floats are doubles, else rounded to f32 after every op.
  bool wide = true;
  /// What a read outside of an array does.
  Reads reads = Reads::Clamped;
  /// Memory that is allocated holds NaN, or -1, until it is written.
  bool poison = false;
};

class HostInterpreter {
public:
  explicit HostInterpreter(HostSettings settings) : settings(settings) {}
  virtual ~HostInterpreter();

  /// Executes a block; returns the operands of its terminator.
  mlir::FailureOr<mlir::SmallVector<RuntimeValue>>
  execute(mlir::Block &block, mlir::ArrayRef<RuntimeValue> arguments);

protected:
  mlir::LogicalResult execute(mlir::Operation &op);
  /// An op that is none of the host's; by default a scalar one.
  virtual mlir::LogicalResult executeOther(mlir::Operation &op) {
    return executeScalar(op);
  }
  /// One with an environment of its own, for what is called.
  virtual std::unique_ptr<HostInterpreter> makeCallee() const = 0;

  mlir::LogicalResult executeScalar(mlir::Operation &op);
  mlir::LogicalResult allocate(mlir::Operation &op, mlir::ShapedType type,
                               mlir::ValueRange sizes);
  mlir::LogicalResult setResults(mlir::Operation &op,
                                 mlir::ArrayRef<RuntimeValue> values);

  Array &getArray(mlir::Value value) { return std::get<Array>(env[value]); }
  int64_t getInt(mlir::Value value) { return std::get<int64_t>(env[value]); }
  int64_t getInt(mlir::OpFoldResult value) {
    if (auto attr = mlir::dyn_cast<mlir::Attribute>(value))
      return mlir::cast<mlir::IntegerAttr>(attr).getInt();
    return getInt(mlir::cast<mlir::Value>(value));
  }
  mlir::SmallVector<int64_t>
  getInts(mlir::ArrayRef<mlir::OpFoldResult> values) {
    return llvm::map_to_vector(
        values, [&](mlir::OpFoldResult value) { return getInt(value); });
  }
  mlir::SmallVector<int64_t> getInts(mlir::ValueRange values) {
    return llvm::map_to_vector(
        values, [&](mlir::Value value) { return getInt(value); });
  }

  HostSettings settings;
  Environment env;

private:
  /// Functions that called one another to come here.
  unsigned depth = 0;

  mlir::LogicalResult executeFor(mlir::scf::ForOp op);
  mlir::LogicalResult executeIf(mlir::scf::IfOp op);
  mlir::LogicalResult executeCall(mlir::func::CallOp op);
  mlir::LogicalResult executeConstant(mlir::arith::ConstantOp op);
  mlir::LogicalResult executeView(mlir::Operation &op);
  mlir::LogicalResult takeSlice(mlir::Operation &op,
                                const llvm::SmallBitVector &dropped,
                                Array &view);
  mlir::LogicalResult allocateLike(mlir::Operation &op, const Array &array);
  mlir::LogicalResult executeInsert(mlir::Operation &op);
  mlir::LogicalResult executeTranspose(mlir::Operation &op);
};

/// The arguments of `function` as interpreters hold them, one tensor for each
/// of `types`. Diagnoses what does not fit and functions without structure.
mlir::FailureOr<mlir::SmallVector<RuntimeValue>>
bindArguments(mlir::func::FuncOp function, mlir::TypeRange types,
              mlir::ArrayRef<Tensor> inputs);

/// A value of the type `type` as a host tensor; floats as f64 if `widen`.
Tensor toTensor(const RuntimeValue &value, mlir::Type type, bool widen);

} // namespace attn::reference

#endif // ATTN_LIB_REFERENCE_HOSTINTERPRETER_H
