//===- Weights.cpp - Weights of 16 bits -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exponentials that become factors of 16 bits need not be exact in 32, and are
// not rounded where the product takes f32.
// Those that become factors of products in tile registers keep 8 bits.
// Their exponents are taken as numbers of 16 bits with 8 behind the point: two
// vectors of scores become one before the fraction is looked up, and its bits
// and those in front of the point are the weight.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "attn/Transforms/ContractExp2.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// Which weights
//===----------------------------------------------------------------------===//

/// Whether a conversion to 16 bits is for left factors of products alone.
static bool roundsFactor(ConvertOp convert) {
  Type element = convert.getType().getElementType();
  return (element.isF16() || element.isBF16()) &&
         convert.getType().getRank() == 2 && !convert->use_empty() &&
         llvm::all_of(convert->getUses(), isLeftOperand);
}

/// The rounding of a map's result for a product, in tile registers where the
/// kernel uses them, if all else that becomes of it is sums; else null.
ConvertOp KernelLowering::getRoundingOfWeights(MapOp map) {
  ConvertOp rounding;
  for (Operation *user : map->getUsers()) {
    auto convert = dyn_cast<ConvertOp>(user);
    auto reduce = dyn_cast<ReduceOp>(user);
    if (convert && !rounding &&
        (usesTileRegisters ? isFactor(convert.getResult())
                           : roundsFactor(convert)))
      rounding = convert;
    else if (!reduce || reduce.getKind() != ReduceKind::Sum)
      return nullptr;
  }
  return map->getNumResults() == 1 ? rounding : nullptr;
}

/// True if the map and all that is made of it are one group.
static bool isGroupWithUsers(MapOp map) {
  auto isInBlock = [&](Operation *user) {
    return user->getBlock() == map->getBlock();
  };
  if (!llvm::all_of(map->getUsers(), isInBlock))
    return false;
  llvm::SmallPtrSet<Operation *, 4> left(map->user_begin(), map->user_end());
  for (Operation *op = map->getNextNode(); !left.empty();
       op = op->getNextNode()) {
    left.erase(op);
    bool isApart =
        op->getNumRegions() == 0 && !isa<TileDialect>(op->getDialect());
    if (!isApart && !(isElementwise(op) && domainOf(op) == map.getDomain()))
      return false;
  }
  return true;
}

