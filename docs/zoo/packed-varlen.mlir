// Patch n' Pack (NaViT, arXiv 2307.06304): images of different sizes, and so numbers of
// patches, stand one after the other without padding; cu_seqlens[b] is the row where
// image b begins, as in the varlen functions of FlashAttention (arXiv 2205.14135). A
// patch sees its own image.
//
//     o = softmax(q k^T / sqrt(64)) v      for each image

func.func @packed_varlen(%q: tensor<?x16x64xbf16> {attn.name = "q"},
                         %k: tensor<?x16x64xbf16> {attn.name = "k"},
                         %v: tensor<?x16x64xbf16> {attn.name = "v"},
                         %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (tensor<?x16x64xbf16> {attn.name = "o"},
        tensor<16x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %v, %cu
      : tensor<?x16x64xbf16>, tensor<?x16x64xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>)
      : tensor<?x16x64xbf16>,
        !attn.kv<tensor<?x16x64xbf16>, tensor<?x16x64xbf16>>
      -> tensor<?x16x64xbf16>, tensor<16x?xf32>
  return %o, %lse : tensor<?x16x64xbf16>, tensor<16x?xf32>
}
