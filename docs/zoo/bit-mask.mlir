// A mask of bits, packed 32 to a word, that the host has computed: any pattern at all, for
// each sequence and query.
//
//     o = softmax(q k^T / sqrt(64) + bit(words[b, i], j)) v
//
// Reference only: 'attn.bits' op is not lowered to the tile level

!q = tensor<?x?x4x64xbf16>

func.func @bit_mask(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                    %v: !q {attn.name = "v"},
                    %words: tensor<?x?x?xi32> {attn.name = "words"})
    -> (!q {attn.name = "o"}, tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !q, !q
  %o, %lse = attn.attention %q, %kv mask(bits(%words : tensor<?x?x?xi32>))
      : !q, !attn.kv<!q, !q> -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}
