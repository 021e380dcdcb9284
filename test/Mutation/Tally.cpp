//===- Tally.cpp - How many mutants were reported -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tally.h"

#include <iomanip>
#include <sstream>

using namespace attn::mutation;
using namespace attn::runtime;

const char *attn::mutation::verdictName(Verdict verdict) {
  switch (verdict) {
  case Verdict::Hazard:
    return "hazard";
  case Verdict::WrongData:
    return "wrong data";
  case Verdict::OtherHazard:
    return "another hazard";
  case Verdict::WrongResult:
    return "wrong result without a hazard";
  case Verdict::Survived:
    return "survived";
  case Verdict::Refused:
    return "refused";
  case Verdict::Unreached:
    return "not reached";
  case Verdict::Redundant:
    return "redundant";
  }
  return "unknown";
}

Verdict attn::mutation::verdictOf(const Rule &rule, const Outcome &outcome,
                                  bool isRight) {
  if (outcome.message.empty())
    return isRight            ? Verdict::Survived
           : rule.isDataError ? Verdict::WrongData
                              : Verdict::WrongResult;
  if (outcome.hazards.empty())
    return Verdict::Refused;
  for (auto kind : rule.expected)
    if (outcome.hazards.count(kind))
      return Verdict::Hazard;
  return Verdict::OtherHazard;
}

/// The name of the instruction without its number and its shape.
static std::string rowOf(const std::string &instruction) {
  std::string name = instruction.substr(0, instruction.find('#'));
  for (const char *end : {".shared", ".sync.", ".parity", ".release"})
    name = name.substr(0, name.find(end));
  return name;
}

void Tally::addKeys(const Finding &finding) {
  keys.insert(finding.key);
  keys.insert(finding.place);
}

void Tally::add(const Finding &finding) {
  Verdict verdict = isRedundant(finding) ? Verdict::Redundant : finding.verdict;
  bool unreached = verdict == Verdict::Unreached;
  bool known = survivors.count(unreached ? finding.place : finding.key);
  bool lives = verdict == Verdict::Survived;
  Row row;
  row.leftOut = verdict >= Verdict::Unreached;
  row.mutants = !row.leftOut;
  row.hazards = verdict == Verdict::Hazard;
  row.wrongData = verdict == Verdict::WrongData;
  row.equivalent = known && lives;
  rows[rowOf(finding.mutant->instruction)].add(row);
  if (!finding.mutant->rule->isDataError)
    strict.add(row);

  if (verdict == Verdict::Redundant)
    return;
  std::string how = std::string(verdictName(verdict)) + ": " +
                    (unreached ? finding.place : finding.key);
  if (!unreached && survivors.count(finding.place))
    problems.insert("listed as not reached, but " + how);
  if (known && !lives && !unreached)
    problems.insert("listed as a survivor, but " + how);
  if (!known && !row.hazards && !row.wrongData)
    problems.insert(how + (finding.message.empty() ? "" : "\n    ") +
                    finding.message);
}

void Tally::Row::add(const Row &other) {
  mutants += other.mutants;
  hazards += other.hazards;
  wrongData += other.wrongData;
  equivalent += other.equivalent;
  leftOut += other.leftOut;
}

std::string Tally::table() const {
  std::ostringstream text;
  text << "| instruction | mutants | hazard of the right kind | wrong result | "
          "equivalent | left out |\n|---|---|---|---|---|---|\n";
  auto print = [&](const std::string &name, const Row &row) {
    text << "| " << name << " | " << row.mutants << " | " << row.hazards
         << " | " << row.wrongData << " | " << row.equivalent << " | "
         << row.leftOut << " |\n";
  };
  Row all;
  for (const auto &[name, row] : rows) {
    print('`' + name + '`', row);
    all.add(row);
  }
  print("all", all);
  print("of these, to be told by a hazard alone", strict);
  return text.str();
}

Status Tally::check() const {
  std::ostringstream text;
  for (const std::string &problem : problems)
    text << "\n  " << problem;
  for (const auto &[key, reason] : survivors)
    if (!keys.count(key))
      text << "\n  listed as a survivor, but there is no such thing: " << key;
  Row all;
  for (const auto &entry : rows)
    all.add(entry.second);
  if (unsigned reported = all.hazards + all.wrongData;
      reported < leastRate * all.mutants)
    text << "\n  expected " << 100 * leastRate
         << " % of the mutants to be reported, got " << reported << " of "
         << all.mutants;
  if (text.str().empty())
    return {};
  return failure("not all is as it should be:", text.str());
}
