//===- LaunchTest.cpp - A launch plan, evaluated --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Launch.h"

#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

using namespace attn::runtime;

namespace {
/// A plan such as the compiler makes: q [B, S, H, 128] through a tensor map,
/// k likewise, lse [B, H, S] by its address.
class LaunchTest : public testing::Test {
protected:
  LaunchTest() {
    plan.kernel = "attn";
    plan.tensors = {{"q", ElementType::BF16, {-1, -1, 16, 128}, false},
                    {"k", ElementType::BF16, {-1, -1, 2, 128}, false},
                    {"lse", ElementType::F32, {-1, 16, -1}, true}};
    KernelParameter map;
    map.kind = KernelParameter::Kind::TensorMap;
    map.swizzle = Swizzle::B128;
    map.mapDims = {
        {3, 64, 1, 64}, {1, -1, 1, 128}, {3, 2, 64, 2}, {2, -1, 1, 1}, {0}};
    KernelParameter pointer;
    pointer.kind = KernelParameter::Kind::Pointer;
    pointer.tensor = 2;
    KernelParameter size;
    size.axis = 1;
    plan.parameters = {map, pointer, size};
    plan.instances = {{{Term::Kind::Size, 0, 0, 1},
                       {Term::Kind::Constant, 128},
                       {Term::Kind::CeilDivide}},
                      {{Term::Kind::Constant, 16}},
                      {{Term::Kind::Size, 0, 0, 0}}};
    plan.threadsPerBlock = 384;
    plan.sharedMemoryBytes = 1000;
    plan.equalSizes = {{{0, 0}, {1, 0}}, {{0, 1}, {2, 2}}};

    tensors = {make(ElementType::BF16, 0x10000, {3, 1000, 16, 128}),
               make(ElementType::BF16, 0x20000, {3, 77, 2, 128}),
               make(ElementType::F32, 0x30000, {3, 16, 1000})};
  }

  static TensorArgument make(ElementType type, uint64_t address,
                             const std::vector<int64_t> &shape) {
    return {type, address, shape, rowMajorStrides(shape)};
  }

  std::string refusal() const {
    Result<Launch> launch = planLaunch(plan, tensors, 132);
    return launch.failed() ? launch.message() : "nothing refused";
  }

  LaunchPlan plan;
  std::vector<TensorArgument> tensors;
};
} // namespace

TEST_F(LaunchTest, LeavesAPlaceForTheCounter) {
  plan.parameters.emplace_back().kind = KernelParameter::Kind::Counter;
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_EQ(launch->counterParameter, launch->parameters.size() - 1);
  EXPECT_EQ(std::get<uint64_t>(launch->parameters.back()), 0u);
}

TEST_F(LaunchTest, EvaluatesParameters) {
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_EQ(launch->blocks, 132u);
  EXPECT_EQ(launch->threadsPerBlock, 384u);
  EXPECT_EQ(launch->sharedMemoryBytes, 1000u);
  ASSERT_EQ(launch->parameters.size(), 3u);
  const auto &map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.address, 0x10000u);
  EXPECT_EQ(map.swizzle, Swizzle::B128);
  EXPECT_EQ(map.extents, (std::vector<uint64_t>{64, 1000, 2, 16, 3}));
  EXPECT_EQ(map.strides, (std::vector<uint64_t>{4096, 128, 256, 1000 * 4096}));
  EXPECT_EQ(map.box, (std::vector<uint32_t>{64, 128, 2, 1, 1}));
  EXPECT_EQ(std::get<uint64_t>(launch->parameters[1]), 0x30000u);
  EXPECT_EQ(std::get<int32_t>(launch->parameters[2]), 1000);
}

TEST_F(LaunchTest, AKernelThatIsNotPersistentHasABlockPerInstance) {
  plan.persistent = false;
  EXPECT_EQ(planLaunch(plan, tensors, 132)->blocks, 8u * 16 * 3);
}

TEST_F(LaunchTest, APersistentKernelHasNoMoreBlocksThanInstances) {
  EXPECT_EQ(planLaunch(plan, tensors, 1000)->blocks, 8u * 16 * 3);
}

TEST_F(LaunchTest, SizesAreLargeEnough) {
  // At least a row of k for each 13 of q.
  plan.leastSizes = {{{1, 1},
                      {{Term::Kind::Size, 0, 0, 1},
                       {Term::Kind::Constant, 13},
                       {Term::Kind::CeilDivide}}}};
  EXPECT_EQ(refusal(), "nothing refused");
  plan.leastSizes[0].least[1].value = 12;
  EXPECT_EQ(refusal(), "expected size 1 of 'k' to be at least 84, got 77");
  plan.leastSizes[0].least[1].value = 0;
  EXPECT_EQ(refusal(), "expected a positive divisor in an expression, got 0");
  plan.leastSizes[0].least.pop_back();
  EXPECT_EQ(refusal(), "malformed launch plan: malformed expression: expected "
                       "one result, got 2");
  plan.leastSizes = {{{0, 4}, {{Term::Kind::Constant, 13}}}};
  EXPECT_EQ(refusal(), "malformed launch plan: 'q' has no axis 4");
}

