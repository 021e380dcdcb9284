// Heavily compressed attention of DeepSeek-V4 (2026): one key head whose keys are the
// values as well; a query sees, in one softmax with a sink, a window of raw tokens and an
// entry for each whole block of the past, a gated mean of its tokens. Here a window of 4 and
// blocks of 4, in the model 128 and 128; heads of 512, of which 64 channels carry the
// position of the entry and are turned back in the output; here of 16 and 8.
//
//     e_w = R(sum_s softmax_s(z_{4w+s} + bias_s) c_{4w+s}, 4w)
//     o = R^-1(softmax([q [k, e]^T / 4 + visible, sink]) [k, e, 0])
//
// Reference only: 'attn.compress' op is not lowered to the tile level

!q = tensor<1x10x2x16xf32>
!k = tensor<1x10x1x16xf32>
!e = tensor<1x2x1x16xf32>
!positions = tensor<1x10xi32>
!window = !attn.kv<!k, !k>
!entries = !attn.kv<!e, !e>
!both = !attn.kv<tensor<1x12x1x16xf32>, tensor<1x12x1x16xf32>>

func.func @deepseek_v4_hca(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                           %c: !k {attn.name = "c"}, %z: !k {attn.name = "z"},
                           %bias: tensor<4x1x16xf32> {attn.name = "bias"},
                           %sink: tensor<2xf32> {attn.name = "sink"},
                           %positions: !positions {attn.name = "positions"},
                           %frequencies: tensor<4xf32> {attn.name = "frequencies"})
    -> (!q {attn.name = "o"}) {
  %raw = attn.compress %c gate(%z : !k) bias(%bias : tensor<4x1x16xf32>)
      block<4> stride<4> : !k -> !e
  %starts = arith.constant dense<[[0, 4]]> : tensor<1x2xi32>
  %e = attn.rotary %raw at %starts by %frequencies interleaved offset<8>
      : !e, tensor<1x2xi32>, tensor<4xf32>
  %window = attn.kv.latent %k slice<16> : !k
  %entries = attn.kv.latent %e slice<16> : !e
  %kv = attn.kv.concat %window, %entries : !window, !entries -> !both
  // The first 10 positions are tokens, then come the entries.
  %x = attn.attention %q, %kv positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %tokens = arith.constant 10 : index
    %one = arith.constant 1 : index
    %block = arith.constant 4 : index
    %isToken = arith.cmpi slt, %j, %tokens : index
    %near = attn.window<3, 0> %p, %j
    %entry = arith.subi %j, %tokens : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %block : index
    %past = arith.cmpi slt, %entry, %whole : index
    %keep = arith.select %isToken, %near, %past : i1
    attn.yield %keep : i1
  } sink(%sink : tensor<2xf32>) : !q, !both -> !q
  %o = attn.rotary %x at %positions by %frequencies interleaved offset<8> inverse
      : !q, !positions, tensor<4xf32>
  return %o : !q
}
