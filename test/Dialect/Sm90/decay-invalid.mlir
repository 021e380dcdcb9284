// Each constraint of what decays of channels need, by its label.

// RUN: attn-opt %s -split-input-file -verify-diagnostics

// C1 of sm90.copy_gates.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 32x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %s = sm90.stage.await_empty %gates, %full[%c0] : !sm90.buffer<1 x 32x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<32x128xf32>
    // expected-error@+1 {{'sm90.copy_gates' op expected gates of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<32x128xf32>'}}
    sm90.copy_gates %memory[%o] stride(%o) limit(%c0) into %s : !llvm.ptr<1>, !sm90.stage<32x128xf32>
    sm90.stage.fill %s, %full[%c0] : !sm90.stage<32x128xf32>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected tiles of one type of 16 bits with 64 rows, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x128xf16>'}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x64xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected gates of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x64xf32>'}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x64xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x64xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.sum_decays.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x64xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x64xf32>
    // expected-error@+1 {{'sm90.sum_decays' op expected a row of 128 numbers, got '!sm90.stage<1x64xf32>'}}
    %a = sm90.sum_decays %s limit(%c0) scratch(%scratch) whole(%w) : !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> whole !sm90.stage<1x64xf32>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.sum_decays.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    // expected-error@+1 {{'sm90.sum_decays' op expected gates of f32 for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x128xf16>'}}
    %a = sm90.sum_decays %s limit(%c0) scratch(%scratch) whole(%w) : !sm90.stage<64x128xf16> scratch !sm90.buffer<1 x 96x128xf16> whole !sm90.stage<1x128xf32>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.sum_decays.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 80x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    // expected-error@+1 {{'sm90.sum_decays' op expected a scratch of '!sm90.buffer<1 x 96x128xf16>', got '!sm90.buffer<1 x 80x128xf16>'}}
    %a = sm90.sum_decays %s limit(%c0) scratch(%scratch) whole(%w) : !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 80x128xf16> whole !sm90.stage<1x128xf32>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 80x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected a scratch of '!sm90.buffer<1 x 96x128xf16>', got '!sm90.buffer<1 x 80x128xf16>'}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 80x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected one or two of rows, and as many that they reach, and scales, got 1, 2 and 1}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r, %r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C5 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected fragments of 64x16, got 'tensor<64x64xf32>'}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x64xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected one or two of keys, as many that are left of them, and a result for each with each of rows, got 2, 1 and 1}}
    %a = sm90.decay_tokens %k keys(%k, %k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C6 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected before for each of 1 rows, got 2}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] before = [true, false] : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C6 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %o = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.decay_tokens' op expected a bonus for one of rows, which is before its own decay, and one of keys}}
    %a = sm90.decay_tokens %k keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r) scales = [1.0] bonus(%memory : !llvm.ptr<1>[%o]) : !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16> -> tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C7 of sm90.decay_tokens.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %safe = arith.constant true
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %e = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.decay_tokens' op expected strengths where their own rows go, and no rows that are the keys beside them}}
    %a:2 = sm90.decay_tokens %k, %e keys(%k) gates(%s) safe(%safe) scratch(%scratch) into %l reached(%r, %e) scales = [1.000000e+00, 1.000000e+00] : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> keys !sm90.stage<64x128xbf16> gates !sm90.stage<64x128xf32> scratch !sm90.buffer<1 x 96x128xf16> into !sm90.stage<64x128xbf16> reached !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> -> tensor<64x16xf32>, tensor<64x16xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %e, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decayed_dots.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %b = arith.constant dense<0.0> : tensor<64x16xf32>
    // expected-error@+1 {{'sm90.decayed_dots' op expected tiles of one type of 16 bits with 64 rows, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x128xf16>'}}
    %a:2 = sm90.decayed_dots %k, %l blocks(%b, %b) scratch(%scratch) : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xf16> blocks tensor<64x16xf32>, tensor<64x16xf32> scratch !sm90.buffer<1 x 96x128xf16> -> tensor<64x64xf32>, tensor<64x64xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xf16>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.decayed_dots.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 80x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %b = arith.constant dense<0.0> : tensor<64x16xf32>
    // expected-error@+1 {{'sm90.decayed_dots' op expected a scratch of '!sm90.buffer<1 x 96x128xf16>', got '!sm90.buffer<1 x 80x128xf16>'}}
    %a:1 = sm90.decayed_dots %k blocks(%b) scratch(%scratch) : !sm90.stage<64x128xbf16> blocks tensor<64x16xf32> scratch !sm90.buffer<1 x 80x128xf16> -> tensor<64x64xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.decayed_dots.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %b = arith.constant dense<0.0> : tensor<64x16xf32>
    // expected-error@+1 {{'sm90.decayed_dots' op expected one or two of rows, and a block and a result for each and one or two of keys, got 3, 3 and 3}}
    %a:3 = sm90.decayed_dots %k, %k, %k blocks(%b, %b, %b) scratch(%scratch) : !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16>, !sm90.stage<64x128xbf16> blocks tensor<64x16xf32>, tensor<64x16xf32>, tensor<64x16xf32> scratch !sm90.buffer<1 x 96x128xf16> -> tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.decayed_dots.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %b = arith.constant dense<0.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.decayed_dots' op expected fragments of 64x16, got 'tensor<64x64xf32>'}}
    %a:1 = sm90.decayed_dots %k blocks(%b) scratch(%scratch) : !sm90.stage<64x128xbf16> blocks tensor<64x64xf32> scratch !sm90.buffer<1 x 96x128xf16> -> tensor<64x64xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.decayed_dots.
