// RUN: attn-opt %s -attn-chunk-recurrence -canonicalize -cse | FileCheck %s

!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x4x64xbf16>
!w = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>
!s = tensor<?x4x64x64xf32, #attn.state<value_key>>
#schedule = #tile.schedule<block_q = 64, block_kv = 64, segment_chunks = 4, target = #sm90.schedule<>>

// A kernel in front finds with which chunk each segment starts, from what the tokens in
// front of it keep of a state at most.

// CHECK-LABEL: tile.kernel @cut_segments(
// CHECK-SAME: %k: {{[^,]*}}, tile.symbols = array<i64: 0, 1, -1, -1>}, %g: {{.*}} %beta: {{.*}} %segments_: !tile.view<?x?x4xi32> {tile.name = "segments_", tile.output, tile.symbols = array<i64: 3, 4, -1>, tile.workspace})
// CHECK-DAG: %[[BATCH:.*]] = tile.dim %k[0]
// CHECK-DAG: %[[LENGTH:.*]] = tile.dim %k[1]
// CHECK-DAG: %[[LINES:.*]] = affine.apply #{{.*}}()[%[[BATCH]]]
// CHECK: %[[CHUNKS:.*]] = affine.apply #{{.*}}()[%[[LENGTH]]]
// CHECK: %[[COUNT:.*]] = tile.segment_count %[[CHUNKS]] least(4) beside(%[[LINES]])
// CHECK: scf.forall (%[[LINE:.*]], %[[S:.*]]) in (%[[LINES]], %[[COUNT]]) {
// CHECK: %[[B:.*]] = affine.apply #{{.*}}(%[[LINE]])
// CHECK: %[[H:.*]] = affine.apply #{{.*}}(%[[LINE]])
// A quarter of the bits tells about how many chunks segments start early; so many more
// the first one has.
// CHECK: %[[OTHERS:.*]] = affine.apply #{{.*}}()[%[[COUNT]]]
// CHECK: %[[ALIKE:.*]] = arith.divui %{{.*}}, %[[COUNT]]
// CHECK: %[[QUARTER:.*]] = tile.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-7.500000e+00) {
// CHECK: %[[FOUND:.*]] = affine.apply #{{.*}}(%[[ALIKE]], %[[QUARTER]])
// CHECK: %[[EARLY:.*]] = arith.select %{{.*}}, %[[FOUND]], %c0
// CHECK: %[[MORE:.*]] = arith.muli %[[EARLY]], %[[OTHERS]]
// CHECK: arith.addi %[[CHUNKS]], %[[MORE]]
// CHECK: %[[SHARE:.*]] = arith.divui %{{.*}}, %[[COUNT]]
// CHECK: %[[ATLEAST:.*]] = arith.maxsi %[[SHARE]], %c4
// CHECK: %[[OFFIRST:.*]] = arith.minsi %[[ATLEAST]], %[[CHUNKS]]
// CHECK: arith.divui
// CHECK: %[[REST:.*]] = arith.maxsi %{{.*}}, %c4
// CHECK: %[[BEFORE:.*]] = arith.muli %{{.*}}, %[[REST]]
// CHECK: %[[ISFIRST:.*]] = arith.cmpi eq, %[[S]], %c0
// CHECK: %[[BEHIND:.*]] = arith.addi %[[OFFIRST]], %[[BEFORE]]
// CHECK: %[[LATER:.*]] = arith.minsi %[[BEHIND]], %[[CHUNKS]]
// CHECK: %[[BEGIN:.*]] = arith.select %[[ISFIRST]], %c0, %[[LATER]]
// CHECK: %[[UPTO:.*]] = arith.muli %[[S]], %[[REST]]
// CHECK: %[[TOEND:.*]] = arith.addi %[[OFFIRST]], %[[UPTO]]
// CHECK: %[[END:.*]] = arith.minsi %[[TOEND]], %[[CHUNKS]]
// CHECK: %[[FIRST:.*]] = tile.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-3.000000e+01) {
// CHECK-NEXT: ^bb0(%[[P:.*]]: index):
// CHECK: %[[G:.*]] = tile.read %g[%[[B]], %[[P]], %[[H]]]
// CHECK: %[[NORM:.*]] = tile.squared_norm %k[%[[B]], %[[P]], %{{.*}}]
// CHECK: %[[BETA:.*]] = tile.read %beta[%[[B]], %[[P]], %[[H]]]
// CHECK: arith.mulf %[[BETA]], %[[NORM]]
// CHECK: math.log2
// CHECK: tile.yield
// CHECK: tile.write %{{.*}}, %segments_[%[[LINE]], %[[S]], %c0]
// CHECK: tile.write %{{.*}}, %segments_[%[[LINE]], %[[S]], %c1]
// CHECK: tile.write %{{.*}}, %segments_[%[[LINE]], %[[S]], %c2]
// CHECK: tile.write %{{.*}}, %segments_[%[[LINE]], %[[S]], %c3]

