//===- MatrixMove.cpp - ldmatrix and stmatrix -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Lanes.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
enum Form { MatrixCount, IsTransposed, IsGeneric };

/// An 8x8 matrix of 16-bit elements, one row for each of eight addresses.
using Matrix = std::array<std::array<uint16_t, 8>, 8>;
constexpr uint32_t rowBytes = 16;
} // namespace

/// The element of a matrix in the half `half` of the register of a lane.
static uint16_t &element(Matrix &matrix, unsigned lane, unsigned half,
                         bool transposed) {
  unsigned row = lane / 4, column = lane % 4 * 2 + half;
  return transposed ? matrix[column][row] : matrix[row][column];
}

/// The address in shared memory. A generic one of another memory stays beyond
/// its end.
static uint64_t rowAddress(const Instruction &instruction, uint64_t address) {
  address += instruction.offset;
  return instruction.form[IsGeneric] ? address ^ sharedWindow : address;
}

static Step executeLdmatrix(Block &block, Warp &warp,
                            const Instruction &instruction, uint32_t mask) {
  uint32_t count = instruction.form[MatrixCount];
  Addresses addresses(block, warp, instruction, count, mask);
  std::array<Matrix, 4> matrices = {};
  uint32_t rows = mask & static_cast<uint32_t>((uint64_t(1) << 8 * count) - 1);
  Step step = forEachLane(rows, [&](unsigned lane) {
    uint8_t *bytes =
        block.readShared(warp, instruction, static_cast<int>(lane),
                         rowAddress(instruction, addresses[lane]), rowBytes);
    if (!bytes)
      return Step::Failed;
    std::memcpy(matrices[lane / 8][lane % 8].data(), bytes, rowBytes);
    return Step::Next;
  });
  if (step == Step::Failed)
    return step;
  bool transposed = instruction.form[IsTransposed];
  for (uint32_t i = 0; i < count; ++i) {
    Words values;
    for (unsigned lane = 0; lane < warpSize; ++lane)
      values[lane] = uint32_t(element(matrices[i], lane, 1, transposed)) << 16 |
                     element(matrices[i], lane, 0, transposed);
    writeWords(block, warp, instruction, instruction.operands[i], values, mask);
  }
  warp.loads.close(instruction, count, mask);
  return Step::Next;
}

static Step executeStmatrix(Block &block, Warp &warp,
                            const Instruction &instruction, uint32_t mask) {
  uint32_t count = instruction.form[MatrixCount];
  bool transposed = instruction.form[IsTransposed];
  Addresses addresses(block, warp, instruction, 0, mask);
  std::array<Matrix, 4> matrices = {};
  for (uint32_t i = 0; i < count; ++i) {
    Operand operand = instruction.operands[1 + i];
    block.checkRead(warp, instruction, operand, mask);
    const Words &values = wordsOf(block, warp, operand);
    for (unsigned lane = 0; lane < warpSize; ++lane)
      for (unsigned half = 0; half < 2; ++half)
        element(matrices[i], lane, half, transposed) =
            static_cast<uint16_t>(values[lane] >> 16 * half);
  }
  uint32_t rows = mask & static_cast<uint32_t>((uint64_t(1) << 8 * count) - 1);
  return forEachLane(rows, [&](unsigned lane) {
    uint8_t *bytes =
        block.writeShared(warp, instruction, static_cast<int>(lane),
                          rowAddress(instruction, addresses[lane]), rowBytes);
    if (!bytes)
      return Step::Failed;
    std::memcpy(bytes, matrices[lane / 8][lane % 8].data(), rowBytes);
    return Step::Next;
  });
}

Status attn::runtime::emulator::decodeMatrixMove(Decoder &decoder) {
  const std::vector<std::string> &parts = decoder.parts();
  bool isLoad = parts[0] == "ldmatrix";
  size_t next = 5;
  auto takeIf = [&](const char *text) {
    bool found = next < parts.size() && parts[next] == text;
    next += found;
    return found;
  };
  bool transposed = takeIf("trans");
  bool isShared = takeIf("shared") || takeIf("shared::cta");
  if (parts.size() != next + 1 || parts[1] != "sync" || parts[2] != "aligned" ||
      parts[3] != "m8n8" ||
      (parts[4] != "x1" && parts[4] != "x2" && parts[4] != "x4") ||
      parts.back() != "b16")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(2); status.failed())
    return status;
  auto count = static_cast<uint32_t>(parts[4][1] - '0');
  Instruction &instruction = decoder.instruction();
  instruction.aligned = true;
  instruction.form = {count, transposed, !isShared, 0};
  instruction.execute = isLoad ? executeLdmatrix : executeStmatrix;
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  if (!isLoad)
    if (Status status = decoder.addAddress(operands[0]); status.failed())
      return status;
  if (Status status = decoder.addVector(operands[isLoad ? 0 : 1], Type::Bits32,
                                        count, isLoad);
      status.failed())
    return status;
  return isLoad ? decoder.addAddress(operands[1]) : Status();
}
