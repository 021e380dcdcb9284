// RUN: attn-opt %s -attn-chunk-recurrence | FileCheck %s

!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>

// A decay and a delta rule: the strengths of erasing and writing are one, which is
// in the inverse. Two value heads share a key head.

// CHECK-LABEL: tile.kernel @gated_delta
// CHECK-SAME: %q: !tile.view<?x?x2x64xbf16> {tile.name = "q", tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-SAME: %g: !tile.view<?x?x4xf32> {tile.name = "g", tile.symbols = array<i64: 0, 1, -1>}
// CHECK-SAME: %result0: !tile.view<?x?x4x128xbf16> {tile.name = "result0", tile.output, tile.symbols = array<i64: 0, 1, -1, -1>}
// CHECK-DAG: %[[BATCH:.*]] = tile.dim %q[0]
// CHECK-DAG: %[[LENGTH:.*]] = tile.dim %q[1]
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %[[PART:.*]]) in (%[[BATCH]], 4, 2) {
// CHECK: %[[H:.*]] = affine.apply #{{.*}}(%[[N]])
// CHECK: %[[CHANNEL:.*]] = affine.apply #{{.*}}(%[[PART]])
// CHECK: %[[CHUNKS:.*]] = affine.apply #{{.*}}()[%[[LENGTH]]]
// CHECK: scf.for %[[C:.*]] = %{{.*}} to %[[CHUNKS]] step %{{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (vector<64x64xf32>) {
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%[[C]])
// CHECK: %[[Q:.*]] = tile.load %q[%[[B]], %[[ROW]], %[[H]], %{{.*}}] axes [1, 3]
// CHECK: %[[K:.*]] = tile.load %k[%[[B]], %[[ROW]], %[[H]], %{{.*}}] axes [1, 3]
// CHECK: %[[V:.*]] = tile.load %v[%[[B]], %[[ROW]], %[[N]], %[[CHANNEL]]] axes [1, 3]
// CHECK: %[[BETA:.*]] = tile.load %beta[%[[B]], %[[ROW]], %[[N]]] axes [1]
// CHECK: %[[G:.*]] = tile.load %g[%[[B]], %[[ROW]], %[[N]]] axes [1]
// CHECK: %[[LOG2:.*]] = arith.mulf %[[G]], %{{.*}}
// CHECK: %[[BOUNDED:.*]] = arith.maximumf %[[LOG2]], %{{.*}}
// CHECK: %[[SUMS:.*]] = tile.cumulative_sum %[[BOUNDED]]
// CHECK: %[[LAST:.*]] = vector.extract %[[SUMS]][63]
// CHECK: %[[LASTS:.*]] = vector.broadcast %[[LAST]]
// CHECK: %[[REACHED:.*]] = math.exp2 %[[SUMS]]
// CHECK: %[[WHOLE:.*]] = vector.extract %[[REACHED]][63]
// CHECK: %[[REST:.*]] = arith.subf %[[LASTS]], %[[SUMS]]
// CHECK: %[[LEFT:.*]] = math.exp2 %[[REST]]
// What does not depend on the state.
// CHECK: %[[KK:.*]] = tile.dot %[[K]], %[[K]] transpose_rhs
// CHECK: %[[QK:.*]] = tile.dot %[[Q]], %[[K]] transpose_rhs
// CHECK: %[[RATIOS2:.*]] = tile.decay_ratios %[[SUMS]]
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[QK]], %[[RATIOS2]]
// CHECK: %[[P:.*]] = arith.truncf %[[DECAYED]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[RATIOS:.*]] = tile.decay_ratios %[[SUMS]]
// CHECK: %[[A:.*]] = arith.mulf %[[KK]], %[[RATIOS]]
// CHECK: %[[INVERSE:.*]] = tile.invert_unit_lower %[[A]] rows(%[[BETA]] : vector<64xf32>) columns(%[[BETA]] : vector<64xf32>)
// CHECK: %[[T:.*]] = arith.truncf %[[INVERSE]] : vector<64x64xf32> to vector<64x64xf16>
// What does.
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: %[[SK:.*]] = tile.dot %[[SB]], %[[K]] transpose_rhs
// CHECK: %[[SQ:.*]] = tile.dot %[[SB]], %[[Q]] transpose_rhs
// CHECK: %[[VT:.*]] = vector.transpose %[[V]], [1, 0]
// CHECK: %[[READS:.*]] = vector.broadcast %[[REACHED]] : vector<64xf32> to vector<64x64xf32>
// CHECK: %[[OLD:.*]] = arith.mulf %[[SQ]], %[[READS]]
// CHECK: %[[VF:.*]] = arith.extf %[[VT]]
// CHECK: %[[COLUMNS:.*]] = vector.broadcast %[[REACHED]] : vector<64xf32> to vector<64x64xf32>
// CHECK: %[[LOST:.*]] = arith.negf %[[COLUMNS]]
// CHECK: %[[W:.*]] = math.fma %[[LOST]], %[[SK]], %[[VF]]
// CHECK: %[[WF:.*]] = arith.truncf %[[W]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[U:.*]] = tile.dot %[[WF]], %[[T]] transpose_rhs
// CHECK: %[[ALL:.*]] = vector.broadcast %[[WHOLE]] : f32 to vector<64x64xf32>
// CHECK: %[[DECAYED_STATE:.*]] = arith.mulf %[[S]], %[[ALL]]
// CHECK: %[[UB:.*]] = arith.truncf %[[U]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[LEFTS:.*]] = vector.broadcast %[[LEFT]]
// CHECK: %[[UL:.*]] = arith.mulf %[[U]], %[[LEFTS]]
// CHECK: %[[ULB:.*]] = arith.truncf %[[UL]] : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: %[[O:.*]] = tile.dot %[[UB]], %[[P]] transpose_rhs acc(%[[OLD]])
// CHECK: %[[NEXT:.*]] = tile.dot %[[ULB]], %[[K]] acc(%[[DECAYED_STATE]])
// CHECK: %[[OS:.*]] = arith.mulf %[[O]], %{{.*}}
// CHECK: %[[OB:.*]] = arith.truncf %[[OS]]
// CHECK: %[[OT:.*]] = vector.transpose %[[OB]], [1, 0]
// CHECK: tile.store %[[OT]], %result0[%[[B]], %[[ROW]], %[[N]], %[[CHANNEL]]] axes [1, 3]
// CHECK: scf.yield %[[NEXT]]
func.func @gated_delta(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                       %v: !v {attn.name = "v"}, %g: !g {attn.name = "g"},
                       %beta: !n {attn.name = "beta"}) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// In two parts: products of what rounding leaves are added to those of what is rounded.

