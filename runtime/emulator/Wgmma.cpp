//===- Wgmma.cpp - Asynchronous matrix products ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wgmma.h"

#include "Decoder.h"
#include "Lanes.h"

#include "attn/Runtime/Float.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
constexpr unsigned tileK = 16;
/// The rows of A and D that one of the four warps has.
constexpr unsigned warpRows = 16;
constexpr unsigned maxN = 256;
constexpr uint32_t chunkBytes = 16;
/// Elements in a chunk.
constexpr unsigned chunkElements = 8;

/// What form[] holds.
enum Form { N, Flags };
enum Flag : uint32_t {
  AInRegisters = 1,
  TransposeA = 2,
  TransposeB = 4,
  IsF16 = 8,
  NegateA = 16,
  NegateB = 32,
};

bool has(const Instruction &instruction, Flag flag) {
  return instruction.form[Flags] & flag;
}

/// Where the operands of an instruction are: accumulators, A, B, scale-d.
struct OperandLayout {
  explicit OperandLayout(const Instruction &instruction)
      : accumulators(instruction.form[N] / 2),
        aCount(has(instruction, AInRegisters) ? 4 : 1),
        b(accumulators + aCount), scale(b + 1) {}

  unsigned accumulators, aCount, b, scale;
};

/// A matrix in shared memory, as a descriptor describes it.
class Descriptor {
public:
  explicit Descriptor(uint64_t bits)
      : start(field(bits, 0)), leading(field(bits, 16)),
        stride(field(bits, 32)), baseOffset(bits >> 49 & 7), mode(bits >> 62) {}

  /// Why it cannot be read, or nothing.
  const char *problem(bool transposed) const;

  /// The chunk `chunk` of row `row` of a matrix whose rows are contiguous along
  /// k, or along its other dimension when `transposed`.
  uint32_t chunk(unsigned row, unsigned chunk, bool transposed) const;

private:
  static uint32_t field(uint64_t bits, unsigned shift) {
    return static_cast<uint32_t>(bits >> shift & 0x3FFF) << 4;
  }
  /// The chunks of a line that the swizzle exchanges.
  uint32_t lineChunks() const { return mode ? 16u >> mode : 1; }

  uint32_t start, leading, stride;
  uint32_t baseOffset;
  uint32_t mode;
};
} // namespace

const char *Descriptor::problem(bool transposed) const {
  if (baseOffset)
    return "a base offset in a descriptor is not emulated";
  if (transposed && !mode)
    return "a transposed matrix without a swizzle is not emulated";
  return nullptr;
}

