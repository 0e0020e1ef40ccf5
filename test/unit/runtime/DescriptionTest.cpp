// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON schema: what a good description parses to, and the message and
// JSON path for each way of breaking it.
#include "Description.h"

#include "Failure.h"
#include "TestArtifact.h"

using namespace attn::runtime;
using attn::test::makeJson;

namespace {

/// A description that uses every field.
const std::string full = R"({
  "format":"attn-artifact","version":1,"target":"cuda","chip":"sm_90",
  "features":["avx2"],"entry":"f",
  "arguments":[
    {"name":"q","kind":"buffer","dtype":"bf16","shape":[1,8,"?",64],"access":"read"},
    {"name":"t","kind":"buffer","dtype":"i64","shape":["?"],"access":"read","narrowed":"i32"},
    {"name":"d","kind":"buffer","dtype":"f32","shape":[],"access":"readwrite"},
    {"name":"n","kind":"scalar","dtype":"index"},
    {"name":"c","kind":"scalar","dtype":"f32"}],
  "symbols":[{"name":"sq","expr":["dim","q",2]},
             {"name":"tiles","expr":["ceildiv",["symbol","sq"],64]}],
  "results":[{"name":"o","dtype":"f32","shape":[1,["symbol","sq"]]},
             {"name":"d","dtype":"f32","shape":[],"argument":2}],
  "temporaries":[{"name":"t0","bytes":["mul",4,["dim","q",2]],"align":128,"zero":true},
                 {"name":"t1","bytes":0}],
  "launches":[{"kernel":"k","code":"code/ptx","grid":[["symbol","tiles"],1,["scalar","n"]],
    "order":"reverse","block":[128,1,1],"shared":1024,"stack":4096,
    "when":["gt",["scalar","n"],0],
    "args":[{"buffer":"q"},{"buffer":"o"},{"buffer":"t0"},
            {"value":["stride","o",1],"type":"i32"},{"scalar":"c"},
            {"tensormap":{"buffer":"q","dtype":"bf16","sizes":[64,["dim","q",2]],"strides":[["mul",2,["stride","q",2]]],"box":[64,128]}}]}],
  "checks":[{"expr":["ge",["scalar","n"],1],"message":"n is too small",
             "values":[{"name":"n","expr":["scalar","n"]}]},
            {"expr":["eq",["stride","o",1],1],"message":"o is not dense"}],
  "memory":{"fused":1,"standard":["mul",2,["scalar","n"]]},
  "metrics":{"flops":["mul",4,["scalar","n"]]},
  "metadata":{"anything":{"goes":[1.5,null]}}})";

TEST(DescriptionTest, Full) {
  Description d = parseDescription(full);
  EXPECT_EQ(d.target, "cuda");
  EXPECT_EQ(d.chip, "sm_90");
  EXPECT_EQ(d.features, std::vector<std::string>{"avx2"});
  EXPECT_EQ(d.entry, "f");
  ASSERT_EQ(d.arguments.size(), 5u);
  EXPECT_EQ(d.arguments[0].dims,
            (std::vector<int64_t>{1, 8, ATTN_DYNAMIC, 64}));
  EXPECT_EQ(d.arguments[0].dtype, ATTN_DTYPE_BF16);
  EXPECT_EQ(d.arguments[0].access, ATTN_ACCESS_READ);
  EXPECT_EQ(d.arguments[1].narrowed, ATTN_DTYPE_I32);
  EXPECT_EQ(d.arguments[2].access, ATTN_ACCESS_READWRITE);
  EXPECT_EQ(d.arguments[3].kind, ATTN_ARGUMENT_SCALAR);
  EXPECT_EQ(d.arguments[3].dtype, ATTN_DTYPE_INDEX);
  ASSERT_EQ(d.results.size(), 2u);
  EXPECT_EQ(d.results[0].argument, -1);
  EXPECT_EQ(d.results[1].argument, 2);
  ASSERT_EQ(d.temporaries.size(), 2u);
  EXPECT_EQ(d.temporaries[0].align, 128u);
  EXPECT_TRUE(d.temporaries[0].zero);
  EXPECT_EQ(d.temporaries[1].align, 64u);
  EXPECT_FALSE(d.temporaries[1].zero);
  ASSERT_EQ(d.launches.size(), 1u);
  const LaunchDescription &launch = d.launches[0];
  EXPECT_TRUE(launch.reverse);
  EXPECT_EQ(launch.block, (std::array<int64_t, 3>{128, 1, 1}));
  ASSERT_EQ(launch.arguments.size(), 6u);
  EXPECT_EQ(launch.arguments[0].buffer.kind, BufferRef::OfArgument);
  EXPECT_EQ(launch.arguments[1].buffer.kind, BufferRef::OfResult);
  EXPECT_EQ(launch.arguments[2].buffer.kind, BufferRef::OfTemporary);
  EXPECT_EQ(toString(launch.arguments[3].value.root), R"(["stride","o",1])");
  EXPECT_EQ(launch.arguments[4].scalar, 4u);
  const LaunchArgument &map = launch.arguments[5];
  EXPECT_EQ(map.kind, LaunchArgument::TensorMap);
  EXPECT_EQ(map.buffer.kind, BufferRef::OfArgument);
  EXPECT_EQ(map.tensorMap.dtype, ATTN_DTYPE_BF16);
  ASSERT_EQ(map.tensorMap.sizes.size(), 2u);
  EXPECT_EQ(toString(map.tensorMap.sizes[1].root), R"(["dim","q",2])");
  EXPECT_EQ(map.tensorMap.strides.size(), 1u);
  EXPECT_EQ(map.tensorMap.box, (std::vector<int64_t>{64, 128}));
  ASSERT_EQ(d.checks.size(), 2u);
  EXPECT_FALSE(d.checks[0].usesResults);
  EXPECT_TRUE(d.checks[1].usesResults);
  EXPECT_EQ(toString(d.standardBytes->root), R"(["mul",2,["scalar","n"]])");
  ASSERT_EQ(d.metrics.size(), 1u);
  EXPECT_EQ(d.metrics[0].name, "flops");
}

