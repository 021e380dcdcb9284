//===- CopyTest.cpp - Asynchronous copies and reductions ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "attn/Runtime/Float.h"

#include <cstring>
#include <functional>

using namespace attn::runtime;

static std::string message(const std::string &body) {
  return Emulation{copyPrologue + body, 1}.anyMessage();
}

TEST(CopyValues, RangesFromAndToGlobalMemory) {
  std::string body = std::string(copyPrologue) + R"(
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 64;
    cp.async.bulk.prefetch.L2.global [%d0+4096], 64;
    cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2+32], [%d0+4096], 48, [%r3];
    cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes.L2::cache_hint [%r2+80], [%d0+4160], 16, [%r3], 0;
)" + awaitBytes + R"(
    cp.async.bulk.global.shared::cta.bulk_group [%d0+128], [%r2+32], 32;
    cp.async.bulk.global.shared::cta.bulk_group.L2::cache_hint [%d0+160], [%r2+64], 32, 0;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group 0;
    ld.global.b32 %r5, [%d0+188];
    st.global.b32 [%d0], %r5;
)";
  std::vector<uint32_t> data(1100);
  for (uint32_t i = 0; i < data.size(); ++i)
    data[i] = i;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Result<std::vector<uint32_t>> out =
        Emulation{body, 1, seed, true, "", data}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    for (uint32_t i = 0; i < 12; ++i)
      EXPECT_EQ((*out)[32 + i], 1024 + i);
    for (uint32_t i = 0; i < 4; ++i)
      EXPECT_EQ((*out)[44 + i], 1040 + i);
    EXPECT_EQ((*out)[0], 1043u);
  }
}

namespace {
/// What a reduction makes of two elements.
struct Case {
  const char *name;
  uint64_t old, value, expected;
  uint32_t bytes = 4;
};
} // namespace

static uint64_t bits(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  return word;
}

static uint64_t bits(double value) {
  uint64_t word;
  std::memcpy(&word, &value, sizeof(word));
  return word;
}

/// `value` in each element of 16 bytes.
static std::vector<uint32_t> repeated(uint64_t value, uint32_t bytes) {
  std::vector<uint32_t> words(4);
  for (uint32_t at = 0; at < 16; at += bytes)
    std::memcpy(reinterpret_cast<uint8_t *>(words.data()) + at, &value, bytes);
  return words;
}

TEST(CopyValues, ReductionsInGlobalMemory) {
  const Case cases[] = {
      {"add.u32", 0xFFFFFFFF, 2, 1},
      {"add.s32", 5, uint32_t(-7), uint32_t(-2)},
      {"add.u64", 0xFFFFFFFF, 1, uint64_t(1) << 32, 8},
      {"add.f32", bits(1.5f), bits(2.25f), bits(3.75f)},
      // Subnormal numbers are kept, whatever the manual says.
      {"add.f32", 5, 0x80000000, 5},
      {"add.f32", 0x00800001, 0x80800000, 1},
      {"add.f64", bits(1.5), bits(1e300), bits(1e300), 8},
      {"add.noftz.f16", toF16(1), toF16(0.5), toF16(1.5), 2},
      {"add.noftz.bf16", toBF16(256), toBF16(1), toBF16(256), 2},
      {"min.u32", 3, 0xFFFFFFFF, 3},
      {"min.s32", 3, 0xFFFFFFFF, 0xFFFFFFFF},
      {"max.u64", 3, ~uint64_t(0), ~uint64_t(0), 8},
      {"max.s64", 3, ~uint64_t(0), 3, 8},
      {"min.f16", toF16(-1), toF16(2), toF16(-1), 2},
      {"max.bf16", toBF16(-1), toBF16(2), toBF16(2), 2},
      {"inc.u32", 6, 7, 7},
      {"inc.u32", 7, 7, 0},
      {"dec.u32", 0, 7, 7},
      {"dec.u32", 8, 7, 7},
      {"dec.u32", 3, 7, 2},
      {"and.b32", 0b1100, 0b1010, 0b1000},
      {"or.b32", 0b1100, 0b1010, 0b1110},
      {"xor.b64", 0b1100, 0b1010, 0b0110, 8}};
  for (const Case &entry : cases) {
    // The values come from shared memory, where the same instruction may be at
    // home.
    std::vector<uint32_t> values = repeated(entry.value, entry.bytes);
    std::string body = "mov.b32 %r2, smem;\n";
    for (int i = 0; i < 4; ++i)
      body += "st.shared.b32 [%r2+" + std::to_string(4 * i) + "], " +
              std::to_string(values[i]) + ";\n";
    body += std::string("fence.proxy.async.shared::cta;\n") +
            "cp.reduce.async.bulk.global.shared::cta.bulk_group." + entry.name +
            " [%d0+16], [%r2], 16;\ncp.async.bulk.commit_group;\n"
            "cp.async.bulk.wait_group 0;\n";
    std::vector<uint32_t> data(4);
    std::vector<uint32_t> old = repeated(entry.old, entry.bytes);
    data.insert(data.end(), old.begin(), old.end());
    Result<std::vector<uint32_t>> out =
        Emulation{body, 1, 0, true, "", data}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    EXPECT_EQ(std::vector<uint32_t>(out->begin() + 4, out->begin() + 8),
              repeated(entry.expected, entry.bytes))
        << entry.name;
  }
}

