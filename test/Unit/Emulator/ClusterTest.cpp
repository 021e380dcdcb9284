//===- ClusterTest.cpp - Blocks that run together -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include "attn/Runtime/Float.h"

using namespace attn::runtime;

static Emulation clustered(const std::string &body, uint32_t blocks = 2,
                           uint32_t clusterBlocks = 2, uint32_t threads = 32) {
  Emulation emulation{body, threads};
  emulation.blocks = blocks;
  emulation.clusterBlocks = clusterBlocks;
  return emulation;
}

static std::string message(const std::string &body, uint32_t threads = 32) {
  return clustered(body, 2, 2, threads).anyMessage();
}

static const char clusterSync[] = "barrier.cluster.arrive.release.aligned;\n"
                                  "barrier.cluster.wait.acquire.aligned;\n";

/// %r1 = thread, %r2 = smem, %r3 = rank, %p1 for the first thread, %p2 for the
/// first block, %d1 = the thread's word of `out`.
static const char prologue[] = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    mov.u32 %r3, %cluster_ctarank;
    setp.eq.b32 %p1, %r1, 0;
    setp.eq.b32 %p2, %r3, 0;
    mov.u32 %r4, %ctaid.x;
    mov.u32 %r5, %ntid.x;
    mad.lo.s32 %r4, %r4, %r5, %r1;
    mul.wide.u32 %d1, %r4, 4;
    add.s64 %d1, %d1, %d0;
)";

/// Each thread gives %r9.
static const char epilogue[] = "st.global.b32 [%d1], %r9;\n";

/// Runs `body` under some seeds and compares what the threads give.
static void expectWords(const std::string &body, uint32_t blocks,
                        uint32_t clusterBlocks,
                        uint32_t (*expected)(uint32_t block, uint32_t thread)) {
  Emulation emulation = clustered(body, blocks, clusterBlocks);
  for (emulation.seed = 0; emulation.seed < 8; ++emulation.seed) {
    Result<std::vector<uint32_t>> out = emulation.run();
    ASSERT_FALSE(out.failed()) << out.message();
    for (uint32_t block = 0; block < blocks; ++block)
      for (uint32_t thread = 0; thread < 32; ++thread)
        ASSERT_EQ((*out)[block * 32 + thread], expected(block, thread))
            << "block " << block << ", thread " << thread;
  }
}

TEST(ClusterValues, SpecialRegisters) {
  std::string body = prologue;
  const char *names[] = {"%cluster_ctaid.x",  "%cluster_ctarank",
                         "%cluster_nctaid.x", "%cluster_nctarank",
                         "%clusterid.x",      "%nclusterid.x",
                         "%cluster_ctaid.y",  "%cluster_nctaid.z"};
  body += "mov.b32 %r9, 0;\n";
  for (const char *name : names)
    body += std::string("mov.u32 %r8, ") + name +
            ";\nshl.b32 %r9, %r9, 4;\nor.b32 %r9, %r9, %r8;\n";
  expectWords(body + epilogue, 6, 2, [](uint32_t block, uint32_t) {
    uint32_t rank = block % 2;
    return rank << 28 | rank << 24 | 2u << 20 | 2u << 16 | block / 2 << 12 |
           3u << 8 | 0u << 4 | 1u;
  });
}

/// Each block writes, and reads what the next one has written.
static std::string exchange() {
  return std::string(prologue) + R"(
    shl.b32 %r6, %r1, 2;
    add.s32 %r6, %r6, %r2;
    mad.lo.s32 %r7, %r3, 1000, %r1;
    st.shared.b32 [%r6], %r7;
)" + clusterSync +
         R"(
    add.s32 %r8, %r3, 1;
    mov.u32 %r10, %cluster_nctarank;
    setp.eq.b32 %p3, %r8, %r10;
    selp.b32 %r8, 0, %r8, %p3;
    mapa.shared::cluster.u32 %r11, %r6, %r8;
    ld.shared::cluster.b32 %r9, [%r11];
)" + "barrier.cluster.arrive;\nbarrier.cluster.wait;\n" +
         epilogue;
}

TEST(ClusterValues, MemoryOfOtherBlocks) {
  expectWords(exchange(), 8, 4, [](uint32_t block, uint32_t thread) {
    return (block + 1) % 4 * 1000 + thread;
  });
}

