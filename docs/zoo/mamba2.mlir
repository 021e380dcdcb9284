// Mamba-2, state space duality (arXiv 2405.21060), in the names of recurrences: queries
// are C, keys B, one of each for all heads (groups), values x, and what is written is
// dt x. The state is kept [V, K], as state-spaces/mamba does.
//
//     dt = softplus(dt_raw + dt_bias_n),  A_n = -exp(A_log_n)
//     S_t = exp(dt A_n) S_{t-1} + B_t (dt x_t)^T
//     o_t = S_t^T C_t + D_n x_t
//
// Mamba-2-2.7B has 80 heads of 64 (x), one group of 128 (B, C). Here are 4 heads of 6
// and a group of 8.
//
// Reference only: 'linalg.generic' op is not lowered to the tile level

#row = affine_map<(b, t, n, d) -> (b, t, n, d)>
#of_head = affine_map<(b, t, n, d) -> (n)>
#gate = affine_map<(b, t, n) -> (b, t, n)>
#head = affine_map<(b, t, n) -> (n)>

!group = tensor<?x?x1x8xf32>
!heads = tensor<?x?x4x6xf32>
!state = tensor<?x4x6x8xf32, #attn.state<value_key>>
!log = tensor<?x?x4xf32, #attn.gate<log>>

func.func @mamba2(%x: tensor<?x?x4x6xf32> {attn.name = "x"},
                  %b: tensor<?x?x1x8xf32> {attn.name = "b"},
                  %c: tensor<?x?x1x8xf32> {attn.name = "c"},
                  %dt_raw: tensor<?x?x4xf32> {attn.name = "dt"},
                  %dt_bias: tensor<4xf32> {attn.name = "dt_bias"},
                  %a_log: tensor<4xf32> {attn.name = "a_log"},
                  %d: tensor<4xf32> {attn.name = "d"},
                  %s0: tensor<?x4x6x8xf32, #attn.state<value_key>>
                      {attn.name = "state"})
    -> (tensor<?x?x4x6xf32> {attn.name = "o"},
        tensor<?x4x6x8xf32, #attn.state<value_key>> {attn.name = "final_state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : !heads
  %length = tensor.dim %x, %c1 : !heads
  %dt = linalg.generic {
      indexing_maps = [#gate, #head, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt_raw, %dt_bias : tensor<?x?x4xf32>, tensor<4xf32>)
      outs(%dt_raw : tensor<?x?x4xf32>) {
  ^bb0(%raw: f32, %bias: f32, %unused: f32):
    %shifted = arith.addf %raw, %bias : f32
    %power = math.exp %shifted : f32
    %softplus = math.log1p %power : f32
    linalg.yield %softplus : f32
  } -> tensor<?x?x4xf32>
  %decays = tensor.empty(%batch, %length) : !log
  %decay = linalg.generic {
      indexing_maps = [#gate, #head, #gate],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dt, %a_log : tensor<?x?x4xf32>, tensor<4xf32>) outs(%decays : !log) {
  ^bb0(%step: f32, %log: f32, %unused: f32):
    %rate = math.exp %log : f32
    %product = arith.mulf %step, %rate : f32
    %negative = arith.negf %product : f32
    linalg.yield %negative : f32
  } -> !log
  %read, %s = attn.recurrence %c, %b, %x decay(%decay : !log)
      write(%dt : tensor<?x?x4xf32>) state(%s0 : !state) scale(1.0)
      : !group, !group, !heads -> !heads state(!state)
  %o = linalg.generic {
      indexing_maps = [#row, #row, #of_head, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%read, %x, %d : !heads, !heads, tensor<4xf32>) outs(%x : !heads) {
  ^bb0(%own: f32, %value: f32, %factor: f32, %unused: f32):
    %skip = arith.mulf %factor, %value : f32
    %sum = arith.addf %own, %skip : f32
    linalg.yield %sum : f32
  } -> !heads
  return %o, %s : !heads, !state
}
