// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recursive descent over JSON text (see Json.h).
#include "Json.h"

#include "Failure.h"

#include <set>

namespace attn::runtime {
namespace {

class Reader {
public:
  explicit Reader(std::string_view text) : text(text) {}

  Json readAll() {
    Json value = read(/*depth=*/0);
    skipSpace();
    if (at != text.size())
      error("text after the value");
    return value;
  }

private:
  [[noreturn]] void error(const std::string &message) const {
    fail(ATTN_ERROR_MALFORMED_ARTIFACT,
         "malformed artifact: $: parse error: " + message + " at byte " +
             std::to_string(at) + " of the description");
  }

  /// The next byte, or NUL at the end (a NUL in the text is never valid).
  char peek() const { return at < text.size() ? text[at] : '\0'; }
  bool accept(char wanted) {
    if (peek() != wanted || at == text.size())
      return false;
    ++at;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted))
      error(std::string("expected '") + wanted + "'");
  }
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' ||
                                text[at] == '\t' || text[at] == '\r'))
      ++at;
  }
  bool acceptWord(std::string_view word) {
    if (text.substr(at, word.size()) != word)
      return false;
    at += word.size();
    return true;
  }
  static bool isDigit(char c) { return c >= '0' && c <= '9'; }

  Json read(int depth);
  void readArray(Json &value, int depth);
  void readObject(Json &value, int depth);
  void readNumber(Json &value);
  void readDigits();
  std::string readString();
  void readEscape(std::string &out);
  unsigned readHex();
  void readUtf8(std::string &out);

  std::string_view text;
  size_t at = 0;
};

/// Appends a code point as UTF-8.
void append(std::string &out, unsigned code) {
  if (code < 0x80) {
    out += char(code);
    return;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr unsigned leads[] = {0, 0xc0, 0xe0, 0xf0};
  out += char(leads[more] | code >> (6 * more));
  while (more-- > 0)
    out += char(0x80 | (code >> (6 * more) & 0x3f));
}

Json Reader::read(int depth) {
  if (depth > Json::maxDepth)
    error("nested more than " + std::to_string(Json::maxDepth) +
          " levels deep");
  skipSpace();
  Json value;
  switch (peek()) {
  case '{':
    readObject(value, depth);
    return value;
  case '[':
    readArray(value, depth);
    return value;
  case '"':
    value.kind = Json::String;
    value.string = readString();
    return value;
  default:
    break;
  }
  if (peek() == '-' || isDigit(peek())) {
    readNumber(value);
    return value;
  }
  if (acceptWord("true")) {
    value.kind = Json::Boolean;
    value.boolean = true;
  } else if (acceptWord("false")) {
    value.kind = Json::Boolean;
  } else if (!acceptWord("null")) {
    error(at == text.size() ? "the text ends early" : "expected a value");
  }
  return value;
}

void Reader::readArray(Json &value, int depth) {
  value.kind = Json::Array;
  expect('[');
  skipSpace();
  if (accept(']'))
    return;
  do {
    value.elements.push_back(read(depth + 1));
    skipSpace();
  } while (accept(','));
  expect(']');
}

void Reader::readObject(Json &value, int depth) {
  value.kind = Json::Object;
  std::set<std::string> names;
  expect('{');
  skipSpace();
  if (accept('}'))
    return;
  do {
    skipSpace();
    std::string name = readString();
    // Which one would count?
    if (!names.insert(name).second)
      error("the field '" + name + "' is repeated in one object,");
    skipSpace();
    expect(':');
    value.fields.emplace_back(std::move(name), read(depth + 1));
    skipSpace();
  } while (accept(','));
  expect('}');
}

void Reader::readDigits() {
  if (!isDigit(peek()))
    error("expected a digit");
  while (isDigit(peek()))
    ++at;
}

void Reader::readNumber(Json &value) {
  value.kind = Json::Integer;
  bool negative = accept('-');
  size_t first = at;
  readDigits();
  if (text[first] == '0' && at > first + 1)
    error("a number with a leading 0");
  std::string_view digits = text.substr(first, at - first);
  if (accept('.')) {
    value.kind = Json::Real;
    readDigits();
  }
  if (accept('e') || accept('E')) {
    value.kind = Json::Real;
    if (!accept('-'))
      accept('+');
    readDigits();
  }
  if (value.kind == Json::Real)
    return;
  // Downwards, where there is one number more.
  bool overflow = false;
  for (char digit : digits) {
    overflow |=
        __builtin_mul_overflow(value.integer, int64_t(10), &value.integer);
    overflow |= __builtin_sub_overflow(value.integer, int64_t(digit - '0'),
                                       &value.integer);
  }
  if (!negative)
    overflow |=
        __builtin_sub_overflow(int64_t(0), value.integer, &value.integer);
  if (overflow) {
    value.kind = Json::Real;
    value.tooLarge = true;
  }
}

std::string Reader::readString() {
  std::string out;
  expect('"');
  while (!accept('"')) {
    if (at == text.size())
      error("the text ends in a string");
    if (accept('\\'))
      readEscape(out);
    else
      readUtf8(out);
  }
  return out;
}

unsigned Reader::readHex() {
  unsigned code = 0;
  for (int i = 0; i < 4; ++i, ++at) {
    char c = peek();
    unsigned digit = isDigit(c)               ? unsigned(c - '0')
                     : (c >= 'a' && c <= 'f') ? unsigned(c - 'a') + 10
                     : (c >= 'A' && c <= 'F') ? unsigned(c - 'A') + 10
                                              : 16;
    if (digit == 16)
      error("expected a hexadecimal digit");
    code = code * 16 + digit;
  }
  return code;
}

void Reader::readEscape(std::string &out) {
  constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
  if (!accept('u')) {
    size_t index = names.find(peek());
    if (at == text.size() || index == std::string_view::npos)
      error("unknown escape");
    ++at;
    out += values[index];
    return;
  }
  unsigned code = readHex();
  if (code >= 0xd800 && code < 0xdc00 && acceptWord("\\u")) {
    unsigned low = readHex();
    if (low < 0xdc00 || low > 0xdfff)
      error("half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code < 0xe000) {
    error("half of a surrogate pair");
  }
  append(out, code);
}

/// One code point in UTF-8, of which only the shortest form is valid.
void Reader::readUtf8(std::string &out) {
  unsigned lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x20)
    error("a control character in a string");
  int more = lead < 0x80   ? 0
             : lead < 0xc2 ? -1
             : lead < 0xe0 ? 1
             : lead < 0xf0 ? 2
             : lead < 0xf5 ? 3
                           : -1;
  if (more < 0 || text.size() - at <= size_t(more))
    error("invalid UTF-8");
  unsigned code = more ? lead & (0x3f >> more) : lead;
  for (int i = 1; i <= more; ++i) {
    unsigned next = static_cast<unsigned char>(text[at + size_t(i)]);
    if (next >> 6 != 2)
      error("invalid UTF-8");
    code = code << 6 | (next & 0x3f);
  }
  constexpr unsigned least[] = {0, 0x80, 0x800, 0x10000};
  if (code < least[more] || code > 0x10ffff || (code >> 11) == 0x1b)
    error("invalid UTF-8");
  out.append(text, at, size_t(more) + 1);
  at += size_t(more) + 1;
}

} // namespace

Json Json::parse(std::string_view text) { return Reader(text).readAll(); }

const Json *Json::find(std::string_view name) const {
  for (const auto &[key, value] : fields)
    if (key == name)
      return &value;
  return nullptr;
}

} // namespace attn::runtime
