//===- BoxTest.cpp - Asynchronous copies of tensors -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "attn/Runtime/Float.h"

#include <algorithm>

using namespace attn::runtime;

/// The dimensions and coordinates of a box, as PTX has them: "2d", "8, 15".
static std::string dimensionsOf(const std::vector<int32_t> &start) {
  return std::to_string(start.size()) + "d";
}
static std::string coordinatesOf(const std::vector<int32_t> &start) {
  std::string coordinates;
  for (size_t i = start.size(); i-- > 0;)
    coordinates += std::to_string(start[i]) + (i ? ", " : "");
  return coordinates;
}

/// Copies a box from `map` to shared memory, which it shows.
static std::string loadProgram(const std::vector<int32_t> &start,
                               uint32_t bytes) {
  std::string dims = dimensionsOf(start), coordinates = coordinatesOf(start);
  std::string size = std::to_string(bytes);
  return std::string(copyPrologue) +
         "mov.b64 %d8, map;\ncvta.param.u64 %d8, %d8;\n"
         "cp.async.bulk.prefetch.tensor." +
         dims + ".L2.global.tile [%d8, {" + coordinates +
         "}];\nmbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], " + size +
         ";\ncp.async.bulk.tensor." + dims +
         ".shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r2], "
         "[%d8, {" +
         coordinates + "}], [%r3];\n" + awaitBytes +
         "mov.b32 %r5, 0;\nmov.b32 %r4, %r2;\nmov.b64 %d1, %d0;\nSHOW:\n"
         "ld.shared.b32 %r6, [%r4];\nst.global.b32 [%d1], %r6;\n"
         "add.s32 %r4, %r4, 4;\nadd.s64 %d1, %d1, 4;\nadd.s32 %r5, %r5, 4;\n"
         "setp.lt.s32 %p1, %r5, " +
         size + ";\n@%p1 bra SHOW;\n";
}

/// Copies what was loaded to the box of `outMap` at `start`.
static std::string storeBox(const std::vector<int32_t> &start) {
  return "mov.b64 %d9, outMap;\ncvta.param.u64 %d9, %d9;\n"
         "cp.async.bulk.tensor." +
         dimensionsOf(start) + ".global.shared::cta.tile.bulk_group [%d9, {" +
         coordinatesOf(start) +
         "}], [%r2];\ncp.async.bulk.commit_group;\n"
         "cp.async.bulk.wait_group 0;\n";
}