TEST_F(LaunchTest, ClustersAreWhole) {
  plan.clusterBlocks = 5;
  EXPECT_EQ(planLaunch(plan, tensors, 132)->blocks, 130u);
  EXPECT_EQ(planLaunch(plan, tensors, 132)->clusterBlocks, 5u);
  EXPECT_EQ(planLaunch(plan, tensors, 1000)->blocks, 385u);
  EXPECT_EQ(planLaunch(plan, tensors, 2)->blocks, 5u);
  plan.persistent = false;
  EXPECT_EQ(refusal(), "expected the program instances of kernel '" +
                           plan.kernel +
                           "' to be a multiple of 5, the blocks of a cluster, "
                           "got 384");
  plan.clusterBlocks = 4;
  EXPECT_EQ(planLaunch(plan, tensors, 132)->blocks, 384u);
  plan.clusterBlocks = 0;
  EXPECT_EQ(refusal(), "malformed launch plan: expected a positive number of "
                       "blocks in a cluster, got 0");
}

TEST_F(LaunchTest, TheRowsOfABoxFitTheSwizzle) {
  const std::string rows =
      "malformed launch plan: expected the rows of the box of 'q' to be ";
  plan.parameters[0].mapDims[0].box = 60;
  EXPECT_EQ(refusal(), rows + "a multiple of 16 bytes, got 120");
  plan.parameters[0].mapDims[0].box = 32;
  EXPECT_EQ(refusal(), rows + "as wide as its swizzle, 128 bytes, got 64");
  plan.parameters[0].swizzle = Swizzle::B32;
  EXPECT_EQ(refusal(), rows + "as wide as its swizzle, 32 bytes, got 64");
  plan.parameters[0].swizzle = Swizzle::B64;
  EXPECT_EQ(refusal(), "nothing refused");
  plan.parameters[0].mapDims[0].box = 128;
  plan.parameters[0].swizzle = Swizzle::None;
  EXPECT_EQ(refusal(), "nothing refused");
  plan.tensors[0].elementType = ElementType::I32;
  tensors[0] = make(ElementType::I32, 0x10000, {3, 1000, 16, 128});
  EXPECT_EQ(refusal(), "malformed launch plan: expected bf16, f16 or f32 in "
                       "'q', which has a tensor map, got i32");
}

TEST_F(LaunchTest, AnEmptyTensorIsEncodedAndNothingLaunched) {
  tensors[0] = make(ElementType::BF16, 0x10000, {3, 0, 16, 128});
  tensors[2] = make(ElementType::F32, 0x30000, {3, 16, 0});
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_EQ(launch->blocks, 0u);
  const auto &map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.extents, (std::vector<uint64_t>{64, 1, 2, 16, 3}));
}

TEST_F(LaunchTest, AnEmptyTensorNeedsNoAddress) {
  tensors[0] = make(ElementType::BF16, 0, {3, 0, 16, 128});
  tensors[2] = make(ElementType::F32, 0, {3, 16, 0});
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_NE(std::get<TensorMapDescription>(launch->parameters[0]).address, 0u);
}

TEST_F(LaunchTest, AViewWithItsOwnStridesIsTaken) {
  // One of three in a packed [B, S, 3, H, D] tensor.
  tensors[0].strides = {1000 * 3 * 2048, 3 * 2048, 128, 1};
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  const auto &map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.strides[0], 3u * 4096);
}

TEST_F(LaunchTest, RefusesAWrongNumberOfTensors) {
  tensors.pop_back();
  EXPECT_EQ(refusal(), "expected 3 tensors, got 2");
}

TEST_F(LaunchTest, RefusesAWrongElementType) {
  tensors[1].elementType = ElementType::F16;
  EXPECT_EQ(refusal(), "expected 'k' to have element type bf16, got f16");
}

TEST_F(LaunchTest, RefusesAWrongRank) {
  tensors[1].shape.pop_back();
  EXPECT_EQ(refusal(), "expected 'k' to have rank 4, got 3");
}

TEST_F(LaunchTest, RefusesMissingStrides) {
  tensors[1].strides.pop_back();
  EXPECT_EQ(refusal(), "expected 'k' to have 4 strides, got 3");
}

TEST_F(LaunchTest, RefusesAWrongStaticSize) {
  tensors[1].shape[2] = 4;
  EXPECT_EQ(refusal(), "expected size 2 of 'k' to be 2, got 4");
}