TEST(ClusterValues, GenericAddressesAndAtomics) {
  std::string body = std::string(prologue) + R"(
    shl.b32 %r6, %r1, 2;
    add.s32 %r6, %r6, %r2;
    mad.lo.s32 %r7, %r3, 1000, %r1;
    st.shared.b32 [%r6], %r7;
    xor.b32 %r8, %r3, 1;
)" + clusterSync + R"(
    mapa.shared::cluster.u32 %r11, %r6, %r8;
    red.relaxed.cluster.shared::cluster.add.u32 [%r11], 10000;
    atom.shared::cluster.add.u32 %r12, [%r11], 20000;
)" + clusterSync + R"(
    cvt.u64.u32 %d4, %r6;
    cvta.shared.u64 %d4, %d4;
    mapa.u64 %d5, %d4, %r8;
    atom.add.u32 %r13, [%d5], 40000;
)" + clusterSync + R"(
    ld.b32 %r9, [%d5];
)" + clusterSync + epilogue;
  expectWords(body, 2, 2, [](uint32_t block, uint32_t thread) {
    return (block ^ 1) * 1000 + thread + 70000;
  });
}

TEST(ClusterValues, Addresses) {
  std::string body = std::string(prologue) + R"(
    mapa.shared::cluster.u32 %r6, smem, 1;
    getctarank.shared::cluster.u32 %r7, %r6;
    getctarank.shared::cluster.u32 %r8, smem;
    mov.b64 %d4, smem;
    cvta.shared.u64 %d4, %d4;
    mapa.u64 %d5, %d4, %r3;
    setp.eq.b64 %p3, %d4, %d5;
    mapa.u64 %d6, %d4, 1;
    getctarank.u64 %r10, %d6;
    selp.b32 %r9, 1, 0, %p3;
    shl.b32 %r8, %r8, 4;
    or.b32 %r9, %r9, %r8;
    shl.b32 %r7, %r7, 8;
    or.b32 %r9, %r9, %r7;
    shl.b32 %r10, %r10, 12;
    or.b32 %r9, %r9, %r10;
)";
  expectWords(body + epilogue, 2, 2, [](uint32_t block, uint32_t) {
    return 1u << 12 | 1u << 8 | block << 4 | 1u;
  });
}

TEST(Cluster, Addresses) {
  EXPECT_TRUE(contains(message("mapa.shared::cluster.u32 %r1, smem, 2;"),
                       "expected a rank below 2, got 2"));
  EXPECT_TRUE(contains(message("mapa.u64 %d1, %d0, 1;"),
                       "expected an address of shared memory of the cluster"));
  EXPECT_TRUE(contains(message("getctarank.u64 %r1, %d0;"),
                       "expected an address of shared memory of the cluster"));
  for (const char *instruction :
       {"mapa.shared::cta.u32 %r1, smem, 2;", "mapa.b32 %r1, %r2, 2;",
        "barrier.cluster.sync;", "barrier.cluster.wait.release;"})
    EXPECT_TRUE(contains(message(instruction), "the emulator does not know '"));
}

TEST(Cluster, AccessesAreOrdered) {
  EXPECT_EQ(message(exchange()), "");
  std::string early = message(replaced(exchange(), clusterSync, ""));
  EXPECT_TRUE(contains(early, "race: ") |
              contains(early, "reads shared memory that nothing wrote"));
  // A block must not go before the others are done with its memory.
  std::string noEnd = replaced(
      exchange(), "barrier.cluster.arrive;\nbarrier.cluster.wait;\n", "");
  std::string gone = message(noEnd);
  EXPECT_TRUE(contains(gone, ", which exits without being ordered after it") |
              contains(gone, "which has exited"));
  // Whichever comes first.
  noEnd = replaced(noEnd, "ld.shared::cluster",
                   "mov.b32 %r9, 0;\n@%p2 ld.shared::cluster");
  bool exits = false, exited = false;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    Emulation emulation = clustered(noEnd);
    emulation.seed = seed;
    std::string text = emulation.message();
    EXPECT_NE(text, "") << seed;
    exits |= text.find("which exits without") != std::string::npos;
    exited |= text.find("which has exited") != std::string::npos;
  }
  EXPECT_TRUE(exits && exited) << exits << exited;
  // A relaxed arrival orders nothing by itself.
  std::string relaxed =
      replaced(exchange(), "arrive.release.aligned", "arrive.relaxed.aligned");
  EXPECT_TRUE(contains(message(relaxed), "race: reads shared memory"));
  EXPECT_EQ(message(replaced(relaxed, "barrier.cluster.arrive.relaxed",
                             "fence.acq_rel.cluster;\n"
                             "barrier.cluster.arrive.relaxed")),
            "");
}

