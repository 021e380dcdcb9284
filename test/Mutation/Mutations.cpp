//===- Mutations.cpp - What can be wrong with synchronisation -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutations.h"

#include <algorithm>

using namespace attn::mutation;
using namespace attn::runtime::emulator;

static constexpr int64_t mbarrierBytes = 8;

template <unsigned index> static SourceOperand &operand(Statement &statement) {
  return statement.operands[index];
}

static std::optional<Edit> remove(const Source &source, size_t at) {
  return source.remove(at);
}
static std::optional<Edit> moveBefore(const Source &source, size_t at) {
  return source.moveBefore(at);
}
static std::optional<Edit> moveBehind(const Source &source, size_t at) {
  return source.moveBehind(at);
}

/// Gives the instruction another name, and no operands but the first few.
static Edit rename(const Source &source, size_t at, const char *name,
                   size_t operands) {
  Statement changed = source.statements()[at];
  changed.name = name;
  changed.operands.resize(operands);
  return source.replace(at, changed);
}

/// The name with the first `from` in it replaced by `to`.
static Edit rename(const Source &source, size_t at, const std::string &from,
                   const std::string &to) {
  Statement changed = source.statements()[at];
  changed.name.replace(changed.name.find(from), from.size(), to);
  return source.replace(at, changed);
}

/// Adds `delta` to an operand of 32 bits.
template <unsigned index, int64_t delta>
static std::optional<Edit> add(const Source &source, size_t at) {
  if (index >= source.statements()[at].operands.size())
    return std::nullopt;
  return source.alter(at, operand<index>, ".b32", "add.s32", delta);
}

/// Adds `delta` to an operand that the instruction has as a number.
template <unsigned index, int64_t delta>
static std::optional<Edit> count(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  std::string &text = changed.operands[index].text;
  text = std::to_string(std::stoll(text) + delta);
  return source.replace(at, changed);
}

//===----------------------------------------------------------------------===//
// Waits for an mbarrier
//===----------------------------------------------------------------------===//

/// The wait succeeds at once.
static std::optional<Edit> skipWait(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  changed.name = "setp.eq.b32";
  changed.operands = {changed.operands[0], changed.operands[2],
                      changed.operands[2]};
  return source.replace(at, changed);
}

/// Asks once and goes on, whatever the answer.
static std::optional<Edit> waitOnce(const Source &source, size_t at) {
  Edit edit = rename(source, at, "try_wait", "test_wait");
  std::optional<size_t> loop = source.findInScope(at, "bra", /*forward=*/true);
  if (!loop)
    return std::nullopt;
  edit.merge(source.remove(*loop));
  return edit;
}

template <int64_t parity>
static std::optional<Edit> freezeParity(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  if (source.findConstant(changed.operands[2]) == parity)
    return std::nullopt;
  changed.operands[2].kind = SourceOperand::Kind::Immediate;
  changed.operands[2].text = std::to_string(parity);
  return source.replace(at, changed);
}

static std::optional<Edit> flipParity(const Source &source, size_t at) {
  return source.alter(at, operand<2>, ".b32", "xor.b32", 1);
}

//===----------------------------------------------------------------------===//
// Arrivals
//===----------------------------------------------------------------------===//

static std::optional<Edit> repeat(const Source &source, size_t at) {
  return source.repeat(at);
}

/// Arrives without announcing bytes.
static std::optional<Edit> announceNothing(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  changed.operands.pop_back();
  std::string &name = changed.name;
  name.replace(name.find(".expect_tx"), 10, "");
  return source.replace(at, changed);
}

