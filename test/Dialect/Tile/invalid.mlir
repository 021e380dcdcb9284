// RUN: attn-opt %s -split-input-file -verify-diagnostics

// !tile.view and #tile.schedule

// expected-error @below {{expected '<'}}
func.func private @view(!tile.view)

// -----

// expected-error @below {{expected positive block sizes, got block_q = 0, block_kv = 16}}
func.func private @block_q() attributes {s = #tile.schedule<block_q = 0, block_kv = 16>}

// -----

// expected-error @below {{expected positive section_bytes, got 0}}
func.func private @section() attributes {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, section_bytes = 0>}

// -----

// expected-error @below {{expected segment_chunks of at least 0, got -1}}
func.func private @segments() attributes {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, segment_chunks = -1>}

// -----

// expected-error @below {{expected state_parts of 1 or 2, got 3}}
func.func private @parts() attributes {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, state_parts = 3>}

// -----

// expected-error @below {{expected positive block sizes, got block_q = 16, block_kv = -1}}
func.func private @block_kv() attributes {s = #tile.schedule<block_q = 16, block_kv = -1>}

// -----

// expected-error @below {{expected rescale_threshold between 0 and 64, got 65}}
func.func private @threshold_large() attributes {s = #tile.schedule<block_q = 16, block_kv = 16, rescale_threshold = 65>}

// -----

// expected-error @below {{expected rescale_threshold between 0 and 64, got -1}}
func.func private @threshold_small() attributes {s = #tile.schedule<block_q = 16, block_kv = 16, rescale_threshold = -1>}

// -----

// expected-error @below {{'func.func' op expected 'tile.schedule' to be a #tile.schedule, got 3 : i64}}
func.func private @schedule_type() attributes {tile.schedule = 3}

// -----

// tile.kernel

// C1
// expected-error @below {{'tile.kernel' op expected argument 1 to be a !tile.view, got 'index'}}
tile.kernel @argument(%x: !tile.view<f32>, %y: index) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C2
// expected-error @below {{'tile.kernel' op expected no results, got 1}}
tile.kernel @result() -> f32 schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C3
// expected-error @below {{'tile.kernel' op expected exactly one scf.forall in the body, got 0}}
tile.kernel @no_loop() schedule(<block_q = 16, block_kv = 16>) {
  tile.return
}

// -----

// C3
// expected-error @below {{'tile.kernel' op expected exactly one scf.forall in the body, got 2}}
tile.kernel @two_loops() schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C4
// expected-error @below {{'tile.kernel' op expected tile.symbols of argument 0 to have one number per axis, not negative for a dynamic one, got none}}
tile.kernel @no_symbols(%x: !tile.view<?xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C4
// expected-error @below {{'tile.kernel' op expected tile.symbols of argument 0 to have one number per axis, not negative for a dynamic one, got array<i64: 0>}}
tile.kernel @few_symbols(%x: !tile.view<2x3xf32> {tile.symbols = array<i64: 0>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C4
// expected-error @below {{'tile.kernel' op expected tile.symbols of argument 0 to have one number per axis, not negative for a dynamic one, got array<i64: -1, 0>}}
tile.kernel @negative_symbol(%x: !tile.view<?x3xf32> {tile.symbols = array<i64: -1, 0>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C4
// expected-error @below {{'tile.kernel' op expected tile.symbols of argument 0 to have one number per axis, not negative for a dynamic one, got "a"}}
tile.kernel @other_symbols(%x: !tile.view<3xf32> {tile.symbols = "a"}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C7
// expected-error @below {{'tile.kernel' op expected tile.updates of argument 1 to be the number of an input of the type of that output, got "x"}}
tile.kernel @updates_0(%x: !tile.view<4xf32>, %y: !tile.view<4xf32> {tile.output, tile.updates = "x"}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C7
// expected-error @below {{'tile.kernel' op expected tile.updates of argument 1 to be the number of an input of the type of that output, got 0 : i64}}
tile.kernel @updates_1(%x: !tile.view<4xf32>, %y: !tile.view<4xf32> {tile.updates = 0}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C7
// expected-error @below {{'tile.kernel' op expected tile.updates of argument 1 to be the number of an input of the type of that output, got 2 : i64}}
tile.kernel @updates_2(%x: !tile.view<4xf32>, %y: !tile.view<4xf32> {tile.output, tile.updates = 2}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C7
// expected-error @below {{'tile.kernel' op expected tile.updates of argument 1 to be the number of an input of the type of that output, got 1 : i64}}
tile.kernel @updates_3(%x: !tile.view<4xf32>, %y: !tile.view<4xf32> {tile.output, tile.updates = 1}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C7
// expected-error @below {{'tile.kernel' op expected tile.updates of argument 1 to be the number of an input of the type of that output, got 0 : i64}}
tile.kernel @updates_4(%x: !tile.view<4xbf16>, %y: !tile.view<4xf32> {tile.output, tile.updates = 0}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C5
// expected-error @below {{'tile.kernel' op expected tile.least of argument 0 to have groups of an axis, the number of a size or -1, any number and a positive divisor, got "a"}}
tile.kernel @least_0(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.least = "a"}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C5
// expected-error @below {{'tile.kernel' op expected tile.least of argument 0 to have groups of an axis, the number of a size or -1, any number and a positive divisor, got array<i64: 0, 0>}}
tile.kernel @least_1(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.least = array<i64: 0, 0>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C5
// expected-error @below {{'tile.kernel' op expected tile.least of argument 0 to have groups of an axis, the number of a size or -1, any number and a positive divisor, got array<i64: 1, 0, 0, 4>}}
tile.kernel @least_2(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.least = array<i64: 1, 0, 0, 4>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C5
// expected-error @below {{'tile.kernel' op expected tile.least of argument 0 to have groups of an axis, the number of a size or -1, any number and a positive divisor, got array<i64: 0, -2, 0, 4>}}
tile.kernel @least_3(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.least = array<i64: 0, -2, 0, 4>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C5
// expected-error @below {{'tile.kernel' op expected tile.least of argument 0 to have groups of an axis, the number of a size or -1, any number and a positive divisor, got array<i64: 0, 0, 0, 0>}}
tile.kernel @least_4(%x: !tile.view<?xf32> {tile.symbols = array<i64: 0>, tile.least = array<i64: 0, 0, 0, 0>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C6
// expected-error @below {{'tile.kernel' op expected argument 0, a workspace, to have 1 dynamic axes, one for each bound of the scf.forall, and static ones behind them, got '!tile.view<4xi32>'}}
tile.kernel @workspace_static(%w: !tile.view<4xi32> {tile.output, tile.workspace}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C6
// expected-error @below {{'tile.kernel' op expected argument 0, a workspace, to have 1 dynamic axes, one for each bound of the scf.forall, and static ones behind them, got '!tile.view<?x?xi32>'}}
tile.kernel @workspace_dynamic(%w: !tile.view<?x?xi32> {tile.symbols = array<i64: 0, 1>, tile.output, tile.workspace}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// expected-error @below {{region with 1 blocks}}
tile.kernel @empty() schedule(<block_q = 16, block_kv = 16>) {}

// -----

// expected-error @below {{expected 'schedule'}}
tile.kernel @no_schedule() {
}

// -----

// tile.dim

// C1
tile.kernel @dim(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  // expected-error @below {{'tile.dim' op expected an axis below 2, got 2}}
  %n = tile.dim %x[2] : !tile.view<3x4xf32>
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// C1
tile.kernel @dim_negative(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  // expected-error @below {{'tile.dim' op expected an axis below 2, got -1}}
  %n = tile.dim %x[-1] : !tile.view<3x4xf32>
  scf.forall (%i) in (1) {}
  tile.return
}

// -----

// tile.load and tile.store

// C1
tile.kernel @load_indices(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected 2 indices, one per axis of the view, got 1}}
    %t = tile.load %x[%i] axes [0] : !tile.view<3x4xf32> -> vector<2xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @load_axes(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected 2 axes, one per dimension of the tile, got 1}}
    %t = tile.load %x[%i, %i] axes [0] : !tile.view<3x4xf32> -> vector<2x2xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @load_increasing(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected increasing axes below 2, got 0 after 1}}
    %t = tile.load %x[%i, %i] axes [1, 0] : !tile.view<3x4xf32> -> vector<2x2xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @load_axis(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected increasing axes below 2, got 2 after -1}}
    %t = tile.load %x[%i, %i] axes [2] : !tile.view<3x4xf32> -> vector<2xf32>
  }
  tile.return
}

// -----

// C3
tile.kernel @load_type(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected a tile of 'f32', got 'bf16'}}
    %t = tile.load %x[%i, %i] axes [0] : !tile.view<3x4xf32> -> vector<2xbf16>
  }
  tile.return
}

// -----

// C1
tile.kernel @store_indices(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    %t = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{'tile.store' op expected 2 indices, one per axis of the view, got 3}}
    tile.store %t, %x[%i, %i, %i] axes [0] : vector<2xf32>, !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @store_axes(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    %t = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{'tile.store' op expected 1 axes, one per dimension of the tile, got 2}}
    tile.store %t, %x[%i, %i] axes [0, 1] : vector<2xf32>, !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// C3
tile.kernel @store_type(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    %t = arith.constant dense<0.0> : vector<2xf16>
    // expected-error @below {{'tile.store' op expected a tile of 'f32', got 'f16'}}
    tile.store %t, %x[%i, %i] axes [0] : vector<2xf16>, !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// tile.dot

// C1
func.func @dot_types(%a: vector<2x3xf32>, %b: vector<3x4xf16>) {
  // expected-error @below {{'tile.dot' op expected operands of one element type and inner size, got 'vector<2x3xf32>' and 'vector<3x4xf16>'}}
  %r = tile.dot %a, %b : vector<2x3xf32>, vector<3x4xf16> -> vector<2x4xf32>
  return
}

// -----

// C1
func.func @dot_inner(%a: vector<2x3xf32>, %b: vector<3x4xf32>) {
  // expected-error @below {{'tile.dot' op expected operands of one element type and inner size, got 'vector<2x3xf32>' and 'vector<3x4xf32>'}}
  %r = tile.dot %a, %b transpose_rhs : vector<2x3xf32>, vector<3x4xf32> -> vector<2x4xf32>
  return
}

// -----

// C2
func.func @dot_result(%a: vector<2x3xf32>, %b: vector<3x4xf32>) {
  // expected-error @below {{'tile.dot' op expected a result of 2x4, got 'vector<2x3xf32>'}}
  %r = tile.dot %a, %b : vector<2x3xf32>, vector<3x4xf32> -> vector<2x3xf32>
  return
}

// -----

// C2
func.func @dot_result_transposed(%a: vector<2x3xf32>, %b: vector<5x3xf32>) {
  // expected-error @below {{'tile.dot' op expected a result of 2x5, got 'vector<5x2xf32>'}}
  %r = tile.dot %a, %b transpose_rhs : vector<2x3xf32>, vector<5x3xf32> -> vector<5x2xf32>
  return
}

// -----

// tile.mask

// C1
func.func @mask_arguments(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.mask' op expected a region of two index arguments that yields one i1}}
  %r = tile.mask %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%p: index):
    %keep = arith.constant true
    tile.yield %keep : i1
  }
  return
}

// -----

// C1
func.func @mask_argument_type(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.mask' op expected a region of two index arguments that yields one i1}}
  %r = tile.mask %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%p: index, %j: i32):
    %keep = arith.constant true
    tile.yield %keep : i1
  }
  return
}

// -----

// C1
func.func @mask_yield(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.mask' op expected a region of two index arguments that yields one i1}}
  %r = tile.mask %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%p: index, %j: index):
    tile.yield
  }
  return
}

// -----

// C1
func.func @mask_yield_type(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.mask' op expected a region of two index arguments that yields one i1}}
  %r = tile.mask %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%p: index, %j: index):
    tile.yield %p : index
  }
  return
}

// -----

// A block without a terminator.
func.func @mask_terminator(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.mask' op expects a non-empty block}}
  %r = "tile.mask"(%s, %i, %i) ({
  ^bb0(%p: index, %j: index):
  }) : (vector<2x3xf32>, index, index) -> vector<2x3xf32>
  return
}

// -----

// tile.online_softmax

// C1
func.func @softmax_rows(%s: vector<2x3xf32>, %m: vector<3xf32>) {
  // expected-error @below {{'tile.online_softmax' op expected 2 elements, one per row, got 3}}
  %w, %m1, %l1, %c = tile.online_softmax %s, %m, %m scale(1.0) : vector<2x3xf32>, vector<3xf32>
  return
}

// -----

// C2
func.func @softmax_scale(%s: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.online_softmax' op expected a positive finite scale, got 0.000000e+00}}
  %w, %m1, %l1, %c = tile.online_softmax %s, %m, %m scale(0.0) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// C2
func.func @softmax_scale_infinite(%s: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.online_softmax' op expected a positive finite scale, got INF}}
  %w, %m1, %l1, %c = tile.online_softmax %s, %m, %m scale(0x7FF0000000000000) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// C3
func.func @softmax_threshold(%s: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.online_softmax' op expected a threshold of at least 0, got -1}}
  %w, %m1, %l1, %c = tile.online_softmax %s, %m, %m scale(1.0) threshold(-1) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// C4
func.func @softmax_sum_limit(%s: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.online_softmax' op expected a sum_limit from 0 to 31, got 32}}
  %w, %m1, %l1, %c = tile.online_softmax %s, %m, %m scale(1.0) sum_limit(32) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// tile.rescale

// C1
func.func @rescale_rows(%acc: vector<2x3xf32>, %c: vector<3xf32>) {
  // expected-error @below {{'tile.rescale' op expected 2 elements, one per row, got 3}}
  %r = tile.rescale %acc, %c : vector<2x3xf32>, vector<3xf32>
  return
}

// -----

// tile.finish_softmax

// C1
func.func @finish_rows(%acc: vector<2x3xf32>, %m: vector<3xf32>) {
  // expected-error @below {{'tile.finish_softmax' op expected 2 elements, one per row, got 3}}
  %r, %lse = tile.finish_softmax %acc, %m, %m scale(1.0) : vector<2x3xf32>, vector<3xf32>
  return
}

// -----

// C3
func.func @finish_sum_limit(%acc: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.finish_softmax' op expected a sum_limit from 0 to 31, got -1}}
  %r, %lse = tile.finish_softmax %acc, %m, %m scale(1.0) sum_limit(-1) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// C2
func.func @finish_scale(%acc: vector<2x3xf32>, %m: vector<2xf32>) {
  // expected-error @below {{'tile.finish_softmax' op expected a positive finite scale, got -1.000000e+00}}
  %r, %lse = tile.finish_softmax %acc, %m, %m scale(-1.0) : vector<2x3xf32>, vector<2xf32>
  return
}

// -----

// tile.read

// C1
tile.kernel @read_indices(%x: !tile.view<4x4xf32>) schedule(<block_q = 2, block_kv = 3>) {
  scf.forall (%t) in (1) {
    // expected-error @below {{'tile.read' op expected 2 indices, one per axis of the view, got 1}}
    %e = tile.read %x[%t] : !tile.view<4x4xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @read_output(%x: !tile.view<4xi32> {tile.output}) schedule(<block_q = 2, block_kv = 3>) {
  scf.forall (%t) in (1) {
    // expected-error @below {{'tile.read' op expected a view that is not an output of the kernel}}
    %e = tile.read %x[%t] : !tile.view<4xi32>
  }
  tile.return
}

// -----

// Slices

// C4
tile.kernel @load_slice(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.load' op expected a slice of a begin and an end, got 1 values}}
    %t = tile.load %x[%i, %i] slice(%i) axes [0] : !tile.view<3x4xf32> -> vector<2xf32>
  }
  tile.return
}

// -----

// C4
tile.kernel @store_slice(%x: !tile.view<3x4xf32> {tile.output}) schedule(<block_q = 16, block_kv = 16>) {
  %t = arith.constant dense<0.0> : vector<2xf32>
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.store' op expected a slice of a begin and an end, got 3 values}}
    tile.store %t, %x[%i, %i] slice(%i, %i, %i) axes [0] : vector<2xf32>, !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// tile.write

// C1
tile.kernel @write_indices(%x: !tile.view<3x4xi32>) schedule(<block_q = 16, block_kv = 16>) {
  %c1 = arith.constant 1 : i32
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.write' op expected 2 indices, one per axis of the view, got 1}}
    tile.write %c1, %x[%i] : !tile.view<3x4xi32>
  }
  tile.return
}

// -----

// tile.find_extremes

// C1
func.func @extremes_arguments(%i: index, %a: i32, %c: i1) {
  // expected-error @below {{'tile.find_extremes' op expected a region of one index argument that yields pairs of an i32 and an i1}}
  %x:2 = tile.find_extremes(%i to %i) : i32, i32 {
  ^bb0(%p: index, %q: index):
    tile.yield %a, %c : i32, i1
  }
  return
}

// -----

// C1
func.func @extremes_pairs(%i: index, %a: i32, %c: i1) {
  // expected-error @below {{'tile.find_extremes' op expected a region of one index argument that yields pairs of an i32 and an i1}}
  %x:2 = tile.find_extremes(%i to %i) : i32, i32 {
  ^bb0(%p: index):
    tile.yield %a, %a : i32, i32
  }
  return
}

// -----

// C2
func.func @extremes_results(%i: index, %a: i32, %c: i1) {
  // expected-error @below {{'tile.find_extremes' op expected 2 results, two for each pair, got 3}}
  %x:3 = tile.find_extremes(%i to %i) : i32, i32, i32 {
  ^bb0(%p: index):
    tile.yield %a, %c : i32, i1
  }
  return
}

// -----

// tile.find_reach

// C1
func.func @reach_arguments(%i: index, %x: f32) {
  // expected-error @below {{'tile.find_reach' op expected a region of one index argument, two with channels, that yields one f32}}
  %a = tile.find_reach(%i to %i) block(64) limit(-30.0) {
  ^bb0(%p: index, %q: index):
    tile.yield %x : f32
  }
  return
}

// -----

// C1
func.func @reach_yields(%i: index) {
  // expected-error @below {{'tile.find_reach' op expected a region of one index argument, two with channels, that yields one f32}}
  %a = tile.find_reach(%i to %i) block(64) limit(-30.0) {
  ^bb0(%p: index):
    tile.yield %p : index
  }
  return
}

// -----

// C1
func.func @reach_channel(%i: index, %x: f32) {
  // expected-error @below {{'tile.find_reach' op expected a region of one index argument, two with channels, that yields one f32}}
  %a = tile.find_reach(%i to %i) block(64) limit(-30.0) channels(8) {
  ^bb0(%p: index):
    tile.yield %x : f32
  }
  return
}

// -----

// C3
func.func @reach_channels(%i: index, %x: f32) {
  // expected-error @below {{'tile.find_reach' op expected positive channels, got 0}}
  %a = tile.find_reach(%i to %i) block(64) limit(-30.0) channels(0) {
  ^bb0(%p: index, %c: index):
    tile.yield %x : f32
  }
  return
}

// -----

// C2
func.func @reach_block(%i: index, %x: f32) {
  // expected-error @below {{'tile.find_reach' op expected a positive block, got 0}}
  %a = tile.find_reach(%i to %i) block(0) limit(-30.0) {
  ^bb0(%p: index):
    tile.yield %x : f32
  }
  return
}

// -----

// tile.squared_norm

// C1
tile.kernel @norm_indices(%x: !tile.view<3x4xf32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.squared_norm' op expected 1 indices, one per axis of the view but the last, got 2}}
    %n = tile.squared_norm %x[%i, %i] : !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// C2
tile.kernel @norm_length(%x: !tile.view<3x?xf32> {tile.symbols = array<i64: -1, 0>}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.squared_norm' op expected a view of rows of floats whose length is known, got '!tile.view<3x?xf32>'}}
    %n = tile.squared_norm %x[%i] : !tile.view<3x?xf32>
  }
  tile.return
}

// -----

// C3
tile.kernel @norm_output(%x: !tile.view<3x4xf32> {tile.output}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.squared_norm' op expected a view that is not an output of the kernel}}
    %n = tile.squared_norm %x[%i] : !tile.view<3x4xf32>
  }
  tile.return
}

// -----

// tile.segment_count

// C1
func.func @segment_least(%i: index) {
  // expected-error @below {{'tile.segment_count' op expected a positive least, got 0}}
  %n = tile.segment_count %i least(0) beside(%i)
  return
}

// -----

// tile.find_sequence

// C1
tile.kernel @find_rank(%x: !tile.view<3x4xi32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.find_sequence' op expected a view of rank 1 of i32, got '!tile.view<3x4xi32>'}}
    %b = tile.find_sequence %i in %x block(16) : !tile.view<3x4xi32>
  }
  tile.return
}

// -----

// C2
tile.kernel @find_block(%x: !tile.view<3xi32>) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.find_sequence' op expected a positive block, got 0}}
    %b = tile.find_sequence %i in %x block(0) : !tile.view<3xi32>
  }
  tile.return
}

// -----

// C3
tile.kernel @find_output(%x: !tile.view<3xi32> {tile.output}) schedule(<block_q = 16, block_kv = 16>) {
  scf.forall (%i) in (1) {
    // expected-error @below {{'tile.find_sequence' op expected a view that is not an output of the kernel}}
    %b = tile.find_sequence %i in %x block(16) : !tile.view<3xi32>
  }
  tile.return
}

// -----

// tile.walk

// C1
func.func @walk_runs(%i: index) {
  // expected-error @below {{'tile.walk' op expected 2 values of from, one more than of at, got 1}}
  %j = tile.walk %i from(%i) at(%i) step(8)
  return
}

// -----

// C2
func.func @walk_step(%i: index) {
  // expected-error @below {{'tile.walk' op expected a positive step, got 0}}
  %j = tile.walk %i from(%i) at() step(0)
  return
}

// -----

// tile.score

// C1
func.func @score_arguments(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
  %r = tile.score %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%x: f32, %p: index):
    tile.yield %x : f32
  }
  return
}

// -----

// C1
func.func @score_result(%s: vector<2x3xf32>, %i: index) {
  // expected-error @below {{'tile.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
  %r = tile.score %s query(%i) key(%i) : vector<2x3xf32> {
  ^bb0(%x: f32, %p: index, %j: index):
    tile.yield %p : index
  }
  return
}

// -----

// C1
func.func @score_elements(%s: vector<2x3xf32>, %t: vector<2x3xbf16>, %i: index) {
  // expected-error @below {{'tile.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
  %r = tile.score %s query(%i) key(%i) tiles(%t : vector<2x3xbf16>) : vector<2x3xf32> {
  ^bb0(%x: f32, %p: index, %j: index, %e: f16):
    tile.yield %x : f32
  }
  return
}

// -----

// C2
func.func @score_tiles(%s: vector<2x3xf32>, %t: vector<3x2xbf16>, %i: index) {
  // expected-error @below {{'tile.score' op expected tiles of the shape of the scores, got 'vector<3x2xbf16>'}}
  %r = tile.score %s query(%i) key(%i) tiles(%t : vector<3x2xbf16>) : vector<2x3xf32> {
  ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
    tile.yield %x : f32
  }
  return
}

// -----

// tile.decay_ratios

// C1
func.func @ratios_shape(%x: vector<4xf32>) {
  // expected-error @below {{'tile.decay_ratios' op expected a result of 4x4, got 'vector<4x3xf32>'}}
  %r = tile.decay_ratios %x : vector<4xf32> -> vector<4x3xf32>
  return
}

// -----

// C1
func.func @ratios_columns(%x: vector<4xf32>, %y: vector<3xf32>) {
  // expected-error @below {{'tile.decay_ratios' op expected columns of 'vector<4xf32>', got 'vector<3xf32>'}}
  %r = tile.decay_ratios %x columns(%y : vector<3xf32>) : vector<4xf32> -> vector<4x4xf32>
  return
}

// -----

// tile.invert_unit_lower

// C1
func.func @invert_shape(%a: vector<4x3xf32>, %x: vector<4xf32>) {
  // expected-error @below {{'tile.invert_unit_lower' op expected a square matrix, got 'vector<4x3xf32>'}}
  %r = tile.invert_unit_lower %a rows(%x : vector<4xf32>) : vector<4x3xf32>
  return
}

// -----

// C2
func.func @invert_rows(%a: vector<4x4xf32>, %x: vector<3xf32>) {
  // expected-error @below {{'tile.invert_unit_lower' op expected 4 elements, one per row, got 3}}
  %r = tile.invert_unit_lower %a rows(%x : vector<3xf32>) : vector<4x4xf32>
  return
}

// -----

// C2
func.func @invert_columns(%a: vector<4x4xf32>, %x: vector<4xf32>, %y: vector<5xf32>) {
  // expected-error @below {{'tile.invert_unit_lower' op expected 4 elements, one per row, got 5}}
  %r = tile.invert_unit_lower %a rows(%x : vector<4xf32>) columns(%y : vector<5xf32>) : vector<4x4xf32>
  return
}

// -----

// tile.decay_sums

// C1
func.func @decay_sums_whole(%g: vector<4x8xf32>, %n: index) {
  // expected-error @below {{'tile.decay_sums' op expected 8 elements, one per channel, got 4}}
  %s, %w = tile.decay_sums %g of %n : vector<4x8xf32> -> vector<4xf32>
  return
}

// -----

// tile.apply_decay

// C1
func.func @apply_decay_shape(%q: vector<4x8xbf16>, %s: vector<4x4xf32>) {
  // expected-error @below {{'tile.apply_decay' op expected sums of the shape of 'vector<4x8xbf16>', got 'vector<4x4xf32>'}}
  %r = tile.apply_decay %q, %s : vector<4x8xbf16>, vector<4x4xf32>
  return
}

// -----

// C2
func.func @apply_decay_both(%q: vector<4x8xbf16>, %s: vector<4x8xf32>) {
  // expected-error @below {{'tile.apply_decay' op expected before or to_end, got both}}
  %r = tile.apply_decay %q, %s before to_end : vector<4x8xbf16>, vector<4x8xf32>
  return
}

// -----

// tile.decayed_dot

// C1
func.func @decayed_dot_result(%q: vector<4x8xbf16>, %s: vector<4x8xf32>) {
  // expected-error @below {{'tile.decayed_dot' op expected a result of 4x4, got 'vector<4x8xf32>'}}
  %r = tile.decayed_dot %q, %q, %s : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x8xf32>
  return
}

// -----

// C1
func.func @decayed_dot_sums(%q: vector<4x8xbf16>, %s: vector<8x4xf32>) {
  // expected-error @below {{'tile.decayed_dot' op expected sums of the shape of 'vector<4x8xbf16>', got 'vector<8x4xf32>'}}
  %r = tile.decayed_dot %q, %q, %s : vector<4x8xbf16>, vector<8x4xf32> -> vector<4x4xf32>
  return
}

// -----

// C2
func.func @decayed_dot_bonus(%q: vector<4x8xbf16>, %s: vector<4x8xf32>, %u: vector<8xf32>) {
  // expected-error @below {{'tile.decayed_dot' op expected before with a bonus}}
  %r = tile.decayed_dot %q, %q, %s bonus(%u : vector<8xf32>) : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  return
}

// -----

// C2
func.func @decayed_dot_channels(%q: vector<4x8xbf16>, %s: vector<4x8xf32>, %u: vector<4xf32>) {
  // expected-error @below {{'tile.decayed_dot' op expected a bonus of 8 elements, one per channel, got 'vector<4xf32>'}}
  %r = tile.decayed_dot %q, %q, %s before bonus(%u : vector<4xf32>) : vector<4x8xbf16>, vector<4x8xf32> -> vector<4x4xf32>
  return
}
