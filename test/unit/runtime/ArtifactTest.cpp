// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The artifact container: round trips, every truncation, every flipped byte,
// and tables that a faulty writer could have hashed.
#include "attn/runtime/Artifact.h"

#include "TestArtifact.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace attn::runtime;
using namespace attn::test;
namespace fs = std::filesystem;

namespace {

std::string smallArtifact() {
  ArtifactWriter writer("{\"some\":\"json\"}");
  std::string error;
  EXPECT_TRUE(writer.addCode("cpu",
                             std::string("\x7f"
                                         "ELF\0code",
                                         9),
                             error));
  EXPECT_TRUE(writer.addCode("ptx", "", error));
  return writer.toBytes();
}

ArtifactProblem problemOf(const std::string &bytes,
                          std::string *text = nullptr) {
  ArtifactView view;
  std::string error;
  ArtifactProblem problem = ArtifactView::open(bytes, view, error);
  EXPECT_EQ(problem == ArtifactProblem::None, error.empty()) << error;
  EXPECT_TRUE(problem == ArtifactProblem::None || view.getSections().empty());
  if (text)
    *text = error;
  return problem;
}

void poke(std::string &bytes, size_t at, uint64_t value, int width) {
  for (int i = 0; i < width; ++i)
    bytes.at(at + i) = char(value >> (8 * i));
}

/// Makes the hash right, as a faulty writer would.
std::string rehash(std::string bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data() + 40, bytes.size() - 40);
  poke(bytes, 24, hash.low64, 8);
  poke(bytes, 32, hash.high64, 8);
  return bytes;
}

TEST(ArtifactTest, RoundTrip) {
  std::string bytes = smallArtifact();
  ArtifactView view;
  std::string error;
  ASSERT_EQ(ArtifactView::open(bytes, view, error), ArtifactProblem::None)
      << error;
  ASSERT_EQ(view.getSections().size(), 3u);
  ASSERT_TRUE(view.find("json") && view.find("code/cpu") &&
              view.find("code/ptx"));
  EXPECT_EQ(view.find("json")->bytes, "{\"some\":\"json\"}");
  EXPECT_EQ(view.find("code/cpu")->bytes, std::string("\x7f"
                                                      "ELF\0code",
                                                      9));
  EXPECT_EQ(view.find("code/ptx")->bytes, "");
  EXPECT_EQ(view.find("code"), nullptr);
  for (const ArtifactView::Section &section : view.getSections())
    EXPECT_EQ((section.bytes.data() - bytes.data()) % 64, 0) << section.name;
}

// The format is stable: these bytes are written for ever.
TEST(ArtifactTest, Layout) {
  std::string bytes = smallArtifact();
  EXPECT_EQ(bytes.substr(0, 8), "\x89"
                                "ATTN\r\n\x1a");
  EXPECT_EQ(bytes.substr(8, 8), std::string("\1\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(uint8_t(bytes[16]) + 256u * uint8_t(bytes[17]), bytes.size());
  EXPECT_EQ(bytes[40], 3);
  EXPECT_EQ(bytes.substr(48, 5), std::string("json\0", 5));
  EXPECT_EQ(bytes, rehash(bytes));
}

TEST(ArtifactTest, EveryTruncationIsSeen) {
  std::string bytes = smallArtifact();
  EXPECT_EQ(problemOf(""), ArtifactProblem::NotAnArtifact);
  for (size_t size = 1; size < bytes.size(); ++size) {
    std::string text;
    EXPECT_EQ(problemOf(bytes.substr(0, size), &text),
              ArtifactProblem::Truncated)
        << size;
    EXPECT_NE(text.find("truncated"), std::string::npos) << text;
    EXPECT_NE(text.find(std::to_string(size)), std::string::npos) << text;
  }
  EXPECT_EQ(problemOf(bytes + '\0'), ArtifactProblem::Corrupted);
}

TEST(ArtifactTest, EveryFlippedBitIsSeen) {
  const std::string good = smallArtifact();
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = char(bytes[at] ^ (1 << bit));
      ArtifactProblem problem = problemOf(bytes);
      if (at < 8)
        EXPECT_EQ(problem, ArtifactProblem::NotAnArtifact) << at;
      else if (at < 16)
        EXPECT_EQ(problem, ArtifactProblem::OtherVersion) << at;
      else if (at < 24)
        EXPECT_EQ(problem, (good[at] >> bit & 1) ? ArtifactProblem::Corrupted
                                                 : ArtifactProblem::Truncated)
            << at;
      else
        EXPECT_EQ(problem, ArtifactProblem::Corrupted) << at;
    }
  }
}