/// `text` with its first `from` replaced by `to`.
std::string replaced(std::string text, const std::string &from,
                     const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void expectFailure(const std::string &json, attn_status status,
                   const std::vector<std::string> &parts) {
  try {
    parseDescription(json);
    ADD_FAILURE() << "parsed, expected: " << parts[0];
  } catch (const Failure &failure) {
    EXPECT_EQ(failure.status, status) << failure.message;
    for (const std::string &part : parts)
      EXPECT_NE(failure.message.find(part), std::string::npos)
          << "no '" << part << "' in: " << failure.message;
  }
}

struct Case {
  const char *from;
  const char *to;
  const char *path;
  const char *message;
};

// One edit of the full description each.
const Case cases[] = {
    // Top level
    {R"("format":"attn-artifact")", R"("format":"zip")", "$.format",
     "expected 'attn-artifact'"},
    {R"("format":"attn-artifact",)", "", "$:", "missing field 'format'"},
    {R"("version":1)", R"("version":"1")", "$.version", "expected an integer"},
    {R"("target":"cuda",)", "", "$:", "missing field 'target'"},
    {R"("target":"cuda")", R"("target":"")", "$.target", "non-empty"},
    {R"("entry":"f")", R"("entry":["f"])", "$.entry", "expected a string"},
    {R"("entry":"f")", R"("entry":"f","extra":1)", "$.extra",
     "unknown field; another version of the compiler may have written it"},
    {R"("features":["avx2"])", R"("features":"avx2")", "$.features",
     "expected an array"},
    {R"("features":["avx2"])", R"("features":[1])", "$.features[0]",
     "expected a string"},
    {R"("metadata":{"anything")", R"("metadata":[{"anything")",
     "$:", "parse error"},
    {R"("metadata":{"anything":{"goes":[1.5,null]}})", R"("metadata":1)",
     "$.metadata", "expected an object"},
    {R"("entry":"f")", R"("entry":"f","entry":"g")",
     "$:", "'entry' is repeated"},
    {R"("entry":"f")", "\"entry\":\"f\\u0000g\"", "$.entry", "NUL"},
    // Arguments
    {R"("kind":"buffer")", R"("kind":"texture")", "$.arguments[0].kind",
     "'texture' is none of buffer, scalar"},
    {R"("dtype":"bf16")", R"("dtype":"fp8")", "$.arguments[0].dtype",
     "'fp8' is none of f32"},
    {R"("shape":[1,8,"?",64])", R"("shape":[1,8,"n",64])",
     "$.arguments[0].shape[2]", "expected an integer"},
    {R"("shape":[1,8,"?",64])", R"("shape":[1,-8,"?",64])",
     "$.arguments[0].shape[1]", "-8 is not in 0"},
    {R"("shape":[1,8,"?",64])", R"("shape":[1,8.5,"?",64])",
     "$.arguments[0].shape[1]", "expected an integer"},
    {R"("shape":[1,8,"?",64])", R"("shape":[1,9223372036854775808,"?",64])",
     "$.arguments[0].shape[1]", "64 bits"},
    {R"("shape":[1,8,"?",64])", R"("shape":[1,1,1,1,1,1,1,1,1])",
     "$.arguments[0].shape", "rank 9 is above 8"},
    {R"("access":"read")", R"("access":"rw")", "$.arguments[0].access",
     "'rw' is none of"},
    {R"(,"access":"read"})", R"(})",
     "$.arguments[0]:", "missing field 'access'"},
    {R"("narrowed":"i32")", R"("narrowed":"i8")", "$.arguments[1].narrowed",
     "'i8' is none of i32"},
    {R"("dtype":"i64","shape":["?"])", R"("dtype":"i32","shape":["?"])",
     "$.arguments[1].narrowed", "only i64 and f64"},
    {R"("access":"read","narrowed")", R"("access":"write","narrowed")",
     "$.arguments[1].narrowed", "read"},
    {R"("narrowed":"i32")", R"("strides":[1,1])", "$.arguments[1].strides",
     "2 strides for rank 1"},
    {R"("narrowed":"i32")", R"("strides":["any"])", "$.arguments[1].strides[0]",
     "integer"},
    {R"("dtype":"index")", R"("dtype":"bf16")", "$.arguments[3].dtype",
     "none of"},
    {R"("kind":"scalar","dtype":"index")",
     R"("kind":"scalar","dtype":"index","shape":[])", "$.arguments[3].shape",
     "unknown field"},
    {R"("name":"t","kind")", R"("name":"q","kind")", "$.arguments[1].name",
     "'q' is taken"},
    {R"("name":"q","kind")", R"("name":"","kind")", "$.arguments[0].name",
     "non-empty"},
    // Expressions
    {R"(["dim","q",2]})", R"(["dim","x",2]})", "$.symbols[0].expr[1]",
     "no argument or result is called 'x'"},
    {R"(["dim","q",2]})", R"(["dim","q",4]})", "$.symbols[0].expr[2]",
     "4 is not in 0 .. 3"},
    {R"(["dim","q",2]})", R"(["dim","q",-1]})", "$.symbols[0].expr[2]",
     "-1 is not in 0 .. 3"},
    {R"(["dim","q",2]})", R"(["dim","d",0]})", "$.symbols[0].expr[2]",
     "rank 0"},
    {R"(["dim","q",2]})", R"(["dim","n",0]})", "$.symbols[0].expr[1]",
     "'n' is a scalar"},
    {R"(["dim","q",2]})", R"(["dim","q"]})", "$.symbols[0].expr",
     "'dim' with 1 operands"},
    {R"(["dim","q",2]})", R"(["scalar","q"]})", "$.symbols[0].expr[1]",
     "no scalar argument is called 'q'"},
    {R"(["dim","q",2]})", R"(["scalar","c"]})", "$.symbols[0].expr[1]",
     "'c' is not an integer"},
    {R"(["dim","q",2]})", R"(["symbol","tiles"]})", "$.symbols[0].expr[1]",
     "no symbol before"},
    {R"(["dim","q",2]})", R"(["power",2,3]})", "$.symbols[0].expr[0]",
     "unknown operator 'power'"},
    {R"(["dim","q",2]})", R"(["load","q",3]})", "$.symbols[0].expr[0]",
     "unknown operator 'load'"},
    {R"(["dim","q",2]})", R"(["sub",1]})", "$.symbols[0].expr",
     "'sub' with 1 operands"},
    {R"(["dim","q",2]})", R"(["not",1,2]})", "$.symbols[0].expr",
     "'not' with 2 operands"},
    {R"(["dim","q",2]})", R"(["add"]})", "$.symbols[0].expr",
     "'add' with 0 operands"},
    {R"(["dim","q",2]})", R"(["add",1,["add",2,"q"]]})",
     "$.symbols[0].expr[2][2]", "expected an expression"},
    {R"(["dim","q",2]})", R"([]})", "$.symbols[0].expr",
     "expected an expression"},
    {R"(["dim","q",2]})", R"([1,2]})", "$.symbols[0].expr[0]",
     "expected a string"},
    {R"(["dim","q",2]})", R"(1.5})", "$.symbols[0].expr",
     "expected an integer"},
    {R"(["dim","q",2]})", R"(18446744073709551615})", "$.symbols[0].expr",
     "64 bits"},
    {R"("name":"tiles","expr")", R"("name":"sq","expr")", "$.symbols[1].name",
     "repeated"},
    // Results
    {R"("shape":[1,["symbol","sq"]]})", R"("shape":[1,["dim","o",0]]})",
     "$.results[0].shape[1][1]", "no argument or result"},
    {R"("argument":2)", R"("argument":5)", "$.results[1].argument",
     "5 is not in 0 .. 4"},
    {R"("argument":2)", R"("argument":0)", "$.results[1].argument",
     "'q' is not a buffer that is written"},
    {R"("argument":2)", R"("argument":4)", "$.results[1].argument",
     "'c' is not a buffer that is written"},
    {R"("name":"d","dtype":"f32","shape":[],"argument":2)",
     R"("name":"d","dtype":"f16","shape":[],"argument":2)",
     "$.results[1].argument", "dtype"},
    {R"("name":"d","dtype":"f32","shape":[],"argument":2)",
     R"("name":"d","dtype":"f32","shape":[1],"argument":2)",
     "$.results[1].argument", "rank"},
    {R"("name":"d","dtype":"f32","shape":[],"argument":2)",
     R"("name":"d","dtype":"f32","shape":[])", "$.results[1].name",
     "'d' is taken"},
    {R"("name":"d","dtype":"f32","shape":[],"argument":2)",
     R"("name":"q","dtype":"f32","shape":[],"argument":2)", "$.results[1].name",
     "'q' is taken"},
    // Temporaries
    {R"("align":128)", R"("align":96)", "$.temporaries[0].align",
     "96 is not a power of two"},
    {R"("align":128)", R"("align":0)", "$.temporaries[0].align",
     "0 is not in 1"},
    {R"("zero":true)", R"("zero":1)", "$.temporaries[0].zero", "true or false"},
    {R"("bytes":["mul",4,["dim","q",2]])", R"("bytes":["dim","o",1])",
     "$.temporaries[0].bytes[1]", "only arguments are known here"},
    {R"("name":"t1")", R"("name":"o")", "$.temporaries[1].name",
     "'o' is taken"},
    // Launches
    {R"("grid":[["symbol","tiles"],1,["scalar","n"]])", R"("grid":[1,1])",
     "$.launches[0].grid", "expected 3 elements, found 2"},
    {R"("grid":[["symbol","tiles"],1,["scalar","n"]])",
     R"("grid":[1,["dim","t0",0],1])", "$.launches[0].grid[1][1]", "'t0'"},
    {R"("order":"reverse")", R"("order":"random")", "$.launches[0].order",
     "'random'"},
    {R"("block":[128,1,1])", R"("block":[128,0,1])", "$.launches[0].block[1]",
     "0 is not in 1"},
    {R"("block":[128,1,1])", R"("block":[128,1])", "$.launches[0].block",
     "3 elements"},
    {R"("block":[128,1,1])", R"("cluster":[2,1,1])", "$.launches[0].cluster",
     "unknown field"},
    {R"("kernel":"k",)", "", "$.launches[0]:", "missing field 'kernel'"},
    {R"({"buffer":"q"})", R"({"buffer":"x"})", "$.launches[0].args[0].buffer",
     "no buffer is called 'x'"},
    {R"({"buffer":"q"})", R"({"buffer":"n"})", "$.launches[0].args[0].buffer",
     "no buffer is called 'n'"},
    {R"({"buffer":"q"})", R"({"buffer":"q","skip":1})",
     "$.launches[0].args[0].skip", "unknown field"},
    {R"({"buffer":"q"})", R"({"buffer":"q","offset":"x"})",
     "$.launches[0].args[0].offset", "expected an expression"},
    {R"({"buffer":"q"})", R"("q")", "$.launches[0].args[0]",
     "expected an object"},
    {R"({"buffer":"q"})", R"({})", "$.launches[0].args[0]",
     "expected an object with one of"},
    {R"("type":"i32")", R"("type":"f64")", "$.launches[0].args[3].type",
     "'f64'"},
    {R"({"scalar":"c"})", R"({"scalar":"q"})", "$.launches[0].args[4].scalar",
     "no scalar argument is called 'q'"},
    // Checks, memory, metrics
    {R"("message":"n is too small")", R"("message":"")", "$.checks[0].message",
     "non-empty"},
    {R"("expr":["ge",["scalar","n"],1])", R"("expr":true)", "$.checks[0].expr",
     "expected an expression"},
    {R"("expr":["ge",["scalar","n"],1])", R"("expr":["load","t",0])",
     "$.checks[0].expr[0]", "unknown operator 'load'"},
    {R"("expr":["ge",["scalar","n"],1])", R"("expr":1,"forall":[4])",
     "$.checks[0].forall", "the target 'cuda'"},
    {R"("memory":{"fused":1,)", R"("memory":{)",
     "$.memory:", "missing field 'fused'"},
    {R"("metrics":{"flops":["mul",4,["scalar","n"]]})",
     R"("metrics":{"flops":["dim","o",0]})", "$.metrics.flops[1]",
     "only arguments"},
    {R"("metrics":{"flops":["mul",4,["scalar","n"]]})", R"("metrics":[1])",
     "$.metrics", "expected an object"},
    // The CPU has neither tensor maps nor multiprocessors.
    {R"("target":"cuda")", R"("target":"cpu")", "$.launches[0].args[5]",
     "tensor maps"},
};

TEST(DescriptionTest, Malformed) {
  for (const Case &test : cases) {
    SCOPED_TRACE(test.to);
    expectFailure(
        replaced(full, test.from, test.to), ATTN_ERROR_MALFORMED_ARTIFACT,
        {std::string("malformed artifact: ") + test.path, test.message});
  }
}

/// Checks of what buffers hold.
TEST(DescriptionTest, Loops) {
  const std::string looping = makeJson(R"(
    "arguments":[
      {"name":"n","kind":"buffer","dtype":"i32","shape":["?"],"access":"read"},
      {"name":"f","kind":"buffer","dtype":"f32","shape":["?"],"access":"read"},
      {"name":"w","kind":"buffer","dtype":"i64","shape":["?"],"access":"read","narrowed":"i32"},
      {"name":"s","kind":"scalar","dtype":"i32"}],
    "results":[],"launches":[],
    "checks":[{"expr":["ge",["load","n",["index",1]],0],"message":"m",
      "values":[{"name":"b","expr":["index",0]}],
      "forall":[["dim","n",0],["load","n",["index",0]]]}])");
  Description d = parseDescription(looping);
  ASSERT_EQ(d.checks.size(), 1u);
  ASSERT_TRUE(d.checks[0].loops);
  EXPECT_EQ(d.checks[0].loops->size(), 2u);
  EXPECT_EQ(toString(d.checks[0].condition.root),
            R"(["ge",["load","n",["index",1]],0])");

  const Case broken[] = {
      {R"(["index",1]],0])", R"(["index",2]],0])", "$.checks[0].expr[1][2][1]",
       "2 is not in 0 .. 1"},
      {R"(["load","n",["index",0]]])", R"(["load","n",["index",1]]])",
       "$.checks[0].forall[1][2][1]", "1 is not in 0 .. 0"},
      {R"(["load","n",["index",1]])", R"(["load","f",["index",1]])",
       "$.checks[0].expr[1][1]", "'f' does not hold integers"},
      {R"(["load","n",["index",1]])", R"(["load","s",["index",1]])",
       "$.checks[0].expr[1][1]", "no buffer argument is called 's'"},
      {R"(["load","n",["index",1]])", R"(["load","w",["index",1]])",
       "$.checks[0].expr[1][1]", "'w' is narrowed"},
      {R"(["load","n",["index",1]])", R"(["load","n"])", "$.checks[0].expr[1]",
       "expected [\"load\""},
  };
  for (const Case &test : broken) {
    SCOPED_TRACE(test.to);
    expectFailure(
        replaced(looping, test.from, test.to), ATTN_ERROR_MALFORMED_ARTIFACT,
        {std::string("malformed artifact: ") + test.path, test.message});
  }
}

TEST(DescriptionTest, NotJson) {
  for (const char *text : {"", "{", "[1,2", "{\"a\":}", "nul", "{}x", "\xff"})
    expectFailure(text, ATTN_ERROR_MALFORMED_ARTIFACT, {"$: ", "parse error"});
  expectFailure("[]", ATTN_ERROR_MALFORMED_ARTIFACT, {"expected an object"});
  expectFailure("{}", ATTN_ERROR_MALFORMED_ARTIFACT, {"format"});
}

TEST(DescriptionTest, OtherVersion) {
  expectFailure(replaced(full, R"("version":1)", R"("version":2,"new":true)"),
                ATTN_ERROR_UNSUPPORTED_VERSION, {"version 2", "version 1"});
}

// Deep nesting must neither pass nor overflow the stack.
TEST(DescriptionTest, DeepNesting) {
  for (int depth : {70, 1000000}) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "[\"not\",";
      close += "]";
    }
    expectFailure(replaced(full, R"(["dim","q",2]})", open + "1" + close + "}"),
                  ATTN_ERROR_MALFORMED_ARTIFACT, {"nested more than 64"});
  }
}

TEST(DescriptionTest, SmCountNeedsAGpu) {
  expectFailure(makeJson(R"("arguments":[],"results":[],"launches":[],
                            "metrics":{"m":["sm_count"]})"),
                ATTN_ERROR_MALFORMED_ARTIFACT, {"$.metrics.m", "sm_count"});
}

} // namespace
