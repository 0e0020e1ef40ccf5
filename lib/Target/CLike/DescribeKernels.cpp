//===- DescribeKernels.cpp - tile-describe-kernels ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds to the summary of a lowered kernel how many threads and how much memory
// it takes, and the formula of its grid, so that the head of its text says it.
//
//===----------------------------------------------------------------------===//

#include "Statements.h"
#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_DESCRIBEKERNELS
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

namespace {
/// Sizes of a host function as text.
class Formula {
public:
  explicit Formula(func::FuncOp host) : names(getArgumentNames(host)) {}

  /// "..." stands for what takes more words than a reader needs.
  std::string spell(Value value) {
    std::string text = spellWithin(value, 0);
    constexpr size_t longest = 60;
    return text.size() > longest ? "..." : text;
  }

private:
  std::string spellWithin(Value value, unsigned depth);
  /// A size of an argument, however it came by it.
  std::string spellSize(Value memory, int64_t dimension);

  SmallVector<std::string> names;
};
} // namespace

std::string Formula::spellSize(Value memory, int64_t dimension) {
  auto argument = dyn_cast<BlockArgument>(memory);
  if (!argument || argument.getArgNumber() >= names.size())
    return "...";
  return names[argument.getArgNumber()] + ".size(" + std::to_string(dimension) +
         ")";
}

std::string Formula::spellWithin(Value value, unsigned depth) {
  constexpr unsigned deepest = 6;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return std::to_string(constant.getSExtValue());
  Operation *op = value.getDefiningOp();
  if (!op) {
    unsigned number = cast<BlockArgument>(value).getArgNumber();
    return number < names.size() ? names[number] : "...";
  }
  if (depth > deepest)
    return "...";
  auto operand = [&](unsigned k) {
    return spellWithin(op->getOperand(k), depth + 1);
  };
  auto infix = [&](StringRef symbol) {
    return "(" + operand(0) + " " + symbol.str() + " " + operand(1) + ")";
  };
  auto call = [&](StringRef function) {
    return function.str() + "(" + operand(0) + ", " + operand(1) + ")";
  };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](memref::DimOp dim) {
        std::optional<int64_t> number = dim.getConstantIndex();
        return number ? spellSize(dim.getSource(), *number) : "...";
      })
      .Case([&](arith::AddIOp) { return infix("+"); })
      .Case([&](arith::SubIOp) { return infix("-"); })
      .Case([&](arith::MulIOp) { return infix("*"); })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
          [&](auto) { return infix("/"); })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
          [&](auto) { return "ceil(" + operand(0) + " / " + operand(1) + ")"; })
      .Case<arith::MinSIOp, arith::MinUIOp>([&](auto) { return call("min"); })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([&](auto) { return call("max"); })
      .Case([&](arith::IndexCastOp) { return operand(0); })
      .Default([](Operation *) { return std::string("..."); });
}

/// The grid as devices count it: the query tile is x.
static std::string describeGrid(tile::LaunchOp launch) {
  Formula formula(launch->getParentOfType<func::FuncOp>());
  std::string text = "Grid:";
  SmallVector<Value> extents(launch.getGrid());
  for (auto [name, extent] :
       llvm::zip_equal(StringRef("xyz"), llvm::reverse(extents))) {
    std::string size = formula.spell(extent);
    if (StringRef(size).starts_with("(") && StringRef(size).ends_with(")"))
      size = size.substr(1, size.size() - 2);
    text += std::string(name == 'x' ? " " : ", ") + name + " = " + size;
  }
  return text + " workgroups";
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

namespace {
/// How many registers of 32 bits the matrices take that a thread holds at once.
class MatrixRegisters {
public:
  explicit MatrixRegisters(int64_t lanes) : lanes(lanes) {}

  int64_t measure(gpu::GPUFuncOp kernel) {
    scan(kernel.getBody().front(), {});
    return most;
  }

private:
  /// Matrices, with the registers that they take.
  struct Live {
    DenseSet<Value> values;
    int64_t registers = 0;
  };
  void add(Value value, Live &live) const {
    if (live.values.insert(value).second)
      live.registers += getRegisters(value);
  }
  void remove(Value value, Live &live) const {
    if (live.values.erase(value))
      live.registers -= getRegisters(value);
  }

  int64_t getRegisters(Value value) const {
    auto type = cast<kernel::MatrixType>(value.getType());
    int64_t bits =
        type.getNumElements() * type.getElementType().getIntOrFloatBitWidth();
    return llvm::divideCeil(bits, 32 * lanes);
  }
  void record(int64_t registers) { most = std::max(most, registers); }
  void addUse(OpOperand &use, Live &live);
  Live scan(Block &block, Live live);

  int64_t lanes, most = 0;
  /// What is not printed takes nothing.
  clike::Statements statements{[](Operation *) { return false; }};
};
} // namespace

/// What an op reads of matrices.
void MatrixRegisters::addUse(OpOperand &use, Live &live) {
  if (isa<kernel::MatrixType>(use.get().getType()) &&
      statements.isNeeded(use.getOwner()) &&
      !clike::Statements::isOverwritten(use))
    add(use.get(), live);
}

/// What is live ahead of a block behind which is `live`.
MatrixRegisters::Live MatrixRegisters::scan(Block &block, Live live) {
  for (OpOperand &use : block.getTerminator()->getOpOperands())
    addUse(use, live);
  record(live.registers);
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (!statements.isNeeded(&op))
      continue;
    for (Value result : op.getResults())
      remove(result, live);
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      // What an iteration reads is there for the next one.
      Live around = live;
      loop.getBody()->walk([&](Operation *inner) {
        for (OpOperand &use : inner->getOpOperands())
          if (isa<kernel::MatrixType>(use.get().getType()) &&
              !loop.getRegion().isAncestor(use.get().getParentRegion()))
            addUse(use, around);
      });
      live = scan(*loop.getBody(), around);
      for (BlockArgument argument : loop.getRegionIterArgs())
        remove(argument, live);
    } else if (op.getNumRegions()) {
      Live before = live;
      for (Region &region : op.getRegions())
        if (!region.empty()) {
          Live inside = scan(region.front(), before);
          for (Value value : inside.values)
            add(value, live);
        }
    }
    // Elements are converted one by one.
    if (auto convert = dyn_cast<kernel::ConvertMatrixOp>(op)) {
      add(convert.getOperand(), live);
      record(live.registers + getRegisters(convert.getResult()));
    }
    for (OpOperand &use : op.getOpOperands())
      addUse(use, live);
    record(live.registers);
  }
  return live;
}

