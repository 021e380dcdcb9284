//===- DiskCache.h - Results that outlive a process -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_DISKCACHE_H
#define ATTN_RUNTIME_DISKCACHE_H

#include "attn/Runtime/Sha256.h"
#include "attn/Runtime/Status.h"

#include <optional>
#include <string>
#include <string_view>

namespace attn::runtime {

/// Files in a folder, named by the hash of what they were made from. Any number
/// of processes may share one. An entry is seen whole or not at all: it is
/// written under another name, brought to the disk and renamed. Each says its
/// key and the hash of its content; one that does not hold what it says counts
/// as absent and is replaced.
class DiskCache {
public:
  explicit DiskCache(std::string folder) : folder(std::move(folder)) {}

  /// The content stored under `key`, or nothing.
  std::optional<std::string> load(const Sha256::Digest &key) const;

  /// Stores `content`; the folder is made if need be. A failure leaves the
  /// cache as it was.
  Status store(const Sha256::Digest &key, std::string_view content) const;

  /// The file of an entry.
  std::string path(const Sha256::Digest &key) const;

private:
  Status makeFolder() const;
  void removeLeftovers() const;

  const std::string folder;
};

/// $ATTN_CACHE_DIR, else attn in $XDG_CACHE_HOME or in ~/.cache; empty where
/// none of them is set.
std::string defaultCacheFolder();

} // namespace attn::runtime

#endif // ATTN_RUNTIME_DISKCACHE_H
