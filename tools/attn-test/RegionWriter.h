//===- RegionWriter.h - Random score and mask regions -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the lines of one region: random conditions for masks, random bounded
// arithmetic for scores, both with reads of the tables that a function
// captures.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_REGIONWRITER_H
#define ATTN_TOOLS_ATTN_TEST_REGIONWRITER_H

#include "FunctionText.h"

namespace attn::tools {

/// A capture that regions may read.
struct Table {
  std::string name;
  std::string element;
  /// What indexes each dimension: of "bhij", or '0' for a constant. Empty: a
  /// scalar, or a tensor of rank 0.
  std::string indices;
  bool isTensor = true;

  bool isFloat() const {
    return element[0] == 'f' || element[0] == 'b'; // f32, f16; bf16
  }
};

class RegionWriter {
public:
  /// `wild` reads also go past the ends of tables (rule 8 clamps them).
  RegionWriter(Random &random, const FunctionText &text,
               std::vector<Table> tables, bool wild)
      : random(random), text(text), tables(std::move(tables)), wild(wild) {}

  /// A condition of about `depth` levels.
  std::string condition(int depth);
  /// A condition that reads a table of integers, if there is one.
  std::string tableCondition();

  /// A score in which an error of s grows little: |d result / d s| is a few at
  /// most, and no condition depends on s (its rounding would decide).
  std::string score(int depth);

  std::string yield(const std::string &value, const char *type) {
    return lines + "      attn.yield " + value + " : " + type + "\n";
  }

private:
  std::string emit(const std::string &expression);
  std::string constant(int64_t value);
  std::string boolean(bool value);
  /// A multiple of 1/16.
  std::string number(int64_t sixteenths);
  std::string point();
  std::string integer(int depth);
  std::string binary(const char *op, const std::string &a,
                     const std::string &b);
  std::string divide(const std::string &a, int depth);
  /// An integer of another type: converted, the end of a range, a float.
  std::string narrow(const std::string &type, int depth);
  /// An index that loses bits and becomes an index again.
  std::string thereAndBack(int depth);
  /// Arithmetic of any width, signed or not, which wraps.
  std::string ofAnyWidth(int depth);
  /// Comparisons of integers of any width and of floats, by any predicate.
  std::string compareIntegers(int depth);
  std::string compareFloats();
  /// A float that no target rounds, so that comparing and truncating it gives
  /// the same everywhere.
  std::string exactFloat();
  /// What other languages leave undefined (rule 8).
  std::string undefined(int depth);
  std::string floatBinary(const char *op, const std::string &a,
                          const std::string &b);
  std::string math(const char *op, const std::string &a);
  std::string clampInteger(const std::string &value, int64_t bound);
  /// Something moderate that does not depend on s.
  std::string term();
  std::string scoreStep(const std::string &x);
  /// Functions that models use between two layers, as score functions.
  std::string activation(const std::string &x);
  /// The sum of `x` and some entries of a table.
  std::string loop(const std::string &x);
  /// Loops in loops that carry a number and an integer; a branch with two
  /// results.
  std::string nest(const std::string &x, int depth);
  std::string branch(const std::string &x);

  /// A table of floats or integers, or none.
  const Table *pickTable(bool isFloat);
  std::string index(char dimension);
  /// An element as f32 or index.
  std::string read(const Table &table);

  Random &random;
  const FunctionText &text;
  std::vector<Table> tables;
  bool wild;
  /// Integers of the loops around what is written.
  std::vector<std::string> counters;
  std::string lines;
  int count = 0;
};

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_REGIONWRITER_H
