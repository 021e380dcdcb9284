// RUN: attn-opt %s --convert-tile-to-sm90 --canonicalize --cse | FileCheck %s

// A persistent kernel: both roles loop over the instances, the producer with
// the copies, the consumer with all else on its 64 rows. The counts of the uses
// of each buffer are carried through the loops.

// CHECK-DAG: #[[TILES:.*]] = affine_map<()[s0] -> (s0 ceildiv 128)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0) -> (d0 * 128)>
// CHECK-DAG: #[[BLOCKS:.*]] = affine_map<()[s0] -> (s0 ceildiv 64)>
// CHECK-DAG: #[[KEY:.*]] = affine_map<(d0) -> (d0 * 64)>

// CHECK-LABEL: sm90.kernel @scores(
// CHECK-SAME: %[[Q:[a-z0-9_]+]]: !sm90.tensor_map<128x64xbf16, axes = [1, 2], rank = 3> {sm90.tensor = 0 : i64},
// CHECK-SAME: %[[K:[a-z0-9_]+]]: !sm90.tensor_map<64x64xbf16, axes = [1, 2], rank = 3> {sm90.tensor = 1 : i64},
// The output is copied by warpgroups.
// CHECK-SAME: %[[O:[a-z0-9_]+]]: !sm90.tensor_map<64x64xbf16, axes = [1, 2], rank = 3> {sm90.tensor = 2 : i64},
// CHECK-SAME: %[[M:[a-z0-9_]+]]: !llvm.ptr<1> {sm90.tensor = 3 : i64},
// One argument for each symbol.
// CHECK-SAME: %[[BATCH:[a-z0-9_]+]]: index {sm90.axis = 0 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME: %[[LENGTH:[a-z0-9_]+]]: index {sm90.axis = 1 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME: %[[KEYS:[a-z0-9_]+]]: index {sm90.axis = 1 : i64, sm90.tensor = 1 : i64})
// CHECK-SAME: instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 0]>, #sm90.extent<()[s0] -> (s0 ceildiv 128), sizes = [0, 1]>],
// CHECK-SAME: schedule = #sm90.schedule<kv_stages = 3>,
// CHECK-SAME: tensors = [#sm90.tensor<"q", tensor<?x?x64xbf16>, [0, 1, -1]>,
// CHECK-SAME: #sm90.tensor<"k", tensor<?x?x64xbf16>, [0, 2, -1]>,
// CHECK-SAME: #sm90.tensor<"o", tensor<?x?x64xbf16>, [0, 1, -1], output = true>,
// CHECK-SAME: #sm90.tensor<"m", tensor<?x?xf32>, [0, 1], output = true>]
// What is loaded in a loop has the stages of the schedule.
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<64xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64x64xf32>
// CHECK: %[[Q_BUFFER:.*]] = sm90.alloc : <1 x 128x64xbf16>
// CHECK-NEXT: %[[Q_FULL:.*]] = sm90.mbarrier.init arrivals(1) : <1>
// CHECK-NEXT: %[[Q_EMPTY:.*]] = sm90.mbarrier.init arrivals(8) : <1>
// CHECK-NEXT: %[[K_BUFFER:.*]] = sm90.alloc : <3 x 64x64xbf16>
// CHECK-NEXT: %[[K_FULL:.*]] = sm90.mbarrier.init arrivals(1) : <3>
// CHECK-NEXT: %[[K_EMPTY:.*]] = sm90.mbarrier.init arrivals(8) : <3>
// CHECK-NEXT: %[[STAGING:.*]] = sm90.alloc : <1 x 128x64xbf16>
// CHECK-NEXT: %[[N:.*]] = affine.apply #[[TILES]]()[%[[LENGTH]]]

