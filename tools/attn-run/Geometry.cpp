//===- Geometry.cpp - The sizes of an attention ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Geometry.h"

using namespace attn::run;

Geometry Geometry::dense(int64_t batches, int64_t heads, int64_t queries,
                         int64_t keys, int64_t keyDim, int64_t valueDim) {
  Geometry geometry;
  geometry.heads = heads;
  geometry.keyDim = keyDim;
  geometry.valueDim = valueDim;
  for (int64_t batch = 0; batch < batches; ++batch)
    geometry.sequences.push_back({queries, keys, batch * queries});
  return geometry;
}

int64_t Geometry::rows() const {
  int64_t queries = 0;
  for (const Sequence &sequence : sequences)
    queries += sequence.queries;
  return queries * heads;
}

double Geometry::work() const {
  double work = 0;
  for (const Sequence &sequence : sequences)
    work += rowWork(sequence) * static_cast<double>(sequence.queries * heads);
  return work;
}
