//===- Source.cpp - Metal kernels as C++ ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds kernels, their parameters and their threadgroup arrays by their words;
// whether the text means anything is for the compiler to say.
//
//===----------------------------------------------------------------------===//

#include "Source.h"
#include "SharedMemory.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

using namespace attn::execution::metal;
using llvm::SmallVector;
using llvm::StringRef;

namespace {

/// A declaration such as `threadgroup float rows[64];`.
struct Array {
  std::string type, name, extents;
};

struct KernelText {
  StringRef head, name, parameters, body;
};

} // namespace

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// Up to the bracket that closes the one before `text`.
static StringRef takeBracketed(StringRef text, char open, char close) {
  size_t depth = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == open;
    depth -= text[i] == close;
    if (depth == 0)
      return text.take_front(i);
  }
  return text;
}

/// The text without what stands behind `//`.
static std::string dropComments(StringRef text) {
  std::string result;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    result += (line.take_front(line.find("//")) + "\n").str();
    text = rest;
  }
  return result;
}

static SmallVector<KernelText> findKernels(StringRef text) {
  static const llvm::Regex head("(\\[\\[[a-z_()0-9]+\\]\\][ \n]+)?"
                                "kernel[ \n]+void[ \n]+([A-Za-z_0-9]+)"
                                "[ \n]*\\(");
  SmallVector<KernelText> kernels;
  SmallVector<StringRef> match;
  while (head.match(text, &match)) {
    KernelText kernel;
    kernel.head = match[0];
    kernel.name = match[2];
    text = text.substr(match[0].end() - text.begin());
    kernel.parameters = takeBracketed(text, '(', ')');
    text = text.drop_front(kernel.parameters.size());
    text = text.substr(text.find('{')).drop_front();
    kernel.body = takeBracketed(text, '{', '}');
    text = text.drop_front(kernel.body.size());
    kernels.push_back(kernel);
  }
  return kernels;
}

/// The body with names of arrays that are declared outside of it.
static std::string moveArrays(const KernelText &kernel,
                              llvm::SmallVectorImpl<Array> &arrays) {
  static const llvm::Regex declaration(
      "(^|[;{}]|\n)([ \n]*)threadgroup[ ]+([A-Za-z_0-9 ]+)[ ]+([A-Za-z_0-9]+)"
      "((\\[[^]]*\\])*)[ ]*;");
  std::string result;
  StringRef body = kernel.body;
  SmallVector<StringRef> match;
  while (declaration.match(body, &match)) {
    result += body.take_front(match[0].begin() - body.begin());
    std::string place = llvm::formatv("metal_shim_shared::{0}::{1}_place.{1}",
                                      kernel.name, match[4])
                            .str();
    result += llvm::formatv("{0}{1}auto &{2} = *reinterpret_cast<threadgroup "
                            "decltype({3}) *>((unsigned long)&{3});",
                            match[1], match[2], match[4], place);
    arrays.push_back({match[3].str(), match[4].str(), match[5].str()});
    body = body.substr(match[0].end() - body.begin());
  }
  return result + body.str();
}

/// What a kernel is passed for a parameter: `thread` is where the thread is,
/// `arguments` what was bound.
static llvm::Expected<std::string> makeArgument(StringRef parameter,
                                                unsigned &buffers) {
  static const llvm::Regex form(
      "^[ \n]*(.*[^A-Za-z_0-9])([A-Za-z_0-9]+)[ \n]*"
      "\\[\\[([a-z_]+)(\\(([0-9]+)\\))?\\]\\][ \n]*$");
  SmallVector<StringRef> match;
  if (!form.match(parameter, &match))
    return makeError("cannot tell what a kernel gets for '" + parameter.trim() +
                     "'");
  StringRef type = match[1].trim();
  if (match[3] == "buffer") {
    buffers = std::max(buffers, 1 + unsigned(std::stoul(match[5].str())));
    std::string argument =
        ("(unsigned long)(arguments[" + match[5] + "])").str();
    if (type.consume_back("&"))
      return llvm::formatv("*reinterpret_cast<{0} *>({1})", type, argument)
          .str();
    return llvm::formatv("reinterpret_cast<{0}>({1})", type, argument).str();
  }
  StringRef position = llvm::StringSwitch<StringRef>(match[3])
                           .Case("thread_position_in_threadgroup", "position")
                           .Case("threadgroup_position_in_grid", "group")
                           .Case("threadgroups_per_grid", "groups")
                           .Case("threads_per_threadgroup", "threads")
                           .Default("");
  if (!position.empty())
    return llvm::formatv("metal_shim::position<{0}>(place.{1})", type, position)
        .str();
  StringRef number = llvm::StringSwitch<StringRef>(match[3])
                         .Case("thread_index_in_threadgroup", "index")
                         .Case("thread_index_in_simdgroup", "lane")
                         .Case("simdgroup_index_in_threadgroup", "simdgroup")
                         .Case("simdgroups_per_threadgroup", "simdgroups")
                         .Default("");
  if (!number.empty())
    return llvm::formatv("{0}(place.{1})", type, number).str();
  if (match[3] == "threads_per_simdgroup")
    return llvm::formatv("{0}(metal_shim::simdWidth)", type).str();
  return makeError("no thread knows its [[" + match[3] + "]]");
}