// So are an inverse and what it is multiplied by, but for the product of the smaller two.

// CHECK-LABEL: tile.kernel @reflecting
// CHECK: iter_args(%[[S:.*]] = %{{.*}}) -> (vector<64x64xf32>) {
// CHECK: %[[INVERSE:.*]] = tile.invert_unit_lower
// CHECK: %[[T:.*]] = arith.truncf %[[INVERSE]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[TE:.*]] = arith.extf %[[T]]
// CHECK: %[[TREST:.*]] = arith.subf %[[INVERSE]], %[[TE]]
// CHECK: %[[TR:.*]] = arith.truncf %[[TREST]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[SB:.*]] = arith.truncf %[[S]] : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: %[[SK:.*]] = tile.dot %[[SB]], %[[K:.*]] transpose_rhs
// CHECK: %[[SQ:.*]] = tile.dot %[[SB]], %[[Q:.*]] transpose_rhs
// CHECK: %[[SE:.*]] = arith.extf %[[SB]]
// CHECK: %[[SREST:.*]] = arith.subf %[[S]], %[[SE]]
// CHECK: %[[SR:.*]] = arith.truncf %[[SREST]] : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: tile.dot %[[SR]], %[[K]] transpose_rhs acc(%[[SK]])
// CHECK: tile.dot %[[SR]], %[[Q]] transpose_rhs acc(%[[SQ]])
// CHECK: %[[VB:.*]] = arith.truncf %[[V:.*]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[U0:.*]] = tile.dot %[[VB]], %[[T]] transpose_rhs
// CHECK: %[[VE:.*]] = arith.extf %[[VB]]
// CHECK: %[[VREST:.*]] = arith.subf %[[V]], %[[VE]]
// CHECK: %[[VR:.*]] = arith.truncf %[[VREST]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[U1:.*]] = tile.dot %[[VB]], %[[TR]] transpose_rhs acc(%[[U0]])
// CHECK: %[[U:.*]] = tile.dot %[[VR]], %[[T]] transpose_rhs acc(%[[U1]])
// CHECK: %[[UB:.*]] = arith.truncf %[[U]] : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: %[[FIRST:.*]] = tile.dot %[[UB]], %[[K]] acc(%[[S]])
// CHECK: %[[UE:.*]] = arith.extf %[[UB]]
// CHECK: %[[UREST:.*]] = arith.subf %[[U]], %[[UE]]
// CHECK: %[[UR:.*]] = arith.truncf %[[UREST]]
// CHECK: %[[NEXT:.*]] = tile.dot %[[UR]], %[[K]] acc(%[[FIRST]])
// CHECK: scf.yield %[[NEXT]]
func.func @reflecting(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                      %v: !v {attn.name = "v"}, %beta: !n {attn.name = "beta"}) -> !v {
  %o = attn.recurrence %q, %k, %v erase(%beta : !n) write(%beta : !n) allow_neg_eigval
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, state_parts = 2>} : !q, !q, !v -> !v
  return %o : !v
}

