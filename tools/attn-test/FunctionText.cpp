//===- FunctionText.cpp - Writes one attention function -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the pieces in the order of the op's syntax.
//
//===----------------------------------------------------------------------===//

#include "FunctionText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace attn::tools;

std::string FunctionText::type(const std::vector<int64_t> &dims,
                               const std::string &elementType) const {
  std::string text = memrefs ? "memref<" : "tensor<";
  for (int64_t size : dims)
    text += (dynamic ? "?" : std::to_string(size)) + "x";
  return text + elementType + ">";
}

std::string FunctionText::layoutType(unsigned operand,
                                     const std::string &layout, int64_t b,
                                     int64_t h, int64_t s, int64_t d,
                                     const std::string &elementType) const {
  std::string text = memrefs ? "memref<" : "tensor<";
  for (auto [place, dim] : llvm::enumerate(layout)) {
    int64_t size = dim == 'b' ? b : dim == 'h' ? h : dim == 'd' ? d : s;
    // Head sizes are always static (rule 3).
    bool isOpen =
        dynamic && dim != 'd' && !(closed >> (4 * operand + place) & 1);
    text += (isOpen ? "?" : std::to_string(size)) + "x";
  }
  return text + elementType + (memrefs ? memoryLayouts[operand] : "") + ">";
}

void FunctionText::addArgument(const std::string &name,
                               const std::string &argumentType,
                               const std::vector<std::string> &dims,
                               const std::string &more) {
  std::vector<std::string> attrs;
  if (!dims.empty())
    attrs.push_back("attn.dims = [\"" + llvm::join(dims, "\", \"") + "\"]");
  if (!more.empty())
    attrs.push_back(more);
  names.push_back(name);
  arguments += ",\n    %" + name + ": " + argumentType;
  if (!attrs.empty())
    arguments += " {" + llvm::join(attrs, ", ") + "}";
}

unsigned FunctionText::getIndex(const std::string &name) const {
  std::vector<std::string> all{"q", "k", "v"};
  llvm::append_range(all, names);
  all.insert(all.end(), {"o", "l"});
  auto it = llvm::find(all, name);
  assert(it != all.end() && "no such argument");
  return it - all.begin();
}

void FunctionText::addCuSeqlens(const std::string &boundType) {
  boundsType = type({shape.batch + 1}, boundType);
  addArgument("cu_q", boundsType);
  addArgument("cu_kv", boundsType);
}

void FunctionText::addCuSeqlensClause() {
  addClause("cu_seqlens(%cu_q, %cu_kv : " + boundsType + ", " + boundsType +
            ")");
}

void FunctionText::setPages(int64_t size, int64_t spare) {
  paged = true;
  pageSize = size;
  tableSize = (shape.keys + size - 1) / size;
  sparePages = spare;
}

void FunctionText::addCapture(const std::string &name,
                              const std::string &captureType,
                              const std::vector<std::string> &dims,
                              const std::string &more) {
  addArgument(name, captureType, dims, more);
  captures.emplace_back(name, captureType);
}

std::string FunctionText::askSize(const std::string &name,
                                  const std::string &dim) const {
  for (const auto &[capture, captureType] : captures)
    if (capture == name)
      return (memrefs ? "memref.dim %" : "tensor.dim %") + name + "_, " + dim +
             " : " + captureType;
  llvm_unreachable("no such capture");
}

std::string FunctionText::read(const std::string &result,
                               const std::string &name,
                               const std::string &indices) const {
  for (const auto &[capture, captureType] : captures)
    if (capture == name)
      return "%" + result + " = " +
             (memrefs ? "memref.load" : "tensor.extract") + " %" + name + "_[" +
             indices + "] : " + captureType + "\n";
  llvm_unreachable("no such capture");
}

void FunctionText::addAttribute(const std::string &text) {
  attributes += (attributes.empty() ? "" : ", ") + text;
}