// CHECK-NEXT: sm90.await_previous_launch
// CHECK-NEXT: sm90.warp_roles producer {
// CHECK-NEXT: %[[BLOCK:.*]] = sm90.block_id
// CHECK-NEXT: %[[TOTAL:.*]] = arith.muli %[[BATCH]], %[[N]] : index
// CHECK-NEXT: %[[GRID:.*]] = sm90.grid_size
// CHECK-NEXT: scf.for %[[I:.*]] = %[[BLOCK]] to %[[TOTAL]] step %[[GRID]] iter_args(%[[Q_USE:.*]] = %[[C0]], %[[K_USE:.*]] = %[[C0]]) -> (index, index) {
// CHECK-NEXT: %[[T:.*]] = arith.remui %[[I]], %[[N]]
// CHECK-NEXT: %[[B:.*]] = arith.divui %[[I]], %[[N]]
// CHECK-NEXT: %[[R:.*]] = affine.apply #[[ROW]](%[[T]])
// CHECK-NEXT: %[[FREE:.*]] = sm90.stage.await_empty %[[Q_BUFFER]], %[[Q_EMPTY]][%[[Q_USE]]]
// Nobody else reads these queries.
// CHECK-NEXT: sm90.tma_load_async %[[Q]][%[[B]], %[[R]], %[[C0]]] into %[[FREE]], %[[Q_FULL]][%[[Q_USE]]] :
// CHECK-NEXT: %[[Q_NEXT:.*]] = arith.addi %[[Q_USE]], %[[C1]]
// CHECK-NEXT: %[[STEPS:.*]] = affine.apply #[[BLOCKS]]()[%[[KEYS]]]
// CHECK-NEXT: %[[K_NEXT:.*]] = scf.for %[[J:.*]] = %[[C0]] to %[[STEPS]] step %[[C1]] iter_args(%[[USE:.*]] = %[[K_USE]]) -> (index) {
// CHECK-NEXT: %[[FIRST:.*]] = affine.apply #[[KEY]](%[[J]])
// CHECK-NEXT: %[[FREE:.*]] = sm90.stage.await_empty %[[K_BUFFER]], %[[K_EMPTY]][%[[USE]]]
// CHECK-NEXT: sm90.tma_load_async %[[K]][%[[B]], %[[FIRST]], %[[C0]]] into %[[FREE]], %[[K_FULL]][%[[USE]]] keep :
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[USE]], %[[C1]]
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield %[[Q_NEXT]], %[[K_NEXT]]
// CHECK-NEXT: }

// CHECK-NEXT: } consumer {
// CHECK-NEXT: %[[WARPGROUP:.*]] = sm90.warpgroup_id
// CHECK-NEXT: %[[OWN:.*]] = arith.muli %[[WARPGROUP]], %[[C64]]
// CHECK: scf.for {{.*}} iter_args(%[[Q_USE:.*]] = %[[C0]], %[[K_USE:.*]] = %[[C0]]) -> (index, index) {
// CHECK: %[[R:.*]] = affine.apply #[[ROW]]
// The stage of the queries is free once they are in registers.
// CHECK-NEXT: %[[STAGE:.*]] = sm90.stage.await_full %[[Q_BUFFER]], %[[Q_FULL]][%[[Q_USE]]]
// CHECK-NEXT: %[[A:.*]] = sm90.load_fragment %[[STAGE]] row(%[[OWN]]) : <128x64xbf16> -> tensor<64x64xbf16>
// CHECK-NEXT: sm90.stage.release %[[STAGE]], %[[Q_EMPTY]][%[[Q_USE]]]
// CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[ACC:.*]] = %[[ZERO]], %[[USE:.*]] = %[[K_USE]]) -> (tensor<64x64xf32>, index) {
// CHECK-NEXT: %[[FIRST:.*]] = affine.apply #[[KEY]]
// CHECK-NEXT: %[[STAGE:.*]] = sm90.stage.await_full %[[K_BUFFER]], %[[K_FULL]][%[[USE]]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[USE]], %[[C1]]
// CHECK-NEXT: %[[ANCHOR:.*]] = sm90.layout_cast %[[A]]
// CHECK-NEXT: %[[F:.*]] = sm90.wgmma_async %[[ANCHOR]], %[[STAGE]] transpose_rhs acc(%[[ACC]])
// CHECK-NEXT: %[[S:.*]], %[[DONE:.*]] = sm90.wgmma.wait %[[F]] pending(0)
// CHECK-NEXT: sm90.stage.release %[[DONE]], %[[K_EMPTY]][%[[USE]]]
// CHECK-NEXT: %[[QUERY:.*]] = arith.addi %[[R]], %[[OWN]]
// CHECK-NEXT: %[[MASKED:.*]] = sm90.mask %[[S]] query(%[[QUERY]]) key(%[[FIRST]]) : tensor<64x64xf32> {
// CHECK: scf.yield %[[MASKED]], %[[NEXT]]
// CHECK-NEXT: }
// CHECK-NEXT: %[[SMALL:.*]] = arith.truncf %[[LOOP]]#0
// CHECK-NEXT: %[[ROWS:.*]] = arith.addi %[[R]], %[[OWN]]
// Until the copy of the last instance has read the buffer, it is not written.
// CHECK-NEXT: sm90.tma_store.wait read
// CHECK-NEXT: sm90.barrier.sync
// CHECK-NEXT: sm90.store_fragment %[[SMALL]], %[[STAGING]] row(%[[OWN]])
// CHECK-NEXT: sm90.barrier.sync
// CHECK-NEXT: sm90.tma_store_async %[[STAGING]] row(%[[OWN]]), %[[O]][%{{.*}}, %[[ROWS]], %[[C0]]]
// The offset of a row is of 64 bits.
// CHECK: %[[OFFSET:.*]] = arith.addi %{{.*}}, %{{.*}} : i64
// CHECK-NEXT: %[[LIMIT:.*]] = arith.subi %[[LENGTH]], %[[ROWS]]
// CHECK-NEXT: sm90.store_rows %[[NONE]], %[[M]][%[[OFFSET]]] limit(%[[LIMIT]])
// CHECK: }
// CHECK-NEXT: sm90.tma_store.wait
// CHECK-NEXT: }
// CHECK-NEXT: sm90.return

