// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which brackets count.
#include "attn/Support/Nesting.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

TEST(NestingTest, FindsTheFirstBracketThatIsTooDeep) {
  for (const char *bracket : {"{", "(", "[", "<", "scf.if %c {\n"}) {
    std::string text = repeat(bracket, kDeepestNesting);
    EXPECT_EQ(findTooDeep(text), llvm::StringRef::npos);
    EXPECT_EQ(findTooDeep(text + "x" + bracket),
              text.size() + 1 + llvm::StringRef(bracket).find_first_of("{([<"));
  }
  EXPECT_EQ(findTooDeep(repeat("<[({", kDeepestNesting)), kDeepestNesting);
}

TEST(NestingTest, CountsWhatIsOpen) {
  for (const char *line :
       {"f(%x) {a = [1], b = #b<c>} : (i1) -> tuple<i1, vector<4xf32>>\n",
        "// ((({{{\n", "s = \"{{\\\"((\"\n", "(d0) : (d0 >= 0, d0 <= 3)\n",
        // An angle that is no bracket ends with those around it.
        "{ a < b }\n", "(x -> y)\n", "\"never closed ((\n", ")}]>\n"})
    EXPECT_EQ(findTooDeep(repeat(line, 2 * kDeepestNesting)),
              llvm::StringRef::npos)
        << line;
}

} // namespace