// Without anything else there is neither an inverse nor a power; what is written
// are the values.

// CHECK-LABEL: tile.kernel @linear
// CHECK-NOT: tile.invert_unit_lower
// CHECK-NOT: math.exp2
// CHECK-NOT: tile.cumulative_sum
// CHECK: %[[RATIOS:.*]] = tile.decay_ratios %[[ZERO:.*]] :
// CHECK-NOT: tile.invert_unit_lower
// CHECK: tile.dot %{{.*}} acc
// CHECK: tile.dot %{{.*}} acc
// CHECK-NOT: tile.dot
func.func @linear(%q: !q, %k: !q, %v: !v) -> !v {
  %o = attn.recurrence %q, %k, %v
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// A constant decay is read once for all tokens, and those behind the last one do
// not decay.

// CHECK-LABEL: tile.kernel @constant
// CHECK: %[[GAMMA:.*]] = tile.read %arg3[%{{.*}}]
// CHECK: %[[ALL:.*]] = vector.broadcast %[[GAMMA]] : f32 to vector<64xf32>
// CHECK: %[[LOG:.*]] = math.log2 %[[ALL]]
// CHECK: %[[BOUNDED:.*]] = arith.maximumf %[[LOG]]
// CHECK: %[[TOKENS:.*]] = vector.create_mask %{{.*}} : vector<64xi1>
// CHECK: %[[OWN:.*]] = arith.select %[[TOKENS]], %[[BOUNDED]], %{{.*}}
// CHECK: tile.cumulative_sum %[[OWN]]
!constant = tensor<4xf32, #attn.gate<linear>>
func.func @constant(%q: !q, %k: !q, %v: !v, %gamma: !constant) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%gamma : !constant)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// Where channels decay by themselves, the powers are in the products, and in the
// tiles that meet the state. The state decays by columns.

