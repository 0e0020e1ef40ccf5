//===- BinaryInterface.cpp - Kernels as SPIR-V functions ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers become bound variables, scalars fields of push constants or of a
// uniform buffer, workgroup and private buffers variables. MLIR 22 converts
// none of that: its gpu.func refuses workgroup attributions, its memrefs must
// have static strides, and its push constants are of one type.
//
//===----------------------------------------------------------------------===//

#include "BinaryInterface.h"
#include "WideLoads.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace attn;
using spirv::StorageClass;

namespace {

/// Push constants of every device, in 32-bit fields.
constexpr unsigned kPushConstants = 128 / 4;
/// The number of the first group of a dispatch, and the extents of the grid.
constexpr unsigned kGroupFields = 3, kGridFields = 6;

/// A struct of 32-bit fields without gaps.
spirv::StructType getBlockType(ArrayRef<Type> fields) {
  SmallVector<spirv::StructType::OffsetInfo> offsets;
  for (unsigned k = 0; k < fields.size(); ++k)
    offsets.push_back(4 * k);
  return spirv::StructType::get(fields, offsets);
}

/// What stands for a memref argument.
struct Memory {
  Value pointer;
  /// Distance of its first element from what is bound; null for local memory.
  Value base;
  Type element;
  /// Several elements share a word.
  bool isPacked = false;
  unsigned binding = 0;
  /// Threads read what others wrote; what other workgroups wrote behind
  /// kernel.arrive alone, which orders it.
  bool isExchanged = false, isOfGroups = false;
  /// The same memory as an array of fours of words, 16 bytes; null where nobody
  /// asks. `pointer` is null where nobody asks for elements.
  Value pieces;
};

/// Elements of 16 bits in 16 bytes, and how many bits of a position tell them.
constexpr int64_t kPieceElements = kPieceBytes / 2, kPieceBits = 3;

VectorType getPieceType(Builder &b) {
  return VectorType::get(4, b.getI32Type());
}

class EntryPoint {
public:
  EntryPoint(gpu::GPUFuncOp kernel, spirv::ModuleOp module, const Words &words,
             const TypeConverter &types)
      : kernel(kernel), module(module), words(words), types(types),
        b(kernel.getLoc(), kernel.getContext()) {}

  LogicalResult build();

private:
  void takeBody();
  LogicalResult declareBuffers();
  LogicalResult declareParameters();
  LogicalResult declareLocals();
  LogicalResult lowerAccesses();
  void lowerIds();
  void lowerShuffles();
  void lowerBarriers();

  Value declare(const Twine &suffix, Type type, StorageClass storage,
                std::optional<unsigned> binding = std::nullopt,
                bool isAliased = false);
  /// A buffer once more, as an array of fours of words.
  Value declareWide(BlockArgument buffer, unsigned binding,
                    bool isAliased = false);
  Value loadField(Value block, unsigned field);
  Value getBuiltin(spirv::BuiltIn builtin);
  Value getBuiltin(spirv::BuiltIn builtin, gpu::Dimension dimension);
  void lowerLoad(memref::LoadOp load);
  void lowerStore(memref::StoreOp store);
  void lowerLoad(kernel::LoadMatrixOp load);
  void lowerStore(kernel::StoreMatrixOp store);
  void lowerWideLoad(const WideLoad &wide);
  Value getPieces(BlockArgument buffer);
  void requireMultiple(BlockArgument argument, int64_t multiple);
  void lowerLoad(vector::LoadOp load);
  void lowerStore(vector::StoreOp store);
  /// The memory of an access, and the position in it.
  std::pair<Memory, Value> locate(Value memory, Value index);
  Value getElement(const Memory &memory, Value position);
  /// The 16 bytes at a position that is a multiple of them.
  Value getPiece(const Memory &memory, Value position);
  /// The word of an array of 16 bytes that an element is in.
  Value getPieceWord(const Memory &memory, Value word);
  /// What a matrix begins with, and in how many of it rows are `stride`
  /// elements apart.
  std::pair<Value, Value> getRows(const Memory &memory, Value position,
                                  int64_t stride);
  /// Whether workgroups exchange what an argument is, perhaps by another one.
  bool isExchangedByGroups(BlockArgument argument) {
    return bool(
        kernel.getArgAttr(argument.getArgNumber(), tile::kExchangedAttrName));
  }
  void lowerArrival(kernel::ArriveOp op);
  spirv::MemorySemantics getOrder(bool ofBuffers);
  void lowerAddresses();
  void lowerVotes();
  Value constant(int64_t value) {
    return spirv::ConstantOp::create(b, b.getI32Type(),
                                     b.getI32IntegerAttr(value));
  }
  /// Without the buffers of the kernel's own.
  auto getParameters() {
    return entry->getArguments().take_front(
        kernel.getFunctionType().getNumInputs());
  }

