// Every op, type and attribute is read back as it was printed, in both forms.

// RUN: attn-opt %s | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

#rows = #sm90.layout<rows>
#partial = #sm90.layout<partial_rows>
#operand_a = #sm90.layout<operand_a>
#accumulator = #sm90.layout<accumulator>

// CHECK-DAG: ![[ACC:[a-z0-9_]+]] = tensor<64x128xf32, #sm90.layout<accumulator>>
// CHECK-DAG: ![[ACC64:[a-z0-9_]+]] = tensor<64x64xf32, #sm90.layout<accumulator>>
// CHECK-DAG: ![[ACCBF16:[a-z0-9_]+]] = tensor<64x128xbf16, #sm90.layout<accumulator>>
// CHECK-DAG: ![[ABF16:[a-z0-9_]+]] = tensor<64x128xbf16, #sm90.layout<operand_a>>
// CHECK-DAG: ![[A64:[a-z0-9_]+]] = tensor<64x64xf16, #sm90.layout<operand_a>>
// CHECK-DAG: ![[A:[a-z0-9_]+]] = tensor<64x128xf16, #sm90.layout<operand_a>>
// CHECK-DAG: ![[PARTIAL:[a-z0-9_]+]] = tensor<64xf32, #sm90.layout<partial_rows>>
// CHECK-DAG: ![[ROWTYPE:[a-z0-9_]+]] = tensor<64xf32, #sm90.layout<rows>>
// CHECK-DAG: ![[BITS:[a-z0-9_]+]] = tensor<64xi1, #sm90.layout<rows>>