TEST(ArtifactTest, MalformedTables) {
  const std::string good = smallArtifact();
  constexpr size_t count = 40, table = 48, entry = 64, offset = 48, size = 56;
  auto with = [&](size_t at, uint64_t value, int width) {
    std::string bytes = good;
    poke(bytes, at, value, width);
    return rehash(bytes);
  };
  auto expect = [&](const std::string &bytes, const char *part) {
    std::string text;
    EXPECT_EQ(problemOf(bytes, &text), ArtifactProblem::Malformed) << part;
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  EXPECT_EQ(problemOf(rehash(good)), ArtifactProblem::None);
  expect(with(count, 0, 4), "no 'json' section");
  expect(with(count, 0xffffffff, 4), "table of 4294967295 sections");
  expect(with(table + entry + offset, good.size() + 1, 8), "'code/cpu'");
  expect(with(table + entry + offset, UINT64_MAX, 8), "does not lie within");
  expect(with(table + entry + offset, 0, 8), "does not lie within");
  expect(with(table + entry + size, UINT64_MAX, 8), "does not lie within");
  expect(with(table + entry + size, good.size(), 8), "does not lie within");
  expect(with(table + entry, 0, 1), "section 1 has no NUL-terminated name");
  std::string bytes = good;
  bytes.replace(table + entry, 48, std::string(48, 'x'));
  expect(rehash(bytes), "section 1 has no NUL-terminated name");
  bytes = good;
  bytes.replace(table + 2 * entry, 48, good.substr(table + entry, 48));
  expect(rehash(bytes), "two sections are called 'code/cpu'");
}

TEST(ArtifactTest, WriterChecksNames) {
  ArtifactWriter writer("{}");
  std::string error;
  EXPECT_TRUE(writer.addCode(std::string(42, 'n'), "", error));
  EXPECT_FALSE(writer.addCode(std::string(43, 'n'), "", error));
  EXPECT_NE(error.find("at most 47"), std::string::npos) << error;
  EXPECT_FALSE(writer.addCode("", "", error));
  EXPECT_FALSE(writer.addCode(std::string("a\0b", 3), "", error));
  EXPECT_TRUE(writer.addCode("a", "", error));
  EXPECT_FALSE(writer.addCode("a", "", error));
  EXPECT_NE(error.find("already has"), std::string::npos) << error;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

class ArtifactFileTest : public ::testing::Test {
protected:
  ArtifactFileTest() {
    std::string name = (fs::temp_directory_path() / "attn-XXXXXX").string();
    directory = mkdtemp(name.data());
  }
  ~ArtifactFileTest() override { fs::remove_all(directory); }

  std::string path(const char *name) const {
    return (directory / name).string();
  }
  static std::string contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  size_t files() const {
    return size_t(std::distance(fs::directory_iterator(directory), {}));
  }

  fs::path directory;
};

TEST_F(ArtifactFileTest, WritesAndReplaces) {
  std::string error;
  ASSERT_TRUE(ArtifactWriter("{}").writeFile(path("a.attn"), error)) << error;
  EXPECT_EQ(contents(path("a.attn")), ArtifactWriter("{}").toBytes());
  mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(unsigned(fs::status(path("a.attn")).permissions()), 0666u & ~mask);
  ASSERT_TRUE(ArtifactWriter("[]").writeFile(path("a.attn"), error)) << error;
  EXPECT_EQ(contents(path("a.attn")), ArtifactWriter("[]").toBytes());
  EXPECT_EQ(files(), 1u);
}

TEST_F(ArtifactFileTest, FailureLeavesNothing) {
  std::string error;
  EXPECT_FALSE(ArtifactWriter("{}").writeFile(path("no/a.attn"), error));
  EXPECT_NE(error.find("no/a.attn': No such file"), std::string::npos) << error;
  EXPECT_FALSE(ArtifactWriter("{}").writeFile(directory.string(), error));
  EXPECT_NE(error.find("not a regular file"), std::string::npos) << error;
  EXPECT_EQ(files(), 0u);

  // A disk that fills up half-way.
  ASSERT_TRUE(ArtifactWriter("old").writeFile(path("a.attn"), error));
  struct rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto oldHandler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit low = {200, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  bool written =
      ArtifactWriter(std::string(1000, ' ')).writeFile(path("a.attn"), error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, oldHandler);
  EXPECT_FALSE(written);
  EXPECT_NE(error.find("File too large"), std::string::npos) << error;
  EXPECT_EQ(contents(path("a.attn")), ArtifactWriter("old").toBytes());
  EXPECT_EQ(files(), 1u);
}

//===----------------------------------------------------------------------===//
// Through the C API
//===----------------------------------------------------------------------===//

const std::string emptyJson =
    makeJson(R"("arguments":[],"results":[],"launches":[])");

attn_status loadBytes(const Context &context, const std::string &bytes,
                      attn_error *error) {
  // What a failed call must not touch.
  attn_program *const untouched = reinterpret_cast<attn_program *>(8);
  attn_program *program = untouched;
  attn_status status = attn_program_load_memory(context.get(), bytes.data(),
                                                bytes.size(), &program, error);
  if (status == ATTN_OK)
    attn_program_destroy(program);
  else
    EXPECT_EQ(program, untouched);
  return status;
}

TEST_F(ArtifactFileTest, StatusOfEachProblem) {
  Context context = makeContext(1);
  std::string good = makeArtifact(emptyJson);
  EXPECT_OK(loadBytes(context, good, error));
  EXPECT_ERROR(loadBytes(context, "%PDF-1.4 something", error),
               ATTN_ERROR_MALFORMED_ARTIFACT, {"not an attention artifact"});
  EXPECT_ERROR(loadBytes(context, "", error), ATTN_ERROR_MALFORMED_ARTIFACT,
               {"not an attention artifact"});
  EXPECT_ERROR(loadBytes(context, good.substr(0, 100), error),
               ATTN_ERROR_CORRUPTED_ARTIFACT, {"truncated: 100 of "});
  std::string bytes = good;
  bytes.back() ^= 1;
  EXPECT_ERROR(loadBytes(context, bytes, error), ATTN_ERROR_CORRUPTED_ARTIFACT,
               {"hash"});
  bytes = good;
  bytes[8] = 7;
  EXPECT_ERROR(loadBytes(context, bytes, error), ATTN_ERROR_UNSUPPORTED_VERSION,
               {"version 7", "reads version 1"});
  bytes = good;
  poke(bytes, 40, 0, 4);
  EXPECT_ERROR(loadBytes(context, rehash(bytes), error),
               ATTN_ERROR_MALFORMED_ARTIFACT, {"'json'"});
}

TEST_F(ArtifactFileTest, LoadFile) {
  Context context = makeContext(1);
  auto loadFile = [&](const std::string &path, attn_error *error) {
    attn_program *program = nullptr;
    attn_status status =
        attn_program_load_file(context.get(), path.c_str(), &program, error);
    attn_program_destroy(program);
    return status;
  };
  std::ofstream(path("a.attn"), std::ios::binary) << makeArtifact(emptyJson);
  EXPECT_OK(loadFile(path("a.attn"), error));
  EXPECT_ERROR(loadFile(path("b.attn"), error), ATTN_ERROR_NOT_FOUND,
               {"b.attn", "No such file"});
  EXPECT_ERROR(loadFile(directory.string(), error), ATTN_ERROR_DEVICE_ERROR,
               {"not a regular file"});
  std::ofstream(path("c.attn"), std::ios::binary) << "hello";
  EXPECT_ERROR(loadFile(path("c.attn"), error), ATTN_ERROR_MALFORMED_ARTIFACT,
               {"c.attn", "not an attention artifact"});
}

} // namespace