  /// Of Vulkan's own memory model, which orders only what says that it is
  /// exchanged.
  bool hasVulkanModel() {
    return module.getMemoryModel() == spirv::MemoryModel::Vulkan;
  }
  spirv::MemoryAccessAttr getAccess(const Memory &memory) {
    return memory.isExchanged && hasVulkanModel()
               ? b.getAttr<spirv::MemoryAccessAttr>(
                     spirv::MemoryAccess::NonPrivatePointer)
               : spirv::MemoryAccessAttr();
  }

  gpu::GPUFuncOp kernel;
  spirv::ModuleOp module;
  const Words &words;
  const TypeConverter &types;
  ImplicitLocOpBuilder b;
  spirv::FuncOp function;
  Block *entry = nullptr;
  /// By argument of the entry block.
  DenseMap<Value, Memory> memories;
  Value dispatch;
  SmallVector<WideLoad> wideLoads;
  SetVector<Attribute> interface;
};

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

Value EntryPoint::declare(const Twine &suffix, Type type, StorageClass storage,
                          std::optional<unsigned> binding, bool isAliased) {
  auto pointer = spirv::PointerType::get(type, storage);
  OpBuilder::InsertionGuard guard(b);
  std::string name = (kernel.getName() + "_" + suffix).str();
  b.setInsertionPoint(function);
  auto variable =
      binding ? spirv::GlobalVariableOp::create(b, pointer, name, 0, *binding)
              : spirv::GlobalVariableOp::create(b, pointer, StringRef(name));
  if (isAliased)
    variable->setAttr("aliased", b.getUnitAttr());
  // Since 1.4 an entry point names all that it uses.
  if (hasVulkanModel())
    interface.insert(FlatSymbolRefAttr::get(variable));
  b.setInsertionPointToStart(entry);
  return spirv::AddressOfOp::create(b, variable);
}

/// What a reader would call an argument.
std::string nameArgument(BlockArgument argument) {
  if (auto name = dyn_cast<NameLoc>(argument.getLoc()))
    return (Twine(argument.getArgNumber()) + "_" + name.getName().getValue())
        .str();
  return Twine(argument.getArgNumber()).str();
}

Value EntryPoint::declareWide(BlockArgument buffer, unsigned binding,
                              bool isAliased) {
  auto array = spirv::RuntimeArrayType::get(getPieceType(b), kPieceBytes);
  return declare(nameArgument(buffer) + "_pieces", getBlockType(array),
                 StorageClass::StorageBuffer, binding, isAliased);
}

/// A kernel reads what it writes by the same argument.
bool isExchanged(BlockArgument argument) {
  bool isRead = false, isWritten = false;
  for (Operation *view : argument.getUsers())
    for (Operation *access : view->getUsers()) {
      isRead |= isa<memref::LoadOp, vector::LoadOp>(access);
      isWritten |= isa<memref::StoreOp, vector::StoreOp>(access);
    }
  return isRead && isWritten;
}

/// Whether 16 bytes of a buffer are moved at a time.
bool movesPieces(BlockArgument argument) {
  return llvm::any_of(argument.getUsers(), [](Operation *view) {
    return llvm::any_of(view->getUsers(),
                        llvm::IsaPred<vector::LoadOp, vector::StoreOp>);
  });
}

/// Whether nothing else than 16 bytes, and matrices whose rows begin at
/// multiples of them, are moved to workgroup memory and from it, where an
/// element may be found in its word.
bool movesPiecesOnly(BlockArgument buffer) {
  auto isMultiple = [](int64_t stride) { return stride % kPieceElements == 0; };
  return llvm::all_of(buffer.getUsers(), [&](Operation *access) {
    if (auto load = dyn_cast<kernel::LoadMatrixOp>(access))
      return isMultiple(load.getStride());
    if (auto store = dyn_cast<kernel::StoreMatrixOp>(access))
      return isMultiple(store.getStride());
    return isa<memref::LoadOp, vector::LoadOp, vector::StoreOp>(access);
  });
}

LogicalResult EntryPoint::declareBuffers() {
  unsigned binding = 0;
  for (BlockArgument argument : getParameters()) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type)
      continue;
    Memory memory;
    memory.element = type.getElementType();
    memory.isPacked = words.arePacked(memory.element);
    memory.isOfGroups = isExchangedByGroups(argument);
    memory.isExchanged = memory.isOfGroups || isExchanged(argument);
    Type stored =
        memory.isPacked ? b.getI32Type() : words.getType(memory.element);
    if (!stored)
      return kernel.emitError("SPIR-V has no memory of ") << memory.element;
    unsigned bytes = llvm::divideCeil(stored.getIntOrFloatBitWidth(), 8);
    auto array = spirv::RuntimeArrayType::get(stored, /*stride=*/bytes);
    bool hasPieces = movesPieces(argument);
    memory.pointer = declare(nameArgument(argument), getBlockType(array),
                             StorageClass::StorageBuffer, binding,
                             /*isAliased=*/hasPieces || memory.isOfGroups);
    if (hasPieces)
      memory.pieces = declareWide(argument, binding, /*isAliased=*/true);
    memory.binding = binding++;
    memories[argument] = memory;
  }
  return success();
}