static int64_t product(const std::vector<int64_t> &sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

static uint32_t boxBytes(const MappedTensor &tensor) {
  return static_cast<uint32_t>(product(tensor.box) *
                               elementSize(tensor.elementType));
}

static bool isNegative(int32_t coordinate) { return coordinate < 0; }

/// Copies the box at `start`, to and fro unless it cannot be stored there, and
/// looks at each of its elements.
static void expectBox(const MappedTensor &tensor,
                      const std::vector<int32_t> &start) {
  size_t size = elementSize(tensor.elementType);
  bool stores = std::none_of(start.begin(), start.end(), isNegative);
  std::string body = loadProgram(start, boxBytes(tensor));
  Emulation emulation{stores ? body + storeBox(start) : body, 1, 3, true};
  emulation.tensor = tensor;
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  auto chunks = static_cast<uint32_t>(tensor.swizzle) / 16;
  for (int64_t i = 0; i < product(tensor.box); ++i) {
    // The coordinates of element i of the box, innermost last.
    int64_t rest = i, number = 0, stride = 1;
    bool inside = true;
    for (size_t axis = start.size(); axis-- > 0;) {
      int64_t at = start[axis] + rest % tensor.box[axis];
      rest /= tensor.box[axis];
      inside &= at >= 0 && at < tensor.shape[axis];
      number += at * stride;
      stride *= tensor.shape[axis];
    }
    auto place = static_cast<uint32_t>(i * size);
    if (chunks)
      place ^= (place >> 7) % chunks * 16;
    double expected = size == 2 ? number % 256 : number;
    EXPECT_EQ(loadElement(tensor.elementType, out->data(), place / size),
              inside ? expected : 0)
        << "element " << i;
    if (!inside || !stores)
      continue;
    EXPECT_EQ(loadElement(tensor.elementType, emulation.stored.data(), number),
              expected)
        << "element " << i;
  }
}

namespace {
struct Box {
  MappedTensor tensor;
  std::vector<int32_t> start;
};

// Each box is a test of its own, as an illegal instruction on a GPU ends all
// that its process does there.
using BoxValues = ::testing::TestWithParam<Box>;
using RefusedStoreValues = ::testing::TestWithParam<Box>;
} // namespace

static const MappedTensor line = {ElementType::F32, {100}, {64}, Swizzle::None};
static const MappedTensor plane = {
    ElementType::F32, {20, 40}, {8, 32}, Swizzle::B128};
static const MappedTensor flatPlane = {
    ElementType::F32, {20, 40}, {8, 32}, Swizzle::None};
static const MappedTensor cube = {
    ElementType::F32, {5, 7, 16}, {2, 4, 16}, Swizzle::B64};
static const MappedTensor of4 = {
    ElementType::F16, {3, 4, 5, 32}, {2, 1, 3, 32}, Swizzle::B64};
static const MappedTensor of5 = {
    ElementType::BF16, {2, 3, 4, 5, 8}, {2, 2, 3, 2, 8}, Swizzle::None};

TEST_P(BoxValues, DimensionsAndClipping) {
  expectBox(GetParam().tensor, GetParam().start);
}

INSTANTIATE_TEST_SUITE_P(Inside, BoxValues,
                         ::testing::Values(Box{line, {8}}, Box{plane, {3, 0}},
                                           Box{cube, {1, 2, 0}},
                                           Box{of4, {1, 2, 1, 0}},
                                           Box{of5, {0, 0, 0, 0, 0}},
                                           Box{of5, {0, 1, 1, 3, 0}}));
INSTANTIATE_TEST_SUITE_P(
    Behind, BoxValues,
    ::testing::Values(Box{line, {40}}, Box{plane, {15, 12}},
                      Box{cube, {4, 5, 0}}, Box{of4, {2, 2, 3, 8}},
                      Box{of5, {1, 2, 2, 3, 0}}, Box{of5, {0, 1, 1, 4, 0}},
                      Box{of5, {1, 2, 3, 4, 0}}, Box{flatPlane, {64, 0}}));
INSTANTIATE_TEST_SUITE_P(
    InFront, BoxValues,
    ::testing::Values(Box{line, {-12}}, Box{plane, {15, -4}},
                      Box{plane, {-3, 0}}, Box{cube, {4, -2, 0}},
                      Box{of4, {-1, 2, 3, 8}}, Box{of5, {0, 2, -1, 3, 0}},
                      Box{of5, {-1, -1, -1, -1, 0}}));

// A box that is loaded may begin at negative coordinates, one that is stored
// may not, says the CUDA programming guide; to an H200 the last of these is an
// illegal instruction.
TEST_P(RefusedStoreValues, NegativeCoordinates) {
  const auto &[tensor, start] = GetParam();
  Emulation emulation{
      loadProgram(std::vector<int32_t>(start.size()), boxBytes(tensor)) +
          storeBox(start),
      1};
  emulation.tensor = tensor;
  std::string message = emulation.message();
  if (runsOnGpu()) {
    EXPECT_TRUE(contains(message, "an illegal instruction was encountered"));
    return;
  }
  auto negative = std::find_if(start.rbegin(), start.rend(), isNegative);
  EXPECT_TRUE(contains(
      message, "out of bounds: expected a box to store to begin at 0 or "
               "behind, got " +
                   std::to_string(*negative) + " in dimension " +
                   std::to_string(negative - start.rbegin())));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedStoreValues,
    ::testing::Values(Box{line, {-12}}, Box{plane, {15, -4}},
                      Box{plane, {-1, 0}}, Box{cube, {0, -1, 0}},
                      Box{cube, {-1, 0, 0}}, Box{of4, {0, 0, -1, 0}},
                      Box{of4, {0, -1, 0, 0}}, Box{of4, {-1, 0, 0, 0}},
                      Box{of5, {0, 0, 0, 0, -8}}, Box{of5, {0, 0, 0, -1, 0}},
                      Box{of5, {0, 0, -1, 0, 0}}, Box{of5, {0, -1, 0, 0, 0}},
                      Box{of5, {-1, 0, 0, 0, 0}}, Box{of5, {0, 2, -1, 3, 0}}));

TEST(Copy, InnermostCoordinates) {
  Emulation emulation{loadProgram({0, -9}, 1024) + storeBox({0, -9}), 1};
  emulation.tensor = {ElementType::F32, {20, 40}, {8, 32}, Swizzle::None};
  // First what prefetches, then what loads, then what stores.
  for (const char *part : {"cp.async.bulk.prefetch", "tile.mbarrier",
                           "cp.async.bulk.tensor.2d.global"}) {
    std::string message = emulation.message();
    EXPECT_TRUE(contains(message,
                         "out of bounds: expected an innermost coordinate "
                         "that is a multiple of 16 bytes, got -9 "
                         "elements of f32"));
    EXPECT_TRUE(contains(message.substr(message.rfind('\n')), part));
    emulation.body = without(emulation.body, part);
    if (std::string(part) == "tile.mbarrier")
      emulation.body = replaced(emulation.body, awaitBytes, "");
  }
}

TEST(CopyValues, Swizzles) {
  for (auto [swizzle, columns] :
       {std::pair(Swizzle::None, 48), std::pair(Swizzle::B32, 16),
        std::pair(Swizzle::B64, 32), std::pair(Swizzle::B128, 64)})
    expectBox({ElementType::BF16, {40, 64}, {24, columns}, swizzle}, {3, 0});
}
