//===- PtxText.h - PTX text as instructions and branches --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads as much of PTX as an analysis over registers needs: the instructions of
// each function with the registers that they name, and where control goes from
// each. The result points into the text, which has to outlive it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_PTXTEXT_H
#define ATTN_EXPORT_PTXTEXT_H

#include "attn/Export/PtxLint.h"

#include <string_view>
#include <vector>

namespace mlir::attn::ptx {

struct Operand {
  /// The first word: the name of a register or a label, or a literal.
  std::string_view text;
  /// An address or a guard: whatever the instruction, it writes none of its
  /// registers.
  bool isOnlyRead = false;
  /// `{...}`
  bool isVector = false;
  /// Every register that it names, as an index into Function::registers.
  std::vector<unsigned> registers;
};

struct Instruction {
  unsigned line = 0;
  std::string_view opcode;
  std::vector<Operand> operands;
  /// The instructions that a branch may go to.
  std::vector<unsigned> targets;
  /// False for an unconditional branch or return.
  bool fallsThrough = true;

  /// Whether the opcode is `prefix`, with or without modifiers.
  bool is(std::string_view prefix) const;
  bool isReturn() const { return is("ret") || is("exit"); }
  /// The operand that is written, or null. An instruction without a result
  /// starts with an address or, rarely (`bar.sync`), with a register that this
  /// takes for written.
  const Operand *getResult() const;
  /// The first word of operand `index`; empty if there is none.
  std::string_view getText(unsigned index) const {
    return index < operands.size() ? operands[index].text : "";
  }
};

struct Function {
  std::vector<Instruction> instructions;
  /// The names of the registers. Two inline assembly scopes may each declare a
  /// register of the same name.
  std::vector<std::string_view> registers;
};

/// Reads the functions of `text` that have a body. What cannot be read becomes
/// an entry of `findings`.
std::vector<Function> readFunctions(std::string_view text,
                                    std::vector<PtxLintFinding> &findings);

} // namespace mlir::attn::ptx

#endif // ATTN_EXPORT_PTXTEXT_H
