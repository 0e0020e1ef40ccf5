//===- Signature.cpp - What the arguments of a function are for -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Roles and dimension names from the operands of attn.attention.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Signature.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Reference/Interpreter.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;

Type Argument::getElementType() const { return getElementTypeOrSelf(type); }

/// Names what `value` is, if it is an argument that has no name yet.
static void nameArgument(Value value, Role role, ArrayRef<Dimension> dims,
                         MutableArrayRef<Argument> arguments) {
  auto argument = dyn_cast_if_present<BlockArgument>(value);
  if (!argument || !isa<func::FuncOp>(argument.getOwner()->getParentOp()))
    return;
  Argument &entry = arguments[argument.getArgNumber()];
  if (entry.role != Role::Other)
    return;
  entry.role = role;
  if (entry.dims.size() == dims.size())
    entry.dims.assign(dims.begin(), dims.end());
}

namespace {

/// Fills in the arguments that one attention op uses directly.
class Namer {
public:
  Namer(AttentionOp op, MutableArrayRef<Argument> arguments)
      : op(op), arguments(arguments) {}

  void run() {
    const bool ragged = op.isRagged(), paged = op.isPaged();
    nameLogical(op.getQuery(), Role::Query, op.getQueryLayout(), "Hq",
                ragged ? "Tq" : "Sq", "Dk", "B");
    for (bool isKey : {true, false})
      nameLogical(isKey ? op.getKey() : op.getValue(),
                  isKey ? Role::Key : Role::Value,
                  isKey ? op.getKeyLayout() : op.getValueLayout(), "Hkv",
                  paged    ? "page_size"
                  : ragged ? "Tkv"
                           : "Skv",
                  isKey ? "Dk" : "Dv", paged ? "pages" : "B");
    nameLogical(op.getOutput(), Role::Destination, op.getOutputLayout(), "Hq",
                ragged ? "Tq" : "Sq", "Dv", "B");
    if (ragged)
      name(op.getLse(), Role::Destination, {{"Hq"}, {"Tq"}});
    else
      name(op.getLse(), Role::Destination, {{"B"}, {"Hq"}, {"Sq"}});

    name(op.getScale(), Role::Scale, {});
    nameTail(op.getAlibi(), Role::Alibi, {"B", "Hq"});
    nameTail(op.getBias(), Role::Bias, {"B", "Hq", "Sq", "Skv"});
    nameTail(op.getMaskTensor(), Role::Mask, {"B", "Hq", "Sq", "Skv"});
    name(op.getQSegments(), Role::Segments, {{"B"}, {"Sq"}});
    name(op.getKvSegments(), Role::Segments, {{"B"}, {"Skv"}});
    name(op.getPrefix(), Role::Prefix, {{"B"}});
    name(op.getQOffset(), Role::QOffset, {{"B"}});
    name(op.getKvLen(), Role::KVLen, {{"B"}});
    name(op.getCuSeqlensQ(), Role::CuSeqlensQ, {{"B", 1}});
    name(op.getCuSeqlensKv(), Role::CuSeqlensKV, {{"B", 1}});
    name(op.getPageTable(), Role::PageTable, {{"B"}, {"table_size"}});
    name(op.getSink(), Role::Sink, {{"Hq"}});
  }

private:
  void name(Value value, Role role, ArrayRef<Dimension> dims) {
    nameArgument(value, role, dims, arguments);
  }

  void nameLogical(Value value, Role role, Layout layout, StringRef h,
                   StringRef s, StringRef d, StringRef b) {
    AttentionOp::DimMap map = AttentionOp::getDimMap(layout);
    SmallVector<Dimension> dims(map.b < 0 ? 3 : 4);
    dims[map.h].name = h.str();
    dims[map.s].name = s.str();
    dims[map.d].name = d.str();
    if (map.b >= 0)
      dims[map.b].name = b.str();
    name(value, role, dims);
  }

  /// The dimensions are the last ones of `names`; static ones may be 1.
  void nameTail(Value value, Role role, ArrayRef<StringRef> names) {
    if (!value)
      return;
    auto type = cast<ShapedType>(value.getType());
    SmallVector<Dimension> dims;
    for (StringRef name : names.take_back(type.getRank()))
      dims.push_back({name.str()});
    name(value, role, dims);
  }

  AttentionOp op;
  MutableArrayRef<Argument> arguments;
};

} // namespace

