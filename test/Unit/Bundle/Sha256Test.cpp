//===- Sha256Test.cpp - SHA-256 of bytes ----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Sha256.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

static std::string hashOf(const std::string &text) {
  Sha256 hash;
  hash.update(text);
  return hexText(hash.finish());
}

/// The examples of FIPS 180-4.
TEST(Sha256Test, AgreesWithTheStandard) {
  EXPECT_EQ(hashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca49599"
                        "1b7852b855");
  EXPECT_EQ(hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb41"
                           "0ff61f20015ad");
  EXPECT_EQ(hashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hashOf(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, DoesNotDependOnThePieces) {
  for (size_t size = 0; size < 200; ++size) {
    std::string text(size, 'x');
    Sha256 hash;
    for (size_t i = 0; i < size; i += 7)
      hash.update(text.substr(i, 7));
    EXPECT_EQ(hexText(hash.finish()), hashOf(text)) << size;
  }
}
