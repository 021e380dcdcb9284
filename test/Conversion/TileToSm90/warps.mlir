// A kernel without roles: memory is read into strips, sums go along them, and what
// is narrow is f32 in between.

// RUN: attn-opt %s --convert-tile-to-sm90 --canonicalize | FileCheck %s

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

// The columns of an instance lie inside of the state, so that four neighbours are
// accessed at once; rows of 40 channels do not fill a tile of 64. The state that is
// updated is not constant, nor is any other matrix.

// CHECK-LABEL: sm90.kernel @step(
// CHECK-SAME: %state: !llvm.ptr<1> {sm90.alignment = 8 : i64, sm90.tensor = 0 : i64},
// CHECK-SAME: %k: !llvm.ptr<1> {sm90.tensor = 1 : i64},
// CHECK-SAME: %gate: !llvm.ptr<1> {sm90.tensor = 2 : i64},
// CHECK-SAME: %new: !llvm.ptr<1> {sm90.alignment = 8 : i64, sm90.tensor = 3 : i64},
// CHECK-SAME: instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 0]>, #sm90.extent<() -> (2)>]
// CHECK-SAME: #sm90.tensor<"new", tensor<?x64x128xbf16>, [0, -1, -1] updates(0), output = true>
// CHECK: sm90.await_previous_launch
// CHECK: sm90.warps {
// CHECK: %[[ID:.*]] = sm90.block_id
// CHECK: %[[BLOCK:.*]] = arith.remui %[[ID]], %c2
// CHECK: %[[B:.*]] = arith.divui %[[ID]], %c2
// CHECK: %[[COLUMN:.*]] = affine.apply #{{.*}}()[%[[BLOCK]]]
// CHECK: %[[S:.*]] = sm90.load_strips %state[%[[B]], %c0, %[[COLUMN]]] of[%{{.*}}, %c64, %c128] strides[%{{.*}}, %{{.*}}] axes [1, 2] whole : bf16 -> tensor<64x64xf32>
// CHECK: %[[K:.*]] = sm90.load_strips %k[%[[B]], %c0] of[%{{.*}}, %c40] strides[%{{.*}}] axes [1] constant : f32 -> tensor<64xf32>
// CHECK: %[[G:.*]] = sm90.read %gate[%[[B]]]
// CHECK: %[[GS:.*]] = sm90.splat %[[G]] : tensor<64x64xf32>
// CHECK: %[[DECAYED:.*]] = arith.mulf %[[S]], %[[GS]]
// CHECK: %[[NORM:.*]] = sm90.reduce_vector <sum> %[[K]]
// CHECK: %[[KS:.*]] = sm90.broadcast_strips %[[K]] axis(1) : tensor<64xf32> -> tensor<64x64xf32>
// CHECK: %[[P:.*]] = arith.mulf %[[DECAYED]], %[[KS]]
// CHECK: %[[R:.*]] = sm90.reduce_strips <sum> %[[P]] axis(0) : tensor<64x64xf32> -> tensor<64xf32>
// CHECK: %[[RS:.*]] = sm90.broadcast_strips %[[R]] axis(0) : tensor<64xf32> -> tensor<64x64xf32>
// CHECK: %[[NEW:.*]] = scf.for %{{.*}} iter_args(%{{.*}} = %[[RS]]) -> (tensor<64x64xf32>) {
// CHECK: scf.if %{{.*}} -> (tensor<64x64xf32>) {
// CHECK: } else {
// CHECK: sm90.store_strips %[[NEW]], %new[%[[B]], %c0, %[[COLUMN]]] of[%{{.*}}, %c64, %c128] strides[%{{.*}}, %{{.*}}] axes [1, 2] whole : tensor<64x64xf32> -> bf16
tile.kernel @step(%state: !tile.view<?x64x128xbf16> {tile.name = "state", tile.symbols = array<i64: 0, -1, -1>},
                  %k: !tile.view<?x40xf32> {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                  %gate: !tile.view<?xf32> {tile.name = "gate", tile.symbols = array<i64: 0>},
                  %new: !tile.view<?x64x128xbf16> {tile.name = "new", tile.symbols = array<i64: 0, -1, -1>, tile.output, tile.updates = 0})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %n = tile.dim %state[0] : !tile.view<?x64x128xbf16>
  scf.forall (%b, %block) in (%n, 2) {
    %column = affine.apply affine_map<(d0) -> (d0 * 64)>(%block)
    %narrow = tile.load %state[%b, %c0, %column] axes [1, 2] : !tile.view<?x64x128xbf16> -> vector<64x64xbf16>
    %s = arith.extf %narrow : vector<64x64xbf16> to vector<64x64xf32>
    %key = tile.load %k[%b, %c0] axes [1] : !tile.view<?x40xf32> -> vector<64xf32>
    %g = tile.read %gate[%b] : !tile.view<?xf32>
    %gs = vector.broadcast %g : f32 to vector<64x64xf32>
    %decayed = arith.mulf %s, %gs : vector<64x64xf32>
    %norm = vector.reduction <add>, %key : vector<64xf32> into f32
    %rows = vector.broadcast %key : vector<64xf32> to vector<64x64xf32>
    %keys = vector.transpose %rows, [1, 0] : vector<64x64xf32> to vector<64x64xf32>
    %products = arith.mulf %decayed, %keys : vector<64x64xf32>
    %r = vector.multi_reduction <add>, %products, %zero [0] : vector<64x64xf32> to vector<64xf32>
    %rs = vector.broadcast %r : vector<64xf32> to vector<64x64xf32>
    %sum = scf.for %i = %c0 to %c3 step %c1 iter_args(%x = %rs) -> (vector<64x64xf32>) {
      %first = arith.cmpi eq, %i, %c0 : index
      %y = scf.if %first -> (vector<64x64xf32>) {
        %norms = vector.broadcast %norm : f32 to vector<64x64xf32>
        %z = arith.addf %x, %norms : vector<64x64xf32>
        scf.yield %z : vector<64x64xf32>
      } else {
        scf.yield %x : vector<64x64xf32>
      }
      scf.yield %y : vector<64x64xf32>
    }
    %rounded = arith.truncf %sum : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %rounded, %new[%b, %c0, %column] axes [1, 2] : vector<64x64xbf16>, !tile.view<?x64x128xbf16>
  }
  tile.return
}

