//===- Atomic.cpp - Atomic operations -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatMath.h"
#include "Half.h"
#include "MemoryAccess.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// What becomes of the old value
//===----------------------------------------------------------------------===//

template <typename T> static T valueOf(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

template <typename T> static uint64_t add(uint64_t old, uint64_t b, uint64_t) {
  return bitsOf(static_cast<T>(valueOf<T>(old) + valueOf<T>(b)));
}
/// In global memory, a subnormal number counts as zero.
static uint64_t addFlushed(uint64_t old, uint64_t b, uint64_t) {
  return bitsOf(flush(flush(valueOf<float>(old)) + flush(valueOf<float>(b))));
}
template <typename T>
static uint64_t least(uint64_t old, uint64_t b, uint64_t) {
  return bitsOf(std::min(valueOf<T>(old), valueOf<T>(b)));
}
template <typename T>
static uint64_t greatest(uint64_t old, uint64_t b, uint64_t) {
  return bitsOf(std::max(valueOf<T>(old), valueOf<T>(b)));
}
static uint64_t bitAnd(uint64_t old, uint64_t b, uint64_t) { return old & b; }
static uint64_t bitOr(uint64_t old, uint64_t b, uint64_t) { return old | b; }
static uint64_t bitXor(uint64_t old, uint64_t b, uint64_t) { return old ^ b; }
static uint64_t exchange(uint64_t, uint64_t b, uint64_t) { return b; }
static uint64_t exchangeIfEqual(uint64_t old, uint64_t b, uint64_t c) {
  return old == b ? c : old;
}
/// Counts up to b, and then from zero again.
static uint64_t increment(uint64_t old, uint64_t b, uint64_t) {
  return old >= b ? 0 : old + 1;
}
/// Counts down to zero, and then from b again.
static uint64_t decrement(uint64_t old, uint64_t b, uint64_t) {
  return old == 0 || old > b ? b : old - 1;
}

template <HalfPair (*function)(HalfPair, HalfPair)>
static uint64_t onPair(uint64_t old, uint64_t b, uint64_t) {
  return function({static_cast<uint32_t>(old)}, {static_cast<uint32_t>(b)})
      .bits;
}
template <typename H, bool isMax>
static HalfPair extremeOfPair(HalfPair a, HalfPair b) {
  auto one = [](uint16_t a, uint16_t b) {
    return H::narrow(
        extremum<float, isMax, false, false>(H::widen(a), H::widen(b)));
  };
  return HalfPair::of(one(a.low(), b.low()), one(a.high(), b.high()));
}
/// A single number is the lower one of a pair.
template <HalfPair (*function)(HalfPair, HalfPair)>
static uint64_t onHalf(uint64_t old, uint64_t b, uint64_t c) {
  return onPair<function>(old, b, c) & 0xFFFF;
}

namespace {
struct Modification {
  uint64_t (*modify)(uint64_t old, uint64_t b, uint64_t c);
  uint32_t bytes;
  /// Where shared memory differs from others.
  uint64_t (*modifyShared)(uint64_t old, uint64_t b, uint64_t c) = nullptr;
  bool mayBeVector = false;
};

/// By operation and type.
using Modifications = std::map<std::string, Modification>;
} // namespace

static Modifications makeModifications() {
  constexpr auto addHalves = addF16;
  constexpr auto addBrains = addBF16;
  return {{"add.u32", {add<uint32_t>, 4}},
          {"add.s32", {add<uint32_t>, 4}},
          {"add.u64", {add<uint64_t>, 8}},
          {"add.s64", {add<uint64_t>, 8}},
          {"add.f32", {addFlushed, 4, add<float>, true}},
          {"add.f64", {add<double>, 8}},
          {"add.f16", {onHalf<addHalves>, 2, nullptr, true}},
          {"add.bf16", {onHalf<addBrains>, 2, nullptr, true}},
          {"add.f16x2", {onPair<addHalves>, 4, nullptr, true}},
          {"add.bf16x2", {onPair<addBrains>, 4, nullptr, true}},
          {"min.u32", {least<uint32_t>, 4}},
          {"min.s32", {least<int32_t>, 4}},
          {"min.u64", {least<uint64_t>, 8}},
          {"min.s64", {least<int64_t>, 8}},
          {"max.u32", {greatest<uint32_t>, 4}},
          {"max.s32", {greatest<int32_t>, 4}},
          {"max.u64", {greatest<uint64_t>, 8}},
          {"max.s64", {greatest<int64_t>, 8}},
          {"and.b32", {bitAnd, 4}},
          {"and.b64", {bitAnd, 8}},
          {"or.b32", {bitOr, 4}},
          {"or.b64", {bitOr, 8}},
          {"xor.b32", {bitXor, 4}},
          {"xor.b64", {bitXor, 8}},
          {"exch.b32", {exchange, 4}},
          {"exch.b64", {exchange, 8}},
          {"cas.b16", {exchangeIfEqual, 2}},
          {"cas.b32", {exchangeIfEqual, 4}},
          {"cas.b64", {exchangeIfEqual, 8}},
          {"inc.u32", {increment, 4}},
          {"dec.u32", {decrement, 4}}};
}

/// Those that there are for vectors alone.
static Modifications makeVectorModifications() {
  return {
      {"min.f16", {onHalf<extremeOfPair<F16, false>>, 2, nullptr, true}},
      {"max.f16", {onHalf<extremeOfPair<F16, true>>, 2, nullptr, true}},
      {"min.bf16", {onHalf<extremeOfPair<BF16, false>>, 2, nullptr, true}},
      {"max.bf16", {onHalf<extremeOfPair<BF16, true>>, 2, nullptr, true}},
      {"min.f16x2", {onPair<extremeOfPair<F16, false>>, 4, nullptr, true}},
      {"max.f16x2", {onPair<extremeOfPair<F16, true>>, 4, nullptr, true}},
      {"min.bf16x2", {onPair<extremeOfPair<BF16, false>>, 4, nullptr, true}},
      {"max.bf16x2", {onPair<extremeOfPair<BF16, true>>, 4, nullptr, true}}};
}

static const Modification *findModification(const std::string &name,
                                            bool isVector) {
  static const Modifications all = makeModifications();
  static const Modifications vectors = makeVectorModifications();
  if (auto found = all.find(name);
      found != all.end() && (!isVector || found->second.mayBeVector))
    return &found->second;
  auto found = vectors.find(name);
  return isVector && found != vectors.end() ? &found->second : nullptr;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {
/// What form[] holds. The operands: the results of an atom, the address, and
/// for each source as many values as there are elements.
enum Form { Count, Results, Sources, Where };
} // namespace

/// Blocks run in parallel, so global memory is modified atomically on the host
/// as well.
template <typename T>
static uint64_t modifyAs(uint8_t *bytes, const Modification &operation,
                         bool isShared, uint64_t b, uint64_t c) {
  auto *place = reinterpret_cast<T *>(bytes);
  auto modify = isShared && operation.modifyShared ? operation.modifyShared
                                                   : operation.modify;
  T old = __atomic_load_n(place, __ATOMIC_ACQUIRE);
  while (!__atomic_compare_exchange_n(
      place, &old, static_cast<T>(modify(old, b, c)), /*weak=*/false,
      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    continue;
  return old;
}

static uint64_t modifyElement(uint8_t *bytes, const Modification &operation,
                              bool isShared, uint64_t b, uint64_t c) {
  if (operation.bytes == 2)
    return modifyAs<uint16_t>(bytes, operation, isShared, b, c);
  return operation.bytes == 4
             ? modifyAs<uint32_t>(bytes, operation, isShared, b, c)
             : modifyAs<uint64_t>(bytes, operation, isShared, b, c);
}

/// Atomic operations do not race with each other. `anyBlock` says that the
/// memory may be that of another block of the cluster.
static uint8_t *modifyShared(Block &block, Warp &warp,
                             const Instruction &instruction, int lane,
                             uint64_t address, uint32_t size, bool anyBlock) {
  Block *owner = anyBlock ? block.accessCluster(warp, instruction, lane,
                                                address, size, size)
                          : &block;
  uint8_t *bytes =
      owner ? owner->accessShared(warp, instruction, lane, address, size, size)
            : nullptr;
  if (!bytes || !block.grid.checked)
    return bytes;
  auto start = static_cast<uint32_t>(address);
  block.checkNotUsed(warp, instruction, lane, start, size);
  Conflict conflict =
      owner->shared.recordAtomic(warp.genericAccessor(), start, size);
  if (conflict.kind != Conflict::Kind::None)
    block.reportConflict(conflict, warp, instruction, lane,
                         /*isWrite=*/conflict.kind !=
                             Conflict::Kind::Unwritten);
  return bytes;
}

/// The bytes of the access of a lane, and whether they are in shared memory.
static std::pair<uint8_t *, bool> findBytes(Block &block, Warp &warp,
                                            const Instruction &instruction,
                                            unsigned lane, uint64_t address,
                                            uint32_t size) {
  auto laneIndex = static_cast<int>(lane);
  auto space = static_cast<Space>(instruction.form[Where]);
  bool isShared =
      space == Space::Shared || space == Space::Cluster ||
      (space == Space::Generic && (address & windowMask) == sharedWindow);
  if (isShared)
    return {modifyShared(block, warp, instruction, laneIndex,
                         address & ~windowMask, size,
                         /*anyBlock=*/space != Space::Shared),
            true};
  return {accessMemory<Space::Generic>(block, warp, instruction, laneIndex,
                                       address, size, AccessKind::Write),
          false};
}

static Step executeAtomic(Block &block, Warp &warp,
                          const Instruction &instruction, uint32_t mask) {
  const std::vector<Operand> &operands = instruction.operands;
  const auto &operation =
      *static_cast<const Modification *>(instruction.detail);
  uint32_t count = instruction.form[Count];
  uint32_t first = instruction.form[Results];
  Addresses addresses(block, warp, instruction, first, mask);
  uint32_t sources = instruction.form[Sources] * count;
  for (uint32_t i = 1; i <= sources; ++i)
    block.checkRead(warp, instruction, operands[first + i], mask);
  std::array<Doubles, 8> old = {};
  Step step = forEachLane(mask, [&](unsigned lane) {
    auto [bytes, isShared] = findBytes(block, warp, instruction, lane,
                                       addresses[lane] + instruction.offset,
                                       count * operation.bytes);
    for (uint32_t i = 0; bytes && i < count; ++i) {
      uint64_t b = laneOf(block, warp, operands[first + 1 + i], lane);
      uint64_t c =
          sources > count ? laneOf(block, warp, operands[first + 2], lane) : 0;
      uint64_t kept = ~uint64_t(0) >> (64 - 8 * operation.bytes);
      old[i][lane] = modifyElement(bytes + size_t(i) * operation.bytes,
                                   operation, isShared, b & kept, c & kept);
    }
    return bytes ? Step::Next : Step::Failed;
  });
  if (step == Step::Failed)
    return step;
  for (uint32_t i = 0; i < first; ++i)
    writeLanes(block, warp, instruction, operands[i], old[i], mask);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

static Status addElements(Decoder &decoder, const SourceOperand &operand,
                          Type type, uint32_t count, bool isResult) {
  if (count > 1)
    return decoder.addVector(operand, type, count, isResult);
  return isResult ? decoder.addResult(operand, type)
                  : decoder.addSource(operand, type);
}

/// Adds result, address and sources, of which there are `sources`.
static Status addOperands(Decoder &decoder, const AccessModifiers &form,
                          uint32_t bytes, bool returns, uint32_t sources) {
  size_t expected = returns + 1 + sources + form.hasPolicy;
  if (Status status = decoder.expectOperands(expected); status.failed())
    return status;
  Type type = bytes == 8   ? Type::Bits64
              : bytes == 4 ? Type::Bits32
                           : Type::Bits16;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (returns)
    if (Status status = addElements(decoder, operands[0], type, form.count,
                                    /*isResult=*/true);
        status.failed())
      return status;
  if (Status status = addMemoryAddress(decoder, operands[returns], form.space);
      status.failed())
    return status;
  for (uint32_t i = 0; i < sources; ++i)
    if (Status status = addElements(decoder, operands[returns + 1 + i], type,
                                    form.count, /*isResult=*/false);
        status.failed())
      return status;
  return form.hasPolicy ? decoder.addSource(operands.back(), Type::Bits64)
                        : Status();
}

Status attn::runtime::emulator::decodeAtomic(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool returns = parts[0] == "atom";
  std::optional<AccessModifiers> form =
      parseAccessModifiers(parts, parts.size() - 1);
  bool isPlain =
      form && (form->space == Space::Generic || form->space == Space::Global ||
               form->space == Space::Shared || form->space == Space::Cluster);
  if (!isPlain || form->isNonCoherent || form->isVolatile ||
      (form->count > 1 &&
       (form->space == Space::Shared || form->space == Space::Cluster)))
    return decoder.unknown();
  const Modification *operation =
      findModification(form->operation + "." + parts.back(), form->count > 1);
  bool exchanges = form->operation == "exch" || form->operation == "cas";
  if (!operation || (exchanges && !returns) ||
      form->count * operation->bytes > 16)
    return decoder.unknown();
  uint32_t sources = form->operation == "cas" ? 2 : 1;
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeAtomic;
  instruction.detail = operation;
  instruction.form = {form->count, returns ? form->count : 0, sources,
                      static_cast<uint32_t>(form->space)};
  return addOperands(decoder, *form, operation->bytes, returns, sources);
}
