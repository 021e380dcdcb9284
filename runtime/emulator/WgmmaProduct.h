//===- WgmmaProduct.h - What a wgmma multiplies -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The form of a wgmma, where its operands lie, and the arithmetic. Along k
// every form takes 32 bytes of a row: two chunks of 16 bytes, whatever the
// type.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_WGMMAPRODUCT_H
#define ATTN_RUNTIME_EMULATOR_WGMMAPRODUCT_H

#include "Program.h"

#include <cstdint>
#include <vector>

namespace attn::runtime::emulator {

namespace wgmma {
/// The rows of A and D that one of the four warps has.
constexpr unsigned warpRows = 16;
constexpr unsigned maxN = 256;
constexpr uint32_t chunkBytes = 16;
/// The chunks of a row along k, and the most elements in them.
constexpr unsigned kChunks = 2;
constexpr unsigned maxK = 32;
/// The registers of a thread that hold A.
constexpr unsigned aRegisters = 4;

enum class Element : uint8_t { F16, BF16, TF32, E4M3, E5M2, S8, U8 };
enum class Sum : uint8_t { F32, F16, S32 };

/// The size of an element in bytes.
inline unsigned sizeOf(Element type) {
  switch (type) {
  case Element::F16:
  case Element::BF16:
    return 2;
  case Element::TF32:
    return 4;
  default:
    return 1;
  }
}
} // namespace wgmma

/// The instruction, unpacked from and packed into its `form`.
struct WgmmaForm {
  WgmmaForm() = default;
  explicit WgmmaForm(const Instruction &instruction);
  std::array<uint32_t, 4> pack() const;

  unsigned k() const { return 32 / wgmma::sizeOf(a); }
  /// The registers of a thread that hold D.
  unsigned accumulators() const {
    return sum == wgmma::Sum::F16 ? n / 4 : n / 2;
  }
  /// The operands: accumulators, A, B, scale-d.
  unsigned aCount() const { return aInRegisters ? wgmma::aRegisters : 1; }
  unsigned bIndex() const { return accumulators() + aCount(); }
  unsigned scaleIndex() const { return bIndex() + 1; }

  uint32_t n = 0;
  wgmma::Element a = wgmma::Element::BF16, b = wgmma::Element::BF16;
  wgmma::Sum sum = wgmma::Sum::F32;
  bool aInRegisters = false;
  bool transposeA = false, transposeB = false;
  bool negateA = false, negateB = false;
  bool saturate = false;
};

/// A matrix in shared memory, as a descriptor describes it.
class WgmmaDescriptor {
public:
  explicit WgmmaDescriptor(uint64_t bits)
      : start(field(bits, 0)), leading(field(bits, 16)),
        stride(field(bits, 32)), baseOffset(bits >> 49 & 7), mode(bits >> 62) {}

  /// The address of chunk `chunk` of row `row` of a matrix whose rows are
  /// contiguous along k, or along its other dimension when `transposed`, where
  /// the rows are the steps of k.
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

/// Multiplies what a warp has of A, unless `aChunks` is empty and registers
/// hold it, by B. The chunks are listed row by row, in the sense of the
/// descriptor.
void multiply(Warp &warp, const Instruction &instruction,
              const std::vector<const uint8_t *> &aChunks,
              const std::vector<const uint8_t *> &bChunks, bool accumulate);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_WGMMAPRODUCT_H