/// One field for each argument, in order: of a buffer its base.
LogicalResult EntryPoint::declareParameters() {
  SmallVector<Type> fields;
  for (BlockArgument argument : getParameters()) {
    Type type = isa<MemRefType>(argument.getType())
                    ? b.getI32Type()
                    : words.getType(argument.getType());
    if (!type)
      return kernel.emitError("SPIR-V has no parameter of ")
             << argument.getType();
    fields.push_back(type.isInteger(1) ? b.getI32Type()
                     : type.isF16()    ? b.getF32Type()
                     : type.isBF16()   ? b.getI32Type() // its bits
                                       : type);
  }
  SmallVector<Type> grid(kGridFields, b.getI32Type());
  bool fits = kGridFields + fields.size() <= kPushConstants;
  if (fits)
    llvm::append_range(grid, fields);
  dispatch =
      declare("dispatch", getBlockType(grid), StorageClass::PushConstant);
  Value parameters = fits ? dispatch
                          : declare("parameters", getBlockType(fields),
                                    StorageClass::Uniform, memories.size());
  b.setInsertionPointAfterValue(parameters);
  for (BlockArgument argument : getParameters()) {
    if (argument.use_empty())
      continue;
    Value field = loadField(parameters,
                            (fits ? kGridFields : 0) + argument.getArgNumber());
    if (isa<MemRefType>(argument.getType()))
      memories[argument].base = field;
    else
      argument.replaceAllUsesWith(
          argument.getType().isBF16()
              ? words.decode(b, field, argument.getType())
              : words.from(b, field, argument.getType()));
  }
  return success();
}

LogicalResult EntryPoint::declareLocals() {
  for (BlockArgument buffer :
       entry->getArguments().drop_front(getParameters().size())) {
    auto type = cast<MemRefType>(buffer.getType());
    Memory memory;
    memory.element = type.getElementType();
    Type stored = words.getType(memory.element);
    if (!stored)
      return kernel.emitError("SPIR-V has no memory of ") << memory.element;
    auto array = spirv::ArrayType::get(stored, type.getNumElements());
    auto space = cast<gpu::AddressSpaceAttr>(type.getMemorySpace());
    if (space.getValue() == gpu::AddressSpace::Workgroup &&
        words.has(memory.element) && movesPiecesOnly(buffer)) {
      memory.isExchanged = true;
      memory.pieces =
          declare(nameArgument(buffer),
                  spirv::ArrayType::get(
                      getPieceType(b),
                      llvm::divideCeil(type.getNumElements(), kPieceElements)),
                  StorageClass::Workgroup);
    } else if (space.getValue() == gpu::AddressSpace::Workgroup) {
      memory.isExchanged = true;
      memory.pointer =
          declare(nameArgument(buffer), array, StorageClass::Workgroup);
    } else {
      b.setInsertionPointToStart(entry);
      memory.pointer = spirv::VariableOp::create(
          b, spirv::PointerType::get(array, StorageClass::Function),
          StorageClass::Function, /*initializer=*/Value());
    }
    memories[buffer] = memory;
  }
  return success();
}

Value EntryPoint::loadField(Value block, unsigned field) {
  return spirv::LoadOp::create(
      b, spirv::AccessChainOp::create(b, block, constant(field)));
}

//===----------------------------------------------------------------------===//
// Accesses, ids and barriers
//===----------------------------------------------------------------------===//

std::pair<Memory, Value> EntryPoint::locate(Value memory, Value index) {
  Value position = words.to(b, index);
  if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>()) {
    memory = view.getSource();
    if (!view.getOffsets().empty())
      position = arith::AddIOp::create(b, position,
                                       words.to(b, view.getOffsets().front()));
  }
  Memory known = memories.lookup(memory);
  if (known.base)
    position = arith::AddIOp::create(b, position, known.base);
  return {known, position};
}

