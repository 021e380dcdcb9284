// Differential attention (arXiv 2410.05258): of two softmaxes over halves of the queries
// and keys the second is subtracted, then each head is normalised. With 24 heads of
// 2 x 64 in the 3B model; lambda comes from four learned vectors and the layer's depth,
// here the first: lambda_init = 0.8 - 0.6 = 0.2.
//
//     lambda = exp(lq1 lk1) - exp(lq2 lk2) + 0.2
//     o = 0.8 RMSNorm(softmax(q1 k1^T / 8 + causal) v - lambda softmax(q2 k2^T / 8 + causal) v)
//
// Reference only: 'tensor.extract_slice' op is not lowered to the tile level

#vector = affine_map<(d) -> (d)>
#scalar = affine_map<(d) -> ()>
#all = affine_map<(b, i, h, d) -> (b, i, h, d)>
#row = affine_map<(b, i, h, d) -> (b, i, h)>
#one = affine_map<(b, i, h, d) -> ()>
!qk = tensor<1x5x2x64xbf16>
!v = tensor<1x5x2x128xbf16>
!part = tensor<1x5x2x128xf32>
!kv = !attn.kv<!qk, !v>

func.func @differential(%q1: !qk {attn.name = "q1"}, %k1: !qk {attn.name = "k1"},
                        %q2: !qk {attn.name = "q2"}, %k2: !qk {attn.name = "k2"},
                        %v: !v {attn.name = "v"},
                        %lambdas: tensor<4x64xf32> {attn.name = "lambdas"})
    -> (!part {attn.name = "o"}) {
  %kv1 = attn.kv.dense %k1, %v : !qk, !v
  %kv2 = attn.kv.dense %k2, %v : !qk, !v
  %o1 = attn.attention %q1, %kv1 mask(causal) : !qk, !kv -> !part
  %o2 = attn.attention %q2, %kv2 mask(causal) : !qk, !kv -> !part
  // lambda
  %zero = arith.constant dense<0.0> : tensor<f32>
  %lq1 = tensor.extract_slice %lambdas[0, 0][1, 64][1, 1] : tensor<4x64xf32> to tensor<64xf32>
  %lk1 = tensor.extract_slice %lambdas[1, 0][1, 64][1, 1] : tensor<4x64xf32> to tensor<64xf32>
  %lq2 = tensor.extract_slice %lambdas[2, 0][1, 64][1, 1] : tensor<4x64xf32> to tensor<64xf32>
  %lk2 = tensor.extract_slice %lambdas[3, 0][1, 64][1, 1] : tensor<4x64xf32> to tensor<64xf32>
  %dot1 = linalg.dot ins(%lq1, %lk1 : tensor<64xf32>, tensor<64xf32>)
      outs(%zero : tensor<f32>) -> tensor<f32>
  %dot2 = linalg.dot ins(%lq2, %lk2 : tensor<64xf32>, tensor<64xf32>)
      outs(%zero : tensor<f32>) -> tensor<f32>
  %init = arith.constant dense<0.2> : tensor<f32>
  %e1 = math.exp %dot1 : tensor<f32>
  %e2 = math.exp %dot2 : tensor<f32>
  %difference = arith.subf %e1, %e2 : tensor<f32>
  %lambda = arith.addf %difference, %init : tensor<f32>
  // The norm over the 128 channels of a head.
  %sums = arith.constant dense<0.0> : tensor<1x5x2xf32>
  %empty = tensor.empty() : !part
  %x = linalg.generic {indexing_maps = [#all, #all, #one, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%o1, %o2, %lambda : !part, !part, tensor<f32>) outs(%empty : !part) {
  ^bb0(%a: f32, %b: f32, %l: f32, %out: f32):
    %lb = arith.mulf %l, %b : f32
    %d = arith.subf %a, %lb : f32
    linalg.yield %d : f32
  } -> !part
  %squares = linalg.generic {indexing_maps = [#all, #row],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x : !part) outs(%sums : tensor<1x5x2xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.mulf %a, %a : f32
    %r = arith.addf %s, %sum : f32
    linalg.yield %r : f32
  } -> tensor<1x5x2xf32>
  %o = linalg.generic {indexing_maps = [#all, #row, #all],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %squares : !part, tensor<1x5x2xf32>) outs(%empty : !part) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %n = arith.constant 128.0 : f32
    %epsilon = arith.constant 1.0e-5 : f32
    %keep = arith.constant 0.8 : f32
    %mean = arith.divf %s, %n : f32
    %guarded = arith.addf %mean, %epsilon : f32
    %root = math.rsqrt %guarded : f32
    %normal = arith.mulf %a, %root : f32
    %r = arith.mulf %normal, %keep : f32
    linalg.yield %r : f32
  } -> !part
  return %o : !part
}
