//===- Control.cpp - Branches and where they meet again -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static Step executeBranch(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  Path &path = warp.paths.back();
  if (mask == path.mask) {
    path.pc = instruction.target;
    return Step::Jumped;
  }
  Path taken{instruction.target, instruction.reconverge, mask};
  Path other{path.pc + 1, instruction.reconverge, path.mask & ~mask};
  path.pc = instruction.reconverge;
  // Which side goes first is not defined.
  if (block.random.below(2))
    std::swap(taken, other);
  warp.paths.push_back(other);
  warp.paths.push_back(taken);
  return Step::Jumped;
}

/// Each thread goes on at the target that its index chooses; no other index is
/// defined.
static Step executeIndexedBranch(Block &block, Warp &warp,
                                 const Instruction &instruction,
                                 uint32_t mask) {
  Operand operand = instruction.operands[0];
  block.checkRead(warp, instruction, operand, mask);
  const Words &indices = wordsOf(block, warp, operand);
  auto count = static_cast<uint32_t>(instruction.targets.size());
  std::vector<uint32_t> lanes(count);
  Step step = forEachLane(mask, [&](unsigned lane) {
    if (indices[lane] >= count)
      return block.fail(HazardKind::OutOfBounds, warp, instruction,
                        static_cast<int>(lane),
                        "expected an index below " + std::to_string(count) +
                            ", got " + std::to_string(indices[lane]));
    lanes[indices[lane]] |= 1u << lane;
    return Step::Next;
  });
  if (step == Step::Failed)
    return step;
  Path &path = warp.paths.back();
  uint32_t rest = path.mask & ~mask, next = path.pc + 1;
  path.pc = instruction.reconverge;
  if (rest)
    warp.paths.push_back({next, instruction.reconverge, rest});
  uint32_t first = block.random.below(count);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t target = (first + i) % count;
    if (lanes[target])
      warp.paths.push_back(
          {instruction.targets[target], instruction.reconverge, lanes[target]});
  }
  return Step::Jumped;
}

static Step executeExit(Block &, Warp &warp, const Instruction &,
                        uint32_t mask) {
  warp.exited |= mask;
  for (Path &path : warp.paths)
    path.mask &= ~mask;
  return Step::Next;
}

static Step executeTrap(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t mask) {
  return block.fail(HazardKind::Trap, warp, instruction, __builtin_ctz(mask),
                    "the kernel stops here by itself");
}

void attn::runtime::emulator::makeBranch(Instruction &instruction,
                                         uint32_t label) {
  instruction.execute = executeBranch;
  instruction.target = label;
}

static Status decodeBranch(Decoder &decoder) {
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<uint32_t> target = decoder.label(decoder.statement().operands[0]);
  if (target.failed())
    return target.error();
  makeBranch(decoder.instruction(), *target);
  return {};
}

static Status decodeIndexedBranch(Decoder &decoder) {
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  Instruction &instruction = decoder.instruction();
  if (Status status = decoder.addSource(operands[0], Type::Bits32);
      status.failed())
    return status;
  const Statement *targets = decoder.branchTargets(operands[1].text);
  if (!targets)
    return decoder.error("expected a list of labels, got '" + operands[1].text +
                         "'");
  for (const SourceOperand &operand : targets->operands) {
    Result<uint32_t> target = decoder.label(operand);
    if (target.failed())
      return target.error();
    instruction.targets.push_back(*target);
  }
  instruction.execute = executeIndexedBranch;
  return {};
}

Status attn::runtime::emulator::decodeControl(Decoder &decoder) {
  Instruction &instruction = decoder.instruction();
  const std::string &name = decoder.statement().name;
  if (name == "bra" || name == "bra.uni")
    return decodeBranch(decoder);
  if (name == "brx.idx" || name == "brx.idx.uni")
    return decodeIndexedBranch(decoder);
  bool returns = name == "ret" || name == "ret.uni";
  std::optional<uint32_t> label =
      returns ? decoder.returnLabel() : std::nullopt;
  if (label)
    makeBranch(instruction, *label);
  else if (returns || name == "exit")
    instruction.execute = executeExit;
  else if (name == "trap" || name == "brkpt")
    instruction.execute = executeTrap;
  else
    return decoder.unknown();
  return decoder.expectOperands(0);
}

