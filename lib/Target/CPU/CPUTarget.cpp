//===- CPUTarget.cpp - CPU targets ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host detection, chip names and the DLTI form of a CPU target.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CPU.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <unistd.h>

using namespace mlir;
using namespace attn;

/// Features that generated code may use, in the order they are listed.
static constexpr StringLiteral kFeatures[] = {
    "avx",      "avx2",     "fma",      "f16c",      "avx512f",
    "avx512bw", "avx512dq", "avx512vl", "avx512bf16"};

// Keys of the DLTI specification; the first two are upstream's.
static constexpr StringLiteral kVectorKey = "max_vector_op_width";
static constexpr StringLiteral kL1Key = "L1_cache_size_in_bytes";
static constexpr StringLiteral kL2Key = "L2_cache_size_in_bytes";
static constexpr StringLiteral kRegistersKey = "vector_registers";

bool CPUTarget::has(StringRef feature) const {
  return llvm::is_contained(features, feature);
}

std::optional<CPUTarget> CPUTarget::get(StringRef chip, std::string &error) {
  CPUTarget target;
  llvm::StringMap<bool> present;
  if (chip == "host") {
    target.chip = llvm::sys::getHostCPUName().str();
    present = llvm::sys::getHostCPUFeatures();
    if (long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
      target.l1Bytes = size;
    if (long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
      target.l2Bytes = size;
  } else {
    SmallVector<StringRef> known;
    llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
    if (!llvm::is_contained(known, chip)) {
      error = ("unknown CPU '" + chip +
               "'; use 'host', 'x86-64-v3', 'x86-64-v4' or an LLVM CPU name")
                  .str();
      return std::nullopt;
    }
    target.chip = chip.str();
    SmallVector<StringRef> features;
    llvm::X86::getFeaturesForCPU(chip, features);
    for (StringRef feature : features)
      present[feature.ltrim('+')] = true;
  }
  for (StringRef feature : kFeatures)
    if (present.lookup(feature))
      target.features.push_back(feature.str());
  for (StringRef needed : {"avx2", "fma", "f16c"})
    if (!target.has(needed)) {
      error = ("CPU '" + target.chip + "' lacks " + needed +
               "; generated code needs AVX2, FMA and F16C")
                  .str();
      return std::nullopt;
    }
  if (target.has("avx512f") && target.has("avx512vl") &&
      target.has("avx512bw") && target.has("avx512dq")) {
    target.vectorBits = 512;
    target.registers = 32;
  }
  return target;
}

void CPUTarget::attachTo(ModuleOp module) const {
  MLIRContext *context = module.getContext();
  context->loadDialect<DLTIDialect>();
  Builder b(context);
  auto entry = [&](StringRef key, int64_t value) -> DataLayoutEntryInterface {
    return DataLayoutEntryAttr::get(b.getStringAttr(key),
                                    b.getI64IntegerAttr(value));
  };
  auto device = TargetDeviceSpecAttr::get(
      context, {entry(kVectorKey, vectorBits), entry(kL1Key, l1Bytes),
                entry(kL2Key, l2Bytes), entry(kRegistersKey, registers)});
  module->setAttr(
      DLTIDialect::kTargetSystemDescAttrName,
      TargetSystemSpecAttr::get(
          context, {DataLayoutEntryAttr::get(b.getStringAttr("CPU"), device)}));
}

SetArtifactOptions CPUTarget::describe(StringRef pipeline) const {
  SetArtifactOptions options;
  options.target = "cpu";
  options.chip = chip;
  options.features.assign(features.begin(), features.end());
  options.hostReads = true;
  options.pipeline = pipeline.str();
  return options;
}

void CPUTarget::refineFrom(Operation *op) {
  op->getContext()->loadDialect<DLTIDialect>();
  auto read = [&](StringRef key, unsigned &field) {
    FailureOr<Attribute> value =
        dlti::query(op, {StringRef("CPU"), key}, /*emitError=*/false);
    if (succeeded(value))
      if (auto integer = dyn_cast<IntegerAttr>(*value))
        field = integer.getInt();
  };
  unsigned described = vectorBits;
  read(kVectorKey, described);
  // Wider vectors than the chip has cannot be asked for.
  if (described == 256 || described == 128)
    vectorBits = std::min(vectorBits, described);
  read(kL1Key, l1Bytes);
  read(kL2Key, l2Bytes);
  read(kRegistersKey, registers);
}
