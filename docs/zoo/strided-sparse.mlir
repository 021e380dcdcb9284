// The fixed pattern of the Sparse Transformer (arXiv 1904.10509) with a stride of 1024
// and 128 columns: a query sees the past of its own stretch of 1024 tokens, and the
// last 128 tokens of each stretch before.
//
//     o = softmax(q k^T / sqrt(64)
//                 + (j <= p and (j div 1024 = p div 1024 or j mod 1024 >= 896))) v

func.func @strided_sparse(%q: tensor<?x?x16x64xbf16> {attn.name = "q"},
                          %k: tensor<?x?x16x64xbf16> {attn.name = "k"},
                          %v: tensor<?x?x16x64xbf16> {attn.name = "v"},
                          %counts: tensor<?x1x?xi32> {attn.name = "counts"},
                          %columns: tensor<?x1x?x?xi32> {attn.name = "columns"},
                          %full_counts: tensor<?x1x?xi32> {attn.name = "full_counts"},
                          %full_columns: tensor<?x1x?x?xi32> {attn.name = "full_columns"})
    -> (tensor<?x?x16x64xbf16> {attn.name = "o"},
        tensor<?x16x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %o, %lse = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %stride = arith.constant 1024 : index
    %begin = arith.constant 896 : index
    %past = attn.causal %p, %j
    %own = attn.chunk<1024> %p, %j
    %column = arith.remsi %j, %stride : index
    %summary = arith.cmpi sge, %column, %begin : index
    %seen = arith.ori %own, %summary : i1
    %keep = arith.andi %past, %seen : i1
    attn.yield %keep : i1
  } blocks<128, 128>
      partial(%counts, %columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      full(%full_counts, %full_columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      : tensor<?x?x16x64xbf16>,
        !attn.kv<tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>>
      -> tensor<?x?x16x64xbf16>, tensor<?x16x?xf32>
  return %o, %lse : tensor<?x?x16x64xbf16>, tensor<?x16x?xf32>
}
