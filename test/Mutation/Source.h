//===- Source.h - PTX that can be edited ------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_SOURCE_H
#define ATTN_TEST_MUTATION_SOURCE_H

#include "Syntax.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace attn::mutation {

using runtime::emulator::SourceOperand;
using runtime::emulator::Statement;

/// What takes the place of some lines. Lines are never added, so that the
/// numbers of the others stay.
using Edit = std::map<uint32_t, std::string>;

/// Names an operand of a statement, which is to be changed.
using Select = SourceOperand &(*)(Statement &);

/// The text of a kernel, whose synchronisation has lines of its own.
class Source {
public:
  static runtime::Result<Source> parse(const std::string &ptx);

  const std::vector<Statement> &statements() const {
    return module.functions.front().body;
  }
  std::string apply(const Edit &edit) const;

  /// The number that an operand always is, where that is plain to see.
  std::optional<int64_t> findConstant(const SourceOperand &operand) const;
  /// The instruction of the same name that comes next, or last, within the
  /// scope of `at`.
  std::optional<size_t> findInScope(size_t at, const std::string &prefix,
                                    bool forward) const;
  /// The number of threads that the kernel is declared with, or zero.
  int64_t maxThreads() const;
  /// The most bytes that a copy is announced with: the size of a stage.
  int64_t stageBytes() const;

  /// Puts a read of a register that nothing wrote in front of a statement,
  /// which tells whether it is ever reached.
  Edit probe(size_t at) const;
  Edit remove(size_t at) const;
  Edit repeat(size_t at) const;
  /// Puts `changed` in the place of a statement; `prepare` comes before it.
  Edit replace(size_t at, const Statement &changed,
               const std::string &prepare = "") const;
  /// Replaces an operand of `type` by the result of `operation` on it and
  /// `value`.
  Edit alter(size_t at, Select select, const std::string &type,
             const std::string &operation, int64_t value) const;
  /// Exchanges the places of two statements' lines: `at` goes where `other` is,
  /// before or behind it.
  Edit moveTo(size_t at, size_t other, bool before) const;
  /// Moves a statement, with what computes its operands, across the nearest
  /// synchronisation of its basic block; nothing where there is none.
  std::optional<Edit> moveBefore(size_t at) const;
  std::optional<Edit> moveBehind(size_t at) const;

private:
  /// A statement, or a scope with all that it holds.
  struct Unit {
    size_t first = 0, last = 0;
    bool synchronises = false;
    /// Execution may come to it, or go on behind it, from elsewhere.
    bool isFlow = false;
  };

  runtime::Status checkLines() const;
  void findUnits();
  size_t unitOf(size_t at) const;
  std::string linesOf(const Unit &unit) const;
  void blank(Edit &edit, const Unit &unit) const;

  runtime::emulator::Module module;
  std::vector<Unit> units;
};

/// The statement as PTX.
std::string textOf(const Statement &statement);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_SOURCE_H