Value EntryPoint::getElement(const Memory &memory, Value position) {
  if (!memory.base)
    return spirv::AccessChainOp::create(b, memory.pointer, position);
  return spirv::AccessChainOp::create(b, memory.pointer,
                                      ValueRange{constant(0), position});
}

Value EntryPoint::getPiece(const Memory &memory, Value position) {
  Value piece = arith::ShRUIOp::create(b, position, constant(kPieceBits));
  SmallVector<Value> path{piece};
  if (memory.base)
    path.insert(path.begin(), constant(0));
  return spirv::AccessChainOp::create(b, memory.pieces, path);
}

Value EntryPoint::getPieceWord(const Memory &memory, Value word) {
  constexpr int64_t wordBits = 2;
  Value piece = arith::ShRUIOp::create(b, word, constant(wordBits));
  Value within = arith::AndIOp::create(b, word, constant((1 << wordBits) - 1));
  return spirv::AccessChainOp::create(b, memory.pieces,
                                      ValueRange{piece, within});
}

std::pair<Value, Value> EntryPoint::getRows(const Memory &memory,
                                            Value position, int64_t stride) {
  if (memory.pointer)
    return {getElement(memory, position), constant(stride)};
  return {getPiece(memory, position), constant(stride / kPieceElements)};
}

void EntryPoint::lowerLoad(vector::LoadOp load) {
  b.setInsertionPoint(load);
  auto [memory, position] = locate(load.getBase(), load.getIndices().front());
  Type type = load.getType();
  Value loaded;
  if (memory.pieces) {
    loaded =
        spirv::LoadOp::create(b, getPiece(memory, position), getAccess(memory));
    loaded = UnrealizedConversionCastOp::create(b, type, loaded).getResult(0);
  } else {
    SmallVector<Value> elements;
    for (int64_t k = 0; k < kPieceElements; ++k)
      elements.push_back(spirv::LoadOp::create(
          b,
          getElement(memory, arith::AddIOp::create(b, position, constant(k))),
          getAccess(memory)));
    loaded =
        vector::FromElementsOp::create(b, cast<VectorType>(type), elements);
  }
  load.replaceAllUsesWith(loaded);
  load.erase();
}

/// What is not an array of 16 bytes is written element by element.
void EntryPoint::lowerStore(vector::StoreOp store) {
  b.setInsertionPoint(store);
  auto [memory, position] = locate(store.getBase(), store.getIndices().front());
  Value piece = UnrealizedConversionCastOp::create(b, getPieceType(b),
                                                   store.getValueToStore())
                    .getResult(0);
  if (memory.pieces) {
    spirv::StoreOp::create(b, getPiece(memory, position), piece,
                           getAccess(memory), /*alignment=*/IntegerAttr());
  } else {
    auto pair = VectorType::get(2, memory.element);
    for (int32_t k = 0; k < kPieceElements; ++k) {
      Value word =
          spirv::CompositeExtractOp::create(b, piece, ArrayRef<int32_t>{k / 2});
      Value element = spirv::CompositeExtractOp::create(
          b, spirv::BitcastOp::create(b, pair, word), ArrayRef<int32_t>{k % 2});
      spirv::StoreOp::create(
          b,
          getElement(memory, arith::AddIOp::create(b, position, constant(k))),
          element, getAccess(memory), /*alignment=*/IntegerAttr());
    }
  }
  store.erase();
}

/// Bindings begin at multiples of 16 bytes, from which a buffer has its
/// distance.
void EntryPoint::lowerAddresses() {
  function.walk([&](memref::ExtractAlignedPointerAsIndexOp address) {
    b.setInsertionPoint(address);
    const Memory &memory = memories.find(address.getSource())->second;
    Value bytes = arith::MulIOp::create(
        b, memory.base, constant(getElementBits(memory.element) / 8));
    address.replaceAllUsesWith(words.from(b, bytes, b.getIndexType()));
    address.erase();
  });
}

/// Whether a condition holds in a lane of a subgroup.
void EntryPoint::lowerVotes() {
  function.walk([&](gpu::SubgroupReduceOp vote) {
    if (vote.getOp() != gpu::AllReduceOperation::OR ||
        !vote.getType().isInteger(1))
      return;
    b.setInsertionPoint(vote);
    vote.replaceAllUsesWith(spirv::GroupNonUniformAnyOp::create(
                                b, spirv::Scope::Subgroup, vote.getValue())
                                .getResult());
    vote.erase();
  });
}

