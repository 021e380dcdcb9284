//===- GeneratorTest.cpp - What the fuzzer generates ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "gtest/gtest.h"

#include <random>

using namespace attn::fuzz;

/// How a program ends whose statements are taken as they come.
static std::string outcome(const std::vector<uint8_t> &bytes) {
  return execute(generate(bytes.data(), bytes.size()));
}

/// The beginning of every program is right by itself.
TEST(Generator, PrologueRuns) {
  EXPECT_EQ(outcome({}), "");
  for (uint8_t threads = 0; threads < 5; ++threads)
    EXPECT_EQ(outcome({threads, 1, 3}), "");
}

/// Programs that are all refused, or that all run through, would find nothing.
TEST(Generator, ProgramsAreOfAllKinds) {
  std::mt19937 random(1);
  unsigned refused = 0, hazards = 0, right = 0;
  constexpr unsigned count = 1000;
  for (unsigned i = 0; i < count; ++i) {
    std::vector<uint8_t> bytes(4 + random() % 60);
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(random());
    refused += outcome(bytes).compare(0, 9, "PTX line ") == 0;
    std::string message = executeRest(generate(bytes.data(), bytes.size()));
    hazards += message.find("has hazards") != std::string::npos;
    right += message.empty();
  }
  EXPECT_GT(refused, count / 4);
  EXPECT_GT(hazards, count / 4);
  EXPECT_GT(right, count / 20);
}
