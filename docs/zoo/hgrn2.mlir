// HGRN2 (arXiv 2404.07904): gated linear attention whose key is what the forget gate
// leaves, so that each channel either remembers or takes in.
//
//     f = sigmoid(x_t),  S_t = diag(f) S_{t-1} + (1 - f) i_t^T
//     o_t = S_t^T q_t K^-1/2
//
// as in fla-org/flash-linear-attention, without the lower bound of layers behind the
// first. HGRN2-1.3B has 16 heads of 128. Here are 2 of 8 and 6.

#row = affine_map<(b, t, h, d) -> (b, t, h, d)>

func.func @hgrn2(%q: tensor<?x?x2x8xf32> {attn.name = "q"},
                 %forget: tensor<?x?x2x8xf32> {attn.name = "forget"},
                 %i: tensor<?x?x2x6xf32> {attn.name = "i"},
                 %s0: tensor<?x2x8x6xf32, #attn.state<key_value>>
                     {attn.name = "state"})
    -> (tensor<?x?x2x6xf32> {attn.name = "o"},
        tensor<?x2x8x6xf32, #attn.state<key_value>> {attn.name = "final_state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %batch = tensor.dim %q, %c0 : tensor<?x?x2x8xf32>
  %length = tensor.dim %q, %c1 : tensor<?x?x2x8xf32>
  %decays = tensor.empty(%batch, %length)
      : tensor<?x?x2x8xf32, #attn.gate<linear>>
  %decay, %k = linalg.generic {
      indexing_maps = [#row, #row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%forget : tensor<?x?x2x8xf32>)
      outs(%decays, %q
           : tensor<?x?x2x8xf32, #attn.gate<linear>>, tensor<?x?x2x8xf32>) {
  ^bb0(%x: f32, %unused: f32, %unused_too: f32):
    %minus = arith.negf %x : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %gate = arith.divf %one, %sum : f32
    %rest = arith.subf %one, %gate : f32
    linalg.yield %gate, %rest : f32, f32
  } -> (tensor<?x?x2x8xf32, #attn.gate<linear>>, tensor<?x?x2x8xf32>)
  %o, %s = attn.recurrence %q, %k, %i
      decay(%decay : tensor<?x?x2x8xf32, #attn.gate<linear>>)
      state(%s0 : tensor<?x2x8x6xf32, #attn.state<key_value>>)
      : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x2x6xf32>
      -> tensor<?x?x2x6xf32> state(tensor<?x2x8x6xf32, #attn.state<key_value>>)
  return %o, %s
      : tensor<?x?x2x6xf32>, tensor<?x2x8x6xf32, #attn.state<key_value>>
}
