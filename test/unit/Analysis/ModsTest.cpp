//===- ModsTest.cpp - The functions of attn-test's suite `mods` -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every score and mask function of test/Execution/mods under lengths, offsets
// and ragged rows: visited and full tiles against rows that the reference
// interpreter enumerates. What is expected of each stands in names.tsv there.
//
//===----------------------------------------------------------------------===//

#include "MaskHarness.h"

#include "attn/Execution/Backend.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <set>

using namespace mlir;
using namespace attn;
using namespace attn::test;
using attn::reference::Tensor;

namespace {

/// A line of names.tsv: a function and what the analysis makes of it.
struct Function {
  std::string file;
  /// Of the key tiles of a query tile, of the query tiles of a key tile; Sound
  /// where it is AsExact for tiles that are boxes of a grid.
  Answer keys, queries;
};

Answer parseAnswer(StringRef text) {
  if (text == "exact")
    return Answer::Exact;
  if (text == "as-exact")
    return Answer::AsExact;
  if (text != "boxes")
    llvm::report_fatal_error("names.tsv: unknown answer " + text);
  return Answer::Sound;
}

/// Whether points in Z order or in small tiles make boxes, tile by tile.
bool areBoxes(const Problem &problem, int64_t tileM, int64_t tileN) {
  constexpr int64_t step = 8;
  return llvm::isPowerOf2_64(tileM) && llvm::isPowerOf2_64(tileN) &&
         problem.queryLength % step == 0 && problem.keyLength % step == 0;
}

std::vector<Function> readFunctions() {
  std::vector<Function> functions;
  auto text = llvm::MemoryBuffer::getFile(ATTN_TEST_MODS "/names.tsv");
  if (!text)
    return functions;
  SmallVector<StringRef> lines;
  (*text)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    SmallVector<StringRef> columns;
    line.split(columns, '\t');
    if (line.starts_with("#") || columns[2] == "-")
      continue;
    if (columns.size() != 5)
      llvm::report_fatal_error("names.tsv: five columns, not " + line);
    functions.push_back(
        {columns[2].str(), parseAnswer(columns[3]), parseAnswer(columns[4])});
  }
  return functions;
}

/// What is done to the op of a file, so that the same function stands under
/// other sizes.
enum class Variation {
  None,
  /// kv_len of each batch is less than there are keys.
  KeyLengths,
  /// Every i is a position behind q_offset keys.
  Positions,
  /// Sequences of all lengths, packed one behind the other.
  Ragged
};

/// Returns false if the op cannot be like that.
bool vary(func::FuncOp function, AttentionOp op, Variation variation) {
  Builder builder(function.getContext());
  auto addArgument = [&](Type element) -> Value {
    unsigned number = function.getNumArguments();
    (void)function.insertArgument(
        number, RankedTensorType::get({ShapedType::kDynamic}, element), {},
        op.getLoc());
    return function.getArgument(number);
  };
  switch (variation) {
  case Variation::None:
    break;
  case Variation::KeyLengths:
    op.getKvLenMutable().assign(addArgument(builder.getI32Type()));
    break;
  case Variation::Positions: {
    if (op.getCausal() == CausalAlignment::BottomRight)
      return false; // implies the offset
    op.getQOffsetMutable().assign(addArgument(builder.getI32Type()));
    for (Region *region : {&op.getScore(), &op.getMask()}) {
      if (region->empty())
        continue;
      Value i = region->getArgument(region == &op.getScore() ? 3 : 2);
      OpBuilder inside(region->getContext());
      inside.setInsertionPointToStart(&region->front());
      Value offset =
          QOffsetOp::create(inside, op.getLoc(), inside.getIndexType());
      Value position = arith::AddIOp::create(inside, op.getLoc(), i, offset);
      i.replaceAllUsesExcept(position, position.getDefiningOp());
    }
    break;
  }
  case Variation::Ragged: {
    auto withoutBatch = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      value.setType(RankedTensorType::get(type.getShape().drop_front(),
                                          type.getElementType()));
    };
    for (Value value : {op.getQuery(), op.getKey(), op.getValue()})
      withoutBatch(value);
    for (Value value : op.getInits())
      withoutBatch(value);
    for (Value value : op->getResults())
      withoutBatch(value);
    function.setType(FunctionType::get(
        function.getContext(), function.front().getArgumentTypes(),
        function.front().getTerminator()->getOperandTypes()));
    op.getCuSeqlensQMutable().assign(addArgument(builder.getI32Type()));
    op.getCuSeqlensKvMutable().assign(addArgument(builder.getI32Type()));
    break;
  }
  }
  return true;
}

