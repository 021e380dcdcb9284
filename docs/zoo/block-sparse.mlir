// Attention over blocks of keys that lists name for each block of queries, as a
// block mask of FlexAttention (arXiv 2412.05496) has them: the mask applies to the
// partial blocks, the full ones are seen as a whole, no other is loaded.
// tools/scripts/block_lists.py makes lists of a pattern.
//
//     o = softmax(q k^T / sqrt(128) + (full[i, j] or partial[i, j] and j <= p)) v

func.func @block_sparse(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                        %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                        %v: tensor<?x?x8x128xbf16> {attn.name = "v"},
                        %counts: tensor<?x1x?xi32> {attn.name = "counts"},
                        %columns: tensor<?x1x?x?xi32> {attn.name = "columns"},
                        %full_counts: tensor<?x1x?xi32> {attn.name = "full_counts"},
                        %full_columns: tensor<?x1x?x?xi32> {attn.name = "full_columns"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"},
        tensor<?x32x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal) blocks<128, 128>
      partial(%counts, %columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      full(%full_counts, %full_columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
  return %o, %lse : tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
}
