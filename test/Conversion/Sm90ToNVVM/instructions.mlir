// Each instruction that is inline assembly, with its operands and constraints.

// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

#operand_a = #sm90.layout<operand_a>
#accumulator = #sm90.layout<accumulator>

// A barrier for each stage, 8 bytes apart, which one thread initialises.

// CHECK-LABEL: llvm.func @barriers()
// CHECK: %[[SHARED:.*]] = llvm.mlir.addressof @shared_memory : !llvm.ptr<3>
// CHECK-NEXT: %[[BASE:.*]] = llvm.ptrtoint %[[SHARED]] : !llvm.ptr<3> to i32
// CHECK-NEXT: %[[FULL:.*]] = arith.addi %[[BASE]], %c2048_i32 : i32
// CHECK-NEXT: %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]], %c0_i32 : i32
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "mbarrier.init.shared::cta.b64 [$0], 1;", "r,~{memory}" %[[FULL]] : (i32) -> ()
// CHECK-NEXT: %[[SECOND:.*]] = arith.addi %[[BASE]], %c2056_i32 : i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "mbarrier.init.shared::cta.b64 [$0], 1;", "r,~{memory}" %[[SECOND]] : (i32) -> ()
// CHECK-NEXT: }
// CHECK: %[[EMPTY:.*]] = arith.addi %[[BASE]], %c2064_i32 : i32
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "mbarrier.init.shared::cta.b64 [$0], 4;", "r,~{memory}" %[[EMPTY]] : (i32) -> ()
// CHECK: nvvm.fence.mbarrier.init
// CHECK-NEXT: nvvm.barrier

// The producer waits for the phase before that of its use n: stage n mod 2,
// parity (n / 2) mod 2.
// CHECK: %[[N:.*]] = nvvm.read.ptx.sreg.nctaid.x : i32
// CHECK-NEXT: %[[STAGE:.*]] = arith.remui %[[N]], %c2_i32 : i32
// CHECK-NEXT: %[[PHASE:.*]] = arith.divui %[[N]], %c2_i32 : i32
// CHECK-NEXT: %[[PARITY:.*]] = arith.andi %[[PHASE]], %c1_i32 : i32
// CHECK-NEXT: %[[BYTES:.*]] = arith.muli %[[STAGE]], %c8_i32 : i32
// CHECK-NEXT: %[[BARRIER:.*]] = arith.addi %[[EMPTY]], %[[BYTES]] : i32
// CHECK-NEXT: %[[BEFORE:.*]] = arith.xori %[[PARITY]], %c1_i32 : i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %[[BARRIER]], %[[BEFORE]] : (i32, i32) -> ()

// The consumer waits for the phase of its use; one thread of a warp arrives.
// CHECK: } else {
// CHECK: %[[PARITY:.*]] = arith.andi %{{.*}}, %c1_i32 : i32
// CHECK-NEXT: %[[BYTES:.*]] = arith.muli %{{.*}}, %c8_i32 : i32
// CHECK-NEXT: %[[BARRIER:.*]] = arith.addi %[[FULL]], %[[BYTES]] : i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %[[BARRIER]], %[[PARITY]] : (i32, i32) -> ()
// CHECK-NEXT: %[[LANE:.*]] = arith.andi %[[THREAD]], %c31_i32 : i32
// CHECK-NEXT: %[[ELECTED:.*]] = arith.cmpi eq, %[[LANE]], %c0_i32 : i32
// CHECK-NEXT: %[[BARRIER:.*]] = arith.addi %[[EMPTY]], %[[BYTES]] : i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}" %[[BARRIER]], %[[ELECTED]] : (i32, i1) -> ()

