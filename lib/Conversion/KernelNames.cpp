//===- KernelNames.cpp - What readers call the parts of a kernel ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See KernelNames.h.
//
//===----------------------------------------------------------------------===//

#include "KernelNames.h"

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

Value attn::getBase(Value memory) {
  if (auto cast = memory.getDefiningOp<memref::ReinterpretCastOp>())
    return cast.getSource();
  return memory;
}

/// What a tile is before it is only moved: to another place or by a loop.
static Value getOrigin(Value tile) {
  for (;;) {
    if (auto relayout = tile.getDefiningOp<RelayoutOp>()) {
      tile = relayout.getInput();
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(tile);
    auto loop = argument
                    ? dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp())
                    : scf::ForOp();
    if (!loop)
      return tile;
    OpOperand *init = loop.getTiedLoopInit(argument);
    if (!init || !init->get().getDefiningOp<LoadOp>())
      return tile;
    tile = init->get();
  }
}

static LoadOp getLoad(Value tile) {
  return getOrigin(tile).getDefiningOp<LoadOp>();
}

/// The launch of a kernel, or null where it has none.
static LaunchOp findLaunch(func::FuncOp kernel) {
  LaunchOp found;
  for (auto host : kernel->getParentOfType<ModuleOp>().getOps<func::FuncOp>())
    if (!host->hasAttr(tile::kKernelAttrName))
      host.walk([&](LaunchOp launch) {
        if (launch.getKernel().getLeafReference() == kernel.getSymNameAttr())
          found = launch;
      });
  return found;
}

namespace {
/// What a host function calls what it passes to kernels; empty where it says
/// nothing that is short.
class HostNames {
public:
  explicit HostNames(LaunchOp launch)
      : names(attn::getArgumentNames(launch->getParentOfType<func::FuncOp>())) {
  }

  std::string find(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getArgNumber() < names.size()
                 ? names[argument.getArgNumber()]
                 : "";
    return llvm::TypeSwitch<Operation *, std::string>(value.getDefiningOp())
        .Case([&](memref::DimOp dim) {
          std::optional<int64_t> number = dim.getConstantIndex();
          return number ? extend(dim.getSource(), "_size" + Twine(*number))
                        : "";
        })
        .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
            [&](auto op) { return extend(op.getLhs(), "_tiles"); })
        .Case<arith::IndexCastOp, memref::CastOp>(
            [&](auto op) { return find(op->getOperand(0)); })
        // As the pass called it that made it.
        .Default([](Operation *op) {
          auto name = dyn_cast<NameLoc>(op->getLoc());
          return name ? name.getName().str() : "";
        });
  }

private:
  std::string extend(Value value, const Twine &suffix) const {
    std::string name = find(value);
    return name.empty() ? name : (name + suffix).str();
  }

  SmallVector<std::string> names;
};
} // namespace

void attn::nameArguments(func::FuncOp kernel) {
  MLIRContext *context = kernel.getContext();
  auto setName = [&](Value value, const Twine &name) {
    auto arg = dyn_cast<BlockArgument>(value);
    if (arg && arg.getOwner()->isEntryBlock() && !isa<NameLoc>(arg.getLoc()))
      arg.setLoc(NameLoc::get(StringAttr::get(context, name), kernel.getLoc()));
  };
  kernel.walk([&](DotOp dot) {
    if (LoadOp load = getLoad(dot.getA()))
      setName(getBase(load.getSource()), "q");
    if (LoadOp load = getLoad(dot.getB())) {
      setName(getBase(load.getSource()), dot.getTransposeB() ? "k" : "v");
      if (load.getPageTable())
        setName(getBase(load.getPageTable()), "page_table");
    }
  });
  kernel.walk([&](StoreOp store) {
    bool isBlock = store.getTile().getType().getRank() == 2;
    setName(getBase(store.getDest()), isBlock ? "o" : "lse");
  });
  LaunchOp launch = findLaunch(kernel);
  auto nameAfterHost = [&](bool isMemory) {
    if (!launch)
      return;
    HostNames names(launch);
    for (auto [passed, argument] :
         llvm::zip(launch.getArgs(), kernel.getArguments()))
      if (isa<MemRefType>(argument.getType()) == isMemory)
        if (std::string name = names.find(passed); !name.empty())
          setName(argument, name);
  };
  nameAfterHost(/*isMemory=*/true);
  unsigned numTables = 0;
  kernel.walk([&](memref::ReinterpretCastOp view) {
    if (!isa<NameLoc>(view.getSource().getLoc()))
      setName(view.getSource(), "table" + Twine(numTables++));
    auto base = dyn_cast<NameLoc>(view.getSource().getLoc());
    if (!base)
      return;
    for (auto [kind, values] : {std::pair("_size", view.getMixedSizes()),
                                std::pair("_stride", view.getMixedStrides())})
      for (auto [dim, value] : llvm::enumerate(values))
        if (auto dynamic = dyn_cast<Value>(value))
          setName(dynamic, base.getName().str() + kind + Twine(dim));
  });
  nameAfterHost(/*isMemory=*/false);
  for (BlockArgument arg : kernel.getArguments())
    setName(arg, "param" + Twine(arg.getArgNumber()));
}