//===----------------------------------------------------------------------===//
// The summary
//===----------------------------------------------------------------------===//

/// Of an element of workgroup memory, which may be a vector.
static int64_t getNumBytes(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * getNumBytes(vector.getElementType());
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// Threads, and what a workgroup has in memory that its threads share.
static std::string describeWorkgroup(gpu::GPUFuncOp kernel, int64_t lanes) {
  int64_t threads = kernel.getKnownBlockSize()->front(), bytes = 0;
  std::string text = "Workgroup: " + std::to_string(threads) + " threads";
  if (lanes > 1 && threads > lanes)
    text += " in " + std::to_string(threads / lanes) + " subgroups";
  std::string parts;
  for (auto [k, buffer] : llvm::enumerate(kernel.getWorkgroupAttributions())) {
    if (buffer.use_empty())
      continue;
    auto type = cast<MemRefType>(buffer.getType());
    int64_t size = type.getNumElements() * getNumBytes(type.getElementType());
    auto name = dyn_cast_or_null<StringAttr>(
        kernel.getWorkgroupAttributionAttr(k, "attn.name"));
    parts += (parts.empty() ? "" : ", ") + (name ? name.str() : "buffer") +
             " " + std::to_string(size);
    bytes += size;
  }
  if (bytes)
    text += "; " + std::to_string(bytes) + " bytes of memory: " + parts;
  return text;
}

static void describe(gpu::GPUFuncOp kernel, tile::TargetAttr target,
                     tile::LaunchOp launch) {
  SmallVector<std::string> lines;
  auto known = kernel->getAttrOfType<ArrayAttr>("attn.summary");
  if (known)
    for (auto line : known.getAsRange<StringAttr>())
      lines.push_back(line.str());
  int64_t lanes = target ? target.getSubgroup() : 0;
  lines.push_back(describeWorkgroup(kernel, lanes));
  if (int64_t registers = lanes ? MatrixRegisters(lanes).measure(kernel) : 0)
    lines.push_back("Registers: " + std::to_string(registers) +
                    " of a thread hold matrices at most");
  if (launch)
    lines.push_back(describeGrid(launch));
  Builder b(kernel.getContext());
  kernel->setAttr("attn.summary",
                  b.getStrArrayAttr(llvm::to_vector_of<StringRef>(lines)));
}

namespace {
struct DescribeKernels final
    : attn::impl::DescribeKernelsBase<DescribeKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    tile::TargetAttr target = tile::TargetAttr::lookup(module);
    DenseMap<Operation *, tile::LaunchOp> launches;
    SymbolTableCollection symbols;
    for (auto host : module.getOps<func::FuncOp>())
      host.walk([&](tile::LaunchOp launch) {
        if (Operation *kernel =
                symbols.lookupNearestSymbolFrom(launch, launch.getKernel()))
          launches.try_emplace(kernel, launch);
      });
    for (auto kernels : module.getOps<gpu::GPUModuleOp>())
      for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
        if (kernel.getKnownBlockSize())
          describe(kernel, target, launches.lookup(kernel));
  }
};
} // namespace
