//===- FunctionText.h - Writes one attention function -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collects arguments, clauses, attributes and regions and prints the function,
// on tensors or memrefs, with static or dynamic sizes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_FUNCTIONTEXT_H
#define ATTN_TOOLS_ATTN_TEST_FUNCTIONTEXT_H

#include "Cases.h"

namespace attn::tools {

class FunctionText {
public:
  FunctionText(std::string element, const Shape &shape)
      : element(std::move(element)), outputElement(this->element),
        shape(shape) {}

  /// A tensor or memref type; sizes become `?` if dynamic.
  std::string type(const std::vector<int64_t> &sizes,
                   const std::string &elementType) const;
  /// Adds an argument; `dims` name its sizes (attn.dims), `more` are further
  /// attributes.
  void addArgument(const std::string &name, const std::string &type,
                   const std::vector<std::string> &dims = {},
                   const std::string &more = "");
  /// Adds an argument that the regions read, as %<name>_.
  void addCapture(const std::string &name, const std::string &type,
                  const std::vector<std::string> &dims = {},
                  const std::string &more = "");
  /// The operation that asks a capture for a size, in its region.
  std::string askSize(const std::string &name, const std::string &dim) const;
  /// A line that reads a capture into %<result>.
  std::string read(const std::string &result, const std::string &name,
                   const std::string &indices) const;

  /// Position of an argument, once all are added: q, k, v, o, l or another.
  unsigned getIndex(const std::string &name) const;
  /// Adds the two bounds of ragged sequences; their clause comes later.
  void addCuSeqlens(const std::string &boundType = "i32");
  /// The pages that `shape.keys` need for each batch, and some spare ones.
  void setPages(int64_t size, int64_t spare = 0);
  int64_t getPages() const { return shape.batch * tableSize + sparePages; }

  void addClause(const std::string &text) { clauses += "    " + text + "\n"; }
  /// cu_seqlens(...) of what addCuSeqlens added.
  void addCuSeqlensClause();
  void addAttribute(const std::string &text);
  void setSize(const std::string &name, int64_t size) {
    sizes.emplace_back(name, size);
  }

  Case print(const std::string &name, uint64_t seed) const;

  std::string element, outputElement;
  Shape shape;
  bool memrefs = false, dynamic = true, lse = true;
  /// Four bits each for q, k, v and o: sizes that are static all the same; and
  /// what follows the element type of a memref, as ", strided<...>".
  unsigned closed = 0;
  std::string memoryLayouts[4];
  /// bhsd, bshd, sbhd; ragged: htd, thd.
  std::string qLayout = "bhsd", kLayout = "bhsd", vLayout = "bhsd",
              oLayout = "bhsd";
  /// Ragged: total lengths in place of queries and keys.
  bool ragged = false, paged = false;
  int64_t pageSize = 0, tableSize = 0, sparePages = 0;
  /// Lines of the regions, the last one attn.yield; empty: no region.
  std::string score, mask;

private:
  std::string layoutType(unsigned operand, const std::string &layout, int64_t b,
                         int64_t h, int64_t s, int64_t d,
                         const std::string &elementType) const;

  std::string arguments, clauses, attributes, boundsType;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> captures;
  std::vector<std::pair<std::string, int64_t>> sizes;
};

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_FUNCTIONTEXT_H
