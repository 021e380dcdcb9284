//===- DiskCacheTest.cpp - Results that outlive a process -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/DiskCache.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <csignal>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn::runtime;
namespace fs = std::filesystem;

namespace {

Sha256::Digest keyOf(int number) {
  Sha256 hash;
  hash.update(std::to_string(number));
  return hash.finish();
}

/// Long enough that writing it takes several calls and some time.
std::string contentOf(int number, size_t size = 300000) {
  std::string content(size, '\0');
  for (size_t i = 0; i < size; ++i)
    content[i] = static_cast<char>(i * (number + 1) >> 3);
  return content;
}

/// Runs `work` in a process of its own, which ends with its result.
pid_t spawn(const std::function<int()> &work) {
  pid_t child = fork();
  if (child == 0)
    _exit(work());
  return child;
}

int waitFor(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class DiskCacheTest : public testing::Test {
protected:
  DiskCacheTest() {
    std::string name = testing::TempDir() + "attn-cache-XXXXXX";
    root = mkdtemp(name.data());
    folder = root + "/a/b";
  }
  ~DiskCacheTest() override { fs::remove_all(root); }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto &entry : fs::directory_iterator(folder))
      names.insert(entry.path().filename());
    return names;
  }
  static void overwrite(const std::string &path, const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string root, folder;
};

} // namespace

