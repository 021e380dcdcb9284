//===- DiskCache.cpp - Results that outlive a process ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/DiskCache.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn::runtime;

namespace {
/// An entry is this, its key, the hash of its content, and its content.
constexpr std::string_view magic = "ATTNCACHE 1\n";
constexpr size_t hashSize = sizeof(Sha256::Digest);
constexpr size_t headerSize = magic.size() + 2 * hashSize;
constexpr size_t maxEntry = size_t(1) << 30;

/// Files that are being written. One that is this old was left by a process
/// that did not come to its end.
constexpr std::string_view temporaryPrefix = "writing-";
constexpr time_t leftoverSeconds = 3600;

/// A file descriptor that is closed with the object.
class File {
public:
  explicit File(int descriptor) : descriptor(descriptor) {}
  ~File() { close(); }
  File(const File &) = delete;
  File &operator=(const File &) = delete;

  bool isOpen() const { return descriptor >= 0; }
  bool readAll(std::string &content) const;
  bool writeAll(std::string_view content) const;
  bool sync() const { return fsync(descriptor) == 0; }
  bool close() {
    int closed = descriptor < 0 ? 0 : ::close(descriptor);
    descriptor = -1;
    return closed == 0;
  }

private:
  int descriptor;
};
} // namespace

bool File::readAll(std::string &content) const {
  char chunk[1 << 16];
  for (;;) {
    ssize_t count = read(descriptor, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return count == 0;
    content.append(chunk, static_cast<size_t>(count));
    if (content.size() > maxEntry)
      return false;
  }
}

bool File::writeAll(std::string_view content) const {
  while (!content.empty()) {
    ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

static std::string_view bytes(const Sha256::Digest &digest) {
  return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

static Sha256::Digest hashOf(std::string_view content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

std::string DiskCache::path(const Sha256::Digest &key) const {
  return folder + "/" + hexText(key) + ".bundle";
}

std::optional<std::string> DiskCache::load(const Sha256::Digest &key) const {
  File file(open(path(key).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string entry;
  if (!file.isOpen() || !file.readAll(entry) || entry.size() < headerSize)
    return std::nullopt;
  std::string_view view = entry;
  std::string_view content = view.substr(headerSize);
  if (view.substr(0, magic.size()) != magic ||
      view.substr(magic.size(), hashSize) != bytes(key) ||
      view.substr(magic.size() + hashSize, hashSize) != bytes(hashOf(content)))
    return std::nullopt;
  return std::string(content);
}

/// Makes every folder on the way that is not there.
Status DiskCache::makeFolder() const {
  for (size_t end = 0; end != std::string::npos;) {
    end = folder.find('/', end + 1);
    std::string parent = folder.substr(0, end);
    if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST)
      return failure("cannot make the folder '", parent,
                     "': ", std::strerror(errno));
  }
  return {};
}

void DiskCache::removeLeftovers() const {
  std::unique_ptr<DIR, int (*)(DIR *)> directory(opendir(folder.c_str()),
                                                 closedir);
  if (!directory)
    return;
  time_t now = time(nullptr);
  while (const dirent *entry = readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name.substr(0, temporaryPrefix.size()) != temporaryPrefix)
      continue;
    std::string file = folder + "/" + entry->d_name;
    struct stat status = {};
    if (stat(file.c_str(), &status) == 0 &&
        status.st_mtime + leftoverSeconds < now)
      unlink(file.c_str());
  }
}

/// A name that no other thread of this machine uses at the moment.
static std::string temporaryName() {
  static std::atomic<unsigned> count = 0;
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::string(temporaryPrefix) + std::to_string(getpid()) + "-" +
         std::to_string(now.tv_sec) + "-" + std::to_string(now.tv_nsec) + "-" +
         std::to_string(count++);
}

Status DiskCache::store(const Sha256::Digest &key,
                        std::string_view content) const {
  if (Status status = makeFolder(); status.failed())
    return status;
  removeLeftovers();
  std::string temporary = folder + "/" + temporaryName();
  File file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.isOpen())
    return failure("cannot create '", temporary, "': ", std::strerror(errno));
  bool written = file.writeAll(magic) && file.writeAll(bytes(key)) &&
                 file.writeAll(bytes(hashOf(content))) &&
                 file.writeAll(content) && file.sync() && file.close() &&
                 rename(temporary.c_str(), path(key).c_str()) == 0;
  if (written)
    return {};
  Failure failed =
      failure("cannot write '", path(key), "': ", std::strerror(errno));
  unlink(temporary.c_str());
  return failed;
}

std::string attn::runtime::defaultCacheFolder() {
  if (const char *folder = std::getenv("ATTN_CACHE_DIR"))
    return folder;
  if (const char *caches = std::getenv("XDG_CACHE_HOME"); caches && *caches)
    return std::string(caches) + "/attn";
  if (const char *home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/attn";
  return {};
}
