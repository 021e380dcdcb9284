//===- Example.h - A bundle for tests ---------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_BUNDLE_EXAMPLE_H
#define ATTN_TEST_UNIT_BUNDLE_EXAMPLE_H

#include "attn/Runtime/LaunchPlan.h"

namespace attn::runtime {

inline Term sizeTerm(int32_t tensor, int32_t axis) {
  return {Term::Kind::Size, 0, tensor, axis};
}
inline Term constantTerm(int64_t value) {
  return {Term::Kind::Constant, value, 0, 0};
}

/// A bundle that uses every part of the format. Of q [n, 64] it computes
/// o [n, 64]: short ones in one kernel, long ones in two with a workspace
/// [multiprocessors, 64] between them.
inline Bundle exampleBundle() {
  using Kind = KernelParameter::Kind;
  TensorSpec q{"q", ElementType::BF16, {-1, 64}, false};
  TensorSpec part{"part", ElementType::F32, {-1, 64}, true};
  TensorSpec o{"o", ElementType::BF16, {-1, 64}, true};
  KernelParameter map;
  map.kind = Kind::TensorMap;
  map.swizzle = Swizzle::B128;
  map.mapDims = {{1, 64, 1, 64}, {0, -1, 1, 128}, {0, 1, 1, 1, true}};
  KernelParameter pointer;
  pointer.kind = Kind::Pointer;
  pointer.tensor = 1;
  pointer.alignment = 16;
  KernelParameter size;
  KernelParameter value;
  value.kind = Kind::Value;
  value.expression = {{Term::Kind::Stride, 0, 0, 0},
                      constantTerm(2),
                      {Term::Kind::Multiply, 0, 0, 0}};

  CompiledKernel whole;
  whole.plan.kernel = "whole";
  whole.plan.tensors = {q, o};
  KernelParameter counter;
  counter.kind = Kind::Counter;
  whole.plan.parameters = {map, pointer, size, value, counter};
  whole.plan.instances = {
      {sizeTerm(0, 0), constantTerm(128), {Term::Kind::CeilDivide, 0, 0, 0}},
      {constantTerm(2)}};
  whole.plan.persistent = false;
  whole.plan.clusterBlocks = 2;
  whole.plan.threadsPerBlock = 384;
  whole.plan.sharedMemoryBytes = 1000;
  whole.plan.equalSizes = {{{0, 0}, {1, 0}}};
  whole.plan.leastSizes = {
      {{1, 1},
       {sizeTerm(0, 0), constantTerm(32), {Term::Kind::CeilDivide, 0, 0, 0}}}};
  whole.ptx = "// whole";
  whole.cubin = {0, 1, 2, 255};

  CompiledKernel split = whole;
  split.plan.kernel = "split";
  split.plan.tensors = {q, part};
  split.plan.parameters = {map, pointer};
  split.plan.equalSizes.clear();
  split.plan.leastSizes.clear();
  split.ptx = "// split";
  split.cubin.clear();

  CompiledKernel join = split;
  join.plan.kernel = "join";
  join.plan.tensors = {part, o};
  join.plan.tensors[0].isOutput = false;
  join.plan.parameters = {pointer};
  join.plan.awaitsPrevious = true;
  join.ptx = "// join";

  Bundle bundle;
  bundle.compiler = "attn 1.2.3";
  bundle.assembler = "ptxas 13.0";
  bundle.signature.name = "a \"program\"\n";
  bundle.signature.tensors = {q, o};
  bundle.signature.equalSizes = {{{0, 0}, {1, 0}}};
  TargetProgram target;
  target.target = "sm_90a";
  target.kernels = {whole, split, join};
  Variant small;
  small.guard = {
      sizeTerm(0, 0), constantTerm(1000), {Term::Kind::LessEqual, 0, 0, 0}};
  small.launches = {{0, {}, {0, 1}, false}};
  Variant large;
  large.workspaces = {
      {"part",
       ElementType::F32,
       {{{Term::Kind::Multiprocessors, 0, 0, 0}}, {constantTerm(64)}},
       0},
      {"scratch", ElementType::BF16, {{constantTerm(5)}}, -1}};
  large.launches = {{1, {}, {0, 2}, false},
                    {2, {sizeTerm(0, 0)}, {2, 1}, true}};
  target.variants = {small, large};
  TargetProgram other = target;
  other.target = "sm_100a";
  bundle.targets = {other, target};
  return bundle;
}

} // namespace attn::runtime

#endif // ATTN_TEST_UNIT_BUNDLE_EXAMPLE_H
