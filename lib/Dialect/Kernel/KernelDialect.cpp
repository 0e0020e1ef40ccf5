//===- KernelDialect.cpp - The kernel dialect -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its type, and what ops ask of matrices.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Kernel/Kernel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn::kernel;
using attn::tile::FragmentUse;

#include "attn/Dialect/Kernel/KernelDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Kernel/KernelTypes.cpp.inc"

#define GET_OP_CLASSES
#include "attn/Dialect/Kernel/KernelOps.cpp.inc"

void KernelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "attn/Dialect/Kernel/KernelTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Kernel/KernelOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// !kernel.matrix
//===----------------------------------------------------------------------===//

Type MatrixType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseComma() ||
      parser.parseKeyword(&keyword))
    return Type();
  std::optional<FragmentUse> use = attn::tile::symbolizeFragmentUse(keyword);
  if (!use) {
    parser.emitError(loc) << "a matrix is a, b or accumulator, not " << keyword;
    return Type();
  }
  if (parser.parseGreater())
    return Type();
  return parser.getChecked<MatrixType>(loc, parser.getContext(), shape, element,
                                       *use);
}

void MatrixType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printDimensionList(getShape());
  printer << "x" << getElementType() << ", "
          << attn::tile::stringifyFragmentUse(getUse()) << ">";
}

LogicalResult MatrixType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type element,
                                 FragmentUse use) {
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    return emitError() << "a matrix has rows and columns, at least one of each";
  if (!element.isF16() && !element.isBF16() && !element.isF32())
    return emitError() << "a matrix has elements of f16, bf16 or f32, not "
                       << element;
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// A matrix is moved as it is.
static LogicalResult verifyMove(Operation *op, MatrixType matrix,
                                MemRefType memory) {
  if (matrix.getElementType() == getElementTypeOrSelf(memory.getElementType()))
    return success();
  return op->emitOpError("moves elements of ")
         << matrix.getElementType() << ", the memory is of "
         << memory.getElementType();
}

LogicalResult LoadMatrixOp::verify() {
  return verifyMove(*this, getMatrix().getType(), getMemory().getType());
}

LogicalResult StoreMatrixOp::verify() {
  return verifyMove(*this, getMatrix().getType(), getMemory().getType());
}

LogicalResult MultiplyMatricesOp::verify() {
  MatrixType a = getA().getType(), b = getB().getType(),
             sum = getResult().getType();
  if (a.getUse() != FragmentUse::A || b.getUse() != FragmentUse::B ||
      sum.getUse() != FragmentUse::Accumulator)
    return emitOpError("multiplies a by b and adds to an accumulator, not ")
           << a << " by " << b << " to " << sum;
  if (a.getElementType() != b.getElementType())
    return emitOpError("has factors of ")
           << a.getElementType() << " and " << b.getElementType();
  if (a.getCols() != b.getRows() || a.getRows() != sum.getRows() ||
      b.getCols() != sum.getCols())
    return emitOpError("has shapes that do not fit: ")
           << a << " by " << b << " to " << sum;
  return success();
}

LogicalResult ConvertMatrixOp::verify() {
  MatrixType from = getInput().getType(), to = getResult().getType();
  if (from.getShape() != to.getShape() || from.getUse() != to.getUse())
    return emitOpError("keeps shape and use: ") << from << " and " << to;
  return success();
}

static LogicalResult verifyNumber(Operation *op, MatrixType matrix,
                                  int64_t number) {
  if (number < matrix.getNumElements())
    return success();
  return op->emitOpError("asks for element ")
         << number << " of a lane, all of a subgroup have "
         << matrix.getNumElements();
}

LogicalResult ExtractElementOp::verify() {
  return verifyNumber(*this, getMatrix().getType(), getNumber());
}

LogicalResult InsertElementOp::verify() {
  return verifyNumber(*this, getMatrix().getType(), getNumber());
}
