//===- Emitter.cpp - Emit tensor-core instructions ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builders of single instructions. Where the nvvm dialect of version 22 has no
// op, or one that loses the needed ties (wgmma with register operands, waits
// that carry accumulators), inline assembly is used.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace attn::tensorcore {

Emitter::Emitter(Location loc, MLIRContext *context)
    : ImplicitLocOpBuilder(loc, context) {}

//===----------------------------------------------------------------------===//
// Functions and control flow
//===----------------------------------------------------------------------===//

Operation *Emitter::createKernel(StringRef name, ArrayRef<Parameter> parameters,
                                 int64_t threads, int64_t blocks,
                                 Values &arguments) {
  Types types = llvm::map_to_vector(
      parameters, [](const Parameter &parameter) { return parameter.type; });
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), types);
  auto function = LLVM::LLVMFuncOp::create(*this, name, type);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), getUnitAttr());
  // setmaxnreg is dropped without both of these.
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    getI32IntegerAttr(blocks));
  entry = function.addEntryBlock(*this);
  for (auto [index, parameter] : llvm::enumerate(parameters)) {
    if (!parameter.tensorMap)
      continue;
    auto bytes = LLVM::LLVMArrayType::get(getI8Type(), 128);
    function.setArgAttr(index, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(bytes));
    function.setArgAttr(index, LLVM::LLVMDialect::getAlignAttrName(),
                        getI64IntegerAttr(64));
    function.setArgAttr(index, NVVM::NVVMDialect::getGridConstantAttrName(),
                        getUnitAttr());
  }
  llvm::append_range(arguments, entry->getArguments());
  enter(entry);
  return function;
}

void Emitter::createSharedMemory(StringRef name) {
  LLVM::GlobalOp::create(*this, LLVM::LLVMArrayType::get(getI8Type(), 0),
                         /*isConstant=*/false, LLVM::Linkage::External, name,
                         Attribute(), /*alignment=*/1024, /*addrSpace=*/3);
}

Block *Emitter::createBlock(TypeRange arguments) {
  OpBuilder::InsertionGuard guard(*this);
  SmallVector<Location> locations(arguments.size(), getLoc());
  Region *region = entry->getParent();
  return OpBuilder::createBlock(region, region->end(), arguments, locations);
}

void Emitter::branch(Block *target, ValueRange arguments) {
  LLVM::BrOp::create(*this, arguments, target);
}

void Emitter::branchIf(Value condition, Block *then, ValueRange thenArguments,
                       Block *otherwise, ValueRange otherwiseArguments) {
  LLVM::CondBrOp::create(*this, condition, then, thenArguments, otherwise,
                         otherwiseArguments);
}

void Emitter::onlyIf(Value condition, llvm::function_ref<void()> body) {
  Block *then = createBlock();
  Block *join = createBlock();
  branchIf(condition, then, {}, join, {});
  enter(then);
  body();
  branch(join);
  enter(join);
}

void Emitter::repeat(int64_t end, int64_t step,
                     function_ref<void(Value)> body) {
  Block *loop = createBlock(getI32Type());
  Block *done = createBlock();
  branch(loop, i32(0));
  enter(loop);
  Value position = loop->getArgument(0);
  body(position);
  Value next = add(position, step);
  branchIf(less(next, i32(end)), loop, next, done, {});
  enter(done);
}

void Emitter::exit() { LLVM::ReturnOp::create(*this, ValueRange()); }

//===----------------------------------------------------------------------===//
// Types, constants and arithmetic
//===----------------------------------------------------------------------===//

Type Emitter::pointerType(unsigned addressSpace) {
  return LLVM::LLVMPointerType::get(getContext(), addressSpace);
}

Value Emitter::constant(TypedAttr value) {
  Value &known = constants[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(entry);
    known = arith::ConstantOp::create(*this, value);
  }
  return known;
}

