//===- PtxLint.cpp - Misuse of in-flight registers in PTX -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A forward dataflow over the instructions of a function. The state is, for
// each wgmma, the age of its youngest group in flight, and for each register of
// a wgmma, the line of its last write that no fence has ordered yet.
//
//===----------------------------------------------------------------------===//

#include "attn/Export/PtxLint.h"

#include "PtxText.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace mlir::attn {
namespace {

using ptx::Function;
using ptx::Instruction;
using ptx::Operand;

struct Wgmma {
  unsigned line = 0;
  /// The m64nNkK modifier.
  std::string_view shape;
  std::vector<unsigned> accumulators;
  /// Empty where A comes from shared memory.
  std::vector<unsigned> fragment;

  /// The same registers in the same shape are accumulated into in order,
  /// without a wait between.
  bool accumulatesLike(const Wgmma &other) const {
    return shape == other.shape && accumulators == other.accumulators;
  }
};

/// The number of groups committed since a wgmma's own; 0 before its commit.
using Age = unsigned;
constexpr Age landed = ~0u;
/// Ages stop growing here, so that a loop that commits without ever waiting
/// comes to an end. Far above the groups that anyone keeps in flight.
constexpr Age oldest = 64;

/// The line of a register's last write, if no fence came after it. Line 1 of a
/// PTX text is its `.version`, so it can stand for what the caller left behind:
/// the first wgmma wants a fence, too.
using Line = unsigned;
constexpr Line ordered = 0;
constexpr Line beforeEntry = 1;

struct State {
  /// In the order of FunctionLint::wgmmas.
  std::vector<Age> ages;
  /// In the order of FunctionLint::watched.
  std::vector<Line> writes;