void EntryPoint::lowerLoad(memref::LoadOp load) {
  b.setInsertionPoint(load);
  auto [memory, position] = locate(load.getMemRef(), load.getIndices().front());
  Value loaded;
  if (memory.isPacked || !memory.pointer) {
    PackedPosition at(b, position, memory.element);
    Value word =
        spirv::LoadOp::create(b,
                              memory.pointer ? getElement(memory, at.word)
                                             : getPieceWord(memory, at.word),
                              getAccess(memory));
    loaded = words.decode(b, arith::ShRUIOp::create(b, word, at.shift),
                          memory.element);
  } else {
    loaded = spirv::LoadOp::create(b, getElement(memory, position),
                                   getAccess(memory));
    loaded = words.from(b, loaded, memory.element);
  }
  load.replaceAllUsesWith(loaded);
  load.erase();
}

/// A buffer as an array of 16 bytes.
Value EntryPoint::getPieces(BlockArgument buffer) {
  Memory &memory = memories[buffer];
  if (!memory.pieces)
    memory.pieces =
        declareWide(buffer, memory.binding, /*isAliased=*/memory.isOfGroups);
  return memory.pieces;
}

/// A launch sees to it that an argument is a multiple of a number.
void EntryPoint::requireMultiple(BlockArgument argument, int64_t multiple) {
  using tile::LaunchInfoAttr;
  auto info = LaunchInfoAttr::of(kernel);
  if (!info)
    return;
  SmallVector<Attribute> parameters(info.getParameters().getValue());
  Attribute &parameter = parameters[argument.getArgNumber()];
  auto known = cast<tile::OperandAttr>(parameter);
  parameter = b.getAttr<tile::OperandAttr>(
      known.getIndex(), std::max(known.getMultiple(), multiple));
  kernel->setAttr(
      info.attributeName,
      LaunchInfoAttr::get(info.getContext(), b.getArrayAttr(parameters),
                          info.getGrid(), info.getThreads(), info.getShared(),
                          info.getStack(), info.getCluster()));
}

void EntryPoint::lowerWideLoad(const WideLoad &wide) {
  SmallVector<memref::LoadOp> loads = wide.loads;
  Value pieces = getPieces(wide.buffer);
  requireMultiple(wide.buffer, kPieceBytes);
  for (BlockArgument stride : wide.strides)
    requireMultiple(stride, loads.size());
  b.setInsertionPoint(loads.front());
  auto [memory, position] =
      locate(loads.front().getMemRef(), loads.front().getIndices().front());
  Value number = arith::ShRUIOp::create(b, position,
                                        constant(llvm::Log2_64(loads.size())));
  Value four = spirv::LoadOp::create(
      b,
      spirv::AccessChainOp::create(b, pieces, ValueRange{constant(0), number}),
      getAccess(memory));
  // Zeros are chosen once a word.
  Value condition = wide.getCondition();
  size_t perWord = loads.size() / 4;
  for (size_t k = 0; k < 4; ++k) {
    Value word = spirv::CompositeExtractOp::create(
        b, four, ArrayRef<int32_t>{static_cast<int32_t>(k)});
    if (condition)
      word = arith::SelectOp::create(b, condition, word, constant(0));
    SmallVector<Value> elements = words.unpack(b, word, memory.element);
    for (size_t n = 0; n < perWord; ++n) {
      memref::LoadOp load = loads[k * perWord + n];
      if (condition) {
        Operation *select = *load->user_begin();
        select->replaceAllUsesWith(ValueRange{elements[n]});
        select->erase();
      } else {
        load.replaceAllUsesWith(elements[n]);
      }
    }
  }
  for (memref::LoadOp load : loads)
    load.erase();
}

void EntryPoint::lowerStore(memref::StoreOp store) {
  b.setInsertionPoint(store);
  auto [memory, position] =
      locate(store.getMemRef(), store.getIndices().front());
  if (memory.isPacked) {
    PackedPosition at(b, position, memory.element);
    // Vulkan's model has workgroups of a device only where it is asked for.
    at.storeAtomically(
        getElement(memory, at.word), words.encode(b, store.getValue()),
        hasVulkanModel() ? spirv::Scope::QueueFamily : spirv::Scope::Device);
  } else {
    spirv::StoreOp::create(b, getElement(memory, position),
                           words.to(b, store.getValue()), getAccess(memory),
                           /*alignment=*/IntegerAttr());
  }
  store.erase();
}

static auto getMatrixLayout(bool transpose) {
  return transpose ? spirv::CooperativeMatrixLayoutKHR::ColumnMajor
                   : spirv::CooperativeMatrixLayoutKHR::RowMajor;
}