// CHECK-LABEL: tile.kernel @channels
// CHECK: scf.for %[[C:.*]] = {{.*}} iter_args(%[[S:.*]] = %{{.*}})
// CHECK: %[[ROW:.*]] = affine.apply #{{.*}}(%[[C]])
// CHECK: %[[Q:.*]] = tile.load %arg0
// CHECK: %[[K:.*]] = tile.load %arg1
// CHECK: %[[G:.*]] = tile.load %arg3[%{{.*}}, %[[ROW]], %{{.*}}, %{{.*}}] axes [1, 3] : <?x?x4x64xf32> -> vector<64x64xf32>
// CHECK: %[[COUNT:.*]] = affine.apply
// CHECK: %[[SUMS:.*]], %[[WHOLE:.*]] = tile.decay_sums %[[G]] of %[[COUNT]] :
// CHECK: %[[BETA:.*]] = tile.load %arg4
// CHECK: %[[LEFT:.*]] = tile.apply_decay %[[K]], %[[SUMS]] to_end
// CHECK: %[[PAIRS:.*]] = tile.decayed_dot %[[Q]], %[[K]], %[[SUMS]]
// CHECK: %[[A:.*]] = tile.decayed_dot %[[K]], %[[K]], %[[SUMS]]
// CHECK: tile.invert_unit_lower %[[A]] rows(%[[BETA]] : vector<64xf32>) columns(%[[BETA]]
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: %[[K1:.*]] = tile.apply_decay %[[K]], %[[SUMS]] :
// CHECK: tile.dot %[[SB]], %[[K1]] transpose_rhs
// CHECK: %[[Q1:.*]] = tile.apply_decay %[[Q]], %[[SUMS]] :
// CHECK: %[[OLD:.*]] = tile.dot %[[SB]], %[[Q1]] transpose_rhs
// CHECK: %[[WHOLES:.*]] = vector.broadcast %[[WHOLE]] : vector<64xf32> to vector<128x64xf32>
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]], %[[WHOLES]]
// CHECK: tile.dot %{{.*}} transpose_rhs acc(%[[OLD]])
// CHECK: tile.dot %{{.*}}, %[[LEFT]] acc(%[[DECAYED]])
!gc = tensor<?x?x4x64xf32, #attn.gate<log>>
func.func @channels(%q: !q, %k: !q, %v: !v, %g: !gc, %beta: !n) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !gc) erase(%beta : !n) write(%beta : !n)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// Gates of channels are in what is read to be erased and in what is written: nothing is
// left for the inverse, or for what the state holds.

// CHECK-LABEL: tile.kernel @gates
// CHECK: scf.for
// CHECK: %[[Q:.*]] = tile.load %arg0
// CHECK: %[[K:.*]] = tile.load %arg1
// CHECK: %[[V:.*]] = tile.load %arg2
// CHECK: %[[SUMS:.*]], %{{.*}} = tile.decay_sums
// CHECK: %[[B:.*]] = tile.load %arg4[%{{.*}}, %{{.*}}, %[[N:.*]], %c0{{.*}}] axes [1, 3] : <?x?x4x64xf32> -> vector<64x64xf32>
// CHECK: %[[KW:.*]] = arith.extf %[[K]]
// CHECK: %[[KB:.*]] = arith.mulf %[[KW]], %[[B]]
// CHECK: %[[E:.*]] = arith.truncf %[[KB]] : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: %[[W:.*]] = tile.load %arg5[%{{.*}}, %{{.*}}, %[[N]], %[[CHANNEL:.*]]] axes [1, 3] : <?x?x4x128xf32> -> vector<64x64xf32>
// CHECK: %[[VW:.*]] = arith.extf %[[V]]
// CHECK: %[[VG:.*]] = arith.mulf %[[VW]], %[[W]]
// CHECK: %[[Y:.*]] = arith.truncf %[[VG]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: tile.apply_decay %[[K]], %[[SUMS]] to_end
// CHECK: tile.decayed_dot %[[Q]], %[[K]], %[[SUMS]]
// CHECK: %[[A:.*]] = tile.decayed_dot %[[E]], %[[K]], %[[SUMS]]
// CHECK: tile.invert_unit_lower %[[A]] rows(%{{.*}} : vector<64xf32>) :
// CHECK: %[[E1:.*]] = tile.apply_decay %[[E]], %[[SUMS]] :
// CHECK: %[[HELD:.*]] = tile.dot %{{.*}}, %[[E1]] transpose_rhs
// CHECK: %[[YT:.*]] = vector.transpose %[[Y]], [1, 0]
// CHECK: %[[WRITTEN:.*]] = arith.extf %[[YT]]
// CHECK: arith.subf %[[WRITTEN]], %[[HELD]]
!kg = tensor<?x?x4x64xf32>
!vg = tensor<?x?x4x128xf32>
func.func @gates(%q: !q, %k: !q, %v: !v, %g: !gc, %b: !kg, %w: !vg) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !gc) erase(%b : !kg) write(%w : !vg)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// What is erased is taken out along a direction of its own: values and what is erased are
// sources, each with products of its own. What is read in front of a decay has the sums
// of the token in front.