// Each warpgroup has the barrier of its number.
// CHECK-NEXT: %[[WARPGROUP:.*]] = nvvm.shfl.sync idx
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "bar.sync $0, 128;", "r,~{memory}" %[[WARPGROUP]] : (i32) -> ()
sm90.kernel @barriers() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 4096 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<2 x 8x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 2048 : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(4) at 2064 : !sm90.mbarrier<2>
  sm90.warp_roles producer {
    %n = sm90.grid_size
    %s = sm90.stage.await_empty %b, %empty[%n] : !sm90.buffer<2 x 8x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<8x64xbf16>
    sm90.stage.release %s, %empty[%n] : !sm90.stage<8x64xbf16>, !sm90.mbarrier<2>
  } consumer {
    %n = sm90.block_id
    %s = sm90.stage.await_full %b, %full[%n] : !sm90.buffer<2 x 8x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<8x64xbf16>
    sm90.stage.release %s, %empty[%n] : !sm90.stage<8x64xbf16>, !sm90.mbarrier<2>
    sm90.barrier.sync
  }
  sm90.return
}

// One copy for each panel of 64 columns, with coordinates from the inside out:
// the columns, the rows, the other axes. A panel of 8 rows takes 1024 bytes.

// CHECK-LABEL: llvm.func @copies(
// CHECK-SAME: %[[MAP:.*]]: !llvm.ptr
// CHECK-DAG: %[[EVICT_FIRST:.*]] = llvm.mlir.constant(1364590687093260288 : i64) : i64
// CHECK-DAG: %[[EVICT_LAST:.*]] = llvm.mlir.constant(1508705875169116160 : i64) : i64
// CHECK: %[[BUFFER:.*]] = llvm.ptrtoint
// CHECK-NEXT: %[[BARRIER:.*]] = arith.addi %[[BUFFER]], %c2048_i32
// The address of a stage counts 16 bytes, that of a copy bytes.
// CHECK: mbarrier.try_wait
// CHECK-NEXT: %[[STAGE:.*]] = arith.shrui %[[BUFFER]], %c4_i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], 2048;", "r,~{memory}" %[[BARRIER]] : (i32) -> ()
// CHECK-NEXT: %[[DESTINATION:.*]] = arith.shli %[[STAGE]], %c4_i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [$0], [$1, {$2, $3, $4, $5}], [$6], $7;", "r,l,r,r,r,r,r,l,~{memory}" %[[DESTINATION]], %[[MAP]], %c0_i32, %c11_i32, %c12_i32, %c10_i32, %[[BARRIER]], %[[EVICT_LAST]] : (i32, !llvm.ptr, i32, i32, i32, i32, i32, i64) -> ()
// CHECK-NEXT: %[[PANEL:.*]] = arith.addi %[[DESTINATION]], %c1024_i32
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [$0], [$1, {$2, $3, $4, $5}], [$6], $7;", "r,l,r,r,r,r,r,l,~{memory}" %[[PANEL]], %[[MAP]], %c64_i32, %c11_i32, %c12_i32, %c10_i32, %[[BARRIER]], %[[EVICT_LAST]] :
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [$0], [$1, {$2, $3, $4, $5}], [$6], $7;", "r,l,r,r,r,r,r,l,~{memory}" %[[DESTINATION]], %[[MAP]], %c0_i32, %c11_i32, %c12_i32, %c10_i32, %[[BARRIER]], %[[EVICT_FIRST]] :
// CHECK: cp.async.bulk.tensor.4d.shared

