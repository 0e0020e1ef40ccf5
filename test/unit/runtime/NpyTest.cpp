// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// .npy files: bytes as NumPy writes them, round trips, and every malformed,
// truncated or oversized file with its message.
#include "attn/runtime/Npy.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <numeric>

using namespace attn::runtime;
namespace fs = std::filesystem;

namespace {

/// A file with this header text and data.
std::string npy(const std::string &header, const std::string &data,
                int version = 1) {
  std::string bytes("\x93NUMPY");
  bytes += {char(version), '\0'};
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += char(header.size() >> (8 * i));
  return bytes + header + data;
}

std::string header(const std::string &descr, const std::string &shape,
                   const char *fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran +
         ", 'shape': " + shape + ", }          \n";
}

void expectBad(const std::string &bytes,
               const std::vector<std::string> &parts) {
  NpyArray array;
  array.shape = {42};
  std::string error;
  EXPECT_FALSE(parseNpy(bytes, "x.npy", array, error)) << parts[0];
  EXPECT_EQ(array.shape, std::vector<int64_t>{42});
  EXPECT_EQ(error.rfind("'x.npy': ", 0), 0u) << error;
  for (const std::string &part : parts)
    EXPECT_NE(error.find(part), std::string::npos)
        << "no '" << part << "' in: " << error;
}

NpyArray parse(const std::string &bytes) {
  NpyArray array;
  std::string error;
  EXPECT_TRUE(parseNpy(bytes, "x.npy", array, error)) << error;
  return array;
}

template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

// The bytes of np.save(np.arange(6, dtype='<f4').reshape(2, 3)).
TEST(NpyTest, AsNumPyWritesIt) {
  std::string text =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  text.resize(117, ' ');
  std::string bytes = npy(text + "\n", bytesOf<float>({0, 1, 2, 3, 4, 5}));
  ASSERT_EQ(bytes.size(), 128u + 24u);
  NpyArray array = parse(bytes);
  EXPECT_EQ(array.type, NpyType::F4);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
  ASSERT_EQ(array.elementCount(), 6);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(array.as<float>()[i], float(i));
}

TEST(NpyTest, Versions) {
  for (int version : {1, 2, 3}) {
    NpyArray array =
        parse(npy(header("<i4", "(2,)"), bytesOf<int32_t>({7, -8}), version));
    EXPECT_EQ(array.as<int32_t>()[1], -8);
  }
  expectBad(npy(header("<i4", "()"), "1234", 4), {"version 4.0"});
  std::string bytes = npy(header("<i4", "()"), "1234");
  bytes[7] = 1;
  expectBad(bytes, {"version 1.1"});
}

TEST(NpyTest, Types) {
  struct {
    const char *name;
    NpyType type;
    size_t size;
  } all[] = {{"<f2", NpyType::F2, 2}, {"<f4", NpyType::F4, 4},
             {"<f8", NpyType::F8, 8}, {"|b1", NpyType::B1, 1},
             {"|i1", NpyType::I1, 1}, {"|u1", NpyType::U1, 1},
             {"<u2", NpyType::U2, 2}, {"<i4", NpyType::I4, 4},
             {"<i8", NpyType::I8, 8}, {"<u1", NpyType::U1, 1}};
  for (auto &expected : all) {
    NpyArray array = parse(npy(header(expected.name, "(3,)"),
                               std::string(3 * expected.size, 'x')));
    EXPECT_EQ(array.type, expected.type) << expected.name;
    EXPECT_EQ(array.data.size(), 3 * expected.size);
    EXPECT_EQ(npyTypeSize(expected.type), expected.size);
  }
  for (const char *name : {">f4", "<c8", "|O", "<U3", "=f4", "f4", "<f16", ""})
    expectBad(npy(header(name, "(1,)"), "12345678"),
              {"element type '" + std::string(name) + "' is none of <f2, <f4"});
  expectBad(npy("{'descr': [('a', '<f4')], 'fortran_order': False, "
                "'shape': (1,)}",
                "1234"),
            {"not a structure"});
}

TEST(NpyTest, HeaderSpellings) {
  for (const char *text :
       {"{'descr':'<i4','fortran_order':False,'shape':(2,1)}",
        "{\"shape\": (2, 1), \"fortran_order\": False, \"descr\": \"<i4\"}\n",
        "  { 'fortran_order' : False , 'shape' : ( 2L , 1L , ) , 'descr' : "
        "'<i4' , } \n"}) {
    NpyArray array = parse(npy(text, bytesOf<int32_t>({1, 2})));
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 1})) << text;
  }
}

TEST(NpyTest, MalformedHeaders) {
  struct {
    std::string text;
    const char *part;
  } all[] = {
      {"", "expected '{' at offset 0"},
      {"[]", "expected '{'"},
      {"{}", "lacks descr, fortran_order or shape"},
      {"{'descr': '<f4', 'shape': (1,)}", "lacks"},
      {"{'descr': '<f4", "expected a string that ends"},
      {"{'descr' '<f4'}", "expected ':'"},
      {"{'descr': 4}", "expected a string"},
      {"{'color': 'red'}", "no key 'color'"},
      {"{'descr': '<f4', 'descr': '<f4'}",
       "no key 'descr' (unknown or repeated)"},
      {"{'fortran_order': Maybe}", "expected True or False"},
      {"{'shape': 3}", "expected a shape"},
      {"{'shape': (3)}", "expected ','"},
      {"{'shape': (3 4)}", "expected ','"},
      {"{'shape': (3, 4", "expected ','"},
      {"{'shape': (-3,)}", "expected a size"},
      {"{'shape': (3.0,)}", "expected ','"},
      {"{'shape': (99999999999999999999,)}", "less than 64 bits"},
      {header("<f4", "(1,)") + "}", "expected the end"},
      {"{'descr': '<f4' 'shape': (1,)}", "expected ',' or '}'"},
  };
  for (auto &test : all)
    expectBad(npy(test.text, "1234"), {"malformed header", test.part});
  std::string shape = "(";
  for (int i = 0; i < 65; ++i)
    shape += "1,";
  expectBad(npy(header("<f4", shape + ")"), "1234"), {"at most 64 sizes"});
}

