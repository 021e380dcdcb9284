//===- Mutations.h - What can be wrong with synchronisation -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_MUTATIONS_H
#define ATTN_TEST_MUTATION_MUTATIONS_H

#include "Hazard.h"
#include "Source.h"

#include <string>
#include <vector>

namespace attn::mutation {

/// A way to break an instruction, and how that is to be reported.
struct Rule {
  /// What the names of its instructions start with and, unless null, do not; a
  /// question mark stands for any character.
  const char *opcode;
  const char *unless;
  const char *name;
  /// The kinds of hazard that say what was done.
  std::vector<runtime::emulator::HazardKind> expected;
  /// The mutant takes wrong data in a right order, so that a wrong result says
  /// it as well.
  bool isDataError;
  std::optional<Edit> (*apply)(const Source &source, size_t at);
};

const std::vector<Rule> &mutationRules();

/// A kernel with one thing wrong.
struct Mutant {
  const Rule *rule = nullptr;
  /// Where, as an index of the source's statements.
  size_t at = 0;
  /// The name of the instruction and its number among those of that name.
  std::string instruction;
  Edit edit;
};

std::vector<Mutant> mutate(const Source &source);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_MUTATIONS_H
