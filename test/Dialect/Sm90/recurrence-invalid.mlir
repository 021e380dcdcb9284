// Each constraint of what chunks of recurrences add, by its label.

// RUN: attn-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{expected registers as a multiple of 8 from 24 to 256, got 20}}
#s = #sm90.schedule<auxiliary_registers = 20>

// -----

// expected-error@+1 {{expected rows of a multiple of 4 numbers, got 3x6x'f32'}}
func.func private @numbers() -> !sm90.buffer<1 x 3x6xf32>

// -----

// expected-error@+1 {{expected a shape of a multiple of 8 for the layout columns, got [12]}}
func.func private @columns() -> tensor<12xf32, #sm90.layout<columns>>

// -----

// expected-error@+1 {{expected a shape of 64 for the layout lanes, got [32]}}
func.func private @lanes() -> tensor<32xf32, #sm90.layout<lanes>>

// -----

// C1 of sm90.warp_roles.
sm90.kernel @f() attributes {schedule = #sm90.schedule<auxiliary_registers = 104>, tensors = [], instances = []} {
  // expected-error@+1 {{'sm90.warp_roles' op expected an auxiliary exactly where the schedule has auxiliary_registers}}
  sm90.warp_roles producer {
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma.wait.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    %f = sm90.wgmma_async %t row(%c0), %t transpose_rhs keeps : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xf16> * <64x64xf16>>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected no use of a stage that the product keeps}}
    %s, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xf16> * <64x64xf16>>
    sm90.stage.release %done, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// -----

// C1 of sm90.extract.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.extract' op expected a position below 64, got 64}}
    %x = sm90.extract %n[64] : tensor<64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.store_numbers.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.store_numbers' op expected row 3, of 64 numbers, of a stage of f32, got '!sm90.stage<3x64xf32>'}}
    sm90.store_numbers %n, %s row(3) : tensor<64xf32>, !sm90.stage<3x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.load_row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.load_row' op expected row 0, of 32 numbers, of a stage of f32, got '!sm90.stage<3x64xf32>'}}
    %x = sm90.load_row %s row(0) : !sm90.stage<3x64xf32> -> tensor<32xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.load_element: the row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.load_element' op expected row 0 of a stage of f32, got '!sm90.stage<64x64xf16>'}}
    %x = sm90.load_element %t[0, 0] : !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.load_element: the column.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.load_element' op expected a column below 64, got 64}}
    %x = sm90.load_element %s[0, 64] : !sm90.stage<3x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.broadcast_columns.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.broadcast_columns' op expected 64 elements, one per column, got 32}}
    %x = sm90.broadcast_columns %m : tensor<32xf32> -> tensor<64x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decay_ratios: one of both.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.decay_ratios' op expected rows and columns of the size of the sides of a square result, or neither, got 'tensor<64x64xf32>'}}
    %x = sm90.decay_ratios rows(%n : tensor<64xf32>) : tensor<64x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.decay_ratios: the size.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.decay_ratios' op expected rows and columns of the size of the sides of a square result, or neither, got 'tensor<64x64xf32>'}}
    %x = sm90.decay_ratios rows(%m : tensor<32xf32>) columns(%m : tensor<32xf32>) : tensor<64x64xf32>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.invert_unit_lower.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected a matrix, a scratch and a result of 64x64, the latter two of f16, got 'tensor<64x64xf32>', '!sm90.stage<3x64xf32>' and '!sm90.stage<64x64xf16>'}}
    sm90.invert_unit_lower %a scratch(%numbers, %blocks) into %t : tensor<64x64xf32>, !sm90.buffer<1 x 3x64xf32>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.invert_unit_lower.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected blocks of 1 x 64x16xf32, got '!sm90.buffer<1 x 64x8xf32>'}}
    sm90.invert_unit_lower %a scratch(%scratch, %small) into %t : tensor<64x64xf32>, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x8xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.invert_unit_lower: the row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected row 7, of 64 numbers, of a stage of f32, got '!sm90.stage<3x64xf32>'}}
    sm90.invert_unit_lower %a strengths(%s row 7 : !sm90.stage<3x64xf32>) scratch(%scratch, %blocks) into %t : tensor<64x64xf32>, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C3 of sm90.invert_unit_lower: no row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected a row of strengths exactly where there are strengths}}
    sm90.invert_unit_lower %a scratch(%scratch, %blocks) into %t {row = 1 : i64} : tensor<64x64xf32>, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C4 of sm90.invert_unit_lower.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected a scratch of one stage, or of two with a count, got 1}}
    sm90.invert_unit_lower %a scratch(%scratch[%c0], %blocks) into %t : tensor<64x64xf32>, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C5 of sm90.invert_unit_lower.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.invert_unit_lower' op expected a rest of the type of the result, '!sm90.stage<64x64xf16>', got '!sm90.stage<3x64xf32>'}}
    sm90.invert_unit_lower %a scratch(%scratch, %blocks) into %t rest(%s : !sm90.stage<3x64xf32>) : tensor<64x64xf32>, !sm90.buffer<1 x 64x64xf16>, !sm90.buffer<1 x 64x16xf32>, !sm90.stage<64x64xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.store_fragment: transposed.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %numbers = sm90.alloc : !sm90.buffer<1 x 3x64xf32>
  %tiles = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %scratch = sm90.alloc : !sm90.buffer<1 x 64x64xf16>
  %blocks = sm90.alloc : !sm90.buffer<1 x 64x16xf32>
  %small = sm90.alloc : !sm90.buffer<1 x 64x8xf32>
  %wide = sm90.alloc : !sm90.buffer<1 x 64x128xf16>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %n = arith.constant dense<0.0> : tensor<64xf32>
    %m = arith.constant dense<0.0> : tensor<32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x64xf16>
    %s = sm90.stage.await_full %numbers, %bar[%c0] : !sm90.buffer<1 x 3x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<3x64xf32>
    %t = sm90.stage.await_full %tiles, %bar[%c0] : !sm90.buffer<1 x 64x64xf16>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf16>
    // expected-error@+1 {{'sm90.store_fragment' op expected memory of 64 columns for a transposed fragment, got '!sm90.buffer<1 x 64x128xf16>'}}
    sm90.store_fragment %h, %wide row(%c0) transposed : tensor<64x64xf16>, !sm90.buffer<1 x 64x128xf16>
    sm90.stage.release %s, %bar[%c0] : !sm90.stage<3x64xf32>, !sm90.mbarrier<1>
    sm90.stage.release %t, %bar[%c0] : !sm90.stage<64x64xf16>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.load_numbers.
