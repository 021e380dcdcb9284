//===- Inputs.h - The tensors that a program is run on ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_INPUTS_H
#define ATTN_TOOLS_ATTNRUN_INPUTS_H

#include "common/Shapes.h"

#include "attn/Runtime/HostTensor.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <string>
#include <vector>

namespace attn::run {

using tools::Assignment;
using tools::Assignments;

/// What random data looks like.
enum class Fill {
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
  /// From 0 to the number of rows of another tensor, never less than before.
  CuSeqlens,
  /// How many blocks of keys a row of blocks has, and which: along the last
  /// axis, different numbers and then -1. Those of the partial and of the full
  /// lists of a row have none in common.
  BlockCounts,
  PartialBlocks,
  FullBlocks,
  /// Factors of at most 1, and their logarithms.
  LinearDecays,
  LogDecays,
  /// Different numbers, every fourth of them -1.
  Slots,
  /// Between 0 and 1.
  Gates,
  /// Along the last axis, normal numbers of norm 1.
  UnitRows,
  /// The elements of another tensor, times numbers between -1 and 0.
  Opposite,
};
struct Filling {
  Fill kind = Fill::Normal;
  /// The number of the other tensor: whose rows CuSeqlens divides, whose
  /// elements Opposite turns around.
  size_t other = 0;
  /// The keys of a block, for lists of them.
  int64_t blockKeys = 1;
};

/// What the command line says of inputs, by their names.
struct InputFlags {
  /// Shapes, files to read and lists of elements.
  Assignments shapes, files, values;
};

/// Reads the tensors of `specs` from files where `flags` names them. The others
/// have the shape that `flags` gives, or that of their type, and the elements
/// that it lists, or random ones as `fills` says.
runtime::Result<std::vector<runtime::HostTensor>>
makeInputs(const std::vector<runtime::TensorSpec> &specs,
           const std::vector<Filling> &fills, const InputFlags &flags,
           uint64_t seed);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_INPUTS_H