/// Keeps what each row of one head attends.
class Rows : public reference::RowObserver {
public:
  Rows(int64_t batches, int64_t head)
      : queries(batches, 0), keys(batches, 0), attended(batches), head(head) {}

  bool wants(const reference::Row &row) override {
    queries[row.b] = row.queries;
    keys[row.b] = row.keys;
    return row.h == head;
  }
  void see(const reference::Row &row, ArrayRef<uint8_t> flags) override {
    llvm::append_range(attended[row.b], flags);
  }

  std::vector<int64_t> queries, keys;
  std::vector<std::vector<uint8_t>> attended;

private:
  int64_t head;
};

class ModTest : public ::testing::TestWithParam<Function> {
protected:
  ModTest() {
    DialectRegistry registry;
    execution::registerDialects(registry);
    context.appendDialectRegistry(registry);
    // What the analysis builds, which no pass in front of it does.
    context.loadDialect<tile::TileDialect, scf::SCFDialect>();
  }

  void check(Variation variation, int64_t queries, int64_t keys);
  /// Runs the passes in front of the analysis; null if one fails.
  AttentionOp lower(ModuleOp module);
  void compare(AttentionOp op, ArrayRef<Tensor> inputs, const Rows &rows,
               int64_t batch, int64_t head);

  MLIRContext context;
  /// Whether all that is expected to be no more than sound was right, and how
  /// many problems of it had tiles that are boxes.
  bool keysRight = true, queriesRight = true;
  int64_t boxes = 0;
};

AttentionOp ModTest::lower(ModuleOp module) {
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(createExpandSugar());
  passes.addNestedPass<func::FuncOp>(createMakeTotal());
  passes.addNestedPass<func::FuncOp>(createSimplifyRegions());
  passes.addPass(createBufferizePrograms());
  AttentionOp op;
  if (failed(passes.run(module)))
    ADD_FAILURE() << "a pass in front of the analysis fails";
  else
    module->walk([&](AttentionOp found) { op = found; });
  return op;
}

Capture makeCapture(Value value, const Tensor &tensor) {
  Capture capture;
  llvm::raw_string_ostream(capture.type) << value.getType();
  if (!isa<MemRefType>(value.getType())) {
    if (tensor.isFloat())
      capture.value.real = tensor.getFloat(0);
    else
      capture.value.integer = tensor.getInt(0);
    return capture;
  }
  auto buffer = std::make_shared<Buffer>();
  buffer->shape = tensor.shape;
  // Numbers of scores say nothing about tiles.
  for (int64_t n = 0, count = tensor.getNumElements(); n < count; ++n)
    buffer->data.push_back(tensor.isFloat() ? 0 : tensor.getInt(n));
  capture.value.buffer = buffer;
  return capture;
}

void ModTest::compare(AttentionOp op, ArrayRef<Tensor> inputs, const Rows &rows,
                      int64_t batch, int64_t head) {
  Problem problem;
  problem.batch = batch;
  problem.head = head;
  problem.queryLength = rows.queries[batch];
  problem.keyLength = rows.keys[batch];
  problem.queryLengthsBefore.assign(rows.queries.begin(),
                                    rows.queries.begin() + batch);
  problem.keyLengthsBefore.assign(rows.keys.begin(), rows.keys.begin() + batch);
  if (Value offset = op.getQOffset())
    problem.queryOffset =
        inputs[cast<BlockArgument>(offset).getArgNumber()].getInt(batch);
  for (Value value : op.getCaptures())
    problem.captures.push_back(
        makeCapture(value, inputs[cast<BlockArgument>(value).getArgNumber()]));

  // Sizes that divide one another, ones that do not, wide and narrow ones.
  static constexpr std::pair<int64_t, int64_t> tiles[] = {
      {16, 16}, {64, 128}, {128, 48}, {33, 20}};
  for (auto [tileM, tileN] : tiles) {
    // Long sequences are there for wide windows: few tiles do.
    if (tileM * tileN < 4096 && rows.attended[batch].size() > 50000)
      continue;
    for (MaskAxis axis : {MaskAxis::Keys, MaskAxis::Queries}) {
      bool isKeys = axis == MaskAxis::Keys;
      Answer answer = isKeys ? GetParam().keys : GetParam().queries;
      if (answer == Answer::Sound && areBoxes(problem, tileM, tileN)) {
        answer = Answer::AsExact;
        ++boxes;
      }
      Outcome outcome = compareTiles(op, problem, rows.attended[batch], tileM,
                                     tileN, answer, axis);
      (isKeys ? keysRight : queriesRight) &= outcome.right;
      if (HasFailure())
        return;
    }
  }
}

