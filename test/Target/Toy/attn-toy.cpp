//===- attn-toy.cpp - A target in one file --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What docs/new-target.md asks for: a target that prints kernels as plain C.
// usage: attn-toy FILE [TARGET [CHIP]] prints the code of FILE.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/TileToGPU.h"
#include "attn/Execution/Backend.h"
#include "attn/InitAll.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Target.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace attn;

namespace {

/// Ops with one result, as C; $n is operand n.
const llvm::StringMap<StringRef> expressions = {
    {"arith.addi", "$0 + $1"},
    {"arith.subi", "$0 - $1"},
    {"arith.muli", "$0 * $1"},
    {"arith.divsi", "$0 / $1"},
    {"arith.remsi", "$0 % $1"},
    {"arith.divui", "(uint64_t)$0 / (uint64_t)$1"},
    {"arith.remui", "(uint64_t)$0 % (uint64_t)$1"},
    {"arith.minsi", "$0 < $1 ? $0 : $1"},
    {"arith.maxsi", "$0 > $1 ? $0 : $1"},
    {"arith.andi", "$0 & $1"},
    {"arith.ori", "$0 | $1"},
    {"arith.xori", "$0 ^ $1"},
    {"arith.select", "$0 ? $1 : $2"},
    {"arith.index_cast", "$0"},
    {"arith.sitofp", "$0"},
    {"arith.addf", "$0 + $1"},
    {"arith.subf", "$0 - $1"},
    {"arith.mulf", "$0 * $1"},
    {"arith.divf", "$0 / $1"},
    {"arith.negf", "-$0"},
    {"arith.maximumf", "$0 > $1 || $0 != $0 ? $0 : $1"},
    {"arith.minimumf", "$0 < $1 || $0 != $0 ? $0 : $1"},
    {"arith.maxnumf", "fmaxf($0, $1)"},
    {"math.fma", "fmaf($0, $1, $2)"},
    {"math.exp2", "exp2f($0)"},
    {"math.log2", "log2f($0)"},
    {"math.absf", "fabsf($0)"},
    {"gpu.thread_id", "0"}, // there is one
    {"memref.reinterpret_cast", "$0"},
    {"memref.load", "$0[$1]"},
};

/// Prints kernels of one thread, in kernel normal form (docs/gpu-kernels.md).
class CPrinter {
public:
  explicit CPrinter(raw_ostream &os) : os(os) {}
  LogicalResult printKernel(gpu::GPUFuncOp kernel);

private:
  LogicalResult printBlock(Block &block);
  LogicalResult printOp(Operation &op);
  LogicalResult printLoop(scf::ForOp loop);
  LogicalResult printIf(scf::IfOp branch);
  void printConstant(TypedAttr value);
  void assign(ValueRange to, ValueRange from) {
    for (auto [variable, value] : llvm::zip_equal(to, from))
      os << name(variable) << " = " << name(value) << ";\n";
  }
  void declare(ValueRange values) {
    for (Value value : values)
      os << type(value.getType()) << " " << name(value) << ";\n";
  }
  std::string name(Value value) {
    return "v" + std::to_string(
                     numbers.try_emplace(value, numbers.size()).first->second);
  }
  static StringRef type(Type type) {
    if (auto memref = dyn_cast<MemRefType>(type))
      return memref.getElementType().isF32() ? "float *" : "int32_t *";
    return type.isF32()         ? "float"
           : type.isInteger(1)  ? "_Bool"
           : type.isInteger(32) ? "int32_t"
                                : "int64_t";
  }

  raw_ostream &os;
  DenseMap<Value, size_t> numbers;
};

LogicalResult CPrinter::printKernel(gpu::GPUFuncOp kernel) {
  os << "void " << kernel.getName() << "(";
  for (Value argument : kernel.getArguments().take_front(
           kernel.getFunctionType().getNumInputs()))
    os << type(argument.getType()) << " " << name(argument) << ", ";
  os << "int64_t x, int64_t y, int64_t z) {\n";
  for (ArrayRef<BlockArgument> buffers :
       {kernel.getWorkgroupAttributions(), kernel.getPrivateAttributions()})
    for (Value buffer : buffers) {
      auto memref = cast<MemRefType>(buffer.getType());
      os << (memref.getElementType().isF32() ? "float " : "int32_t ")
         << name(buffer) << "[" << memref.getNumElements() << "];\n";
    }
  LogicalResult result = printBlock(kernel.getBody().front());
  os << "}\n\n";
  return result;
}

LogicalResult CPrinter::printBlock(Block &block) {
  for (Operation &op : block)
    if (failed(printOp(op)))
      return failure();
  return success();
}

LogicalResult CPrinter::printLoop(scf::ForOp loop) {
  declare(loop.getResults());
  assign(loop.getResults(), loop.getInitArgs());
  std::string i = name(loop.getInductionVar());
  os << "for (int64_t " << i << " = " << name(loop.getLowerBound()) << "; " << i
     << " < " << name(loop.getUpperBound()) << "; " << i
     << " += " << name(loop.getStep()) << ") {\n";
  declare(loop.getRegionIterArgs());
  assign(loop.getRegionIterArgs(), loop.getResults());
  LogicalResult result = printBlock(*loop.getBody());
  assign(loop.getResults(), loop.getBody()->getTerminator()->getOperands());
  os << "}\n";
  return result;
}

LogicalResult CPrinter::printIf(scf::IfOp branch) {
  declare(branch.getResults());
  os << "if (" << name(branch.getCondition()) << ") {\n";
  for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()}) {
    if (region->empty())
      continue;
    if (region == &branch.getElseRegion())
      os << "} else {\n";
    if (failed(printBlock(region->front())))
      return failure();
    assign(branch.getResults(), region->front().getTerminator()->getOperands());
  }
  os << "}\n";
  return success();
}

