// BigBird (arXiv 2007.14062) with blocks of 64: a block of queries sees the first and
// the last block of keys, its neighbours, and three that are drawn for each head. All
// blocks are seen as a whole.
//
//     o = softmax(q k^T / sqrt(64) + (block of j in columns[h, block of i])) v

func.func @bigbird(%q: tensor<?x?x12x64xbf16> {attn.name = "q"},
                   %k: tensor<?x?x12x64xbf16> {attn.name = "k"},
                   %v: tensor<?x?x12x64xbf16> {attn.name = "v"},
                   %counts: tensor<?x12x?xi32> {attn.name = "full_counts"},
                   %columns: tensor<?x12x?x?xi32> {attn.name = "full_columns"})
    -> (tensor<?x?x12x64xbf16> {attn.name = "o"},
        tensor<?x12x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>
  %o, %lse = attn.attention %q, %kv blocks<64, 64>
      full(%counts, %columns : tensor<?x12x?xi32>, tensor<?x12x?x?xi32>)
      : tensor<?x?x12x64xbf16>,
        !attn.kv<tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>>
      -> tensor<?x?x12x64xbf16>, tensor<?x12x?xf32>
  return %o, %lse : tensor<?x?x12x64xbf16>, tensor<?x12x?xf32>
}
