// DeepSeek sparse attention over packed sequences (DeepSeek-V3.2, arXiv 2512.02556), as a
// server prefills and decodes requests of varying length in one batch: the tokens that the
// indexer chooses are counted in the sequence of the query, and are what the gather takes.
// Here 2 index heads and 4 tokens, in the model 64 and 2048, of 128 heads.
//
//     I_ts = sum_h w_th relu(qi_th ki_s / sqrt(16)),  tokens = top 4 of I_t, s <= p
//     o = softmax(0.135234 q c^T + (j in tokens and j <= p)) c[:32]      per sequence
//
// Reference only: 'attn.select' op is not lowered to the tile level

!q = tensor<?x4x48xf32>
!c = tensor<?x1x48xf32>
!kv = !attn.kv<!c, tensor<?x1x32xf32>>
!tokens = tensor<?x1x4xi32>
!ends = tensor<?xi32>

func.func @dsa_packed(%q: !q {attn.name = "q"}, %c: !c {attn.name = "c"},
                      %qi: tensor<?x2x16xf32> {attn.name = "q_index"},
                      %ki: tensor<?x1x16xf32> {attn.name = "k_index"},
                      %w: tensor<?x2xf32> {attn.name = "w"},
                      %cu_q: !ends {attn.name = "cu_seqlens_q"},
                      %cu_k: !ends {attn.name = "cu_seqlens_k"})
    -> (tensor<?x4x32xf32> {attn.name = "o"}, !tokens {attn.name = "tokens"}) {
  %tokens = attn.select %qi, %ki cu_seqlens(%cu_q, %cu_k : !ends, !ends)
      weights(%w : tensor<?x2xf32>) mask(causal) scale(0.25) relu top<4>
      : tensor<?x2x16xf32>, tensor<?x1x16xf32> -> !tokens
  %all = attn.kv.latent %c slice<32> cu_seqlens(%cu_k : !ends) : !c
  %kv = attn.kv.gather %all at %tokens : !kv, !tokens
  %o = attn.attention %q, %kv cu_seqlens(%cu_q : !ends) mask(causal) scale(0.135234)
      : !q, !kv -> tensor<?x4x32xf32>
  return %o, %tokens : tensor<?x4x32xf32>, !tokens
}
