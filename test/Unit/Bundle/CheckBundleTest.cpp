//===- CheckBundleTest.cpp - Bundles whose parts do not fit ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Example.h"

#include "attn/Runtime/Bundle.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

namespace {
class CheckBundleTest : public testing::Test {
protected:
  /// What is wrong with the bundle, which is whole again afterwards.
  std::string refusal() {
    Status status = checkBundle(bundle);
    bundle = exampleBundle();
    return status.failed() ? status.message() : "nothing refused";
  }
  TargetProgram &target() { return bundle.targets[0]; }
  LaunchPlan &plan() { return target().kernels[0].plan; }
  Variant &large() { return target().variants[1]; }

  Bundle bundle = exampleBundle();
};
} // namespace

TEST_F(CheckBundleTest, TakesTheExample) {
  EXPECT_EQ(refusal(), "nothing refused");
}

TEST_F(CheckBundleTest, RefusesTensors) {
  bundle.signature.tensors.resize(65, bundle.signature.tensors[0]);
  EXPECT_EQ(refusal(), "malformed bundle: expected at most 64 tensors of 'a "
                       "\"program\"\n', got 65");
  plan().tensors[1].name = "q";
  EXPECT_EQ(refusal(), "malformed bundle: expected distinct names of the "
                       "tensors of 'whole', got 'q'");
  plan().tensors[1].name = "";
  EXPECT_EQ(refusal(), "malformed bundle: expected distinct names of the "
                       "tensors of 'whole', got ''");
  plan().tensors[0].shape.resize(9);
  EXPECT_EQ(refusal(),
            "malformed bundle: expected 'q' to have at most 8 axes, got 9");
  plan().tensors[0].shape[0] = -2;
  EXPECT_EQ(refusal(),
            "malformed bundle: expected sizes of 'q' that are -1 or more");
  std::swap(plan().tensors[0], plan().tensors[1]);
  EXPECT_EQ(refusal(),
            "malformed bundle: expected input 'q' in front of the outputs");
  bundle.signature.tensors[1].updates = 0;
  EXPECT_EQ(refusal(), "nothing refused");
  for (int32_t updates : {-2, 1, 2}) {
    bundle.signature.tensors[1].updates = updates;
    EXPECT_EQ(refusal(), "malformed bundle: expected 'o' to update an input of "
                         "its type, got " +
                             std::to_string(updates));
  }
  bundle.signature.tensors[0].updates = 0;
  EXPECT_EQ(refusal(), "malformed bundle: expected 'q' to update an input of "
                       "its type, got 0");
  bundle.signature.tensors[1].updates = 0;
  bundle.signature.tensors[1].elementType = ElementType::F16;
  EXPECT_EQ(refusal(), "malformed bundle: expected 'o' to update an input of "
                       "its type, got 0");
  bundle.signature.equalSizes[0].second.axis = 2;
  EXPECT_EQ(refusal(), "malformed bundle: an equality of 'a \"program\"\n' is "
                       "of an axis that is not there");
  plan().leastSizes[0].size.axis = 2;
  EXPECT_EQ(refusal(), "malformed bundle: a least size of 'whole' is of "
                       "something that is not there");
  plan().leastSizes[0].least.pop_back();
  EXPECT_EQ(refusal(), "malformed expression: expected one result, got 2");
  plan().equalSizes[0].first.tensor = -1;
  EXPECT_EQ(refusal(), "malformed bundle: an equality of 'whole' is of an axis "
                       "that is not there");
}

TEST_F(CheckBundleTest, RefusesTensorMaps) {
  plan().parameters[0].swizzle = static_cast<Swizzle>(1);
  EXPECT_EQ(refusal(), "malformed bundle: expected a swizzle of 0, 32, 64 or "
                       "128 bytes for 'q', got 1");
  plan().tensors[0].elementType = ElementType::I8;
  EXPECT_EQ(refusal(), "malformed bundle: expected no tensor map of integers, "
                       "got one of 'q'");
  plan().parameters[0].mapDims.resize(6);
  EXPECT_EQ(refusal(), "malformed bundle: expected 1 to 5 dimensions of the "
                       "tensor map of 'q', got 6");
  for (TensorMapDim dim :
       {TensorMapDim{2, 1, 1, 1}, TensorMapDim{0, -2, 1, 1},
        TensorMapDim{0, 1, 0, 1}, TensorMapDim{0, 1, int64_t(1) << 31, 1},
        TensorMapDim{0, 1, 1, 257}}) {
    plan().parameters[0].mapDims[1] = dim;
    EXPECT_EQ(refusal(), "malformed bundle: a dimension of the tensor map of "
                         "'q' has an axis, an extent, a step or a box out of "
                         "range");
  }
}

