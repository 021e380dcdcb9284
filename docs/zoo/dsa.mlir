// DeepSeek sparse attention (DeepSeek-V3.2, arXiv 2512.02556): the lightning indexer scores
// each token with a sum of rectified products, weighted per head and query, and all heads
// of the latent attention see the best tokens. Here 2 index heads and 4 tokens, in the
// model 64 and 2048, of 128 heads.
//
//     I_ts = sum_h w_th relu(qi_th ki_s / sqrt(16)),  tokens = top 4 of I_t, s <= t
//     o = softmax(0.135234 q c^T + (j in tokens and j <= p)) c[:32]
//
// Reference only: 'attn.select' op is not lowered to the tile level

!q = tensor<1x?x4x48xf32>
!c = tensor<1x?x1x48xf32>
!kv = !attn.kv<!c, tensor<1x?x1x32xf32>>
!tokens = tensor<1x?x1x4xi32>

func.func @dsa(%q: !q {attn.name = "q"}, %c: !c {attn.name = "c"},
               %qi: tensor<1x?x2x16xf32> {attn.name = "q_index"},
               %ki: tensor<1x?x1x16xf32> {attn.name = "k_index"},
               %w: tensor<1x?x2xf32> {attn.name = "w"})
    -> (tensor<1x?x4x32xf32> {attn.name = "o"}, !tokens {attn.name = "tokens"}) {
  %tokens = attn.select %qi, %ki weights(%w : tensor<1x?x2xf32>) mask(causal)
      scale(0.25) relu top<4>
      : tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32> -> !tokens
  %all = attn.kv.latent %c slice<32> : !c
  %kv = attn.kv.gather %all at %tokens : !kv, !tokens
  %o = attn.attention %q, %kv mask(causal) scale(0.135234)
      : !q, !kv -> tensor<1x?x4x32xf32>
  return %o, %tokens : tensor<1x?x4x32xf32>, !tokens
}
