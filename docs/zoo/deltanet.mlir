// DeltaNet (arXiv 2406.06484): a token replaces what the state holds for its key, beta
// of it.
//
//     S_t = S_{t-1} + beta_t k_t (v_t - S_{t-1}^T k_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// Queries and keys are normalised by the caller. DeltaNet-1.3B has 16 heads of 128.
// Here are 2 of 8 and 6.

func.func @deltanet(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                    %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                    %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                    %beta: tensor<?x?x2xf32> {attn.name = "beta"},
                    %s0: tensor<?x2x8x6xf32, #attn.state<key_value>>
                        {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      erase(%beta : tensor<?x?x2xf32>)
      write(%beta : tensor<?x?x2xf32>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
