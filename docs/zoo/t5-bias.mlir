// The encoder of T5 (arXiv 1910.10683): a learned bias per head for each of 32 buckets of
// distances, 8 exact ones and 8 logarithmic ones up to 128 on either side. Its scores are
// not scaled.
//
//     o = softmax(q k^T + table[bucket(j - p), h]) v

func.func @t5_bias(%q: tensor<?x?x12x64xbf16> {attn.name = "q"},
                   %k: tensor<?x?x12x64xbf16> {attn.name = "k"},
                   %v: tensor<?x?x12x64xbf16> {attn.name = "v"},
                   %table: tensor<32x12xf32> {attn.name = "table"})
    -> (tensor<?x?x12x64xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %zero = arith.constant 0 : i64
    %one = arith.constant 1 : i64
    %exact = arith.constant 8 : i64
    %side = arith.constant 16 : i64
    %last = arith.constant 15 : i64
    %difference = arith.subi %j, %p : index
    %signed = arith.index_cast %difference : index to i64
    %opposite = arith.subi %zero, %signed : i64
    %distance = arith.maxsi %signed, %opposite : i64
    %isAfter = arith.cmpi sgt, %signed, %zero : i64
    %first = arith.select %isAfter, %side, %zero : i64
    // 8 + 8 ln(distance / 8) / ln(128 / 8)
    %guarded = arith.maxsi %distance, %one : i64
    %length = arith.sitofp %guarded : i64 to f32
    %eighth = arith.constant 0.125 : f32
    %share = arith.mulf %length, %eighth : f32
    %log = math.log %share : f32
    %sixteen = arith.constant 16.0 : f32
    %range = math.log %sixteen : f32
    %part = arith.divf %log, %range : f32
    %eight = arith.constant 8.0 : f32
    %steps = arith.mulf %part, %eight : f32
    %whole = arith.fptosi %steps : f32 to i64
    %far = arith.addi %exact, %whole : i64
    %bounded = arith.minsi %far, %last : i64
    %isNear = arith.cmpi slt, %distance, %exact : i64
    %bucket = arith.select %isNear, %distance, %bounded : i64
    %number = arith.addi %first, %bucket : i64
    %row = arith.index_cast %number : i64 to index
    %bias = attn.read %table[%row, %h] : tensor<32x12xf32>
    %y = arith.addf %x, %bias : f32
    attn.yield %y : f32
  } scale(1.0)
      : tensor<?x?x12x64xbf16>,
        !attn.kv<tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>>
      -> tensor<?x?x12x64xbf16>
  return %o : tensor<?x?x12x64xbf16>
}