// Behind the last column, and where the end is not known, elements are accessed one
// by one.

// CHECK-LABEL: sm90.kernel @edges(
// CHECK: sm90.load_strips %x[%{{.*}}, %{{.*}}] of[%{{.*}}, %c100] strides[%{{.*}}] axes [1] constant : f32
// CHECK: sm90.load_strips %x[%{{.*}}, %{{.*}}] of[%{{.*}}, %c100] strides[%{{.*}}] axes [1] constant : f32
// CHECK: sm90.store_strips {{.*}} axes [0] : tensor<64xf32> -> f32
tile.kernel @edges(%x: !tile.view<?x100xf32> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
                   %y: !tile.view<?xf32> {tile.name = "y", tile.symbols = array<i64: 0>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %x[0] : !tile.view<?x100xf32>
  scf.forall (%b, %block) in (%n, 2) {
    %column = affine.apply affine_map<(d0) -> (d0 * 64)>(%block)
    %a = tile.load %x[%b, %column] axes [1] : !tile.view<?x100xf32> -> vector<64xf32>
    %z = tile.load %x[%b, %c64] axes [1] : !tile.view<?x100xf32> -> vector<64xf32>
    %s = arith.addf %a, %z : vector<64xf32>
    tile.store %s, %y[%c0] axes [0] : vector<64xf32>, !tile.view<?xf32>
  }
  tile.return
}

// All warps read a vector, and one writes it: in place, not before the others have.

// CHECK-LABEL: sm90.kernel @vector_in_place(
// CHECK: %[[X:.*]] = sm90.load_strips %x[%{{.*}}, %{{.*}}] {{.*}} axes [1] whole : f32
// CHECK: sm90.barrier.sync
// CHECK-NEXT: sm90.store_strips %[[X]], %y[
// CHECK-NOT: sm90.barrier.sync
// CHECK: sm90.store_strips %[[X]], %z[
tile.kernel @vector_in_place(%x: !tile.view<?x64xf32> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
                             %y: !tile.view<?x64xf32> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output, tile.updates = 0},
                             %z: !tile.view<?x64xf32> {tile.name = "z", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %x[0] : !tile.view<?x64xf32>
  scf.forall (%b) in (%n) {
    %a = tile.load %x[%b, %c0] axes [1] : !tile.view<?x64xf32> -> vector<64xf32>
    tile.store %a, %y[%b, %c0] axes [1] : vector<64xf32>, !tile.view<?x64xf32>
    tile.store %a, %z[%b, %c0] axes [1] : vector<64xf32>, !tile.view<?x64xf32>
  }
  tile.return
}

// Where warps share strips, they add up what each has summed.

#shared = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 1>

// CHECK-LABEL: sm90.kernel @shared(
// CHECK: %[[OWN:.*]] = sm90.reduce_strips <sum> %{{.*}} axis(0) : tensor<128x64xf32> -> tensor<64xf32>
// CHECK: %[[ALL:.*]] = sm90.add_warps %[[OWN]] : tensor<64xf32> -> tensor<64xf32>
// CHECK: %[[PART:.*]] = sm90.reduce_vector <sum>
// CHECK: %[[NORM:.*]] = sm90.add_warps %[[PART]] : f32 -> f32
// CHECK: %[[NORMS:.*]] = sm90.splat %[[NORM]]
// CHECK: arith.addf %[[ALL]], %[[NORMS]]
tile.kernel @shared(%x: !tile.view<?x128x64xf32> {tile.name = "x", tile.symbols = array<i64: 0, -1, -1>},
                    %key: !tile.view<?x128xf32> {tile.name = "key", tile.symbols = array<i64: 0, -1>},
                    %y: !tile.view<?x64xf32> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #shared>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %n = tile.dim %x[0] : !tile.view<?x128x64xf32>
  scf.forall (%b) in (%n) {
    %a = tile.load %x[%b, %c0, %c0] axes [1, 2] : !tile.view<?x128x64xf32> -> vector<128x64xf32>
    %s = vector.multi_reduction <add>, %a, %zero [0] : vector<128x64xf32> to vector<64xf32>
    %k = tile.load %key[%b, %c0] axes [1] : !tile.view<?x128xf32> -> vector<128xf32>
    %norm = vector.reduction <add>, %k : vector<128xf32> into f32
    %norms = vector.broadcast %norm : f32 to vector<64xf32>
    %all = arith.addf %s, %norms : vector<64xf32>
    tile.store %all, %y[%b, %c0] axes [1] : vector<64xf32>, !tile.view<?x64xf32>
  }
  tile.return
}