/// Stores a tile by other instructions.
static std::string storedBy(const std::vector<std::string> &reductions) {
  std::string copies;
  for (const std::string &op : reductions)
    copies += "cp.reduce.async.bulk.tensor.2d.global.shared::cta." + op +
              ".tile.bulk_group [%d8, {0, 8}], [%r2];\n";
  return replaced(storeProgram(),
                  "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group "
                  "[%d8, {0, 8}], [%r2];",
                  copies);
}

TEST(CopyValues, ReductionsOfTensors) {
  Emulation emulation{storedBy({"add", "max"}), 64};
  for (emulation.seed = 0; emulation.seed < 8; ++emulation.seed) {
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // The rows are full of the number of the thread, as bits.
    for (uint32_t row = 8; row < 60; ++row)
      EXPECT_EQ(emulation.stored[row * 64 + row], row - 8);
  }
}

TEST(Copy, ReductionsThatThereAreNot) {
  EXPECT_TRUE(contains((Emulation{storedBy({"inc"}), 64}.anyMessage()),
                       "expected a reduction that there is of bf16"));
}

TEST(Copy, WaitingForReadsIsNotWaitingForWrites) {
  std::string body = R"(
    mov.b32 %r2, smem;
    st.shared.v4.b32 [%r2], {7, 7, 7, 7};
    fence.proxy.async.shared::cta;
    cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group.read 0;
    st.shared.b32 [%r2], 8;
    ld.global.b32 %r5, [%d0];
    st.global.b32 [%d0+16], %r5;
)";
  unsigned late = 0;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    // Unchecked, as the load is a race.
    Result<std::vector<uint32_t>> out = Emulation{body, 1, seed, false}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    // Whatever is written afterwards, what was read lands in the end.
    EXPECT_EQ((*out)[0], 7u);
    late += (*out)[4] == 0;
    out = Emulation{replaced(body, ".read", ""), 1, seed}.run();
    ASSERT_FALSE(out.failed()) << out.message();
    EXPECT_EQ((*out)[4], 7u);
  }
  EXPECT_GT(late, 0u);
  EXPECT_TRUE(contains(
      (Emulation{body, 1}.anyMessage()),
      "race: accesses global memory that a copy in flight writes (PTX line "));
}

TEST(Copy, OrdinaryWritesToGlobalMemoryWantAFence) {
  std::string body = std::string(copyPrologue) + R"(
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 32;
    st.global.b32 [%d0+260], 5;
    fence.proxy.async.global;
    cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r2], [%d0+256], 32, [%r3];
)" + awaitBytes;
  auto fenced = [&](const std::string &fence) {
    return Emulation{replaced(body, "fence.proxy.async.global;", fence), 1}
        .anyMessage();
  };
  const std::string unfenced = "missing proxy fence: copies global memory that "
                               "warp 0 wrote, without fence.proxy.async";
  EXPECT_EQ(fenced("fence.proxy.async.global;"), "");
  EXPECT_EQ(fenced("fence.proxy.async;"), "");
  EXPECT_TRUE(contains(fenced(""), unfenced));
  EXPECT_TRUE(contains(fenced("fence.proxy.async.shared::cta;"), unfenced));
  // Neighbours do not matter.
  EXPECT_EQ((Emulation{replaced(replaced(body, "fence.proxy.async.global;", ""),
                                "[%d0+260]", "[%d0+288]"),
                       1}
                 .anyMessage()),
            "");
  std::string two = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    st.shared.v4.b32 [%r2], {1, 1, 1, 1};
    fence.proxy.async;
    bar.sync 0;
    setp.eq.b32 %p1, %r1, 0;
    setp.eq.b32 %p2, %r1, 32;
    @%p2 st.global.b32 [%d0], 5;
    fence.proxy.async;
    bar.sync 1;
    @!%p1 bra DONE;
    cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group 0;
