// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integer expressions over the sizes of a call: the grids, shapes, byte counts
// and checks of an artifact. All arithmetic is on int64; overflow and division
// by zero are failures that name the expression, never wrapped values.
#ifndef ATTN_RUNTIME_SRC_EXPRESSION_H
#define ATTN_RUNTIME_SRC_EXPRESSION_H

#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime {

enum class Op : uint8_t {
  Literal,
  Dim,     // name, axis
  Stride,  // name, axis
  Scalar,  // name
  Symbol,  // name
  Index,   // of an enclosing "forall"
  Load,    // name, distance from the first element, of an integer argument
  Threads, // CPU: threads that compute
  SmCount, // GPU: multiprocessors
  Add,
  Sub,
  Mul,
  FloorDiv,
  CeilDiv,
  Mod, // result has the divisor's sign, as floordiv rounds down
  Min,
  Max,
  Select, // evaluates only the branch it takes
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne,
  And, // stops at the first zero
  Or,  // stops at the first non-zero
  Not,
};

/// One operator applied to its operands.
struct Node {
  Op op = Op::Literal;
  int64_t value = 0; // Literal: the value; Dim ... Load: the entity's index
  int32_t axis = 0;  // Dim, Stride
  std::string name;  // Dim ... Symbol, Load: for messages
  std::vector<Node> operands;
};

/// What an expression can ask about the call at hand. Tensors are numbered
/// arguments first, then results.
class Environment {
public:
  virtual ~Environment() = default;
  virtual int64_t dim(size_t tensor, int32_t axis) const = 0;
  virtual int64_t stride(size_t tensor, int32_t axis) const = 0;
  virtual int64_t scalar(size_t argument) const = 0;
  virtual int64_t symbol(size_t index) const = 0;
  virtual int64_t index(size_t loop) const = 0;
  virtual int64_t element(size_t argument, int64_t offset) const = 0;
  virtual int64_t threads() const = 0;
  virtual int64_t multiprocessors() const = 0;
};

/// A validated expression and the place in the description where it stands.
struct Expression {
  Node root;
  std::string path;         // "$.launches[0].grid[1]"
  bool usesResults = false; // asks for a size or stride of a result

  /// The value. Throws Failure(INVALID_ARGUMENT) naming path and
  /// sub-expression on overflow and division by zero.
  int64_t evaluate(const Environment &environment) const;
};

/// The operator called `name`, or null.
struct OpInfo {
  const char *name;
  Op op;
  int32_t minOperands;
  int32_t maxOperands; // -1: any number
};
const OpInfo *findArithmeticOp(const std::string &name);

/// `node` in the notation of the description: ["add",["dim","q",2],1].
std::string toString(const Node &node);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_EXPRESSION_H
