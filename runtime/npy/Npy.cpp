// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and writing .npy files. The header is a Python dictionary literal;
// the parser below accepts what NumPy writes and what its documentation allows
// (any key order, spacing, either quote, a trailing comma), and nothing else.
#include "attn/runtime/Npy.h"

#include "File.h"

#include <cstring>
#include <optional>

namespace attn::runtime {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
// As in NumPy; keeps a hostile header from making a giant of a small file.
constexpr size_t maxRank = 64;

struct TypeInfo {
  NpyType type;
  const char *name;
  size_t size;
};

const TypeInfo types[] = {
    {NpyType::F2, "<f2", 2}, {NpyType::F4, "<f4", 4}, {NpyType::F8, "<f8", 8},
    {NpyType::B1, "|b1", 1}, {NpyType::I1, "|i1", 1}, {NpyType::U1, "|u1", 1},
    {NpyType::U2, "<u2", 2}, {NpyType::I4, "<i4", 4}, {NpyType::I8, "<i8", 8},
};

const TypeInfo &infoFor(NpyType type) {
  for (const TypeInfo &info : types)
    if (info.type == type)
      return info;
  return types[0];
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Bytes of an array; nothing when they do not fit 63 bits.
std::optional<int64_t> bytesOf(const std::vector<int64_t> &shape, size_t size) {
  for (int64_t dim : shape)
    if (dim == 0)
      return 0;
  int64_t bytes = int64_t(size);
  for (int64_t dim : shape)
    if (__builtin_mul_overflow(bytes, dim, &bytes))
      return std::nullopt;
  return bytes;
}

//===----------------------------------------------------------------------===//
// The header's dictionary
//===----------------------------------------------------------------------===//

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<int64_t> shape;
};

class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  /// False, with what was expected in `problem`, if the text is no header.
  bool parse(Header &header);
  std::string problem;

private:
  bool expected(const std::string &what) {
    problem = "expected " + what + " at offset " + std::to_string(at) +
              " of the header";
    return false;
  }
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' ||
                                text[at] == '\n' || text[at] == '\r'))
      ++at;
  }
  bool accept(std::string_view token) {
    skipSpace();
    if (text.substr(at, token.size()) != token)
      return false;
    at += token.size();
    return true;
  }
  bool parseString(std::string &value);
  bool parseShape(std::vector<int64_t> &shape);
  bool parseSize(int64_t &size);

  std::string_view text;
  size_t at = 0;
};

bool HeaderParser::parseString(std::string &value) {
  skipSpace();
  if (at == text.size() || (text[at] != '\'' && text[at] != '"'))
    return expected("a string");
  size_t end = text.find(text[at], at + 1);
  if (end == std::string_view::npos)
    return expected("a string that ends");
  value = std::string(text.substr(at + 1, end - at - 1));
  at = end + 1;
  return true;
}

bool HeaderParser::parseSize(int64_t &size) {
  skipSpace();
  size_t start = at;
  size = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    if (__builtin_mul_overflow(size, int64_t(10), &size) ||
        __builtin_add_overflow(size, int64_t(text[at] - '0'), &size))
      return expected("a size of less than 64 bits");
  if (at == start)
    return expected("a size");
  accept("L"); // Python 2 wrote long integers so
  return true;
}

bool HeaderParser::parseShape(std::vector<int64_t> &shape) {
  if (!accept("("))
    return expected("a shape in parentheses");
  while (!accept(")")) {
    int64_t size;
    if (!parseSize(size))
      return false;
    shape.push_back(size);
    if (shape.size() > maxRank)
      return expected("at most " + std::to_string(maxRank) + " sizes");
    if (accept(","))
      continue;
    // Without a comma "(3)" is a number, not a shape.
    if (shape.size() == 1 || !accept(")"))
      return expected("','");
    return true;
  }
  return true;
}

bool HeaderParser::parse(Header &header) {
  bool hasDescr = false, hasOrder = false, hasShape = false;
  if (!accept("{"))
    return expected("'{'");
  while (!accept("}")) {
    std::string key;
    if (!parseString(key))
      return false;
    if (!accept(":"))
      return expected("':'");
    if (key == "descr" && !hasDescr) {
      hasDescr = true;
      skipSpace();
      if (text.substr(at, 1) == "[")
        return expected("a plain element type, not a structure,");
      if (!parseString(header.descr))
        return false;
    } else if (key == "fortran_order" && !hasOrder) {
      hasOrder = true;
      if (accept("True"))
        header.fortran = true;
      else if (!accept("False"))
        return expected("True or False");
    } else if (key == "shape" && !hasShape) {
      hasShape = true;
      if (!parseShape(header.shape))
        return false;
    } else {
      return expected("no key '" + key + "' (unknown or repeated)");
    }
    if (accept(","))
      continue;
    if (!accept("}"))
      return expected("',' or '}'");
    break;
  }
  skipSpace();
  if (at != text.size())
    return expected("the end");
  if (!hasDescr || !hasOrder || !hasShape) {
    problem = "the header lacks descr, fortran_order or shape";
    return false;
  }
  return true;
}

/// Copies a dense column-major array into row-major order.
void reorder(const char *source, size_t size, const std::vector<int64_t> &shape,
             char *target) {
  std::vector<int64_t> strides(shape.size()), indices(shape.size(), 0);
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  int64_t offset = 0;
  for (;;) {
    std::memcpy(target, source + offset * int64_t(size), size);
    target += size;
    size_t axis = shape.size();
    while (axis-- > 0) {
      offset += strides[axis];
      if (++indices[axis] < shape[axis])
        break;
      offset -= strides[axis] * shape[axis];
      indices[axis] = 0;
    }
    if (axis == size_t(-1))
      return;
  }
}

} // namespace

