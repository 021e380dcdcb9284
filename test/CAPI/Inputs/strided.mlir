func.func @strided(
    %q: tensor<?x?x2x64xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x64xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x64xbf16> {attn.name = "v"},
    %bias: tensor<?x2x?x?xf32> {attn.name = "bias"},
    %ids: tensor<?x?xi32> {attn.name = "ids"},
    %slopes: tensor<?xf32> {attn.name = "slopes"},
    %counts: tensor<?x1x?xi32> {attn.name = "counts"},
    %columns: tensor<?x1x?x?xi32> {attn.name = "columns"})
    -> (tensor<?x?x2x64xbf16> {attn.name = "o"},
        tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  %o, %lse = attn.attention %q, %kv mask(document(%ids : tensor<?x?xi32>)) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %one = attn.read %bias[%b, %h, %p, %j] covers : tensor<?x2x?x?xf32>
    %y = arith.addf %x, %one : f32
    %z = attn.alibi %y, %slopes, %h, %p, %j : tensor<?xf32>
    attn.yield %z : f32
  } blocks<64, 64> partial(%counts, %columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)
      : tensor<?x?x2x64xbf16>,
        !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>
      -> tensor<?x?x2x64xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x?x2x64xbf16>, tensor<?x2x?xf32>
}
