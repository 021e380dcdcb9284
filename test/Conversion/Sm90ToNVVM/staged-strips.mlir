// A warp copies its own strip, in one piece where its rows are adjacent, otherwise row by
// row, and waits for a barrier of its own behind it.

// RUN: attn-opt %s -convert-sm90-to-nvvm | FileCheck %s

#staged = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false, stage_strips = true>
#blocks = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false, separate_warps = true, stream_strips = false, stage_strips = true>
!rows = tensor<32x128xf32, #sm90.layout<row_strips, lanes = 2>>
!halves = tensor<64x128xf32, #sm90.layout<row_strips>>

// CHECK-LABEL: llvm.func @staged(
// Strips of 8 rows of 512 bytes, and 16 bytes of the barrier.
// CHECK: %[[MADE:.*]] = arith.addi %{{.*}}, %c4096_i32
// CHECK: scf.if
// CHECK: "mbarrier.init.shared::cta.b64 [$0], 1;", "r,~{memory}" %[[MADE]]
// CHECK: nvvm.fence.mbarrier.init
// CHECK: %[[BARRIER:.*]] = arith.addi %[[STRIP:.*]], %c4096_i32
// CHECK: scf.if
// CHECK: "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], 4096;", "r,~{memory}" %[[BARRIER]]
// CHECK: nvvm.bar.warp.sync
// CHECK: %[[DENSE:.*]] = arith.cmpi eq, %{{.*}}, %c512_i64
// CHECK: %[[PIECES:.*]] = arith.select %[[DENSE]], %c1_i32, %c8_i32
// CHECK: %[[BYTES:.*]] = arith.select %[[DENSE]], %c4096_i32{{.*}}, %c512_i32
// CHECK: arith.cmpi ult, %{{.*}}, %[[PIECES]]
// CHECK: scf.if
// CHECK: %[[FIRST:.*]] = llvm.mlir.constant(1364590687093260288 : i64)
// CHECK: "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [$0], [$1], $2, [$3], $4;", "r,l,r,r,l,~{memory}" %{{.*}}, %{{.*}}, %[[BYTES]], %{{.*}}, %[[FIRST]]
// CHECK: mbarrier.try_wait.parity
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+256];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+512];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+768];"
// CHECK-COUNT-4: ld.shared.v4.f32
// CHECK-NOT: ld.global
sm90.kernel @staged(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #staged, shared_memory = 16448,
                tensors = [#sm90.tensor<"s", tensor<32x128xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    %m = sm90.stage_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] at 0 : !sm90.stage<32x128xf32>
    %a = sm90.take_strips %m : !sm90.stage<32x128xf32> -> !rows
    sm90.store_strips %a, %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] whole : !rows -> f32
  }
  sm90.return
}

// A warp that is a block has one strip, at the offset itself; what caches may keep is not
// the first to be evicted.

// CHECK-LABEL: llvm.func @blocks(
// CHECK: %[[BASE:.*]] = llvm.ptrtoint
// CHECK: %[[STRIP:.*]] = arith.addi %[[BASE]], %c128_i32
// CHECK: arith.addi %[[STRIP]], %c4096_i32
// CHECK: llvm.mlir.constant(1152921504606846976 : i64)
// CHECK: cp.async.bulk
sm90.kernel @blocks(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #blocks, shared_memory = 4240,
                tensors = [#sm90.tensor<"s", tensor<32x128xf32>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c128 = arith.constant 128 : index
    %m = sm90.stage_strips %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] at 128 : !sm90.stage<32x128xf32>
    %a = sm90.take_strips %m : !sm90.stage<32x128xf32> -> !rows
    sm90.store_strips %a, %s[%c0, %c0] of [%c32, %c128] strides [%stride] axes [0, 1] whole : !rows -> f32
  }
  sm90.return
}

// Elements of 16 bits take half of the bytes, and become f32 when they are taken.

// CHECK-LABEL: llvm.func @halves(
// CHECK: "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], 4096;"
// CHECK: arith.cmpi eq, %{{.*}}, %c256_i64
// CHECK: arith.select %{{.*}}, %c4096_i32{{.*}}, %c256_i32
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+0];"
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK: arith.shli
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+128];"
// CHECK: "ld.shared.v2.f32 {$0, $1}, [$2+256];"
sm90.kernel @halves(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #blocks, shared_memory = 4240,
                tensors = [#sm90.tensor<"s", tensor<64x128xbf16>, [-1, -1]>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %m = sm90.stage_strips %s[%c0, %c0] of [%c64, %c128] strides [%stride] axes [0, 1] at 128 : !sm90.stage<64x128xbf16>
    %a = sm90.take_strips %m : !sm90.stage<64x128xbf16> -> !halves
    sm90.store_strips %a, %s[%c0, %c0] of [%c64, %c128] strides [%stride] axes [0, 1] whole : !halves -> bf16
  }
  sm90.return
}

// Of columns a warp has a box: with two beside each other the upper two have the rows behind
// those of the lower two. One lane starts it; a thread reads rows of 32 columns. Barriers are
// made, and parameters read, before another launch is waited for.

#boxes = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false, strip_warps = 2, stage_strips = true>
!map = !sm90.tensor_map<32x32xf32, axes = [1, 2], rank = 3>
!columns = tensor<64x64xf32, #sm90.layout<column_strips, lanes = 8, warps = 2>>

// CHECK-LABEL: llvm.func @boxes(
// CHECK: "mbarrier.init.shared::cta.b64 [$0], 1;", "r,~{memory}"
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: "{ .reg .pred p; .reg .b64 x; mov.b64 x, $0; setp.eq.s64 p, x, -9223372036854775807; @p membar.cta; }", "l,~{memory}" %arg0
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: %[[BARRIER:.*]] = arith.addi %[[BOX:.*]], %c4096_i32
// CHECK: scf.if
// CHECK: "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], 4096;", "r,~{memory}" %[[BARRIER]]
// CHECK: %[[SIDE:.*]] = arith.andi %[[WARP:.*]], %c1_i32
// CHECK: %[[COLUMN:.*]] = arith.muli %[[SIDE]], %c32_i32
// CHECK: %[[PART:.*]] = arith.shrui %[[WARP]], %c1_i32
// CHECK: %[[ROW:.*]] = arith.muli %[[PART]], %c32_i32
// CHECK: arith.addi %{{.*}}, %[[COLUMN]]
// CHECK: arith.addi %{{.*}}, %[[ROW]]
// CHECK: llvm.mlir.constant(1364590687093260288 : i64)
// CHECK: "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [$0], [$1, {$2, $3, $4}], [$5], $6;"
// CHECK: nvvm.bar.warp.sync
// CHECK: mbarrier.try_wait.parity
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+128];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+256];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+384];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+2048];"
// CHECK-COUNT-3: ld.shared.v4.f32
// CHECK-NOT: ld.shared
sm90.kernel @boxes(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 1}, %map: !map {sm90.tensor = 0})
    attributes {schedule = #boxes, shared_memory = 16896,
                tensors = [#sm90.tensor<"s", tensor<2x64x64xf32>, [-1, -1, -1]>], instances = []} {
  sm90.await_previous_launch
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %m = sm90.stage_boxes %map[%c0, %c0, %c0] at 0 : !map -> !sm90.stage<64x64xf32>
    %a = sm90.take_strips %m : !sm90.stage<64x64xf32> -> !columns
    sm90.store_strips %a, %s[%c0, %c0, %c0] of [%c64, %c64, %c64] strides [%stride, %stride] axes [1, 2] whole : !columns -> f32
  }
  sm90.return
}
