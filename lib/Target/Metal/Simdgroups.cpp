//===- Simdgroups.cpp - Lanes and matrices in Metal -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exchanges between lanes, matrices of 8 x 8, of which each lane has two
// elements, and 16 bytes that move at once.
//
//===----------------------------------------------------------------------===//

#include "MSLPrinter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::clike;

/// Elements of a matrix that a lane has.
static constexpr unsigned kElements = 2;

//===----------------------------------------------------------------------===//
// Pointers
//===----------------------------------------------------------------------===//

StringRef MSLPrinter::spellSpace(Value memory) {
  auto space = dyn_cast_or_null<gpu::AddressSpaceAttr>(
      cast<MemRefType>(memory.getType()).getMemorySpace());
  if (!space || space.getValue() == gpu::AddressSpace::Global)
    return "device";
  return space.getValue() == gpu::AddressSpace::Workgroup ? "threadgroup"
                                                          : "thread";
}

std::string MSLPrinter::spellPointer(Value memory, Value index) const {
  Expression position = spellPosition(memory, index);
  std::string name = get(memory).text;
  return position.text == "0" ? name : name + " + " + position.at(kSum);
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// A value of another lane of the simdgroup.
FailureOr<Expression> MSLPrinter::spellShuffle(gpu::ShuffleOp op) {
  StringRef function;
  switch (op.getMode()) {
  case gpu::ShuffleMode::XOR:
    function = "simd_shuffle_xor";
    break;
  case gpu::ShuffleMode::IDX:
    function = "simd_shuffle";
    break;
  case gpu::ShuffleMode::UP:
    function = "simd_shuffle_up";
    break;
  case gpu::ShuffleMode::DOWN:
    function = "simd_shuffle_down";
    break;
  }
  if (!op.getValid().use_empty())
    return refuse(*op);
  return Expression{llvm::formatv("{0}({1}, ushort({2}))", function,
                                  get(op.getValue()).at(kBits),
                                  get(op.getOffset()).text)};
}

/// Eight floats of 16 bits (`type`) as the words that move at once.
static std::string spellHalves(StringRef type, ArrayRef<std::string> elements) {
  SmallVector<std::string> words;
  for (; !elements.empty(); elements = elements.drop_front(2))
    words.push_back(llvm::formatv("as_type<uint>({0}2({1}, {2}))", type,
                                  elements[0], elements[1]));
  return "uint4(" + llvm::join(words, ", ") + ")";
}

std::optional<FailureOr<Expression>> MSLPrinter::spellLanes(Operation &op) {
  using Result = std::optional<FailureOr<Expression>>;
  return TypeSwitch<Operation *, Result>(&op)
      .Case([&](gpu::LaneIdOp) -> Result { return Expression{"int(lane_id)"}; })
      .Case([&](gpu::SubgroupIdOp) -> Result {
        return Expression{"int(subgroup_id)"};
      })
      .Case([&](gpu::SubgroupSizeOp) -> Result {
        return Expression{"int(lanes)"};
      })
      .Case([&](gpu::ShuffleOp op) -> Result { return spellShuffle(op); })
      .Case([&](gpu::SubgroupReduceOp op) -> Result {
        if (op.getOp() != gpu::AllReduceOperation::OR ||
            !op.getType().isInteger(1))
          return refuse(*op);
        return call("simd_any", op.getValue());
      })
      .Case([&](kernel::FillMatrixOp op) -> Result {
        return Expression{llvm::formatv(
            "make_filled_simdgroup_matrix<{0}, 8, 8>({1})",
            spellType(op.getValue().getType()), get(op.getValue()).text)};
      })
      .Case([&](kernel::ExtractElementOp op) -> Result {
        return Expression{llvm::formatv("{0}.thread_elements()[{1}]",
                                        get(op.getMatrix()).text,
                                        op.getNumber())};
      })
      // Only the lowest bits are asked for.
      .Case([&](memref::ExtractAlignedPointerAsIndexOp op) -> Result {
        return Expression{"int((ulong)" + get(op.getSource()).text + ")"};
      })
      .Case([&](vector::LoadOp op) -> Result {
        StringRef space = spellSpace(op.getBase());
        return Expression{llvm::formatv(
            "*({0}{1} uint4 *)({2})", space, space == "device" ? " const" : "",
            spellPointer(op.getBase(), op.getIndices().front()))};
      })
      .Case([&](vector::FromElementsOp op) -> Result {
        SmallVector<std::string> elements;
        for (Value element : op.getElements())
          elements.push_back(get(element).text);
        return Expression{
            spellHalves(spellType(op.getType().getElementType()), elements)};
      })
      .Case([&](vector::ExtractOp op) -> Result {
        if (op.hasDynamicPosition() || spellType(op.getType()) != "half")
          return refuse(*op);
        int64_t number = op.getStaticPosition().front();
        return Expression{
            llvm::formatv("{0}.{1}[{2}]", get(op.getSource()).at(kPrimary),
                          number < 4 ? "low" : "high", number % 4)};
      })
      .Case([&](arith::ConstantOp op) -> Result {
        auto halves = dyn_cast<DenseFPElementsAttr>(op.getValue());
        if (!halves || spellType(op.getType()) != "uint4")
          return std::nullopt;
        if (halves.isSplat() && halves.getSplatValue<APFloat>().isPosZero())
          return Expression{"uint4(0)"};
        SmallVector<std::string> elements;
        for (APFloat value : halves.getValues<APFloat>())
          elements.push_back(
              spellFloat(value, halves.getType().getElementType()));
        return Expression{
            spellHalves(spellType(halves.getElementType()), elements)};
      })
      .Default([](Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

bool MSLPrinter::isOwn(Value matrix) {
  if (!matrix.hasOneUse())
    return false;
  Block *block = (*matrix.user_begin())->getBlock();
  if (matrix.getParentBlock() != block)
    return false;
  return matrix.getDefiningOp() ? !matrix.getDefiningOp<kernel::FillMatrixOp>()
                                : isa<scf::ForOp>(block->getParentOp());
}

/// What a matrix is called in the end, if it is changed in its place.
static Value getFinal(Value matrix) {
  for (;;) {
    if (!matrix.hasOneUse())
      return matrix;
    OpOperand &use = *matrix.use_begin();
    Operation *user = use.getOwner();
    bool changes =
        (isa<kernel::InsertElementOp>(user) && use.getOperandNumber() == 1) ||
        (isa<kernel::MultiplyMatricesOp>(user) && use.getOperandNumber() == 2);
    if (!changes || user->getBlock() != matrix.getParentBlock())
      return matrix;
    matrix = user->getResult(0);
  }
}

std::string MSLPrinter::declareMatrix(Value value) {
  std::string name = declare(getNameHint(getFinal(value)));
  line() << spellVariable(spellType(value.getType()), name) << ";\n";
  set(value, {name});
  return name;
}

void MSLPrinter::printLoad(kernel::LoadMatrixOp op) {
  std::string name = declareMatrix(op.getMatrix());
  line() << llvm::formatv("simdgroup_load({0}, {1}, {2}{3});\n", name,
                          spellPointer(op.getMemory(), op.getIndex()),
                          op.getStride(),
                          op.getTransposed() ? ", ulong2(0), true" : "");
}

void MSLPrinter::printStore(kernel::StoreMatrixOp op) {
  line() << llvm::formatv(
      "simdgroup_store({0}, {1}, {2}{3});\n", get(op.getMatrix()).text,
      spellPointer(op.getMemory(), op.getIndex()), op.getStride(),
      op.getTransposed() ? ", ulong2(0), true" : "");
}

void MSLPrinter::printProduct(kernel::MultiplyMatricesOp op) {
  std::string name = isOwn(op.getAcc()) ? get(op.getAcc()).text
                                        : declareMatrix(op.getResult());
  set(op.getResult(), {name});
  line() << llvm::formatv(
      "simdgroup_multiply_accumulate({0}, {1}, {2}, {3});\n", name,
      get(op.getA()).text, get(op.getB()).text, get(op.getAcc()).text);
}

/// Changes a matrix that nobody else looks at in its place.
void MSLPrinter::printInsert(kernel::InsertElementOp op) {
  Value matrix = op.getMatrix();
  std::string name = get(matrix).text;
  if (Statements::isOverwritten(op.getMatrixMutable())) {
    name = declareMatrix(op.getResult());
  } else if (!isOwn(matrix)) {
    name = declare(getNameHint(getFinal(op.getResult())));
    line() << spellVariable(spellType(matrix.getType()), name) << " = "
           << get(matrix).text << ";\n";
  }
  line() << name << ".thread_elements()[" << op.getNumber()
         << "] = " << get(op.getElement()).text << ";\n";
  set(op.getResult(), {name});
}

void MSLPrinter::printConvert(kernel::ConvertMatrixOp op) {
  std::string name = declareMatrix(op.getResult());
  kernel::MatrixType type = op.getResult().getType();
  for (unsigned k = 0; k < kElements; ++k)
    line() << llvm::formatv(
        "{0}.thread_elements()[{1}] = {2}({3}.thread_elements()[{1}]);\n", name,
        k, spellType(type.getElementType()), get(op.getOperand()).text);
}

LogicalResult MSLPrinter::printMatrixOp(Operation &op) {
  for (Type type :
       llvm::concat<const Type>(op.getOperandTypes(), op.getResultTypes()))
    if (isa<kernel::MatrixType>(type) && failed(getTypeName(&op, type)))
      return failure();
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](kernel::MultiplyMatricesOp op) {
        return printProduct(op), success();
      })
      .Case([&](kernel::LoadMatrixOp op) { return printLoad(op), success(); })
      .Case([&](kernel::StoreMatrixOp op) { return printStore(op), success(); })
      .Case([&](kernel::InsertElementOp op) {
        return printInsert(op), success();
      })
      .Case([&](kernel::ConvertMatrixOp op) {
        return printConvert(op), success();
      });
}

std::optional<LogicalResult> MSLPrinter::printStatement(Operation &op) {
  if (isa<kernel::LoadMatrixOp, kernel::StoreMatrixOp,
          kernel::MultiplyMatricesOp, kernel::InsertElementOp,
          kernel::ConvertMatrixOp>(op))
    return printMatrixOp(op);
  if (isa<tile::SubgroupBarrierOp>(op)) {
    line() << "simdgroup_barrier(mem_flags::mem_threadgroup);\n";
    return success();
  }
  if (auto store = dyn_cast<vector::StoreOp>(op)) {
    line() << llvm::formatv(
        "*({0} uint4 *)({1}) = {2};\n", spellSpace(store.getBase()),
        spellPointer(store.getBase(), store.getIndices().front()),
        get(store.getValueToStore()).text);
    return success();
  }
  return std::nullopt;
}
