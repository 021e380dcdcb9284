//===- ScheduleFieldsTest.cpp - Fields against attributes -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/ScheduleFields.h"
#include "Tile/ScheduleFields.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

using namespace mlir;

namespace {

class ScheduleFieldsTest : public testing::Test {
protected:
  ScheduleFieldsTest() {
    context.loadDialect<sm90::Sm90Dialect, tile::TileDialect>();
  }

  template <typename AttrT> AttrT parse(llvm::StringRef source) {
    return llvm::dyn_cast_or_null<AttrT>(parseAttribute(source, &context));
  }

  static sm90::ScheduleFields fieldsOf(sm90::ScheduleAttr schedule) {
    return sm90::ScheduleFields(schedule);
  }
  static tile::ScheduleFields fieldsOf(tile::ScheduleAttr schedule) {
    return tile::ScheduleFields(schedule);
  }

  template <typename AttrT> void expectKept(const llvm::Twine &source) {
    auto schedule = parse<AttrT>(source.str());
    ASSERT_TRUE(schedule) << source.str();
    EXPECT_EQ(fieldsOf(schedule).get(&context), schedule) << source.str();
  }

  MLIRContext context;
};

} // namespace

TEST_F(ScheduleFieldsTest, BeginWithTheDefaultsOfTheAttribute) {
  EXPECT_EQ(sm90::ScheduleFields().get(&context),
            parse<sm90::ScheduleAttr>("#sm90.schedule<>"));
  tile::ScheduleFields fields;
  fields.blockQ = 128;
  fields.blockKv = 64;
  EXPECT_EQ(fields.get(&context),
            parse<tile::ScheduleAttr>(
                "#tile.schedule<block_q = 128, block_kv = 64>"));
}

// Each differs from its default, in a schedule that is valid.
TEST_F(ScheduleFieldsTest, KeepEachField) {
  for (llvm::StringRef fields : {"kv_stages = 3",
                                 "consumer_warpgroups = 3",
                                 "producer_registers = 32",
                                 "consumer_registers = 160",
                                 "query_in_registers = false",
                                 "output_in_query_buffer = true",
                                 "output_from_registers = true",
                                 "persistent = false",
                                 "dynamic = true",
                                 "ping_pong = true",
                                 "narrow_tanh = false",
                                 "hoist_mask = false",
                                 "clear_accumulators = true",
                                 "dependent_launch = false",
                                 "auxiliary_registers = 96",
                                 "read_stages = 2",
                                 "stream_strips = false",
                                 "blocks_per_multiprocessor = 12",
                                 "stack_products = true",
                                 "join_waits = true"})
    expectKept<sm90::ScheduleAttr>("#sm90.schedule<" + fields + ">");
  for (llvm::StringRef fields :
       {"strip_warps = 1", "separate_warps = true", "stage_strips = true"})
    expectKept<sm90::ScheduleAttr>("#sm90.schedule<warp_roles = false, "
                                   "persistent = false, "
                                   "consumer_warpgroups = 1, " +
                                   fields + ">");
  for (llvm::StringRef fields :
       {"hoist_score_dot = false", "split_masked_loop = false",
        "rescale_threshold = 4", "lazy_max = true", "longest_first = true",
        "diagonal_first = true", "section_bytes = 1", "segment_chunks = 3",
        "state_parts = 2", "stage_reads = true", "target = #sm90.schedule<>"})
    expectKept<tile::ScheduleAttr>(
        "#tile.schedule<block_q = 192, block_kv = 96, " + fields + ">");
}