TEST_F(LaunchTest, RefusesANegativeSize) {
  tensors[1].shape[1] = -1;
  EXPECT_EQ(refusal(), "expected size 1 of 'k' to be 0 or more, got -1");
}

TEST_F(LaunchTest, RefusesSizesThatDisagree) {
  tensors[1] = make(ElementType::BF16, 0x20000, {2, 77, 2, 128});
  EXPECT_EQ(refusal(),
            "expected size 0 of 'q' to equal size 0 of 'k', got 3 and 2");
}

TEST_F(LaunchTest, RefusesAMissingAddress) {
  tensors[2].address = 0;
  EXPECT_EQ(refusal(), "expected 'lse' to have an address");
}

TEST_F(LaunchTest, RefusesAMisalignedAddress) {
  tensors[0].address = 0x10008;
  EXPECT_EQ(refusal(),
            "expected the address of 'q' to be a multiple of 16, got 65544");
}

TEST_F(LaunchTest, RefusesAnInnermostStride) {
  tensors[0].strides.back() = 2;
  EXPECT_EQ(refusal(), "expected the innermost stride of 'q' to be 1");
}

TEST_F(LaunchTest, RefusesAMisalignedStride) {
  tensors[0].strides[1] = 2052;
  EXPECT_EQ(refusal(), "expected stride 1 of 'q' to be a multiple of 16 bytes "
                       "and below 2^40 bytes, got 2052 elements");
  for (int64_t stride : {int64_t(-2048), int64_t(1) << 39, INT64_MAX - 7}) {
    tensors[0].strides[1] = stride;
    EXPECT_EQ(refusal(), "expected stride 1 of 'q' to be a multiple of 16 "
                         "bytes and below 2^40 bytes, got " +
                             std::to_string(stride) + " elements");
  }
}

TEST_F(LaunchTest, TakesTheStridesOfATensorThatIsNoMap) {
  KernelParameter stride;
  stride.kind = KernelParameter::Kind::Value;
  stride.expression = {{Term::Kind::Stride, 0, 2, 1}};
  plan.parameters.push_back(stride);
  tensors[2].strides[1] = 1008;
  tensors[2].strides[0] = 16 * 1008 + 1;
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_EQ(std::get<uint64_t>(launch->parameters[3]), 1008u);
  tensors[2].strides = {16, 1, 48};
  EXPECT_EQ(refusal(),
            "expected the innermost stride of 'lse' to be 1, got 48");
  tensors[0].shape[1] = tensors[2].shape[2] = 1;
  EXPECT_EQ(refusal(), "nothing refused");
}

/// Four elements of the rows of lse are accessed at once.
TEST_F(LaunchTest, RefusesWhatIsNotAligned) {
  plan.parameters[1].alignment = 16;
  EXPECT_EQ(refusal(), "nothing refused");
  tensors[2].address += 8;
  EXPECT_EQ(refusal(), "expected the address of 'lse' to be a multiple of 16, "
                       "got 196616");
  tensors[2].address -= 8;
  tensors[2].strides = {16 * 1002, 1002, 1};
  EXPECT_EQ(refusal(), "expected stride 1 of 'lse' to be a multiple of 16 "
                       "bytes, got 1002 elements");
  // Nothing steps along an axis of one element.
  tensors[0].shape[0] = tensors[1].shape[0] = tensors[2].shape[0] = 1;
  tensors[2].strides = {7, 1000, 1};
  EXPECT_EQ(refusal(), "nothing refused");
}

TEST_F(LaunchTest, AnOutputMayUpdateAnInput) {
  plan.tensors.push_back(
      {"k_new", ElementType::BF16, {-1, -1, 2, 128}, true, 1});
  tensors.push_back(tensors[1]);
  EXPECT_EQ(refusal(), "nothing refused");
  const std::string expected =
      "expected 'k_new' to be the same memory as 'k', which it updates";
  tensors[3].address += 16;
  EXPECT_EQ(refusal(), expected);
  tensors[3] = tensors[1];
  tensors[3].strides[1] *= 2;
  EXPECT_EQ(refusal(), expected);
  plan.tensors[3].updates = 4;
  EXPECT_EQ(refusal(), "malformed launch plan: there is no tensor 4");
}

TEST_F(LaunchTest, AsksNothingOfTheStrideOfASingleElement) {
  tensors[0] = make(ElementType::BF16, 0x10000, {3, 1, 16, 128});
  tensors[0].strides[1] = 7;
  tensors[2] = make(ElementType::F32, 0x30000, {3, 16, 1});
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  const auto &map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.strides, (std::vector<uint64_t>{16, 128, 256, 4096}));
}

