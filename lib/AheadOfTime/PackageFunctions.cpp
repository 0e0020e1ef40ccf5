//===- PackageFunctions.cpp - The C functions of a package ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Header, example and CMake package as text, made from the descriptions.
//
//===----------------------------------------------------------------------===//

#include "PackageFunctions.h"
#include "Embed.h"
#include "attn/AheadOfTime/Inspect.h"
#include "attn/Support/ReservedWords.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace attn;
using llvm::ArrayRef;
using llvm::StringRef;
namespace json = llvm::json;

ATTN_EMBED(attn_embedded_header, ATTN_RUNTIME_HEADER)

StringRef attn::getRuntimeHeader() {
  return ATTN_EMBEDDED(attn_embedded_header);
}

/// What the header and the example call their own, and macros of compilers.
static constexpr llvm::StringLiteral kPackageNames =
    "NULL calloc error fprintf free int16_t int32_t int64_t int8_t linux main "
    "printf status stderr stream uint16_t uint8_t unix";

/// Words of C and C++, and names that a package has.
static bool isReservedInC(StringRef name) {
  static const llvm::StringSet<> reserved =
      splitWords({kCppKeywords, kPackageNames});
  if (reserved.contains(name))
    return true;
  // Types, functions and macros of the runtime, of which the library has some.
  if (!name.starts_with("attn_") && !name.starts_with("ATTN_"))
    return false;
  StringRef header = getRuntimeHeader();
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = header.find(name); at != StringRef::npos;
       at = header.find(name, at + 1))
    if ((at == 0 || !isPart(header[at - 1])) &&
        !isPart(header.drop_front(at + name.size()).front()))
      return true;
  return false;
}

/// Does the library of C have such a function? A program that links ours would
/// call ours in its place.
static bool isInCLibrary(StringRef name) {
  static const llvm::TargetLibraryInfoImpl library{
      llvm::Triple("x86_64-unknown-linux-gnu")};
  llvm::LibFunc function;
  return library.getLibFunc(name, function);
}

std::string attn::toIdentifier(StringRef name) {
  std::string text;
  for (char c : name)
    text += llvm::isAlnum(c) ? c : '_';
  if (text.empty() || llvm::isDigit(text[0]))
    text = "_" + text;
  return isReservedInC(text) ? text + "_" : text;
}

StringRef attn::toCType(StringRef dtype) {
  return llvm::StringSwitch<StringRef>(dtype)
      .Case("f32", "float")
      .Case("f64", "double")
      .Cases({"f16", "bf16"}, "uint16_t")
      .Case("i1", "uint8_t")
      .Case("i8", "int8_t")
      .Case("i32", "int32_t")
      .Default("int64_t");
}

/// Letters of sizes by tensor and dimension, as checks call them: "Skv of
/// value" is ["dim", "value", 2].
static llvm::StringMap<std::string> findLetters(const json::Object &object) {
  llvm::StringMap<std::string> letters;
  const json::Array *checks = object.getArray("checks");
  if (!checks)
    return letters;
  for (const json::Value &check : *checks) {
    const json::Object *fields = check.getAsObject();
    const json::Array *values = fields ? fields->getArray("values") : nullptr;
    if (!values)
      continue;
    for (const json::Value &value : *values) {
      const json::Object *named = value.getAsObject();
      const json::Array *expr = named ? named->getArray("expr") : nullptr;
      if (!expr || expr->size() != 3 || (*expr)[0] != json::Value("dim"))
        continue;
      auto [letter, tensor] =
          named->getString("name").value_or("").split(" of ");
      if (tensor == (*expr)[1].getAsString().value_or(""))
        letters[toReadable(json::Array(*expr))] = letter.str();
    }
  }
  return letters;
}

static CParameter makeParameter(const json::Object &object,
                                const llvm::StringMap<std::string> &letters) {
  CParameter parameter;
  StringRef name = object.getString("name").value_or("");
  parameter.name = toIdentifier(name);
  parameter.dtype = object.getString("dtype").value_or("").str();
  const json::Array *shape = object.getArray("shape");
  if (!shape)
    return parameter;
  for (auto [index, size] : llvm::enumerate(*shape)) {
    std::string text = size.getAsString() ? "?" : toReadable(size);
    auto letter =
        letters.find(llvm::formatv("{0}.size({1})", name, index).str());
    if (text == "?" && letter != letters.end())
      text = letter->second;
    else if (auto known = letters.find(text); known != letters.end())
      text = known->second;
    parameter.sizes.push_back(text);
  }
  return parameter;
}