// The state is that to start with where the sequence begins, and zero elsewhere. What
// is put out of the chunks in front of the segment lies behind the sequence; the last
// segment stores the state.

// CHECK-LABEL: tile.kernel @cut(
// CHECK-SAME: %segments_: !tile.view<?x?x4xi32> {tile.name = "segments_", tile.symbols = array<i64: 3, 4, -1>, tile.workspace}, %segments: {{.*}}tile.output
// CHECK: %[[LENGTH:.*]] = tile.dim %q[1]
// CHECK: %[[COUNT:.*]] = tile.dim %segments_[1]
// CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %[[S:.*]]) in (%{{.*}}, 4, %[[COUNT]]) {
// CHECK: %[[WHOLE:.*]] = arith.cmpi eq, %[[COUNT]], %c1
// CHECK: %[[LINE:.*]] = affine.apply #{{.*}}(%[[B]], %[[H]])
// CHECK: %[[START32:.*]] = tile.read %segments_[%[[LINE]], %[[S]], %c0] position
// CHECK: %[[STARTED:.*]] = arith.index_cast %[[START32]]
// CHECK: %[[START:.*]] = arith.select %[[WHOLE]], %c0, %[[STARTED]]
// CHECK: tile.read %segments_[%[[LINE]], %[[S]], %c1] position
// CHECK: arith.select %[[WHOLE]], %c0,
// CHECK: %[[BEGIN:.*]] = affine.apply
// CHECK: tile.read %segments_[%[[LINE]], %[[S]], %c2] position
// CHECK: arith.select %[[WHOLE]],
// CHECK: %[[CHUNKS:.*]] = affine.apply
// CHECK: %[[LOADED:.*]] = tile.load %s0
// CHECK: %[[ISSTART:.*]] = arith.cmpi eq, %[[START]], %c0
// CHECK: %[[STATE:.*]] = arith.select %[[ISSTART]], %[[LOADED]], %{{.*}} : vector<64x64xf32>
// CHECK: %[[FINAL:.*]] = scf.for %[[N:.*]] = %c0 to %[[CHUNKS]] step %c1 iter_args(%{{.*}} = %[[STATE]])
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%[[START]], %[[N]])
// CHECK: tile.load %q[%[[B]], %[[ROW]],
// CHECK: %[[OWN:.*]] = arith.cmpi sge, %[[ROW]], %[[BEGIN]]
// CHECK: %[[TO:.*]] = arith.select %[[OWN]], %[[ROW]], %[[LENGTH]] : index
// CHECK: tile.store %{{.*}}, %segments[%[[B]], %[[TO]], %[[H]], %c0]
// CHECK: tile.read %segments_[%[[LINE]], %[[S]], %c3] position
// CHECK: %[[ISLAST:.*]] = arith.cmpi ne
// CHECK: %[[LAST:.*]] = arith.ori %[[WHOLE]], %[[ISLAST]]
// CHECK: scf.if %[[LAST]] {
// CHECK-NEXT: tile.store %[[FINAL]], %{{.*}}[%[[B]], %[[H]], %c0, %c0]
func.func @cut(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
               %g: !g {attn.name = "g"}, %beta: !n {attn.name = "beta"}, %s0: !s {attn.name = "s0"})
    -> (!v {attn.name = "segments"}, !s) {
  %o, %s = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n) state(%s0 : !s)
      {tile.schedule = #schedule} : !q, !q, !v -> !v state(!s)
  return %o, %s : !v, !s
}

// Packed sequences are cut by their own lengths; a decay of each head is read from a
// row of them, on either scale, and nothing of the keys where nothing is erased.

