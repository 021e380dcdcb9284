// Comba (arXiv 2506.02475): the delta rule, but what is erased is read with a vector p of
// its own.
//
//     S = exp(g_t) S_{t-1}
//     S_t = S + beta_t k_t (v_t - S^T p_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// The 1.3B model of the paper has heads of 128. Here are 2 of 8 and 6.

func.func @comba(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                 %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                 %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                 %p: tensor<?x?x2x8xbf16> {attn.name = "p"},
                 %g: tensor<?x?x2xf32, #attn.gate<log>> {attn.name = "g"},
                 %beta: tensor<?x?x2xf32> {attn.name = "beta"},
                 %s0: tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x2xf32, #attn.gate<log>>)
      erase(%beta : tensor<?x?x2xf32>)
      erase_key(%p : tensor<?x?x2x8xbf16>)
      write(%beta : tensor<?x?x2xf32>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
