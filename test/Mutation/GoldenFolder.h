//===- GoldenFolder.h - The right kernels, in files -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_GOLDENFOLDER_H
#define ATTN_TEST_MUTATION_GOLDENFOLDER_H

#include "Inputs.h"

#include "attn/Runtime/LaunchPlan.h"

#include <string>
#include <vector>

namespace attn::mutation {

/// A program as attn-golden compiles it: `name`.attnb is its bundle, and each
/// line of `name`.fills says what an input looks like.
struct GoldenProgram {
  std::string name;
  runtime::Bundle bundle;
  std::vector<runtime::TensorSpec> inputs;
  std::vector<run::Filling> fills;
};

/// A kernel of a program, launched as one of the ways to run it does.
struct GoldenKernel {
  /// That of the program for the last kernel of the last way, which computes
  /// the attention; for others with what they are for behind it.
  std::string name;
  const GoldenProgram *program = nullptr;
  size_t variant = 0, launch = 0;

  const runtime::TargetProgram &target() const {
    return program->bundle.targets.front();
  }
  const runtime::KernelLaunch &plan() const {
    return target().variants[variant].launches[launch];
  }
  const runtime::CompiledKernel &kernel() const {
    return target().kernels[plan().kernel];
  }
};

/// Each kernel of a program once: "document/limits" runs in front of
/// "document", and "vit/long" takes the place of "vit" where keys are many.
std::vector<GoldenKernel> kernelsOf(const GoldenProgram &program);

/// The word for `fill` in a file; "cu_seqlens:0" names the tensor that it
/// divides.
std::string fillName(run::Filling fill);

/// The programs of a folder, by name.
runtime::Result<std::vector<GoldenProgram>>
readGoldens(const std::string &folder);

/// The whole of a file.
runtime::Result<std::string> readText(const std::string &path);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_GOLDENFOLDER_H
