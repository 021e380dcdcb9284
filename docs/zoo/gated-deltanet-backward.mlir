// The backward pass of Gated DeltaNet (arXiv 2412.06464): from the gradients of the
// output and of the final state those of everything it was computed from. Where one
// tensor is both what is erased and what is written, its gradient is the sum of both.
//
//     S = exp(g_t) S_{t-1}
//     S_t = S + beta_t k_t (v_t - S^T k_t)^T
//     o_t = S_t^T q_t K^-1/2
//
// Qwen3-Next-80B-A3B has 16 heads of 128 for queries and keys, 32 of 128 for values.
// Here are 2 of 8 and 4 of 6.
//
// Reference only: 'attn.recurrence_backward' op is not lowered to the tile level

!qk = tensor<?x?x2x8xf32>
!v = tensor<?x?x4x6xf32>
!g = tensor<?x?x4xf32, #attn.gate<log>>
!beta = tensor<?x?x4xf32>
!state = tensor<?x4x8x6xf32, #attn.state<key_value>>

func.func @gated_deltanet_backward(
    %q: tensor<?x?x2x8xf32> {attn.name = "q"},
    %k: tensor<?x?x2x8xf32> {attn.name = "k"},
    %v: tensor<?x?x4x6xf32> {attn.name = "v"},
    %g: tensor<?x?x4xf32, #attn.gate<log>> {attn.name = "g"},
    %beta: tensor<?x?x4xf32> {attn.name = "beta"},
    %s0: tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "state"},
    %do: tensor<?x?x4x6xf32> {attn.name = "grad_o"},
    %ds: tensor<?x4x8x6xf32, #attn.state<key_value>>
        {attn.name = "grad_final_state"})
    -> (tensor<?x?x2x8xf32> {attn.name = "grad_q"},
        tensor<?x?x2x8xf32> {attn.name = "grad_k"},
        tensor<?x?x4x6xf32> {attn.name = "grad_v"},
        tensor<?x?x4xf32, #attn.gate<log>> {attn.name = "grad_g"},
        tensor<?x?x4xf32> {attn.name = "grad_beta"},
        tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "grad_state"}) {
  %dq, %dk, %dv, %dg, %erase, %write, %ds0 = attn.recurrence_backward %q, %k, %v
      decay(%g : !g) erase(%beta : !beta) write(%beta : !beta)
      state(%s0 : !state) l2_normalize(1.0e-06)
      gradient(%do : !v) state_gradient(%ds : !state)
      : !qk, !qk, !v
      -> !qk, !qk, !v decay(!g) erase(!beta) write(!beta) state(!state)
  %dbeta = arith.addf %erase, %write : !beta
  return %dq, %dk, %dv, %dg, %dbeta, %ds0 : !qk, !qk, !v, !g, !beta, !state
}
