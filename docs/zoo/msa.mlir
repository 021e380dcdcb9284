// MiniMax sparse attention (arXiv 2606.13392): an index head per key head scores all keys,
// a block counts as much as its best key, and its query heads attend to the tokens of the
// best blocks and of their own. Here 3 blocks of 4, in MiniMax-M3 16 of 128; there the
// numbers of a query stand in ascending order, so that its own block is the last.
//
//     blocks = top 3 of max_{j in block} qi ki_j, the own block first
//     o = softmax(q k^T / sqrt(16) + (j <= p and block of j in blocks)) v
//
// Reference only: 'attn.select' op is not lowered to the tile level

!q = tensor<1x?x4x16xf32>
!k = tensor<1x?x2x16xf32>
!ki = tensor<1x?x1x16xf32>
!blocks = tensor<1x?x2x3xi32>
!kv = !attn.kv<!k, !k>

func.func @msa(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"}, %v: !k {attn.name = "v"},
               %qi: !k {attn.name = "q_index"}, %ki: !ki {attn.name = "k_index"})
    -> (!q {attn.name = "o"}, !blocks {attn.name = "blocks"}) {
  %blocks = attn.select %qi, %ki mask(causal) max_pool<4> block<4> forced<0, 1> top<3>
      : !k, !ki -> !blocks
  %all = attn.kv.dense %k, %v : !k, !k
  %kv = attn.kv.gather %all at %blocks block<4> : !kv, !blocks
  %o = attn.attention %q, %kv mask(causal) : !q, !kv -> !q
  return %o, %blocks : !q, !blocks
}