uint32_t Descriptor::chunk(unsigned row, unsigned chunk,
                           bool transposed) const {
  uint32_t line = lineChunks() * chunkBytes;
  uint32_t address = start + row / 8 * stride + row % 8 * line;
  if (transposed)
    address +=
        chunk / lineChunks() * leading + chunk % lineChunks() * chunkBytes;
  else
    address += chunk * (mode ? chunkBytes : leading);
  return address ^ (address >> 7 & (lineChunks() - 1)) * chunkBytes;
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

namespace {
using ARows = std::array<std::array<float, tileK>, warpRows>;
using BRows = std::array<std::array<float, maxN>, tileK>;
using DRows = std::array<std::array<float, maxN>, warpRows>;
} // namespace

static float widen(uint16_t bits, bool isF16) {
  if (isF16)
    return static_cast<float>(fromF16(bits));
  uint32_t word = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

/// The row and the column of what register `i` of a lane holds of D.
static unsigned rowOf(unsigned i, unsigned lane) {
  return lane / 4 + 8 * (i >> 1 & 1);
}
static unsigned columnOf(unsigned i, unsigned lane) {
  return 8 * (i >> 2) + 2 * (lane % 4) + (i & 1);
}

/// Register `i` of A holds two elements along k of a row.
static void readAFromRegisters(Warp &warp, const Instruction &instruction,
                               ARows &a) {
  OperandLayout layout(instruction);
  bool isF16 = has(instruction, IsF16);
  for (unsigned i = 0; i < 4; ++i) {
    Operand operand = instruction.operands[layout.accumulators + i];
    const Words &words = warp.words[operand.index];
    for (unsigned lane = 0; lane < warpSize; ++lane) {
      unsigned row = lane / 4 + 8 * (i & 1);
      unsigned k = 2 * (lane % 4) + 8 * (i >> 1);
      a[row][k] = widen(static_cast<uint16_t>(words[lane]), isF16);
      a[row][k + 1] = widen(static_cast<uint16_t>(words[lane] >> 16), isF16);
    }
  }
}

/// Calls `element(row, k, bits)` for each element of chunks that are listed row
/// by row: rows of k, or k by k when transposed.
template <typename Element>
static void readChunks(Block &block, const std::vector<uint32_t> &chunks,
                       unsigned rows, bool transposed, Element element) {
  unsigned lines = transposed ? tileK : rows;
  auto perLine = static_cast<unsigned>(chunks.size()) / lines;
  for (unsigned i = 0; i < chunks.size(); ++i) {
    std::array<uint16_t, chunkElements> values;
    std::memcpy(values.data(), block.shared.at(chunks[i]), chunkBytes);
    unsigned line = i / perLine, first = i % perLine * chunkElements;
    for (unsigned j = 0; j < chunkElements; ++j)
      if (transposed)
        element(first + j, line, values[j]);
      else
        element(line, first + j, values[j]);
  }
}

/// d += a * b over columns [0, n). Four products are summed at a time, which
/// keeps the sums in registers.
static void multiply(DRows &d, const ARows &a, const BRows &b, unsigned n) {
  for (unsigned row = 0; row < warpRows; ++row)
    for (unsigned k = 0; k < tileK; k += 4) {
      float *sums = d[row].data();
      float a0 = a[row][k], a1 = a[row][k + 1], a2 = a[row][k + 2],
            a3 = a[row][k + 3];
      const float *b0 = b[k].data(), *b1 = b[k + 1].data(),
                  *b2 = b[k + 2].data(), *b3 = b[k + 3].data();
      for (unsigned column = 0; column < n; ++column)
        sums[column] += (a0 * b0[column] + a1 * b1[column]) +
                        (a2 * b2[column] + a3 * b3[column]);
    }
}

static void execute(Block &block, Warp &warp, PendingWgmma &wgmma) {
  wgmma.executed = true;
  const Instruction &instruction = *wgmma.instruction;
  unsigned n = instruction.form[N];
  bool isF16 = has(instruction, IsF16);
  float signA = has(instruction, NegateA) ? -1.0f : 1.0f;
  float sign = has(instruction, NegateB) ? -signA : signA;
  ARows a;
  if (has(instruction, AInRegisters))
    readAFromRegisters(warp, instruction, a);
  else
    readChunks(block, wgmma.aChunks, warpRows, has(instruction, TransposeA),
               [&](unsigned row, unsigned k, uint16_t bits) {
                 a[row][k] = widen(bits, isF16);
               });
  BRows b;
  readChunks(block, wgmma.bChunks, n, has(instruction, TransposeB),
             [&](unsigned column, unsigned k, uint16_t bits) {
               b[k][column] = sign * widen(bits, isF16);
             });
  DRows d;
  for (unsigned i = 0; i < n / 2; ++i) {
    const Words &words = warp.words[instruction.operands[i].index];
    for (unsigned lane = 0; lane < warpSize; ++lane)
      std::memcpy(&d[rowOf(i, lane)][columnOf(i, lane)], &words[lane],
                  sizeof(float));
  }
  if (!wgmma.accumulate)
    for (auto &row : d)
      row.fill(0);
  multiply(d, a, b, n);
  for (unsigned i = 0; i < n / 2; ++i) {
    Words &words = warp.words[instruction.operands[i].index];
    for (unsigned lane = 0; lane < warpSize; ++lane)
      std::memcpy(&words[lane], &d[rowOf(i, lane)][columnOf(i, lane)],
                  sizeof(float));
  }
}

//===----------------------------------------------------------------------===//
// Flight
//===----------------------------------------------------------------------===//

void attn::runtime::emulator::executeDueWgmmas(Block &block, Warp &warp,
                                               uint64_t time) {
  for (PendingWgmma &wgmma : warp.wgmmas) {
    if (wgmma.executed)
      continue;
    if (wgmma.due > time)
      return;
    execute(block, warp, wgmma);
  }
}

const PendingWgmma *attn::runtime::emulator::findWgmmaReading(Warp &warp,
                                                              uint32_t address,
                                                              uint32_t size) {
  auto overlaps = [&](uint32_t chunk) {
    return chunk < address + size && address < chunk + chunkBytes;
  };
  for (const PendingWgmma &wgmma : warp.wgmmas) {
    if (address >= wgmma.highest + chunkBytes || wgmma.lowest >= address + size)
      continue;
    for (const auto *chunks : {&wgmma.aChunks, &wgmma.bChunks})
      if (std::any_of(chunks->begin(), chunks->end(), overlaps))
        return &wgmma;
  }
  return nullptr;
}

/// Marks the registers of a wgmma as in flight.
static void markFlight(Warp &warp, const Instruction &instruction) {
  OperandLayout layout(instruction);
  for (unsigned i = 0; i < layout.accumulators; ++i)
    warp.state(instruction.operands[i]).flight =
        RegisterState::Flight::Accumulator;
  if (has(instruction, AInRegisters))
    for (unsigned i = 0; i < layout.aCount; ++i)
      warp.state(instruction.operands[layout.accumulators + i]).flight =
          RegisterState::Flight::Operand;
}

static void landFlight(Warp &warp, const Instruction &instruction) {
  OperandLayout layout(instruction);
  for (unsigned i = 0; i < layout.b; ++i) {
    Operand operand = instruction.operands[i];
    if (i >= layout.accumulators && !has(instruction, AInRegisters))
      break;
    RegisterState &state = warp.state(operand);
    state.flight = RegisterState::Flight::None;
    if (i < layout.accumulators)
      state.written = ~0u;
  }
}

/// A register that a wgmma uses must have been written, not be in flight in
/// another role, and be fenced since ordinary code used it.
static void checkRegister(Block &block, Warp &warp,
                          const Instruction &instruction, Operand operand,
                          bool isAccumulator, bool isRead) {
  RegisterState &state = warp.state(operand);
  const std::string &name = warp.name(block.grid.program, operand);
  if (state.flight == RegisterState::Flight::Accumulator && isAccumulator)
    return;
  if (state.flight == RegisterState::Flight::Accumulator ||
      (state.flight == RegisterState::Flight::Operand && isAccumulator))
    block.report(HazardKind::RegisterInFlight, warp, instruction, -1,
                 "uses " + name + ", which another wgmma in flight uses");
  if (isRead)
    block.checkWritten(warp, instruction, operand, ~0u);
  if (state.written && state.fences == warp.wgmmaFences)
    block.report(HazardKind::MissingWgmmaFence, warp, instruction, -1,
                 "uses " + name +
                     ", which other code used after the last wgmma.fence");
}

static void checkRegisters(Block &block, Warp &warp,
                           const Instruction &instruction, bool accumulate) {
  OperandLayout layout(instruction);
  if (warp.wgmmaFences == 0)
    block.report(HazardKind::MissingWgmmaFence, warp, instruction, -1,
                 "no wgmma.fence comes before the first wgmma");
  for (unsigned i = 0; i < layout.accumulators; ++i)
    checkRegister(block, warp, instruction, instruction.operands[i],
                  /*isAccumulator=*/true, accumulate);
  if (has(instruction, AInRegisters))
    for (unsigned i = 0; i < layout.aCount; ++i)
      checkRegister(block, warp, instruction,
                    instruction.operands[layout.accumulators + i],
                    /*isAccumulator=*/false, /*isRead=*/true);
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

/// The descriptor that all lanes agree on.
static Step readDescriptor(Block &block, Warp &warp,
                           const Instruction &instruction, unsigned index,
                           uint64_t &bits) {
  Operand operand = instruction.operands[index];
  block.checkRead(warp, instruction, operand, ~0u);
  const Doubles &values = doublesOf(block, warp, operand);
  bits = values[0];
  if (std::any_of(values.begin(), values.end(),
                  [&](uint64_t value) { return value != bits; }))
    return block.fail(HazardKind::Divergence, warp, instruction, -1,
                      "the threads of the warp have different descriptors");
  return Step::Next;
}

/// Lists the chunks of `rows` rows, beginning with `first`, and checks them.
static Step listChunks(Block &block, Warp &warp, const Instruction &instruction,
                       uint64_t bits, bool transposed, unsigned first,
                       unsigned rows, std::vector<uint32_t> &chunks) {
  Descriptor descriptor(bits);
  if (const char *problem = descriptor.problem(transposed))
    return block.fail(HazardKind::OutOfBounds, warp, instruction, -1, problem);
  unsigned lines = transposed ? tileK : rows;
  unsigned perLine = (transposed ? rows : tileK) / chunkElements;
  Accessor by{warp.index, warp.seen.get(warp.index), &warp.seen, &warp.fenced};
  Conflict conflict;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned i = 0; i < perLine; ++i) {
      uint32_t chunk =
          transposed ? descriptor.chunk(line, first / chunkElements + i, true)
                     : descriptor.chunk(first + line, i, false);
      if (!block.accessShared(warp, instruction, -1, chunk, chunkBytes,
                              chunkBytes))
        return Step::Failed;
      if (conflict.kind == Conflict::Kind::None)
        conflict = block.shared.checkRead(by, chunk, chunkBytes);
      chunks.push_back(chunk);
    }
  block.reportConflict(conflict, warp, instruction, -1, /*isWrite=*/false);
  return Step::Next;
}

static Step listOperands(Block &block, Warp &warp,
                         const Instruction &instruction, PendingWgmma &wgmma) {
  OperandLayout layout(instruction);
  uint64_t bits;
  if (!has(instruction, AInRegisters)) {
    if (readDescriptor(block, warp, instruction, layout.accumulators, bits) ==
        Step::Failed)
      return Step::Failed;
    if (listChunks(block, warp, instruction, bits, has(instruction, TransposeA),
                   warp.index % 4 * warpRows, warpRows,
                   wgmma.aChunks) == Step::Failed)
      return Step::Failed;
  }
  if (readDescriptor(block, warp, instruction, layout.b, bits) == Step::Failed)
    return Step::Failed;
  return listChunks(block, warp, instruction, bits,
                    has(instruction, TransposeB), 0, instruction.form[N],
                    wgmma.bChunks);
}

static Step executeWgmma(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  OperandLayout layout(instruction);
  PendingWgmma wgmma;
  wgmma.instruction = &instruction;
  Operand scale = instruction.operands[layout.scale];
  block.checkRead(warp, instruction, scale, mask);
  wgmma.accumulate = predicateOf(block, warp, scale) & 1;
  if (block.grid.checked)
    checkRegisters(block, warp, instruction, wgmma.accumulate);
  if (listOperands(block, warp, instruction, wgmma) == Step::Failed)
    return Step::Failed;
  wgmma.lowest = ~0u;
  for (const auto *chunks : {&wgmma.aChunks, &wgmma.bChunks})
    for (uint32_t chunk : *chunks) {
      wgmma.lowest = std::min(wgmma.lowest, chunk);
      wgmma.highest = std::max(wgmma.highest, chunk);
    }
  wgmma.due = block.randomDue();
  markFlight(warp, instruction);
  warp.wgmmas.push_back(std::move(wgmma));
  return Step::Next;
}

static Step executeFence(Block &, Warp &warp, const Instruction &, uint32_t) {
  ++warp.wgmmaFences;
  return Step::Next;
}

static Step executeCommit(Block &, Warp &warp, const Instruction &, uint32_t) {
  for (PendingWgmma &wgmma : warp.wgmmas)
    if (wgmma.group == PendingWgmma::uncommitted)
      wgmma.group = warp.wgmmaGroups;
  ++warp.wgmmaGroups;
  return Step::Next;
}

/// The registers of a wgmma may be used again, and what it read may be
/// overwritten by those who know of this.
static void retire(Block &block, Warp &warp, const PendingWgmma &wgmma) {
  landFlight(warp, *wgmma.instruction);
  uint32_t stamp = warp.seen.get(warp.index);
  for (const auto *chunks : {&wgmma.aChunks, &wgmma.bChunks})
    for (uint32_t chunk : *chunks)
      block.shared.recordRead(warp.index, stamp, chunk, chunkBytes);
}

static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t) {
  while (!warp.wgmmas.empty()) {
    PendingWgmma &wgmma = warp.wgmmas.front();
    if (wgmma.group == PendingWgmma::uncommitted ||
        wgmma.group + instruction.form[0] >= warp.wgmmaGroups)
      break;
    if (!wgmma.executed)
      execute(block, warp, wgmma);
    retire(block, warp, wgmma);
    warp.wgmmas.pop_front();
  }
  for (const PendingWgmma &wgmma : warp.wgmmas)
    markFlight(warp, *wgmma.instruction);
  return Step::Next;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// N of "m64n128k16", or zero.
static uint32_t parseShape(const std::string &shape) {
  if (shape.size() < 8 || shape.compare(0, 4, "m64n") != 0 ||
      shape.compare(shape.size() - 3, 3, "k16") != 0)
    return 0;
  uint32_t n = 0;
  for (char c : shape.substr(4, shape.size() - 7)) {
    if (c < '0' || c > '9' || n > maxN)
      return 0;
    n = n * 10 + static_cast<uint32_t>(c - '0');
  }
  return n % 8 || n > maxN ? 0 : n;
}

static Status decodeProduct(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  uint32_t n = parts.size() == 8 ? parseShape(parts[4]) : 0;
  bool known = n && parts[2] == "sync" && parts[3] == "aligned" &&
               parts[5] == "f32" && parts[6] == parts[7] &&
               (parts[6] == "bf16" || parts[6] == "f16");
  bool inRegisters =
      operands.size() > 1 && operands[1].kind == SourceOperand::Kind::Vector;
  if (!known || operands.size() != (inRegisters ? 7u : 8u))
    return decoder.unknown();
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeWgmma;
  uint32_t flags = 0;
  flags |= inRegisters ? uint32_t(AInRegisters) : 0;
  flags |= parts[6] == "f16" ? uint32_t(IsF16) : 0;
  for (size_t i = 4; i < operands.size(); ++i) {
    bool isSign = i < 6;
    Result<int64_t> value = decoder.immediate(operands[i], isSign ? -1 : 0, 1);
    if (value.failed())
      return value.error();
    if (isSign && *value == 0)
      return decoder.error("expected a scale of 1 or -1, got 0");
    bool isSet = isSign ? *value < 0 : *value == 1;
    bool isB = isSign ? i == 5 : i + 1 == operands.size();
    if (isSet)
      flags |=
          isSign ? (isB ? NegateB : NegateA) : (isB ? TransposeB : TransposeA);
  }
  instruction.form = {n, flags, 0, 0};
  if (Status status = decoder.addVector(operands[0], Type::Float32, n / 2,
                                        /*isResult=*/true);
      status.failed())
    return status;
  for (const Operand &operand : instruction.operands)
    if (operand.kind != Operand::Kind::Word)
      return decoder.unknown();
  Status a = inRegisters ? decoder.addVector(operands[1], Type::Bits32, 4,
                                             /*isResult=*/true)
                         : decoder.addSource(operands[1], Type::Bits64);
  if (a.failed())
    return a;
  if (Status status = decoder.addSource(operands[2], Type::Bits64);
      status.failed())
    return status;
  return decoder.addSource(operands[3], Type::Predicate);
}

Status attn::runtime::emulator::decodeWgmma(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  Instruction &instruction = decoder.instruction();
  instruction.aligned = true;
  if (decoder.parts().size() > 1 && decoder.parts()[1] == "mma_async")
    return decodeProduct(decoder);
  if (name == "wgmma.fence.sync.aligned") {
    instruction.execute = executeFence;
    return decoder.expectOperands(0);
  }
  if (name == "wgmma.commit_group.sync.aligned") {
    instruction.execute = executeCommit;
    return decoder.expectOperands(0);
  }
  if (name != "wgmma.wait_group.sync.aligned")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<int64_t> count =
      decoder.immediate(decoder.statement().operands[0], 0, 7);
  if (count.failed())
    return count.error();
  instruction.execute = executeWait;
  instruction.form[0] = static_cast<uint32_t>(*count);
  return {};
}