sm90.kernel @f(%gates: !llvm.ptr<1> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"g", tensor<?xf32>, [0]>], instances = []} {
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %o = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.load_numbers' op expected elements of bf16 or f16 where they are not f32, got 'i8'}}
    %g = sm90.load_numbers %gates[%o] stride(%o) limit(%c0) of(i8) : !llvm.ptr<1> -> tensor<64xf32>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.row_norms.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %rows = sm90.alloc : !sm90.buffer<1 x 64x64xf32>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  %empty = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } numbers {
    %c0 = arith.constant 0 : index
    %s = sm90.stage.await_full %rows, %full[%c0] : !sm90.buffer<1 x 64x64xf32>, !sm90.mbarrier<1> -> !sm90.stage<64x64xf32>
    // expected-error@+1 {{'sm90.row_norms' op expected a stage of 64 rows of bf16 or f16 and as many numbers, got '!sm90.stage<64x64xf32>' and 64}}
    %n = sm90.row_norms %s : !sm90.stage<64x64xf32> -> tensor<64xf32>
    sm90.stage.release %s, %empty[%c0] : !sm90.stage<64x64xf32>, !sm90.mbarrier<1>
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.load_state.
sm90.kernel @f(%states: !llvm.ptr<1> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"s", tensor<?xf32>, [0]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %o = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.load_state' op expected elements of bf16 or f16 where they are not f32, got 'i8'}}
    %s = sm90.load_state %states[%o] strides(%o, %o) of(i8) : !llvm.ptr<1> -> tensor<64x64xf32>
  }
  sm90.return
}

// -----