sm90.kernel @f(%memory: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tile = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %left = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %gates = sm90.alloc : !sm90.buffer<1 x 64x128xf32>
  %rows = sm90.alloc : !sm90.buffer<1 x 1x128xf32>
  %scratch = sm90.alloc : !sm90.buffer<1 x 96x128xf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %k = sm90.stage.await_full %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %s = sm90.stage.await_full %gates, %full[%c0] : !sm90.buffer<1 x 64x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x128xf32>
    %l = sm90.stage.await_empty %left, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %w = sm90.stage.await_empty %rows, %full[%c0] : !sm90.buffer<1 x 1x128xf32>, !sm90.mbarrier<1> -> !sm90.stage<1x128xf32>
    %r = sm90.stage.await_empty %tile, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %b = arith.constant dense<0.0> : tensor<64x16xf32>
    // expected-error@+1 {{'sm90.decayed_dots' op expected fragments of 64x64, got 'tensor<64x32xf32>'}}
    %a:1 = sm90.decayed_dots %k blocks(%b) scratch(%scratch) : !sm90.stage<64x128xbf16> blocks tensor<64x16xf32> scratch !sm90.buffer<1 x 96x128xf16> -> tensor<64x32xf32>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %w, %full[%c0] : !sm90.stage<1x128xf32>, !sm90.mbarrier<1>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %s, %full[%c0] : !sm90.stage<64x128xf32>, !sm90.mbarrier<1>
  } consumer {
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
  %scratch = sm90.alloc : !sm90.buffer<1 x 24x128xf32>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.gate_rows' op expected a source and a result of 16 bits for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x64xf16>'}}
    sm90.gate_rows %gates[%o] stride(%o) limit(%c0) times(%k : !sm90.stage<64x128xbf16>) scratch(%scratch) into %r : !llvm.ptr<1>, !sm90.buffer<1 x 24x128xf32>, !sm90.stage<64x64xf16>
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
  %scratch = sm90.alloc : !sm90.buffer<1 x 24x128xf32>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.gate_rows' op expected elements of bf16 or f16 where they are not f32, got 'f32'}}
    sm90.gate_rows %gates[%o] stride(%o) limit(%c0) times(%k : !sm90.stage<64x128xbf16>) scratch(%scratch) into %r as(f32) : !llvm.ptr<1>, !sm90.buffer<1 x 24x128xf32>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.gate_rows.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %results = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %scratch = sm90.alloc : !sm90.buffer<2 x 24x128xf32>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %k = sm90.stage.await_full %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %r = sm90.stage.await_empty %results, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    // expected-error@+1 {{'sm90.gate_rows' op expected a scratch of '!sm90.buffer<1 x 24x128xf32>', got '!sm90.buffer<2 x 24x128xf32>'}}
    sm90.gate_rows %gates[%o] stride(%o) limit(%c0) times(%k : !sm90.stage<64x128xbf16>) scratch(%scratch) into %r : !llvm.ptr<1>, !sm90.buffer<2 x 24x128xf32>, !sm90.stage<64x128xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.release %k, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.copy_strengths.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %others = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %full = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    %r = sm90.stage.await_empty %tiles, %full[%c0] : !sm90.buffer<1 x 64x128xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16>
    %l = sm90.stage.await_empty %others, %full[%c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.copy_strengths' op expected two stages of one type of 16 bits for 64 tokens of 64 or 128 channels, got '!sm90.stage<64x128xbf16>' and '!sm90.stage<64x64xbf16>'}}
    sm90.copy_strengths %gates[%o] stride(%o) limit(%c0) into %r, %l : !llvm.ptr<1>, !sm90.stage<64x128xbf16>, !sm90.stage<64x64xbf16>
    sm90.stage.fill %r, %full[%c0] : !sm90.stage<64x128xbf16>, !sm90.mbarrier<1>
    sm90.stage.fill %l, %full[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.fetch_gates.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<consumer_registers = 192, persistent = false, auxiliary_registers = 96>,
                tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  %scratch = sm90.alloc : !sm90.buffer<1 x 24x32xf32>
  sm90.warp_roles producer {
  } gates {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.fetch_gates' op expected a scratch of '!sm90.buffer<1 x 24x64xf32>', got '!sm90.buffer<1 x 24x32xf32>'}}
    sm90.fetch_gates %gates[%o] stride(%o) limit(%c0) into %scratch : !llvm.ptr<1>, !sm90.buffer<1 x 24x32xf32>
  } auxiliary {
  } consumer {
  }
  sm90.return
}
