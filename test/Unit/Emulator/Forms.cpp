//===- Forms.cpp - Tables of instruction forms ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <cmath>

using namespace attn::runtime;

/// The operands of a form in memory, then its result.
static constexpr size_t formBytes = 32;

static std::string formText(const Form &form, size_t index, unsigned bits) {
  auto at = [&](size_t offset) {
    return "[%d0+" + std::to_string(formBytes * index + offset) + "];\n";
  };
  std::string text = "{\n.reg .b16 ha, hb, hc, hr;\n.reg .b32 ra, rb, rc, rr;\n"
                     ".reg .b64 da, db, dc, dr;\n.reg .pred p, q, s;\n"
                     "mov.b16 hr, 0;\nmov.b32 rr, 0;\nmov.b64 dr, 0;\n";
  size_t offset = 0;
  for (const char *name : {"a", "b", "c"}) {
    std::string wide = std::string("d") + name;
    // Each by a load, as ptxas 13.0.88 makes the upper half of a pair that
    // atom.shared adds of the wrong register where cvt took a word out of 64
    // bits.
    text += "ld.global.b64 " + wide + ", " + at(offset) + "ld.global.b32 r" +
            name + ", " + at(offset) + "ld.global.b16 h" + name + ", " +
            at(offset);
    offset += 8;
  }
  text += form.instruction + "\n";
  const char *result = bits == 64 ? "dr" : bits == 32 ? "rr" : "hr";
  return text + "st.global.b" + std::to_string(bits) + " " +
         at(offset).substr(0, at(offset).size() - 2) + ", " + result + ";\n}\n";
}

std::vector<uint64_t>
attn::runtime::evaluateForms(const std::vector<Form> &forms, unsigned bits,
                             bool checked) {
  Emulation emulation;
  emulation.checked = checked;
  for (size_t i = 0; i < forms.size(); ++i) {
    emulation.body += formText(forms[i], i, bits);
    for (uint64_t value : {forms[i].a, forms[i].b, forms[i].c, uint64_t(0)}) {
      emulation.data.push_back(static_cast<uint32_t>(value));
      emulation.data.push_back(static_cast<uint32_t>(value >> 32));
    }
  }
  std::vector<uint64_t> results(forms.size());
  Result<std::vector<uint32_t>> out = emulation.run();
  if (out.failed()) {
    ADD_FAILURE() << out.message();
    return results;
  }
  for (size_t i = 0; i < forms.size(); ++i)
    results[i] = uint64_t((*out)[8 * i + 7]) << 32 | (*out)[8 * i + 6];
  return results;
}

void attn::runtime::checkForms(unsigned bits, const std::vector<Form> &forms,
                               bool checked) {
  std::vector<uint64_t> results = evaluateForms(forms, bits, checked);
  for (size_t i = 0; i < forms.size(); ++i)
    EXPECT_EQ(results[i], forms[i].expected)
        << forms[i].instruction << std::hex << " of 0x" << forms[i].a << ", 0x"
        << forms[i].b << ", 0x" << forms[i].c << " gives 0x" << results[i]
        << " instead of 0x" << forms[i].expected;
}

static float floatOf(uint64_t bits) {
  auto word = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

void attn::runtime::checkApproximations(
    const std::vector<ApproximateForm> &forms) {
  std::vector<Form> exact;
  for (const ApproximateForm &form : forms)
    exact.push_back({form.instruction, bits32(form.a), bits32(form.b), 0, 0});
  std::vector<uint64_t> results = evaluateForms(exact, 32);
  for (size_t i = 0; i < forms.size(); ++i) {
    const ApproximateForm &form = forms[i];
    double scale = form.isAbsolute ? 1 : std::fabs(form.expected);
    EXPECT_NEAR(floatOf(results[i]), form.expected, form.bound * scale)
        << form.instruction << " of " << form.a << ", " << form.b;
  }
}

void attn::runtime::expectUnknown(
    const std::vector<std::string> &instructions) {
  if (runsOnGpu())
    return;
  for (const std::string &instruction : instructions) {
    std::string message = Emulation{"\n  " + instruction}.message();
    std::string name = instruction.substr(0, instruction.find_first_of(" ;"));
    EXPECT_TRUE(contains(message, "PTX line "));
    EXPECT_TRUE(contains(message, "the emulator does not know '" + name +
                                      "' with these operands\n  " +
                                      instruction));
  }
}

void attn::runtime::expectMessage(const Emulation &emulation,
                                  const std::string &message) {
  if (runsOnGpu())
    return;
  EXPECT_TRUE(contains(emulation.message(), message)) << emulation.body;
}