// The first thread of the warpgroup stores.
// CHECK: %[[OWN:.*]] = arith.andi %{{.*}}, %c127_i32 : i32
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %[[OWN]], %c0_i32 : i32
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: nvvm.cp.async.bulk.wait_group 0 {read}
// CHECK-NEXT: }
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [$1, {$2, $3, $4, $5}], [$0];", "r,l,r,r,r,r,~{memory}" %[[BUFFER]], %[[MAP]], %c0_i32, %c11_i32, %c12_i32, %c10_i32 : (i32, !llvm.ptr, i32, i32, i32, i32) -> ()
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [$1, {$2, $3, $4, $5}], [$0];", "r,l,r,r,r,r,~{memory}" %{{.*}}, %[[MAP]], %c64_i32, %c11_i32, %c12_i32, %c10_i32 :
// CHECK-NEXT: nvvm.cp.async.bulk.commit.group
// CHECK-NEXT: }
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK-NEXT: nvvm.cp.async.bulk.wait_group 0{{$}}
sm90.kernel @copies(%x: !sm90.tensor_map<8x128xbf16, axes = [1, 3], rank = 4> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"x", tensor<?x?x4x128xbf16>, [0, 1, -1, -1]>], instances = [], shared_memory = 4096 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 8x128xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 2048 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %i0 = arith.constant 10 : index
    %i1 = arith.constant 11 : index
    %i2 = arith.constant 12 : index
    %i3 = arith.constant 0 : index
    %s = sm90.stage.await_empty %b, %full[%i3] : !sm90.buffer<1 x 8x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<8x128xbf16>
    sm90.tma_load_async %x[%i0, %i1, %i2, %i3] into %s, %full[%i3] keep : !sm90.tensor_map<8x128xbf16, axes = [1, 3], rank = 4>, !sm90.stage<8x128xbf16>, !sm90.mbarrier<1>
    %t = sm90.stage.await_empty %b, %full[%i3] : !sm90.buffer<1 x 8x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<8x128xbf16>
    sm90.tma_load_async %x[%i0, %i1, %i2, %i3] into %t, %full[%i3] : !sm90.tensor_map<8x128xbf16, axes = [1, 3], rank = 4>, !sm90.stage<8x128xbf16>, !sm90.mbarrier<1>
  } consumer {
    %i0 = arith.constant 10 : index
    %i1 = arith.constant 11 : index
    %i2 = arith.constant 12 : index
    %i3 = arith.constant 0 : index
    sm90.tma_store.wait read
    sm90.tma_store_async %b row(%i3), %x[%i0, %i1, %i2, %i3] : !sm90.buffer<1 x 8x128xbf16>, !sm90.tensor_map<8x128xbf16, axes = [1, 3], rank = 4>
    sm90.tma_store.wait
  }
  sm90.return
}

// Four matrices of 8x8 for each 16 columns. The address of a lane: its row of 128
// bytes, and a chunk of 16 bytes swizzled by the row; a step of 16 columns is 32
// bytes.

