//===- TranslateToMSL.cpp - GPU kernels to Metal text ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the Metal Shading Language says otherwise than its relatives: address
// spaces, arguments with attributes, integers whose sums must not overflow,
// simdgroups.
//
//===----------------------------------------------------------------------===//

#include "TranslateToMSL.h"
#include "MSLPrinter.h"
#include "MSLReservedWords.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
using namespace attn::clike;

/// Words of the language, and what every kernel has.
static bool isReserved(StringRef name) {
  return attn::isReservedInMSL(name) || name == "local" || name == "group" ||
         name == "group_count" || name == "lane_id" || name == "subgroup_id";
}

/// i8 and i16, which are computed in an int.
static bool isSmall(Type type) {
  return type.isInteger(8) || type.isInteger(16);
}

MSLPrinter::MSLPrinter(raw_ostream &os, bool hasBFloat)
    : Printer(os, "MSL", isReserved), hasBFloat(hasBFloat) {}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

std::string MSLPrinter::spellType(Type type) const {
  if (type.isF32())
    return "float";
  if (type.isF16())
    return "half";
  if (type.isBF16())
    return hasBFloat ? "bfloat" : "ushort";
  if (type.isInteger(1))
    return "bool";
  if (type.isInteger(8))
    return "char";
  if (type.isInteger(16))
    return "short";
  if (type.isIndex() || type.isInteger(32))
    return "int";
  if (auto matrix = dyn_cast<kernel::MatrixType>(type)) {
    bool is8x8 = matrix.getShape() == ArrayRef<int64_t>{8, 8};
    return is8x8 ? "simdgroup_" + spellType(matrix.getElementType()) + "8x8"
                 : "";
  }
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return "";
  if (vector.getNumElements() == 2 && vector.getElementType().isInteger(32))
    return "int2";
  Type element = vector.getElementType();
  if (vector.getNumElements() == 8 &&
      (element.isF16() || (element.isBF16() && hasBFloat)))
    return "uint4"; // 16 bytes that move at once
  return "";
}

LogicalResult MSLPrinter::printBuffer(gpu::GPUFuncOp kernel,
                                      BlockArgument buffer, unsigned number) {
  auto memory = cast<MemRefType>(buffer.getType());
  Accesses accesses(buffer);
  readsWhatItWrites |= accesses.isWritten && accesses.isRead;
  FailureOr<std::string> element = getTypeName(kernel, memory.getElementType());
  if (failed(element))
    return failure();
  std::string name = declare(getNameHint(buffer.getLoc(), memory));
  os << llvm::formatv("    device {0}{1} *{2} [[buffer({3})]],\n",
                      accesses.isWritten ? "" : "const ", *element, name,
                      number);
  set(buffer, {name});
  return success();
}

std::string MSLPrinter::spellHead(StringRef name,
                                  ArrayRef<Parameter> parameters,
                                  StringRef result) const {
  std::string text;
  for (const auto &[type, parameter] : parameters)
    text += (text.empty() ? "" : ", ") + type + " " + parameter;
  return llvm::formatv("static {0} {1}({2})", result, name, text);
}

LogicalResult MSLPrinter::refuseBuffers(gpu::GPUFuncOp kernel, int64_t count,
                                        int64_t most) const {
  return kernel.emitError("needs ")
         << count << " buffers and one for its parameters, Metal "
         << "binds " << most + 1;
}

