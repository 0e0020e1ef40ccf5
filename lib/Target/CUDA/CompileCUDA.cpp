//===- CompileCUDA.cpp - Artifacts for NVIDIA GPUs ------------------------===//
//
// Runs the passes, writes the plan and adds to its launches what the lowering
// of each kernel says: parameters, grid, block and shared memory.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/NVPTX.h"
#include "attn/Target/Plan.h"
#include "attn/Transforms/Passes.h"
#include "attn/runtime/Artifact.h"
#include "dialects/Attn/Attn.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Threading.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

namespace {

/// Rewrites the launch of a kernel on tensor cores by its `attn.launch`.
class LaunchRewriter {
public:
  LaunchRewriter(json::Object &launch, json::Object &plan)
      : launch(launch), temporaries(*plan.getArray("temporaries")),
        checks(*plan.getArray("checks")), operands(*launch.getArray("args")),
        grid(*launch.getArray("grid")) {}

  void run(DictionaryAttr info);

private:
  json::Value extent(unsigned dim) const { return grid[2 - dim]; }
  json::Value expression(AffineExpr expr) const;
  json::Array expressions(DictionaryAttr recipe, StringRef name) const;
  json::Value tensorMap(DictionaryAttr recipe) const;
  json::Value counter();
  void checkPoints(const json::Value &points);

  json::Object &launch;
  json::Array &temporaries, &checks;
  json::Array operands, grid; // as the plan wrote them
};

int64_t integer(DictionaryAttr attributes, StringRef name) {
  return cast<IntegerAttr>(attributes.get(name)).getInt();
}

/// Symbols are the launch's operands.
json::Value LaunchRewriter::expression(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return *operands[symbol.getPosition()].getAsObject()->get("value");
  auto binary = cast<AffineBinaryOpExpr>(expr);
  StringRef name = expr.getKind() == AffineExprKind::Add   ? "add"
                   : expr.getKind() == AffineExprKind::Mul ? "mul"
                                                           : "floordiv";
  return json::Array{name, expression(binary.getLHS()),
                     expression(binary.getRHS())};
}

json::Array LaunchRewriter::expressions(DictionaryAttr recipe,
                                        StringRef name) const {
  json::Array result;
  for (AffineExpr expr :
       cast<AffineMapAttr>(recipe.get(name)).getValue().getResults())
    result.push_back(expression(expr));
  return result;
}

json::Value LaunchRewriter::tensorMap(DictionaryAttr recipe) const {
  const json::Value &buffer = operands[integer(recipe, "buffer")];
  Type type = cast<TypeAttr>(recipe.get("dtype")).getValue();
  json::Array box;
  for (int64_t extent : cast<DenseI64ArrayAttr>(recipe.get("box")).asArrayRef())
    box.push_back(extent);
  // The buffer and where in it the view starts.
  json::Object map = *buffer.getAsObject();
  map["dtype"] = type.isBF16() ? "bf16" : "f16";
  map["sizes"] = expressions(recipe, "sizes");
  map["strides"] = expressions(recipe, "strides");
  map["box"] = std::move(box);
  return json::Object{{"tensormap", std::move(map)}};
}

json::Value LaunchRewriter::counter() {
  std::string name = "counter" + std::to_string(temporaries.size());
  temporaries.push_back(json::Object{{"name", name},
                                     {"bytes", 4},
                                     {"align", 64},
                                     {"zero", true},
                                     {"restored", true}});
  return json::Object{{"buffer", name}};
}

/// Blocks number the query tiles of all heads with 32 bits (rule 21).
void LaunchRewriter::checkPoints(const json::Value &points) {
  // What a grid of blocks goes past the last one.
  constexpr int64_t limit = (int64_t(1) << 31) - (1 << 16);
  json::Value fits = json::Array{"le", points, limit};
  if (const json::Value *when = launch.get("when"))
    fits = json::Array{"or", json::Array{"eq", *when, 0}, std::move(fits)};
  checks.push_back(json::Object{
      {"expr", std::move(fits)},
      {"message", "rule 21: batches and heads have too many query tiles"},
      {"values",
       json::Array{json::Object{{"name", "tiles"}, {"expr", points}},
                   json::Object{{"name", "limit"}, {"expr", limit}}}}});
}

void LaunchRewriter::run(DictionaryAttr info) {
  json::Array arguments;
  for (Attribute attribute : cast<ArrayAttr>(info.get("parameters"))) {
    auto parameter = cast<DictionaryAttr>(attribute);
    StringRef kind = cast<StringAttr>(parameter.get("kind")).getValue();
    if (kind == "operand") {
      arguments.push_back(operands[integer(parameter, "index")]);
      if (parameter.contains("multiple"))
        (*arguments.back().getAsObject())["multiple"] =
            integer(parameter, "multiple");
    } else if (kind == "extent")
      arguments.push_back(json::Object{
          {"value", extent(integer(parameter, "dim"))}, {"type", "i32"}});
    else if (kind == "tensormap")
      arguments.push_back(tensorMap(parameter));
    else
      arguments.push_back(counter());
  }
  launch["args"] = std::move(arguments);
  json::Value points = json::Array{"mul", extent(0), extent(1), extent(2)};
  checkPoints(points);
  if (cast<BoolAttr>(info.get("persistent")).getValue())
    points = json::Array{"min", json::Array{"sm_count"}, std::move(points)};
  launch["grid"] = json::Array{std::move(points), 1, 1};
  launch["block"] = json::Array{integer(info, "threads"), 1, 1};
  launch["shared"] = integer(info, "shared_bytes");
}

/// Threads of a block of a kernel of the plain path.
int64_t getThreads(Operation *kernel) {
  for (StringRef name : {"nvvm.reqntid", "nvvm.maxntid"})
    if (auto threads = kernel->getAttrOfType<DenseI32ArrayAttr>(name))
      return threads.asArrayRef()[0];
  return 1;
}

/// Reports what cuda-schedule has chosen, and the key tiles that follow.
class ScheduleReporter final : public PassInstrumentation {
public:
  explicit ScheduleReporter(CUDAReport &report) : report(report) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "cuda-schedule")
      op->walk([&](AttentionOp attention) { add(attention); });
  }

