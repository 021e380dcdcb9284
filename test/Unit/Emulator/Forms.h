//===- Forms.h - Tables of instruction forms --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One entry for each form of an instruction. A table becomes one kernel, so
// that a GPU, too, runs it at once: with ATTN_TEST_DEVICE=cuda it says whether
// the hardware agrees with the expected values.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_EMULATOR_FORMS_H
#define ATTN_TEST_UNIT_EMULATOR_FORMS_H

#include "Emulation.h"

#include <cstring>
#include <functional>

namespace attn::runtime {

/// PTX that computes a result of the operands. They have the names
///   - ha, hb, hc in registers of 16 bits, ra, rb, rc of 32, da, db, dc of 64,
///     and the result hr, rr or dr, which is zero before;
///   - p, q, s are predicates.
struct Form {
  std::string instruction;
  uint64_t a = 0, b = 0, c = 0;
  uint64_t expected = 0;
};

/// The same of an approximation, in fp32. Its error may be `bound`, relative to
/// the result, or absolute.
struct ApproximateForm {
  std::string instruction;
  float a = 0, b = 0;
  double expected = 0;
  double bound = 0;
  bool isAbsolute = false;
};

/// The results of all forms, in the 64 bits of which the upper ones are zero.
std::vector<uint64_t> evaluateForms(const std::vector<Form> &forms,
                                    unsigned bits, bool checked = true);

/// Expects the results, of 16, 32 or 64 bits.
void checkForms(unsigned bits, const std::vector<Form> &forms,
                bool checked = true);
void checkApproximations(const std::vector<ApproximateForm> &forms);

/// That the emulator knows none of the instructions, or not in this form.
void expectUnknown(const std::vector<std::string> &instructions);

/// That the emulator says of `emulation` what is wrong.
void expectMessage(const Emulation &emulation, const std::string &message);

/// The bits of a number.
inline uint64_t bits32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline uint64_t bits64(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
/// Those of a negative number of 16 or 32 bits.
inline uint64_t minus16(int value) { return static_cast<uint16_t>(-value); }
inline uint64_t minus32(int64_t value) { return static_cast<uint32_t>(-value); }

} // namespace attn::runtime

#endif // ATTN_TEST_UNIT_EMULATOR_FORMS_H
