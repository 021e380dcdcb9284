// RWKV-6 (Finch, arXiv 2404.05892): a decay per channel, and a token reads the state in
// front of it; its own key counts with a weight of its own, the bonus u.
//
//     o_t = (S_{t-1} + diag(u) k_t v_t^T)^T r_t
//     S_t = diag(exp(w_t)) S_{t-1} + k_t v_t^T      w = -exp(...)
//
// RWKV-6-World-3B has 40 heads of 64. Here are 2 of 8 and 6.

func.func @rwkv6(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                 %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                 %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                 %w: tensor<?x?x2x8xf32, #attn.gate<log>> {attn.name = "w"},
                 %u: tensor<2x8xf32> {attn.name = "u"},
                 %s0: tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%w : tensor<?x?x2x8xf32, #attn.gate<log>>)
      bonus(%u : tensor<2x8xf32>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>) scale(1.0)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
