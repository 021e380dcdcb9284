//===- Sha256.h - SHA-256 of bytes ------------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_SHA256_H
#define ATTN_RUNTIME_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attn::runtime {

/// The hash of FIPS 180-4, over bytes that come piece by piece.
class Sha256 {
public:
  using Digest = std::array<uint8_t, 32>;

  void update(const void *data, size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// The hash of everything so far. Nothing may be added afterwards.
  Digest finish();

private:
  void addBlock(const uint8_t *block);

  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                   0xa54ff53a, 0x510e527f, 0x9b05688c,
                                   0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending = {};
  uint64_t total = 0;
};

/// 64 digits in lower case.
std::string hexText(const Sha256::Digest &digest);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SHA256_H
