// A gated delta rule as models call it: gates of a softplus and strengths of a sigmoid,
// which the kernels compute where they load what they are of, in 16 bits, and queries and
// keys that are normalised. On the emulator with its hazard checks: whole, and in segments,
// whose kernel in front computes the gates as well; tokens that do not fill a chunk decay
// nothing.

// RUN: attn-opt %s --emit=tile | FileCheck %s --check-prefix=TILE
// RUN: attn-run %s --device=emulator --check --hazards --shape q=2x150x2x128 --shape k=2x150x2x128 --shape v=2x150x4x128 --shape a=2x150x4 --shape b=2x150x4 --shape s0=2x4x128x128 | FileCheck %s
// RUN: attn-run %s --device=emulator --check --hazards --seed=2 --multiprocessors=32 --shape q=1x700x2x128 --shape k=1x700x2x128 --shape v=1x700x4x128 --shape a=1x700x4 --shape b=1x700x4 --shape s0=1x4x128x128 | FileCheck %s

// CHECK-NOT: WRONG

// Numbers of a head are read, and computed once; those of a token are loaded.

// TILE-LABEL: tile.kernel @gated_deltanet_segments(
// TILE-SAME: %k: {{.*}} %a: {{.*}} %b: {{.*}} %a_log: {{.*}} %dt_bias:
// TILE: tile.find_reach
// TILE: tile.read %a[%{{.*}}, %{{.*}}, %{{.*}}]
// TILE: math.log1p
// TILE-LABEL: tile.kernel @gated_deltanet(
// TILE: scf.for
// TILE: %[[B:.*]] = tile.load %b[%{{.*}}] axes [1] : <?x?x4xbf16> -> vector<64xbf16>
// TILE: arith.extf %[[B]] : vector<64xbf16> to vector<64xf32>
// TILE: math.exp
// TILE: arith.divf
// TILE: tile.load %a[%{{.*}}] axes [1] : <?x?x4xbf16> -> vector<64xbf16>
// TILE: tile.read %a_log[%{{.*}}]
// TILE: math.log1p %{{.*}} : vector<64xf32>
// TILE: tile.cumulative_sum

!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x128xbf16>
!x = tensor<?x?x4xbf16>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>
!s = tensor<?x4x128x128xf32, #attn.state<key_value>>
#gate = affine_map<(b, t, n) -> (b, t, n)>
#head = affine_map<(b, t, n) -> (n)>

func.func @gated_deltanet(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                          %v: !v {attn.name = "v"}, %a: !x {attn.name = "a"},
                          %b: !x {attn.name = "b"}, %a_log: tensor<4xf32> {attn.name = "a_log"},
                          %dt_bias: tensor<4xf32> {attn.name = "dt_bias"},
                          %s0: !s {attn.name = "s0"}) -> (!v {attn.name = "o"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %batch = tensor.dim %a, %c0 : !x
  %length = tensor.dim %a, %c1 : !x
  %decays = tensor.empty(%batch, %length) : !g
  %g = linalg.generic {
      indexing_maps = [#gate, #head, #head, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %a_log, %dt_bias : !x, tensor<4xf32>, tensor<4xf32>) outs(%decays : !g) {
  ^bb0(%short: bf16, %log: f32, %bias: f32, %unused: f32):
    %x = arith.extf %short : bf16 to f32
    %shifted = arith.addf %x, %bias : f32
    %power = math.exp %shifted : f32
    %softplus = math.log1p %power : f32
    %rate = math.exp %log : f32
    %product = arith.mulf %rate, %softplus : f32
    %negative = arith.negf %product : f32
    linalg.yield %negative : f32
  } -> !g
  %strengths = tensor.empty(%batch, %length) : !n
  %beta = linalg.generic {
      indexing_maps = [#gate, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : !x) outs(%strengths : !n) {
  ^bb0(%short: bf16, %unused: f32):
    %x = arith.extf %short : bf16 to f32
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %sigmoid = arith.divf %one, %sum : f32
    linalg.yield %sigmoid : f32
  } -> !n
  %o = attn.recurrence %q, %k, %v decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      state(%s0 : !s) l2_normalize(1.0e-06) : !q, !q, !v -> !v
  return %o : !v
}