TEST(NpyTest, SizesThatDisagree) {
  std::string good = npy(header("<f4", "(2, 3)"), std::string(24, 'x'));
  parse(good);
  expectBad(good + "x", {"longer", "(2, 3) of <f4", "24", "25"});
  expectBad(npy(header("<f4", "(4611686018427387904, 2)"), ""),
            {"does not fit 63 bits"});
  expectBad(npy(header("<f4", "(1000000000000,)"), "1234"),
            {"truncated", "4000000000000", "4"});
  expectBad("hello world", {"not a .npy file"});
  expectBad("", {"not a .npy file"});
  for (size_t size = 1; size < good.size(); ++size)
    expectBad(good.substr(0, size), {"truncated"});
}

TEST(NpyTest, EmptyAndScalar) {
  NpyArray scalar = parse(npy(header("<i4", "()"), bytesOf<int32_t>({5})));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(scalar.elementCount(), 1);
  NpyArray empty = parse(npy(header("<f8", "(3, 0, 2)"), ""));
  EXPECT_EQ(empty.elementCount(), 0);
  EXPECT_TRUE(empty.data.empty());
  NpyArray odd =
      parse(npy(header("<f8", "(4611686018427387904, 0, 1000)", "True"), ""));
  EXPECT_EQ(odd.elementCount(), 0);
}

TEST(NpyTest, FortranOrderIsConverted) {
  // a[i][j][k] = 100 i + 10 j + k, stored with i fastest.
  std::vector<int32_t> columnMajor;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i)
        columnMajor.push_back(100 * i + 10 * j + k);
  NpyArray array =
      parse(npy(header("<i4", "(2, 3, 4)", "True"), bytesOf(columnMajor)));
  const int32_t *element = array.as<int32_t>();
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k)
        EXPECT_EQ(*element++, 100 * i + 10 * j + k);
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

class NpyFileTest : public ::testing::Test {
protected:
  NpyFileTest() {
    std::string name = (fs::temp_directory_path() / "attn-XXXXXX").string();
    directory = mkdtemp(name.data());
  }
  ~NpyFileTest() override { fs::remove_all(directory); }
  std::string path(const char *name) const {
    return (directory / name).string();
  }
  fs::path directory;
};

TEST_F(NpyFileTest, RoundTrip) {
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{}, {1}, {7}, {0}, {2, 3, 5}, {2, 0, 3}, {1, 1}}) {
    NpyArray array;
    array.type = NpyType::I8;
    array.shape = shape;
    std::vector<int64_t> values(size_t(array.elementCount()));
    std::iota(values.begin(), values.end(), -3);
    std::string bytes = bytesOf(values);
    array.data.assign(bytes.begin(), bytes.end());
    std::string error;
    ASSERT_TRUE(writeNpy(path("a.npy"), array, error)) << error;
    NpyArray back;
    ASSERT_TRUE(readNpy(path("a.npy"), back, error)) << error;
    EXPECT_EQ(back.type, array.type);
    EXPECT_EQ(back.shape, array.shape);
    EXPECT_EQ(back.data, array.data);
    // The data are aligned for mapping, as NumPy has them.
    EXPECT_EQ((fs::file_size(path("a.npy")) - bytes.size()) % 64, 0u);
  }
}

// Byte for byte what np.save writes for these.
TEST_F(NpyFileTest, WritesAsNumPy) {
  std::string error;
  ASSERT_TRUE(writeNpy(path("a.npy"), NpyType::F4, {2}, "12345678", 8, error));
  std::ifstream file(path("a.npy"), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::string text =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  ASSERT_GT(bytes.size(), text.size() + 10);
  EXPECT_EQ(bytes.substr(10, text.size()), text);
  EXPECT_EQ(bytes.size(), 128u + 8u);
  EXPECT_EQ(bytes[bytes.size() - 9], '\n');
}

TEST_F(NpyFileTest, Errors) {
  std::string error;
  NpyArray array;
  EXPECT_FALSE(readNpy(path("no.npy"), array, error));
  EXPECT_NE(error.find("no.npy': No such file"), std::string::npos) << error;
  EXPECT_FALSE(readNpy(directory.string(), array, error));
  EXPECT_NE(error.find("not a regular file"), std::string::npos) << error;
  EXPECT_FALSE(writeNpy(path("a.npy"), NpyType::F4, {2, 3}, "1234", 4, error));
  EXPECT_NE(error.find("(2, 3) of <f4 needs 24 bytes, given are 4"),
            std::string::npos)
      << error;
  EXPECT_FALSE(writeNpy(path("a.npy"), NpyType::F4, {-2}, "", 0, error));
  EXPECT_NE(error.find("negative"), std::string::npos) << error;
  EXPECT_FALSE(writeNpy(path("no/a.npy"), NpyType::I1, {4}, "1234", 4, error));
  EXPECT_TRUE(fs::is_empty(directory));
}

} // namespace
