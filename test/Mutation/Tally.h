//===- Tally.h - How many mutants were reported -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_TALLY_H
#define ATTN_TEST_MUTATION_TALLY_H

#include "Golden.h"
#include "Mutations.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace attn::mutation {

/// How a mutant ended, the best first.
enum class Verdict {
  /// A hazard of a kind that its rule expects.
  Hazard,
  /// A wrong result, where its rule expects that too.
  WrongData,
  /// A hazard of another kind.
  OtherHazard,
  /// A wrong result and no hazard, where there should be one.
  WrongResult,
  /// Nothing at all.
  Survived,
  /// The emulator refused the text: the rule is at fault.
  Refused,
  /// Left out: no execution comes to the instruction.
  Unreached,
  /// Left out: the instruction is redundant, its removal being listed.
  Redundant,
};

const char *verdictName(Verdict verdict);

Verdict verdictOf(const Rule &rule, const Outcome &outcome, bool isRight);

struct Finding {
  const Mutant *mutant = nullptr;
  /// Of the mutant, of the place where it is, and of the mutant that lacks the
  /// instruction.
  std::string key, place, removal;
  Verdict verdict = Verdict::Survived;
  std::string message;
};

/// Sums up what became of mutants, and compares it with what is known.
class Tally {
public:
  /// Of the mutants that are not left out.
  static constexpr double leastRate = 0.95;

  explicit Tally(std::map<std::string, std::string> survivors)
      : survivors(std::move(survivors)) {}

  /// Notes that there is such a mutant, whether it is executed or not. A file
  /// of survivors names a place by `place` where nothing reaches it.
  void addKeys(const Finding &finding);
  /// What may as well be missing need not be broken in other ways.
  bool isRedundant(const Finding &finding) const {
    return finding.key != finding.removal && survivors.count(finding.removal);
  }
  void add(const Finding &finding);

  /// The figures for each instruction, in Markdown.
  std::string table() const;
  /// What is wrong with the figures.
  runtime::Status check() const;

private:
  struct Row {
    unsigned mutants = 0, hazards = 0, wrongData = 0, equivalent = 0;
    unsigned leftOut = 0;
    void add(const Row &other);
  };

  std::map<std::string, std::string> survivors;
  std::set<std::string> keys;
  std::map<std::string, Row> rows;
  /// Of the mutants that only a hazard tells.
  Row strict;
  std::set<std::string> problems;
};

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_TALLY_H
