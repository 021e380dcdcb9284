// Gated DeltaNet-2 (arXiv 2605.22791): what is erased has a gate per channel of the key,
// what is written one per channel of the value.
//
//     S = diag(exp(g_t)) S_{t-1}
//     S_t = S + k_t (w_t * v_t - S^T (b_t * k_t))^T
//     o_t = S_t^T q_t K^-1/2
//
// The default of fla-org/flash-linear-attention is 16 heads of 128. Here are 2 of 8 and
// 6.

func.func @gdn2(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                %g: tensor<?x?x2x8xf32, #attn.gate<log>> {attn.name = "g"},
                %b: tensor<?x?x2x8xf32> {attn.name = "b"},
                %w: tensor<?x?x2x6xf32> {attn.name = "w"},
                %s0: tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x2x8xf32, #attn.gate<log>>)
      erase(%b : tensor<?x?x2x8xf32>)
      write(%w : tensor<?x?x2x6xf32>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
