//===- Survivors.cpp - Mutants that are known not to matter ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Survivors.h"

#include <sstream>
#include <vector>

using namespace attn::mutation;
using namespace attn::runtime;

std::string attn::mutation::mutantKey(const std::string &program,
                                      const std::string &instruction,
                                      const std::string &rule) {
  return program + ' ' + instruction + ' ' + rule;
}

static std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);)
    parts.push_back(part);
  return parts;
}

/// The numbers of "2,4-6"; none if it is something else.
static std::vector<std::string> parseNumbers(const std::string &text) {
  std::vector<std::string> numbers;
  for (const std::string &part : split(text, ',')) {
    unsigned first = 0, last = 0;
    char dash = '-';
    std::istringstream stream(part);
    stream >> first;
    last = first;
    if (stream && !stream.eof())
      stream >> dash >> last;
    if (!stream || !stream.eof() || dash != '-' || first > last)
      return {};
    for (unsigned number = first; number <= last; ++number)
      numbers.push_back(std::to_string(number));
  }
  return numbers;
}

/// The keys that a line stands for; none if it is malformed.
static std::vector<std::string> parseKeys(const std::string &line) {
  size_t name = line.find(' '), number = line.find('#', name);
  size_t rule = line.find(' ', number);
  if (rule == std::string::npos)
    return {};
  std::string instruction = line.substr(name + 1, number - name);
  std::vector<std::string> keys;
  for (const std::string &program : split(line.substr(0, name), ','))
    for (const std::string &text :
         parseNumbers(line.substr(number + 1, rule - number - 1)))
      keys.push_back(
          mutantKey(program, instruction + text, line.substr(rule + 1)));
  return keys;
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
    std::vector<std::string> keys = parseKeys(line);
    if (keys.empty())
      return failure("line ", number,
                     ": expected mutants such as 'mha bar.sync#2 removed', "
                     "got '",
                     line, "'");
    for (const std::string &key : keys)
      if (!survivors.emplace(key, reason).second)
        return failure("line ", number, ": expected each mutant once, got '",
                       key, "' again");
  }
  return survivors;
}
