// Sparse decoding of DeepSeek-V3.2 (arXiv 2512.02556, FlashMLA): each row of the cache has
// 656 bytes, 512 e4m3 numbers with a scale per 128, and 64 bf16 numbers that carry the
// position. An indexer has named the keys of each query; -1 is padding, and a number that
// is too large or stands there twice counts nothing. With 128 heads in the model.
//
//     o = softmax(0.135234 q c^T + (j in indices)) c[:512]      c = unpack(bytes)
//
// Reference only: 'attn.unpack_mla' op is not lowered to the tile level

!q = tensor<?x?x2x576xbf16>
!bytes = tensor<?x4x1x656xi8>
!pages = tensor<?x4x1x576xbf16>
!kv = !attn.kv<tensor<?x?x1x576xbf16>, tensor<?x?x1x512xbf16>>

func.func @deepseek_v32_decode(%q: !q {attn.name = "q"},
                               %bytes: !bytes {attn.name = "cache"},
                               %table: tensor<?x?xi32> {attn.name = "table"},
                               %lengths: tensor<?xi32> {attn.name = "lengths"},
                               %indices: tensor<?x?x1x6xi32> {attn.name = "indices"})
    -> (tensor<?x?x2x512xbf16> {attn.name = "o"},
        tensor<?x2x?xf32> {attn.name = "lse"}) {
  %pages = attn.unpack_mla %bytes : !bytes -> !pages
  %all = attn.kv.paged %pages slice<512>
      table(%table, %lengths : tensor<?x?xi32>, tensor<?xi32>) : !pages
  %kv = attn.kv.gather %all at %indices : !kv, tensor<?x?x1x6xi32>
  %o, %lse = attn.attention %q, %kv mask(causal) scale(0.135234)
      : !q, !kv -> tensor<?x?x2x512xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x?x2x512xbf16>, tensor<?x2x?xf32>
}
