//===- Generator.h - PTX out of arbitrary bytes -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_GENERATOR_H
#define ATTN_TEST_FUZZ_GENERATOR_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace attn::fuzz {

/// Bytes that choices are read from; zeros once they are used up.
class Bytes {
public:
  Bytes(const uint8_t *data, size_t size) : data(data), size(size) {}

  bool empty() const { return at == size; }
  uint32_t next() { return at < size ? data[at++] : 0; }
  uint32_t below(uint32_t bound);

private:
  const uint8_t *data;
  size_t size;
  size_t at = 0;
};

/// A program and how it is started.
struct Input {
  std::string ptx;
  uint32_t threads = 32;
  uint32_t blocks = 1;
  /// Whether the blocks are one cluster.
  bool isCluster = false;
  uint64_t seed = 0;
};

/// A program whose statements follow the grammar of PTX and, for the most part,
/// the forms that the emulator knows; a few have bytes exchanged.
Input generate(const uint8_t *data, size_t size);

/// Executes a program, whatever it is, and returns what is said of it.
std::string execute(const Input &input);

/// The same, but takes out the statements that the emulator refuses, one after
/// the other, so that the others are executed.
std::string executeRest(Input input);

} // namespace attn::fuzz

#endif // ATTN_TEST_FUZZ_GENERATOR_H
