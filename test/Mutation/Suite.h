//===- Suite.h - All mutants of some kernels, executed ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_SUITE_H
#define ATTN_TEST_MUTATION_SUITE_H

#include "GoldenFolder.h"
#include "Tally.h"

#include <map>
#include <string>
#include <vector>

namespace attn::mutation {

struct SuiteOptions {
  /// What is executed, each for a run; Shape.h has the form.
  std::vector<std::string> shapes;
  /// Runs of each shape until one reports.
  unsigned seeds = 3;
  /// Execute one mutant in so many, chosen by name.
  unsigned sample = 1;
  /// Execute the mutants of part `shard` of so many, likewise.
  unsigned shard = 0, shards = 1;
  /// Execute the mutants whose name contains this.
  std::string only;
  /// How many are executed at a time.
  unsigned jobs = 1;
  /// Begin no other after so many seconds; zero for no limit.
  unsigned seconds = 0;
};

/// How mutants ended, by their keys: lines such as
/// "hazard: mha bar.sync#1 removed".
using Verdicts = std::map<std::string, Verdict>;
runtime::Result<Verdicts> parseVerdicts(const std::string &text);
std::string textOf(const Verdicts &verdicts);

struct SuiteResult {
  Verdicts verdicts;
  /// The mutants for which there was no time.
  size_t left = 0;
};

/// Executes the mutants of `programs`, but for those that `known` knows, and
/// adds what became of them to `tally`.
runtime::Result<SuiteResult>
runSuite(const std::vector<GoldenProgram> &programs,
         const SuiteOptions &options, const Verdicts &known, Tally &tally);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_SUITE_H
