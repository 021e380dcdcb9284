// Sliding-window attention of Mistral-7B (arXiv 2310.06825): a query sees itself
// and the 4095 keys before it.
//
//     o = softmax(q k^T / sqrt(128) + (p - 4096 < j <= p)) v

func.func @sliding_window_mistral(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                                  %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                                  %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv mask(causal and window<4095, 0>)
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>
  return %o : tensor<?x?x32x128xbf16>
}