LogicalResult MSLPrinter::printSignature(gpu::GPUFuncOp kernel) {
  Arguments arguments(kernel);
  std::string params;
  if (!arguments.scalars.empty()) {
    std::string name = declare("params");
    FailureOr<std::string> type = printParams(kernel, arguments.scalars, name);
    if (failed(type))
      return failure();
    os << ";\n\n";
    params = "constant " + *type + " &" + name;
  }
  // Between parameters stands nothing but them.
  for (BlockArgument buffer : arguments.buffers)
    if (std::string text = describe(kernel, buffer); !text.empty())
      os << "// "
         << toIdentifier(getNameHint(buffer.getLoc(), buffer.getType())) << ": "
         << text << "\n";
  os << llvm::formatv("[[max_total_threads_per_threadgroup({0})]]\n"
                      "kernel void {1}(\n",
                      kernel.getKnownBlockSize()->front(),
                      declare(kernel.getName(), true));
  for (auto [number, buffer] : llvm::enumerate(arguments.buffers))
    if (failed(printBuffer(kernel, buffer, number)))
      return failure();
  if (!params.empty())
    os << llvm::formatv("    {0} [[buffer({1})]],\n", params,
                        arguments.buffers.size());
  os << "    uint3 local [[thread_position_in_threadgroup]],\n"
     << "    uint3 group [[threadgroup_position_in_grid]],\n"
     << "    uint3 group_count [[threadgroups_per_grid]],\n"
     << "    uint lane_id [[thread_index_in_simdgroup]],\n"
     << "    uint subgroup_id [[simdgroup_index_in_threadgroup]])";
  return success();
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void MSLPrinter::printBarrier(gpu::BarrierOp op) {
  line() << "threadgroup_barrier(mem_flags::mem_threadgroup"
         << (readsWhatItWrites ? " | mem_flags::mem_device" : "") << ");\n";
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

StringRef MSLPrinter::spellFunction(Operation &op) const {
  return TypeSwitch<Operation *, StringRef>(&op)
      .Case([](math::AbsFOp) { return "fabs"; })
      .Case([](math::RoundEvenOp) { return "rint"; })
      .Case([](math::RsqrtOp) { return "rsqrt"; })
      .Case([](math::CtPopOp) { return "popcount"; })
      .Case([](arith::RemFOp) { return "fmod"; })
      .Default([&](Operation *op) { return Printer::spellFunction(*op); });
}

std::string MSLPrinter::spellInteger(const APInt &value, Type type) const {
  if (!value.isSignedIntN(32))
    return "";
  // The least int is no literal, but the negation of one that is no int.
  if (value.getSExtValue() == INT32_MIN)
    return "(-2147483647 - 1)";
  return std::to_string(value.getSExtValue());
}

std::string MSLPrinter::spellFloat(const APFloat &value, Type type) const {
  APFloat number = value;
  bool isExact = true;
  number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &isExact);
  std::string text = toDecimal(number) + "f";
  return type.isF32() ? text : spellType(type) + "(" + text + ")";
}

/// Functions are overloaded: a small number stays one.
Expression MSLPrinter::spellOperand(Value value) {
  Expression number = get(value);
  bool isConstant = matchPattern(value, m_Constant());
  if (!isSmall(value.getType()) ||
      (number.precedence == kPrimary && !isConstant))
    return number;
  return {spellType(value.getType()) + "(" + number.text + ")"};
}

std::string MSLPrinter::spellUnsigned(Value value) {
  std::string type = spellType(value.getType());
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    std::string text = std::to_string(constant.getZExtValue());
    return isSmall(value.getType()) ? "u" + type + "(" + text + ")"
                                    : text + "u";
  }
  return (type == "bool" ? type : "u" + type) + "(" + get(value).text + ")";
}

/// An int that overflows may do so only as one without sign; what cannot is
/// marked (tile-mark-exact).
Expression MSLPrinter::spellArithmetic(StringRef symbol, Precedence precedence,
                                       Operation &op) {
  if (isa<arith::ShLIOp>(op))
    return unsignedOp(symbol, op);
  Type type = op.getResult(0).getType();
  if (isSmall(type)) // an int holds the result
    return {spellType(type) + "(" + binary(symbol, precedence, op).text + ")"};
  bool isExact = true;
  if (auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op))
    isExact = flags.hasNoSignedWrap();
  return isExact ? binary(symbol, precedence, op) : unsignedOp(symbol, op);
}