Value Emitter::i1(bool value) { return constant(getBoolAttr(value)); }
Value Emitter::i32(int64_t value) {
  return constant(getI32IntegerAttr(static_cast<int32_t>(value)));
}
Value Emitter::i64(int64_t value) { return constant(getI64IntegerAttr(value)); }
Value Emitter::f32(double value) {
  return constant(getF32FloatAttr(static_cast<float>(value)));
}

Value Emitter::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value Emitter::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value Emitter::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value Emitter::constantLike(Value a, int64_t value) {
  return a.getType().isInteger(64) ? i64(value) : i32(value);
}
Value Emitter::add(Value a, int64_t b) { return add(a, constantLike(a, b)); }
Value Emitter::mul(Value a, int64_t b) { return mul(a, constantLike(a, b)); }
Value Emitter::bitAnd(Value a, int64_t b) {
  return createOrFold<arith::AndIOp>(a, constantLike(a, b));
}
Value Emitter::bitXor(Value a, Value b) {
  return createOrFold<arith::XOrIOp>(a, b);
}
Value Emitter::shiftLeft(Value a, int64_t b) {
  return createOrFold<arith::ShLIOp>(a, constantLike(a, b));
}
Value Emitter::shiftRight(Value a, int64_t b) {
  return createOrFold<arith::ShRUIOp>(a, constantLike(a, b));
}
Value Emitter::shiftRight(Value a, Value b) {
  return createOrFold<arith::ShRUIOp>(a, b);
}
Value Emitter::trailingZeros(Value a) {
  return LLVM::CountTrailingZerosOp::create(*this, a.getType(), a,
                                            /*is_zero_poison=*/true);
}
Value Emitter::divide(Value a, Value b) {
  return createOrFold<arith::DivUIOp>(a, b);
}
Value Emitter::remainder(Value a, Value b) {
  return createOrFold<arith::RemUIOp>(a, b);
}
Value Emitter::less(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b);
}
Value Emitter::equal(Value a, int64_t b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a,
                                     constantLike(a, b));
}
Value Emitter::both(Value a, Value b) {
  return createOrFold<arith::AndIOp>(a, b);
}
Value Emitter::select(Value condition, Value a, Value b) {
  return createOrFold<arith::SelectOp>(condition, a, b);
}
Value Emitter::selectUnsplit(Value condition, Value a, Value b) {
  return assembly("selp.f32 $0, $1, $2, $3;", "=f,f,f,b", {a, b, condition},
                  getF32Type(), AsmEffect::pure)[0];
}
Value Emitter::smaller(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value Emitter::larger(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value Emitter::toI64(Value a) {
  if (a.getType().isInteger(64))
    return a;
  return createOrFold<arith::ExtSIOp>(getI64Type(), a);
}
Value Emitter::toI32(Value a) {
  if (a.getType().isInteger(32))
    return a;
  return createOrFold<arith::TruncIOp>(getI32Type(), a);
}
Value Emitter::toI16(Value a) {
  return createOrFold<arith::TruncIOp>(getI16Type(), a);
}

Value Emitter::fadd(Value a, Value b) {
  return createOrFold<arith::AddFOp>(a, b);
}
Value Emitter::fmul(Value a, Value b) {
  return createOrFold<arith::MulFOp>(a, b);
}
Value Emitter::fmax(Value a, Value b) {
  return createOrFold<arith::MaxNumFOp>(a, b);
}

static Value unary(Emitter &emit, StringRef instruction, Value x) {
  return emit.assembly(instruction + Twine(".f32 $0, $1;"), "=f,f", x,
                       emit.getF32Type(), AsmEffect::pure)[0];
}
// llvm.intr.exp2 keeps denormals, which costs 5-9% of a kernel.
Value Emitter::exp2(Value x) { return unary(*this, "ex2.approx.ftz", x); }
Value Emitter::log2(Value x) { return unary(*this, "lg2.approx", x); }
Value Emitter::reciprocal(Value x) { return unary(*this, "rcp.approx.ftz", x); }
Value Emitter::rsqrt(Value x) { return unary(*this, "rsqrt.approx", x); }
Value Emitter::sqrt(Value x) { return unary(*this, "sqrt.rn", x); }
Value Emitter::fdiv(Value a, Value b) {
  // div.rn has a slow path that is a call, which would serialise wgmma.
  return assembly("div.full.f32 $0, $1, $2;", "=f,f,f", {a, b}, getF32Type(),
                  AsmEffect::pure)[0];
}

//===----------------------------------------------------------------------===//
// Memory and threads
//===----------------------------------------------------------------------===//

Values Emitter::assembly(const Twine &text, const Twine &constraints,
                         ValueRange operands, TypeRange results,
                         AsmEffect effect) {
  std::string allConstraints = constraints.str();
  if (effect == AsmEffect::memory)
    allConstraints += allConstraints.empty() ? "~{memory}" : ",~{memory}";
  Type resultType;
  if (results.size() == 1)
    resultType = results[0];
  else if (results.size() > 1)
    resultType = LLVM::LLVMStructType::getLiteral(getContext(),
                                                  SmallVector<Type>(results));
  auto statement = LLVM::InlineAsmOp::create(
      *this, resultType ? TypeRange(resultType) : TypeRange(), operands,
      text.str(), allConstraints,
      /*has_side_effects=*/effect != AsmEffect::pure,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(getContext(), LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
  if (results.size() <= 1)
    return Values(statement->getResults());
  Values values;
  for (size_t index = 0; index < results.size(); ++index)
    values.push_back(LLVM::ExtractValueOp::create(
        *this, statement->getResult(0), static_cast<int64_t>(index)));
  return values;
}

Value Emitter::shared(Value address) {
  return LLVM::IntToPtrOp::create(*this, pointerType(3), address);
}

Value Emitter::sharedBase(StringRef name) {
  Value pointer = LLVM::AddressOfOp::create(*this, pointerType(3), name);
  return LLVM::PtrToIntOp::create(*this, getI32Type(), pointer);
}

/// An element of type i1 is a byte in memory.
static Type storedType(OpBuilder &builder, Type type) {
  return type.isInteger(1) ? builder.getI8Type() : type;
}

Value Emitter::elementAddress(Value base, Value elementOffset, Type type) {
  if (matchPattern(elementOffset, m_Zero()))
    return base;
  return LLVM::GEPOp::create(*this, base.getType(), storedType(*this, type),
                             base, ArrayRef<LLVM::GEPArg>{elementOffset});
}

Value Emitter::loadGlobal(Value base, Value elementOffset, Type type) {
  Type stored = storedType(*this, type);
  Value pointer = elementAddress(base, elementOffset, type);
  auto load = LLVM::LoadOp::create(*this, stored, pointer);
  // What a kernel reads it never writes, so loads may move and be shared.
  load.setInvariant(true);
  if (!type.isInteger(1))
    return load;
  Value zero = arith::ConstantOp::create(*this, getI8IntegerAttr(0));
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, load, zero);
}

Value Emitter::loadGlobalIf(Value predicate, Value base, Value elementOffset,
                            Type type) {
  Value pointer = LLVM::GEPOp::create(*this, base.getType(), type, base,
                                      ArrayRef<LLVM::GEPArg>{elementOffset});
  unsigned width = type.getIntOrFloatBitWidth();
  Value guard = createOrFold<arith::ExtUIOp>(getI32Type(), predicate);
  StringRef constraint = width == 16 ? "=&h" : width == 32 ? "=&r" : "=&l";
  return assembly(
      "{ .reg .pred p; setp.ne.u32 p, $2, 0; mov.b" + Twine(width) +
          " $0, 0; @p ld.global.nc.b" + Twine(width) + " $0, [$1]; }",
      constraint + Twine(",l,r"), {pointer, guard}, type, AsmEffect::pure)[0];
}

void Emitter::storeGlobalIf(Value predicate, Value base, Value elementOffset,
                            Value value, Type elementType) {
  Value pointer = LLVM::GEPOp::create(*this, base.getType(), elementType, base,
                                      ArrayRef<LLVM::GEPArg>{elementOffset});
  bool isFloat = value.getType().isF32();
  bool half = value.getType().getIntOrFloatBitWidth() == 16;
  Value guard = createOrFold<arith::ExtUIOp>(getI32Type(), predicate);
  assembly(Twine("{ .reg .pred p; setp.ne.u32 p, $2, 0; @p st.global.") +
               (isFloat ? "f32"
                : half  ? "b16"
                        : "b32") +
               " [$0], $1; }",
           isFloat ? "l,f,r"
           : half  ? "l,h,r"
                   : "l,r,r",
           {pointer, value, guard}, {}, AsmEffect::memory);
}

Value Emitter::atomicIncrement(Value pointer) {
  return LLVM::AtomicRMWOp::create(*this, LLVM::AtomicBinOp::add, pointer,
                                   i32(1), LLVM::AtomicOrdering::monotonic);
}

void Emitter::resetCounter(Value pointer) {
  LLVM::StoreOp::create(*this, i32(0), pointer);
}

Value Emitter::loadSharedI32(Value address) {
  return assembly("ld.shared.u32 $0, [$1];", "=r,r", address, getI32Type(),
                  AsmEffect::memory)[0];
}

void Emitter::storeSharedI32(Value address, Value value) {
  assembly("st.shared.u32 [$0], $1;", "r,r", {address, value}, {},
           AsmEffect::memory);
}

void Emitter::storeSharedZero16(Value address) {
  assembly("st.shared.v4.u32 [$0], {$1, $1, $1, $1};", "r,r", {address, i32(0)},
           {}, AsmEffect::memory);
}

void Emitter::storeShared16(Value address, ValueRange registers) {
  Values operands = {address};
  llvm::append_range(operands, registers);
  assembly("st.shared.v4.u32 [$0], {$1, $2, $3, $4};", "r,r,r,r,r", operands,
           {}, AsmEffect::memory);
}

Value Emitter::threadId() {
  return NVVM::ThreadIdXOp::create(*this, getI32Type());
}
Value Emitter::laneId() { return NVVM::LaneIdOp::create(*this, getI32Type()); }
Value Emitter::blockId() {
  return NVVM::BlockIdXOp::create(*this, getI32Type());
}
Value Emitter::threadIdAnew() {
  return assembly("mov.u32 $0, %tid.x;", "=r", {}, getI32Type(),
                  AsmEffect::pinned)[0];
}
Value Emitter::blockIdAnew() {
  return assembly("mov.u32 $0, %ctaid.x;", "=r", {}, getI32Type(),
                  AsmEffect::pinned)[0];
}
Value Emitter::anew(Value value) {
  return assembly("mov.u32 $0, $1;", "=r,r", value, getI32Type(),
                  AsmEffect::pinned)[0];
}
Value Emitter::gridSize() {
  return NVVM::GridDimXOp::create(*this, getI32Type());
}

static Value shuffle(Emitter &emit, Value value, Value lane,
                     NVVM::ShflKind kind) {
  return NVVM::ShflOp::create(emit, value.getType(), emit.i32(-1), value, lane,
                              emit.i32(31), kind, UnitAttr());
}
Value Emitter::broadcastLane0(Value value) {
  return shuffle(*this, value, i32(0), NVVM::ShflKind::idx);
}
Value Emitter::shuffleXor(Value value, int64_t mask) {
  return shuffle(*this, value, i32(mask), NVVM::ShflKind::bfly);
}
Value Emitter::ballot(Value value) {
  return NVVM::VoteSyncOp::create(*this, getI32Type(), i32(-1), value,
                                  NVVM::VoteSyncKind::ballot);
}

Value Emitter::shuffleFrom(Value value, Value lane) {
  if (value.getType().isInteger(32))
    return shuffle(*this, value, lane, NVVM::ShflKind::idx);
  Value low = shuffleFrom(toI32(value), lane);
  Value high = shuffleFrom(toI32(shiftRight(value, 32)), lane);
  auto widen = [&](Value half) {
    return createOrFold<arith::ExtUIOp>(getI64Type(), half);
  };
  return createOrFold<arith::OrIOp>(widen(low), shiftLeft(widen(high), 32));
}

void Emitter::setMaxRegisters(int64_t count, bool increase) {
  NVVM::SetMaxRegisterOp::create(*this, count,
                                 increase
                                     ? NVVM::SetMaxRegisterAction::increase
                                     : NVVM::SetMaxRegisterAction::decrease);
}

void Emitter::syncThreads() { NVVM::BarrierOp::create(*this); }
void Emitter::syncWarp() { NVVM::SyncWarpOp::create(*this, i32(-1)); }
void Emitter::syncNamed(Value barrier, int64_t threads) {
  assembly("bar.sync $0, " + Twine(threads) + ";", "r", barrier, {},
           AsmEffect::memory);
}
void Emitter::arriveNamed(Value barrier, int64_t threads) {
  assembly("bar.arrive $0, " + Twine(threads) + ";", "r", barrier, {},
           AsmEffect::memory);
}
void Emitter::fenceAsyncShared() {
  NVVM::FenceProxyOp::create(
      *this, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(getContext(), NVVM::SharedSpace::shared_cta));
}

//===----------------------------------------------------------------------===//
// mbarrier
//===----------------------------------------------------------------------===//

void Emitter::barrierInit(Value address, int64_t count) {
  NVVM::MBarrierInitOp::create(*this, shared(address), i32(count), Value());
}

void Emitter::barrierInitFence() { NVVM::FenceMbarrierInitOp::create(*this); }

void Emitter::barrierWait(Value address, Value parity) {
  // nvvm.mbarrier.try_wait tries once; the loop belongs into one statement,
  // since a branch would split the block that keeps wgmma in flight.
  assembly("{ .reg .pred p; again: mbarrier.try_wait.parity.shared::cta.b64 p, "
           "[$0], $1; @p bra done; bra again; done: }",
           "r,r", {address, parity}, {}, AsmEffect::memory);
}

void Emitter::barrierArrive(Value address) {
  assembly("mbarrier.arrive.shared::cta.b64 _, [$0];", "r", address, {},
           AsmEffect::memory);
}

void Emitter::barrierArriveIf(Value predicate, Value address) {
  Value guard = createOrFold<arith::ExtUIOp>(getI32Type(), predicate);
  assembly("{ .reg .pred p; setp.ne.u32 p, $1, 0; @p "
           "mbarrier.arrive.shared::cta.b64 _, [$0]; }",
           "r,r", {address, guard}, {}, AsmEffect::memory);
}

void Emitter::barrierArriveIfAfter(Value predicate, Value address,
                                   Value number) {
  // No number is below -inf; ptxas does not use that.
  Value guard = createOrFold<arith::ExtUIOp>(getI32Type(), predicate);
  assembly("{ .reg .pred p; setp.ne.u32 p, $1, 0; setp.geu.and.f32 p, $2, "
           "0fFF800000, p; @p mbarrier.arrive.shared::cta.b64 _, [$0]; }",
           "r,r,f", {address, guard, number}, {}, AsmEffect::memory);
}

void Emitter::barrierExpect(Value address, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(*this, Type(), shared(address),
                                         i32(bytes), NVVM::MemScopeKind::CTA,
                                         /*relaxed=*/false, Value());
}

//===----------------------------------------------------------------------===//
// Asynchronous copies by threads
//===----------------------------------------------------------------------===//

void Emitter::copyAsync(Value sharedAddress, Value base, Value elementOffset,
                        Type elementType, int64_t bytes, Value sourceBytes) {
  Value source = LLVM::GEPOp::create(*this, base.getType(), elementType, base,
                                     ArrayRef<LLVM::GEPArg>{elementOffset});
  // Only copies of 16 bytes can pass the L1 cache by.
  NVVM::CpAsyncOp::create(*this, shared(sharedAddress), source, bytes,
                          bytes == 16 ? NVVM::LoadCacheModifierKind::CG
                                      : NVVM::LoadCacheModifierKind::CA,
                          sourceBytes);
}

void Emitter::copyAsyncCommit() { NVVM::CpAsyncCommitGroupOp::create(*this); }

void Emitter::copyAsyncWait(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(*this, pending);
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

static Values unpackStruct(Emitter &emit, Value value, int64_t count) {
  Values values;
  for (int64_t index = 0; index < count; ++index)
    values.push_back(LLVM::ExtractValueOp::create(emit, value, index));
  return values;
}

Values Emitter::loadMatrix(Value address, bool transpose) {
  Type type =
      LLVM::LLVMStructType::getLiteral(getContext(), repeated(getI32Type(), 4));
  Value loaded = NVVM::LdMatrixOp::create(
      *this, type, shared(address), 4,
      transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
  return unpackStruct(*this, loaded, 4);
}

Values Emitter::mma(Type elementType, ValueRange a, ValueRange b,
                    ValueRange c) {
  // The op takes pairs of f16 as vectors, pairs of bf16 as integers.
  bool isBF16 = elementType.isBF16();
  auto operands = [&](ValueRange registers) {
    return llvm::map_to_vector(registers, [&](Value value) -> Value {
      if (isBF16)
        return value;
      return LLVM::BitcastOp::create(*this, VectorType::get(2, getF16Type()),
                                     value);
    });
  };
  auto type = isBF16 ? NVVM::MMATypes::bf16 : NVVM::MMATypes::f16;
  Type result =
      LLVM::LLVMStructType::getLiteral(getContext(), repeated(getF32Type(), 4));
  Value sums = NVVM::MmaOp::create(
      *this, result, operands(a), operands(b), c,
      /*shape=*/{16, 8, 16}, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt,
      /*multiplicandPtxTypes=*/std::array{type, type},
      /*multiplicandLayouts=*/
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return unpackStruct(*this, sums, 4);
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

void Emitter::tensorMapPrefetch(Value tensorMap) {
  NVVM::PrefetchOp::create(*this, /*cacheLevel=*/nullptr,
                           /*evictPriority=*/nullptr, tensorMap,
                           /*predicate=*/Value(), /*tensormap=*/true);
}

void Emitter::tmaLoad(Value tensorMap, Value sharedAddress, Value barrier,
                      ValueRange coordinates, L2 hint) {
  // The encodings of createpolicy.fractional.L2::evict_* for all of a line.
  Value policy =
      i64(hint == L2::evictFirst ? 0x12F0000000000000 : 0x14F0000000000000);
  Value destination = LLVM::AddrSpaceCastOp::create(*this, pointerType(7),
                                                    shared(sharedAddress));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      *this, destination, tensorMap, coordinates, shared(barrier), ValueRange(),
      Value(), policy, NVVM::TMALoadMode::TILE,
      /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
}

void Emitter::tmaStoreIf(Value predicate, Value tensorMap, Value sharedAddress,
                         ValueRange coordinates) {
  Value guard = createOrFold<arith::ExtUIOp>(getI32Type(), predicate);
  Value map = LLVM::PtrToIntOp::create(*this, getI64Type(), tensorMap);
  Values operands = {guard, map, sharedAddress};
  llvm::append_range(operands, coordinates);
  std::string list, constraints = "r,l,r";
  for (size_t index = 0; index < coordinates.size(); ++index) {
    list += (index ? ", $" : "$") + std::to_string(index + 3);
    constraints += ",r";
  }
  assembly(Twine("{ .reg .pred p; setp.ne.u32 p, $0, 0; @p "
                 "cp.async.bulk.tensor.") +
               Twine(coordinates.size()) +
               "d.global.shared::cta.tile.bulk_group [$1, {" + list +
               "}], [$2]; @p cp.async.bulk.commit_group; }",
           constraints, operands, {}, AsmEffect::memory);
}

void Emitter::tmaStoreWaitRead() {
  assembly("cp.async.bulk.wait_group.read 0;", "", {}, {}, AsmEffect::memory);
}

void Emitter::tmaStoreWait() {
  assembly("cp.async.bulk.wait_group 0;", "", {}, {}, AsmEffect::memory);
}

void Emitter::storeMatrix(Value address, ValueRange registers) {
  Values operands = {address};
  llvm::append_range(operands, registers);
  assembly("stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};",
           "r,r,r,r,r", operands, {}, AsmEffect::memory);
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

void Emitter::wgmmaFence() { NVVM::WgmmaFenceAlignedOp::create(*this); }
void Emitter::wgmmaCommit() { NVVM::WgmmaGroupSyncAlignedOp::create(*this); }

/// "=f,=f,...," then operands, then "0,1,..." for tied registers.
static std::string tiedConstraints(size_t outputs, StringRef operands,
                                   bool tied) {
  std::string text;
  for (size_t index = 0; index < outputs; ++index)
    text += index ? ",=f" : "=f";
  if (!operands.empty())
    text += "," + operands.str();
  for (size_t index = 0; tied && index < outputs; ++index)
    text += "," + std::to_string(index);
  return text;
}

static std::string registerList(size_t first, size_t count) {
  std::string text = "{";
  for (size_t index = 0; index < count; ++index)
    text += (index ? ", $" : "$") + std::to_string(first + index);
  return text + "}";
}

Values Emitter::wgmmaWait(int64_t pending, ValueRange tied) {
  return assembly("wgmma.wait_group.sync.aligned " + Twine(pending) + ";",
                  tiedConstraints(tied.size(), "", true), tied,
                  SmallVector<Type>(tied.getTypes()), AsmEffect::memory);
}

Values Emitter::wgmma(int64_t columns, Type elementType, ValueRange a, Value b,
                      bool transposeB, ValueRange accumulators) {
  size_t count = columns / 2;
  bool fromRegisters = a.size() > 1;
  StringRef type = elementType.isBF16() ? "bf16" : "f16";
  std::string text = "wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(columns) + "k16.f32." + type.str() + "." +
                     type.str() + " " + registerList(0, count) + ", ";
  text += fromRegisters ? registerList(count, 4) : "$" + std::to_string(count);
  text += ", $" + std::to_string(count + a.size());
  text += accumulators.empty() ? ", 0, 1, 1" : ", 1, 1, 1";
  // The layout of A is a choice only where A is in shared memory.
  text += fromRegisters ? "" : ", 0";
  text += transposeB ? ", 1;" : ", 0;";
  Values operands(a);
  operands.push_back(b);
  llvm::append_range(operands, accumulators);
  return assembly(text,
                  tiedConstraints(count, fromRegisters ? "r,r,r,r,l" : "l,l",
                                  !accumulators.empty()),
                  operands, repeated(getF32Type(), count), AsmEffect::pinned);
}

Value Emitter::pack(Value low, Value high, Type elementType) {
  // Pinned: conversions that move above a wait serialise wgmma (C7513).
  return assembly(Twine("cvt.rn.") +
                      (elementType.isBF16() ? "bf16x2" : "f16x2") +
                      ".f32 $0, $2, $1;",
                  "=r,f,f", {low, high}, getI32Type(), AsmEffect::pinned)[0];
}

} // namespace attn::tensorcore