// CHECK-LABEL: llvm.func @matrices()
// CHECK: %[[BASE:.*]] = llvm.ptrtoint
// CHECK: %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK: mbarrier.try_wait
// CHECK-NEXT: %[[STAGE:.*]] = arith.shrui %[[BASE]], %c4_i32
// CHECK-NEXT: %[[BYTES:.*]] = arith.shli %[[STAGE]], %c4_i32
// CHECK-NEXT: %[[LANE:.*]] = arith.andi %[[THREAD]], %c31_i32
// CHECK-NEXT: %[[ROW:.*]] = arith.andi %[[LANE]], %c7_i32
// CHECK-NEXT: %[[EIGHTH:.*]] = arith.shrui %[[LANE]], %c3_i32
// CHECK-NEXT: %[[LOWER:.*]] = arith.andi %[[EIGHTH]], %c1_i32
// CHECK-NEXT: %[[RIGHT:.*]] = arith.shrui %[[LANE]], %c4_i32
// CHECK-NEXT: %[[DOWN:.*]] = arith.shli %[[LOWER]], %c3_i32
// CHECK-NEXT: %[[OWN:.*]] = arith.andi %[[THREAD]], %c127_i32
// CHECK-NEXT: %[[WARP:.*]] = arith.shrui %[[OWN]], %c5_i32
// CHECK-NEXT: %[[WARP_ROW:.*]] = arith.shli %[[WARP]], %c4_i32
// CHECK-NEXT: %[[SUM:.*]] = arith.addi %[[WARP_ROW]], %[[ROW]]
// CHECK-NEXT: %[[ROWS:.*]] = arith.addi %[[SUM]], %[[DOWN]]
// CHECK-NEXT: %[[CHUNK:.*]] = arith.xori %[[RIGHT]], %[[ROW]]
// CHECK-NEXT: %[[CHUNK_BYTES:.*]] = arith.shli %[[CHUNK]], %c4_i32
// CHECK-NEXT: %[[ROW_BYTES:.*]] = arith.muli %[[ROWS]], %c128_i32
// CHECK-NEXT: %[[OFFSET:.*]] = arith.addi %[[ROW_BYTES]], %[[CHUNK_BYTES]]
// CHECK-NEXT: %[[ADDRESS:.*]] = arith.addi %[[BYTES]], %[[OFFSET]]
// CHECK-NEXT: %{{.*}} = llvm.inline_asm has_side_effects asm_dialect = att "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}" %[[ADDRESS]] : (i32) -> !llvm.struct<(i32, i32, i32, i32)>
// CHECK-NEXT: %[[NEXT:.*]] = arith.xori %[[ADDRESS]], %c32_i32
// CHECK-NEXT: %{{.*}} = llvm.inline_asm has_side_effects asm_dialect = att "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}" %[[NEXT]] :
// CHECK-COUNT-2: ldmatrix
// CHECK-NOT: ldmatrix
// A buffer has its address in bytes.
// CHECK: %[[ADDRESS:.*]] = arith.addi %[[BASE]], %[[OFFSET]]
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};", "r,r,r,r,r,~{memory}" %[[ADDRESS]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (i32, i32, i32, i32, i32) -> ()
// CHECK: %[[NEXT:.*]] = arith.xori %[[ADDRESS]], %c32_i32
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};", "r,r,r,r,r,~{memory}" %[[NEXT]],
// CHECK-COUNT-2: stmatrix
// CHECK-NOT: stmatrix
// CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
sm90.kernel @matrices() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 4096 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 8192 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    %a = sm90.load_fragment %s row(%c0) : !sm90.stage<64x64xbf16> -> tensor<64x64xbf16, #operand_a>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
    %c = arith.constant dense<1.0> : tensor<64x64xf32, #accumulator>
    %d = arith.truncf %c : tensor<64x64xf32, #accumulator> to tensor<64x64xbf16, #accumulator>
    sm90.store_fragment %d, %b row(%c0) : tensor<64x64xbf16, #accumulator>, !sm90.buffer<1 x 64x64xbf16>
  }
  sm90.return
}

// Without an accumulator the first instruction overwrites (scale-d is 0). K runs
// along the columns of the stage: a step of 16 is 32 bytes, the next panel of 16
// rows is 2048 bytes away, all in units of 16 bytes. The high word of the
// descriptor has the stride of 1024 bytes and the swizzle of 128 bytes, the low
// one the address, to which each instruction adds its step and a leading offset of 1.

// CHECK-LABEL: llvm.func @transposed()
// CHECK: %[[BASE:.*]] = llvm.ptrtoint
// CHECK: %[[LOW:.*]] = arith.shrui %[[BASE]], %c4_i32
// CHECK: %[[F:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .b64 descriptor;\0A\09.reg .b32 low;\0A\09wgmma.fence.sync.aligned;\0A\09add.s32 low, $40, 65536;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$8, $9, $10, $11}, descriptor, 0, 1, 1, 0;\0A\09add.s32 low, $40, 65538;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$12, $13, $14, $15}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65540;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$16, $17, $18, $19}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65542;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$20, $21, $22, $23}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65664;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$24, $25, $26, $27}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65666;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$28, $29, $30, $31}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65668;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$32, $33, $34, $35}, descriptor, 1, 1, 1, 0;\0A\09add.s32 low, $40, 65670;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {$0, $1, $2, $3, $4, $5, $6, $7}, {$36, $37, $38, $39}, descriptor, 1, 1, 1, 0;\0A\09wgmma.commit_group.sync.aligned;\0A\09}", "=f,=f,=f,=f,=f,=f,=f,=f,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,~{memory}" %{{.*}}, %[[LOW]] :
// CHECK-COUNT-8: llvm.extractvalue %[[F]]

