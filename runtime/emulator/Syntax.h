//===- Syntax.h - PTX as it is written --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parser reads and the decoder consumes. Names are still text, scopes
// are still statements; nothing is known of what an instruction means.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_SYNTAX_H
#define ATTN_RUNTIME_EMULATOR_SYNTAX_H

#include "attn/Runtime/Status.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attn::runtime::emulator {

/// Where a variable or an access is. A generic address says it by itself; the
/// memory of a cluster is the shared memory of all of its blocks.
enum class Space {
  Generic,
  Register,
  Parameter,
  Global,
  Constant,
  Shared,
  Cluster,
  Local
};

struct SourceOperand {
  enum class Kind {
    /// A register, a symbol, a label or `_`.
    Name,
    /// A number, with its sign.
    Immediate,
    /// `{a, b, ...}`.
    Vector,
    /// `[text + offset]`, and of a tensor `[text, {elements}]`.
    Address,
    /// `a|b`, two results.
    Pair,
  };
  Kind kind = Kind::Name;
  std::string text;
  /// Of a predicate: `!p`.
  bool negated = false;
  int64_t offset = 0;
  std::vector<SourceOperand> elements;
};

/// What an element of a variable starts as: a number, or the address of
/// another variable.
struct InitialValue {
  bool isNumber = true;
  bool isGeneric = false;
  std::string text;
  int64_t offset = 0;
};

/// A variable or a parameter, in bytes. The launch decides on the size of an
/// external one in shared memory.
struct Variable {
  std::string name;
  Space space = Space::Shared;
  uint32_t line = 0;
  uint64_t size = 0;
  uint64_t alignment = 1;
  bool isExternal = false;
  /// E.g. ".b32".
  std::string type;
  uint64_t elementSize = 0;
  std::vector<InitialValue> values;
};

struct Statement {
  enum class Kind {
    Instruction,
    Call,
    Label,
    BranchTargets,
    ScopeBegin,
    ScopeEnd,
    Registers,
    Variable,
  };
  Kind kind = Kind::Instruction;
  uint32_t line = 0;
  /// The opcode with its modifiers, the function that is called, the label, the
  /// variable, or the type of the registers.
  std::string name;
  /// The predicate register of `@p` or `@!p`, or empty.
  std::string guard;
  bool guardNegated = false;
  std::vector<SourceOperand> operands;
  /// Of a call.
  std::vector<SourceOperand> results;
  bool isIndirect = false;
  /// The registers declared; -1 for a single one, otherwise `name<count>`.
  std::vector<std::pair<std::string, int64_t>> registers;
  Variable variable = {};
};

struct Function {
  std::string name;
  bool isKernel = true;
  /// Of `.reqnctapercluster`, along x; zero without it.
  uint32_t clusterBlocks = 0;
  std::vector<Variable> results;
  std::vector<Variable> parameters;
  std::vector<Statement> body;
};

struct Module {
  std::vector<Variable> variables;
  std::vector<Function> functions;
  /// The text by lines, for messages. Line 1 comes first.
  std::vector<std::string> lines;
};

/// The text of a line without the space around it.
std::string lineText(const std::vector<std::string> &lines, uint32_t line);

/// `message` as said of a line of PTX, which is quoted.
Failure lineFailure(const std::vector<std::string> &lines, uint32_t line,
                    const std::string &message);

Result<Module> parsePtx(const std::string &text);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_SYNTAX_H