TEST_F(LaunchTest, RefusesASizeBeyond32Bits) {
  int64_t huge = int64_t(1) << 31;
  tensors[0].shape[1] = tensors[2].shape[2] = huge;
  tensors[2].strides = rowMajorStrides(tensors[2].shape);
  EXPECT_EQ(refusal(),
            "expected size 1 of 'q' to be at most 2147483647, got 2147483648");
}

TEST_F(LaunchTest, RefusesAnExtentBeyondATensorMap) {
  int64_t huge = (int64_t(1) << 32) + 1;
  tensors[0].shape[1] = tensors[2].shape[2] = huge;
  EXPECT_EQ(refusal(),
            "expected size 1 of 'q' to be at most 4294967296, got 4294967297");
}

TEST_F(LaunchTest, ShiftsTheAddressOfADimensionThatEndsThere) {
  plan.parameters[0].mapDims = {
      {3, -1, 1, 64}, {1, -1, 1, 128}, {1, -1, 1, 1, /*lastAtAddress=*/true}};
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  auto map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.extents, (std::vector<uint64_t>{128, 1000, 1000}));
  EXPECT_EQ(map.strides, (std::vector<uint64_t>{4096, 4096}));
  // Before address 0: what the coordinates add leads around it.
  EXPECT_EQ(map.address, uint64_t(0x10000) - uint64_t(999 * 4096));
  // Without rows there is nothing to shift by.
  tensors[0] = make(ElementType::BF16, 0x10000, {3, 0, 16, 128});
  tensors[2] = make(ElementType::F32, 0x30000, {3, 16, 0});
  launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  map = std::get<TensorMapDescription>(launch->parameters[0]);
  EXPECT_EQ(map.address, 0x10000u);
}

TEST_F(LaunchTest, LaunchesNothingWhereACountIsNegative) {
  plan.instances.push_back({{Term::Kind::Size, 0, 0, 0},
                            {Term::Kind::Constant, 4},
                            {Term::Kind::Subtract}});
  Result<Launch> launch = planLaunch(plan, tensors, 132);
  ASSERT_FALSE(launch.failed()) << launch.message();
  EXPECT_EQ(launch->blocks, 0u);
}

TEST_F(LaunchTest, RefusesTooManyInstances) {
  plan.instances.push_back({{Term::Kind::Constant, int64_t(1) << 40}});
  EXPECT_EQ(refusal(), "expected at most 2147483647 program instances of "
                       "kernel 'attn', got more");
  plan.instances.back().front().value = INT64_MAX;
  EXPECT_EQ(refusal(), "expected at most 2147483647 program instances of "
                       "kernel 'attn', got more");
}

TEST_F(LaunchTest, RefusesAMalformedPlan) {
  LaunchPlan good = plan;
  plan.parameters[0].tensor = 3;
  EXPECT_EQ(refusal(), "malformed launch plan: there is no tensor 3");
  plan = good;
  plan.parameters[2].axis = 4;
  EXPECT_EQ(refusal(), "malformed launch plan: 'q' has no axis 4");
  plan = good;
  plan.equalSizes[0].second.axis = -1;
  EXPECT_EQ(refusal(), "malformed launch plan: 'k' has no axis -1");
  plan = good;
  plan.parameters[0].mapDims.clear();
  EXPECT_EQ(refusal(), "malformed launch plan: expected a tensor map of rank 1 "
                       "to 5, got 0");
  plan = good;
  plan.parameters[0].mapDims[1].box = 257;
  EXPECT_EQ(refusal(),
            "malformed launch plan: expected a box of 1 to 256, got 257");
  plan = good;
  plan.instances[0][1].value = 0;
  EXPECT_EQ(refusal(), "expected a positive divisor in an expression, got 0");
  plan = good;
  plan.instances[0][0].axis = 9;
  EXPECT_EQ(refusal(), "malformed launch plan: malformed expression: there is "
                       "no axis 9 of tensor 0");
}

TEST_F(LaunchTest, CompletesTheShapesOfOutputs) {
  plan.equalSizes.push_back({{1, 0}, {2, 0}});
  auto shapes = completeShapes(plan.tensors, plan.equalSizes,
                               {{3, 1000, 16, 128}, {3, 77, 2, 128}});
  ASSERT_FALSE(shapes.failed()) << shapes.message();
  EXPECT_EQ(shapes->back(), (std::vector<int64_t>{3, 16, 1000}));
}

TEST_F(LaunchTest, RefusesToGuessTheShapesOfOutputs) {
  EXPECT_EQ(completeShapes(plan.tensors, plan.equalSizes, {{3, 1000, 16, 128}})
                .message(),
            "expected 2 inputs, got 1");
  EXPECT_EQ(completeShapes(plan.tensors, plan.equalSizes,
                           {{3, 1000, 16, 128}, {3, 77, 2, 128}})
                .message(),
            "malformed launch plan: nothing gives size 0 of 'lse'");
}