//===----------------------------------------------------------------------===//
// Reconvergence
//===----------------------------------------------------------------------===//

namespace {
/// The instructions as a graph, with one node more for the end of the kernel,
/// and for each its nearest postdominator: the place that every path from it
/// comes through.
class Postdominators {
public:
  explicit Postdominators(const std::vector<Instruction> &instructions);

  uint32_t nearest(uint32_t node) const { return parent[node]; }

private:
  std::vector<uint32_t> successors(uint32_t node) const;
  void number();
  uint32_t meet(uint32_t a, uint32_t b) const;

  static constexpr uint32_t none = ~0u;

  const std::vector<Instruction> &instructions;
  uint32_t end;
  std::vector<std::vector<uint32_t>> predecessors;
  /// Those that reach the end, in the order of a walk back from it: a node
  /// comes after the one that it was found through.
  std::vector<uint32_t> order;
  std::vector<uint32_t> rank;
  std::vector<uint32_t> parent;
};
} // namespace

std::vector<uint32_t> Postdominators::successors(uint32_t node) const {
  const Instruction &instruction = instructions[node];
  bool conditional = instruction.guard >= 0;
  std::vector<uint32_t> result;
  if (instruction.execute == executeBranch)
    result.push_back(instruction.target);
  else if (instruction.execute == executeIndexedBranch)
    result = instruction.targets;
  else if (instruction.execute == executeExit ||
           instruction.execute == executeTrap)
    result.push_back(end);
  else
    conditional = true;
  if (conditional)
    result.push_back(node + 1);
  return result;
}

/// Numbers the nodes in reverse postorder of the reversed graph.
void Postdominators::number() {
  std::vector<std::pair<uint32_t, size_t>> stack = {{end, 0}};
  std::vector<bool> seen(end + 1);
  seen[end] = true;
  while (!stack.empty()) {
    auto &[node, next] = stack.back();
    if (next == predecessors[node].size()) {
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    uint32_t predecessor = predecessors[node][next++];
    if (!seen[predecessor]) {
      seen[predecessor] = true;
      stack.emplace_back(predecessor, 0);
    }
  }
  std::reverse(order.begin(), order.end());
  for (uint32_t i = 0; i < order.size(); ++i)
    rank[order[i]] = i;
}

uint32_t Postdominators::meet(uint32_t a, uint32_t b) const {
  while (a != b) {
    while (rank[a] > rank[b])
      a = parent[a];
    while (rank[b] > rank[a])
      b = parent[b];
  }
  return a;
}

Postdominators::Postdominators(const std::vector<Instruction> &instructions)
    : instructions(instructions),
      end(static_cast<uint32_t>(instructions.size())), predecessors(end + 1),
      rank(end + 1, none), parent(end + 1, none) {
  for (uint32_t node = 0; node < end; ++node)
    for (uint32_t successor : successors(node))
      predecessors[successor].push_back(node);
  number();
  parent[end] = end;
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t node : order) {
      if (node == end)
        continue;
      uint32_t best = none;
      for (uint32_t successor : successors(node))
        if (parent[successor] != none)
          best = best == none ? successor : meet(best, successor);
      changed |= parent[node] != best;
      parent[node] = best;
    }
  }
  // From an endless loop nothing is reached.
  std::replace(parent.begin(), parent.end(), none, end);
}

void attn::runtime::emulator::computeReconvergence(Program &program) {
  Postdominators postdominators(program.instructions);
  for (uint32_t i = 0; i < program.instructions.size(); ++i)
    program.instructions[i].reconverge = postdominators.nearest(i);
}