// CHECK-LABEL: tile.kernel @direction
// CHECK: scf.for %{{.*}} iter_args(%[[S:.*]] = %{{.*}})
// CHECK: %[[Q:.*]] = tile.load %arg0
// CHECK: %[[K:.*]] = tile.load %arg1
// CHECK: %[[A:.*]] = tile.load %arg4
// CHECK: %[[D:.*]] = tile.load %arg5
// CHECK: %[[V:.*]] = tile.load %arg2
// CHECK: %[[SUMS:.*]], %[[WHOLE:.*]] = tile.decay_sums
// CHECK: %[[LK:.*]] = tile.apply_decay %[[K]], %[[SUMS]] to_end
// CHECK: %[[LD:.*]] = tile.apply_decay %[[D]], %[[SUMS]] to_end
// CHECK: %[[AK:.*]] = tile.decayed_dot %[[A]], %[[K]], %[[SUMS]] before
// CHECK: %[[AKB:.*]] = arith.truncf %[[AK]]
// CHECK: %[[QK:.*]] = tile.decayed_dot %[[Q]], %[[K]], %[[SUMS]] :
// CHECK: %[[QKB:.*]] = arith.truncf %[[QK]]
// CHECK: %[[QD:.*]] = tile.decayed_dot %[[Q]], %[[D]], %[[SUMS]] :
// CHECK: %[[QDB:.*]] = arith.truncf %[[QD]]
// CHECK: %[[AD:.*]] = tile.decayed_dot %[[A]], %[[D]], %[[SUMS]] before
// CHECK: %[[MINUS:.*]] = arith.mulf %[[AD]], %{{.*}}
// CHECK: %[[T:.*]] = tile.invert_unit_lower %[[MINUS]]
// CHECK: %[[TB:.*]] = arith.truncf %[[T]]
// CHECK: %[[VT:.*]] = vector.transpose %[[V]], [1, 0]
// CHECK: %[[SB:.*]] = arith.truncf %[[S]]
// CHECK: %[[A1:.*]] = tile.apply_decay %[[A]], %[[SUMS]] before
// CHECK: %[[SA:.*]] = tile.dot %[[SB]], %[[A1]] transpose_rhs
// CHECK: %[[Q1:.*]] = tile.apply_decay %[[Q]], %[[SUMS]] :
// CHECK: %[[SQ:.*]] = tile.dot %[[SB]], %[[Q1]] transpose_rhs
// CHECK: %[[HELD:.*]] = tile.dot %[[VT]], %[[AKB]] transpose_rhs acc(%[[SA]])
// CHECK: %[[HB:.*]] = arith.truncf %[[HELD]] : vector<64x64xf32> to vector<64x64xf16>
// CHECK: %[[R:.*]] = tile.dot %[[HB]], %[[TB]] transpose_rhs
// CHECK: %[[OLD:.*]] = tile.dot %[[VT]], %[[QKB]] transpose_rhs acc(%[[SQ]])
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]], %{{.*}}
// CHECK: %[[S1:.*]] = tile.dot %[[VT]], %[[LK]] acc(%[[DECAYED]])
// CHECK: %[[RB:.*]] = arith.truncf %[[R]]
// CHECK: tile.dot %[[RB]], %[[QDB]] transpose_rhs acc(%[[OLD]])
// CHECK: tile.dot %[[RB]], %[[LD]] acc(%[[S1]])
func.func @direction(%q: !q, %k: !q, %v: !v, %g: !gc, %a: !q, %d: !q) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !gc) erase_key(%a : !q) erase_direction(%d : !q)
      before_decay scale(1.0)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// Queries and values that are keys are other copies than these, which are overwritten.

