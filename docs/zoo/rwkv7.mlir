// RWKV-7 (Goose, arXiv 2503.14456): what is erased is read by one vector and taken out
// along another, and it is read in front of the decay: diagonal plus low rank.
//
//     S_t = diag(exp(w_t)) S_{t-1} + b_t (a_t^T S_{t-1}) + k_t v_t^T
//     o_t = S_t^T r_t                               a = -kk, b = kk * a_gate
//
// where kk is the key, normalised, and w = -0.606531 sigmoid(...). The caller computes
// a, b, k and w; the bonus and the group norm behind are no part of this program.
// RWKV-7-World-2.9B has 40 heads of 64. Here are 2 of 8 and 6.

func.func @rwkv7(%q: tensor<?x?x2x8xbf16> {attn.name = "q"},
                 %k: tensor<?x?x2x8xbf16> {attn.name = "k"},
                 %v: tensor<?x?x2x6xbf16> {attn.name = "v"},
                 %a: tensor<?x?x2x8xbf16> {attn.name = "a"},
                 %b: tensor<?x?x2x8xbf16> {attn.name = "b"},
                 %w: tensor<?x?x2x8xf32, #attn.gate<log>> {attn.name = "w"},
                 %s0: tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "state"})
    -> (tensor<?x?x2x6xbf16> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%w : tensor<?x?x2x8xf32, #attn.gate<log>>)
      erase_key(%a : tensor<?x?x2x8xbf16>)
      erase_direction(%b : tensor<?x?x2x8xbf16>)
      before_decay
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>) scale(1.0)
      : tensor<?x?x2x8xbf16>, tensor<?x?x2x8xbf16>, tensor<?x?x2x6xbf16>
      -> tensor<?x?x2x6xbf16> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s : tensor<?x?x2x6xbf16>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
