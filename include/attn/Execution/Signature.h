//===- Signature.h - What the arguments of a function are for ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names the role and the dimensions of each argument of a host function by the
// attention that uses it, so that tools can size destinations, make random
// inputs that make sense, and count work.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_SIGNATURE_H
#define ATTN_EXECUTION_SIGNATURE_H

#include "attn/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

#include <string>
#include <variant>

namespace attn::execution {

using reference::Tensor;

enum class Role {
  Other,
  Query,
  Key,
  Value,
  Scale,
  Alibi,
  Bias,
  Mask,
  Segments,
  Prefix,
  QOffset,
  KVLen,
  CuSeqlensQ,
  CuSeqlensKV,
  PageTable,
  Sink,
  Destination
};

/// A size with a name: B, Hq, Hkv, Sq, Skv, Dk, Dv; Tq, Tkv (ragged); pages,
/// page_size, table_size (paged); arg<n>.<dim> for what attention does not
/// explain, unless the argument has an attribute attn.dims = ["B", ...].
/// `plus` is 1 for the B + 1 entries of cu_seqlens.
struct Dimension {
  std::string name;
  int64_t plus = 0;
};

struct Argument {
  Role role = Role::Other;
  mlir::Type type;
  /// One for each dimension of a tensor or memref.
  mlir::SmallVector<Dimension> dims;
  /// Attribute attn.values: the least and the greatest random integer.
  int64_t low = 0, high = 7;
  /// Attribute attn.rising: random integers rise along the last axis.
  bool rising = false;

  mlir::Type getElementType() const;
};

class Signature {
public:
  explicit Signature(mlir::func::FuncOp function);

  mlir::ArrayRef<Argument> getArguments() const { return arguments; }

  /// Names of the sizes that types leave open, in the order of appearance.
  mlir::SmallVector<std::string> getOpenSizes() const;

  /// Sets a size that types leave open. False: there is no such name.
  bool setSize(llvm::StringRef name, int64_t size);
  /// Takes the sizes of a tensor for argument `index`.
  void learn(unsigned index, mlir::ArrayRef<int64_t> shape);
  /// The size called `name`, if a type or a call of setSize or learn gave it.
  std::optional<int64_t> getSize(llvm::StringRef name) const;

  /// Shape of argument `index`, or the name of a size that is missing.
  std::variant<mlir::SmallVector<int64_t>, std::string>
  getShape(unsigned index) const;

private:
  llvm::StringMap<int64_t> sizes;
  mlir::SmallVector<Argument> arguments;
};

} // namespace attn::execution

#endif // ATTN_EXECUTION_SIGNATURE_H