private:
  void add(AttentionOp op) {
    auto schedule =
        op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName);
    if (!schedule)
      return;
    std::string choice =
        llvm::formatv("{0} queries x {1} keys a tile", schedule.getTileM(),
                      schedule.getTileN());
    if (schedule.getWorkers())
      choice += llvm::formatv(
          "; heads that share keys are packed into one tile, whose keys are "
          "split for {0} multiprocessors",
          schedule.getWorkers());
    // The op was cloned below conditions on sizes.
    if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp()))
      choice +=
          op->getBlock() == branch.elseBlock() ? ": for all other sizes"
          : schedule.getWorkers()
              ? ": where a launch has few queries a key head and many keys"
              : ": where a launch has few queries";
    report.choices.push_back(choice);
    FailureOr<MaskAnalysis> mask =
        MaskAnalysis::compute(op, schedule.getTileM(), schedule.getTileN());
    if (failed(mask))
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "query tiles of " << schedule.getTileM() << ", key tiles of "
       << schedule.getTileN() << "\n";
    mask->print(os);
    report.ranges.push_back(text);
  }

  CUDAReport &report;
};

/// What became of a kernel.
void reportKernel(StringRef name, Operation *kernel, CUDAReport &report) {
  auto info = kernel->getAttrOfType<DictionaryAttr>("attn.launch");
  if (!info) {
    report.choices.push_back(llvm::formatv(
        "{0}: {1} threads without tensor cores", name, getThreads(kernel)));
    return;
  }
  for (Attribute choice : cast<ArrayAttr>(info.get("why")))
    report.choices.push_back(
        (name + ": " + cast<StringAttr>(choice).getValue()).str());
}

} // namespace

