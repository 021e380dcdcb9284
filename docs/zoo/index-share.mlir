// IndexShare (GLM-5.2; IndexCache, arXiv 2603.12201): of several layers one has an indexer,
// and the others attend to the tokens that it has chosen. The selection is a value that
// more than one attention uses. Here 2 index heads, 4 tokens and 2 layers; in GLM-5.2 32,
// 2048 and 78 layers of 64 heads, of which 21 have an indexer.
//
//     tokens = top 4 of sum_h w_h relu(qi_h ki / sqrt(16)), causal
//     o_l = softmax(q_l c_l^T / sqrt(48) + (j in tokens and j <= p)) c_l[:32]      l = 0, 1
//
// Reference only: 'attn.select' op is not lowered to the tile level

!q = tensor<1x?x4x48xf32>
!c = tensor<1x?x1x48xf32>
!o = tensor<1x?x4x32xf32>
!kv = !attn.kv<!c, tensor<1x?x1x32xf32>>
!tokens = tensor<1x?x1x4xi32>

func.func @index_share(%q0: !q {attn.name = "q0"}, %c0: !c {attn.name = "c0"},
                       %q1: !q {attn.name = "q1"}, %c1: !c {attn.name = "c1"},
                       %qi: tensor<1x?x2x16xf32> {attn.name = "q_index"},
                       %ki: tensor<1x?x1x16xf32> {attn.name = "k_index"},
                       %w: tensor<1x?x2xf32> {attn.name = "w"})
    -> (!o {attn.name = "o0"}, !o {attn.name = "o1"}) {
  %tokens = attn.select %qi, %ki weights(%w : tensor<1x?x2xf32>) mask(causal)
      scale(0.25) relu top<4>
      : tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32> -> !tokens
  %all0 = attn.kv.latent %c0 slice<32> : !c
  %kv0 = attn.kv.gather %all0 at %tokens : !kv, !tokens
  %o0 = attn.attention %q0, %kv0 mask(causal) : !q, !kv -> !o
  %all1 = attn.kv.latent %c1 slice<32> : !c
  %kv1 = attn.kv.gather %all1 at %tokens : !kv, !tokens
  %o1 = attn.attention %q1, %kv1 mask(causal) : !q, !kv -> !o
  return %o0, %o1 : !o, !o
}
