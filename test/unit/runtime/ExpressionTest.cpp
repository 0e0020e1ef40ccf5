// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expressions: values against an independent computation, evaluation order,
// overflow and division by zero.
#include "Expression.h"

#include "Description.h"
#include "Failure.h"
#include "TestArtifact.h"

using namespace attn::runtime;
using attn::test::makeJson;

namespace {

/// Sizes 2 and 3, strides 30 and 10, scalar 5, 4 threads.
class FakeEnvironment : public Environment {
public:
  int64_t dim(size_t, int32_t axis) const override { return 2 + axis; }
  int64_t stride(size_t, int32_t axis) const override { return 30 - 20 * axis; }
  int64_t scalar(size_t) const override { return 5; }
  int64_t symbol(size_t) const override { return 77; }
  int64_t index(size_t loop) const override { return 100 + int64_t(loop); }
  int64_t element(size_t, int64_t offset) const override { return -offset; }
  int64_t threads() const override { return 4; }
  int64_t multiprocessors() const override { return 132; }
};

Expression parse(const std::string &text, const char *target = "cpu") {
  std::string json = makeJson(
      R"("arguments":[
          {"name":"q","kind":"buffer","dtype":"f32","shape":["?","?"],"access":"read"},
          {"name":"n","kind":"scalar","dtype":"i64"}],
        "symbols":[{"name":"s","expr":1}],
        "results":[],"launches":[],"metrics":{"m":)" +
      text + "}");
  json.replace(json.find("\"cpu\""), 5, '"' + std::string(target) + '"');
  Description description = parseDescription(json);
  return description.metrics.at(0).value;
}

int64_t evaluate(const std::string &text) {
  return parse(text).evaluate(FakeEnvironment());
}

void expectFailure(const std::string &text,
                   const std::vector<std::string> &parts) {
  try {
    int64_t value = evaluate(text);
    ADD_FAILURE() << text << " gave " << value;
  } catch (const Failure &failure) {
    EXPECT_EQ(failure.status, ATTN_ERROR_INVALID_ARGUMENT);
    for (const std::string &part : parts)
      EXPECT_NE(failure.message.find(part), std::string::npos)
          << "no '" << part << "' in: " << failure.message;
  }
}

std::string binary(const char *op, int64_t a, int64_t b) {
  return std::string("[\"") + op + "\"," + std::to_string(a) + "," +
         std::to_string(b) + "]";
}