//===----------------------------------------------------------------------===//
// Public functions
//===----------------------------------------------------------------------===//

const char *npyTypeName(NpyType type) { return infoFor(type).name; }

size_t npyTypeSize(NpyType type) { return infoFor(type).size; }

int64_t NpyArray::elementCount() const {
  // An empty array's other sizes may multiply past 63 bits.
  for (int64_t dim : shape)
    if (dim == 0)
      return 0;
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

bool parseNpy(std::string_view bytes, const std::string &name, NpyArray &array,
              std::string &error) {
  auto bad = [&](const std::string &message) {
    error = "'" + name + "': " + message;
    return false;
  };
  if (bytes.substr(0, magic.size()) != magic.substr(0, bytes.size()) ||
      bytes.empty())
    return bad("not a .npy file: it does not start with \\x93NUMPY");
  if (bytes.size() < 8)
    return bad("truncated: " + std::to_string(bytes.size()) +
               " bytes do not hold the start of a .npy file");
  unsigned major = uint8_t(bytes[6]), minor = uint8_t(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    return bad(".npy version " + std::to_string(major) + "." +
               std::to_string(minor) + "; versions 1.0, 2.0 and 3.0 are read");
  size_t lengthSize = major == 1 ? 2 : 4, headerAt = 8 + lengthSize;
  if (bytes.size() < headerAt)
    return bad("truncated: " + std::to_string(bytes.size()) +
               " bytes do not hold the start of a .npy file");
  size_t length = 0;
  for (size_t i = 0; i < lengthSize; ++i)
    length |= size_t(uint8_t(bytes[8 + i])) << (8 * i);
  if (length > bytes.size() - headerAt)
    return bad("truncated: the header has " + std::to_string(length) +
               " bytes, the file " + std::to_string(bytes.size() - headerAt) +
               " after its start");

  Header header;
  HeaderParser parser(bytes.substr(headerAt, length));
  if (!parser.parse(header))
    return bad("malformed header: " + parser.problem);
  const TypeInfo *info = nullptr;
  // One-byte types have no byte order: NumPy writes '|', others may differ.
  for (const TypeInfo &known : types)
    if (header.descr == known.name ||
        (known.size == 1 && header.descr.size() == 3 &&
         (header.descr[0] == '<' || header.descr[0] == '>') &&
         header.descr.substr(1) == known.name + 1))
      info = &known;
  if (!info) {
    std::string known;
    for (const TypeInfo &type : types)
      known += std::string(known.empty() ? "" : ", ") + type.name;
    return bad("element type '" + header.descr + "' is none of " + known);
  }
  std::optional<int64_t> expected = bytesOf(header.shape, info->size);
  std::string_view data = bytes.substr(headerAt + length);
  std::string what = "shape " + shapeText(header.shape) + " of " + info->name;
  if (!expected)
    return bad(what + " does not fit 63 bits");
  if (uint64_t(*expected) != data.size())
    return bad(std::string(data.size() < uint64_t(*expected)
                               ? "truncated: "
                               : "longer than its header says: ") +
               what + " needs " + std::to_string(*expected) +
               " bytes of data, the file has " + std::to_string(data.size()));

  NpyArray result;
  result.type = info->type;
  result.shape = std::move(header.shape);
  if (header.fortran && !data.empty()) {
    result.data.resize(data.size());
    reorder(data.data(), info->size, result.shape, result.data.data());
  } else {
    result.data.assign(data.begin(), data.end());
  }
  array = std::move(result);
  return true;
}

bool readNpy(const std::string &path, NpyArray &array, std::string &error) {
  std::string bytes;
  return readFile(path, bytes, error) && parseNpy(bytes, path, array, error);
}

bool writeNpy(const std::string &path, NpyType type,
              const std::vector<int64_t> &shape, const void *data, size_t size,
              std::string &error) {
  for (int64_t dim : shape) {
    if (dim < 0) {
      error = "cannot write '" + path + "': the shape " + shapeText(shape) +
              " has a negative size";
      return false;
    }
  }
  std::optional<int64_t> expected = bytesOf(shape, npyTypeSize(type));
  if (!expected || uint64_t(*expected) != size) {
    error = "cannot write '" + path + "': shape " + shapeText(shape) + " of " +
            npyTypeName(type) + " needs " +
            (expected ? std::to_string(*expected) : "more than 2^63") +
            " bytes, given are " + std::to_string(size);
    return false;
  }
  std::string dictionary =
      std::string("{'descr': '") + npyTypeName(type) +
      "', 'fortran_order': False, 'shape': " + shapeText(shape) + ", }";
  // The data start at a multiple of 64, after a newline.
  size_t start = (10 + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.resize(start - 10 - 1, ' ');
  dictionary += '\n';
  if (dictionary.size() > 0xffff) {
    error = "cannot write '" + path + "': the shape " + shapeText(shape) +
            " has too many dimensions";
    return false;
  }
  std::string head(magic);
  head += {'\1', '\0', char(dictionary.size() & 0xff),
           char(dictionary.size() >> 8)};
  return writeFileAtomically(
      path, {head, dictionary, {static_cast<const char *>(data), size}}, error);
}

bool writeNpy(const std::string &path, const NpyArray &array,
              std::string &error) {
  return writeNpy(path, array.type, array.shape, array.data.data(),
                  array.data.size(), error);
}

} // namespace attn::runtime
