// What cannot be spread over a warpgroup is refused by name.

// RUN: attn-opt %s -split-input-file -verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(sm90.kernel(sm90-infer-layouts))'

// Two anchors meet without a cast.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %part = sm90.reduce_columns <max> %s : tensor<64x64xf32> -> tensor<64xf32>
    // expected-error@+1 {{'sm90.broadcast_rows' op expected a fragment in the layout rows, got one in partial_rows; sm90.layout_cast is needed}}
    %wide = sm90.broadcast_rows %part : tensor<64xf32> -> tensor<64x64xf32>
  }
  sm90.return
}

// -----

// An element-wise op joins two layouts.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %part = sm90.reduce_columns <max> %s : tensor<64x64xf32> -> tensor<64xf32>
    %rows = sm90.combine_quad <max> %part : tensor<64xf32> -> tensor<64xf32>
    // expected-error@+1 {{'arith.addf' op expected a fragment in the layout partial_rows, got one in rows; sm90.layout_cast is needed}}
    %sum = arith.addf %part, %rows : tensor<64xf32>
  }
  sm90.return
}

// -----

// A loop carries two layouts.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %n = sm90.grid_size
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %part = sm90.reduce_columns <max> %s : tensor<64x64xf32> -> tensor<64xf32>
    // expected-error@+1 {{'scf.for' op expected a fragment in the layout rows, got one in partial_rows; sm90.layout_cast is needed}}
    %r = scf.for %i = %c0 to %n step %n iter_args(%x = %part) -> (tensor<64xf32>) {
      %rows = sm90.combine_quad <max> %part : tensor<64xf32> -> tensor<64xf32>
      scf.yield %rows : tensor<64xf32>
    }
  }
  sm90.return
}

// -----

// Nothing says how a fragment is spread.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    // expected-error@+1 {{'arith.constant' op has a fragment whose layout nothing determines}}
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %t = arith.addf %s, %s : tensor<64x64xf32>
  }
  sm90.return
}

// -----

// An op that no rule knows.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64xf32>
    // expected-error@+1 {{'tensor.extract' op has no rule for the layout of its fragments}}
    %x = tensor.extract %s[%c0] : tensor<64xf32>
  }
  sm90.return
}

// -----

// Elements would move between threads.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %part = sm90.reduce_columns <max> %s : tensor<64x64xf32> -> tensor<64xf32>
    // expected-error@+1 {{'sm90.layout_cast' op expected a cast that moves nothing between threads, got partial_rows to rows}}
    %rows = sm90.layout_cast %part : tensor<64xf32> -> tensor<64xf32>
    %wide = sm90.broadcast_rows %rows : tensor<64xf32> -> tensor<64x64xf32>
  }
  sm90.return
}

// -----

// Threads have no equal parts of it.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    // expected-error@+1 {{'arith.constant' op has a fragment that cannot be spread: expected a shape of 64 by a multiple of 8 for the layout accumulator, got [64, 4]}}
    %s = arith.constant dense<1.0> : tensor<64x4xf32>
    %part = sm90.reduce_columns <max> %s : tensor<64x4xf32> -> tensor<64xf32>
  }
  sm90.return
}

// -----

// A constant with a value for each element.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    // expected-error@+1 {{'arith.constant' op expected a constant of one value}}
    %s = arith.constant dense<"0x000000000000000100000002000000030000000400000005000000060000000700000008000000090000000A0000000B0000000C0000000D0000000E0000000F000000100000001100000012000000130000001400000015000000160000001700000018000000190000001A0000001B0000001C0000001D0000001E0000001F000000200000002100000022000000230000002400000025000000260000002700000028000000290000002A0000002B0000002C0000002D0000002E0000002F000000300000003100000032000000330000003400000035000000360000003700000038000000390000003A0000003B0000003C0000003D0000003E0000003F"> : tensor<64xf32>
    %wide = sm90.broadcast_rows %s : tensor<64xf32> -> tensor<64x64xf32>
  }
  sm90.return
}

// -----

// An accumulator is no matrix of strips.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %0 = arith.constant dense<0.0> : tensor<64x64xf32>
    %1 = sm90.reduce_columns <max> %0 : tensor<64x64xf32> -> tensor<64xf32>
    %2 = arith.constant dense<0.0> : tensor<64xf32>
    // expected-error @below {{expected a layout of strips, got accumulator}}
    %3 = sm90.broadcast_strips %2 axis(0) : tensor<64xf32> -> tensor<64x64xf32>
    %4 = sm90.reduce_columns <max> %3 : tensor<64x64xf32> -> tensor<64xf32>
  }
  sm90.return
}