#target = #sm90.schedule<kv_stages = 3>

tile.kernel @scores(%q: !tile.view<?x?x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, 1, -1>},
                    %k: !tile.view<?x?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, 2, -1>},
                    %o: !tile.view<?x?x64xbf16> {tile.name = "o", tile.symbols = array<i64: 0, 1, -1>, tile.output},
                    %m: !tile.view<?x?xf32> {tile.name = "m", tile.symbols = array<i64: 0, 1>, tile.output})
    schedule(<block_q = 128, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<128x64xf32>
  %none = arith.constant dense<0xFF800000> : vector<128xf32>
  %batch = tile.dim %q[0] : !tile.view<?x?x64xbf16>
  %length = tile.dim %q[1] : !tile.view<?x?x64xbf16>
  %keys = tile.dim %k[1] : !tile.view<?x?x64xbf16>
  %tiles = affine.apply affine_map<()[s0] -> (s0 ceildiv 128)>()[%length]
  scf.forall (%b, %t) in (%batch, %tiles) {
    %row = affine.apply affine_map<(d0) -> (d0 * 128)>(%t)
    %q_tile = tile.load %q[%b, %row, %c0] axes [1, 2] : !tile.view<?x?x64xbf16> -> vector<128x64xbf16>
    %blocks = affine.apply affine_map<()[s0] -> (s0 ceildiv 64)>()[%keys]
    %r:2 = scf.for %i = %c0 to %blocks step %c1 iter_args(%acc = %zero, %max = %none) -> (vector<128x64xf32>, vector<128xf32>) {
      %j = affine.apply affine_map<(d0) -> (d0 * 64)>(%i)
      %k_tile = tile.load %k[%b, %j, %c0] axes [1, 2] : !tile.view<?x?x64xbf16> -> vector<64x64xbf16>
      %s = tile.dot %q_tile, %k_tile transpose_rhs acc(%acc) : vector<128x64xbf16>, vector<64x64xbf16> -> vector<128x64xf32>
      %masked = tile.mask %s query(%row) key(%j) : vector<128x64xf32> {
      ^bb0(%p: index, %n: index):
        %keep = arith.cmpi slt, %n, %p : index
        tile.yield %keep : i1
      }
      scf.yield %masked, %max : vector<128x64xf32>, vector<128xf32>
    }
    %small = arith.truncf %r#0 : vector<128x64xf32> to vector<128x64xbf16>
    tile.store %small, %o[%b, %row, %c0] axes [1, 2] : vector<128x64xbf16>, !tile.view<?x?x64xbf16>
    tile.store %r#1, %m[%b, %row] axes [1] : vector<128xf32>, !tile.view<?x?xf32>
  }
  tile.return
}

// Queries that stay in shared memory are read by the products. The output takes
// their place, and the stage is given back when the copy has read it.

