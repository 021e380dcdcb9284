// A block of Swin (arXiv 2103.14030) with shifted windows: the 49 tokens of a window of
// 7 x 7 see those of their own region, for the shift brings parts of the image together
// that are no neighbours; a learned bias depends on the difference of rows and columns.
// Windows are the batch.
//
//     o = softmax(q k^T / sqrt(32) + bias[h, i, j] + (ids[b, j] = ids[b, p])) v
//
// Reference only: 'attn.bias' op is not lowered to the tile level

!q = tensor<?x49x3x32xbf16>
!bias = tensor<1x3x49x49xf32>

func.func @swin(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                %v: !q {attn.name = "v"},
                %regions: tensor<?x49xi32> {attn.name = "regions"},
                %bias: !bias {attn.name = "bias"}) -> (!q {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : !q, !q
  %o = attn.attention %q, %kv mask(document(%regions : tensor<?x49xi32>))
      score(bias(%bias : !bias)) : !q, !attn.kv<!q, !q> -> !q
  return %o : !q
}