/// The log of a sum of exponentials takes more than 8 bits.
static bool takesLogarithms(func::FuncOp kernel) {
  return kernel
      .walk([](Operation *op) {
        return isa<math::LogOp, math::Log2Op>(op) ? WalkResult::interrupt()
                                                  : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether sums of weights are divided by, or logarithms taken of them, before
/// anything is stored. Weights that all carry the same error make no sum wrong
/// then by more than a logarithm of 16 bits bears; a sum that is a result would
/// be.
static bool normalizes(MapOp weights) {
  SmallVector<Value> worklist;
  DenseSet<Value> seen;
  auto follow = [&](ValueRange values) {
    for (Value value : values)
      if (seen.insert(value).second)
        worklist.push_back(value);
  };
  for (Operation *user : weights->getUsers())
    if (auto reduce = dyn_cast<ReduceOp>(user))
      follow(reduce->getResults());
  while (!worklist.empty()) {
    for (OpOperand &use : worklist.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (auto yield = dyn_cast<scf::YieldOp>(user)) {
        unsigned number = use.getOperandNumber();
        follow(yield->getParentOp()->getResult(number));
        if (auto loop = dyn_cast<scf::ForOp>(yield->getParentOp()))
          follow(loop.getRegionIterArg(number));
      } else if (auto loop = dyn_cast<scf::ForOp>(user)) {
        follow({loop.getTiedLoopResult(&use),
                loop.getTiedLoopRegionIterArg(&use)});
      } else if (auto map = dyn_cast<MapOp>(user)) {
        auto isQuotient = [](Operation &op) {
          return isa<arith::DivFOp, math::LogOp, math::Log2Op>(op);
        };
        if (llvm::none_of(map.getBody().front(), isQuotient))
          follow(map->getResults());
      } else if (user->getNumResults() == 0) {
        return false;
      } else {
        follow(user->getResults());
      }
    }
  }
  return true;
}

/// Weights that become factors of 16 bits: their exponentials need no more
/// (afn), and in tile registers, which take 8, no exact product of a difference
/// of scores. Sums of them take the same values.
void KernelLowering::approximateWeights() {
  SmallVector<std::pair<MapOp, ConvertOp>> weights;
  kernel.walk([&](MapOp map) {
    ConvertOp rounding = getRoundingOfWeights(map);
    if (rounding && (usesTileRegisters || normalizes(map)))
      weights.emplace_back(map, rounding);
  });
  bool mayShift = regs.permutesBytes && !takesLogarithms(kernel);
  for (auto [map, rounding] : weights) {
    bool hasSums = llvm::any_of(map->getUsers(), llvm::IsaPred<ReduceOp>);
    if (usesTileRegisters && mayShift && hasSums && isGroupWithUsers(map) &&
        contractExp2(map, ExponentForm::FixedPoint)) {
      exponentials.insert(map);
      fixedWeights.insert(map);
      fixedFactors.insert(rounding.getResult());
      findMeasured(map);
      continue;
    }
    bool isContracted = usesTileRegisters && contractExp2(map);
    Value yielded = map.getBody().front().getTerminator()->getOperand(0);
    if (auto exponential = yielded.getDefiningOp<math::Exp2Op>()) {
      exponential.setFastmath(exponential.getFastmath() |
                              arith::FastMathFlags::afn);
      if (isContracted)
        exponentials.insert(map);
      if (!usesTileRegisters && !isPairOperand(rounding.getResult()))
        unrounded.insert(rounding);
    }
  }
}

//===----------------------------------------------------------------------===//
// Whether scores are finite
//===----------------------------------------------------------------------===//

/// The product that scores are, but for those that a mask makes -inf.
static DotOp findProductOfScores(Value scores) {
  if (auto dot = scores.getDefiningOp<DotOp>())
    return dot;
  if (auto choice = scores.getDefiningOp<scf::IfOp>()) {
    unsigned number = cast<OpResult>(scores).getResultNumber();
    DotOp first = findProductOfScores(choice.thenYield().getOperand(number));
    DotOp second = findProductOfScores(choice.elseYield().getOperand(number));
    return first == second ? first : nullptr;
  }
  auto mask = scores.getDefiningOp<MapOp>();
  if (!mask || mask.getInputs().size() != 1 || mask.getNumResults() != 1)
    return nullptr;
  Block &body = mask.getBody().front();
  auto choice =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::SelectOp>();
  bool isMask = choice && choice.getTrueValue() == body.getArgument(0) &&
                matchPattern(choice.getFalseValue(), m_NegInfFloat());
  return isMask ? mask.getInputs()[0].getDefiningOp<DotOp>() : nullptr;
}

/// Of weights of bare sums of products, the factors are measured as they are
/// loaded: if all are below 2^45, scores are finite.
void KernelLowering::findMeasured(MapOp weights) {
  Value scores;
  for (Value input : weights.getInputs())
    if (cast<TileType>(input.getType()).getRank() == 2) {
      if (scores)
        return;
      scores = input;
    }
  DotOp dot = scores ? findProductOfScores(scores) : nullptr;
  auto start = dot ? dot.getAcc().getDefiningOp<SplatOp>() : nullptr;
  if (!start || !dot.getTransposeB() ||
      !matchPattern(start.getValue(), m_PosZeroFloat()))
    return;
  for (Value factor : {dot.getA(), dot.getB()})
    if (!factor.getDefiningOp<LoadOp>())
      return;
  measuredWeights.insert(weights);
  measuredLoads.insert(dot.getA().getDefiningOp());
  measuredLoads.insert(dot.getB().getDefiningOp());
  if (sizesOfFactors)
    return;
  sizesOfFactors = allocate({kRegisterDepth}, b.getI16Type());
  b.setInsertionPointAfterValue(sizesOfFactors);
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  vector::StoreOp::create(b, arith::ConstantOp::create(b, b.getZeroAttr(words)),
                          sizesOfFactors, index(0));
}

/// The largest bits but the sign of `sizes` and of vectors of bf16, by lanes.
Value KernelLowering::measure(Value sizes, ArrayRef<Value> vectors) {
  Value magnitude = arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<VectorType>(sizes.getType()),
                                b.getI16IntegerAttr(0x7fff)));
  for (Value vector : vectors) {
    Value bits = vector::BitCastOp::create(b, sizes.getType(), vector);
    sizes = arith::MaxUIOp::create(b, sizes,
                                   arith::AndIOp::create(b, bits, magnitude));
  }
  return sizes;
}

void KernelLowering::noteSizes(ArrayRef<Value> vectors) {
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  Value buffer = noted.buffer ? noted.buffer : sizesOfFactors;
  SmallVector<Value> at =
      noted.buffer ? noted.at : SmallVector<Value>{index(0)};
  Value before = vector::LoadOp::create(b, words, buffer, at);
  vector::StoreOp::create(b, measure(before, vectors), buffer, at);
}

/// Those of a tile of a block are noted apart from others, or of no tile.
void KernelLowering::noteSizesOf(LoadOp keys) {
  auto it = packedAhead.find(keys);
  noted = {};
  if (it == packedAhead.end() || keys == it->second.load ||
      !measuredLoads.contains(it->second.load))
    return;
  const PackedAhead &ahead = it->second;
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  sizesOfKeys = allocate({ahead.tiles, kRegisterDepth}, b.getI16Type());
  Value tile = cast<scf::ForOp>(keys->getParentOp()).getInductionVar();
  Value number = arith::DivUIOp::create(
      b, arith::SubIOp::create(b, tile, ahead.first), ahead.step);
  noted = {sizesOfKeys, {number, index(0)}};
  vector::StoreOp::create(b, arith::ConstantOp::create(b, b.getZeroAttr(words)),
                          noted.buffer, noted.at);
}

/// Those of the tiles that `packing` packs, or would, join the others.
void KernelLowering::addSizesOfKeys(scf::ForOp packing, Value sizes) {
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  Value first = packing.getLowerBound(), step = packing.getStep();
  Value before = vector::LoadOp::create(b, words, sizesOfFactors, index(0));
  auto loop =
      scf::ForOp::create(b, first, packing.getUpperBound(), step, before);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value number = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, loop.getInductionVar(), first), step);
    Value ofTile =
        vector::LoadOp::create(b, words, sizes, ValueRange{number, index(0)});
    scf::YieldOp::create(
        b, arith::MaxUIOp::create(b, loop.getRegionIterArg(0), ofTile)
               .getResult());
  }
  vector::StoreOp::create(b, loop.getResult(0), sizesOfFactors, index(0));
}