// The wait ties the accumulators to those of the product, and keeps the registers
// of the left operand alive.
// CHECK-NEXT: %{{.*}} = llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned 0;", "=f,=f,=f,=f,=f,=f,=f,=f,0,1,2,3,4,5,6,7,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,~{memory}"
sm90.kernel @transposed() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 8200 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 16x128xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 8192 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %x = arith.constant dense<1.0> : tensor<64x128xf32, #accumulator>
    %y = arith.truncf %x : tensor<64x128xf32, #accumulator> to tensor<64x128xbf16, #accumulator>
    %q = sm90.layout_cast %y : tensor<64x128xbf16, #accumulator> -> tensor<64x128xbf16, #operand_a>
    %k = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 16x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<16x128xbf16>
    %f = sm90.wgmma_async %q, %k transpose_rhs : !sm90.in_flight<tensor<64x16xf32, #accumulator> = tensor<64x128xbf16, #operand_a> * <16x128xbf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x16xf32, #accumulator> = tensor<64x128xbf16, #operand_a> * <16x128xbf16>>
    sm90.stage.release %done, %full[%c0] : !sm90.stage<16x128xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// With an accumulator, which is tied to the result. K runs along the rows: a step
// of 16 is 2048 bytes; the leading offset is that of the next panel of 32 rows.

// CHECK-LABEL: llvm.func @accumulated()
// CHECK: %[[LOW:.*]] = arith.shrui %{{.*}}, %c4_i32
// CHECK: %[[F:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .b64 descriptor;\0A\09.reg .b32 low;\0A\09wgmma.fence.sync.aligned;\0A\09add.s32 low, $72, 16777216;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0,{{.*}}, $31}, {$64, $65, $66, $67}, descriptor, 1, 1, 1, 1;\0A\09add.s32 low, $72, 16777344;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {$0,{{.*}}, $31}, {$68, $69, $70, $71}, descriptor, 1, 1, 1, 1;\0A\09wgmma.commit_group.sync.aligned;\0A\09}", "=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,=f,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,r,r,r,r,r,r,r,r,r,~{memory}" %{{.*}}, %[[LOW]] :
// CHECK: wgmma.wait_group.sync.aligned 0;
sm90.kernel @accumulated() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 8200 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 32x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 8192 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %x = arith.constant dense<1.0> : tensor<64x32xf32, #accumulator>
    %y = arith.truncf %x : tensor<64x32xf32, #accumulator> to tensor<64x32xbf16, #accumulator>
    %p = sm90.layout_cast %y : tensor<64x32xbf16, #accumulator> -> tensor<64x32xbf16, #operand_a>
    %acc = arith.constant dense<1.0> : tensor<64x64xf32, #accumulator>
    %v = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 32x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<32x64xbf16>
    %f = sm90.wgmma_async %p, %v acc(%acc) : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x32xbf16, #operand_a> * <32x64xbf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x32xbf16, #operand_a> * <32x64xbf16>>
    sm90.stage.release %done, %full[%c0] : !sm90.stage<32x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// Where the accumulator may hold nothing, a predicate says whether the first
// instruction of the chain reads it.

// CHECK-LABEL: llvm.func @undefined()
// CHECK: %[[ANY:.*]] = llvm.mlir.poison : f32
// CHECK: %[[ADDS:.*]] = arith.cmpi ne,
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "{{.*}}{$64, $65, $66, $67}, descriptor, $73, 1, 1, 1;{{.*}}{$68, $69, $70, $71}, descriptor, 1, 1, 1, 1;{{.*}}", "=f,{{.*}},r,b,~{memory}" %[[ANY]], %[[ANY]], {{.*}}, %[[ADDS]] :
sm90.kernel @undefined() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 8200 : i64} {
  %b = sm90.alloc at 0 : !sm90.buffer<1 x 32x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) at 8192 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %n = sm90.block_id
    %adds = arith.cmpi ne, %n, %c0 : index
    %x = arith.constant dense<1.0> : tensor<64x32xf32, #accumulator>
    %y = arith.truncf %x : tensor<64x32xf32, #accumulator> to tensor<64x32xbf16, #accumulator>
    %p = sm90.layout_cast %y : tensor<64x32xbf16, #accumulator> -> tensor<64x32xbf16, #operand_a>
    %acc = sm90.undefined : tensor<64x64xf32, #accumulator>
    %v = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 32x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<32x64xbf16>
    %f = sm90.wgmma_async %p, %v acc(%acc) if(%adds) : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x32xbf16, #operand_a> * <32x64xbf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x32xbf16, #operand_a> * <32x64xbf16>>
    sm90.stage.release %done, %full[%c0] : !sm90.stage<32x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// The left operand may stay in shared memory. Its descriptor starts at its row, of
