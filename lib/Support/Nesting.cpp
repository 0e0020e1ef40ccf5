//===- Nesting.cpp - Text that the parser can take ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matches brackets outside of strings and comments.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Nesting.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// The last character of the string or comment that starts at `at`.
static size_t skip(StringRef text, size_t at) {
  if (text[at] == '/')
    return std::min(text.find('\n', at), text.size());
  while (++at < text.size() && text[at] != '"' && text[at] != '\n')
    at += text[at] == '\\';
  return at;
}

size_t attn::findTooDeep(StringRef text) {
  std::string open;
  for (size_t at = 0; at < text.size(); ++at) {
    char next = at + 1 < text.size() ? text[at + 1] : '\0';
    switch (char c = text[at]) {
    case '"':
      at = skip(text, at);
      break;
    case '/':
      if (next == '/')
        at = skip(text, at);
      break;
    case '<':
    case '(':
    case '[':
    case '{':
      if (c == '<' && next == '=')
        break;
      open += c;
      if (open.size() > kDeepestNesting)
        return at;
      break;
    case '>':
      // Of arrows and comparisons there is no other half.
      if ((at > 0 && text[at - 1] == '-') || next == '=')
        break;
      if (!open.empty() && open.back() == '<')
        open.pop_back();
      break;
    case ')':
    case ']':
    case '}':
      while (!open.empty() && open.back() == '<')
        open.pop_back();
      if (!open.empty())
        open.pop_back();
      break;
    default:
      break;
    }
  }
  return StringRef::npos;
}

/// What is wrong with a buffer, and where; "" if nothing is.
static std::string explain(llvm::MemoryBufferRef buffer, unsigned &line,
                           unsigned &column) {
  if (isBytecode(buffer))
    return "";
  StringRef text = buffer.getBuffer();
  size_t at = attn::findTooDeep(text);
  if (at == StringRef::npos)
    return "";
  StringRef before = text.take_front(at);
  line = before.count('\n') + 1;
  column = at - (before.rfind('\n') + 1) + 1;
  return ("brackets nest more than " + Twine(attn::kDeepestNesting) +
          " deep, too deep for the stack of the parser; regions may nest 64 "
          "deep (rule 8)")
      .str();
}

LogicalResult attn::checkNesting(llvm::MemoryBufferRef buffer) {
  unsigned line = 0, column = 0;
  std::string problem = explain(buffer, line, column);
  if (problem.empty())
    return success();
  llvm::errs() << buffer.getBufferIdentifier() << ":" << line << ":" << column
               << ": error: " << problem << "\n";
  return failure();
}

OwningOpRef<ModuleOp> attn::parseModule(llvm::SourceMgr &sources,
                                        MLIRContext *context) {
  llvm::MemoryBufferRef buffer =
      *sources.getMemoryBuffer(sources.getMainFileID());
  unsigned line = 0, column = 0;
  std::string problem = explain(buffer, line, column);
  if (problem.empty())
    return parseSourceFile<ModuleOp>(sources, context);
  emitError(
      FileLineColLoc::get(context, buffer.getBufferIdentifier(), line, column))
      << problem;
  return nullptr;
}

OwningOpRef<ModuleOp> attn::parseModule(StringRef text, StringRef name,
                                        MLIRContext *context) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text, name),
                             llvm::SMLoc());
  return parseModule(sources, context);
}