// CHECK-LABEL: sm90.kernel @roles(
// CHECK-SAME: %{{.*}}: !sm90.tensor_map<128x128xbf16, axes = [1, 3], rank = 4> {sm90.tensor = 0 : i64},
// CHECK-SAME: %{{.*}}: !llvm.ptr<1> {sm90.tensor = 1 : i64},
// CHECK-SAME: %{{.*}}: index {sm90.axis = 1 : i64, sm90.tensor = 0 : i64})
// CHECK-SAME: attributes {instances = [#sm90.extent<()[s0] -> (s0 ceildiv 128), sizes = [0, 1]>, #sm90.extent<() -> (64)>],
// CHECK-SAME: schedule = #sm90.schedule<kv_stages = 3, consumer_warpgroups = 1, producer_registers = 40, consumer_registers = 232, persistent = false>,
// CHECK-SAME: shared_memory = 98328 : i64
// CHECK-SAME: tensors = [#sm90.tensor<"q", tensor<?x?x64x128xbf16>, [0, 1, -1, -1] least[1, 0, 5, 64, 0, -1, 1, 1]>,
// CHECK-SAME: #sm90.tensor<"lse", tensor<?x64x?xf32>, [0, -1, 1], output = true>]} {
sm90.kernel @roles(%q: !sm90.tensor_map<128x128xbf16, axes = [1, 3], rank = 4> {sm90.tensor = 0},
                   %lse: !llvm.ptr<1> {sm90.tensor = 1},
                   %length: index {sm90.tensor = 0, sm90.axis = 1})
    attributes {schedule = #sm90.schedule<kv_stages = 3, consumer_warpgroups = 1, producer_registers = 40, consumer_registers = 232, persistent = false>,
                tensors = [#sm90.tensor<"q", tensor<?x?x64x128xbf16>, [0, 1, -1, -1] least[1, 0, 5, 64, 0, -1, 1, 1]>,
                           #sm90.tensor<"lse", tensor<?x64x?xf32>, [0, -1, 1], output = true>],
                instances = [#sm90.extent<()[s0] -> (s0 ceildiv 128), sizes = [0, 1]>, #sm90.extent<() -> (64)>],
                shared_memory = 98328 : i64} {
  // CHECK-NEXT: %[[BUFFER:.*]] = sm90.alloc at 0 : <3 x 128x128xbf16>
  %buffer = sm90.alloc at 0 : !sm90.buffer<3 x 128x128xbf16>
  // CHECK-NEXT: %[[FULL:.*]] = sm90.mbarrier.init arrivals(1) at 98304 : <3>
  %full = sm90.mbarrier.init arrivals(1) at 98304 : !sm90.mbarrier<3>
  // CHECK-NEXT: %[[EMPTY:.*]] = sm90.mbarrier.init arrivals(4) at 98328 : <3>
  %empty = sm90.mbarrier.init arrivals(4) at 98328 : !sm90.mbarrier<3>
  // CHECK-NEXT: sm90.warp_roles producer {
  sm90.warp_roles producer {
    // CHECK-NEXT: %[[BLOCK:.*]] = sm90.block_id
    %block = sm90.block_id
    // CHECK-NEXT: %[[GRID:.*]] = sm90.grid_size
    %grid = sm90.grid_size
    // CHECK-NEXT: %[[FREE:.*]] = sm90.stage.await_empty %[[BUFFER]], %[[EMPTY]][%[[BLOCK]]] : <3 x 128x128xbf16>, <3> -> <128x128xbf16>
    %free = sm90.stage.await_empty %buffer, %empty[%block] : !sm90.buffer<3 x 128x128xbf16>, !sm90.mbarrier<3> -> !sm90.stage<128x128xbf16>
    // CHECK-NEXT: sm90.tma_load_async %{{.*}}[%[[BLOCK]], %[[GRID]], %[[BLOCK]], %[[BLOCK]]] into %[[FREE]], %[[FULL]][%[[BLOCK]]] keep : <128x128xbf16, axes = [1, 3], rank = 4>, <128x128xbf16>, <3>
    sm90.tma_load_async %q[%block, %grid, %block, %block] into %free, %full[%block] keep
      : !sm90.tensor_map<128x128xbf16, axes = [1, 3], rank = 4>, !sm90.stage<128x128xbf16>, !sm90.mbarrier<3>
  // CHECK-NEXT: } consumer {
  } consumer {
    // CHECK-NEXT: %[[ID:.*]] = sm90.warpgroup_id
    %id = sm90.warpgroup_id
    // CHECK-NEXT: %[[STAGE:.*]] = sm90.stage.await_full %[[BUFFER]], %[[FULL]][%[[ID]]] : <3 x 128x128xbf16>, <3> -> <128x128xbf16>
    %stage = sm90.stage.await_full %buffer, %full[%id] : !sm90.buffer<3 x 128x128xbf16>, !sm90.mbarrier<3> -> !sm90.stage<128x128xbf16>
    // CHECK-NEXT: %{{.*}} = sm90.load_fragment %[[STAGE]] row(%[[ID]]) : <128x128xbf16> -> tensor<64x128xbf16>
    %fragment = sm90.load_fragment %stage row(%id) : !sm90.stage<128x128xbf16> -> tensor<64x128xbf16>
    // CHECK-NEXT: sm90.stage.release %[[STAGE]], %[[EMPTY]][%[[ID]]] : <128x128xbf16>, <3>
    sm90.stage.release %stage, %empty[%id] : !sm90.stage<128x128xbf16>, !sm90.mbarrier<3>
  }
  // CHECK: sm90.return
  sm90.return
}

// One kernel writes a workspace and another reads it.
// CHECK-LABEL: sm90.kernel @workspaces(
// CHECK-SAME: tensors = [#sm90.tensor<"w", tensor<?xi32>, [0], output = true, workspace = true>, #sm90.tensor<"x", tensor<?xi32>, [0] least[0, 0, 0, 1], workspace = true>, #sm90.tensor<"y", tensor<?xi32>, [0]>]
sm90.kernel @workspaces(%w: !llvm.ptr<1> {sm90.tensor = 0}, %x: !llvm.ptr<1> {sm90.tensor = 1}, %y: !llvm.ptr<1> {sm90.tensor = 2})
    attributes {schedule = #sm90.schedule<>, instances = [],
                tensors = [#sm90.tensor<"w", tensor<?xi32>, [0], output = true, workspace = true>,
                           #sm90.tensor<"x", tensor<?xi32>, [0] least[0, 0, 0, 1], workspace = true>,
                           #sm90.tensor<"y", tensor<?xi32>, [0], output = false>]} {
  sm90.warp_roles producer {
  } consumer {
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @products()
// CHECK-SAME: schedule = #sm90.schedule<>
sm90.kernel @products() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  // CHECK-NEXT: sm90.alloc : <2 x 128x64xf16>
  %buffer = sm90.alloc : !sm90.buffer<2 x 128x64xf16>
  // CHECK-NEXT: sm90.mbarrier.init arrivals(1) : <2>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %q = arith.constant dense<1.0> : tensor<64x64xf16, #operand_a>
    %p = arith.constant dense<1.0> : tensor<64x128xf16, #operand_a>
    %o = arith.constant dense<0.0> : tensor<64x64xf32, #accumulator>
    %k = sm90.stage.await_full %buffer, %full[%c0] : !sm90.buffer<2 x 128x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<128x64xf16>
    // CHECK: %[[QK:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} transpose_rhs : <![[ACC]] = ![[A64]] * <128x64xf16>>
    %qk = sm90.wgmma_async %q, %k transpose_rhs
      : !sm90.in_flight<tensor<64x128xf32, #accumulator> = tensor<64x64xf16, #operand_a> * <128x64xf16>>
    %v = sm90.stage.await_full %buffer, %full[%c1] : !sm90.buffer<2 x 128x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<128x64xf16>
    // CHECK: %[[PV:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} acc(%{{.*}}) : <![[ACC64]] = ![[A]] * <128x64xf16>>
    %pv = sm90.wgmma_async %p, %v acc(%o)
      : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x128xf16, #operand_a> * <128x64xf16>>
    // CHECK-NEXT: %{{.*}}, %{{.*}} = sm90.wgmma.wait %[[QK]] pending(1) : <![[ACC]] = ![[A64]] * <128x64xf16>>
    %s, %k_done = sm90.wgmma.wait %qk pending(1)
      : !sm90.in_flight<tensor<64x128xf32, #accumulator> = tensor<64x64xf16, #operand_a> * <128x64xf16>>
    sm90.stage.release %k_done, %full[%c0] : !sm90.stage<128x64xf16>, !sm90.mbarrier<2>
    // CHECK: sm90.wgmma.wait %[[PV]] pending(0)
    %o1, %v_done = sm90.wgmma.wait %pv pending(0)
      : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x128xf16, #operand_a> * <128x64xf16>>
    sm90.stage.release %v_done, %full[%c1] : !sm90.stage<128x64xf16>, !sm90.mbarrier<2>
    // An accumulator that holds nothing yet.
    // CHECK: %[[ANY:.*]] = sm90.undefined : ![[ACC64]]
    %any = sm90.undefined : tensor<64x64xf32, #accumulator>
    %adds = arith.cmpi ne, %c0, %c1 : index
    %w = sm90.stage.await_full %buffer, %full[%c1] : !sm90.buffer<2 x 128x64xf16>, !sm90.mbarrier<2> -> !sm90.stage<128x64xf16>
    // CHECK: sm90.wgmma_async %{{.*}}, %{{.*}} acc(%[[ANY]]) if(%{{.*}}) : <![[ACC64]] = ![[A]] * <128x64xf16>>
    %pw = sm90.wgmma_async %p, %w acc(%any) if(%adds)
      : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x128xf16, #operand_a> * <128x64xf16>>
    %o2, %w_done = sm90.wgmma.wait %pw pending(0)
      : !sm90.in_flight<tensor<64x64xf32, #accumulator> = tensor<64x128xf16, #operand_a> * <128x64xf16>>
    sm90.stage.release %w_done, %full[%c1] : !sm90.stage<128x64xf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// A product may read its left operand from a stage, and so may a copy: the stage
// is given back after both.

// CHECK-LABEL: sm90.kernel @stages(
sm90.kernel @stages(%o: !sm90.tensor_map<64x96xf16, axes = [0, 1], rank = 2> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<query_in_registers = false, output_in_query_buffer = true>, instances = [],
                tensors = [#sm90.tensor<"o", tensor<?x96xf16>, [0, -1], output = true>, #sm90.tensor<"x", tensor<f32>, []>]} {
  %queries = sm90.alloc : !sm90.buffer<1 x 128x192xf16>
  %keys = sm90.alloc : !sm90.buffer<1 x 96x192xf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    // CHECK: %[[Q:.*]] = sm90.stage.await_full
    %q = sm90.stage.await_full %queries, %full[%c0] : !sm90.buffer<1 x 128x192xf16>, !sm90.mbarrier<1> -> !sm90.stage<128x192xf16>
    %k = sm90.stage.await_full %keys, %full[%c0] : !sm90.buffer<1 x 96x192xf16>, !sm90.mbarrier<1> -> !sm90.stage<96x192xf16>
    // CHECK: sm90.wgmma_async %[[Q]] row(%[[ROW:.*]]), %{{.*}} transpose_rhs : <![[S:.*]] = !sm90.stage<128x192xf16> * <96x192xf16>>
    %f = sm90.wgmma_async %q row(%c64), %k transpose_rhs
      : !sm90.in_flight<tensor<64x96xf32, #accumulator> = !sm90.stage<128x192xf16> * <96x192xf16>>
    %s, %k_done = sm90.wgmma.wait %f pending(0)
      : !sm90.in_flight<tensor<64x96xf32, #accumulator> = !sm90.stage<128x192xf16> * <96x192xf16>>
    sm90.stage.release %k_done, %full[%c0] : !sm90.stage<96x192xf16>, !sm90.mbarrier<1>
    %narrow = arith.truncf %s : tensor<64x96xf32, #accumulator> to tensor<64x96xf16, #accumulator>
    // CHECK: sm90.store_fragment %{{.*}}, %[[Q]] row(%[[ROW]]) : !{{.*}}, !sm90.stage<128x192xf16>
    sm90.store_fragment %narrow, %q row(%c64) : tensor<64x96xf16, #accumulator>, !sm90.stage<128x192xf16>
    // CHECK: sm90.tma_store_async %[[Q]] row(%[[ROW]]), %{{.*}} : !sm90.stage<128x192xf16>, <64x96xf16, axes = [0, 1], rank = 2>
    sm90.tma_store_async %q row(%c64), %o[%c0, %c0] : !sm90.stage<128x192xf16>, !sm90.tensor_map<64x96xf16, axes = [0, 1], rank = 2>
    sm90.tma_store.wait read
    // CHECK: sm90.stage.release %[[Q]]
    sm90.stage.release %q, %full[%c0] : !sm90.stage<128x192xf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// The threads may store a matrix themselves, where it is aligned.

// CHECK-LABEL: sm90.kernel @stored(
// CHECK-SAME: %[[O:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.alignment = 16 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME: %[[STRIDE:[a-z0-9_]+]]: i64
// CHECK-SAME: %[[N:[a-z0-9_]+]]: index
// CHECK-SAME: #sm90.schedule<output_from_registers = true>
sm90.kernel @stored(%o: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16},
                    %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                    %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<output_from_registers = true>, instances = [],
                tensors = [#sm90.tensor<"o", tensor<?x48xf16>, [0, -1], output = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 64 : i64
    %matrix = arith.constant dense<1.0> : tensor<64x48xf16, #accumulator>
    // CHECK: sm90.store_matrix %{{.*}}, %[[O]][%{{.*}}] stride(%[[STRIDE]]) limit(%[[N]]) : !{{.*}}, !llvm.ptr<1>
    sm90.store_matrix %matrix, %o[%offset] stride(%stride) limit(%n) : tensor<64x48xf16, #accumulator>, !llvm.ptr<1>
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @fragments(
sm90.kernel @fragments(%o: !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0},
                       %lse: !llvm.ptr<1> {sm90.tensor = 1},
                       %length: index {sm90.tensor = 1, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<>, instances = [],
                tensors = [#sm90.tensor<"o", tensor<?x128xbf16>, [0, -1], output = true>,
                           #sm90.tensor<"lse", tensor<?xf32>, [0], output = true>]} {
  %staging = sm90.alloc : !sm90.buffer<1 x 128x128xbf16>
  sm90.warp_roles producer {
  } consumer {
    %id = sm90.warpgroup_id
    %offset = arith.constant 64 : i64
    %scores = arith.constant dense<1.0> : tensor<64x128xf32, #accumulator>
    // CHECK: %[[MASKED:.*]] = sm90.mask %{{.*}} query(%{{.*}}) key(%{{.*}}) : ![[ACC]] {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index, %[[J:.*]]: index):
    // CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi sle, %[[J]], %[[P]] : index
    // CHECK-NEXT: sm90.yield %[[KEEP]] : i1
    // CHECK-NEXT: }
    %masked = sm90.mask %scores query(%id) key(%length) : tensor<64x128xf32, #accumulator> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      sm90.yield %keep : i1
    }
    // CHECK: %[[EVALUATED:.*]] = sm90.evaluate_mask query(%{{.*}}) key(%{{.*}}) : <64 x 128> {
    // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
    // CHECK: }
    // CHECK-NEXT: sm90.apply_mask %{{.*}}, %[[EVALUATED]] : ![[ACC]], <64 x 128>
    %bits = sm90.evaluate_mask query(%id) key(%length) : <64 x 128> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      sm90.yield %keep : i1
    }
    %applied = sm90.apply_mask %scores, %bits : tensor<64x128xf32, #accumulator>, <64 x 128>
    // CHECK: sm90.mask %[[MASKED]] query(%{{.*}}) key(%{{.*}}) whole(%{{.*}}) : ![[ACC]] {
    %whole = arith.cmpi sle, %id, %length : index
    %skipped = sm90.mask %masked query(%id) key(%length) whole(%whole) : tensor<64x128xf32, #accumulator> {
    ^bb0(%p: index, %j: index):
      sm90.yield %whole : i1
    }
    // CHECK: %[[BIAS:.*]] = sm90.read %{{.*}}[%{{.*}}] of[%{{.*}}] : !llvm.ptr<1> -> f32
    %bias = sm90.read %lse[%id] of [%length] : !llvm.ptr<1> -> f32
    // CHECK-NEXT: sm90.splat %[[BIAS]] : ![[ROWTYPE]]
    %splat = sm90.splat %bias : tensor<64xf32, #rows>
    // CHECK-NEXT: sm90.score %[[MASKED]] query(%{{.*}}) key(%{{.*}}) : ![[ACC]] {
    // CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %{{.*}}: index):
    // CHECK-NEXT: %[[Y:.*]] = arith.addf %[[X]], %[[BIAS]] : f32
    // CHECK-NEXT: sm90.yield %[[Y]] : f32
    // CHECK-NEXT: }
    %modified = sm90.score %masked query(%id) key(%length) : tensor<64x128xf32, #accumulator> {
    ^bb0(%x: f32, %p: index, %j: index):
      %y = arith.addf %x, %bias : f32
      sm90.yield %y : f32
    }
    // CHECK-NEXT: %[[PART:.*]] = sm90.reduce_columns <max> %[[MASKED]] : ![[ACC]] -> ![[PARTIAL]]
    %part = sm90.reduce_columns <max> %masked : tensor<64x128xf32, #accumulator> -> tensor<64xf32, #partial>
    // CHECK-NEXT: %[[ROWS:.*]] = sm90.combine_quad <sum> %[[PART]] : ![[PARTIAL]] -> ![[ROWTYPE]]
    %rows = sm90.combine_quad <sum> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    // CHECK-NEXT: %[[WIDE:.*]] = sm90.broadcast_rows %[[ROWS]] : ![[ROWTYPE]] -> ![[ACC]]
    %wide = sm90.broadcast_rows %rows : tensor<64xf32, #rows> -> tensor<64x128xf32, #accumulator>
    %positive = arith.cmpf ogt, %rows, %rows : tensor<64xf32, #rows>
    // CHECK: sm90.vote_all %{{.*}} : ![[BITS]]
    %all = sm90.vote_all %positive : tensor<64xi1, #rows>
    // CHECK-NEXT: %[[NARROW:.*]] = arith.truncf %[[WIDE]]
    %narrow = arith.truncf %wide : tensor<64x128xf32, #accumulator> to tensor<64x128xbf16, #accumulator>
    // CHECK-NEXT: sm90.layout_cast %[[NARROW]] : ![[ACCBF16]] -> ![[ABF16]]
    %operand = sm90.layout_cast %narrow : tensor<64x128xbf16, #accumulator> -> tensor<64x128xbf16, #operand_a>
    // CHECK-NEXT: sm90.tma_store.wait read
    sm90.tma_store.wait read
    // CHECK-NEXT: sm90.barrier.sync
    sm90.barrier.sync
    // CHECK-NEXT: sm90.store_fragment %[[NARROW]], %[[STAGING:.*]] row(%{{.*}}) : ![[ACCBF16]], !sm90.buffer<1 x 128x128xbf16>
    sm90.store_fragment %narrow, %staging row(%id) : tensor<64x128xbf16, #accumulator>, !sm90.buffer<1 x 128x128xbf16>
    // CHECK-NEXT: sm90.tma_store_async %[[STAGING]] row(%{{.*}}), %{{.*}}[%{{.*}}, %{{.*}}] : !sm90.buffer<1 x 128x128xbf16>, <64x128xbf16, axes = [0, 1], rank = 2>
    sm90.tma_store_async %staging row(%id), %o[%id, %id] : !sm90.buffer<1 x 128x128xbf16>, !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>
    // CHECK-NEXT: sm90.store_rows %[[ROWS]], %{{.*}}[%{{.*}}] limit(%{{.*}}) : ![[ROWTYPE]], !llvm.ptr<1>
    sm90.store_rows %rows, %lse[%offset] limit(%length) : tensor<64xf32, #rows>, !llvm.ptr<1>
    // CHECK-NEXT: sm90.tma_store.wait
    sm90.tma_store.wait
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @instances(
// CHECK-SAME: %[[COUNTER:.*]]: !llvm.ptr<1> {sm90.counter}
sm90.kernel @instances(%counter: !llvm.ptr<1> {sm90.counter})
    attributes {schedule = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true>, instances = [], tensors = []} {
  // CHECK: %[[TICKETS:.*]] = sm90.tickets.alloc : <2>
  %tickets = sm90.tickets.alloc : !sm90.tickets<2>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(8) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    // CHECK: %[[NEXT:.*]] = sm90.counter.next %[[COUNTER]] : !llvm.ptr<1>
    %next = sm90.counter.next %counter : !llvm.ptr<1>
    %no = arith.constant false
    // CHECK: sm90.ticket.put %[[NEXT]] careful(%{{.*}}) into %[[TICKETS]], %{{.*}}[%{{.*}}] : <2>, <2>
    sm90.ticket.put %next careful(%no) into %tickets, %full[%c0] : !sm90.tickets<2>, !sm90.mbarrier<2>
    // CHECK-NEXT: sm90.ticket.await_return %[[TICKETS]], %{{.*}}[%{{.*}}] : <2>, <2>
    %failed = sm90.ticket.await_return %tickets, %empty[%c0] : !sm90.tickets<2>, !sm90.mbarrier<2>
    // CHECK-NEXT: sm90.counter.reset %[[COUNTER]] : !llvm.ptr<1>
    sm90.counter.reset %counter : !llvm.ptr<1>
  } consumer {
    %c0 = arith.constant 0 : index
    // CHECK: %[[INSTANCE:.*]], %[[CAREFUL:.*]] = sm90.ticket.take %[[TICKETS]], %{{.*}}[%{{.*}}] : <2>, <2>
    %i, %careful = sm90.ticket.take %tickets, %full[%c0] : !sm90.tickets<2>, !sm90.mbarrier<2>
    // CHECK-NEXT: sm90.ticket.return %[[TICKETS]], %{{.*}}[%{{.*}}] failed(%[[CAREFUL]]) : <2>, <2>
    sm90.ticket.return %tickets, %empty[%c0] failed(%careful) : !sm90.tickets<2>, !sm90.mbarrier<2>
    // CHECK-NEXT: sm90.ticket.return %[[TICKETS]], %{{.*}}[%[[INSTANCE]]] : <2>, <2>
    sm90.ticket.return %tickets, %empty[%i] : !sm90.tickets<2>, !sm90.mbarrier<2>
  }
  sm90.return
}

// Copies of slices, and reads of positions.
// CHECK-LABEL: sm90.kernel @slices(
// CHECK-SAME: !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true> {sm90.tensor = 0 : i64}
sm90.kernel @slices(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true> {sm90.tensor = 0},
                    %cu: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<>, instances = [],
                tensors = [#sm90.tensor<"x", tensor<?x4x64xbf16>, [0, -1, -1]>, #sm90.tensor<"cu", tensor<9xi32>, [-1]>]} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %c9 = arith.constant 9 : index
    // CHECK: sm90.read %{{.*}}[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] position : !llvm.ptr<1> -> i32
    %stride = arith.constant 16 : i64
    %row = sm90.read %cu[%c0, %c0] of [%c9, %c9] strides [%stride] position : !llvm.ptr<1> -> i32
    %i = arith.index_cast %row : i32 to index
    // CHECK: sm90.tma_store_async %{{.*}} row(%[[ZERO:.*]]), %{{.*}}[%[[I:.*]], %[[ZERO]], %[[ZERO]], %[[I]]] : !sm90.buffer<1 x 64x64xbf16>, <64x64xbf16, axes = [0, 2], rank = 3, sliced = true>
    sm90.tma_store_async %buffer row(%c0), %x[%i, %c0, %c0, %i] : !sm90.buffer<1 x 64x64xbf16>, !sm90.tensor_map<64x64xbf16, axes = [0, 2], rank = 3, sliced = true>
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @turns(
sm90.kernel @turns() attributes {schedule = #sm90.schedule<ping_pong = true, narrow_tanh = false, dependent_launch = false>, instances = [], tensors = []} {
  // CHECK: %[[TICKETS:.*]] = sm90.tickets.alloc : <2, values = 2>
  %tickets = sm90.tickets.alloc : !sm90.tickets<2, values = 2>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  // CHECK: sm90.await_previous_launch
  sm90.await_previous_launch
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // CHECK: sm90.ticket.put %[[C0:.*]] careful(%{{.*}}) values(%[[C0]], %[[C0]]) into %[[TICKETS]], %{{.*}}[%{{.*}}] : <2, values = 2>, <2>
    sm90.ticket.put %c0 careful(%no) values(%c0, %c0) into %tickets, %full[%c0] : !sm90.tickets<2, values = 2>, !sm90.mbarrier<2>
  } consumer {
    %c0 = arith.constant 0 : index
    // CHECK: sm90.ticket.take %[[TICKETS]], %{{.*}}[%{{.*}}] : <2, values = 2>, <2>
    %i, %careful, %v:2 = sm90.ticket.take %tickets, %full[%c0] : !sm90.tickets<2, values = 2>, !sm90.mbarrier<2>
    // CHECK-NEXT: sm90.turn.await
    sm90.turn.await
    // CHECK-NEXT: sm90.turn.pass
    sm90.turn.pass
  }
  sm90.return
}

// A kernel whose warps all do the same.

// CHECK-LABEL: sm90.kernel @warps(
// CHECK-SAME: !llvm.ptr<1> {sm90.alignment = 16 : i64, sm90.tensor = 0 : i64}
// CHECK-SAME: schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
// CHECK-SAME: #sm90.tensor<"new", tensor<?x64xf32>, [0, -1] updates(0), output = true>
sm90.kernel @warps(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16},
                   %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                   %n: index {sm90.tensor = 0, sm90.axis = 0},
                   %map: !sm90.tensor_map<8x64xf32, axes = [0, 1], rank = 2> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>,
                tensors = [#sm90.tensor<"s", tensor<?x64xf32>, [0, -1]>,
                           #sm90.tensor<"new", tensor<?x64xf32>, [0, -1] updates(0), output = true>],
                instances = []} {
  // CHECK: sm90.warps {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    // CHECK: sm90.load_strips %{{.*}}[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] axes [0, 1] whole constant copy(1) : f32 -> !column_strips
    %copy = sm90.load_strips %s[%c0, %c0] of [%n, %c64] strides [%stride] axes [0, 1] whole constant copy(1) : f32 -> tensor<32x64xf32, #sm90.layout<column_strips>>
    // CHECK: %[[S:.*]] = sm90.load_strips %{{.*}}[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] axes [0, 1] whole : f32 -> !column_strips
    %0 = sm90.load_strips %s[%c0, %c0] of [%n, %c64] strides [%stride] axes [0, 1] whole : f32 -> tensor<32x64xf32, #sm90.layout<column_strips>>
    // CHECK: %[[M:.*]] = sm90.stage_strips %{{.*}}[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] axes [0, 1] at 128 : <32x64xf32>
    %m = sm90.stage_strips %s[%c0, %c0] of [%n, %c64] strides [%stride] axes [0, 1] at 128 : !sm90.stage<32x64xf32>
    // CHECK: sm90.take_strips %[[M]] : <32x64xf32> -> tensor<32x64xf32>
    %taken = sm90.take_strips %m : !sm90.stage<32x64xf32> -> tensor<32x64xf32>
    // CHECK: %[[B:.*]] = sm90.stage_boxes %{{.*}}[%{{.*}}, %{{.*}}] at 256 : <8x64xf32, axes = [0, 1], rank = 2> -> <32x64xf32>
    %boxes = sm90.stage_boxes %map[%c0, %c0] at 256 : !sm90.tensor_map<8x64xf32, axes = [0, 1], rank = 2> -> !sm90.stage<32x64xf32>
    // CHECK: sm90.take_strips %[[B]] : <32x64xf32> -> tensor<32x64xf32>
    %column = sm90.take_strips %boxes : !sm90.stage<32x64xf32> -> tensor<32x64xf32>
    // CHECK: sm90.load_strips %{{.*}} axes [1] constant : bf16 -> !column_strips_columns
    %1 = sm90.load_strips %s[%c0, %c0] of [%n, %c64] strides [%stride] axes [1] constant : bf16 -> tensor<64xf32, #sm90.layout<column_strips_columns>>
    // CHECK: %[[R:.*]] = sm90.reduce_strips <sum> %[[S]] axis(0) : !column_strips -> !column_strips_columns
    %2 = sm90.reduce_strips <sum> %0 axis(0) : tensor<32x64xf32, #sm90.layout<column_strips>> -> tensor<64xf32, #sm90.layout<column_strips_columns>>
    // CHECK: sm90.broadcast_strips %[[R]] axis(0) : !column_strips_columns -> !column_strips
    %3 = sm90.broadcast_strips %2 axis(0) : tensor<64xf32, #sm90.layout<column_strips_columns>> -> tensor<32x64xf32, #sm90.layout<column_strips>>
    %4 = arith.constant dense<1.0> : tensor<32xf32, #sm90.layout<column_strips_rows>>
    // CHECK: sm90.reduce_vector <max> %{{.*}} : !column_strips_rows
    %5 = sm90.reduce_vector <max> %4 : tensor<32xf32, #sm90.layout<column_strips_rows>>
    // CHECK: sm90.store_strips %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] of[%{{.*}}, %{{.*}}] strides[%{{.*}}] axes [0, 1] : !column_strips -> bf16
    sm90.store_strips %3, %s[%c0, %c0] of [%n, %c64] strides [%stride] axes [0, 1] : tensor<32x64xf32, #sm90.layout<column_strips>> -> bf16
  }
  sm90.return
}

// CHECK-LABEL: func.func @shared_strips(
func.func @shared_strips(%a: tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>, %b: f32) {
  // CHECK: sm90.add_warps %{{.*}}, %{{.*}} : !column_strips_columns{{.*}}, f32 -> !column_strips_columns{{.*}}, f32
  %0:2 = sm90.add_warps %a, %b : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>, f32 -> tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>, f32
  // CHECK: sm90.add_warps %{{.*}} at 16 : f32 -> f32
  %1 = sm90.add_warps %b at 16 : f32 -> f32
  return
}

// CHECK-LABEL: func.func @row_strips(
// CHECK-SAME: !row_strips
func.func @row_strips(%a: tensor<64x32xf32, #sm90.layout<row_strips>>,
                      %b: tensor<64xf32, #sm90.layout<row_strips_rows>>,
                      %c: tensor<32xf32, #sm90.layout<row_strips_columns>>) {
  return
}
// Searches and single elements.
// CHECK-LABEL: sm90.kernel @search(
// CHECK-SAME: tensors = [#sm90.tensor<"w", tensor<?x2xi32>, [0, -1], output = true, workspace = true>]
sm90.kernel @search(%w: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<persistent = false>, instances = [],
                tensors = [#sm90.tensor<"w", tensor<?x2xi32>, [0, -1], output = true, workspace = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant 2 : i64
    %true = arith.constant true
    // CHECK: %[[E:.*]]:2 = sm90.find_extremes(%{{.*}} to %[[N:.*]]) : i32, i32 {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index):
    // CHECK-NEXT: %[[I:.*]] = arith.index_cast %[[P]] : index to i32
    // CHECK-NEXT: sm90.yield %[[I]], %{{.*}} : i32, i1
    %e:2 = sm90.find_extremes(%c0 to %n) : i32, i32 {
    ^bb0(%p: index):
      %i = arith.index_cast %p : index to i32
      sm90.yield %i, %true : i32, i1
    }
    // CHECK: sm90.find_reach(%{{.*}} to %[[N]]) block(64) limit(-3.000000e+01) {
    // CHECK-NEXT: ^bb0(%[[P:.*]]: index):
    // CHECK-NEXT: %[[NORM:.*]] = sm90.squared_norm %{{.*}}[%[[P]]] of[%[[N]]] strides[%{{.*}}] length(64) : !llvm.ptr<1>, bf16
    // CHECK-NEXT: sm90.yield %[[NORM]] : f32
    %r = sm90.find_reach(%c0 to %n) block(64) limit(-30.0) {
    ^bb0(%p: index):
      %norm = sm90.squared_norm %w[%p] of [%n] strides [%s] length(64) : !llvm.ptr<1>, bf16
      sm90.yield %norm : f32
    }
    // CHECK: sm90.find_reach(%{{.*}} to %[[N]]) block(64) limit(-3.000000e+01) channels(128) {
    // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index):
    %rc = sm90.find_reach(%c0 to %n) block(64) limit(-30.0) channels(128) {
    ^bb0(%p: index, %c: index):
      %norm = sm90.squared_norm %w[%p] of [%n] strides [%s] length(64) : !llvm.ptr<1>, bf16
      sm90.yield %norm : f32
    }
    // CHECK: sm90.write %[[E]]#1, %{{.*}}[%{{.*}}, %{{.*}}] strides[%{{.*}}] : i32, !llvm.ptr<1>
    sm90.write %e#1, %w[%c0, %c0] strides [%s] : i32, !llvm.ptr<1>
  }
  sm90.return
}
