// RUN: attn-opt %s --convert-sm90-to-nvvm -split-input-file -verify-diagnostics

// expected-error@+1 {{'sm90.kernel' op has no shared_memory; run sm90-assign-shared-memory first}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// Fragments without a layout.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{failed to legalize operation 'sm90.reduce_columns'}}
    %max = sm90.reduce_columns <max> %x : tensor<64x64xf32> -> tensor<64xf32>
  }
  sm90.return
}

// -----

// Arithmetic on 16-bit elements, two of which share a register.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 0 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %x = arith.constant dense<1.0> : tensor<64x64xf32, #sm90.layout<accumulator>>
    %y = arith.truncf %x : tensor<64x64xf32, #sm90.layout<accumulator>> to tensor<64x64xbf16, #sm90.layout<accumulator>>
    // expected-error@+1 {{failed to legalize operation 'arith.addf'}}
    %z = arith.addf %y, %y : tensor<64x64xbf16, #sm90.layout<accumulator>>
  }
  sm90.return
}

// -----

// Nothing to convert.
func.func @f() {
  return
}
