// Gated linear attention (arXiv 2312.06635): every channel of the key decays by a gate
// of its own, which depends on the token.
//
//     S_t = diag(exp(g_t)) S_{t-1} + k_t v_t^T
//     o_t = S_t^T q_t K^-1/2
//
// GLA-1.3B has 4 heads of 256 (keys) and 512 (values). Here are 2 of 8 and 6.

func.func @gla(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
               %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
               %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
               %g: tensor<?x?x2x8xf32, #attn.gate<log>> {attn.name = "g"},
               %s0: tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x2x8xf32, #attn.gate<log>>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