// CHECK-LABEL: tile.kernel @shared_channels
// CHECK: %[[Q:.*]] = tile.load %arg0[%{{.*}}] axes [1, 3] copy(1) : <?x?x2x64xbf16> -> vector<64x64xbf16>
// CHECK-NEXT: %[[K:.*]] = tile.load %arg0[%{{.*}}] axes [1, 3] : <?x?x2x64xbf16> -> vector<64x64xbf16>
// CHECK-NEXT: %[[V:.*]] = tile.load %arg0[%{{.*}}] axes [1, 3] copy(2) : <?x?x2x64xbf16> -> vector<64x64xbf16>
// CHECK-LABEL: tile.kernel @shared_heads
// CHECK-NOT: copy(
!gs = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @shared_channels(%x: !q, %g: !gs) -> !q {
  %o = attn.recurrence %x, %x, %x decay(%g : !gs)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q
  return %o : !q
}
!gh = tensor<?x?x2xf32, #attn.gate<log>>
func.func @shared_heads(%x: !q, %g: !gh) -> !q {
  %o = attn.recurrence %x, %x, %x decay(%g : !gh)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q
  return %o : !q
}

// A bonus weighs what tokens have of themselves; earlier ones are read in front of the
// decay.

// CHECK-LABEL: tile.kernel @bonus
// CHECK: scf.for
// CHECK: %[[U:.*]] = tile.load %arg4[%{{.*}}, %{{.*}}] axes [1] : <2x64xf32> -> vector<64xf32>
// CHECK: tile.decayed_dot %{{.*}}, %{{.*}}, %[[SUMS:.*]] before bonus(%[[U]] : vector<64xf32>)
// CHECK: tile.apply_decay %{{.*}}, %[[SUMS]] before
func.func @bonus(%q: !q, %k: !q, %v: !v, %g: !gc, %u: tensor<2x64xf32>) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !gc) bonus(%u : tensor<2x64xf32>)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// CHECK-LABEL: tile.kernel @linear_channels
// CHECK: tile.decay_sums %{{.*}} of %{{.*}} linear
// CHECK-NOT: tile.invert_unit_lower
!lc = tensor<?x?x4x64xf32, #attn.gate<linear>>
func.func @linear_channels(%q: !q, %k: !q, %v: !v, %g: !lc) -> !v {
  %o = attn.recurrence %q, %k, %v decay(%g : !lc)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !q, !q, !v -> !v
  return %o : !v
}

// Packed sequences have an instance each; their states are in any layout.

