func.func @packed(
    %q: tensor<?x2x128xbf16> {attn.name = "q"},
    %k: tensor<?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x2x128xbf16> {attn.name = "v"},
    %cu_q: tensor<?xi32> {attn.name = "cu_q"},
    %cu_k: tensor<?xi32> {attn.name = "cu_k"})
    -> (tensor<?x2x128xbf16> {attn.name = "o"},
        tensor<2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %v, %cu_k
      : tensor<?x2x128xbf16>, tensor<?x2x128xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      : tensor<?x2x128xbf16>,
        !attn.kv<tensor<?x2x128xbf16>, tensor<?x2x128xbf16>>
      -> tensor<?x2x128xbf16>, tensor<2x?xf32>
  return %o, %lse : tensor<?x2x128xbf16>, tensor<2x?xf32>
}
