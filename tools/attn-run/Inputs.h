//===- Inputs.h - The tensors that a program is run on ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_INPUTS_H
#define ATTN_TOOLS_ATTNRUN_INPUTS_H

#include "attn/Runtime/HostTensor.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <string>
#include <vector>

namespace attn::run {

/// The two sides of `name=value` on the command line.
struct Assignment {
  std::string name, value;
};
using Assignments = std::vector<Assignment>;

/// What random data looks like.
enum class FillKind {
  /// Normal random numbers.
  Normal,
  /// Integers from 0 to 7.
  Small,
  /// Numbers of keys: from 0 to the length of a sequence.
  Lengths,
  /// Along the last axis, runs of equal numbers that grow.
  Documents,
  /// 2^(-8 (i + 1) / n) for element i of n, as published for ALiBi.
  Slopes,
  /// How many blocks of keys a row of blocks has, and which: along the last
  /// axis, different numbers and then -1. Those of the partial and of the full
  /// lists of a row have none in common.
  BlockCounts,
  PartialBlocks,
  FullBlocks,
};

struct Fill {
  FillKind kind = FillKind::Normal;
  /// The keys of a block.
  int64_t blockKeys = 1;
};

/// Splits the values of the flag `flag`. Names occur once and are in `specs`.
runtime::Result<Assignments>
parseAssignments(const std::string &flag,
                 const std::vector<std::string> &values,
                 const std::vector<runtime::TensorSpec> &specs);

/// Reads the tensors of `specs` from `files` where these name them. The others
/// have the shape that `shapes` gives, or that of their type, and are filled
/// with random data as `fills` says.
runtime::Result<std::vector<runtime::HostTensor>>
makeInputs(const std::vector<runtime::TensorSpec> &specs,
           const std::vector<Fill> &fills, const Assignments &shapes,
           const Assignments &files, uint64_t seed);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_INPUTS_H
