// The gradients of an attention with everything that has one: Gemma 2's softcap, slopes as
// in ALiBi, a bias per pair, a sink per head, grouped heads, and a gradient of the lse as
// well as of the output (FlashAttention, arXiv 2205.14135, for the form that takes output
// and lse). The forward attention stands in front.
//
//     dv = w^T do,  dx = w (do v^T - rowsum(do o)) + dlse exp(x - lse)
//     dq = s dx x' k,  dk = s (dx x')^T q,  x' = d score / d x,  dsink, dslopes, dbias
//
// Reference only: 'attn.attention_backward' op is not lowered to the tile level

!q = tensor<2x?x4x8xf32>
!k = tensor<2x?x2x8xf32>
!lse = tensor<2x4x?xf32>
!bias = tensor<1x4x?x?xf32>
!kv = !attn.kv<!k, !k>

func.func @attention_backward(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                              %v: !k {attn.name = "v"}, %do: !q {attn.name = "do"},
                              %dlse: !lse {attn.name = "dlse"},
                              %sink: tensor<4xf32> {attn.name = "sink"},
                              %slopes: tensor<4xf32> {attn.name = "slopes"},
                              %bias: !bias {attn.name = "bias"})
    -> (!q {attn.name = "dq"}, !k {attn.name = "dk"}, !k {attn.name = "dv"},
        tensor<4xf32> {attn.name = "dsink"}, tensor<4xf32> {attn.name = "dslopes"},
        !bias {attn.name = "dbias"}) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv mask(causal)
      score(softcap<2.0>, alibi(%slopes : tensor<4xf32>), bias(%bias : !bias))
      scale(0.5) sink(%sink : tensor<4xf32>) : !q, !kv -> !q, !lse
  %dq, %dk, %dv, %dsink, %dslopes, %dbias = attn.attention_backward
      %q, %kv, %do of(%o, %lse) d_lse(%dlse) mask(causal)
      score(softcap<2.0>, alibi(%slopes : tensor<4xf32>), bias(%bias : !bias))
      scale(0.5) sink(%sink) wrt(%slopes, %bias)
      : (!q, !kv, !q, !q, !lse, !lse, tensor<4xf32>, tensor<4xf32>, !bias)
      -> !q, !k, !k d_sink(tensor<4xf32>) d_wrt(tensor<4xf32>, !bias)
  return %dq, %dk, %dv, %dsink, %dslopes, %dbias
      : !q, !k, !k, tensor<4xf32>, tensor<4xf32>, !bias
}