TEST(Cluster, OnlyItsOwnMemoryIsNotOfTheCluster) {
  std::string body = replaced(exchange(), "ld.shared::cluster", "ld.shared");
  EXPECT_TRUE(contains(message(body), "accesses 4 bytes outside of shared "
                                      "memory"));
  EXPECT_TRUE(contains(message("mov.b32 %r2, smem;\nadd.s32 %r2, %r2, "
                               "33554432;\nld.shared::cluster.b32 %r1, "
                               "[%r2];"),
                       "outside of shared memory"));
}

TEST(Cluster, Barrier) {
  EXPECT_TRUE(
      contains(message("barrier.cluster.arrive;\nbarrier.cluster.arrive;"),
               "arrives at the barrier of the cluster again, without a wait"));
  EXPECT_TRUE(
      contains(message("barrier.cluster.wait;"),
               "waits at the barrier of the cluster without having arrived"));
  std::string one = std::string(prologue) +
                    "@%p2 bra STAY;\nbar.sync 1, 64;\nSTAY:\n" + clusterSync;
  EXPECT_TRUE(contains(message(one),
                       "the barrier of the cluster, where 32 of 64 threads "
                       "have arrived"));
  EXPECT_TRUE(contains(message(one), " of block 1 waits at PTX line "));
  // Those who have exited are not waited for.
  EXPECT_EQ(message(std::string(prologue) + "@%p2 bra STAY;\nret;\nSTAY:\n" +
                    clusterSync),
            "");
  EXPECT_EQ(message(std::string(clusterSync) + clusterSync + clusterSync, 128),
            "");
  EXPECT_TRUE(contains(message("mov.u32 %r1, %laneid;\n"
                               "setp.lt.u32 %p1, %r1, 7;\n"
                               "@%p1 barrier.cluster.arrive.aligned;"),
                       "not all threads of the warp execute this together"));
}

//===----------------------------------------------------------------------===//
// Barriers and copies across blocks
//===----------------------------------------------------------------------===//

/// %r6 = an mbarrier in each block that expects `count` arrivals.
static std::string barriers(int count) {
  return std::string(prologue) +
         "add.s32 %r6, %r2, 16384;\n"
         "@%p1 mbarrier.init.shared::cta.b64 [%r6], " +
         std::to_string(count) +
         ";\n@%p1 fence.mbarrier_init.release.cluster;\n"
         "barrier.cluster.arrive.relaxed.aligned;\n"
         "barrier.cluster.wait.acquire.aligned;\n";
}

static const char waitOwn[] = R"(
WAIT:
    mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p3, [%r6], 0;
    @!%p3 bra WAIT;
)";

/// The second block puts values into the first, and says so.
static std::string remoteArrival() {
  return barriers(32) + R"(
    shl.b32 %r7, %r1, 2;
    add.s32 %r7, %r7, %r2;
    mov.b32 %r9, 0;
    @%p2 bra RECEIVE;
    mapa.shared::cluster.u32 %r10, %r7, 0;
    mapa.shared::cluster.u32 %r11, %r6, 0;
    st.shared::cluster.b32 [%r10], %r1;
    mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r11];
    bra.uni DONE;
RECEIVE:
)" + waitOwn +
         R"(
    ld.shared.b32 %r9, [%r7];
DONE:
)" + epilogue;
}

TEST(ClusterValues, RemoteArrivals) {
  expectWords(remoteArrival(), 2, 2, [](uint32_t block, uint32_t thread) {
    return block == 0 ? thread : 0;
  });
}

TEST(Cluster, RemoteArrivals) {
  EXPECT_TRUE(
      contains(message(replaced(remoteArrival(), "arrive.release.cluster",
                                "arrive.relaxed.cluster")),
               "race: reads shared memory that warp 0 of block 1 wrote"));
  EXPECT_TRUE(contains(
      message(without(remoteArrival(), "fence.mbarrier_init")),
      "uses an mbarrier that warp 0 of block 0 initialised, without being "
      "ordered after it"));
  std::string counted =
      replaced(remoteArrival(), "_, [%r11];", "_, [%r11], 3;");
  EXPECT_TRUE(
      contains(message(counted), "arrives more often than the 32 times"));
}

/// The first block loads a tile into both.
static std::string multicast(const std::string &mask) {
  return barriers(1) + R"(
    mov.b64 %d8, map;
    cvta.param.u64 %d8, %d8;
    @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r6], 8192;
    mov.b16 %h1, )" +
         mask + R"(;
    barrier.cluster.arrive.aligned;
    barrier.cluster.wait.aligned;
    and.pred %p1, %p1, %p2;
    @!%p1 bra WAIT;
    cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%r2], [%d8, {0, 0}], [%r6], %h1;
)" + waitOwn +
         R"(
    shl.b32 %r7, %r1, 7;
    add.s32 %r7, %r7, %r2;
    ld.shared.u16 %h2, [%r7];
    cvt.u32.u16 %r9, %h2;
)" + epilogue;
}

