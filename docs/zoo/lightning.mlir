// Lightning attention (MiniMax-01, arXiv 2501.08313): linear attention whose decay is a
// constant of layer l of L and head h of H, on silu(q), silu(k) and silu(v), unscaled.
//
//     S_t = exp(g_h) S_{t-1} + k_t v_t^T
//     g_h = -2^(-8 (h + 1) / H) (1 - l / (L - 1 + 1e-5) + 1e-5)
//     o_t = S_t^T q_t
//
// as in MiniMax's modelling code (transformers, models/minimax). MiniMax-Text-01 has 64
// heads of 128 in 70 of its 80 layers; here are 4 heads of 8, with the decays of layer
// 10 of 80. The norm and the gate of the output are no part of this program.

#row = affine_map<(b, t, h, d) -> (b, t, h, d)>

func.func @lightning(%q: tensor<?x?x4x8xf32> {attn.name = "q"},
                     %k: tensor<?x?x4x8xf32> {attn.name = "k"},
                     %v: tensor<?x?x4x8xf32> {attn.name = "v"},
                     %s0: tensor<?x4x8x8xf32, #attn.state<key_value>>
                         {attn.name = "state"})
    -> (tensor<?x?x4x8xf32> {attn.name = "o"},
        tensor<?x4x8x8xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %one = arith.constant 1.0 : f32
  %q_silu = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q : tensor<?x?x4x8xf32>) outs(%q : tensor<?x?x4x8xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %gated = arith.divf %x, %sum : f32
    linalg.yield %gated : f32
  } -> tensor<?x?x4x8xf32>
  %k_silu = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<?x?x4x8xf32>) outs(%k : tensor<?x?x4x8xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %gated = arith.divf %x, %sum : f32
    linalg.yield %gated : f32
  } -> tensor<?x?x4x8xf32>
  %v_silu = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%v : tensor<?x?x4x8xf32>) outs(%v : tensor<?x?x4x8xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %gated = arith.divf %x, %sum : f32
    linalg.yield %gated : f32
  } -> tensor<?x?x4x8xf32>
  %g = arith.constant dense<[-0.21835694, -0.054589234, -0.013647309, -0.0034118271]>
      : tensor<4xf32, #attn.gate<log>>
  %o, %s = attn.recurrence %q_silu, %k_silu, %v_silu
      decay(%g : tensor<4xf32, #attn.gate<log>>)
      state(%s0 : tensor<?x4x8x8xf32, #attn.state<key_value>>) scale(1.0)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>
      -> tensor<?x?x4x8xf32> state(tensor<?x4x8x8xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x8xf32, #attn.state<key_value>>
}