/// Memory for `arrays`, each followed by bytes that no thread may touch.
static std::string declareArrays(StringRef kernel,
                                 llvm::ArrayRef<Array> arrays) {
  if (arrays.empty())
    return "";
  std::string text =
      llvm::formatv("namespace metal_shim_shared::{0} {{ ", kernel).str();
  for (const Array &array : arrays)
    text += llvm::formatv(
        "alignas(256) static struct {{ {0} {1}{2}; alignas(256) "
        "char behind[{3}]; } {1}_place; ",
        array.type, array.name, array.extents, SharedMemory::behindBytes);
  return text + "} ";
}

llvm::Expected<std::string>
attn::execution::metal::translateSource(StringRef written) {
  std::string result, calls, kernels, shared;
  std::string code = dropComments(written);
  StringRef text = code, rest = text;
  for (const KernelText &kernel : findKernels(text)) {
    SmallVector<Array> arrays;
    std::string body = moveArrays(kernel, arrays);
    size_t head = kernel.head.begin() - text.begin();
    result += text.slice(rest.begin() - text.begin(), head);
    result += declareArrays(kernel.name, arrays);
    result += text.slice(head, kernel.body.begin() - text.begin()).str() + body;
    rest = text.substr(kernel.body.end() - text.begin());

    SmallVector<StringRef> parameters;
    kernel.parameters.split(parameters, ',');
    SmallVector<std::string> arguments;
    unsigned buffers = 0;
    for (StringRef parameter : parameters) {
      auto argument = makeArgument(parameter, buffers);
      if (!argument)
        return argument.takeError();
      arguments.push_back(std::move(*argument));
    }
    calls += llvm::formatv(
        "METAL_SHIM_INTERNAL static void metal_shim_run_{0}(void *const "
        "*arguments, const metal_shim::Thread &place) {{\n"
        "  {0}({1});\n}\n",
        kernel.name, llvm::join(arguments, ",\n  "));
    kernels += llvm::formatv("  {{\"{0}\", metal_shim_run_{0}, {1}},\n",
                             kernel.name, buffers);
    for (const Array &array : arrays) {
      std::string place = llvm::formatv("metal_shim_shared::{0}::{1}_place.{1}",
                                        kernel.name, array.name);
      shared += llvm::formatv(
          "  {{\"{0}\", \"{1}\", (void *)(unsigned long)&{2}, sizeof({2}), "
          "sizeof({3})},\n",
          kernel.name, array.name, place, array.type);
    }
  }
  if (kernels.empty())
    return makeError("the text has no kernel");
  result += rest.str() + "\n#line 1 \"calls\"\n" + calls;
  result += "static const metal_shim::Kernel metal_shim_kernels[] = {\n" +
            kernels + "  {nullptr, nullptr, 0}};\n";
  result += "static const metal_shim::Shared metal_shim_arrays[] = {\n" +
            shared + "  {nullptr, nullptr, nullptr, 0, 0}};\n";
  result += "extern \"C\" __attribute__((visibility(\"hidden\"))) char "
            "__ehdr_start, _end;\n"
            "extern \"C\" __attribute__((visibility(\"default\"))) const "
            "metal_shim::Module metal_shim_module = {&metal_shim::host, "
            "metal_shim_kernels, metal_shim_arrays, &__ehdr_start, &_end};\n";
  return result;
}
