// What decays of channels need is read back as it was printed, in both forms.

// RUN: attn-opt %s | FileCheck %s
// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

!tiles = !sm90.buffer<1 x 64x128xbf16>
!gates = !sm90.buffer<1 x 64x128xf32>
!t = !sm90.stage<64x128xbf16>
!g = !sm90.stage<64x128xf32>
!rows = !sm90.buffer<2 x 1x128xf32>
!ahead = !sm90.buffer<1 x 24x128xf32>
!scratch = !sm90.buffer<1 x 96x128xf16>
!scratch2 = !sm90.buffer<1 x 144x128xf16>
!bar = !sm90.mbarrier<1>
!block = tensor<64x16xf32, #sm90.layout<accumulator>>
!square = tensor<64x64xf32, #sm90.layout<accumulator>>

// CHECK-LABEL: sm90.kernel @decays(
sm90.kernel @decays(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !tiles
  %gates = sm90.alloc : !gates
  %rows = sm90.alloc : !rows
  %scratch = sm90.alloc : !scratch
  %scratch2 = sm90.alloc : !scratch2
  // CHECK: sm90.alloc over %{{.*}} : !sm90.buffer<1 x 96x128xf16> : <1 x 24x128xf32>
  %ahead = sm90.alloc over %scratch : !scratch : !ahead
  %full = sm90.mbarrier.init arrivals(32) : !bar
  %two = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %s = sm90.stage.await_empty %gates, %full[%c0] : !gates, !bar -> !g
    // CHECK: sm90.copy_gates %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) into %{{.*}} : !llvm.ptr<1>, <64x128xf32>
    sm90.copy_gates %memory[%o] stride(%o) limit(%c0) into %s : !llvm.ptr<1>, !g
    sm90.stage.fill %s, %full[%c0] : !g, !bar
  // CHECK: } gates {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !tiles, !bar -> !t
    %r = sm90.stage.await_empty %tiles, %full[%c0] : !tiles, !bar -> !t
    // CHECK: sm90.fetch_gates %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) into %{{.*}} : !llvm.ptr<1>, <1 x 24x128xf32>
    sm90.fetch_gates %memory[%o] stride(%o) limit(%c0) into %ahead : !llvm.ptr<1>, !ahead
    // CHECK: sm90.copy_strengths %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) into %{{.*}}, %{{.*}} : !llvm.ptr<1>, <64x128xbf16>, <64x128xbf16>
    sm90.copy_strengths %memory[%o] stride(%o) limit(%c0) into %r, %k : !llvm.ptr<1>, !t, !t
    // CHECK: sm90.gate_rows %{{.*}}[%{{.*}}] stride(%{{.*}}) limit(%{{.*}}) times(%{{.*}} : <64x128xbf16>) scratch(%{{.*}}) into %{{.*}} : !llvm.ptr<1>, <1 x 24x128xf32>, <64x128xbf16>
    sm90.gate_rows %memory[%o] stride(%o) limit(%c0) times(%k : !t) scratch(%ahead) into %r : !llvm.ptr<1>, !ahead, !t
    // CHECK: sm90.gate_rows %{{.*}} times(%{{.*}} : <64x128xbf16>) scratch(%{{.*}}) into %{{.*}} as(f16) :
    sm90.gate_rows %memory[%o] stride(%o) limit(%c0) times(%k : !t) scratch(%ahead) into %r as(f16) : !llvm.ptr<1>, !ahead, !t
    sm90.stage.fill %r, %full[%c0] : !t, !bar
    sm90.stage.release %k, %full[%c0] : !t, !bar
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !tiles, !bar -> !t
    %s = sm90.stage.await_full %gates, %full[%c0] : !gates, !bar -> !g
    %l = sm90.stage.await_empty %tiles, %full[%c0] : !tiles, !bar -> !t
    %r = sm90.stage.await_empty %tiles, %full[%c0] : !tiles, !bar -> !t
    %q = sm90.stage.await_full %tiles, %full[%c0] : !tiles, !bar -> !t
    %w = sm90.stage.await_empty %rows, %two[%c0] : !rows, !sm90.mbarrier<2> -> !sm90.stage<1x128xf32>
    // CHECK: %[[SAFE:.*]] = sm90.sum_decays %[[S:.*]] limit(%{{.*}}) scratch(%[[SCRATCH:.*]]) whole(%[[W:.*]]) : <64x128xf32> scratch <1 x 96x128xf16> whole <1x128xf32>
    %safe = sm90.sum_decays %s limit(%c0) scratch(%scratch) whole(%w) : !g scratch !scratch whole !sm90.stage<1x128xf32>
    // CHECK: sm90.sum_decays %[[S]] limit(%{{.*}}) linear scratch(%[[SCRATCH2:.*]]) whole(%[[W]])
    %safe2 = sm90.sum_decays %s limit(%c0) linear scratch(%scratch2) whole(%w) : !g scratch !scratch2 whole !sm90.stage<1x128xf32>
    // CHECK: %[[B:.*]]:2 = sm90.decay_tokens %[[Q:.*]], %[[K:.*]] keys(%[[K]]) gates(%[[S]]) safe(%[[SAFE]]) scratch(%[[SCRATCH]]) into %[[L:.*]] reached(%[[R:.*]], %[[R]]) scales = [5.000000e-01, 1.000000e+00] : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates <64x128xf32> scratch <1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> -> ![[BLOCK:.*]], ![[BLOCK]]
    %b:2 = sm90.decay_tokens %q, %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r, %r) scales = [0.5, 1.0] : !t, !t keys !t gates !g scratch !scratch into !t reached !t, !t -> !block, !block
    // CHECK: sm90.decayed_dots %[[Q]], %[[K]] blocks(%[[B]]#0, %[[B]]#1) scratch(%[[SCRATCH]]) : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> blocks ![[BLOCK]], ![[BLOCK]] scratch <1 x 96x128xf16> -> ![[SQUARE:.*]], ![[SQUARE]]
    %a:2 = sm90.decayed_dots %q, %k blocks(%b#0, %b#1) scratch(%scratch) : !t, !t blocks !block, !block scratch !scratch -> !square, !square
    // Strengths of keys.
    // CHECK: sm90.decay_tokens %[[R]] keys(%[[K]]) gates(%[[S]]) safe(%[[SAFE]]) scratch(%[[SCRATCH]]) into %[[L]] reached(%[[R]]) scales = [1.000000e+00]
    %c = sm90.decay_tokens %r keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !t keys !t gates !g scratch !scratch into !t reached !t -> !block
    // CHECK: sm90.decay_tokens %[[Q]] keys(%[[K]]) gates(%[[S]]) safe(%[[SAFE]]) scratch(%[[SCRATCH]]) into %[[L]] reached(%[[R]]) scales = [1.000000e+00] before = [true] bonus(%{{.*}} : !llvm.ptr<1>[%{{.*}}])
    %o = arith.constant 0 : i64
    %d = sm90.decay_tokens %q keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] before = [true] bonus(%memory : !llvm.ptr<1>[%o]) : !t keys !t gates !g scratch !scratch into !t reached !t -> !block
    // CHECK: sm90.decay_tokens %[[Q]] {{.*}} scales = [1.000000e+00] rounds :
    %rounded = sm90.decay_tokens %q keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] rounds : !t keys !t gates !g scratch !scratch into !t reached !t -> !block
    // CHECK: %[[B:.*]]:4 = sm90.decay_tokens %[[Q]], %[[K]] keys(%[[K]], %[[Q]]) gates(%[[S]]) safe(%[[SAFE]]) scratch(%[[SCRATCH2]]) into %[[L]], %[[R]] reached(%[[R]], %[[R]]) scales = [1.000000e+00, 1.000000e+00] before = [false, true]
    %e:4 = sm90.decay_tokens %q, %k keys(%k, %q) gates(%s) safe(%safe) scratch(%scratch2) into %l, %r reached(%r, %r) scales = [1.0, 1.0] before = [false, true] : !t, !t keys !t, !t gates !g scratch !scratch2 into !t, !t reached !t, !t -> !block, !block, !block, !block
    // CHECK: sm90.decayed_dots %[[Q]], %[[K]] blocks(%[[B]]#0, %[[B]]#1, %[[B]]#2, %[[B]]#3) scratch(%[[SCRATCH2]])
    %f:4 = sm90.decayed_dots %q, %k blocks(%e#0, %e#1, %e#2, %e#3) scratch(%scratch2) : !t, !t blocks !block, !block, !block, !block scratch !scratch2 -> !square, !square, !square, !square
    sm90.stage.fill %w, %two[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<2>
    sm90.stage.fill %l, %full[%c0] : !t, !bar
    sm90.stage.fill %r, %full[%c0] : !t, !bar
    sm90.stage.release %k, %full[%c0] : !t, !bar
    sm90.stage.release %q, %full[%c0] : !t, !bar
    sm90.stage.release %s, %full[%c0] : !g, !bar
  } consumer {
  }
  sm90.return
}