// 128 bytes, in the first panel; a step of 16 columns is 32 bytes, the second panel
// of 128 rows is 16384 bytes away. The last panel is half full, and two steps.

// CHECK-LABEL: llvm.func @shared_left()
// CHECK: %[[STAGE:.*]] = arith.shrui %{{.*}}, %c4_i32
// CHECK: %[[LEFT:.*]] = arith.addi %[[STAGE]], %c512_i32
// CHECK-NEXT: %[[F:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .b64 descriptor;\0A\09.reg .b32 low;\0A\09.reg .b64 left;\0A\09wgmma.fence.sync.aligned;\0A\09add.s32 low, $8, 65536;\0A\09mov.b64 left, {low, 1073741888};\0A\09add.s32 low, $9, 65536;\0A\09mov.b64 descriptor, {low, 1073741888};\0A\09wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {$0, $1, $2, $3, $4, $5, $6, $7}, left, descriptor, 0, 1, 1, 0, 0;
// CHECK-SAME: add.s32 low, $8, 65542;
// CHECK-SAME: add.s32 low, $8, 66560;{{.*}}add.s32 low, $9, 65664;
// CHECK-SAME: add.s32 low, $8, 66562;{{.*}}add.s32 low, $9, 65666;{{.*}}left, descriptor, 1, 1, 1, 0, 0;\0A\09wgmma.commit_group
// CHECK-SAME: "=f,=f,=f,=f,=f,=f,=f,=f,r,r,~{memory}" %[[LEFT]], %{{.*}} :
// CHECK: "wgmma.wait_group.sync.aligned 0;", "=f,=f,=f,=f,=f,=f,=f,=f,0,1,2,3,4,5,6,7,~{memory}"
sm90.kernel @shared_left() attributes {schedule = #sm90.schedule<consumer_warpgroups = 2>, tensors = [], instances = [], shared_memory = 40000 : i64} {
  %a = sm90.alloc at 0 : !sm90.buffer<1 x 128x96xf16>
  %b = sm90.alloc at 32768 : !sm90.buffer<1 x 16x96xf16>
  %full = sm90.mbarrier.init arrivals(1) at 36864 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %q = sm90.stage.await_full %a, %full[%c0] : !sm90.buffer<1 x 128x96xf16>, !sm90.mbarrier<1> -> !sm90.stage<128x96xf16>
    %k = sm90.stage.await_full %b, %full[%c0] : !sm90.buffer<1 x 16x96xf16>, !sm90.mbarrier<1> -> !sm90.stage<16x96xf16>
    %f = sm90.wgmma_async %q row(%c64), %k transpose_rhs : !sm90.in_flight<tensor<64x16xf32, #accumulator> = !sm90.stage<128x96xf16> * <16x96xf16>>
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x16xf32, #accumulator> = !sm90.stage<128x96xf16> * <16x96xf16>>
    sm90.stage.release %done, %full[%c0] : !sm90.stage<16x96xf16>, !sm90.mbarrier<1>
    sm90.stage.release %q, %full[%c0] : !sm90.stage<128x96xf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// Instances from a counter, passed on in tickets: a number, which is negated if it
// is computed again, and whether a warp has failed. A ticket is read by whole warps,
// one thread of which then gives it back.

// CHECK-LABEL: llvm.func @instances(
// CHECK-SAME: %[[COUNTER:.*]]: !llvm.ptr<1>
// CHECK: setmaxregister decrease
// CHECK: %[[OLD:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "atom.global.add.u32 $0, [$1], 1;", "=r,l,~{memory}" %[[COUNTER]] : (!llvm.ptr<1>) -> i32
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "st.shared.b32 [$0], $1;", "r,r,~{memory}" %[[TICKET:.*]], %[[NUMBER:.*]] : (i32, i32) -> ()
// CHECK: llvm.inline_asm has_side_effects asm_dialect = att "st.shared.b32 [$0], $1;", "r,r,~{memory}" %[[STATE:.*]], %c0_i32{{.*}} : (i32, i32) -> ()
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}" %[[FULL:.*]] : (i32) -> ()
// CHECK: mbarrier.try_wait{{.*}} %[[EMPTY:.*]], %{{.*}} : (i32, i32) -> ()
// CHECK-NEXT: %[[READ:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "ld.shared.b32 $0, [$1];", "=r,r,~{memory}" %[[STATE]] : (i32) -> i32
// CHECK-NEXT: arith.cmpi ne, %[[READ]], %c0_i32
// CHECK: llvm.store %c0_i32, %[[COUNTER]] : i32, !llvm.ptr<1>
// CHECK: setmaxregister increase
// CHECK: "{{.*}}mbarrier.try_wait{{.*}}" %[[FULL]],
// CHECK-NEXT: %[[VALUE:.*]] = llvm.inline_asm has_side_effects asm_dialect = att "ld.shared.b32 $0, [$1];", "=r,r,~{memory}" %[[TICKET]] : (i32) -> i32
// CHECK-NEXT: %[[ALL:.*]] = nvvm.shfl.sync idx %{{.*}}, %[[VALUE]],
// CHECK-NEXT: %[[CAREFUL:.*]] = arith.cmpi slt, %[[ALL]], %c0_i32
// CHECK-NEXT: %[[MASK:.*]] = arith.extsi %[[CAREFUL]] : i1 to i32
// CHECK-NEXT: arith.xori %[[ALL]], %[[MASK]]
// CHECK: %[[FAILED:.*]] = arith.addi %[[TICKET]], %c4_i32
// CHECK: "@$2 red.shared::cta.or.b32 [$0], $1;", "r,r,b,~{memory}" %[[FAILED]], %c1_i32,
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}" %[[EMPTY]],
sm90.kernel @instances(%counter: !llvm.ptr<1> {sm90.counter}) attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 48 : i64} {
  %tickets = sm90.tickets.alloc at 0 : !sm90.tickets<1>
  %full = sm90.mbarrier.init arrivals(1) at 8 : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) at 16 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %n = sm90.block_id
    %no = arith.constant false
    %next = sm90.counter.next %counter : !llvm.ptr<1>
    sm90.ticket.put %next careful(%no) into %tickets, %full[%n] : !sm90.tickets<1>, !sm90.mbarrier<1>
    %failed = sm90.ticket.await_return %tickets, %empty[%n] : !sm90.tickets<1>, !sm90.mbarrier<1>
    scf.if %failed {
      sm90.counter.reset %counter : !llvm.ptr<1>
    }
  } consumer {
    %n = sm90.block_id
    %i, %careful = sm90.ticket.take %tickets, %full[%n] : !sm90.tickets<1>, !sm90.mbarrier<1>
    %again, %same = sm90.ticket.take %tickets, %full[%i] : !sm90.tickets<1>, !sm90.mbarrier<1>
    sm90.ticket.return %tickets, %empty[%i] failed(%careful) : !sm90.tickets<1>, !sm90.mbarrier<1>
  }
  sm90.return
}