FailureOr<std::string>
attn::compileCUDAArtifact(ModuleOp module, func::FuncOp entry,
                          const CUDAChip &chip, TileShape tile, StringRef ptxas,
                          llvm::function_ref<void(StringRef)> timer,
                          CUDAReport *report) {
  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerNVPTXTranslation(registry);
  context->appendDialectRegistry(registry);
  std::string entryName = entry.getName().str();
  if (report)
    report->choices.push_back(llvm::formatv(
        "chip {0}: {1}, {2} bytes of shared memory a block, {3} "
        "multiprocessors assumed for splits",
        chip.name, chip.isHopper ? "wgmma and TMA" : "mma.sync and cp.async",
        chip.sharedBytes, chip.multiprocessors));
  SmallVector<std::string> names = nameArguments(entry);
  auto run = [&](StringRef phase, function_ref<void(OpPassManager &)> build) {
    PassManager pm(context);
    // Passes are verified by their tests; here it would take a tenth of the
    // time.
    pm.enableVerifier(false);
    if (report)
      pm.addInstrumentation(std::make_unique<ScheduleReporter>(*report));
    build(pm);
    LogicalResult result = pm.run(module);
    timer(phase);
    return result;
  };

  if (failed(run("regions", [&](OpPassManager &pm) {
        pm.addPass(createInsertChecks());
        pm.addPass(createExpandSugar());
        pm.addPass(createMakeTotal());
        pm.addPass(createSimplifyRegions());
        pm.addPass(createBufferizePrograms());
      })))
    return failure();
  bool sixteenBit = isSixteenBit(module.lookupSymbol<func::FuncOp>(entryName));
  if (failed(run("tile", [&](OpPassManager &pm) {
        buildCUDATilePipeline(pm, chip, tile);
      })))
    return failure();

  entry = module.lookupSymbol<func::FuncOp>(entryName);
  auto describe = [](func::FuncOp kernel) {
    KernelLaunch launch;
    launch.symbol = kernel.getName().str();
    return launch;
  };
  // Device memory is not for the host to read.
  FailureOr<json::Object> plan =
      buildPlan(entry, names, /*readsBuffers=*/false, describe);
  if (failed(plan))
    return failure();
  entry.erase();
  timer("plan");
  if (failed(run("lower", [&](OpPassManager &pm) {
        buildCUDAKernelPipeline(pm, chip, sixteenBit);
      })))
    return failure();

  // Where each kernel ended up.
  llvm::StringMap<std::pair<std::string, Operation *>> kernels;
  for (auto gpuModule : module.getOps<gpu::GPUModuleOp>())
    for (Operation &op : gpuModule.getOps())
      if (op.hasAttr("nvvm.kernel"))
        kernels[SymbolTable::getSymbolName(&op).getValue()] = {
            gpuModule.getName().str(), &op};
  for (json::Value &value : *plan->getArray("launches")) {
    json::Object &launch = *value.getAsObject();
    auto &[section, kernel] = kernels[*launch.getString("kernel")];
    launch["code"] = "code/" + section;
    if (report)
      reportKernel(*launch.getString("kernel"), kernel, *report);
    if (auto info = kernel->getAttrOfType<DictionaryAttr>("attn.launch"))
      LaunchRewriter(launch, *plan).run(info);
    else
      launch["block"] = json::Array{getThreads(kernel), 1, 1};
  }

  (*plan)["target"] = "cuda";
  (*plan)["chip"] = chip.name;
  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", json::Value(std::move(*plan))).str());
  std::string error;
  SmallVector<gpu::GPUModuleOp> gpuModules(module.getOps<gpu::GPUModuleOp>());
  FailureOr<SmallVector<std::string>> texts =
      translateToPTX(gpuModules, chip.name);
  if (failed(texts))
    return failure();
  timer("PTX");
  if (!ptxas.empty()) {
    auto assemble = [&](size_t index) {
      FailureOr<std::string> code =
          assemblePTX(gpuModules[index], (*texts)[index], chip.name, ptxas);
      if (succeeded(code))
        (*texts)[index] = std::move(*code);
      return success(succeeded(code));
    };
    if (failed(
            failableParallelForEachN(context, 0, gpuModules.size(), assemble)))
      return failure();
    timer("machine code");
  }
  for (auto [gpuModule, text] : llvm::zip_equal(gpuModules, *texts))
    if (!writer.addCode(gpuModule.getName().str(), text, error))
      return module.emitError(error);
  return writer.toBytes();
}