DONE:
)";
  EXPECT_EQ((Emulation{replaced(two, "{1, 1, 1, 1}", "{%r1, %r1, 1, 1}"), 1}
                 .anyMessage()),
            "");
  two = replaced(two, "    st.shared",
                 "    setp.lt.u32 %p3, %r1, 1;\n@%p3 "
                 "st.shared");
  EXPECT_EQ((Emulation{two, 64}.anyMessage()), "");
  EXPECT_TRUE(contains(
      (Emulation{without(two, "bar.sync 1;"), 64}.anyMessage()), "race: "));
  bool raced = false;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    Emulation emulation{without(two, "bar.sync 1;"), 64, seed};
    raced |= emulation.message().find(
                 "copies global memory that warp 1 wrote, without being "
                 "ordered after it") != std::string::npos;
  }
  EXPECT_TRUE(raced);
}

TEST(Copy, GroupsAreWaitedForInOrder) {
  std::string body = R"(
    mov.b32 %r2, smem;
    st.shared.v4.b32 [%r2], {7, 7, 7, 7};
    fence.proxy.async.shared::cta;
    cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.global.shared::cta.bulk_group [%d0+16], [%r2+16], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group.read 1;
    st.shared.b32 [%r2], 8;
    cp.async.bulk.wait_group 0;
)";
  body = replaced(body, "fence.proxy",
                  "st.shared.v4.b32 [%r2+16], {9, 9, 9, 9};\n    fence.proxy");
  EXPECT_EQ((Emulation{body, 1}.anyMessage()), "");
  EXPECT_TRUE(contains((Emulation{replaced(body, "st.shared.b32 [%r2], 8",
                                           "st.shared.b32 [%r2+16], 8"),
                                  1}
                            .anyMessage()),
                       "overwrites shared memory that a copy in flight reads"));
  // The wait for a store that has happened early is still missing.
  EXPECT_TRUE(
      contains((Emulation{replaced(body, "cp.async.bulk.wait_group 0;", ""), 1}
                    .anyMessage()),
               "the thread exits without a wait for this copy"));
}

TEST(Copy, StoresMayLandInAnyOrder) {
  std::string body = R"(
    mov.b32 %r2, smem;
    st.shared.v4.b32 [%r2], {7, 7, 7, 7};
    fence.proxy.async.shared::cta;
    cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group 0;
    cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    cp.async.bulk.wait_group 0;
)";
  EXPECT_EQ((Emulation{body, 1}.anyMessage()), "");
  size_t first = body.find("wait_group 0");
  EXPECT_TRUE(contains(
      (Emulation{body.replace(first, 12, "wait_group.read 0"), 1}.anyMessage()),
      "memory in flight: overwrites global memory that a copy in "
      "flight writes (PTX line "));
  // Sums do not depend on the order.
  const std::string plain = "cp.async.bulk.global.shared::cta.bulk_group";
  const std::string sum =
      "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32";
  for (size_t at = 0; (at = body.find(plain, at)) != std::string::npos;)
    body.replace(at, plain.size(), sum);
  EXPECT_EQ((Emulation{body, 1}.anyMessage()), "");
}

TEST(Copy, TooManyInFlight) {
  auto copies = [](int rounds) {
    return Emulation{R"(
    mov.b32 %r2, smem;
    st.shared.v4.b32 [%r2], {1, 1, 1, 1};
    fence.proxy.async.shared::cta;
    mov.b32 %r3, 0;
AGAIN:
    cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%d0], [%r2], 16;
    cp.async.bulk.commit_group;
    add.s32 %r3, %r3, 1;
    setp.lt.s32 %p1, %r3, )" +
                     std::to_string(rounds) + R"(;
    @%p1 bra AGAIN;
    cp.async.bulk.wait_group 0;
)"}
        .message();
  };
  EXPECT_EQ(copies(256), "");
  EXPECT_TRUE(contains(
      copies(257), "outstanding work: more than 8192 copies and products of "
                   "a block are in flight"));
}

