//===- GoldenFolderTest.cpp - Which kernels are broken --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GoldenFolder.h"

#include <gtest/gtest.h>

using namespace attn::mutation;
using namespace attn::runtime;

static CompiledKernel kernel(const std::string &name) {
  CompiledKernel result;
  result.plan.kernel = name;
  return result;
}

static KernelLaunch launch(uint32_t kernel) {
  KernelLaunch result;
  result.kernel = kernel;
  return result;
}

/// Each kernel once, and by the name of the program what computes the attention
/// where no guard holds.
TEST(GoldenFolder, NamesKernels) {
  GoldenProgram program;
  program.name = "some-mask";
  program.bundle.signature.name = "some_mask";
  TargetProgram target;
  target.kernels = {kernel("some_mask_limits"), kernel("some_mask"),
                    kernel("some_mask")};
  Variant guarded, last;
  guarded.guard = {{}};
  guarded.launches = {launch(0), launch(1)};
  last.launches = {launch(0), launch(2)};
  target.variants = {guarded, last};
  program.bundle.targets = {target};

  std::vector<GoldenKernel> kernels = kernelsOf(program);
  ASSERT_EQ(kernels.size(), 3u);
  EXPECT_EQ(kernels[0].name, "some-mask/limits");
  EXPECT_EQ(kernels[1].name, "some-mask");
  EXPECT_EQ(kernels[1].plan().kernel, 2u);
  EXPECT_EQ(kernels[2].name, "some-mask/long");
  EXPECT_EQ(kernels[2].plan().kernel, 1u);
  EXPECT_EQ(kernels[2].variant, 0u);
  EXPECT_EQ(kernels[2].launch, 1u);
}