TEST(ClusterValues, Multicast) {
  expectWords(multicast("3"), 2, 2, [](uint32_t, uint32_t thread) {
    // The swizzle has moved the first chunk.
    return uint32_t(toBF16((thread * 64 + (thread & 7) * 8) % 256));
  });
}

TEST(Cluster, Multicast) {
  std::string body = multicast("3");
  EXPECT_TRUE(contains(message(replaced(body, "%h1, 3", "%h1, 0")),
                       "the mask of the multicast names no block"));
  EXPECT_TRUE(contains(message(replaced(body, "%h1, 3", "%h1, 4")),
                       "outside of shared memory"));
  EXPECT_TRUE(contains(message(replaced(body, "%h1, 3", "%h1, 1")),
                       "of block 1 waits at PTX line "));
}

TEST(ClusterValues, MulticastOfRanges) {
  std::string body = replaced(
      multicast("3"),
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_"
      "tx::bytes.multicast::cluster [%r2], [%d8, {0, 0}], [%r6], %h1;",
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes."
      "multicast::cluster.L2::cache_hint [%r2], [%d0], 128, [%r6], %h1, 0;");
  body = replaced(body, "_, [%r6], 8192", "_, [%r6], 128");
  body = replaced(body, "shl.b32 %r7, %r1, 7", "shl.b32 %r7, %r1, 2");
  body = replaced(body, "ld.shared.u16 %h2", "ld.shared.u32 %r9");
  body = without(body, "cvt.u32.u16");
  Emulation emulation = clustered(body);
  for (uint32_t i = 0; i < 32; ++i)
    emulation.data.push_back(3 * i);
  Result<std::vector<uint32_t>> out = emulation.run();
  ASSERT_FALSE(out.failed()) << out.message();
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ((*out)[i], i % 32 * 3);
}

/// The second block sends something to the first, on whose mbarrier it arrives.
static std::string sending(const std::string &send, uint32_t bytes) {
  return barriers(1) +
         "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, "
         "[%r6], " +
         std::to_string(bytes) + R"(;
    shl.b32 %r7, %r1, 2;
    add.s32 %r7, %r7, %r2;
    st.shared.b32 [%r7], 100;
    st.shared.b32 [%r7+128], %r1;
    fence.proxy.async.shared::cta;
    mapa.shared::cluster.u32 %r10, %r7, 0;
    mapa.shared::cluster.u32 %r11, %r6, 0;
    mov.b32 %r9, 0;
)" + clusterSync +
         "@%p2 bra WAIT;\n" + send + "\nbra.uni DONE;\n" + waitOwn +
         "ld.shared.b32 %r9, [%r7];\nDONE:\n" + clusterSync + epilogue;
}

TEST(ClusterValues, AsynchronousStores) {
  const std::string bytes = "shared::cluster.mbarrier::complete_tx::bytes.";
  auto expectFirst = [&](const std::string &send, uint32_t size,
                         uint32_t (*expected)(uint32_t, uint32_t)) {
    expectWords(sending(send, size), 2, 2, expected);
  };
  expectFirst(
      "st.async.weak." + bytes + "b32 [%r10], %r1, [%r11];", 128,
      [](uint32_t block, uint32_t thread) { return block ? 0 : thread; });
  expectFirst("and.b32 %r12, %r1, 3;\nsetp.eq.b32 %p4, %r12, 0;\n"
              "@%p4 st.async." +
                  bytes + "v4.u32 [%r10], {%r1, %r1, 5, 6}, [%r11+0];",
              128, [](uint32_t block, uint32_t thread) {
                uint32_t values[] = {thread & ~3u, thread & ~3u, 5, 6};
                return block ? 0 : values[thread % 4];
              });
  expectFirst(
      "red.async.relaxed.cluster." + bytes + "add.u32 [%r10], %r1, [%r11];",
      128,
      [](uint32_t block, uint32_t thread) { return block ? 0 : 100 + thread; });
  expectFirst("red.async.relaxed.cluster." + bytes +
                  "min.s32 [%r10], 7, [%r11];",
              128, [](uint32_t block, uint32_t) { return block ? 0 : 7u; });
  expectFirst("cvt.u64.u32 %d5, %r1;\nand.b32 %r12, %r1, 1;\n"
              "setp.eq.b32 %p4, %r12, 0;\n@%p4 red.async.relaxed.cluster." +
                  bytes + "add.s64 [%r10], %d5, [%r11];",
              128, [](uint32_t block, uint32_t thread) {
                return block ? 0 : thread % 2 ? 100 : 100 + thread;
              });
}