void CPrinter::printConstant(TypedAttr value) {
  if (auto number = dyn_cast<FloatAttr>(value)) {
    double real = number.getValueAsDouble();
    if (std::isinf(real))
      os << (real < 0 ? "-INFINITY" : "INFINITY");
    else
      os << llvm::format("%af", real);
    return;
  }
  os << cast<IntegerAttr>(value).getInt();
}

LogicalResult CPrinter::printOp(Operation &op) {
  if (isa<scf::YieldOp, gpu::ReturnOp, gpu::BarrierOp>(op))
    return success();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return printLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return printIf(branch);
  if (auto store = dyn_cast<memref::StoreOp>(op)) {
    os << name(store.getMemRef()) << "[" << name(store.getIndices()[0])
       << "] = " << name(store.getValue()) << ";\n";
    return success();
  }
  if (op.getNumResults() != 1)
    return op.emitError("has no form in C here");
  os << type(op.getResult(0).getType()) << " " << name(op.getResult(0))
     << " = ";
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    printConstant(constant.getValue());
  } else if (auto block = dyn_cast<gpu::BlockIdOp>(op)) {
    os << gpu::stringifyDimension(block.getDimension());
  } else if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    static const char *const symbols[] = {"==", "!=", "<",  "<=", ">",
                                          ">=", "<",  "<=", ">",  ">="};
    os << name(compare.getLhs()) << " "
       << symbols[unsigned(compare.getPredicate())] << " "
       << name(compare.getRhs());
  } else if (auto compare = dyn_cast<arith::CmpFOp>(op)) {
    using P = arith::CmpFPredicate;
    static const std::map<P, const char *> symbols = {
        {P::OEQ, "=="}, {P::OGT, ">"},  {P::OGE, ">="},
        {P::OLT, "<"},  {P::OLE, "<="}, {P::UNE, "!="}};
    auto symbol = symbols.find(compare.getPredicate());
    if (symbol == symbols.end())
      return op.emitError("has no form in C here");
    os << name(compare.getLhs()) << " " << symbol->second << " "
       << name(compare.getRhs());
  } else {
    auto known = expressions.find(op.getName().getStringRef());
    if (known == expressions.end())
      return op.emitError("has no form in C here");
    for (StringRef rest = known->second; !rest.empty();
         rest = rest.drop_front())
      if (rest.consume_front("$"))
        os << name(op.getOperand(rest.front() - '0'));
      else
        os << rest.front();
  }
  os << ";\n";
  return success();
}

class Toy final : public Target {
public:
  Toy() : Target("toy", "plain C, to be read") {}

  std::vector<std::string> getChips() const override { return {"c99"}; }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef chip,
                                std::string &error) const override {
    return tile::TargetAttr::get(
        context, getName(), chip, /*vectorBits=*/0, /*vectorRegisters=*/0,
        /*l1Bytes=*/0, /*l2Bytes=*/0, /*threads=*/1, /*subgroup=*/0,
        /*sharedBytes=*/1 << 20, /*staticSharedBytes=*/1 << 20,
        /*storageBuffers=*/0, /*workers=*/0, tile::MatrixUnits::None,
        /*features=*/ArrayAttr());
  }
  std::string chooseChip(StringRef features) const override { return ""; }
  StringRef getBackend() const override { return ""; }

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override {
    TilePipelineOptions tile;
    tile.tileM = options.tileM ? options.tileM : 8;
    tile.tileN = options.tileN ? options.tileN : 16;
    attn::buildTilePipeline(pm, tile);
    finishSchedules(pm, *this, options);
  }
  void buildKernelPipeline(OpPassManager &pm) const override {
    pm.addPass(createTileToGPU());
    pm.addNestedPass<gpu::GPUModuleOp>(createExpandMath());
    addCleanup(pm);
  }

  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override {
    CodeSection section{"kernels",
                        "#include <math.h>\n#include <stdint.h>\n\n"};
    llvm::raw_string_ostream os(section.bytes);
    WalkResult result = module.walk([&](gpu::GPUFuncOp kernel) {
      return WalkResult(CPrinter(os).printKernel(kernel));
    });
    if (result.wasInterrupted())
      return failure();
    return std::vector<CodeSection>{std::move(section)};
  }

  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override {
    choices.push_back("one thread");
  }
  void explainSchedule(AttentionOp op, tile::TargetAttr machine,
                       const TargetOptions &options,
                       std::vector<std::string> &choices) const override {}
};

} // namespace

int main(int argc, char **argv) {
  registerTarget(std::make_unique<Toy>());
  DialectRegistry registry;
  execution::registerDialects(registry);
  MLIRContext context(registry);
  auto module = argc > 1 ? parseSourceFile<ModuleOp>(argv[1], &context)
                         : OwningOpRef<ModuleOp>();
  CompileOptions options;
  options.target = argc > 2 ? argv[2] : "toy";
  options.chip = argc > 3 ? argv[3] : "";
  if (!module || failed(compileToArtifact(*module, options)))
    return 1;
  auto lowered = lowerForTarget(*module, options);
  std::string error;
  const Target *target = findTarget(options.target, error);
  auto code = target->emitCode(**lowered, tile::TargetAttr::lookup(**lowered),
                               TargetOptions(), [](StringRef) {});
  for (const CodeSection &section : *code)
    llvm::outs() << section.bytes;
  return 0;
}
