//===- MSLPrinter.h - What Metal's language says otherwise ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The language of Metal under the printer of languages like C: address spaces,
// arguments with attributes, integers whose sums must not overflow
// (TranslateToMSL.cpp), simdgroups and their matrices (Simdgroups.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_METAL_MSLPRINTER_H
#define LIB_TARGET_METAL_MSLPRINTER_H

#include "../CLike/Printer.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "llvm/Support/FormatVariadic.h"

namespace attn {

class MSLPrinter final : public clike::Printer {
public:
  /// Without `hasBFloat` numbers of bf16 are moved as their bits.
  MSLPrinter(llvm::raw_ostream &os, bool hasBFloat);

private:
  std::string spellType(mlir::Type type) const override;
  std::string spellConstant(llvm::StringRef type,
                            llvm::StringRef name) const override {
    // A matrix is written element by element.
    return ((isMatrixName(type) ? "" : "const ") + type + " " + name).str();
  }
  std::string spellVariable(llvm::StringRef type,
                            llvm::StringRef name) const override {
    return (type + " " + name).str();
  }
  std::string spellInitialized(llvm::StringRef type,
                               llvm::StringRef name) const override {
    return spellVariable(type, name);
  }
  std::string spellArray(llvm::StringRef type, llvm::StringRef name,
                         int64_t count, bool isShared) const override {
    return llvm::formatv("{0}{1} {2}[{3}]", isShared ? "threadgroup " : "",
                         type, name, count);
  }

  std::string spellField(llvm::StringRef type,
                         llvm::StringRef name) const override {
    return (type + " " + name + ";").str();
  }

  std::string spellHead(llvm::StringRef name,
                        llvm::ArrayRef<Parameter> parameters,
                        llvm::StringRef result) const override;
  mlir::LogicalResult refuseBuffers(mlir::gpu::GPUFuncOp kernel, int64_t count,
                                    int64_t most) const override;
  mlir::LogicalResult printSignature(mlir::gpu::GPUFuncOp kernel) override;
  mlir::LogicalResult printBuffer(mlir::gpu::GPUFuncOp kernel,
                                  mlir::BlockArgument buffer, unsigned number);
  mlir::LogicalResult printLocals(mlir::gpu::GPUFuncOp kernel) override {
    return declareBuffers(kernel, mlir::gpu::AddressSpace::Workgroup);
  }
  void printBarrier(mlir::gpu::BarrierOp op) override;
  std::optional<mlir::LogicalResult>
  printStatement(mlir::Operation &op) override;
  mlir::LogicalResult printMatrixOp(mlir::Operation &op);
  void printLoad(kernel::LoadMatrixOp op);
  void printStore(kernel::StoreMatrixOp op);
  void printProduct(kernel::MultiplyMatricesOp op);
  void printInsert(kernel::InsertElementOp op);
  void printConvert(kernel::ConvertMatrixOp op);
  /// Whether a matrix is a variable that nobody reads any more behind its only
  /// use, which may change it in its place.
  static bool isOwn(mlir::Value matrix);
  /// A matrix without elements yet that is `value` from now on.
  std::string declareMatrix(mlir::Value value);

  std::optional<mlir::FailureOr<clike::Expression>>
  spellOwn(mlir::Operation &op) override;
  mlir::FailureOr<clike::Expression> spellShuffle(mlir::gpu::ShuffleOp op);
  /// What lanes of a simdgroup exchange, hold of a matrix, and move.
  std::optional<mlir::FailureOr<clike::Expression>>
  spellLanes(mlir::Operation &op);
  llvm::StringRef spellFunction(mlir::Operation &op) const override;
  std::string spellInteger(const llvm::APInt &value,
                           mlir::Type type) const override;
  std::string spellFloat(const llvm::APFloat &value,
                         mlir::Type type) const override;
  clike::Expression spellOperand(mlir::Value value) override;
  mlir::FailureOr<clike::Expression> spellCast(mlir::Operation &op,
                                               llvm::StringRef type) override;
  clike::Expression spellSelect(mlir::arith::SelectOp op) override;
  clike::Expression spellArithmetic(llvm::StringRef symbol,
                                    clike::Precedence precedence,
                                    mlir::Operation &op) override;
  std::string spellUnsigned(mlir::Value value) override;
  /// A view only renames its source: sizes are not printed. An index, where an
  /// element lies, is an int.
  bool isRenaming(mlir::Operation *op) const override {
    return llvm::isa<mlir::memref::ReinterpretCastOp, mlir::arith::IndexCastOp>(
        op);
  }

  /// The address space of what `memory` is in, as it is written.
  static llvm::StringRef spellSpace(mlir::Value memory);
  /// A pointer to an element.
  std::string spellPointer(mlir::Value memory, mlir::Value index) const;
  static bool isMatrixName(llvm::StringRef type) {
    return type.starts_with("simdgroup_");
  }

  bool hasBFloat;
};

} // namespace attn

#endif // LIB_TARGET_METAL_MSLPRINTER_H
