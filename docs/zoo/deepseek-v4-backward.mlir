// The gradients of an attention of DeepSeek-V4 (2026), whose softmax has a sink and keys from
// two places: a window of raw tokens, and an entry for each whole block of the past. Each
// place has a gradient of its own, in which keys and values are one. Here a window of 4,
// blocks of 4 and heads of 16, in the model 128, 128 (or 4) and 512.
//
//     p = softmax([q [k, e]^T / 4 + visible, sink]),  o = p [k, e, 0]
//     d[k, e] = p^T do + ds^T q / 4,  dq = ds [k, e] / 4,  ds = p (do [k, e]^T - rowsum(do o))
//     dsink = -sum_i p(sink)_i rowsum(do o)_i
//
// Reference only: 'attn.kv.latent' op is not lowered to the tile level

!q = tensor<1x10x2x16xf32>
!k = tensor<1x10x1x16xf32>
!e = tensor<1x2x1x16xf32>
!lse = tensor<1x2x10xf32>
!positions = tensor<1x10xi32>
!window = !attn.kv<!k, !k>
!entries = !attn.kv<!e, !e>
!both = !attn.kv<tensor<1x12x1x16xf32>, tensor<1x12x1x16xf32>>

func.func @deepseek_v4_backward(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                                %e: !e {attn.name = "e"}, %do: !q {attn.name = "do"},
                                %sink: tensor<2xf32> {attn.name = "sink"},
                                %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "dq"}, !k {attn.name = "dk"}, !e {attn.name = "de"},
        tensor<2xf32> {attn.name = "dsink"}) {
  %window = attn.kv.latent %k slice<16> : !k
  %entries = attn.kv.latent %e slice<16> : !e
  %kv = attn.kv.concat %window, %entries : !window, !entries -> !both
  %o, %lse = attn.attention %q, %kv positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %tokens = arith.constant 10 : index
    %block = arith.constant 4 : index
    %one = arith.constant 1 : index
    %near = attn.window<3, 0> %p, %j
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %block : index
    %behind = arith.addi %tokens, %whole : index
    %isToken = arith.cmpi slt, %j, %tokens : index
    %isWhole = arith.cmpi slt, %j, %behind : index
    %keep = arith.select %isToken, %near, %isWhole : i1
    attn.yield %keep : i1
  } sink(%sink : tensor<2xf32>) : !q, !both -> !q, !lse
  %dq, %dk, %de, %dsink = attn.attention_backward %q, %kv, %do of(%o, %lse)
      positions(%positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %tokens = arith.constant 10 : index
    %block = arith.constant 4 : index
    %one = arith.constant 1 : index
    %near = attn.window<3, 0> %p, %j
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %block : index
    %behind = arith.addi %tokens, %whole : index
    %isToken = arith.cmpi slt, %j, %tokens : index
    %isWhole = arith.cmpi slt, %j, %behind : index
    %keep = arith.select %isToken, %near, %isWhole : i1
    attn.yield %keep : i1
  } sink(%sink)
      : (!q, !both, !q, !q, !lse, !positions, tensor<2xf32>)
      -> !q, !k, !e d_sink(tensor<2xf32>)
  return %dq, %dk, %de, %dsink : !q, !k, !e, tensor<2xf32>
}