  /// Merges in `other`: a wgmma is as young, and a write as late, as on any
  /// path. Returns whether that changed anything.
  bool join(const State &other);
};

bool State::join(const State &other) {
  State old = *this;
  for (size_t i = 0; i < ages.size(); ++i)
    ages[i] = std::min(ages[i], other.ages[i]);
  for (size_t i = 0; i < writes.size(); ++i)
    writes[i] = std::max(writes[i], other.writes[i]);
  return ages != old.ages || writes != old.writes;
}

std::string quote(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// The part of `opcode` like `m64n128k16`.
std::string_view shapeOf(std::string_view opcode) {
  size_t begin = opcode.find(".m64");
  if (begin == std::string_view::npos)
    return {};
  return opcode.substr(begin, opcode.find('.', begin + 1) - begin);
}

bool contains(const std::vector<unsigned> &registers, unsigned reg) {
  return std::find(registers.begin(), registers.end(), reg) != registers.end();
}

class FunctionLint {
public:
  FunctionLint(const Function &function, std::vector<PtxLintFinding> &findings)
      : function(function), findings(findings) {}

  void run();

private:
  void collectWgmmas();
  void watch(const std::vector<unsigned> &registers);
  void findStates();
  void arrive(unsigned index, const State &state, std::set<unsigned> &pending);
  void transfer(unsigned index, State &state) const;
  std::optional<Age> waitedGroups(const Instruction &wait) const;

  void check(unsigned index);
  void checkAccess(const Instruction &instruction, const Wgmma *wgmma,
                   const State &state);
  bool checkUse(const Instruction &instruction, const Operand &operand,
                unsigned reg, const Wgmma *wgmma, const Wgmma &owner);
  void checkFence(const Wgmma &wgmma, const State &state);
  void checkReturn(const Instruction &instruction, const State &state);

  void report(unsigned line, std::string message) {
    findings.push_back({line, std::move(message)});
  }
  std::string nameOf(unsigned reg) const {
    return quote(function.registers[reg]);
  }

  const Function &function;
  std::vector<PtxLintFinding> &findings;

  std::vector<Wgmma> wgmmas;
  /// Where in `wgmmas` the instruction of this index is.
  std::map<unsigned, unsigned> wgmmaAt;
  /// The registers of any wgmma, and where in State::writes each is.
  std::map<unsigned, unsigned> watched;
  /// The state before each instruction; none where control never comes.
  std::vector<std::optional<State>> states;
};

void FunctionLint::run() {
  collectWgmmas();
  if (wgmmas.empty())
    return;
  findStates();
  for (unsigned i = 0; i < function.instructions.size(); ++i)
    if (states[i])
      check(i);
}

void FunctionLint::collectWgmmas() {
  for (unsigned i = 0; i < function.instructions.size(); ++i) {
    const Instruction &instruction = function.instructions[i];
    if (!instruction.is("wgmma.mma_async"))
      continue;
    if (instruction.operands.size() < 3) {
      report(instruction.line, "expected accumulators, A and B, got " +
                                   std::to_string(instruction.operands.size()) +
                                   " operands");
      continue;
    }
    Wgmma wgmma;
    wgmma.line = instruction.line;
    wgmma.shape = shapeOf(instruction.opcode);
    wgmma.accumulators = instruction.operands[0].registers;
    // A descriptor is read at once; only a fragment stays borrowed.
    if (instruction.operands[1].isVector)
      wgmma.fragment = instruction.operands[1].registers;
    watch(wgmma.accumulators);
    watch(wgmma.fragment);
    wgmmaAt.emplace(i, wgmmas.size());
    wgmmas.push_back(std::move(wgmma));
  }
}

void FunctionLint::watch(const std::vector<unsigned> &registers) {
  for (unsigned reg : registers)
    watched.emplace(reg, watched.size());
}

void FunctionLint::findStates() {
  states.resize(function.instructions.size());
  std::set<unsigned> pending;
  arrive(0,
         {std::vector<Age>(wgmmas.size(), landed),
          std::vector<Line>(watched.size(), beforeEntry)},
         pending);
  while (!pending.empty()) {
    unsigned index = *pending.begin();
    pending.erase(pending.begin());
    const Instruction &instruction = function.instructions[index];
    State state = *states[index];
    transfer(index, state);
    if (instruction.fallsThrough)
      arrive(index + 1, state, pending);
    for (unsigned target : instruction.targets)
      arrive(target, state, pending);
  }
}

/// Control comes to instruction `index` with `state`.
void FunctionLint::arrive(unsigned index, const State &state,
                          std::set<unsigned> &pending) {
  std::optional<State> &known = states[index];
  if (known && !known->join(state))
    return;
  if (!known)
    known = state;
  pending.insert(index);
}

void FunctionLint::transfer(unsigned index, State &state) const {
  const Instruction &instruction = function.instructions[index];
  if (auto wgmma = wgmmaAt.find(index); wgmma != wgmmaAt.end()) {
    state.ages[wgmma->second] = 0;
  } else if (instruction.is("wgmma.fence")) {
    std::fill(state.writes.begin(), state.writes.end(), ordered);
  } else if (instruction.is("wgmma.commit_group")) {
    for (Age &age : state.ages)
      if (age != landed)
        age = std::min(age + 1, oldest);
  } else if (instruction.is("wgmma.wait_group")) {
    if (std::optional<Age> groups = waitedGroups(instruction))
      for (Age &age : state.ages)
        if (age > *groups)
          age = landed;
  } else if (const Operand *result = instruction.getResult()) {
    for (unsigned reg : result->registers)
      if (auto slot = watched.find(reg); slot != watched.end())
        state.writes[slot->second] = instruction.line;
  }
}

/// The number of groups that may stay in flight after `wait`.
std::optional<Age> FunctionLint::waitedGroups(const Instruction &wait) const {
  std::string_view text = wait.getText(0);
  Age groups = 0;
  auto [end, error] = std::from_chars(text.begin(), text.end(), groups);
  if (error != std::errc() || end != text.end())
    return std::nullopt;
  return groups;
}

void FunctionLint::check(unsigned index) {
  const Instruction &instruction = function.instructions[index];
  const State &state = *states[index];
  auto found = wgmmaAt.find(index);
  const Wgmma *wgmma =
      found == wgmmaAt.end() ? nullptr : &wgmmas[found->second];
  checkAccess(instruction, wgmma, state);
  if (wgmma)
    checkFence(*wgmma, state);
  else if (instruction.isReturn())
    checkReturn(instruction, state);
  else if (instruction.is("wgmma.wait_group") && !waitedGroups(instruction))
    report(instruction.line,
           "expected the groups that may stay in flight as a literal of "
           "wgmma.wait_group, got " +
               quote(instruction.getText(0)));
}

/// Checks the registers of `instruction`, which is `wgmma` if that is not null,
/// against what is in flight.
void FunctionLint::checkAccess(const Instruction &instruction,
                               const Wgmma *wgmma, const State &state) {
  for (const Operand &operand : instruction.operands)
    for (unsigned reg : operand.registers)
      if (watched.count(reg))
        for (size_t i = 0; i < wgmmas.size(); ++i)
          if (state.ages[i] != landed &&
              checkUse(instruction, operand, reg, wgmma, wgmmas[i]))
            return;
}

/// Reports a use of `reg` that `owner` forbids while it is in flight. Returns
/// whether there was one.
bool FunctionLint::checkUse(const Instruction &instruction,
                            const Operand &operand, unsigned reg,
                            const Wgmma *wgmma, const Wgmma &owner) {
  bool isInPlace = wgmma && wgmma->accumulatesLike(owner);
  bool isWrite = &operand == instruction.getResult();
  const char *use = nullptr;
  if (contains(owner.accumulators, reg) && !isInPlace)
    use = "use of accumulator ";
  else if (contains(owner.fragment, reg) && isWrite)
    use = "write of A fragment register ";
  if (!use)
    return false;
  report(instruction.line, "expected no " + (use + nameOf(reg)) +
                               " before the wait for the wgmma at line " +
                               std::to_string(owner.line) + ", got " +
                               quote(instruction.opcode));
  return true;
}

void FunctionLint::checkFence(const Wgmma &wgmma, const State &state) {
  for (const auto *registers : {&wgmma.accumulators, &wgmma.fragment})
    for (unsigned reg : *registers) {
      Line write = state.writes[watched.at(reg)];
      if (write == beforeEntry)
        return report(wgmma.line,
                      "expected wgmma.fence before the first wgmma, got none");
      if (write != ordered)
        return report(wgmma.line, "expected wgmma.fence between the write of " +
                                      nameOf(reg) + " at line " +
                                      std::to_string(write) +
                                      " and this wgmma, got none");
    }
}

void FunctionLint::checkReturn(const Instruction &instruction,
                               const State &state) {
  for (size_t i = 0; i < wgmmas.size(); ++i)
    if (state.ages[i] != landed)
      report(
          wgmmas[i].line,
          std::string("expected ") +
              (state.ages[i] == 0 ? "wgmma.commit_group" : "wgmma.wait_group") +
              " between this wgmma and the return at line " +
              std::to_string(instruction.line) + ", got none");
}

} // namespace

std::vector<PtxLintFinding> lintPtx(std::string_view ptx) {
  std::vector<PtxLintFinding> findings;
  std::vector<Function> functions = ptx::readFunctions(ptx, findings);
  if (functions.empty() && findings.empty())
    findings.push_back({1, "expected a function, got none"});
  for (const Function &function : functions)
    FunctionLint(function, findings).run();
  std::stable_sort(
      findings.begin(), findings.end(),
      [](const auto &a, const auto &b) { return a.line < b.line; });
  return findings;
}

} // namespace mlir::attn
