// Gated DeltaNet (arXiv 2412.06464) as a server decodes and prefills it: requests are
// packed, and each has a slot of a pool of states, which are kept [V, K]. A request of
// slot -1 is padding of the batch, and one without tokens keeps its state. The decay is
// linear, as FlashInfer's prefill takes it.
//
//     S = alpha_t S_{t-1}
//     S_t = S + beta_t k_t (v_t - S^T k_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// Qwen3-Next-80B-A3B has 16 heads of 128 for queries and keys, 32 of 128 for values.
// Here are 2 of 8 and 4 of 6.

func.func @gated_deltanet_decode(
    %q: tensor<?x2x8xbf16> {attn.name = "q"},
    %k: tensor<?x2x8xbf16> {attn.name = "k"},
    %v: tensor<?x4x6xbf16> {attn.name = "v"},
    %alpha: tensor<?x4xf32, #attn.gate<linear>> {attn.name = "alpha"},
    %beta: tensor<?x4xf32> {attn.name = "beta"},
    %pool: tensor<?x4x6x8xf32, #attn.state<value_key>> {attn.name = "pool"},
    %slots: tensor<?xi32> {attn.name = "slots"},
    %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (tensor<?x4x6xbf16> {attn.name = "o"},
        tensor<?x4x6x8xf32, #attn.state<value_key>> {attn.name = "final_pool"}) {
  %o, %s = attn.recurrence %q, %k, %v
      decay(%alpha : tensor<?x4xf32, #attn.gate<linear>>)
      erase(%beta : tensor<?x4xf32>) write(%beta : tensor<?x4xf32>)
      state(%pool : tensor<?x4x6x8xf32, #attn.state<value_key>>)
      slots(%slots : tensor<?xi32>) cu_seqlens(%cu : tensor<?xi32>)
      l2_normalize(1.0e-06)
      : tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x6xbf16>
      -> tensor<?x4x6xbf16> state(tensor<?x4x6x8xf32, #attn.state<value_key>>)
  return %o, %s
      : tensor<?x4x6xbf16>, tensor<?x4x6x8xf32, #attn.state<value_key>>
}
