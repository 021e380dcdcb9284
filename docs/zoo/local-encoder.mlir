// Local attention of an encoder, as in Longformer (arXiv 2004.05150) and
// ModernBERT (arXiv 2412.13663): a query sees 64 keys to either side.
//
//     o = softmax(q k^T / sqrt(128) + (|p - j| <= 64)) v

func.func @local_encoder(%q: tensor<?x?x12x128xbf16> {attn.name = "q"},
                         %k: tensor<?x?x12x128xbf16> {attn.name = "k"},
                         %v: tensor<?x?x12x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x12x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x12x128xbf16>, tensor<?x?x12x128xbf16>
  %o = attn.attention %q, %kv mask(window<64, 64>)
      : tensor<?x?x12x128xbf16>,
        !attn.kv<tensor<?x?x12x128xbf16>, tensor<?x?x12x128xbf16>>
      -> tensor<?x?x12x128xbf16>
  return %o : tensor<?x?x12x128xbf16>
}