TEST_F(DiskCacheTest, GivesBackWhatWasStored) {
  DiskCache cache(folder);
  EXPECT_FALSE(cache.load(keyOf(1)));
  ASSERT_FALSE(cache.store(keyOf(1), contentOf(1)).failed());
  ASSERT_FALSE(cache.store(keyOf(2), "").failed());
  EXPECT_EQ(cache.load(keyOf(1)), contentOf(1));
  EXPECT_EQ(cache.load(keyOf(2)), "");
  EXPECT_FALSE(cache.load(keyOf(3)));
  // Another process sees the same.
  EXPECT_EQ(waitFor(spawn([&] {
              return DiskCache(folder).load(keyOf(1)) != contentOf(1);
            })),
            0);
  ASSERT_FALSE(cache.store(keyOf(1), "other").failed());
  EXPECT_EQ(cache.load(keyOf(1)), "other");
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(DiskCacheTest, IgnoresAndReplacesWhatIsCorrupted) {
  DiskCache cache(folder);
  ASSERT_FALSE(cache.store(keyOf(1), "some content").failed());
  const std::string path = cache.path(keyOf(1)), entry = read(path);
  for (size_t bit = 0; bit < 8 * entry.size(); ++bit) {
    std::string flipped = entry;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    overwrite(path, flipped);
    ASSERT_FALSE(cache.load(keyOf(1))) << bit;
  }
  for (size_t size = 0; size < entry.size(); ++size) {
    overwrite(path, entry.substr(0, size));
    ASSERT_FALSE(cache.load(keyOf(1))) << size;
  }
  overwrite(path, entry + "x");
  EXPECT_FALSE(cache.load(keyOf(1)));
  ASSERT_FALSE(cache.store(keyOf(1), "some content").failed());
  EXPECT_EQ(cache.load(keyOf(1)), "some content");
}

TEST_F(DiskCacheTest, IgnoresTheEntryOfAnotherKey) {
  DiskCache cache(folder);
  ASSERT_FALSE(cache.store(keyOf(1), "content").failed());
  fs::copy_file(cache.path(keyOf(1)), cache.path(keyOf(2)));
  EXPECT_FALSE(cache.load(keyOf(2)));
}

TEST_F(DiskCacheTest, IgnoresWhatIsNoFile) {
  DiskCache cache(folder);
  ASSERT_FALSE(cache.store(keyOf(1), "content").failed());
  fs::create_directory(cache.path(keyOf(2)));
  EXPECT_FALSE(cache.load(keyOf(2)));
  fs::create_symlink(cache.path(keyOf(1)), cache.path(keyOf(3)));
  EXPECT_FALSE(cache.load(keyOf(3)));
}

TEST_F(DiskCacheTest, SaysWhyNothingCanBeStored) {
  overwrite(root + "/file", "");
  EXPECT_EQ(DiskCache(root + "/file/cache").store(keyOf(1), "x").message(),
            "cannot make the folder '" + root +
                "/file/cache': Not a directory");
  DiskCache cache(folder);
  fs::create_directories(cache.path(keyOf(1)) + "/more");
  EXPECT_EQ(cache.store(keyOf(1), "x").message(),
            "cannot write '" + cache.path(keyOf(1)) + "': Is a directory");
  EXPECT_EQ(files().size(), 1u);
}

/// Without the rights of root, to whom nothing is read-only.
TEST_F(DiskCacheTest, SurvivesAReadOnlyFolder) {
  DiskCache cache(folder);
  ASSERT_FALSE(cache.store(keyOf(1), "content").failed());
  fs::permissions(root, fs::perms(0755));
  fs::permissions(root + "/a", fs::perms(0755));
  fs::permissions(folder, fs::perms(0555));
  fs::permissions(cache.path(keyOf(1)), fs::perms(0444));
  EXPECT_EQ(waitFor(spawn([&] {
              constexpr uid_t nobody = 65534;
              if (getuid() == 0 && setuid(nobody) != 0)
                return 1;
              if (cache.load(keyOf(1)) != "content")
                return 2;
              Status status = cache.store(keyOf(2), "more");
              if (!status.failed() ||
                  status.message().find("cannot create '" + folder) != 0 ||
                  status.message().find("Permission denied") ==
                      std::string::npos)
                return 3;
              return int(cache.load(keyOf(2)).has_value());
            })),
            0);
}

/// A limit on the size of a file cuts the writing off in its middle.
TEST_F(DiskCacheTest, AWriteThatIsCutOffLeavesNothing) {
  DiskCache cache(folder);
  EXPECT_EQ(waitFor(spawn([&] {
              std::signal(SIGXFSZ, SIG_IGN);
              rlimit limit = {100000, 100000};
              setrlimit(RLIMIT_FSIZE, &limit);
              Status status = cache.store(keyOf(1), contentOf(1));
              return !status.failed() ||
                     status.message() != "cannot write '" +
                                             cache.path(keyOf(1)) +
                                             "': File too large";
            })),
            0);
  EXPECT_FALSE(cache.load(keyOf(1)));
  EXPECT_TRUE(files().empty());
}

/// A file system of its own, of 256 kB.
TEST_F(DiskCacheTest, SurvivesAFullDisk) {
  fs::create_directories(folder);
  constexpr int cannotMount = 77;
  int result = waitFor(spawn([&] {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", folder.c_str(), "tmpfs", 0, "size=256k") != 0)
      return cannotMount;
    DiskCache cache(folder);
    if (cache.store(keyOf(1), contentOf(1, 100000)).failed())
      return 1;
    Status status = cache.store(keyOf(2), contentOf(2));
    if (!status.failed() ||
        status.message() != "cannot write '" + cache.path(keyOf(2)) +
                                "': No space left on device")
      return 2;
    if (cache.load(keyOf(2)) || files().size() != 1)
      return 3;
    return int(cache.load(keyOf(1)) != contentOf(1, 100000));
  }));
  if (result == cannotMount)
    GTEST_SKIP() << "a file system cannot be mounted here";
  EXPECT_EQ(result, 0);
}

TEST_F(DiskCacheTest, IsFilledBy32ProcessesAtOnce) {
  constexpr int keys = 6, rounds = 12;
  std::vector<pid_t> children;
  for (int process = 0; process < 32; ++process)
    children.push_back(spawn([&, process] {
      DiskCache cache(folder);
      for (int round = 0; round < rounds; ++round) {
        int number = (process + round) % keys;
        std::optional<std::string> found = cache.load(keyOf(number));
        if (found && *found != contentOf(number))
          return 1;
        if ((!found || round % 4 == 0) &&
            cache.store(keyOf(number), contentOf(number)).failed())
          return 2;
      }
      return 0;
    }));
  for (pid_t child : children)
    EXPECT_EQ(waitFor(child), 0);
  DiskCache cache(folder);
  for (int number = 0; number < keys; ++number)
    EXPECT_EQ(cache.load(keyOf(number)), contentOf(number));
  EXPECT_EQ(files().size(), size_t(keys));
}

TEST_F(DiskCacheTest, AKilledProcessLeavesNothingHalfWritten) {
  DiskCache cache(folder);
  int leftovers = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    pid_t child = spawn([&] {
      for (int number = 0;; number = (number + 1) % 3)
        if (cache.store(keyOf(number), contentOf(number)).failed())
          return 1;
    });
    usleep(500 + 977 * attempt % 9000);
    kill(child, SIGKILL);
    EXPECT_EQ(waitFor(child), 128 + SIGKILL);
    for (int number = 0; number < 3; ++number) {
      std::optional<std::string> found = cache.load(keyOf(number));
      EXPECT_TRUE(!found || *found == contentOf(number));
      // What is there at all is whole.
      EXPECT_EQ(found.has_value(), fs::exists(cache.path(keyOf(number))));
    }
  }
  // What the killed ones were at is removed when it is old.
  ASSERT_FALSE(cache.store(keyOf(0), contentOf(0)).failed());
  auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
  for (const std::string &name : files())
    if (name.find("writing-") == 0) {
      ++leftovers;
      fs::last_write_time(folder + "/" + name, old);
    }
  EXPECT_GT(leftovers, 0);
  ASSERT_FALSE(cache.store(keyOf(0), contentOf(0)).failed());
  for (const std::string &name : files())
    EXPECT_NE(name.find("writing-"), 0u);
}

TEST(DiskCacheFolderTest, ComesFromTheEnvironment) {
  setenv("HOME", "/home/someone", 1);
  unsetenv("XDG_CACHE_HOME");
  unsetenv("ATTN_CACHE_DIR");
  EXPECT_EQ(defaultCacheFolder(), "/home/someone/.cache/attn");
  setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(defaultCacheFolder(), "/caches/attn");
  setenv("ATTN_CACHE_DIR", "/here", 1);
  EXPECT_EQ(defaultCacheFolder(), "/here");
  unsetenv("ATTN_CACHE_DIR");
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  EXPECT_EQ(defaultCacheFolder(), "");
}
