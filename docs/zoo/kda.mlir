// Kimi Delta Attention (Kimi Linear, arXiv 2510.26692): the delta rule with a decay per
// channel. Queries and keys are normalised here.
//
//     S = diag(exp(g_t)) S_{t-1}
//     S_t = S + beta_t k_t (v_t - S^T k_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// Kimi-Linear-48B-A3B has 32 heads of 128 for keys and for values. Here are 2 heads of
// 8 for keys and 4 of 6 for values.

func.func @kda(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
               %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
               %v: tensor<?x?x4x6xbf16> {attn.name = "v"},
               %g: tensor<?x?x4x8xf32, #attn.gate<log>> {attn.name = "g"},
               %beta: tensor<?x?x4xf32> {attn.name = "beta"},
               %s0: tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x4x6xbf16> {attn.name = "o"},
        tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x4x8xf32, #attn.gate<log>>)
      erase(%beta : tensor<?x?x4xf32>)
      write(%beta : tensor<?x?x4xf32>)
      state(%s0 : tensor<?x4x8x6xf32, #attn.state<key_value>>)
      l2_normalize(1.0e-06)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x4x6xbf16>
      -> tensor<?x?x4x6xbf16> state(tensor<?x4x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x4x6xbf16>, tensor<?x4x8x6xf32, #attn.state<key_value>>
}
