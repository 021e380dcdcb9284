// Gated DeltaNet (arXiv 2412.06464) as in Qwen3-Next: a delta rule behind a decay, both
// of a token and value head; queries and keys are normalised. With the gates from what
// the projections give:
//
//     g_t = -exp(A_log_n) softplus(a_t + dt_bias_n),  beta_t = sigmoid(b_t)
//     S = exp(g_t) S_{t-1}
//     S_t = S + beta_t k_t (v_t - S^T k_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// The convolution in front and the gated norm behind are no part of this program.
// Qwen3-Next-80B-A3B has 16 heads of 128 for queries and keys, 32 of 128 for values.
// Here are 2 of 8 and 4 of 6.

#gate = affine_map<(b, t, n) -> (b, t, n)>
#head = affine_map<(b, t, n) -> (n)>

func.func @gated_deltanet(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                          %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                          %v: tensor<?x?x4x6xbf16> {attn.name = "v"},
                          %a: tensor<?x?x4xf32> {attn.name = "a"},
                          %b: tensor<?x?x4xf32> {attn.name = "b"},
                          %a_log: tensor<4xf32> {attn.name = "a_log"},
                          %dt_bias: tensor<4xf32> {attn.name = "dt_bias"},
                          %s0: tensor<?x4x8x6xf32, #attn.state<key_value>>
                              {attn.name = "state"})
    -> (tensor<?x?x4x6xbf16> {attn.name = "o"},
        tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %batch = tensor.dim %a, %c0 : tensor<?x?x4xf32>
  %length = tensor.dim %a, %c1 : tensor<?x?x4xf32>
  %decays = tensor.empty(%batch, %length) : tensor<?x?x4xf32, #attn.gate<log>>
  %g = linalg.generic {
      indexing_maps = [#gate, #head, #head, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %a_log, %dt_bias : tensor<?x?x4xf32>, tensor<4xf32>, tensor<4xf32>)
      outs(%decays : tensor<?x?x4xf32, #attn.gate<log>>) {
  ^bb0(%x: f32, %log: f32, %bias: f32, %unused: f32):
    %shifted = arith.addf %x, %bias : f32
    %power = math.exp %shifted : f32
    %softplus = math.log1p %power : f32
    %rate = math.exp %log : f32
    %product = arith.mulf %rate, %softplus : f32
    %negative = arith.negf %product : f32
    linalg.yield %negative : f32
  } -> tensor<?x?x4xf32, #attn.gate<log>>
  %beta = linalg.generic {
      indexing_maps = [#gate, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : tensor<?x?x4xf32>) outs(%b : tensor<?x?x4xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %sigmoid = arith.divf %one, %sum : f32
    linalg.yield %sigmoid : f32
  } -> tensor<?x?x4xf32>
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x4xf32, #attn.gate<log>>)
      erase(%beta : tensor<?x?x4xf32>) write(%beta : tensor<?x?x4xf32>)
      state(%s0 : tensor<?x4x8x6xf32, #attn.state<key_value>>)
      l2_normalize(1.0e-06)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x4x6xbf16>
      -> tensor<?x?x4x6xbf16> state(tensor<?x4x8x6xf32, #attn.state<key_value>>)
  return %o, %s
      : tensor<?x?x4x6xbf16>, tensor<?x4x8x6xf32, #attn.state<key_value>>
}
