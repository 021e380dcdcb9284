// StreamingLLM (arXiv 2309.17453), as a mask: a query sees the first 4 tokens and
// a window of 1024 that ends with it.
//
//     o = softmax(q k^T / sqrt(128) + (j <= p and (j < 4 or j > p - 1024))) v

func.func @streaming_llm(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                         %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                         %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"},
        tensor<?x32x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv
      mask(causal and (first<4> or window<1023, 0>))
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
  return %o, %lse : tensor<?x?x32x128xbf16>, tensor<?x32x?xf32>
}