TEST(ExpressionTest, Leaves) {
  EXPECT_EQ(evaluate("42"), 42);
  EXPECT_EQ(evaluate("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(evaluate(R"(["dim","q",1])"), 3);
  EXPECT_EQ(evaluate(R"(["stride","q",0])"), 30);
  EXPECT_EQ(evaluate(R"(["scalar","n"])"), 5);
  EXPECT_EQ(evaluate(R"(["symbol","s"])"), 77);
  EXPECT_EQ(evaluate(R"(["threads"])"), 4);
  EXPECT_EQ(parse(R"(["sm_count"])", "cuda").evaluate(FakeEnvironment()), 132);
}

TEST(ExpressionTest, Arithmetic) {
  EXPECT_EQ(evaluate(R"(["add",1,2,3])"), 6);
  EXPECT_EQ(evaluate(R"(["add",7])"), 7);
  EXPECT_EQ(evaluate(R"(["sub",1,3])"), -2);
  EXPECT_EQ(evaluate(R"(["mul",2,["dim","q",0],["scalar","n"]])"), 20);
  EXPECT_EQ(evaluate(R"(["min",3,1,2])"), 1);
  EXPECT_EQ(evaluate(R"(["max",3,1,4,2])"), 4);
}

// Against the definitions: floor and ceiling of the real quotient, and
// a = floor(a/b)*b + mod.
TEST(ExpressionTest, Division) {
  for (int64_t a = -7; a <= 7; ++a) {
    for (int64_t b = -4; b <= 4; ++b) {
      if (b == 0)
        continue;
      int64_t floor = -100;
      while ((floor + 1) * std::abs(b) <= a * (b < 0 ? -1 : 1))
        ++floor;
      int64_t mod = a - floor * b;
      SCOPED_TRACE(binary("of", a, b));
      EXPECT_EQ(evaluate(binary("floordiv", a, b)), floor);
      EXPECT_EQ(evaluate(binary("mod", a, b)), mod);
      EXPECT_EQ(evaluate(binary("ceildiv", a, b)), floor + (mod != 0));
    }
  }
  EXPECT_EQ(evaluate(binary("mod", INT64_MIN, -1)), 0);
}

TEST(ExpressionTest, Logic) {
  for (int64_t a : {-1, 0, 2}) {
    for (int64_t b : {-1, 0, 2}) {
      SCOPED_TRACE(binary("of", a, b));
      EXPECT_EQ(evaluate(binary("lt", a, b)), a < b);
      EXPECT_EQ(evaluate(binary("le", a, b)), a <= b);
      EXPECT_EQ(evaluate(binary("gt", a, b)), a > b);
      EXPECT_EQ(evaluate(binary("ge", a, b)), a >= b);
      EXPECT_EQ(evaluate(binary("eq", a, b)), a == b);
      EXPECT_EQ(evaluate(binary("ne", a, b)), a != b);
      EXPECT_EQ(evaluate(binary("and", a, b)), a && b);
      EXPECT_EQ(evaluate(binary("or", a, b)), a || b);
    }
  }
  EXPECT_EQ(evaluate(R"(["not",0])"), 1);
  EXPECT_EQ(evaluate(R"(["not",5])"), 0);
  EXPECT_EQ(evaluate(R"(["select",-3,1,2])"), 1);
  EXPECT_EQ(evaluate(R"(["select",0,1,2])"), 2);
}

// Guards work: what is not needed is not evaluated.
TEST(ExpressionTest, NotEvaluated) {
  EXPECT_EQ(evaluate(R"(["select",1,8,["floordiv",1,0]])"), 8);
  EXPECT_EQ(evaluate(R"(["select",0,["floordiv",1,0],9])"), 9);
  EXPECT_EQ(evaluate(R"(["and",0,["floordiv",1,0]])"), 0);
  EXPECT_EQ(evaluate(R"(["or",1,["floordiv",1,0]])"), 1);
  expectFailure(R"(["select",1,["floordiv",1,0],9])", {"division by zero"});
  expectFailure(R"(["and",1,["floordiv",1,0]])", {"division by zero"});
}

TEST(ExpressionTest, Overflow) {
  for (const std::string &text :
       {binary("add", INT64_MAX, 1), binary("add", INT64_MIN, -1),
        binary("sub", INT64_MIN, 1), binary("sub", 0, INT64_MIN),
        binary("mul", INT64_MAX, 2), binary("mul", INT64_MIN, -1),
        binary("floordiv", INT64_MIN, -1), binary("ceildiv", INT64_MIN, -1)})
    expectFailure(text, {"$.metrics.m: ", text, "64 bits"});
  EXPECT_EQ(evaluate(binary("add", INT64_MAX, 0)), INT64_MAX);
  EXPECT_EQ(evaluate(binary("sub", -1, INT64_MIN)), INT64_MAX);
  EXPECT_EQ(evaluate(binary("mul", INT64_MIN, 1)), INT64_MIN);
  EXPECT_EQ(evaluate(binary("ceildiv", INT64_MAX, 2)), int64_t(1) << 62);
  // The message shows the part that overflows, with names.
  expectFailure(R"(["add",1,["mul",["dim","q",0],4611686018427387904]])",
                {R"(: ["mul",["dim","q",0],4611686018427387904])"});
}

TEST(ExpressionTest, DivisionByZero) {
  for (const char *op : {"floordiv", "ceildiv", "mod"})
    expectFailure(std::string("[\"") + op + R"(",8,["sub",["scalar","n"],5]])",
                  {"$.metrics.m: division by zero", op, "[\"sub\""});
}

TEST(ExpressionTest, Printing) {
  for (
      const std::string text :
      {R"(["add",["dim","q",1],["stride","q",0],-3])",
       R"(["select",["and",["not",["scalar","n"]],1],["symbol","s"],["threads"]])",
       R"(["mod",["min",1,2],["max",3,4]])"})
    EXPECT_EQ(toString(parse(text).root), text);
}

} // namespace