/// Gives what has the same name in C, or that of another one's sizes or
/// strides, another one.
static void nameApart(llvm::MutableArrayRef<CParameter> parameters) {
  llvm::StringSet<> taken;
  for (CParameter &parameter : parameters) {
    auto isTaken = [&] {
      return taken.contains(parameter.name) ||
             taken.contains(parameter.name + "_sizes") ||
             taken.contains(parameter.name + "_strides");
    };
    while (isTaken())
      parameter.name += "_";
    taken.insert(parameter.name);
    if (!parameter.isScalar)
      for (const char *part : {"_sizes", "_strides"})
        taken.insert(parameter.name + part);
  }
}

llvm::Expected<CFunction> attn::makeFunction(StringRef artifact) {
  auto variants = readVariants(artifact);
  if (!variants)
    return variants.takeError();
  CFunction function;
  function.artifact = artifact;
  for (const ArtifactVariant &variant : *variants)
    function.chips +=
        llvm::formatv("{0}{1}:{2}", function.chips.empty() ? "" : ", ",
                      variant.description.getString("target").value_or(""),
                      variant.description.getString("chip").value_or(""));
  function.description = std::move(variants->front().description);
  const json::Object &description = function.description;
  function.name = toIdentifier(description.getString("entry").value_or(""));
  if (isInCLibrary(function.name))
    function.name += '_';
  auto letters = findLetters(description);
  for (const json::Value &value : *description.getArray("arguments")) {
    const json::Object &object = *value.getAsObject();
    CParameter parameter = makeParameter(object, letters);
    parameter.isScalar = object.getString("kind") == StringRef("scalar");
    StringRef access = object.getString("access").value_or("read");
    parameter.isRead = access != "write";
    parameter.isWritten = access != "read";
    function.parameters.push_back(std::move(parameter));
  }
  for (const json::Value &value : *description.getArray("results")) {
    const json::Object &object = *value.getAsObject();
    if (object.getInteger("argument").value_or(-1) >= 0)
      continue;
    CParameter parameter = makeParameter(object, letters);
    parameter.isWritten = true;
    function.parameters.push_back(std::move(parameter));
  }
  nameApart(function.parameters);
  return function;
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

static void printDeclaration(const CFunction &function, llvm::raw_ostream &os) {
  os << "ATTN_API attn_status " << function.name << "(\n";
  for (const CParameter &parameter : function.parameters) {
    StringRef type = toCType(parameter.dtype), name = parameter.name;
    if (parameter.isScalar) {
      os << llvm::formatv("    {0} {1},\n", type, name);
      continue;
    }
    size_t rank = std::max<size_t>(parameter.sizes.size(), 1);
    os << llvm::formatv("    {0}{1} *{2}, const int64_t {2}_sizes[{3}], const "
                        "int64_t {2}_strides[{3}],\n",
                        parameter.isWritten ? "" : "const ", type, name, rank);
  }
  os << "    void *stream, attn_error *error);\n";
}

static void printFunction(const CFunction &function, llvm::raw_ostream &os) {
  os << "/* " << function.name << ": code for " << function.chips << "\n *\n";
  for (const CParameter &parameter : function.parameters) {
    os << " *   " << llvm::left_justify(parameter.name, 12) << " "
       << llvm::left_justify(parameter.dtype, 5);
    if (parameter.isScalar) {
      os << "\n";
      continue;
    }
    os << "[" << llvm::join(parameter.sizes, ", ") << "], "
       << (!parameter.isWritten ? "read"
           : parameter.isRead   ? "read and written"
                                : "written")
       << "\n";
  }
  os << " *\n * Every call checks (INVALID_ARGUMENT, with the sizes; the rules "
        "are those of\n * docs/semantics.md):\n";
  if (const json::Array *checks = function.description.getArray("checks"))
    for (const json::Value &value : *checks) {
      const json::Object &check = *value.getAsObject();
      // One line each would drown the rest.
      StringRef message = check.getString("message").value_or("");
      if (message.starts_with("rule 21:"))
        continue;
      os << " *   " << message << "\n";
    }
  os << " *   rule 21: no dimension may be too large\n */\n";
  printDeclaration(function, os);
  os << llvm::formatv(
      "/* Which code {0} runs here, and why; \"\" and an error if none. */\n"
      "ATTN_API const char *{0}_explain(attn_error *error);\n\n",
      function.name);
}

std::string attn::makeHeader(StringRef package, ArrayRef<CFunction> functions) {
  std::string text, guard = package.upper() + "_H";
  llvm::raw_string_ostream os(text);
  os << llvm::formatv(
      R"(/* Attention kernels, compiled ahead of time. Link lib{0}.a or lib{0}.so, or
 * with CMake find_package({0}) and {0}::static or {0}::shared. The library
 * carries the kernels and their runtime and needs nothing but libc.
 *
 * Of a tensor a function takes its first element, its sizes, and its strides in
 * elements (NULL: dense, row-major). One that the code cannot step along, as when
 * the last stride is not 1, is copied in each call. f16 and bf16 are passed as their bits. Tensors are memory of the device that
 * the code runs on: the host's for cpu.
 *
 * `stream` is NULL on the CPU and the CUstream to enqueue on for cuda. `error` may
 * be NULL; otherwise it holds a message when ATTN_OK does not come back:
 *
 *   attn_error *error = attn_error_create();
 *   if ({1}(..., NULL, error) != ATTN_OK)
 *     fprintf(stderr, "%s\n", attn_error_message(error));
 *
 * Functions may be called from several threads at once.
 *
 * Of attn_runtime.h the library has attn_error_*, attn_status_name,
 * attn_context_*, attn_memory_*, attn_stream_synchronize and attn_version.
 */
#ifndef {2}
#define {2}

#include "attn_runtime.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* Runs the functions below on `context`: its backend, its threads or executor.
 * It must outlive the calls. NULL, or no call: cuda if there is a device and code
 * for it, else the CPU with one thread a core. */
ATTN_API void {0}_use(attn_context *context);

)",
      package, functions.front().name, guard);
  for (const CFunction &function : functions)
    printFunction(function, os);
  os << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Example and CMake package
//===----------------------------------------------------------------------===//

/// Sizes that fit each other: letters stand for one number each.
static std::string exampleSize(StringRef size) {
  if (!size.empty() && llvm::all_of(size, llvm::isDigit))
    return size.str();
  return llvm::StringSwitch<std::string>(size)
      .Case("B", "1")
      .Case("Sq", "100")
      .Case("Skv", "100")
      .Default("1");
}

std::string attn::makeExample(StringRef package, const CFunction &function) {
  std::string text, arguments;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv(R"(/* Calls {1} of lib{0} on small inputs:
 *   cc example.c -I. -L. -l{0} -Wl,-rpath,. -o example && ./example
 */
#include "{0}.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {{
  attn_error *error = attn_error_create();
)",
                      package, function.name);
  for (const CParameter &parameter : function.parameters) {
    StringRef type = toCType(parameter.dtype);
    if (parameter.isScalar) {
      arguments += "1, ";
      continue;
    }
    std::string sizes, count;
    for (const std::string &size : parameter.sizes) {
      sizes += (sizes.empty() ? "" : ", ") + exampleSize(size);
      count += (count.empty() ? "" : " * ") + exampleSize(size);
    }
    os << llvm::formatv("  int64_t {0}_sizes[] = {{{1}};\n"
                        "  {2} *{0} = calloc({3}, sizeof *{0});\n",
                        parameter.name, sizes.empty() ? "1" : sizes, type,
                        count.empty() ? "1" : count);
    arguments +=
        llvm::formatv("{0}, {0}_sizes, NULL,\n           ", parameter.name);
  }
  os << llvm::formatv(R"(
  attn_status status =
      {0}({1}NULL, error);
  if (status != ATTN_OK) {{
    fprintf(stderr, "%s: %s\n", attn_status_name(status),
            attn_error_message(error));
    return 1;
  }
  printf("{0} ran: %s\n", {0}_explain(NULL));
)",
                      function.name, arguments);
  for (const CParameter &parameter : function.parameters)
    if (!parameter.isScalar)
      os << "  free(" << parameter.name << ");\n";
  os << "  attn_error_destroy(error);\n  return 0;\n}\n";
  return text;
}

std::string attn::makeCMakeConfig(StringRef package) {
  return llvm::formatv(
      R"(# find_package({0}): {0}::static and {0}::shared, the kernels of {0}.h.
find_package(Threads REQUIRED)
foreach(kind static shared)
  if(NOT TARGET {0}::${{kind})
    string(TOUPPER ${{kind} library_kind)
    add_library({0}::${{kind} ${{library_kind} IMPORTED)
    set_target_properties({0}::${{kind} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${{CMAKE_CURRENT_LIST_DIR}")
  endif()
endforeach()
set_target_properties({0}::static PROPERTIES
  IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}/lib{0}.a"
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${{CMAKE_DL_LIBS};m")
set_target_properties({0}::shared PROPERTIES
  IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}/lib{0}.so")
)",
      package);
}
