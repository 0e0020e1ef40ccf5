//===- LaunchInfo.h - How a tensor-core kernel is launched ------*- C++ -*-===//
//
// The attribute on a kernel that says what its parameters are and with which
// block, grid and shared memory it runs (see docs/hopper.md).
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H
#define LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H

#include "Structure.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"

namespace attn::tensorcore {

constexpr llvm::StringLiteral launchAttrName = "attn.launch";

/// Lists parameters in order: the source kernel's and the grid's extents, then
/// what is added.
class LaunchInfo {
public:
  explicit LaunchInfo(KernelStructure &structure);

  /// The launch checks that rows of `view` can be accessed by `bytes` at once.
  void requireUnit(const View &view, int64_t bytes);
  /// A tensor map of `view` in blocks of 64 columns and `rows` rows.
  void addTensorMap(const View &view, int64_t rows);
  /// The counter of a persistent grid.
  void addCounter();
  /// Plain stores of pairs of 16-bit columns.
  void requireStore(tile::StoreOp store);
  /// `choices` are for people.
  mlir::DictionaryAttr get(int64_t threads, int64_t sharedBytes,
                           bool persistent,
                           llvm::ArrayRef<std::string> choices);

private:
  void requireMultiple(mlir::Value operand, int64_t multiple);
  void add(llvm::StringRef kind, llvm::ArrayRef<mlir::NamedAttribute> fields);
  mlir::AffineExpr expression(mlir::OpFoldResult value);
  mlir::Attribute map(llvm::ArrayRef<mlir::AffineExpr> expressions);

  mlir::Builder b;
  unsigned numArguments;
  llvm::SmallVector<mlir::Attribute> parameters;
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H