TEST_F(CheckBundleTest, RefusesKernels) {
  plan().kernel = "";
  EXPECT_EQ(refusal(),
            "malformed bundle: expected every kernel to have a name");
  target().kernels[0].ptx.push_back('\0');
  EXPECT_EQ(refusal(),
            "malformed bundle: expected the PTX of 'whole' to be text");
  plan().parameters[1].tensor = 2;
  EXPECT_EQ(refusal(), "malformed bundle: a parameter of 'whole' is of a "
                       "tensor that is not there");
  plan().parameters[2].axis = 2;
  EXPECT_EQ(refusal(), "malformed bundle: a parameter of 'whole' is of an axis "
                       "that is not there");
  plan().parameters[3].expression.pop_back();
  EXPECT_EQ(refusal(), "malformed expression: expected one result, got 2");
  plan().instances[0].pop_back();
  EXPECT_EQ(refusal(), "malformed expression: expected one result, got 2");
  plan().clusterBlocks = 17;
  EXPECT_EQ(refusal(), "malformed bundle: expected clusters of 1 to 16 blocks "
                       "of 'whole', got 17");
  plan().threadsPerBlock = 1025;
  EXPECT_EQ(
      refusal(),
      "malformed bundle: expected 1 to 1024 threads of 'whole', got 1025");
}

TEST_F(CheckBundleTest, RefusesVariants) {
  target().variants.clear();
  EXPECT_EQ(refusal(), "malformed bundle: expected the last variant for "
                       "'sm_100a' to have no guard");
  large().guard = {constantTerm(1)};
  EXPECT_EQ(refusal(), "malformed bundle: expected the last variant for "
                       "'sm_100a' to have no guard");
  target().variants[0].guard = {sizeTerm(2, 0)};
  EXPECT_EQ(refusal(), "malformed expression: there is no axis 0 of tensor 2");
  large().launches[1].guard = {sizeTerm(0, 2)};
  EXPECT_EQ(refusal(), "malformed expression: there is no axis 2 of tensor 0");
  large().workspaces.resize(65);
  EXPECT_EQ(refusal(), "malformed bundle: expected at most 64 workspaces, got "
                       "65");
  large().workspaces[0].clear = 256;
  EXPECT_EQ(refusal(), "malformed bundle: workspace 'part' has too many axes "
                       "or is cleared to no byte");
  large().workspaces[0].shape[0].clear();
  EXPECT_EQ(refusal(), "malformed expression: expected one result, got 0");
}

TEST_F(CheckBundleTest, RefusesLaunches) {
  large().launches[0].kernel = 3;
  EXPECT_EQ(refusal(), "malformed bundle: there is no kernel 3 to launch");
  large().launches[0].tensors.pop_back();
  EXPECT_EQ(refusal(), "malformed bundle: expected 'split' to be launched on 2 "
                       "tensors, got 1");
  for (int32_t index : {-1, 1, 3, 4}) {
    large().launches[0].tensors[1] = index;
    EXPECT_EQ(refusal(), "malformed bundle: 'split' is launched on another "
                         "tensor than its 'part'");
  }
  target().variants[0].launches[0].dependent = true;
  EXPECT_EQ(refusal(),
            "malformed bundle: expected 'whole', which is launched as "
            "dependent, to wait for the launch before it");
}

TEST_F(CheckBundleTest, RefusesTargets) {
  bundle.targets[1].target = "sm_100a";
  EXPECT_EQ(refusal(), "malformed bundle: expected distinct names of targets, "
                       "got 'sm_100a' twice");
  bundle.targets.clear();
  EXPECT_EQ(refusal(), "malformed bundle: expected at least one target");
}