/// What the author of a function says about an argument.
static void readAttributes(func::FuncOp function, unsigned index,
                           Argument &argument) {
  if (auto names = function.getArgAttrOfType<ArrayAttr>(index, "attn.dims"))
    for (auto [dim, name] : llvm::zip(argument.dims, names))
      if (auto text = dyn_cast<StringAttr>(name))
        dim.name = text.str();
  auto range =
      function.getArgAttrOfType<DenseI64ArrayAttr>(index, "attn.values");
  if (range && range.size() == 2) {
    argument.low = range[0];
    argument.high = range[1];
  }
  argument.rising = function.getArgAttr(index, "attn.rising") != nullptr;
}

Signature::Signature(func::FuncOp function) {
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    Argument &argument = arguments.emplace_back();
    argument.type = type;
    if (auto shaped = dyn_cast<ShapedType>(type))
      for (int64_t dim = 0; dim < shaped.getRank(); ++dim)
        argument.dims.push_back(
            {("arg" + Twine(index) + "." + Twine(dim)).str()});
    readAttributes(function, index, argument);
  }
  function.walk([&](Operation *op) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      Namer(attention, arguments).run();
    if (!isa<MergeOp>(op))
      return;
    const Dimension dims[] = {{"B"}, {"Hq"}, {"Sq"}, {"Dv"}};
    for (Value operand : op->getOperands()) {
      int64_t rank = cast<ShapedType>(operand.getType()).getRank();
      nameArgument(operand, Role::Other, ArrayRef(dims).take_front(rank),
                   arguments);
    }
  });
  // A destination that is also read is an input like any other.
  for (auto [index, argument] : llvm::enumerate(arguments))
    if (argument.role == Role::Destination || argument.role == Role::Other)
      argument.role = reference::isDestination(function, index)
                          ? Role::Destination
                          : Role::Other;

  for (const Argument &argument : arguments) {
    // Broadcast sizes of a bias or mask say nothing about the problem.
    if (argument.role == Role::Bias || argument.role == Role::Mask)
      continue;
    if (auto shaped = dyn_cast<ShapedType>(argument.type))
      for (auto [dim, size] : llvm::zip_equal(argument.dims, shaped.getShape()))
        if (!ShapedType::isDynamic(size))
          sizes.try_emplace(dim.name, size - dim.plus);
  }
}

SmallVector<std::string> Signature::getOpenSizes() const {
  SmallVector<std::string> names;
  auto add = [&](const Argument &argument) {
    auto shaped = dyn_cast<ShapedType>(argument.type);
    if (!shaped)
      return;
    for (auto [dim, size] : llvm::zip_equal(argument.dims, shaped.getShape()))
      if (ShapedType::isDynamic(size) && !sizes.contains(dim.name) &&
          !llvm::is_contained(names, dim.name))
        names.push_back(dim.name);
  };
  // What inputs do not tell, as where they are views, is asked of destinations.
  for (bool isDestination : {false, true})
    for (const Argument &argument : arguments)
      if ((argument.role == Role::Destination) == isDestination)
        add(argument);
  return names;
}

bool Signature::setSize(StringRef name, int64_t size) {
  if (!llvm::is_contained(getOpenSizes(), name))
    return false;
  sizes[name] = size;
  return true;
}

void Signature::learn(unsigned index, ArrayRef<int64_t> shape) {
  const Argument &argument = arguments[index];
  if (argument.role == Role::Bias || argument.role == Role::Mask ||
      argument.dims.size() != shape.size())
    return;
  for (auto [dim, size] : llvm::zip_equal(argument.dims, shape))
    sizes.try_emplace(dim.name, size - dim.plus);
}

std::optional<int64_t> Signature::getSize(StringRef name) const {
  auto it = sizes.find(name);
  return it == sizes.end() ? std::nullopt : std::optional(it->second);
}

std::variant<SmallVector<int64_t>, std::string>
Signature::getShape(unsigned index) const {
  const Argument &argument = arguments[index];
  SmallVector<int64_t> shape;
  auto shaped = dyn_cast<ShapedType>(argument.type);
  if (!shaped)
    return shape;
  for (auto [dim, size] : llvm::zip_equal(argument.dims, shaped.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      shape.push_back(size);
      continue;
    }
    std::optional<int64_t> known = getSize(dim.name);
    if (!known)
      return dim.name;
    shape.push_back(*known + dim.plus);
  }
  return shape;
}