Case FunctionText::print(const std::string &name, uint64_t seed) const {
  const Shape &s = shape;
  std::string q = layoutType(0, qLayout, s.batch, s.queryHeads, s.queries,
                             s.qkHeadSize, element);
  auto keyType = [&](unsigned operand, const std::string &layout,
                     int64_t headSize) {
    return layoutType(operand, layout, paged ? getPages() : s.batch, s.keyHeads,
                      paged ? pageSize : s.keys, headSize, element);
  };
  std::string k = keyType(1, kLayout, s.qkHeadSize),
              v = keyType(2, vLayout, s.valueHeadSize);
  std::string o = layoutType(3, oLayout, s.batch, s.queryHeads, s.queries,
                             s.valueHeadSize, outputElement);
  std::string l = ragged ? type({s.queryHeads, s.queries}, "f32")
                         : type({s.batch, s.queryHeads, s.queries}, "f32");
  std::string outTypes = o + (lse ? ", " + l : "");

  std::string text = "func.func @f(%q: " + q + ", %k: " + k + ", %v: " + v +
                     arguments + ",\n    %o: " + o + (lse ? ", %l: " + l : "") +
                     ")";
  if (!memrefs)
    text += " -> (" + outTypes + ")";
  text += " {\n  ";
  if (!memrefs)
    text += lse ? "%r:2 = " : "%r = ";
  text += "attn.attention ins(%q, %k, %v : " + q + ", " + k + ", " + v + ")\n";
  std::string captureNames, captureTypes, captureArguments;
  for (const auto &[capture, captureType] : captures) {
    captureNames += (captureNames.empty() ? "%" : ", %") + capture;
    captureTypes += (captureTypes.empty() ? "" : ", ") + captureType;
    captureArguments += ", %" + capture + "_: " + captureType;
  }
  if (!captures.empty())
    text += "    captures(" + captureNames + " : " + captureTypes + ")\n";
  text += clauses;
  text +=
      std::string("    outs(%o") + (lse ? ", %l" : "") + " : " + outTypes + ")";

  std::string attrs = attributes;
  std::string standard = ragged ? "htd" : "bhsd",
              keyStandard = ragged && !paged ? "htd" : "bhsd";
  auto addLayout = [&](const char *operand, const std::string &layout,
                       const std::string &usual) {
    if (layout != usual)
      attrs += std::string(attrs.empty() ? "" : ", ") + operand +
               "_layout = #attn.layout<" + layout + ">";
  };
  addLayout("q", qLayout, standard);
  addLayout("k", kLayout, keyStandard);
  addLayout("v", vLayout, keyStandard);
  addLayout("o", oLayout, standard);
  if (!attrs.empty())
    text += " {" + attrs + "}";
  text += "\n";
  std::string point = "%b: index, %h: index, %i: index, %j: index";
  if (!score.empty())
    text += "    score(%s: f32, " + point + captureArguments + ") {\n" + score +
            "    }\n";
  if (!mask.empty())
    text += "    mask(" + point + captureArguments + ") {\n" + mask + "    }\n";
  if (memrefs)
    text += "  return\n}\n";
  else
    text += "    -> " + outTypes + "\n  return " + (lse ? "%r#0, %r#1" : "%r") +
            " : " + outTypes + "\n}\n";

  Case result;
  result.name = name;
  result.text = text;
  result.seed = seed;
  result.sizes = sizes;
  auto set = [&](const char *size, int64_t value) {
    result.sizes.emplace_back(size, value);
  };
  set("B", s.batch);
  set("Hq", s.queryHeads);
  set("Hkv", s.keyHeads);
  set(ragged ? "Tq" : "Sq", s.queries);
  if (paged) {
    set("pages", getPages());
    set("page_size", pageSize);
    set("table_size", tableSize);
  } else {
    set(ragged ? "Tkv" : "Skv", s.keys);
  }
  return result;
}