// CHECK-LABEL: tile.kernel @packed
// CHECK-SAME: %arg3: !tile.view<?x4x64x128xf32> {tile.least = array<i64: 0, 0, -1, 1>, tile.name = "arg3", tile.symbols = array<i64: 2, -1, -1, -1>}
// CHECK-SAME: %result1: !tile.view<?x4x128x64xbf16> {tile.least = array<i64: 0, 0, -1, 1>, tile.name = "result1", tile.output, tile.symbols = array<i64: 2, -1, -1, -1>}
// CHECK: %[[ENDS:.*]] = tile.dim %arg4[0]
// CHECK: %[[COUNT:.*]] = affine.apply #{{.*}}()[%[[ENDS]]]
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %{{.*}}) in (%[[COUNT]], 4, 1)
// CHECK: tile.read %arg4[%[[B]]] position
// CHECK: tile.read %arg4[%{{.*}}] position
// CHECK: %[[S0:.*]] = tile.load %arg3[%[[B]], %[[N]], %{{.*}}, %{{.*}}] axes [2, 3] : <?x4x64x128xf32> -> vector<64x128xf32>
// CHECK: %[[S:.*]] = vector.transpose %[[S0]], [1, 0]
// CHECK: %[[END:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[S]])
// CHECK: tile.load %arg0[%{{.*}}] slice(%[[FROM:.*]], %[[TO:.*]]) axes [0, 2]
// CHECK: tile.store %{{.*}}, %result0[%{{.*}}] slice(%[[FROM]], %[[TO]]) axes [0, 2]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[END]]
// CHECK: tile.store %[[ROUNDED]], %result1[%[[B]], %[[N]], %{{.*}}, %{{.*}}] axes [2, 3]
!pq = tensor<?x2x64xbf16>
!pv = tensor<?x4x128xbf16>
!s0 = tensor<?x4x64x128xf32, #attn.state<key_value>>
!s1 = tensor<?x4x128x64xbf16, #attn.state<value_key>>
func.func @packed(%q: !pq, %k: !pq, %v: !pv, %s: !s0, %cu: tensor<?xi32>) -> (!pv, !s1) {
  %o, %e = attn.recurrence %q, %k, %v state(%s : !s0) cu_seqlens(%cu : tensor<?xi32>)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !pq, !pq, !pv -> !pv state(!s1)
  return %o, %e : !pv, !s1
}

// A sequence has a state of a pool, and padding none: what it would read is that of the
// first slot, its output is zeros, and it leaves all states as they are.

// CHECK-LABEL: tile.kernel @pool
// CHECK-SAME: %arg3: !tile.view<?x4x64x128xf32> {tile.name = "arg3", tile.symbols = array<i64: 9, -1, -1, -1>}
// CHECK-SAME: %arg4: !tile.view<?xi32> {tile.name = "arg4", tile.symbols = array<i64: 0>}
// CHECK-SAME: %result1: !tile.view<?x4x64x128xf32> {tile.name = "result1", tile.output, tile.symbols = array<i64: 9, -1, -1, -1>, tile.updates = 3 : i64}
// CHECK-SAME: %result2: !tile.view<?x7x4x64x128xf32>
// CHECK: scf.forall (%[[B:.*]], %[[N:.*]], %{{.*}}) in
// CHECK: %[[POOL:.*]] = tile.dim %arg3[0]
// CHECK: %[[READ:.*]] = tile.read %arg4[%[[B]]] :
// CHECK: %[[FOUND:.*]] = arith.index_cast %[[READ]]
// CHECK: %[[IS_OF_POOL:.*]] = arith.cmpi ult, %[[FOUND]], %[[POOL]]
// CHECK: %[[SLOT:.*]] = arith.select %[[IS_OF_POOL]], %[[FOUND]], %{{.*}}
// CHECK: tile.load %arg3[%[[SLOT]], %[[N]],
// CHECK: scf.for
// CHECK: %[[O:.*]] = arith.select %[[IS_OF_POOL]], %{{.*}}, %{{.*}} : vector<128x64xf32>
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[O]]
// CHECK: %[[ROWS:.*]] = vector.transpose %[[ROUNDED]], [1, 0]
// CHECK: tile.store %[[ROWS]], %result0[%[[B]],
// CHECK: %[[IS_KEPT:.*]] = arith.andi %{{.*}}, %[[IS_OF_POOL]]
// CHECK: scf.if %[[IS_KEPT]]
// CHECK: tile.store %{{.*}}, %result2[%[[B]],
// CHECK: scf.if %[[IS_OF_POOL]]
// CHECK: tile.store %{{.*}}, %result1[%[[SLOT]], %[[N]],
!kept = tensor<?x7x4x64x128xf32, #attn.state<key_value>>
func.func @pool(%q: !q, %k: !q, %v: !v, %s: !s0, %slots: tensor<?xi32>) -> (!v, !s0, !kept) {
  %o, %e, %kept = attn.recurrence %q, %k, %v state(%s : !s0) slots(%slots : tensor<?xi32>) keep_every(64)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !q, !q, !v -> !v state(!s0) kept(!kept)
  return %o, %e, %kept : !v, !s0, !kept
}