void EntryPoint::lowerLoad(kernel::LoadMatrixOp load) {
  b.setInsertionPoint(load);
  auto [memory, position] = locate(load.getMemory(), load.getIndex());
  Type type = load.getType();
  auto [first, stride] = getRows(memory, position, load.getStride());
  Value matrix = spirv::KHRCooperativeMatrixLoadOp::create(
      b, types.convertType(type), first, getMatrixLayout(load.getTransposed()),
      stride, getAccess(memory), /*alignment=*/IntegerAttr());
  load.replaceAllUsesWith(
      UnrealizedConversionCastOp::create(b, type, matrix).getResult(0));
  load.erase();
}

void EntryPoint::lowerStore(kernel::StoreMatrixOp store) {
  b.setInsertionPoint(store);
  auto [memory, position] = locate(store.getMemory(), store.getIndex());
  Value matrix = store.getMatrix();
  matrix = UnrealizedConversionCastOp::create(
               b, types.convertType(matrix.getType()), matrix)
               .getResult(0);
  auto [first, stride] = getRows(memory, position, store.getStride());
  spirv::KHRCooperativeMatrixStoreOp::create(
      b, first, matrix, getMatrixLayout(store.getTransposed()), stride,
      getAccess(memory), /*alignment=*/IntegerAttr());
  store.erase();
}

/// The memory of an access is an argument or a view of one.
LogicalResult checkAccess(Operation *access, Value memory, Block *entry) {
  if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
    memory = view.getSource();
  auto argument = dyn_cast<BlockArgument>(memory);
  if (argument && argument.getOwner() == entry)
    return success();
  return access->emitError("accesses memory that is no argument");
}

LogicalResult EntryPoint::lowerAccesses() {
  SmallVector<Operation *> loads, stores;
  WalkResult result = function.walk([&](Operation *op) {
    Value memory;
    TypeSwitch<Operation *>(op)
        .Case<memref::LoadOp, memref::StoreOp>(
            [&](auto access) { memory = access.getMemRef(); })
        .Case<vector::LoadOp, vector::StoreOp>(
            [&](auto access) { memory = access.getBase(); })
        .Case<kernel::LoadMatrixOp, kernel::StoreMatrixOp>(
            [&](auto access) { memory = access.getMemory(); });
    if (auto arrival = dyn_cast<kernel::ArriveOp>(op))
      return WalkResult(checkAccess(op, arrival.getCounters(), entry));
    if (!memory)
      return WalkResult::advance();
    (op->getNumResults() ? loads : stores).push_back(op);
    return WalkResult(checkAccess(op, memory, entry));
  });
  if (result.wasInterrupted())
    return failure();
  auto lower = [&](Operation *access) {
    TypeSwitch<Operation *>(access)
        .Case<memref::LoadOp, vector::LoadOp, kernel::LoadMatrixOp>(
            [&](auto load) { lowerLoad(load); })
        .Case<memref::StoreOp, vector::StoreOp, kernel::StoreMatrixOp>(
            [&](auto store) { lowerStore(store); });
  };
  llvm::for_each(stores, lower);
  // What is loaded is not rounded again.
  words.expandConversions(function);
  DenseSet<Operation *> together;
  for (const WideLoad &wide : wideLoads) {
    together.insert(wide.loads.begin(), wide.loads.end());
    lowerWideLoad(wide);
  }
  llvm::erase_if(loads,
                 [&](Operation *load) { return together.contains(load); });
  llvm::for_each(loads, lower);
  function.walk([&](kernel::ArriveOp op) { lowerArrival(op); });
  function.walk([](memref::ReinterpretCastOp view) { view.erase(); });
  return success();
}

Value EntryPoint::getBuiltin(spirv::BuiltIn builtin) {
  Value value =
      spirv::getBuiltinVariableValue(function, builtin, b.getI32Type(), b);
  auto address = value.getDefiningOp<spirv::LoadOp>()
                     .getPtr()
                     .getDefiningOp<spirv::AddressOfOp>();
  interface.insert(address.getVariableAttr());
  return value;
}

Value EntryPoint::getBuiltin(spirv::BuiltIn builtin, gpu::Dimension dimension) {
  return spirv::CompositeExtractOp::create(
      b, getBuiltin(builtin),
      ArrayRef<int32_t>{static_cast<int32_t>(dimension)});
}