static std::string nameTileWithin(Value tile, unsigned depth);

/// What the region of a map makes of its tiles: weights by exp2 of scores, what
/// scales sums by exp2 of row statistics; one result else is the first of them,
/// changed.
static std::string nameMap(MapOp map, unsigned depth) {
  bool isBlock = map.getDomainRank() == 2;
  bool isExponential =
      map.getBody()
          .walk([](math::Exp2Op) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (isExponential)
    return isBlock ? "weights" : "rescale";
  if (map.getNumResults() == 1)
    for (Value input : map.getInputs())
      if ((cast<TileType>(input.getType()).getRank() == 2) == isBlock)
        return nameTileWithin(input, depth);
  return isBlock ? "values" : "row_value";
}

static std::string nameTileWithin(Value tile, unsigned depth) {
  std::string other =
      cast<TileType>(tile.getType()).getRank() == 2 ? "values" : "row_value";
  // Values that loops carry may depend on each other in a circle.
  constexpr unsigned deepest = 8;
  if (depth > deepest)
    return other;
  auto name = [&](Value value) { return nameTileWithin(value, depth + 1); };
  tile = getOrigin(tile);
  if (auto argument = dyn_cast<BlockArgument>(tile)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    OpOperand *yielded =
        loop ? loop.getTiedLoopYieldedValue(argument) : nullptr;
    return yielded && yielded->get() != tile ? name(yielded->get()) : other;
  }
  return llvm::TypeSwitch<Operation *, std::string>(tile.getDefiningOp())
      .Case([&](LoadOp load) {
        auto base = dyn_cast<NameLoc>(getBase(load.getSource()).getLoc());
        return base ? base.getName().str() : other;
      })
      .Case([&](DotOp dot) {
        return std::string(dot.getTransposeB() ? "scores" : "sum");
      })
      .Case([&](ReduceOp reduce) {
        bool isMax = reduce.getKind() == ReduceKind::Max;
        return std::string(isMax ? "row_max" : "row_sum");
      })
      .Case([&](ConvertOp convert) { return name(convert.getInput()); })
      .Case([&](MapOp map) { return nameMap(map, depth + 1); })
      .Case([&](scf::IfOp branch) {
        unsigned number = cast<OpResult>(tile).getResultNumber();
        return name(branch.thenYield().getOperand(number));
      })
      .Case([&](scf::ForOp loop) {
        return name(
            loop.getYieldedValues()[cast<OpResult>(tile).getResultNumber()]);
      })
      // An initial value is called what the loop makes of it.
      .Case([&](SplatOp splat) {
        for (OpOperand &use : tile.getUses())
          if (auto loop = dyn_cast<scf::ForOp>(use.getOwner()))
            if (BlockArgument carried = loop.getTiedLoopRegionIterArg(&use))
              return name(carried);
        return other;
      })
      .Default([&](Operation *) { return other; });
}

std::string attn::nameTile(Value tile) { return nameTileWithin(tile, 0); }

static std::string describe(Value tile, bool transposed) {
  auto type = cast<TileType>(tile.getType());
  return (nameTile(tile) + "[" + Twine(type.getRows()) + "x" +
          Twine(type.getCols()) + "]" + (transposed ? "^T" : ""))
      .str();
}

SmallVector<std::string> attn::summarize(func::FuncOp kernel) {
  std::string products;
  kernel.walk([&](DotOp dot) {
    products += (products.empty() ? "" : "; ") +
                describe(dot.getResult(), false) +
                " += " + describe(dot.getA(), dot.getTransposeA()) + " " +
                describe(dot.getB(), dot.getTransposeB());
  });
  SmallVector<std::string> lines;
  if (!products.empty())
    lines.push_back("Tiles: " + products);
  // What is loaded ahead of a loop for its first iteration is loaded in it,
  // too.
  struct Load {
    int64_t bytes = 0;
    bool isInLoop = false;
  };
  llvm::MapVector<Value, Load> loads;
  kernel.walk([&](LoadOp load) {
    TileType type = load.getType();
    if (type.getRank() != 2)
      return;
    Load &known = loads[getBase(load.getSource())];
    known.bytes =
        type.getRows() * type.getCols() *
        llvm::divideCeil(type.getElementType().getIntOrFloatBitWidth(), 8);
    known.isInLoop |= load->getParentOfType<scf::ForOp>() != nullptr;
  });
  std::string text;
  for (const auto &[base, load] : loads) {
    auto name = dyn_cast<NameLoc>(base.getLoc());
    text += (text.empty() ? "" : ", ") + (name ? name.getName().str() : "?") +
            " " + std::to_string(load.bytes) + " bytes " +
            (load.isInLoop ? "a step" : "once");
  }
  if (!text.empty())
    lines.push_back("Loads: " + text);
  return lines;
}
