//===- Check.h - Is a result right? -----------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules by which the result of a kernel is compared with the reference.
// They know nothing of programs: numbers go in, a report comes out.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_CHECK_H
#define ATTN_TOOLS_ATTNRUN_CHECK_H

#include "Geometry.h"

#include "attn/Runtime/HostTensor.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace attn::run {

/// The result of one query: a row of the output and an element of the LSE.
struct RowIndex {
  int64_t batch = 0, head = 0, query = 0;
};

/// The rows to compare: all of them where the reference is cheap, otherwise the
/// first, the last, the border of the empty ones, those at the edges of tiles
/// and a few at random, of every head.
struct Sample {
  bool complete = false;
  std::vector<RowIndex> rows;
};
Sample selectRows(const Geometry &geometry, uint64_t seed);

/// What is compared. The output is `[B, Lq, Hq, Dv]`, the LSE `[B, Hq, Lq]`, or
/// packed `[total_q, Hq, Dv]` and `[Hq, total_q]`; both pointers to the LSE are
/// null where the program does not return it. The rows that are not in the
/// sample may hold anything.
struct Comparison {
  Geometry geometry;
  const runtime::HostTensor *output = nullptr;
  const runtime::HostTensor *lse = nullptr;
  /// In double precision.
  const double *expectedOutput = nullptr;
  const double *expectedLse = nullptr;
  /// What a framework computes without fusion in the output's element type.
  const double *eagerOutput = nullptr;
};

/// The verdict on one rule.
struct Verdict {
  /// What is measured, e.g. "relative Frobenius error".
  const char *rule = "";
  int64_t violations = 0;
  /// The worst case, by the ratio of the value to its limit.
  double value = 0, limit = 0;
  RowIndex where;
  /// The rule is about a whole head; `where.query` means nothing.
  bool wholeHead = false;

  bool passed() const { return violations == 0; }
};

struct CheckReport {
  int64_t rows = 0, totalRows = 0, emptyRows = 0;
  /// Finite, empty rows zero, Frobenius norm, row maximum, LSE.
  std::array<Verdict, 5> verdicts;

  bool passed() const;
  /// The violations, a line each, with the worst offender.
  std::string failures() const;
};
CheckReport check(const Comparison &comparison, const Sample &sample);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_CHECK_H
