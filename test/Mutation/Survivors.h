//===- Survivors.h - Mutants that are known not to matter -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_SURVIVORS_H
#define ATTN_TEST_MUTATION_SURVIVORS_H

#include "attn/Runtime/Status.h"

#include <map>
#include <string>

namespace attn::mutation {

/// Names a mutant: the program, the instruction with its number, the rule.
std::string mutantKey(const std::string &program,
                      const std::string &instruction, const std::string &rule);

/// The mutants that a file lists, with the reasons why each is equivalent to
/// the kernel it was made from. A line that starts with `because ` gives the
/// reason of the mutants that follow; one that starts with `#` is a comment. A
/// line names each mutant of `mha,mqa bar.sync#2,4-6 removed` at once.
runtime::Result<std::map<std::string, std::string>>
parseSurvivors(const std::string &text);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_SURVIVORS_H