// C1 of sm90.store_state.
sm90.kernel @f(%states: !llvm.ptr<1> {sm90.tensor = 0 : i64}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"s", tensor<?xf32>, [0]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %o = arith.constant 0 : i64
    %s = sm90.load_state %states[%o] strides(%o, %o) : !llvm.ptr<1> -> tensor<64x64xf32>
    // expected-error@+1 {{'sm90.store_state' op expected elements of bf16 or f16 where they are not f32, got 'f32'}}
    sm90.store_state %s, %states[%o] strides(%o, %o) of(f32) : tensor<64x64xf32>, !llvm.ptr<1>
  }
  sm90.return
}

// -----

// C1 of sm90.buffer_rows.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %both = sm90.alloc : !sm90.buffer<2 x 128x128xbf16>
  // expected-error@+1 {{'sm90.buffer_rows' op expected rows of '!sm90.buffer<2 x 128x128xbf16>' from a multiple of 8 on, got '!sm90.buffer<2 x 64x128xbf16, panel_rows = 128>' from 96 on}}
  %rows = sm90.buffer_rows %both from(96) : !sm90.buffer<2 x 128x128xbf16> -> !sm90.buffer<2 x 64x128xbf16, panel_rows = 128>
  sm90.warp_roles producer {
  } auxiliary {
  } consumer {
  }
  sm90.return
}

// -----

// The rows of panels that a box is a part of.
// expected-error@+1 {{expected panel_rows of a multiple of 8 of a box of 16 bits, more than its 64 rows, got 64}}
func.func private @buffer() -> !sm90.buffer<2 x 64x128xbf16, panel_rows = 64>

// -----

// expected-error@+1 {{expected panel_rows of a multiple of 8 of a box of 16 bits, more than its 4 rows, got 8}}
func.func private @stage() -> !sm90.stage<4x64xf32, panel_rows = 8>

// -----

// C6 of sm90.wgmma_async.
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, consumer_registers = 192, auxiliary_registers = 104>, tensors = [], instances = []} {
  %both = sm90.alloc : !sm90.buffer<1 x 128x128xbf16>
  %upper = sm90.buffer_rows %both from(0) : !sm90.buffer<1 x 128x128xbf16> -> !sm90.buffer<1 x 64x128xbf16, panel_rows = 128>
  %lower = sm90.buffer_rows %both from(64) : !sm90.buffer<1 x 128x128xbf16> -> !sm90.buffer<1 x 64x128xbf16, panel_rows = 128>
  %bar = sm90.mbarrier.init arrivals(32) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } auxiliary {
    %c0 = arith.constant 0 : index
    %u = sm90.stage.await_full %upper, %bar[%c0] : !sm90.buffer<1 x 64x128xbf16, panel_rows = 128>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16, panel_rows = 128>
    %l = sm90.stage.await_full %lower, %bar[%c0] : !sm90.buffer<1 x 64x128xbf16, panel_rows = 128>, !sm90.mbarrier<1> -> !sm90.stage<64x128xbf16, panel_rows = 128>
    // expected-error@+1 {{'sm90.wgmma_async' op expected a stage above another one to be transposed and kept, and the other one to be the same use of the rows behind it}}
    %f = sm90.wgmma_async %l row(%c0), %l above %u transpose_rhs keeps : !sm90.in_flight<tensor<64x128xf32> = !sm90.stage<64x128xbf16, panel_rows = 128> * <64x128xbf16, panel_rows = 128>>
    %w, %kept = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x128xf32> = !sm90.stage<64x128xbf16, panel_rows = 128> * <64x128xbf16, panel_rows = 128>>
    sm90.stage.release %u, %bar[%c0] : !sm90.stage<64x128xbf16, panel_rows = 128>, !sm90.mbarrier<1>
    sm90.stage.release %l, %bar[%c0] : !sm90.stage<64x128xbf16, panel_rows = 128>, !sm90.mbarrier<1>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.split_columns.
func.func @split(%x: tensor<64x128xf32>) {
  // expected-error@+1 {{'sm90.split_columns' op expected halves of the columns of 'tensor<64x128xf32>', got 'tensor<64x32xf32>'}}
  %left, %right = sm90.split_columns %x : tensor<64x128xf32> -> tensor<64x32xf32>
  return
}