/// The same for all rows of a left factor.
void KernelLowering::noteSizesOfRows(Value buffer) {
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  Value before = vector::LoadOp::create(b, words, sizesOfFactors, index(0));
  auto loop =
      scf::ForOp::create(b, index(0), index(shape[0]), index(1), before);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> vectors;
    for (int64_t col = 0; col < shape[1]; col += kRegisterDepth)
      vectors.push_back(vector::LoadOp::create(
          b, pairVector(), buffer,
          ValueRange{loop.getInductionVar(), index(col)}));
    scf::YieldOp::create(b, measure(loop.getRegionIterArg(0), vectors));
  }
  vector::StoreOp::create(b, loop.getResult(0), sizesOfFactors, index(0));
}

/// Whether all scores of these weights up to now are finite or masked; null if
/// that is not measured.
Value KernelLowering::areScoresFinite(MapOp weights) {
  constexpr int64_t exponent = 45;
  return measuredWeights.contains(weights) ? areFactorsBelow(exponent)
                                           : Value();
}

/// Whether all queries and keys are below two to this.
Value KernelLowering::areFactorsBelow(int64_t exponent) {
  constexpr int64_t bias = 127, fractionBits = 7;
  auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
  Value largest = vector::ReductionOp::create(
      b, vector::CombiningKind::MAXUI,
      vector::LoadOp::create(b, words, sizesOfFactors, index(0)));
  Value bound = arith::ConstantOp::create(
      b, b.getI16IntegerAttr((bias + exponent) << fractionBits));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, largest, bound);
}

//===----------------------------------------------------------------------===//
// Their bits
//===----------------------------------------------------------------------===//

/// 256 less what 2^f is below 1 + f, in 256ths, for f from k / 64 on, as 0xff
/// in the upper byte of a number has it below 2^16.
static SmallVector<int8_t> listCorrections() {
  SmallVector<int8_t> bytes;
  for (int k = 0; k < 64; ++k) {
    double below = 0;
    for (int part = 0; part < 4; ++part) {
      double f = (4 * k + part) / 256.0;
      below += (1 + f - std::exp2(f)) * 256 / 4;
    }
    bytes.push_back(
        static_cast<int8_t>(std::min<long>(std::lrint(256 - below), 255)));
  }
  return bytes;
}

Value KernelLowering::callIntrinsic(StringRef name, Type type,
                                    ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResult(0);
}

/// The exponents, as they are before 2^x is taken of them.
static Value exponentsOf(Value weights) {
  auto exponential = weights.getDefiningOp<math::Exp2Op>();
  auto scaled = exponential.getOperand().getDefiningOp<arith::MulFOp>();
  return scaled.getLhs().getDefiningOp<arith::SubFOp>().getLhs();
}