// Of packed sequences there are as many slots as they are, or more.

// CHECK-LABEL: tile.kernel @packed_pool
// CHECK-SAME: %arg3: !tile.view<?x4x64x128xf32> {tile.name = "arg3", tile.symbols = array<i64: 9, -1, -1, -1>}
// CHECK-SAME: %arg4: !tile.view<?xi32> {tile.least = array<i64: 0, 0, -1, 1>, tile.name = "arg4", tile.symbols = array<i64: 2>}
// CHECK-SAME: %arg5: !tile.view<?xi32> {tile.name = "arg5", tile.symbols = array<i64: 0>}
func.func @packed_pool(%q: !pq, %k: !pq, %v: !pv, %s: !s0, %slots: tensor<?xi32>, %cu: tensor<?xi32>) -> !pv {
  %o = attn.recurrence %q, %k, %v state(%s : !s0) slots(%slots : tensor<?xi32>) cu_seqlens(%cu : tensor<?xi32>)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64>} : !pq, !pq, !pv -> !pv
  return %o : !pv
}

// Other functions are left alone.

// CHECK-LABEL: func.func @other
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// A denominator is what queries read of the sums of keys, a state whose values are 1: there
// are as many rows of it as of the state, all the same.

// CHECK-LABEL: tile.kernel @denominator
// CHECK: %[[LOADED:.*]] = tile.load %z[
// CHECK: %[[Z0:.*]] = vector.broadcast %[[LOADED]] : vector<64xf32> to vector<64x64xf32>
// CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}, %[[Z:.*]] = %[[Z0]])
// CHECK: %[[Q:.*]] = tile.load %q
// CHECK: %[[K:.*]] = tile.load %k
// CHECK: %[[P:.*]] = arith.truncf %{{.*}} : vector<64x64xf32> to vector<64x64xbf16>
// CHECK: tile.dot %{{.*}}, %[[P]] transpose_rhs acc
// CHECK: %[[ZB:.*]] = arith.truncf %[[Z]]
// CHECK: %[[OLD:.*]] = tile.dot %[[ZB]], %[[Q]] transpose_rhs
// CHECK: %[[SUM:.*]] = tile.dot %{{.*}}, %[[P]] transpose_rhs acc(%[[OLD]])
// CHECK: %[[NEXT:.*]] = tile.dot %{{.*}}, %[[K]] acc(%[[Z]])
// CHECK: %[[SCALED:.*]] = arith.mulf %[[SUM]], %{{.*}}
// CHECK: %[[DIVISOR:.*]] = arith.addf %[[SCALED]], %{{.*}}
// CHECK: arith.divf %{{.*}}, %[[DIVISOR]]
// CHECK: scf.yield %{{.*}}, %[[NEXT]]
// CHECK: %[[ROW:.*]] = vector.extract %[[LOOP]]#1[0]
// CHECK: tile.store %[[ROW]], %z1[
!z = tensor<?x4x64xf32>
func.func @denominator(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !v {attn.name = "v"},
                       %z: !z {attn.name = "z"}) -> (!v, !z {attn.name = "z1"}) {
  %o, %z1 = attn.recurrence %q, %k, %v denominator(1.0e-06) normalizer(%z : !z)
      {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !v -> !v normalizer(!z)
  return %o, %z1 : !v, !z
}
