// RUN: attn-opt %s --convert-sm90-to-nvvm -verify-diagnostics

#accumulator = #sm90.layout<accumulator>
#partial = #sm90.layout<partial_rows>
#rows = #sm90.layout<rows>

// No instruction and no expansion; the attn dialect does not let it in.
sm90.kernel @power(%n: index {sm90.tensor = 0, sm90.axis = 0}, %out: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_warpgroups = 1>, tensors = [#sm90.tensor<"o", tensor<?xf32>, [0], output = true>], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %offset = arith.constant 0 : i64
    %three = arith.constant 3 : i32
    %x = arith.constant dense<2.0> : tensor<64x16xf32, #accumulator>
    %y = sm90.score %x query(%n) key(%n) : tensor<64x16xf32, #accumulator> {
    ^bb0(%s: f32, %p: index, %j: index):
      // expected-error@+1 {{'math.fpowi' op has no expansion into instructions of the target}}
      %z = math.fpowi %s, %three : f32, i32
      sm90.yield %z : f32
    }
    %part = sm90.reduce_columns <max> %y : tensor<64x16xf32, #accumulator> -> tensor<64xf32, #partial>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32, #partial> -> tensor<64xf32, #rows>
    sm90.store_rows %rows, %out[%offset] limit(%n) : tensor<64xf32, #rows>, !llvm.ptr<1>
  }
  sm90.return
}
