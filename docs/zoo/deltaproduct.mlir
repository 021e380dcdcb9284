// Gated DeltaProduct (arXiv 2502.10297): several steps of the delta rule for each token,
// here 3, whose transition is a product of that many reflections. The state decays in
// front of the first and is read behind the last.
//
//     S = exp(g_t) S_{t-1}
//     S = S + beta_tj k_tj (v_tj - S^T k_tj)^T      for j = 1, 2, 3
//     o_t = S^T q_t K^-1/2
//
// Row 3 t + j of keys, values and beta is step j of token t. The 1.3B model of the
// paper has heads of 128. Here are 2 of 8 and 6.
//
// Reference only: 'attn.recurrence' op has micro_steps and a number of tokens that is not static

func.func @deltaproduct(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                        %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                        %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                        %g: tensor<?x?x2xf32, #attn.gate<log>> {attn.name = "g"},
                        %beta: tensor<?x?x2xf32> {attn.name = "beta"},
                        %s0: tensor<?x2x8x6xf32, #attn.state<key_value>>
                            {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%g : tensor<?x?x2xf32, #attn.gate<log>>)
      erase(%beta : tensor<?x?x2xf32>)
      write(%beta : tensor<?x?x2xf32>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>) micro_steps(3)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