// CHECK-LABEL: sm90.kernel @held(
// CHECK: } consumer {
// CHECK: %[[OWN:.*]] = arith.muli
// CHECK: %[[Q:.*]] = sm90.stage.await_full
// CHECK-NOT: sm90.load_fragment
// CHECK: sm90.wgmma_async %[[Q]] row(%[[OWN]]), %{{.*}} transpose_rhs : <tensor<64x64xf32> = !sm90.stage<128x192xbf16> * <64x192xbf16>>
// CHECK-NOT: sm90.stage.release %[[Q]]
// CHECK-NOT: sm90.tma_store.wait
// CHECK: sm90.barrier.sync
// CHECK-NEXT: sm90.store_fragment %{{.*}}, %[[Q]] row(%[[OWN]])
// CHECK-NEXT: sm90.barrier.sync
// CHECK-NEXT: sm90.tma_store_async %[[Q]] row(%[[OWN]]),
// CHECK-NEXT: sm90.tma_store.wait read
// CHECK-NEXT: sm90.stage.release %[[Q]]
// CHECK-NEXT: sm90.tma_store.wait{{$}}
tile.kernel @held(%q: !tile.view<?x192xbf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                  %k: !tile.view<?x192xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                  %x: !tile.view<?x64xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 128, block_kv = 64, target = #sm90.schedule<query_in_registers = false, output_in_query_buffer = true, persistent = false>>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !tile.view<?x192xbf16>
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !tile.view<?x192xbf16> -> vector<128x192xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !tile.view<?x192xbf16> -> vector<64x192xbf16>
    %r = tile.dot %a, %b transpose_rhs : vector<128x192xbf16>, vector<64x192xbf16> -> vector<128x64xf32>
    %r1 = arith.truncf %r : vector<128x64xf32> to vector<128x64xbf16>
    tile.store %r1, %x[%i, %c0] axes [0, 1] : vector<128x64xbf16>, !tile.view<?x64xbf16>
  }
  tile.return
}

// Not persistent: the block is the instance, and there is no loop over them.
// Two products are under way at once; each is waited for at its first use, both
// before anything is rounded, and one that starts from zeros has no accumulator.