/// A group is numbered within the grid, of which a dispatch may be a part.
void EntryPoint::lowerIds() {
  function.walk([&](Operation *op) {
    b.setInsertionPoint(op);
    Value id;
    if (auto thread = dyn_cast<gpu::ThreadIdOp>(op)) {
      id = getBuiltin(spirv::BuiltIn::LocalInvocationId, thread.getDimension());
    } else if (auto block = dyn_cast<gpu::BlockIdOp>(op)) {
      auto dimension = static_cast<unsigned>(block.getDimension());
      id = spirv::IAddOp::create(
          b, getBuiltin(spirv::BuiltIn::WorkgroupId, block.getDimension()),
          loadField(dispatch, dimension));
    } else if (auto extent = dyn_cast<gpu::GridDimOp>(op)) {
      auto dimension = static_cast<unsigned>(extent.getDimension());
      id = loadField(dispatch, kGroupFields + dimension);
    } else if (isa<gpu::LaneIdOp>(op)) {
      id = getBuiltin(spirv::BuiltIn::SubgroupLocalInvocationId);
    } else if (isa<gpu::SubgroupIdOp>(op)) {
      id = getBuiltin(spirv::BuiltIn::SubgroupId);
    } else if (isa<gpu::SubgroupSizeOp>(op)) {
      id = getBuiltin(spirv::BuiltIn::SubgroupSize);
    } else {
      return;
    }
    op->getResult(0).replaceAllUsesWith(words.from(b, id, b.getIndexType()));
    op->erase();
  });
}

/// Exchanges between lanes, in flow that all of a subgroup reach. Of 32 bits,
/// which every device has that exchanges.
void EntryPoint::lowerShuffles() {
  function.walk([&](gpu::ShuffleOp shuffle) {
    b.setInsertionPoint(shuffle);
    Value value = words.to(b, shuffle.getValue());
    if (words.has(value.getType()))
      value = arith::ExtFOp::create(b, b.getF32Type(), value);
    Value lane = words.to(b, shuffle.getOffset());
    Value other = shuffle.getMode() == gpu::ShuffleMode::XOR
                      ? Value(spirv::GroupNonUniformShuffleXorOp::create(
                            b, spirv::Scope::Subgroup, value, lane))
                      : Value(spirv::GroupNonUniformShuffleOp::create(
                            b, spirv::Scope::Subgroup, value, lane));
    // Whoever wants 32 bits has them.
    for (Operation *user : shuffle.getShuffleResult().getUsers())
      if (auto wide = dyn_cast<arith::ExtFOp>(user);
          wide && wide.getType() == other.getType())
        wide.replaceAllUsesWith(other);
    Type type = shuffle.getValue().getType();
    if (words.has(type))
      other = arith::TruncFOp::create(b, type, other);
    shuffle.getShuffleResult().replaceAllUsesWith(words.from(b, other, type));
    shuffle.erase();
  });
}

/// What a barrier orders: workgroup memory and, if asked for, buffers.
spirv::MemorySemantics EntryPoint::getOrder(bool ofBuffers) {
  using Semantics = spirv::MemorySemantics;
  Semantics order = Semantics::AcquireRelease | Semantics::WorkgroupMemory;
  if (ofBuffers)
    order = order | Semantics::UniformMemory;
  if (hasVulkanModel())
    order = order | Semantics::MakeAvailable | Semantics::MakeVisible;
  return order;
}

/// Threads hand what they stored to the first one, which hands it on with the
/// counter; and the other way round in the last workgroup. Of the Vulkan model,
/// the scope of a device is a feature of its own.
void EntryPoint::lowerArrival(kernel::ArriveOp op) {
  b.setInsertionPoint(op);
  spirv::MemorySemantics order = getOrder(/*ofBuffers=*/true);
  auto wait = [&] {
    spirv::ControlBarrierOp::create(b, spirv::Scope::Workgroup,
                                    spirv::Scope::Workgroup, order);
  };
  auto [memory, position] = locate(op.getCounters(), op.getIndex());
  Memory told = memories.lookup(op.getTold());
  Value counter = getElement(memory, position),
        word = getElement(told, constant(0)),
        count = words.to(b, op.getCount());
  wait();
  auto isEqual = [&](Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
  };
  Value thread =
      getBuiltin(spirv::BuiltIn::LocalInvocationId, gpu::Dimension::x);
  auto first = scf::IfOp::create(b, isEqual(thread, constant(0)),
                                 /*withElseRegion=*/false);
  b.setInsertionPointToStart(first.thenBlock());
  Value before = spirv::AtomicIAddOp::create(
      b, counter,
      hasVulkanModel() ? spirv::Scope::QueueFamily : spirv::Scope::Device,
      order, constant(1));
  Value isLast = isEqual(arith::AddIOp::create(b, before, constant(1)), count);
  spirv::StoreOp::create(b, word,
                         arith::UIToFPOp::create(b, b.getF32Type(), isLast),
                         getAccess(told), /*alignment=*/IntegerAttr());
  auto last = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
  b.setInsertionPointToStart(last.thenBlock());
  spirv::StoreOp::create(b, counter, constant(0), getAccess(memory),
                         /*alignment=*/IntegerAttr());
  b.setInsertionPointAfter(first);
  wait();
  Value answer = spirv::LoadOp::create(b, word, getAccess(told));
  Value no = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  op.replaceAllUsesWith(
      arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, answer, no)
          .getResult());
  op.erase();
}

