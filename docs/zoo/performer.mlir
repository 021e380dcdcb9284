// Performer (arXiv 2009.14794), FAVOR+, the causal form: positive random features,
// whose products are the softmax kernel on average. With W of M rows, orthogonal and
// as long as Gaussian vectors, and x' = K^-1/4 x:
//
//     phi(x) = M^-1/2 (exp(W x' - |x'|^2 / 2 - max) + 1e-6)
//     S_t = S_{t-1} + phi(k_t) v_t^T,  z_t = z_{t-1} + phi(k_t)
//     o_t = S_t^T phi(q_t) / <phi(q_t), z_t>
//
// where max is that of W x' in the row for queries, and of all rows and features of
// the head for keys. The paper's models have M = 256 features for heads of 64.
// Small here.
//
// Reference only: 'tensor.dim' op is not lowered to the tile level

#row = affine_map<(b, t, h, m) -> (b, t, h, m)>
#token = affine_map<(b, t, h, m) -> (b, t, h)>
#head = affine_map<(b, t, h, m) -> (b, h)>
#input = affine_map<(b, t, h, m, d) -> (b, t, h, d)>
#weight = affine_map<(b, t, h, m, d) -> (m, d)>
#product = affine_map<(b, t, h, m, d) -> (b, t, h, m)>

func.func @performer(%q: tensor<?x?x2x8xf32> {attn.name = "q"},
                     %k: tensor<?x?x2x8xf32> {attn.name = "k"},
                     %v: tensor<?x?x2x6xf32> {attn.name = "v"},
                     %w: tensor<16x8xf32> {attn.name = "features"})
    -> (tensor<?x?x2x6xf32> {attn.name = "o"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %q, %c0 : tensor<?x?x2x8xf32>
  %length = tensor.dim %q, %c1 : tensor<?x?x2x8xf32>
  // 8^-1/4 and 16^-1/2
  %factor = arith.constant 0.594603539 : f32
  %half = arith.constant 0.5 : f32
  %share = arith.constant 0.25 : f32
  %eps = arith.constant 1.0e-06 : f32
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %features = tensor.empty(%batch, %length) : tensor<?x?x2x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%features : tensor<?x?x2x16xf32>)
      -> tensor<?x?x2x16xf32>
  %tokens = tensor.empty(%batch, %length) : tensor<?x?x2xf32>
  %token_zeros = linalg.fill ins(%zero : f32) outs(%tokens : tensor<?x?x2xf32>)
      -> tensor<?x?x2xf32>
  %token_least = linalg.fill ins(%least : f32) outs(%tokens : tensor<?x?x2xf32>)
      -> tensor<?x?x2xf32>
  %heads = tensor.empty(%batch) : tensor<?x2xf32>
  %head_least = linalg.fill ins(%least : f32) outs(%heads : tensor<?x2xf32>)
      -> tensor<?x2xf32>

  // W x' and |x'|^2 / 2
  %wq = linalg.generic {
      indexing_maps = [#input, #weight, #product],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %w : tensor<?x?x2x8xf32>, tensor<16x8xf32>)
      outs(%zeros : tensor<?x?x2x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %scaled = arith.mulf %x, %factor : f32
    %term = arith.mulf %scaled, %y : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<?x?x2x16xf32>
  %wk = linalg.generic {
      indexing_maps = [#input, #weight, #product],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%k, %w : tensor<?x?x2x8xf32>, tensor<16x8xf32>)
      outs(%zeros : tensor<?x?x2x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %scaled = arith.mulf %x, %factor : f32
    %term = arith.mulf %scaled, %y : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<?x?x2x16xf32>
  %norm_q = linalg.generic {
      indexing_maps = [#row, #token],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q : tensor<?x?x2x8xf32>) outs(%token_zeros : tensor<?x?x2xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %scaled = arith.mulf %x, %factor : f32
    %square = arith.mulf %scaled, %scaled : f32
    %term = arith.mulf %square, %half : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<?x?x2xf32>
  %norm_k = linalg.generic {
      indexing_maps = [#row, #token],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%k : tensor<?x?x2x8xf32>) outs(%token_zeros : tensor<?x?x2xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %scaled = arith.mulf %x, %factor : f32
    %square = arith.mulf %scaled, %scaled : f32
    %term = arith.mulf %square, %half : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  } -> tensor<?x?x2xf32>

  // The largest of a row for queries, of the whole head for keys.
  %max_q = linalg.generic {
      indexing_maps = [#row, #token],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%wq : tensor<?x?x2x16xf32>) outs(%token_least : tensor<?x?x2xf32>) {
  ^bb0(%x: f32, %most: f32):
    %next = arith.maximumf %x, %most : f32
    linalg.yield %next : f32
  } -> tensor<?x?x2xf32>
  %max_k = linalg.generic {
      indexing_maps = [#row, #head],
      iterator_types = ["parallel", "reduction", "parallel", "reduction"]}
      ins(%wk : tensor<?x?x2x16xf32>) outs(%head_least : tensor<?x2xf32>) {
  ^bb0(%x: f32, %most: f32):
    %next = arith.maximumf %x, %most : f32
    linalg.yield %next : f32
  } -> tensor<?x2xf32>

  %phi_q = linalg.generic {
      indexing_maps = [#row, #token, #token, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%wq, %norm_q, %max_q
          : tensor<?x?x2x16xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>)
      outs(%features : tensor<?x?x2x16xf32>) {
  ^bb0(%x: f32, %norm: f32, %most: f32, %unused: f32):
    %less = arith.subf %x, %norm : f32
    %power = arith.subf %less, %most : f32
    %positive = math.exp %power : f32
    %above = arith.addf %positive, %eps : f32
    %feature = arith.mulf %above, %share : f32
    linalg.yield %feature : f32
  } -> tensor<?x?x2x16xf32>
  %phi_k = linalg.generic {
      indexing_maps = [#row, #token, #head, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%wk, %norm_k, %max_k
          : tensor<?x?x2x16xf32>, tensor<?x?x2xf32>, tensor<?x2xf32>)
      outs(%features : tensor<?x?x2x16xf32>) {
  ^bb0(%x: f32, %norm: f32, %most: f32, %unused: f32):
    %less = arith.subf %x, %norm : f32
    %power = arith.subf %less, %most : f32
    %positive = math.exp %power : f32
    %above = arith.addf %positive, %eps : f32
    %feature = arith.mulf %above, %share : f32
    linalg.yield %feature : f32
  } -> tensor<?x?x2x16xf32>

  %o = attn.recurrence %phi_q, %phi_k, %v denominator(0.0) scale(1.0)
      : tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x6xf32>
      -> tensor<?x?x2x6xf32>
  return %o : tensor<?x?x2x6xf32>
}
