// Retention (RetNet, arXiv 2307.08621): a state that decays by a constant of its head.
//
//     S_t = gamma_h S_{t-1} + k_t v_t^T      gamma_h = 1 - 2^(-5-h)
//     o_t = S_t^T q_t K^-1/2
//
// The rotation of queries and keys in front of it and the group norm behind it are no
// part of this program. RetNet-3B has 10 heads of 256 (keys) and 512 (values), here
// with 4 of 8 and 12.

func.func @retnet(%q: tensor<?x?x4x8xbf16> {attn.name = "q"},
                  %k: tensor<?x?x4x8xbf16> {attn.name = "k"},
                  %v: tensor<?x?x4x12xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x12xbf16> {attn.name = "o"}) {
  // 1 - 1/32, 1 - 1/64, 1 - 1/128, 1 - 1/256
  %gamma = arith.constant dense<[0.96875, 0.984375, 0.9921875, 0.99609375]>
      : tensor<4xf32, #attn.gate<linear>>
  %o = attn.recurrence %q, %k, %v
      decay(%gamma : tensor<4xf32, #attn.gate<linear>>)
      : tensor<?x?x4x8xbf16>, tensor<?x?x4x8xbf16>, tensor<?x?x4x12xbf16>
      -> tensor<?x?x4x12xbf16>
  return %o : tensor<?x?x4x12xbf16>
}