/// A barrier orders storage buffers, too, where a kernel reads what it writes.
void EntryPoint::lowerBarriers() {
  spirv::MemorySemantics memory =
      getOrder(llvm::any_of(memories, [](const auto &known) {
        const Memory &memory = known.second;
        return memory.base && memory.isExchanged && !memory.isOfGroups;
      }));
  function.walk([&](gpu::BarrierOp barrier) {
    b.setInsertionPoint(barrier);
    spirv::ControlBarrierOp::create(b, spirv::Scope::Workgroup,
                                    spirv::Scope::Workgroup, memory);
    barrier.erase();
  });
  // Where lanes run in lockstep, only memory is left to order.
  auto target = tile::TargetAttr::lookup(module);
  bool waits = !target || !target.hasFeature("subgroup:lockstep");
  function.walk([&](tile::SubgroupBarrierOp barrier) {
    b.setInsertionPoint(barrier);
    if (waits)
      spirv::ControlBarrierOp::create(b, spirv::Scope::Subgroup,
                                      spirv::Scope::Subgroup, memory);
    else
      spirv::MemoryBarrierOp::create(b, spirv::Scope::Subgroup, memory);
    barrier.erase();
  });
}

/// The kernel stays as what launches refer to, and does nothing.
void EntryPoint::takeBody() {
  function.getBody().takeBody(kernel.getBody());
  entry = &function.getBody().front();
  Block &rest = kernel.getBody().emplaceBlock();
  for (BlockArgument argument : entry->getArguments())
    rest.addArgument(argument.getType(), argument.getLoc());
  auto end = OpBuilder::atBlockEnd(&rest);
  gpu::ReturnOp::create(end, kernel.getLoc());
}

LogicalResult EntryPoint::build() {
  std::optional<ArrayRef<int32_t>> size = kernel.getKnownBlockSize();
  if (!size)
    return kernel.emitError("the size of the workgroup is not known");
  b.setInsertionPointToEnd(module.getBody());
  function =
      spirv::FuncOp::create(b, kernel.getName(), b.getFunctionType({}, {}));
  takeBody();

  // By the arguments of the kernel. One that moves 16 bytes has asked whether
  // rows are aligned; what it loads otherwise is not.
  bool asks =
      function.walk([](vector::LoadOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (!asks)
    wideLoads = findWideLoads(function);
  if (failed(declareBuffers()) || failed(declareParameters()) ||
      failed(declareLocals()) || failed(lowerAccesses()))
    return failure();
  lowerAddresses();
  lowerIds();
  lowerShuffles();
  lowerVotes();
  lowerBarriers();
  function.walk([&](gpu::ReturnOp exit) {
    b.setInsertionPoint(exit);
    spirv::ReturnOp::create(b);
    exit.erase();
  });
  entry->eraseArguments(0, entry->getNumArguments());

  b.setInsertionPointToEnd(module.getBody());
  spirv::EntryPointOp::create(b, spirv::ExecutionModel::GLCompute, function,
                              interface.getArrayRef());
  spirv::ExecutionModeOp::create(b, function, spirv::ExecutionMode::LocalSize,
                                 *size);
  // What converts to f16 may else round as it likes.
  if (words.has(b.getF16Type()))
    spirv::ExecutionModeOp::create(
        b, function, spirv::ExecutionMode::RoundingModeRTE, ArrayRef{16});
  return success();
}

} // namespace

LogicalResult attn::addEntryPoint(gpu::GPUFuncOp kernel, spirv::ModuleOp module,
                                  const Words &words,
                                  const TypeConverter &types) {
  return EntryPoint(kernel, module, words, types).build();
}

int64_t attn::getWorkgroupBytes(gpu::GPUFuncOp kernel, const Words &words) {
  int64_t bytes = 0;
  for (BlockArgument buffer : kernel.getWorkgroupAttributions()) {
    auto type = cast<MemRefType>(buffer.getType());
    unsigned bits =
        words.getType(type.getElementType()).getIntOrFloatBitWidth();
    bytes += type.getNumElements() * llvm::divideCeil(bits, 8);
  }
  return bytes;
}
