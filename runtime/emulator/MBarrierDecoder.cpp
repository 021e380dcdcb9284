//===- MBarrierDecoder.cpp - Decodes what is done to mbarriers ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "MBarrierOps.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::mbarrier;

namespace {
/// The modifiers between the operation and the type.
struct Modifiers {
  bool expects = false, noComplete = false, parity = false;
  bool release = false, acquire = false, relaxed = false;
  /// "cta" or "cluster".
  std::string scope;
  /// "" for generic addresses.
  std::string space;
};
} // namespace

static std::optional<Modifiers>
parseModifiers(const std::vector<std::string> &parts) {
  Modifiers modifiers;
  const std::pair<const char *, bool *> flags[] = {
      {"expect_tx", &modifiers.expects}, {"noComplete", &modifiers.noComplete},
      {"parity", &modifiers.parity},     {"release", &modifiers.release},
      {"acquire", &modifiers.acquire},   {"relaxed", &modifiers.relaxed}};
  if (parts.size() < 3 || parts.back() != "b64")
    return std::nullopt;
  for (size_t i = 2; i + 1 < parts.size(); ++i) {
    const auto *flag =
        std::find_if(std::begin(flags), std::end(flags), [&](const auto &flag) {
          return parts[i] == flag.first && !*flag.second;
        });
    if (flag != std::end(flags))
      *flag->second = true;
    else if (modifiers.scope.empty() && modifiers.space.empty() &&
             (parts[i] == "cta" || parts[i] == "cluster"))
      modifiers.scope = parts[i];
    else if (modifiers.space.empty() &&
             (parts[i] == "shared" || parts[i] == "shared::cta" ||
              parts[i] == "shared::cluster"))
      modifiers.space = parts[i];
    else
      return std::nullopt;
  }
  // A scope belongs to a memory order.
  bool isOrdered = modifiers.release || modifiers.acquire || modifiers.relaxed;
  if (modifiers.release + modifiers.acquire + modifiers.relaxed > 1 ||
      isOrdered != !modifiers.scope.empty())
    return std::nullopt;
  return modifiers;
}

static uint32_t commonFlags(const Modifiers &modifiers) {
  return (modifiers.space.empty() ? uint32_t(Generic) : 0u) |
         (modifiers.space == "shared::cluster" || modifiers.space.empty()
              ? uint32_t(Remote)
              : 0u) |
         (modifiers.relaxed ? uint32_t(Relaxed) : 0u);
}

static Status decodeArrive(Decoder &decoder, const Modifiers &modifiers,
                           bool drops) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool hasNumber = operands.size() == 3;
  if ((!hasNumber && operands.size() != 2) || modifiers.parity ||
      modifiers.acquire || (modifiers.expects && modifiers.noComplete) ||
      ((modifiers.expects || modifiers.noComplete) && !hasNumber))
    return decoder.unknown();
  if (modifiers.space == "shared::cluster" && !decoder.isSink(operands[0]))
    return decoder.error("expected '_' as the state of an mbarrier of another "
                         "block, got '" +
                         operands[0].text + "'");
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeArrive;
  uint32_t flags = commonFlags(modifiers) | Arrives;
  flags |= modifiers.expects ? uint32_t(HasBytes) : 0;
  flags |= hasNumber && !modifiers.expects ? uint32_t(HasCount) : 0;
  flags |= modifiers.noComplete ? uint32_t(NoComplete) : 0;
  flags |= drops ? uint32_t(Drops) : 0;
  instruction.form[Flags] = flags;
  if (Status status = decoder.addResult(operands[0], Type::Bits64);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  return hasNumber ? decoder.addSource(operands[2], Type::Bits32) : Status();
}

/// expect_tx and complete_tx: a relaxed change of the bytes alone.
static Status decodeTx(Decoder &decoder, const Modifiers &modifiers,
                       bool expects) {
  if (modifiers.parity || modifiers.acquire || modifiers.release ||
      modifiers.expects || modifiers.noComplete)
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = expects ? executeArrive : executeCompleteTx;
  instruction.form[Flags] = commonFlags(modifiers) | HasBytes | Relaxed;
  // There is no state.
  instruction.operands.emplace_back();
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits32);
}

static Status decodeWait(Decoder &decoder, const Modifiers &modifiers,
                         bool blocks) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  bool hinted = blocks && operands.size() == 4;
  if ((!hinted && operands.size() != 3) || modifiers.release ||
      modifiers.expects || modifiers.noComplete ||
      modifiers.space == "shared::cluster" || decoder.isSink(operands[0]))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  instruction.execute = blocks ? executeTryWait : executeTestWait;
  // Only the barriers of the block itself can be waited for.
  instruction.form[Flags] = (commonFlags(modifiers) & ~uint32_t(Remote)) |
                            (modifiers.parity ? uint32_t(Parity) : 0u);
  if (Status status = decoder.addResult(operands[0], Type::Predicate);
      status.failed())
    return status;
  if (Status status = decoder.addAddress(operands[1]); status.failed())
    return status;
  if (Status status = decoder.addSource(
          operands[2], modifiers.parity ? Type::Bits32 : Type::Bits64);
      status.failed())
    return status;
  return hinted ? decoder.addSource(operands[3], Type::Bits32) : Status();
}

static Status decodeInit(Decoder &decoder, const Modifiers &modifiers,
                         bool isInit) {
  if (modifiers.parity || modifiers.acquire || modifiers.release ||
      modifiers.relaxed || modifiers.expects || modifiers.noComplete ||
      modifiers.space == "shared::cluster")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(isInit ? 2 : 1); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = isInit ? executeInit : executeInval;
  instruction.form[Flags] = commonFlags(modifiers) & ~uint32_t(Remote);
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addAddress(operands[0]); status.failed())
    return status;
  return isInit ? decoder.addSource(operands[1], Type::Bits32) : Status();
}

static Status decodePendingCount(Decoder &decoder) {
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  decoder.instruction().execute = executePendingCount;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (Status status = decoder.addResult(operands[0], Type::Bits32);
      status.failed())
    return status;
  return decoder.addSource(operands[1], Type::Bits64);
}

Status attn::runtime::emulator::decodeMBarrier(Decoder &decoder) {
  if (decoder.statement().name == "mbarrier.pending_count.b64")
    return decodePendingCount(decoder);
  std::optional<Modifiers> modifiers = parseModifiers(decoder.parts());
  if (!modifiers)
    return decoder.unknown();
  const std::string &operation = decoder.parts()[1];
  if (operation == "init" || operation == "inval")
    return decodeInit(decoder, *modifiers, operation == "init");
  if (operation == "arrive" || operation == "arrive_drop")
    return decodeArrive(decoder, *modifiers, operation == "arrive_drop");
  if (operation == "expect_tx" || operation == "complete_tx")
    return decodeTx(decoder, *modifiers, operation == "expect_tx");
  if (operation == "try_wait" || operation == "test_wait")
    return decodeWait(decoder, *modifiers, operation == "try_wait");
  return decoder.unknown();
}