TEST(Copy, Misuse) {
  const std::string load = "cp.async.bulk.shared::cluster.global.mbarrier::"
                           "complete_tx::bytes ";
  auto copies = [&](const std::string &operands) {
    return message("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 16;\n" +
                   load + operands + ";" + awaitBytes);
  };
  EXPECT_EQ(copies("[%r2], [%d0], 16, [%r3]"), "");
  EXPECT_TRUE(
      contains(message("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], "
                       "16;\nand.b32 %r4, %r3, -16;\n" +
                       load + "[%r4], [%d0], 16, [%r3];" + awaitBytes),
               "writes to an mbarrier that is valid still"));
  EXPECT_TRUE(contains(copies("[%r2], [%d0], 8, [%r3]"),
                       "expected a size that is a multiple of 16, got 8"));
  EXPECT_TRUE(contains(copies("[%r2+8], [%d0], 16, [%r3]"),
                       "expected an address that is a multiple of 16"));
  EXPECT_TRUE(contains(copies("[%r2], [%d0+8], 16, [%r3]"),
                       "expected an address that is a multiple of 16"));
  EXPECT_TRUE(contains(copies("[%r2], [%d0+4096], 16, [%r3]"),
                       "copies 16 bytes of global memory that are not "
                       "allocated"));
  EXPECT_TRUE(contains(copies("[%r2+32768], [%d0], 16, [%r3]"),
                       "accesses 16 bytes outside of shared memory"));
  EXPECT_TRUE(contains(copies("[%r2], [%d0], 16, [%r2+64]"),
                       "there is no mbarrier at this address"));
  EXPECT_TRUE(contains(
      message("cp.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;\n"
              "cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;"),
      "reads shared memory that nothing wrote"));
}

TEST(Copy, IllegalForms) {
  auto refused = [](const std::string &instruction) {
    return contains(message(instruction), "the emulator does not know 'cp.") &&
           contains(message(instruction), instruction);
  };
  for (const char *instruction :
       {"cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes."
        "multicast::cluster [%r2], [%d0], 16, [%r3], 1;",
        "cp.async.bulk.global.shared::cta.bulk_group.multicast::cluster [%d0], "
        "[%r2], 16, 1;",
        "cp.async.bulk.global.shared::cta.bulk_group.cp_mask [%d0], [%r2], 16, "
        "1;",
        "cp.async.bulk.tensor.6d.global.shared::cta.bulk_group [%d0, {0}], "
        "[%r2];",
        "cp.async.bulk.tensor.global.shared::cta.bulk_group [%d0, {0}], [%r2];",
        "cp.async.bulk.2d.global.shared::cta.bulk_group [%d0], [%r2], 16;",
        "cp.async.bulk.tensor.2d.shared::cluster.shared::cta.mbarrier::"
        "complete_tx::bytes [%r2], [%d0, {0, 0}], [%r3];",
        "cp.reduce.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
        "bytes.add.u32 [%r2], [%d0], 16, [%r3];",
        "cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_"
        "tx::bytes.add.f32 [%r2], [%r2], 16, [%r3];",
        "cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_"
        "tx::bytes.min.u64 [%r2], [%r2], 16, [%r3];",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f16 [%d0], "
        "[%r2], 16;",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s64 [%d0], "
        "[%r2], 16;",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.min.f32 [%d0], "
        "[%r2], 16;",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.inc.s32 [%d0], "
        "[%r2], 16;",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.and.u32 [%d0], "
        "[%r2], 16;",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group [%d0], [%r2], 16;",
        "cp.reduce.async.bulk.tensor.2d.global.shared::cta.bulk_group [%d0, "
        "{0, 0}], [%r2];",
        "cp.reduce.async.bulk.tensor.2d.global.shared::cta.mul.bulk_group "
        "[%d0, {0, 0}], [%r2];",
        "cp.async.bulk.wait_all;",
        "cp.async.bulk;"})
    EXPECT_TRUE(refused(instruction)) << instruction;
  EXPECT_TRUE(contains(
      message("cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::"
              "complete_tx::bytes [%r2], [%d0, {0, 0, 0, 0}], [%r3], {%h0, "
              "%h1};"),
      "copies with im2col are not emulated\n  cp.async.bulk.tensor.4d"));
  EXPECT_TRUE(contains(message("tensormap.replace.tile.rank.global.b1024.b32 "
                               "[%d0], 1;"),
                       "the emulator does not know 'tensormap.replace"));
  EXPECT_TRUE(contains(
      message("cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%d0, {0}];"),
      "expected 2 coordinates, got 1"));
  EXPECT_TRUE(contains(
      message("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%d0+8, "
              "{0, 0}], [%r2];"),
      "expected an address without an offset"));
  EXPECT_TRUE(contains(message("cp.async.bulk.global.shared::cta.bulk_group "
                               "[%d0], [%r2];"),
                       "expected 3 operands, got 2"));
}