void ModTest::check(Variation variation, int64_t queries, int64_t keys) {
  SCOPED_TRACE(GetParam().file + ", variation " +
               std::to_string(static_cast<int>(variation)));
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(
      ATTN_TEST_MODS "/" + GetParam().file + ".mlir", &context);
  ASSERT_TRUE(module);
  auto function = *module->getOps<func::FuncOp>().begin();
  AttentionOp op;
  function.walk([&](AttentionOp found) { op = found; });
  if (!vary(function, op, variation))
    return;
  ASSERT_TRUE(succeeded(mlir::verify(*module)));

  execution::Signature signature(function);
  constexpr int64_t batches = 2;
  const std::pair<const char *, int64_t> sizes[] = {
      {"B", batches},  {"Hq", 2},     {"Hkv", 1},
      {"Sq", queries}, {"Skv", keys}, {"S", std::max(queries, keys)},
      {"Tq", queries}, {"Tkv", keys}};
  for (auto [name, size] : sizes)
    signature.setSize(name, size);
  FailureOr<SmallVector<Tensor>> inputs =
      execution::makeRandomInputs(function, signature, queries * 1000 + keys);
  ASSERT_TRUE(succeeded(inputs));

  OwningOpRef<ModuleOp> lowered = module->clone();
  AttentionOp onMemory = lower(*lowered);
  ASSERT_TRUE(onMemory);
  for (int64_t head : {0, 1}) {
    Rows rows(batches, head);
    reference::Options options;
    options.threads = 1;
    options.observer = &rows;
    ASSERT_TRUE(succeeded(reference::interpret(function, *inputs, options)));
    // Each head with one of the batches.
    if (rows.queries[head])
      compare(onMemory, *inputs, rows, /*batch=*/head, head);
    if (HasFatalFailure())
      return;
  }
}

TEST_P(ModTest, Tiles) {
  // More keys, fewer keys, few rows, and as many as the widest windows need.
  static constexpr std::tuple<Variation, int64_t, int64_t> sizes[] = {
      {Variation::None, 129, 150},      {Variation::None, 150, 77},
      {Variation::None, 3, 1300},       {Variation::None, 650, 620},
      {Variation::None, 40, 2300},      {Variation::KeyLengths, 150, 200},
      {Variation::KeyLengths, 90, 620}, {Variation::Positions, 150, 200},
      {Variation::Positions, 90, 620},  {Variation::Ragged, 150, 200},
      {Variation::Ragged, 90, 620}};
  check(Variation::None, 200, 200);
  for (auto [number, size] : llvm::enumerate(sizes)) {
    if (HasFailure())
      return;
    if (hasItsTurn(number))
      std::apply([&](auto... size) { check(size...); }, size);
  }
  if (allHaveTheirTurns()) {
    EXPECT_FALSE(GetParam().keys == Answer::Sound && keysRight)
        << "is right in all sizes: names.tsv can say so";
    EXPECT_FALSE(GetParam().queries == Answer::Sound && queriesRight)
        << "is right in all sizes: names.tsv can say so";
  }
  if (GetParam().keys == Answer::Sound)
    EXPECT_GT(boxes, 0);
}

INSTANTIATE_TEST_SUITE_P(Mods, ModTest, ::testing::ValuesIn(readFunctions()),
                         [](const ::testing::TestParamInfo<Function> &info) {
                           std::string name = info.param.file;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Mods, AllStandInTheTable) {
  std::set<std::string> listed, there;
  for (const Function &function : readFunctions())
    EXPECT_TRUE(listed.insert(function.file).second)
        << function.file << " stands there twice";
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(ATTN_TEST_MODS, error), end;
       it != end && !error; it.increment(error))
    if (StringRef(it->path()).ends_with(".mlir"))
      there.insert(llvm::sys::path::stem(it->path()).str());
  EXPECT_EQ(listed, there);
}

} // namespace
