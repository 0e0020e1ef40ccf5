// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation and printing of expressions.
#include "Expression.h"

#include "Failure.h"

namespace attn::runtime {
namespace {

const OpInfo arithmeticOps[] = {
    {"add", Op::Add, 1, -1},        {"sub", Op::Sub, 2, 2},
    {"mul", Op::Mul, 1, -1},        {"floordiv", Op::FloorDiv, 2, 2},
    {"ceildiv", Op::CeilDiv, 2, 2}, {"mod", Op::Mod, 2, 2},
    {"min", Op::Min, 1, -1},        {"max", Op::Max, 1, -1},
    {"select", Op::Select, 3, 3},   {"lt", Op::Lt, 2, 2},
    {"le", Op::Le, 2, 2},           {"gt", Op::Gt, 2, 2},
    {"ge", Op::Ge, 2, 2},           {"eq", Op::Eq, 2, 2},
    {"ne", Op::Ne, 2, 2},           {"and", Op::And, 1, -1},
    {"or", Op::Or, 1, -1},          {"not", Op::Not, 1, 1},
    {"threads", Op::Threads, 0, 0}, {"sm_count", Op::SmCount, 0, 0},
};

class Evaluator {
public:
  Evaluator(const Environment &environment, const std::string &path)
      : environment(environment), path(path) {}

  int64_t evaluate(const Node &node) const {
    switch (node.op) {
    case Op::Literal:
      return node.value;
    case Op::Dim:
      return environment.dim(size_t(node.value), node.axis);
    case Op::Stride:
      return environment.stride(size_t(node.value), node.axis);
    case Op::Scalar:
      return environment.scalar(size_t(node.value));
    case Op::Symbol:
      return environment.symbol(size_t(node.value));
    case Op::Index:
      return environment.index(size_t(node.value));
    case Op::Load:
      return environment.element(size_t(node.value),
                                 evaluate(node.operands[0]));
    case Op::Threads:
      return environment.threads();
    case Op::SmCount:
      return environment.multiprocessors();
    case Op::Select:
      return evaluate(node.operands[evaluate(node.operands[0]) ? 1 : 2]);
    case Op::And:
      for (const Node &operand : node.operands)
        if (!evaluate(operand))
          return 0;
      return 1;
    case Op::Or:
      for (const Node &operand : node.operands)
        if (evaluate(operand))
          return 1;
      return 0;
    case Op::Not:
      return !evaluate(node.operands[0]);
    case Op::Add:
    case Op::Sub:
    case Op::Mul:
    case Op::FloorDiv:
    case Op::CeilDiv:
    case Op::Mod:
    case Op::Min:
    case Op::Max:
    case Op::Lt:
    case Op::Le:
    case Op::Gt:
    case Op::Ge:
    case Op::Eq:
    case Op::Ne: {
      int64_t value = evaluate(node.operands[0]);
      for (size_t i = 1; i < node.operands.size(); ++i)
        value = combine(node, value, evaluate(node.operands[i]));
      return value;
    }
    }
    fail(ATTN_ERROR_INTERNAL, path + ": unknown operator");
  }

private:
  int64_t combine(const Node &node, int64_t a, int64_t b) const {
    int64_t value;
    switch (node.op) {
    case Op::Add:
      return __builtin_add_overflow(a, b, &value) ? overflow(node) : value;
    case Op::Sub:
      return __builtin_sub_overflow(a, b, &value) ? overflow(node) : value;
    case Op::Mul:
      return __builtin_mul_overflow(a, b, &value) ? overflow(node) : value;
    case Op::FloorDiv:
      checkDivision(node, a, b);
      return a / b - (a % b != 0 && (a < 0) != (b < 0));
    case Op::CeilDiv:
      checkDivision(node, a, b);
      return a / b + (a % b != 0 && (a < 0) == (b < 0));
    case Op::Mod: {
      if (b == -1) // INT64_MIN % -1 traps
        return 0;
      checkDivision(node, a, b);
      int64_t rest = a % b;
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case Op::Min:
      return a < b ? a : b;
    case Op::Max:
      return a > b ? a : b;
    case Op::Lt:
      return a < b;
    case Op::Le:
      return a <= b;
    case Op::Gt:
      return a > b;
    case Op::Ge:
      return a >= b;
    case Op::Eq:
      return a == b;
    case Op::Ne:
      return a != b;
    default:
      fail(ATTN_ERROR_INTERNAL, path + ": not a binary operator");
    }
  }

  void checkDivision(const Node &node, int64_t a, int64_t b) const {
    if (b == 0)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           path + ": division by zero in " + toString(node));
    if (a == INT64_MIN && b == -1)
      overflow(node);
  }

  [[noreturn]] int64_t overflow(const Node &node) const {
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         path + ": " + toString(node) + " does not fit 64 bits");
  }

  const Environment &environment;
  const std::string &path;
};

void print(const Node &node, std::string &out) {
  auto printLeaf = [&](const char *op, bool withAxis) {
    out += std::string("[\"") + op + "\",\"" + node.name + '"';
    if (withAxis)
      out += "," + std::to_string(node.axis);
    out += ']';
  };
  switch (node.op) {
  case Op::Literal:
    out += std::to_string(node.value);
    return;
  case Op::Dim:
    return printLeaf("dim", true);
  case Op::Stride:
    return printLeaf("stride", true);
  case Op::Scalar:
    return printLeaf("scalar", false);
  case Op::Symbol:
    return printLeaf("symbol", false);
  case Op::Index:
    out += "[\"index\"," + std::to_string(node.value) + ']';
    return;
  case Op::Load:
    out += "[\"load\",\"" + node.name + '"';
    break;
  default:
    out += "[\"";
    break;
  }
  for (const OpInfo &info : arithmeticOps)
    if (info.op == node.op)
      out += std::string(info.name) + '"';
  for (const Node &operand : node.operands) {
    out += ',';
    print(operand, out);
  }
  out += ']';
}

} // namespace

int64_t Expression::evaluate(const Environment &environment) const {
  return Evaluator(environment, path).evaluate(root);
}

const OpInfo *findArithmeticOp(const std::string &name) {
  for (const OpInfo &info : arithmeticOps)
    if (name == info.name)
      return &info;
  return nullptr;
}

std::string toString(const Node &node) {
  std::string out;
  print(node, out);
  return out;
}

} // namespace attn::runtime
