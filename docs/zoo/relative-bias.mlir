// Relative position bias of T5 (arXiv 1910.10683) with one bucket per distance up
// to 127: a table that is read by a score region. T5 does not scale its scores.
//
//     o = softmax(q k^T + table[h, min(max(p - j, 0), 127)] + causal) v

func.func @relative_bias(%q: tensor<?x?x32x128xbf16> {attn.name = "q"},
                         %k: tensor<?x?x32x128xbf16> {attn.name = "k"},
                         %v: tensor<?x?x32x128xbf16> {attn.name = "v"},
                         %table: tensor<32x128xf32> {attn.name = "table"})
    -> (tensor<?x?x32x128xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x32x128xbf16>, tensor<?x?x32x128xbf16>
  %o = attn.attention %q, %kv mask(causal) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %zero = arith.constant 0 : index
    %last = arith.constant 127 : index
    %distance = arith.subi %p, %j : index
    %past = arith.maxsi %distance, %zero : index
    %bucket = arith.minsi %past, %last : index
    %bias = attn.read %table[%h, %bucket] : tensor<32x128xf32>
    %y = arith.addf %x, %bias : f32
    attn.yield %y : f32
  } scale(1.0)
      : tensor<?x?x32x128xbf16>,
        !attn.kv<tensor<?x?x32x128xbf16>, tensor<?x?x32x128xbf16>>
      -> tensor<?x?x32x128xbf16>
  return %o : tensor<?x?x32x128xbf16>
}