// CHECK-LABEL: tile.kernel @packed_segments(
// CHECK: %[[ENDS:.*]] = tile.dim %cu[0]
// CHECK: %[[ROWS:.*]] = tile.dim %k[0]
// CHECK: tile.segment_count
// CHECK: %[[BEGIN32:.*]] = tile.read %cu
// CHECK: %[[BEGIN:.*]] = arith.index_cast %[[BEGIN32]]
// CHECK: tile.find_reach
// CHECK-NEXT: ^bb0(%[[P:.*]]: index):
// CHECK: %[[ROW:.*]] = arith.addi %[[BEGIN]], %[[P]]
// CHECK: %[[G:.*]] = tile.read %g[%[[ROW]], %{{.*}}]
// CHECK: %[[LOG:.*]] = math.log2 %[[G]]
// CHECK: %[[KEPT:.*]] = arith.maximumf %[[LOG]], %{{.*}}
// CHECK-NEXT: tile.yield %[[KEPT]]
// CHECK-LABEL: tile.kernel @packed(
func.func @packed(%q: tensor<?x2x64xbf16> {attn.name = "q"}, %k: tensor<?x2x64xbf16> {attn.name = "k"},
                  %v: tensor<?x4x64xbf16> {attn.name = "v"}, %g: tensor<?x4xf32, #attn.gate<linear>> {attn.name = "g"},
                  %cu: tensor<?xi32> {attn.name = "cu"}) -> tensor<?x4x64xbf16> {
  %o = attn.recurrence %q, %k, %v decay(%g : tensor<?x4xf32, #attn.gate<linear>>) cu_seqlens(%cu : tensor<?xi32>)
      {tile.schedule = #schedule} : tensor<?x2x64xbf16>, tensor<?x2x64xbf16>, tensor<?x4x64xbf16> -> tensor<?x4x64xbf16>
  return %o : tensor<?x4x64xbf16>
}

// Where channels have decays of their own, all of their sums have to be small, which is
// sound as long as nothing is erased.

// CHECK-LABEL: tile.kernel @channels_segments(
// CHECK: tile.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-3.000000e+01) channels(64) {
// CHECK-NEXT: ^bb0(%[[P:.*]]: index, %[[C:.*]]: index):
// CHECK: %[[G:.*]] = tile.read %g[%{{.*}}, %[[P]], %{{.*}}, %[[C]]]
// CHECK: %[[BITS:.*]] = arith.mulf %[[G]], %{{.*}}
// CHECK: %[[KEPT:.*]] = arith.maximumf %[[BITS]], %{{.*}}
// CHECK-NEXT: tile.yield %[[KEPT]]
// CHECK-LABEL: tile.kernel @channels(
// CHECK: tile.decay_sums
func.func @channels(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                    %g: tensor<?x?x4x64xf32, #attn.gate<log>> {attn.name = "g"}) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : tensor<?x?x4x64xf32, #attn.gate<log>>)
      {tile.schedule = #schedule} : !q, !q, !v -> !v
  return %o : !v
}

// Where something is erased they are a guess. The tokens in front of a segment act on the
// unit matrix, and where the norm of what is left is not small, the segment starts with the
// sequence.

// CHECK-LABEL: tile.kernel @erased_segments(
// CHECK-SAME: %guessed_segments: !tile.view<?x?x4xi32> {tile.name = "guessed_segments", tile.output,
// CHECK: tile.find_reach(%{{.*}} to %{{.*}}) block(64) limit(-2.400000e+01) channels(64) {
// CHECK-NOT: tile.squared_norm

// CHECK-LABEL: tile.kernel @erased_transitions(
// CHECK-SAME: %guessed_segments: !tile.view<?x?x4xi32> {tile.name = "guessed_segments", tile.symbols
// CHECK-SAME: %transitions: !tile.view<?x?x64x64xf32> {tile.name = "transitions", tile.output, tile.symbols = array<i64: 3, 4, -1, -1>, tile.workspace}
// CHECK: scf.forall (%[[LINE:.*]], %[[S:.*]]) in (%{{.*}}, %{{.*}}) {
// CHECK: %[[START:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[START]], %c0
// CHECK: %[[COUNT:.*]] = arith.select %[[FIRST]], %c0, %{{.*}} : index
// CHECK: %[[MASK:.*]] = tile.mask %{{.*}} query(%{{.*}}) key(%c0)
// CHECK: arith.cmpi eq, %{{.*}}, %{{.*}} : index
// CHECK: %[[UNIT:.*]] = math.exp2 %[[MASK]]
// CHECK: %[[LEFT:.*]] = scf.for %{{.*}} = %c0 to %[[COUNT]] step %c1 iter_args(%{{.*}} = %[[UNIT]])
// CHECK: tile.load %k
// CHECK: tile.decay_sums
// CHECK: tile.invert_unit_lower
// CHECK-NOT: tile.store
// CHECK: scf.yield
// CHECK: tile.store %[[LEFT]], %transitions[%[[LINE]], %[[S]], %c0, %c0] axes [2, 3]

// CHECK-LABEL: tile.kernel @erased_checks(
// CHECK-SAME: %segments: !tile.view<?x?x4xi32> {tile.name = "segments", tile.output,
// CHECK: %[[LAST:.*]] = tile.find_reach(%c-64 to %c64) block(64) limit(-3.81469727E-6) channels(64) {
// CHECK-NEXT: ^bb0(%[[R:.*]]: index, %[[C:.*]]: index):
// CHECK: %[[X:.*]] = tile.read %transitions[%{{.*}}, %{{.*}}, %[[R]], %[[C]]]
// CHECK-NEXT: math.fma %[[X]], %[[X]], %cst
// CHECK: %[[SMALL:.*]] = arith.cmpi eq, %[[LAST]], %c0
// CHECK: %[[KNOWN:.*]] = arith.ori %[[SMALL]], %{{.*}}
// CHECK: %[[OWN:.*]] = arith.select %[[KNOWN]], %{{.*}}, %c0_i32 : i32
// CHECK: tile.write %[[OWN]], %segments[%{{.*}}, %{{.*}}, %c0]

// CHECK-LABEL: tile.kernel @erased(
// CHECK: tile.read %segments[
func.func @erased(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                  %g: tensor<?x?x4x64xf32, #attn.gate<log>> {attn.name = "g"}, %beta: !n {attn.name = "beta"}) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : tensor<?x?x4x64xf32, #attn.gate<log>>) erase(%beta : !n) write(%beta : !n)
      {tile.schedule = #schedule} : !q, !q, !v -> !v
  return %o : !v
}

// Strengths of channels are part of what is erased there.

// CHECK-LABEL: tile.kernel @strengths_transitions(
// CHECK: %[[K:.*]] = tile.load %k
// CHECK: %[[E:.*]] = tile.load %e
// CHECK: %[[WIDE:.*]] = arith.extf %[[K]]
// CHECK: arith.mulf %[[WIDE]], %[[E]]
// CHECK: tile.invert_unit_lower
func.func @strengths(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                     %g: tensor<?x?x4x64xf32, #attn.gate<log>> {attn.name = "g"},
                     %e: tensor<?x?x4x64xf32> {attn.name = "e"}, %beta: !n {attn.name = "beta"}) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : tensor<?x?x4x64xf32, #attn.gate<log>>) erase(%e : tensor<?x?x4x64xf32>) write(%beta : !n)
      {tile.schedule = #schedule} : !q, !q, !v -> !v
  return %o : !v
}

// Directions take the place of keys, along which comes back what is held, and not its
// negative. A block has half of the rows of the product, and either half may have half of
// what the columns of one may.

// CHECK-LABEL: tile.kernel @directions_transitions(
// CHECK-SAME: %transitions: !tile.view<?x?x?x64x128xf32> {tile.name = "transitions", tile.output, tile.symbols = array<i64: 3, 4, 5, -1, -1>, tile.workspace}
// CHECK: scf.forall (%[[LINE:.*]], %[[S:.*]], %[[PART:.*]]) in (%{{.*}}, %{{.*}}, 2) {
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%[[PART]])
// CHECK: tile.mask %{{.*}} query(%[[ROW]]) key(%c0)
// CHECK: %[[B:.*]] = tile.load %b
// CHECK: %[[A:.*]] = tile.load %a
// CHECK: %[[PAIRS:.*]] = tile.decayed_dot %[[A]], %[[B]], %{{.*}} before
// CHECK: %[[NEGATIVE:.*]] = arith.mulf %[[PAIRS]], %cst{{.*}}
// CHECK: tile.invert_unit_lower %[[NEGATIVE]]
// CHECK: %[[HELD:.*]] = tile.dot
// CHECK-NEXT: arith.truncf %[[HELD]]
// CHECK: tile.store %{{.*}}, %transitions[%[[LINE]], %[[S]], %[[PART]], %c0, %c0] axes [3, 4]

// CHECK-LABEL: tile.kernel @directions_checks(
// CHECK: tile.find_reach(%c-64 to %c64) block(64) limit(-9.53674316E-7) channels(128) {
// CHECK: tile.read %transitions[%{{.*}}, %{{.*}}, %c0,
// CHECK: tile.find_reach(%c-64 to %c64) block(64) limit(-9.53674316E-7) channels(128) {
// CHECK: tile.read %transitions[%{{.*}}, %{{.*}}, %c1,
// CHECK: arith.andi
func.func @directions(%q: !w {attn.name = "q"}, %k: !w {attn.name = "k"}, %v: !v {attn.name = "v"},
                      %g: tensor<?x?x4x128xf32, #attn.gate<log>> {attn.name = "g"},
                      %a: !w {attn.name = "a"}, %b: !w {attn.name = "b"}) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : tensor<?x?x4x128xf32, #attn.gate<log>>) erase_key(%a : !w)
      erase_direction(%b : !w) before_decay {tile.schedule = #schedule} : !w, !w, !v -> !v
  return %o : !v
}
