//===- Survivors.cpp - Mutants that are known not to matter ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Survivors.h"

#include <sstream>

using namespace attn::mutation;
using namespace attn::runtime;

std::string attn::mutation::mutantKey(const std::string &program,
                                      const std::string &instruction,
                                      const std::string &rule) {
  return program + ' ' + instruction + ' ' + rule;
}

Result<std::map<std::string, std::string>>
attn::mutation::parseSurvivors(const std::string &text) {
  static const std::string because = "because ";
  std::map<std::string, std::string> survivors;
  std::string reason, line;
  std::istringstream stream(text);
  for (unsigned number = 1; std::getline(stream, line); ++number) {
    if (line.empty() || line[0] == '#')
      continue;
    if (line.compare(0, because.size(), because) == 0) {
      reason = line.substr(because.size());
      continue;
    }
    if (reason.empty())
      return failure("line ", number,
                     ": expected a reason in front of the first mutant");
    if (!survivors.emplace(line, reason).second)
      return failure("line ", number, ": expected each mutant once, got '",
                     line, "' again");
  }
  return survivors;
}
