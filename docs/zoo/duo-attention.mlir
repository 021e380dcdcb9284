// DuoAttention (arXiv 2410.10819): some key heads retrieve from the whole context, the
// others stream, with the first 64 tokens and the last 256. Which head is which was
// learned: a table of the heads.
//
//     o = softmax(q k^T / sqrt(128)
//                 + (j <= p and (retrieves[h] or j < 64 or j > p - 256))) v

func.func @duo_attention(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                         %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                         %v: tensor<?x?x8x128xbf16> {attn.name = "v"},
                         %retrieves: tensor<32xi1> {attn.name = "retrieves"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %past = attn.causal %p, %j
    %first = attn.first<64> %j
    %recent = attn.window<255, 0> %p, %j
    %all = attn.read %retrieves[%h] : tensor<32xi1>
    %stream = arith.ori %first, %recent : i1
    %any = arith.ori %all, %stream : i1
    %keep = arith.andi %past, %any : i1
    attn.yield %keep : i1
  }
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x32x128xbf16>
  return %o : tensor<?x?x32x128xbf16>
}