FailureOr<Expression> MSLPrinter::spellCast(Operation &op, StringRef type) {
  Value from = op.getOperand(0);
  bool isFlag = from.getType().isInteger(1);
  bool toFlag = op.getResult(0).getType().isInteger(1);
  Expression plain = {type.str() + "(" + get(from).text + ")"};
  Expression isUnsigned = {type.str() + "(" + spellUnsigned(from) + ")"};
  return TypeSwitch<Operation *, Expression>(&op)
      .Case<arith::ExtSIOp, arith::SIToFPOp>([&](auto) {
        return isFlag ? Expression{"-" + plain.text, kUnary} : plain;
      })
      .Case<arith::ExtUIOp, arith::UIToFPOp>(
          [&](auto) { return isFlag ? plain : isUnsigned; })
      .Case([&](arith::TruncIOp) {
        if (!toFlag)
          return plain;
        return Expression{"(" + get(from).at(kUnary) + " & 1) != 0", kRelation};
      })
      .Case([&](arith::FPToSIOp) {
        return toFlag
                   ? Expression{"int(" + get(from).text + ") != 0", kRelation}
                   : plain;
      })
      .Case([&](arith::FPToUIOp) {
        std::string number = "uint(" + get(from).text + ")";
        return toFlag ? Expression{number + " != 0u", kRelation}
                      : Expression{type.str() + "(" + number + ")"};
      })
      .Case([&](arith::BitcastOp) {
        return call("as_type<" + type.str() + ">", from);
      })
      .Default([&](Operation *) { return plain; });
}

Expression MSLPrinter::spellSelect(arith::SelectOp op) {
  return {get(op.getCondition()).at(kOr) + " ? " +
              get(op.getTrueValue()).at(kOr) + " : " +
              get(op.getFalseValue()).at(kOr),
          kConditional};
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

std::optional<FailureOr<Expression>> MSLPrinter::spellOwn(Operation &op) {
  using Result = std::optional<FailureOr<Expression>>;
  auto make = [&](StringRef arguments) -> Result {
    FailureOr<std::string> type = getTypeName(&op, op.getResult(0).getType());
    if (failed(type))
      return FailureOr<Expression>(failure());
    return Expression{*type + "(" + arguments.str() + ")"};
  };
  return TypeSwitch<Operation *, Result>(&op)
      // Whatever it stands for, nobody may look.
      .Case([&](ub::PoisonOp) { return make(""); })
      .Case([&](arith::ConstantOp op) -> Result {
        auto pair = dyn_cast<DenseIntElementsAttr>(op.getValue());
        if (!pair || spellType(op.getType()) != "int2")
          return spellLanes(*op);
        auto words = llvm::to_vector(pair.getValues<int32_t>());
        return make(std::to_string(words.front()) + ", " +
                    std::to_string(words.back()));
      })
      .Case([&](vector::ExtractOp op) -> Result {
        if (!op.getType().isInteger(32) || op.hasDynamicPosition())
          return spellLanes(*op);
        return Expression{get(op.getSource()).at(kPrimary) +
                          (op.getStaticPosition().front() ? ".y" : ".x")};
      })
      .Case([&](vector::FromElementsOp op) -> Result {
        if (spellType(op.getType()) != "int2")
          return spellLanes(*op);
        return call("int2", op.getElements());
      })
      .Default([&](Operation *) { return spellLanes(op); });
}

static void printPrelude(gpu::GPUModuleOp module, raw_ostream &os) {
  os << "#include <metal_stdlib>\n";
  bool hasMatrices = module
                         .walk([](kernel::MultiplyMatricesOp) {
                           return WalkResult::interrupt();
                         })
                         .wasInterrupted();
  if (hasMatrices)
    os << "#include <metal_simdgroup_matrix>\n";
  os << "using namespace metal;\n";
}

LogicalResult attn::translateToMSL(gpu::GPUModuleOp module, raw_ostream &os) {
  tile::TargetAttr target = tile::TargetAttr::lookup(module);
  bool hasBFloat = !target || !target.doesLack(tile::Lacks::SmallInt);
  std::string text;
  llvm::raw_string_ostream buffer(text);
  printPrelude(module, buffer);
  buffer << "\n";
  if (failed(MSLPrinter(buffer, hasBFloat).printModule(module)))
    return failure();
  os << text;
  return success();
}
