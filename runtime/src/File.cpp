// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole-file reading and atomic writing (see File.h) on POSIX calls, because
// streams hide the reason of a failure.
#include "File.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attn::runtime {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  int get() const { return fd; }
  bool valid() const { return fd >= 0; }
  /// Closes now, so that an error of the close is seen.
  bool close() {
    int result = ::close(fd);
    fd = -1;
    return result == 0;
  }

private:
  int fd;
};

std::string because(const char *what, const std::string &path, int code) {
  return std::string(what) + " '" + path + "': " + std::strerror(code);
}

bool writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR)
        continue;
      return false;
    }
    bytes.remove_prefix(size_t(count));
  }
  return true;
}

/// Permissions of a new file, as open() would give them. mkstemp's 0600 would
/// make an artifact unreadable to its users. The umask can only be read by
/// setting it, which races with other threads; an existing file's mode and
/// /proc do not.
mode_t permissionsFor(const std::string &path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0)
    return status.st_mode & 0777;
  mode_t mask = 022;
  Descriptor fd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  char buffer[512];
  ssize_t count = fd.valid() ? ::read(fd.get(), buffer, sizeof buffer - 1) : 0;
  if (count > 0) {
    buffer[count] = 0;
    if (const char *line = std::strstr(buffer, "Umask:"))
      mask = mode_t(std::strtoul(line + 6, nullptr, 8));
  }
  return 0666 & ~mask;
}

} // namespace

bool readFile(const std::string &path, std::string &bytes, std::string &error,
              bool *missing) {
  if (missing)
    *missing = false;
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (missing)
      *missing = errno == ENOENT || errno == ENOTDIR;
    error = because("cannot open", path, errno);
    return false;
  }
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) {
    error = because("cannot read", path, errno);
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    error = "cannot read '" + path + "': not a regular file";
    return false;
  }
  std::string result(size_t(status.st_size), '\0');
  size_t done = 0;
  while (done < result.size()) {
    ssize_t count =
        ::read(fd.get(), result.data() + done, result.size() - done);
    if (count < 0) {
      if (errno == EINTR)
        continue;
      error = because("cannot read", path, errno);
      return false;
    }
    if (count == 0)
      break;
    done += size_t(count);
  }
  result.resize(done);
  bytes = std::move(result);
  return true;
}

bool writeFileAtomically(const std::string &path,
                         const std::vector<std::string_view> &pieces,
                         std::string &error) {
  // A rename would replace a device or a pipe instead of writing to it.
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    error = "cannot write '" + path + "': not a regular file";
    return false;
  }
  std::string temporary = path + ".XXXXXX";
  Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) {
    error = because("cannot write", path, errno);
    return false;
  }
  bool fine = ::fchmod(fd.get(), permissionsFor(path)) == 0;
  for (std::string_view piece : pieces)
    fine = fine && writeAll(fd.get(), piece);
  fine = fine && ::fsync(fd.get()) == 0;
  fine = fine && fd.close();
  fine = fine && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!fine) {
    int code = errno;
    ::unlink(temporary.c_str());
    error = because("cannot write", path, code);
  }
  return fine;
}

} // namespace attn::runtime