/// Announces bytes without arriving.
static std::optional<Edit> announceOnly(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  changed.operands.erase(changed.operands.begin());
  changed.name = "mbarrier.expect_tx.relaxed.cta.shared::cta.b64";
  return source.replace(at, changed);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static std::optional<Edit> shiftDestination(const Source &source, size_t at) {
  return source.alter(at, operand<0>, ".b32", "add.s32", source.stageBytes());
}

static std::optional<Edit> shiftSource(const Source &source, size_t at) {
  return source.alter(at, operand<1>, ".b32", "add.s32", source.stageBytes());
}

/// Adds one to a coordinate of the tensor that is operand `tensor`.
template <unsigned tensor, unsigned dim>
static std::optional<Edit> shiftCoordinate(const Source &source, size_t at) {
  if (dim >= source.statements()[at].operands[tensor].elements.size())
    return std::nullopt;
  return source.alter(
      at,
      [](Statement &statement) -> SourceOperand & {
        return statement.operands[tensor].elements[dim];
      },
      ".b32", "add.s32", 1);
}

static std::optional<Edit> waitForReads(const Source &source, size_t at) {
  return rename(source, at, "wait_group", "wait_group.read");
}

//===----------------------------------------------------------------------===//
// Fences and named barriers
//===----------------------------------------------------------------------===//

static std::optional<Edit> weakenFence(const Source &source, size_t at) {
  return rename(source, at, "fence.acq_rel.cta", 0);
}

/// A barrier without a count is one of all threads.
static Statement withCount(const Source &source, size_t at) {
  Statement changed = source.statements()[at];
  if (changed.operands.size() == 1) {
    SourceOperand threads;
    threads.kind = SourceOperand::Kind::Immediate;
    threads.text = std::to_string(source.maxThreads());
    changed.operands.push_back(threads);
  }
  return changed;
}

static std::optional<Edit> arriveOnly(const Source &source, size_t at) {
  Statement changed = withCount(source, at);
  changed.name.replace(changed.name.find("sync"), 4, "arrive");
  return source.replace(at, changed);
}

template <int64_t delta>
static std::optional<Edit> countThreads(const Source &source, size_t at) {
  Statement changed = withCount(source, at);
  std::string &text = changed.operands[1].text;
  if (changed.operands[1].kind != SourceOperand::Kind::Immediate)
    return add<1, delta>(source, at);
  text = std::to_string(std::stoll(text) + delta);
  return source.replace(at, changed);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Exchanges the instruction with the next product of its scope, or with the
/// last.
template <bool forward>
static std::optional<Edit> moveOverProduct(const Source &source, size_t at) {
  std::optional<size_t> product =
      source.findInScope(at, "wgmma.mma_async", forward);
  if (!product)
    return std::nullopt;
  return source.moveTo(at, *product, /*before=*/!forward);
}

static std::optional<Edit> waitForFewer(const Source &source, size_t at) {
  return count<0, 1>(source, at);
}

/// Changes the descriptor of B, which follows the accumulators and A.
static Edit alterB(const Source &source, size_t at, const char *operation,
                   int64_t value) {
  return source.alter(at, operand<2>, ".b64", operation, value);
}

static std::optional<Edit> shiftStage(const Source &source, size_t at) {
  return alterB(source, at, "add.s64", source.stageBytes() >> 4);
}
static std::optional<Edit> shiftStart(const Source &source, size_t at) {
  return alterB(source, at, "add.s64", 32 >> 4);
}
static std::optional<Edit> widenStride(const Source &source, size_t at) {
  return alterB(source, at, "add.s64", int64_t(1024 >> 4) << 32);
}
static std::optional<Edit> clearStride(const Source &source, size_t at) {
  return alterB(source, at, "and.b64", ~(int64_t(0x3FFF) << 32));
}
/// From the swizzle of 128 bytes to the one of 64.
static std::optional<Edit> narrowSwizzle(const Source &source, size_t at) {
  return alterB(source, at, "xor.b64", static_cast<int64_t>(uint64_t(3) << 62));
}
/// Only a transposed matrix with a swizzle has a leading dimension, and only
/// where it is wider than the swizzle: "m64n128k16".
static std::optional<Edit> shrinkLeading(const Source &source, size_t at) {
  constexpr int64_t swizzledElements = 64;
  const Statement &statement = source.statements()[at];
  size_t shape = statement.name.find(".m64n");
  if (statement.operands.back().text != "1" || shape == std::string::npos ||
      std::stoll(statement.name.substr(shape + 5)) <= swizzledElements)
    return std::nullopt;
  return alterB(source, at, "xor.b64", int64_t(0x2000 >> 4) << 16);
}

//===----------------------------------------------------------------------===//
// Register budgets
//===----------------------------------------------------------------------===//

/// No thread has more than 256.
static std::optional<Edit> enlargeBudget(const Source &source, size_t at) {
  constexpr int64_t more = 16, most = 256;
  if (std::stoll(source.statements()[at].operands[0].text) + more > most)
    return std::nullopt;
  return count<0, more>(source, at);
}

static std::optional<Edit> invertBudget(const Source &source, size_t at) {
  bool increases =
      source.statements()[at].name.find(".inc.") != std::string::npos;
  return rename(source, at, increases ? ".inc." : ".dec.",
                increases ? ".dec." : ".inc.");
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

const std::vector<Rule> &attn::mutation::mutationRules() {
  using Kinds = std::vector<HazardKind>;
  // What an access that comes too early meets.
  static const Kinds early = {HazardKind::Race, HazardKind::UnwrittenMemory,
                              HazardKind::MemoryInFlight};
  static const auto with = [](Kinds kinds, const Kinds &more) {
    kinds.insert(kinds.end(), more.begin(), more.end());
    return kinds;
  };
  static const Kinds dead = {HazardKind::Deadlock};
  static const Kinds misuse = {HazardKind::BarrierMisuse};
  static const Kinds phases = with(with(early, dead), misuse);
  // Behind the last barrier shared memory may end.
  static const Kinds neighbour = with(phases, {HazardKind::OutOfBounds});
  static const Kinds flight = {HazardKind::RegisterInFlight,
                               HazardKind::Outstanding};
  static const Kinds proxy = {HazardKind::MissingProxyFence};
  static const Kinds data = with(with(early, proxy), {HazardKind::OutOfBounds});
  static const Kinds wgmmaFence = {HazardKind::MissingWgmmaFence};
  static const Kinds budget = {HazardKind::RegisterBudget,
                               HazardKind::Deadlock};
  static const char *wait = "mbarrier.try_wait", *arrive = "mbarrier.arrive",
                    *expect = "mbarrier.arrive.expect_tx",
                    *init = "mbarrier.init",
                    *load = "cp.async.bulk.tensor.?d.shared",
                    *store = "cp.async.bulk.tensor.?d.global",
                    *product = "wgmma.mma_async", *barrier = "bar.sync",
                    *reads = "cp.async.bulk.wait_group",
                    *proxyFence = "fence.proxy", *initFence = "fence.mbarrier",
                    *previous = "griddepcontrol.wait", *none = nullptr;
  static const std::vector<Rule> rules = {
      {wait, none, "removed", with(early, misuse), false, skipWait},
      {wait, none, "asks only once", with(early, misuse), false, waitOnce},
      {wait, none, "parity flipped", phases, false, flipParity},
      {wait, none, "parity always 0", phases, false, freezeParity<0>},
      {wait, none, "parity always 1", phases, false, freezeParity<1>},
      {wait, none, "on the next barrier", neighbour, false,
       add<1, mbarrierBytes>},
      {wait, none, "on the barrier in front", phases, false,
       add<1, -mbarrierBytes>},
      {wait, none, "moved behind", with(early, misuse), false, moveBehind},
      {arrive, expect, "removed", dead, false, remove},
      {arrive, expect, "repeated", phases, false, repeat},
      {arrive, expect, "on the next barrier", neighbour, false,
       add<1, mbarrierBytes>},
      {arrive, expect, "on the barrier in front", phases, false,
       add<1, -mbarrierBytes>},
      {arrive, expect, "moved before", with(with(early, misuse), proxy), false,
       moveBefore},
      {arrive, expect, "moved behind", dead, false, moveBehind},
      {expect, none, "removed", dead, false, remove},
      {expect, none, "16 bytes more", dead, false, add<2, 16>},
      {expect, none, "16 bytes less", with(dead, misuse), false, add<2, -16>},
      {expect, none, "without bytes", phases, false, announceNothing},
      {expect, none, "without arrival", dead, false, announceOnly},
      {expect, none, "on the next barrier", neighbour, false,
       add<1, mbarrierBytes>},
      {expect, none, "on the barrier in front", phases, false,
       add<1, -mbarrierBytes>},
      {expect, none, "moved before", phases, false, moveBefore},
      {init, none, "removed", misuse, false, remove},
      {init, none, "one more", dead, false, add<1, 1>},
      {init, none, "one less", phases, false, add<1, -1>},
      {init, none, "of the next barrier", neighbour, false,
       add<0, mbarrierBytes>},
      {load, none, "removed", dead, false, remove},
      {load, none, "to the next stage", with(early, {HazardKind::OutOfBounds}),
       false, shiftDestination},
      {load, none, "to the next 128 bytes", data, true, add<0, 128>},
      {load, none, "on the next barrier", neighbour, false,
       add<2, mbarrierBytes>},
      {load, none, "on the barrier in front", phases, false,
       add<2, -mbarrierBytes>},
      {load, none, "coordinate 0", data, true, shiftCoordinate<1, 0>},
      {load, none, "coordinate 1", data, true, shiftCoordinate<1, 1>},
      {load, none, "coordinate 2", data, true, shiftCoordinate<1, 2>},
      {load, none, "coordinate 3", data, true, shiftCoordinate<1, 3>},
      {load, none, "coordinate 4", data, true, shiftCoordinate<1, 4>},
      {store, none, "from the next stage", data, true, shiftSource},
      {store, none, "coordinate 0", data, true, shiftCoordinate<0, 0>},
      {store, none, "coordinate 1", data, true, shiftCoordinate<0, 1>},
      {store, none, "coordinate 2", data, true, shiftCoordinate<0, 2>},
      {store, none, "coordinate 3", data, true, shiftCoordinate<0, 3>},
      {store, none, "coordinate 4", data, true, shiftCoordinate<0, 4>},
      {"cp.async.bulk.commit_group", none, "removed",
       with({HazardKind::Outstanding}, {HazardKind::MemoryInFlight}), false,
       remove},
      {reads, none, "removed", with(early, {HazardKind::Outstanding}), false,
       remove},
      {reads, none, "for one less", with(early, {HazardKind::Outstanding}),
       false, waitForFewer},
      {reads,
       "cp.async.bulk.wait_group.read",
       "for reads only",
       {HazardKind::Outstanding, HazardKind::MemoryInFlight},
       false,
       waitForReads},
      {proxyFence, none, "removed", proxy, false, remove},
      {proxyFence, none, "of the generic proxy", proxy, false, weakenFence},
      {proxyFence, none, "moved before", proxy, false, moveBefore},
      {proxyFence, none, "moved behind", proxy, false, moveBehind},
      {initFence, none, "removed", proxy, false, remove},
      {initFence, none, "of the generic proxy", proxy, false, weakenFence},
      {initFence, none, "moved behind", proxy, false, moveBehind},
      {barrier, none, "removed", with(phases, proxy), false, remove},
      {barrier, none, "arrives only", with(phases, proxy), false, arriveOnly},
      {barrier, none, "on the next barrier", phases, false, add<0, 1>},
      {barrier, none, "of 32 threads more", with(dead, misuse), false,
       countThreads<32>},
      {barrier, none, "of 32 threads less", phases, false, countThreads<-32>},
      {barrier, none, "moved before", with(early, proxy), false, moveBefore},
      {barrier, none, "moved behind", with(early, proxy), false, moveBehind},
      {previous, none, "removed", {HazardKind::Race}, false, remove},
      {"wgmma.fence", none, "removed", wgmmaFence, false, remove},
      {"wgmma.fence", none, "moved behind", wgmmaFence, false,
       moveOverProduct<true>},
      {"wgmma.commit_group", none, "removed", flight, false, remove},
      {"wgmma.commit_group", none, "moved before", flight, false,
       moveOverProduct<false>},
      {"wgmma.wait_group", none, "removed", with(flight, early), false, remove},
      {"wgmma.wait_group", none, "for one less", with(flight, early), false,
       waitForFewer},
      {"wgmma.wait_group", none, "moved behind", with(flight, early), false,
       moveBehind},
      {product, none, "from the next stage",
       with(with(early, proxy), {HazardKind::OutOfBounds}), false, shiftStage},
      {product, none, "start", data, true, shiftStart},
      {product, none, "stride widened", data, true, widenStride},
      {product, none, "stride cleared", data, true, clearStride},
      {product, none, "leading dimension", data, true, shrinkLeading},
      {product, none, "swizzle", data, true, narrowSwizzle},
      {"setmaxnreg", none, "removed", budget, false, remove},
      {"setmaxnreg", none, "16 more", budget, false, enlargeBudget},
      {"setmaxnreg", none, "inverted", budget, false, invertBudget},
  };
  return rules;
}

static bool applies(const Rule &rule, const std::string &name) {
  auto startsWith = [&](const std::string &prefix) {
    return prefix.size() <= name.size() &&
           std::equal(prefix.begin(), prefix.end(), name.begin(),
                      [](char a, char b) { return a == b || a == '?'; });
  };
  return startsWith(rule.opcode) && !(rule.unless && startsWith(rule.unless));
}

std::vector<Mutant> attn::mutation::mutate(const Source &source) {
  std::vector<Mutant> mutants;
  std::map<std::string, unsigned> counts;
  for (size_t at = 0; at < source.statements().size(); ++at) {
    const Statement &statement = source.statements()[at];
    if (statement.kind != Statement::Kind::Instruction)
      continue;
    std::string instruction =
        statement.name + '#' + std::to_string(++counts[statement.name]);
    for (const Rule &rule : mutationRules())
      if (applies(rule, statement.name))
        if (std::optional<Edit> edit = rule.apply(source, at))
          mutants.push_back({&rule, at, instruction, std::move(*edit)});
  }
  return mutants;
}