/// The exponents of two vectors of weights as words, in 256ths and with the
/// bias of f32: saturated at 0, which NaN, infinities and what an i32 does not
/// hold become, too.
Value KernelLowering::joinExponents(Value first, Value second) {
  int64_t lanes = regs.lanes;
  auto words = VectorType::get({2 * lanes}, b.getI16Type());
  auto toInteger = [&](Value weights) {
    Type integers = VectorType::get({lanes}, b.getI32Type());
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(integers));
    Value all = arith::ConstantOp::create(b, b.getI16IntegerAttr(-1));
    Value rounding = arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
    return callIntrinsic("llvm.x86.avx512.mask.cvtps2dq.512", integers,
                         {exponentsOf(weights), zeros, all, rounding});
  };
  return callIntrinsic("llvm.x86.avx512.packusdw.512", words,
                       {toInteger(first), toInteger(second)});
}

/// Weights as bf16, negative, of such words, whose upper byte is the exponent
/// of f32 and whose lower byte is the fraction. The average with 2^16 less a
/// correction subtracts that, rounds, and moves the carry to the sign.
Value KernelLowering::weightsOfExponents(Value exponents) {
  auto words = cast<VectorType>(exponents.getType());
  auto bytes = VectorType::get({4 * int64_t(regs.lanes)}, b.getI8Type());
  Value two = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, b.getI16IntegerAttr(2)));
  Value numbers = vector::BitCastOp::create(
      b, bytes, arith::ShRUIOp::create(b, exponents, two));
  SmallVector<int8_t> listed = listCorrections();
  Value table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(listed)));
  Value found =
      callIntrinsic("llvm.x86.avx512.permvar.qi.512", bytes, {table, numbers});
  Value upper = arith::ConstantOp::create(
      b, DenseElementsAttr::get(words, b.getI16IntegerAttr(-0x100)));
  Value corrections = arith::OrIOp::create(
      b, vector::BitCastOp::create(b, words, found), upper);
  Value joined = callIntrinsic("llvm.x86.avx512.pavg.w.512", words,
                               {exponents, corrections});
  return vector::BitCastOp::create(b, pairVector(), joined);
}

/// What joins a sum, lane by lane, of two vectors of weights; -1 `times` where
/// these are negative.
Value KernelLowering::addJoined(Value sums, Value joined, double times) {
  Value factors = arith::ConstantOp::create(
      b, DenseElementsAttr::get(pairVector(),
                                b.getFloatAttr(b.getBF16Type(), times)));
  return callIntrinsic("llvm.x86.avx512bf16.dpbf16ps.512",
                       vectorType(regs.lanes), {sums, joined, factors});
}

/// What it was before until a score is NaN or infinite, then NaN. A nibble of
/// the table says what becomes of it for a kind of numbers.
Value KernelLowering::poison(Value before, Value weights) {
  constexpr int32_t quietNaN = 0, signalingNaN = 1, infinity = 5, makeNaN = 3;
  constexpr int32_t responses = makeNaN << (4 * quietNaN) |
                                makeNaN << (4 * signalingNaN) |
                                makeNaN << (4 * infinity);
  auto integers =
      VectorType::get({static_cast<int64_t>(regs.lanes)}, b.getI32Type());
  Value table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(integers, b.getI32IntegerAttr(responses)));
  Value noFlags = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value mask = arith::ConstantOp::create(b, b.getI16IntegerAttr(-1));
  Value rounding = arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
  return callIntrinsic(
      "llvm.x86.avx512.mask.fixupimm.ps.512", before.getType(),
      {before, exponentsOf(weights), table, noFlags, mask, rounding});
}

/// Where packed values have the pair of rows that begins at `row`: in the order
/// in which weights are joined, four of one vector and four of the other.
Value KernelLowering::pairOfFixed(Value row) {
  auto bits = [&](int64_t from, int64_t size, int64_t to) -> Value {
    Value part = arith::RemUIOp::create(
        b, arith::DivUIOp::create(b, row, index(from)), index(size));
    return arith::MulIOp::create(b, part, index(to));
  };
  Value block = arith::MulIOp::create(
      b, arith::DivUIOp::create(b, row, index(kRegisterDepth)),
      index(kRegisterDepth / 2));
  Value pair = arith::AddIOp::create(b, block, bits(/*from=*/4, 4, /*to=*/4));
  pair = arith::AddIOp::create(b, pair, bits(/*from=*/16, 2, /*to=*/2));
  return arith::AddIOp::create(b, pair, bits(/*from=*/2, 2, /*to=*/1));
}
