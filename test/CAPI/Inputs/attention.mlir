func.func @attention(
    %q: tensor<?x?x2x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x2x128xbf16> {attn.name = "o"},
        tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x2x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x2x128xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x?x2x128xbf16>, tensor<?x2x?xf32>
}