TEST(Cluster, AsynchronousStores) {
  const std::string bytes = "shared::cluster.mbarrier::complete_tx::bytes.";
  EXPECT_TRUE(contains(
      message(sending("st.async." + bytes + "b32 [%r10], %r1, [%r6];", 128)),
      "expected an mbarrier in the block of the destination"));
  for (const std::string &instruction :
       {"st.async." + bytes + "v4.b64 [%r1], {%d1, %d1, %d1, %d1}, [%r2];",
        "st.async." + bytes + "b16 [%r1], %h1, [%r2];",
        std::string("st.async.global.b32 [%r1], %r1, [%r2];"),
        "st.async." + bytes + "v8.b32 [%r1], %r1, [%r2];",
        "red.async.relaxed.cluster." + bytes + "min.u64 [%r1], %d1, [%r2];",
        "red.async.relaxed.cluster." + bytes + "add.f32 [%r1], %r1, [%r2];",
        "red.async." + bytes + "add.u32 [%r1], %r1, [%r2];"})
    EXPECT_TRUE(contains(message(instruction), "the emulator does not know '"))
        << instruction;
}

static const char forward[] =
    "@!%p1 bra DONE;\ncp.async.bulk.shared::cluster.shared::cta.mbarrier::"
    "complete_tx::bytes [%r10], [%r7+128], 128, [%r11];";

TEST(ClusterValues, CopiesToOtherBlocks) {
  expectWords(sending(forward, 128), 2, 2, [](uint32_t block, uint32_t thread) {
    return block ? 0 : thread;
  });
  std::string reduce =
      replaced(replaced(forward, "cp.async", "cp.reduce.async"),
               "::bytes [%r10]", "::bytes.max.u32 [%r10]");
  expectWords(sending(reduce, 128), 2, 2,
              [](uint32_t block, uint32_t) { return block ? 0 : 100u; });
}

TEST(Cluster, CopiesToOtherBlocks) {
  std::string send = forward;
  // The source is read until the destination has it.
  EXPECT_TRUE(
      contains(message(sending(send + "\nst.shared.b32 [%r7+128], 5;", 128)),
               "hazard: "));
  EXPECT_TRUE(contains(
      message(replaced(sending(send, 128), "[%r10], [%r7+128], 128, [%r11]",
                       "[%r10], [%r7+128], 128, [%r6]")),
      "expected an mbarrier in the block of the destination"));
  EXPECT_TRUE(contains(
      message(sending("@!%p1 bra DONE;\ncp.async.bulk.shared::cta.global."
                      "mbarrier::complete_tx::bytes [%r10], [%d0], 128, "
                      "[%r11];",
                      128)),
      "expected shared memory of the block itself"));
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

TEST(Cluster, Launches) {
  Emulation emulation{std::string(prologue) + clusterSync, 32};
  emulation.directives = ".explicitcluster\n.reqnctapercluster 4, 1, 1\n"
                         ".maxntid 32, 1, 1\n";
  emulation.blocks = 4;
  EXPECT_EQ(emulation.message(), "");
  emulation.clusterBlocks = 4;
  EXPECT_EQ(emulation.message(), "");
  emulation.clusterBlocks = 2;
  EXPECT_TRUE(contains(emulation.message(),
                       "expected clusters of 4 blocks, as kernel 'test' "
                       "requires, got 2"));
  emulation.clusterBlocks = 1;
  emulation.blocks = 6;
  EXPECT_TRUE(contains(emulation.message(),
                       "expected a multiple of 4 blocks, as a cluster has, got "
                       "6"));
  emulation.directives = "";
  emulation.clusterBlocks = emulation.blocks = 9;
  EXPECT_TRUE(contains(emulation.message(),
                       "expected at most 8 blocks in a cluster, got 9"));
  emulation.directives = ".reqnctapercluster 1, 2\n";
  EXPECT_TRUE(contains(emulation.message(),
                       "expected a cluster along x, got 2 x 1 blocks along y "
                       "and z"));
  emulation.directives = ".reqnctapercluster 1, 1, 1, 1\n";
  EXPECT_TRUE(contains(emulation.message(), "expected at most 3 dimensions"));
  emulation.directives = ".reqnctapercluster 0\n";
  EXPECT_TRUE(contains(emulation.message(), "expected a number from 1 to"));
}
