// The local layers of Longformer (arXiv 2004.05150): a token sees 256 tokens on
// either side, and the first token, which sees all, is seen by all. (Its own row has
// projections of its own there: a second attention.) The lists name the blocks that
// have such pairs, so that a row of blocks costs what its window does.
//
//     o = softmax(q k^T / sqrt(64) + (|p - j| <= 256 or j = 0 or p = 0)) v

func.func @longformer(%q: tensor<?x?x12x64xbf16> {attn.name = "q"},
                      %k: tensor<?x?x12x64xbf16> {attn.name = "k"},
                      %v: tensor<?x?x12x64xbf16> {attn.name = "v"},
                      %counts: tensor<?x1x?xi32> {attn.name = "counts"},
                      %columns: tensor<?x1x?x?xi32> {attn.name = "columns"},
                      %full_counts: tensor<?x1x?xi32> {attn.name = "full_counts"},
                      %full_columns: tensor<?x1x?x?xi32> {attn.name = "full_columns"})
    -> (tensor<?x?x12x64xbf16> {attn.name = "o"},
        tensor<?x12x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>
  %o, %lse = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %one = arith.constant 1 : index
    %near = attn.window<256, 256> %p, %j
    %first = attn.first<1> %j
    %sees_all = arith.cmpi slt, %p, %one : index
    %local = arith.ori %near, %first : i1
    %keep = arith.ori %local, %sees_all : i1
    attn.yield %keep : i1
  } blocks<128, 128>
      partial(%counts, %columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      full(%full_counts, %full_columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      : tensor<?x?x12x64xbf16>,
        !attn.kv<tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>>
      -> tensor<?x?x12x64xbf16>, tensor<?x12x?xf32>
  return %o, %lse : tensor<?x?x12x64xbf16>, tensor<?x12x?xf32>
}