// What nobody asks for is not read.

// CHECK-LABEL: llvm.func @careless(
// CHECK-COUNT-1: ld.shared.b32
// CHECK-NOT: ld.shared.b32
// CHECK-NOT: red.shared
sm90.kernel @careless() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [], instances = [], shared_memory = 48 : i64} {
  %tickets = sm90.tickets.alloc at 0 : !sm90.tickets<1>
  %full = sm90.mbarrier.init arrivals(1) at 8 : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(4) at 16 : !sm90.mbarrier<1>
  sm90.warp_roles producer {
    %n = sm90.block_id
    %failed = sm90.ticket.await_return %tickets, %empty[%n] : !sm90.tickets<1>, !sm90.mbarrier<1>
  } consumer {
    %n = sm90.block_id
    %i, %careful = sm90.ticket.take %tickets, %full[%n] : !sm90.tickets<1>, !sm90.mbarrier<1>
    sm90.ticket.return %tickets, %empty[%i] : !sm90.tickets<1>, !sm90.mbarrier<1>
  }
  sm90.return
}

// Values that go with an instance are words behind its number and state. Turns meet
// at barriers behind those of the warpgroups, two at a time: 3 and 4 here. A kernel
// whose launch is dependent waits before the roles part.

// CHECK-LABEL: llvm.func @handed(
// CHECK: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: setmaxregister decrease
// CHECK-COUNT-3: st.shared.b32
// CHECK: mbarrier.arrive.shared::cta.b64
// CHECK: setmaxregister increase
// CHECK-COUNT-2: ld.shared.b32
// CHECK: %[[MINE:.*]] = arith.addi %[[OWN:.*]], %c2_i32
// CHECK: "bar.sync $0, 256;", "r,~{memory}" %[[MINE]]
// CHECK: %[[LAST:.*]] = arith.cmpi eq, %[[OWN]], %c2_i32
// CHECK: %[[NEXT:.*]] = arith.select %[[LAST]], %c1_i32
// CHECK: %[[THEIRS:.*]] = arith.addi %[[NEXT]], %c2_i32
// CHECK: "bar.arrive $0, 256;", "r,~{memory}" %[[THEIRS]]
sm90.kernel @handed() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 48 : i64} {
  %tickets = sm90.tickets.alloc at 0 : !sm90.tickets<1, values = 1>
  %full = sm90.mbarrier.init arrivals(1) at 16 : !sm90.mbarrier<1>
  sm90.await_previous_launch
  sm90.warp_roles producer {
    %n = sm90.block_id
    %no = arith.constant false
    sm90.ticket.put %n careful(%no) values(%n) into %tickets, %full[%n] : !sm90.tickets<1, values = 1>, !sm90.mbarrier<1>
  } consumer {
    %n = sm90.block_id
    %i, %careful, %value = sm90.ticket.take %tickets, %full[%n] : !sm90.tickets<1, values = 1>, !sm90.mbarrier<1>
    sm90.turn.await
    sm90.turn.pass
  }
  sm90.return
}

// Without roles a word of each line of 64 bytes of parameters, which begin at 0x210, is needed
// before the launch is waited for. Sizes have half a word.

// CHECK-LABEL: llvm.func @parameters(
// CHECK: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: "{ .reg .pred p; .reg .b64 x; mov.b64 x, $0; xor.b64 x, x, $1; setp.eq.s64 p, x, -9223372036854775807; @p membar.cta; }", "l,l,~{memory}" %arg0, %arg7
// CHECK-NEXT: nvvm.griddepcontrol wait
sm90.kernel @parameters(%a: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0}, %b: !llvm.ptr<1> {sm90.tensor = 0}, %c: !llvm.ptr<1> {sm90.tensor = 0}, %d: !llvm.ptr<1> {sm90.tensor = 0},
                        %e: !llvm.ptr<1> {sm90.tensor = 0}, %m: index {sm90.tensor = 0, sm90.axis = 0}, %f: !llvm.ptr<1> {sm90.tensor = 0}, %g: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false>,
                tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>], instances = [], shared_memory = 0 : i64} {
  sm90.await_previous_launch
  sm90.warps {
  }
  sm90.return
}
