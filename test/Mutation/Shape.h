//===- Shape.h - What mutants are executed on -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_SHAPE_H
#define ATTN_TEST_MUTATION_SHAPE_H

#include "GoldenFolder.h"

#include "attn/Runtime/HostTensor.h"

#include <string>
#include <vector>

namespace attn::mutation {

/// The sizes of the inputs of a run, what is special about what they hold, and
/// how many instances are executed.
struct Shape {
  unsigned queries = 0, keys = 0, instances = 0;
  /// What three keys are multiplied by. They are in the blocks that come last,
  /// so that scores jump there above what the maximum that was kept so far
  /// bears, and the tile is computed again.
  unsigned jump = 1;
  /// What the first queries of the last head are multiplied by, which the last
  /// instance has: its scores jump where those of others do not.
  unsigned last = 1;
  /// How many blocks a list of them names; none for random lists. Keys jump in
  /// the first partial one, which comes behind the full ones, whose keys do
  /// not; or in the last of a list that is alone.
  unsigned blocks = 0;
};

/// The shapes for a program, from texts such as 130x450x3+jump=128 or
/// program:130x450x3.
runtime::Result<std::vector<Shape>>
shapesFor(const std::vector<std::string> &texts, const std::string &program);

/// Inputs whose open sizes, the batch and then the length, are filled in.
/// Packed rows are one sequence.
runtime::Result<std::vector<runtime::HostTensor>>
makeInputs(const GoldenProgram &program, const Shape &shape);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_SHAPE_H
