//===- KernelNames.h - What readers call the parts of a kernel --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of arguments and tiles after what a kernel does with them, and a
// summary of its products and loads, for those who read its text.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELNAMES_H
#define LIB_CONVERSION_KERNELNAMES_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <string>

namespace attn {

/// The dimensions of a grid, in their order.
constexpr llvm::StringLiteral kGridNames[] = {"batch", "head", "query_tile"};

/// The name of a buffer of a gpu.func, for printers.
constexpr llvm::StringLiteral kBufferNameAttr = "attn.name";

/// What a kernel computes and what it reads, for the head of its text: an array
/// of strings on a gpu.func.
constexpr llvm::StringLiteral kSummaryAttr = "attn.summary";

/// The kernel argument that a memref is rebuilt from.
mlir::Value getBase(mlir::Value memory);

/// Names the arguments that came without a name after what the kernel does
/// with them; sizes and strides are named after their memref.
void nameArguments(mlir::func::FuncOp kernel);

/// What a reader would call a tile.
std::string nameTile(mlir::Value tile);

/// The products of the kernel with their sizes, and what it loads how often.
llvm::SmallVector<std::string> summarize(mlir::func::FuncOp kernel);

/// What is built while this lives has a name.
class Named {
public:
  Named(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name)
      : b(b), outer(b.getLoc()) {
    b.setLoc(mlir::NameLoc::get(b.getStringAttr(name), outer));
  }
  ~Named() { b.setLoc(outer); }
  Named(const Named &) = delete;
  Named &operator=(const Named &) = delete;

private:
  mlir::ImplicitLocOpBuilder &b;
  mlir::Location outer;
};

} // namespace attn

#endif // LIB_CONVERSION_KERNELNAMES_H
