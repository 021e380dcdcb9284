// Linear attention (arXiv 2006.16236): softmax is replaced by a product of features
// phi(x) = elu(x) + 1, so that keys and values are summed up once, in a state. With
// fla-org/flash-linear-attention (ops/linear_attn), which scales queries as well:
//
//     S_t = S_{t-1} + phi(k_t) v_t^T
//     z_t = z_{t-1} + phi(k_t)
//     o_t = S_t^T q_t / (<q_t, z_t> + 1e-10)      q_t = K^-1/2 phi(q_t)
//
// The paper's models have 8 heads of 32 (MNIST) and of 64 (speech). Small here.
//
// Reference only: 'linalg.generic' op is not lowered to the tile level

#row = affine_map<(b, t, h, d) -> (b, t, h, d)>

func.func @linear_attention(%q: tensor<?x?x4x8xf32> {attn.name = "q"},
                            %k: tensor<?x?x4x8xf32> {attn.name = "k"},
                            %v: tensor<?x?x4x6xf32> {attn.name = "v"})
    -> (tensor<?x?x4x6xf32> {attn.name = "o"},
        tensor<?x4x8x6xf32, #attn.state<key_value>> {attn.name = "state"},
        tensor<?x4x8xf32> {attn.name = "normalizer"}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  // elu(x) + 1 is x + 1 or exp(x).
  %phi_q = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q : tensor<?x?x4x8xf32>) outs(%q : tensor<?x?x4x8xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %positive = arith.cmpf ogt, %x, %zero : f32
    %line = arith.addf %x, %one : f32
    %curve = math.exp %x : f32
    %feature = arith.select %positive, %line, %curve : f32
    linalg.yield %feature : f32
  } -> tensor<?x?x4x8xf32>
  %phi_k = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<?x?x4x8xf32>) outs(%k : tensor<?x?x4x8xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %positive = arith.cmpf ogt, %x, %zero : f32
    %line = arith.addf %x, %one : f32
    %curve = math.exp %x : f32
    %feature = arith.select %positive, %line, %curve : f32
    linalg.yield %feature : f32
  } -> tensor<?x?x4x8xf32>
  %o, %state, %normalizer = attn.recurrence %phi_q, %phi_k, %v
      denominator(1.0e-10)
      : tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x6xf32>
      -> tensor<?x?x4x6xf32> state(tensor<?x4x8x6xf32, #attn.state<key_value>>)
         normalizer(tensor<?x4x8xf32>)
  return %o, %state, %normalizer
      : tensor<?x?x4x6xf32>, tensor<?x4x8x6xf32, #attn.state<key_value>>,
        tensor<?x4x8xf32>
}
