//===- FuzzPtx.cpp - Hostile PTX must not harm the host -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target of libFuzzer. An input that starts with a dot is PTX itself, of
// which libFuzzer exchanges bytes; any other is what a program is generated
// from. `ATTN_FUZZ_PRINT=1` prints the program.
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include <cstdio>
#include <cstdlib>

using namespace attn::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Input input;
  bool isText = size && data[0] == '.';
  if (isText)
    input.ptx.assign(reinterpret_cast<const char *>(data), size);
  else
    input = generate(data, size);
  static const bool print = std::getenv("ATTN_FUZZ_PRINT");
  if (print)
    std::printf("%s\n", input.ptx.c_str());
  std::string message = isText ? execute(input) : executeRest(input);
  if (print)
    std::printf("%s\n", message.c_str());
  return 0;
}
