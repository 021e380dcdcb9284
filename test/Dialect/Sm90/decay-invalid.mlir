// Each constraint of what decays of channels need, by its label.

// RUN: attn-opt %s -split-input-file -verify-diagnostics

// C1 of sm90.decay_sums.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %sums = sm90.alloc : !sm90.buffer<1 x 32x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %s = sm90.stage.await_empty %sums, %full[%c0] : !sm90.buffer<1 x 32x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<32x128xf32>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    // expected-error@+1 {{'sm90.decay_sums' op expected sums of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<32x128xf32>'}}
    sm90.decay_sums %gates[%o] stride(%o) limit(%c0) into %s, %w : !llvm.ptr<1>, !sm90.stage<32x128xf32>, !sm90.stage<1x128xf32>
    sm90.stage.fill %s, %full[%c0] : !sm90.stage<32x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.decay_sums.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x64xf32>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %s = sm90.stage.await_empty %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x64xf32>
    // expected-error@+1 {{'sm90.decay_sums' op expected a row of 128 numbers, got '!sm90.stage<1x64xf32>'}}
    sm90.decay_sums %gates[%o] stride(%o) limit(%c0) into %s, %w : !llvm.ptr<1>, !sm90.stage<64x128xf32>, !sm90.stage<1x64xf32>
    sm90.stage.fill %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x64xf32>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decay_columns.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf16>
    // expected-error@+1 {{'sm90.decay_columns' op expected tiles of one type of 16 bits with 64 rows, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x128xf16>'}}
    sm90.decay_columns %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !sm90.buffer<1 x 96x128xf16>, !sm90.stage<64x128xf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.decay_columns.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x64xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_columns' op expected sums of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x64xf32>'}}
    sm90.decay_columns %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16>, !sm90.stage<64x64xf32>, !sm90.buffer<1 x 96x128xf16>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.decay_columns.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_columns' op expected a scratch of '!sm90.buffer<1 x 96x128xf16>', got '!sm90.buffer<1 x 64x128xf16>'}}
    sm90.decay_columns %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !sm90.buffer<1 x 64x128xf16>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decayed_dot.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf16>
    // expected-error@+1 {{'sm90.decayed_dot' op expected tiles of one type of 16 bits with 64 rows, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x128xf16>'}}
    %a = sm90.decayed_dot %k, %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xf16> : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !sm90.buffer<1 x 96x128xf16> -> tensor<64x64xf32>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.decayed_dot.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x64xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decayed_dot' op expected sums of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x64xf32>'}}
    %a = sm90.decayed_dot %k, %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16> : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x64xf32>, !sm90.buffer<1 x 96x128xf16> -> tensor<64x64xf32>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.decayed_dot.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decayed_dot' op expected a scratch of '!sm90.buffer<1 x 96x128xf16>', got '!sm90.buffer<1 x 64x128xf16>'}}
    %a = sm90.decayed_dot %k, %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16> : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !sm90.buffer<1 x 64x128xf16> -> tensor<64x64xf32>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.decayed_dot.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %sums = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %sums, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decayed_dot' op expected a result of 64x64, got 'tensor<64x128xf32>'}}
    %a = sm90.decayed_dot %k, %k, %s scratch(%scratch) into %r : !sm90.stage<64x128xbf16> : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf32>, !sm90.buffer<1 x 96x128xf16> -> tensor<64x128xf32>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.scale_columns.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %rows = sm90.alloc : !sm90.buffer<1 x 1x64xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %zero = arith.constant dense<0.0> : tensor<64x128xf32>
    %s = sm90.stage.await_full %rows, %bar[%c0] : !sm90.buffer<1 x 1x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x64xf32>
    // expected-error@+1 {{'sm90.scale_columns' op expected row 0, of 128 numbers, of a stage of f32, got '!sm90.stage<1x64xf32>'}}
    %r = sm90.scale_columns %zero, %s row(0) : tensor<64x128xf32>, !sm90.stage<1x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<1x64xf32>, !sm90.mbarrier<1>
  }
  sm90.return
}

// -----

// C1 of sm90.gate_rows.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.gate_rows' op expected a source and a result of 16 bits for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x64xf16>'}}
    sm90.gate_rows %k, %gates[%o] stride(%o) limit(%c0) into %r : !sm90.stage<64x128xbf16>, !llvm.ptr<1>, !sm90.stage<64x64xf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.gate_rows.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.gate_rows' op expected elements of bf16 or f16 where they are not f32, got 'f32'}}
    sm90.gate_rows %k, %gates[%o] stride(%o) limit(%c0) into %r as(f32) : !sm90.stage<64x128xbf16>, !llvm.ptr<1>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}