// CHECK-LABEL: sm90.kernel @products(
// CHECK: sm90.warp_roles producer {
// CHECK-NEXT: %[[BLOCK:.*]] = sm90.block_id
// CHECK-NOT: scf.for
// CHECK: sm90.tma_load_async %{{.*}}[%[[BLOCK]],
// CHECK: } consumer {
// CHECK-NOT: scf.for
// CHECK: %[[X:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} transpose_rhs :
// CHECK: %[[Y:.*]] = sm90.wgmma_async %{{.*}}, %{{.*}} :
// CHECK-NOT: sm90.wgmma.wait
// CHECK: sm90.wgmma.wait %[[X]] pending(1)
// CHECK: arith.negf
// CHECK: sm90.wgmma.wait %[[Y]] pending(0)
// CHECK: arith.truncf
// CHECK: arith.truncf
tile.kernel @products(%q: !tile.view<?x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                      %k: !tile.view<?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                      %v: !tile.view<?x64xbf16> {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                      %x: !tile.view<?x64xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output},
                      %y: !tile.view<?x64xbf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false>>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %n = tile.dim %q[0] : !tile.view<?x64xbf16>
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %c = tile.load %v[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %r = tile.dot %a, %b transpose_rhs acc(%zero) : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %s = tile.dot %a, %c : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %minus = arith.negf %r : vector<64x64xf32>
    %r1 = arith.truncf %minus : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %r1, %x[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !tile.view<?x64xbf16>
    %s1 = arith.truncf %s : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %s1, %y[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !tile.view<?x64xbf16>
  }
  tile.return
}

// The online softmax in powers of two, with a threshold and rows that may be
// empty; the sum stays with each thread until the end.

// CHECK-LABEL: sm90.kernel @softmax(
// CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<1.44269502> : tensor<64xf32>
// CHECK-DAG: %[[WIDE_SCALE:.*]] = arith.constant dense<1.44269502> : tensor<64x64xf32>
// CHECK-DAG: %[[LN2:.*]] = arith.constant dense<0.693147182> : tensor<64xf32>
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant dense<8.000000e+00> : tensor<64xf32>
// CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<64xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64xf32>
// CHECK-DAG: %[[INFINITY:.*]] = arith.constant dense<0xFF800000> : tensor<64xf32>
// CHECK: } consumer {
// CHECK: %[[CONDITION:.*]] = arith.cmpi
// CHECK: %[[IF:.*]]:3 = scf.if %[[CONDITION]] -> (tensor<64xf32>, tensor<64xf32>, tensor<64x64xf32>) {
// CHECK: %[[S:.*]], %{{.*}} = sm90.wgmma.wait
// CHECK: %[[PART:.*]] = sm90.reduce_columns <max> %[[S]]
// CHECK-NEXT: %[[BLOCK_MAX:.*]] = sm90.combine_quad <max> %[[PART]]
// CHECK-NEXT: %[[NEW:.*]] = arith.maxnumf %[[BLOCK_MAX]], %[[INFINITY]]
// CHECK-NEXT: %[[STEP:.*]] = arith.subf %[[NEW]], %[[INFINITY]]
// CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[STEP]], %[[SCALE]]
// CHECK-NEXT: %[[SMALL:.*]] = arith.cmpf ole, %[[SCALED]], %[[EIGHT]]
// CHECK-NEXT: %[[MAX:.*]] = arith.select %[[SMALL]], %[[INFINITY]], %[[NEW]]
// CHECK-NEXT: %[[EMPTY:.*]] = arith.cmpf oeq, %[[MAX]], %[[INFINITY]]
// CHECK-NEXT: %[[REFERENCE:.*]] = arith.select %[[EMPTY]], %[[ZERO]], %[[MAX]]
// CHECK-NEXT: %[[DROP:.*]] = arith.subf %[[INFINITY]], %[[REFERENCE]]
// CHECK-NEXT: %[[DROP2:.*]] = arith.mulf %[[DROP]], %[[SCALE]]
// CHECK-NEXT: %[[CORRECTION:.*]] = math.exp2 %[[DROP2]]
// CHECK-NEXT: %[[UP:.*]] = arith.mulf %[[REFERENCE]], %[[SCALE]]
// CHECK-NEXT: %[[OFFSET:.*]] = arith.negf %[[UP]]
// CHECK-NEXT: %[[WIDE:.*]] = sm90.broadcast_rows %[[OFFSET]]
// CHECK-NEXT: %[[EXPONENT:.*]] = math.fma %[[S]], %[[WIDE_SCALE]], %[[WIDE]]
// CHECK-NEXT: %[[WEIGHTS:.*]] = math.exp2 %[[EXPONENT]]
// CHECK-NEXT: %[[OWN:.*]] = sm90.layout_cast %[[CORRECTION]]
// CHECK-NEXT: %[[SUM:.*]] = sm90.reduce_columns <sum> %[[WEIGHTS]]
// CHECK-NEXT: %[[NEW_SUM:.*]] = math.fma %[[ZERO]], %[[OWN]], %[[SUM]]
// A factor that is mostly one is tested for: it is where the maximum is kept.
// CHECK-NEXT: %[[ALL:.*]] = sm90.vote_all %[[SMALL]]
// CHECK-NEXT: %[[RESCALED:.*]] = scf.if %[[ALL]] -> (tensor<64x64xf32>) {
// CHECK-NEXT: scf.yield %[[WEIGHTS]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[FACTOR:.*]] = sm90.broadcast_rows %[[CORRECTION]]
// CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[WEIGHTS]], %[[FACTOR]]
// CHECK-NEXT: scf.yield %[[PRODUCT]]
// CHECK-NEXT: }
// Otherwise the factor is applied.
// CHECK-NEXT: %[[FACTOR:.*]] = sm90.broadcast_rows %[[NEW_SUM]]
// CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[RESCALED]], %[[FACTOR]]
// CHECK-NEXT: scf.yield %[[MAX]], %[[NEW_SUM]], %[[PRODUCT]]
// CHECK: } else {
// CHECK: %[[TOTAL:.*]] = sm90.combine_quad <sum> %[[IF]]#1
// CHECK-NEXT: %[[NOTHING:.*]] = arith.cmpf oeq, %[[TOTAL]], %[[ZERO]]
// CHECK-NEXT: %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[TOTAL]] fastmath<arcp>
// CHECK-NEXT: %[[NORM:.*]] = arith.select %[[NOTHING]], %[[ZERO]], %[[INVERSE]]
// CHECK-NEXT: %[[WIDE:.*]] = sm90.broadcast_rows %[[NORM]]
// CHECK-NEXT: arith.mulf %[[IF]]#2, %[[WIDE]]
// CHECK-NEXT: %[[LOG:.*]] = math.log2 %[[TOTAL]]
// CHECK-NEXT: %[[LSE:.*]] = math.fma %[[IF]]#0, %[[SCALE]], %[[LOG]]
// CHECK-NEXT: arith.mulf %[[LSE]], %[[LN2]]
tile.kernel @softmax(%q: !tile.view<?x64xf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                     %k: !tile.view<?x64xf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                     %o: !tile.view<?x64xf16> {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output},
                     %l: !tile.view<?xf32> {tile.name = "l", tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false>>) {
  %c0 = arith.constant 0 : index
  %none = arith.constant dense<0xFF800000> : vector<64xf32>
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %zeros = arith.constant dense<0.0> : vector<64x64xf32>
  %n = tile.dim %q[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (4) {
    %condition = arith.cmpi sgt, %n, %i : index
    %r:3 = scf.if %condition -> (vector<64xf32>, vector<64xf32>, vector<64x64xf32>) {
      %a = tile.load %q[%i, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %b = tile.load %k[%i, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %s = tile.dot %a, %b transpose_rhs : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %p, %m1, %l1, %c = tile.online_softmax %s, %none, %zero scale(1.0) threshold(8) may_be_empty : vector<64x64xf32>, vector<64xf32>
      %t = tile.rescale %p, %c mostly_one : vector<64x64xf32>, vector<64xf32>
      %u = tile.rescale %t, %l1 : vector<64x64xf32>, vector<64xf32>
      scf.yield %m1, %l1, %u : vector<64xf32>, vector<64xf32>, vector<64x64xf32>
    } else {
      scf.yield %none, %zero, %zeros : vector<64xf32>, vector<64xf32>, vector<64x64xf32>
    }
    %result, %lse = tile.finish_softmax %r#2, %r#0, %r#1 scale(1.0) : vector<64x64xf32>, vector<64xf32>
    %small = arith.truncf %result : vector<64x64xf32> to vector<64x64xf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x64xf16>, !tile.view<?x64xf16>
    tile.store %lse, %l[%i] axes [0] : vector<64xf32>, !tile.view<?xf32>
  }
  tile.return
}

// Without a tile.kernel nothing happens.

// CHECK-LABEL: func.func @other
// CHECK-NEXT: return
func.func @other() {
  return
}

// A dynamic schedule: the producer hands out the first instance, that of the
// number of its block, and behind the copies of each another one from the counter.
// A ticket is used again when it has been returned. Who takes the last number of
// all resets the counter.

// CHECK-LABEL: sm90.kernel @dynamic(
// CHECK-SAME: %[[COUNTER:[a-z0-9]+]]: !llvm.ptr<1> {sm90.counter})
// CHECK: %[[TICKETS:.*]] = sm90.tickets.alloc : <2, values = 1>
// CHECK-NEXT: %[[FULL:.*]] = sm90.mbarrier.init arrivals(1) : <2>
// CHECK-NEXT: %[[EMPTY:.*]] = sm90.mbarrier.init arrivals(4) : <2>
// CHECK: sm90.warp_roles producer {
// CHECK-NEXT: %[[BLOCK:.*]] = sm90.block_id
// CHECK-NEXT: %[[LOOP:.*]]:{{.*}} = scf.while (%[[I:.*]] = %[[BLOCK]], %[[T:.*]] = %c0, %{{.*}})
// CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[I]], %[[TOTAL:.*]] : index
// CHECK-NEXT: scf.condition(%[[MORE]])
// CHECK: ^bb0(%[[I:[a-z0-9]+]]: index, %[[T:[a-z0-9]+]]: index,
// CHECK-NEXT: sm90.ticket.put %[[I]] careful(%false) values(%[[I]]) into %[[TICKETS]], %[[FULL]][%[[T]]]
// CHECK: sm90.tma_load_async %{{.*}}[%[[I]],
// CHECK: %[[GRID:.*]] = sm90.grid_size
// CHECK-NEXT: %[[OLD:.*]] = sm90.counter.next %[[COUNTER]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[OLD]], %[[GRID]]
// CHECK-NEXT: %[[FIRST:.*]] = arith.cmpi eq, %[[T]], %c0
// CHECK-NEXT: scf.if %[[FIRST]]
// CHECK: } else {
// CHECK-NEXT: %[[BEFORE:.*]] = arith.subi %[[T]], %c1
// CHECK-NEXT: sm90.ticket.await_return %[[TICKETS]], %[[EMPTY]][%[[BEFORE]]]
// CHECK: %[[T1:.*]] = arith.addi %[[T]], %{{.*}}
// CHECK-NEXT: scf.yield %[[NEXT]], %[[T1]],
// CHECK: sm90.ticket.put %[[LOOP]]#0 careful(%false) values(%c0) into %[[TICKETS]], %[[FULL]][%[[LOOP]]#1]
// CHECK: %[[GRID:.*]] = sm90.grid_size
// CHECK-NEXT: %[[SUM:.*]] = arith.addi %{{.*}}, %[[GRID]]
// CHECK-NEXT: %[[LAST:.*]] = arith.subi %[[SUM]], %{{.*}}
// CHECK-NEXT: %[[IS_LAST:.*]] = arith.cmpi eq, %[[LOOP]]#{{[0-9]}}, %[[LAST]]
// CHECK-NEXT: scf.if %[[IS_LAST]] {
// CHECK-NEXT: sm90.counter.reset %[[COUNTER]]
// CHECK: } consumer {
// CHECK: scf.while
// CHECK-NEXT: %[[INSTANCE:.*]], %{{.*}}, %{{.*}} = sm90.ticket.take %[[TICKETS]], %[[FULL]][
// CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[INSTANCE]],
// CHECK-NEXT: scf.condition(%[[MORE]])
// CHECK: sm90.wgmma_async
// CHECK: sm90.tma_store.wait read
// CHECK: sm90.tma_store_async
// CHECK-NEXT: sm90.ticket.return %[[TICKETS]], %[[EMPTY]][
// CHECK-NOT: failed
tile.kernel @dynamic(%q: !tile.view<?x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                     %k: !tile.view<?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                     %x: !tile.view<?x64xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, dynamic = true>>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !tile.view<?x64xbf16>
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %r = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %r1 = arith.truncf %r : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %r1, %x[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !tile.view<?x64xbf16>
  }
  tile.return
}

// A softmax that looks for a maximum where the sums ask for it, and an instance
// that is computed again where it has failed: the producer hands out the one before
// again if a warp has failed, and does not end before the last one is right.

// CHECK-LABEL: sm90.kernel @lazy(
// CHECK-SAME: %[[COUNTER:[a-z0-9]+]]: !llvm.ptr<1> {sm90.counter})
// CHECK: %[[TICKETS:.*]] = sm90.tickets.alloc : <2, values = 1>
// CHECK: sm90.warp_roles producer {
// CHECK: ^bb0(%[[I:[a-z0-9]+]]: index, %[[REPEAT:[a-z0-9]+]]: i1, %[[T:[a-z0-9]+]]: index, %[[BEFORE:[a-z0-9]+]]: index, %[[TAKEN:[a-z0-9]+]]: index, %[[HOLDS:[a-z0-9]+]]: i1,
// CHECK: sm90.ticket.put %[[I]] careful(%[[REPEAT]])
// CHECK: %[[FREE:.*]] = arith.xori %[[HOLDS]], %true
// CHECK: %[[ANY:.*]] = arith.cmpi slt, %[[TAKEN]],
// CHECK: %[[DRAW:.*]] = arith.andi %[[ANY]], %[[FREE]]
// CHECK: %[[NUMBER:.*]] = scf.if %[[DRAW]] -> (index) {
// CHECK: sm90.counter.next %[[COUNTER]]
// CHECK: %[[FAILED:.*]] = scf.if
// CHECK: sm90.ticket.await_return
// CHECK: %[[NEXT:.*]]:2 = scf.if %[[FAILED]]
// CHECK-NEXT: scf.yield %[[BEFORE]], %true
// CHECK: %[[LAST:.*]] = sm90.ticket.await_return %[[TICKETS]], %{{.*}}[%[[T]]]
// CHECK: arith.select %[[LAST]], %[[I]], %[[NUMBER]]
// CHECK: scf.yield %[[NEXT]]#0, %[[NEXT]]#1, %{{.*}}, %[[I]], %[[NUMBER]], %[[FAILED]],
// CHECK: } consumer {
// CHECK: ^bb0({{.*}}, %[[CAREFUL:[a-z0-9]+]]: i1, %{{[a-z0-9]+}}: index):
// The first block: nothing to keep.
// CHECK: sm90.reduce_columns <max>
// CHECK: scf.for {{.*}} iter_args(%[[MAX:[a-z0-9]+]] = %{{[^,]*}}, %[[ROWSUM:[a-z0-9]+]] =
// CHECK: sm90.wgmma.wait
// CHECK: %[[SOME:.*]] = arith.cmpf ogt, %[[ROWSUM]], %
// CHECK: %[[LIMIT:.*]] = arith.select %[[CAREFUL]], %{{.*}}, %{{.*}} : f32
// CHECK: %[[LIMITS:.*]] = sm90.splat %[[LIMIT]]
// CHECK: %[[SMALL:.*]] = arith.cmpf ole, %[[ROWSUM]], %[[LIMITS]]
// CHECK: %[[BOTH:.*]] = arith.andi %[[SOME]], %[[SMALL]]
// CHECK: %[[KEEPS:.*]] = sm90.vote_all %[[BOTH]]
// CHECK: scf.if %[[KEEPS]]
// CHECK-NEXT: scf.yield %[[MAX]], %{{.*}}, %[[ROWSUM]]
// CHECK: sm90.reduce_columns <max>
// CHECK: math.log2
// CHECK: math.exp2
// CHECK: scf.if %[[KEEPS]]
// Whether the instance is right.
// CHECK: sm90.reduce_columns <sum>
// CHECK: %[[RIGHT:.*]] = sm90.vote_all
// CHECK: %[[DONE:.*]] = arith.ori %[[RIGHT]], %[[CAREFUL]]
// CHECK: %[[WRONG:.*]] = arith.xori %[[DONE]], %true
// A second store of the rows waits for the end of the first.
// CHECK: sm90.tma_store.wait{{$}}
// CHECK: sm90.tma_store_async
// CHECK: sm90.ticket.return %[[TICKETS]], %{{.*}} failed(%[[WRONG]])
tile.kernel @lazy(%q: !tile.view<?x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                  %k: !tile.view<?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                  %v: !tile.view<?x64xbf16> {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                  %x: !tile.view<?x64xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, dynamic = true>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %none = arith.constant dense<0xff800000> : vector<64xf32>
  %zeros = arith.constant dense<0.0> : vector<64x64xf32>
  %n = tile.dim %q[0] : !tile.view<?x64xbf16>
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %s = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %p, %m1, %l1, %c = tile.online_softmax %s, %none, %zero scale(1.0) sum_limit(31) : vector<64x64xf32>, vector<64xf32>
    %p1 = arith.truncf %p : vector<64x64xf32> to vector<64x64xbf16>
    %d = tile.load %v[%i, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %o = tile.dot %p1, %d : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %r:3 = scf.for %j = %c1 to %n step %c1 iter_args(%m = %m1, %l = %l1, %acc = %o) -> (vector<64xf32>, vector<64xf32>, vector<64x64xf32>) {
      %e = tile.load %k[%j, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
      %s2 = tile.dot %a, %e transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
      %p2, %m2, %l2, %c2 = tile.online_softmax %s2, %m, %l scale(1.0) sum_limit(31) : vector<64x64xf32>, vector<64xf32>
      %p3 = arith.truncf %p2 : vector<64x64xf32> to vector<64x64xbf16>
      %t = tile.rescale %acc, %c2 mostly_one : vector<64x64xf32>, vector<64xf32>
      %f = tile.load %v[%j, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
      %o2 = tile.dot %p3, %f acc(%t) : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
      scf.yield %m2, %l2, %o2 : vector<64xf32>, vector<64xf32>, vector<64x64xf32>
    }
    %result, %lse = tile.finish_softmax %r#2, %r#0, %r#1 scale(1.0) sum_limit(31) : vector<64x64xf32>, vector<64xf32>
    %small = arith.truncf %result : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %small, %x[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !tile.view<?x64xbf16>
  }
  tile.return
}

// What takes a division is computed by the producer alone, and what follows from it
// goes to the consumers in the ticket: here one value in the place of two.

// CHECK-LABEL: sm90.kernel @handed(
// CHECK: sm90.tickets.alloc : <2, values = 1>
// CHECK: sm90.warp_roles producer {
// CHECK: ^bb0(%[[I:[a-z0-9]+]]: index,
// CHECK: %[[QUOTIENT:.*]] = arith.divsi %[[I]], %[[N:.*]] : index
// CHECK: %[[REST:.*]] = arith.remsi %[[I]], %[[N]] : index
// CHECK: %[[ROW:.*]] = arith.addi %[[QUOTIENT]], %[[REST]] : index
// CHECK: sm90.ticket.put %[[I]] careful(%{{.*}}) values(%[[ROW]])
// CHECK: sm90.tma_load_async %{{.*}}[%[[ROW]],
// CHECK: } consumer {
// CHECK: %{{.*}}, %{{.*}}, %[[VALUE:.*]] = sm90.ticket.take
// CHECK-NOT: arith.divsi
// CHECK-NOT: arith.remsi
// CHECK: sm90.tma_store_async
tile.kernel @handed(%q: !tile.view<?x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, -1>},
                    %k: !tile.view<?x64xbf16> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                    %x: !tile.view<?x64xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, dynamic = true, dependent_launch = false>>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !tile.view<?x64xbf16>
  scf.forall (%i) in (%n) {
    %quotient = arith.divsi %i, %n : index
    %rest = arith.remsi %i, %n : index
    %row = arith.addi %quotient, %rest : index
    %a = tile.load %q[%row, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %b = tile.load %k[%row, %c0] axes [0, 1] : !tile.view<?x64xbf16> -> vector<64x64xbf16>
    %r = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %r1 = arith.truncf %r : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %r1, %x[%row, %c0] axes [0, 1] : vector<64x64xbf16>, !tile.view<?x64xbf16>
  }
  tile.return
}
