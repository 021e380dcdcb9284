// RUN: attn-opt %s -convert-tile-to-sm90 -canonicalize -cse -split-input-file | FileCheck %s

// An accumulator that products alone read, through two loops, is not cleared: the
// first product with values in an instance does not read it. Which one that is the
// count of the values tells, whatever loops are left out.

// CHECK-LABEL: sm90.kernel @chain(
// CHECK:      consumer {
// CHECK:        scf.for {{.*}} iter_args(%[[K:.*]] = %c0, %[[V:.*]] = %c0) -> (index, index) {
// CHECK:          %[[ANY:.*]] = sm90.undefined : tensor<64x128xf32>
// CHECK:          %[[FIRST:.*]]:3 = scf.for {{.*}} iter_args(%[[ACC:[a-z0-9]+]] = %[[ANY]], %{{[a-z0-9]+}} = %[[K]], %[[USE:[a-z0-9]+]] = %[[V]])
// CHECK:            %[[ADDS:.*]] = arith.cmpi ne, %[[USE]], %[[V]] : index
// CHECK:            sm90.wgmma_async %{{.*}}, %{{.*}} acc(%[[ACC]]) if(%[[ADDS]])
// CHECK:          scf.for {{.*}} iter_args(%[[ACC:[a-z0-9]+]] = %[[FIRST]]#0, %{{[a-z0-9]+}} = %[[FIRST]]#1, %[[USE:[a-z0-9]+]] = %[[FIRST]]#2)
// CHECK:            %[[ADDS:.*]] = arith.cmpi ne, %[[USE]], %[[V]] : index
// CHECK:            sm90.wgmma_async %{{.*}}, %{{.*}} acc(%[[ACC]]) if(%[[ADDS]])
// CHECK:          %[[ADDS:.*]] = arith.cmpi ne, %{{.*}}, %[[V]] : index
// CHECK:          sm90.wgmma_async %{{.*}}, %{{.*}} acc(%{{.*}}) if(%[[ADDS]])
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @chain(%k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                   %v: !w {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                   %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %k[0] : !t
  %zero = arith.constant dense<0.0> : vector<64x128xf32>
  scf.forall (%i) in (%n) {
    %acc1 = scf.for %j = %c0 to %i step %c64 iter_args(%acc = %zero) -> (vector<64x128xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %d = tile.dot %p, %b acc(%acc) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      scf.yield %d : vector<64x128xf32>
    }
    %acc2 = scf.for %j = %i to %n step %c64 iter_args(%acc = %acc1) -> (vector<64x128xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %d = tile.dot %p, %b acc(%acc) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      scf.yield %d : vector<64x128xf32>
    }
    %p = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %v[%i, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
    %d = tile.dot %p, %b acc(%acc2) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
    %small = arith.truncf %d : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x128xbf16>, !w
  }
  tile.return
}

// -----

// The schedule may have accumulators cleared.

// CHECK-LABEL: sm90.kernel @cleared(
// CHECK-NOT: sm90.undefined
// CHECK-NOT: if(
!t = !tile.view<?x64xbf16>
tile.kernel @cleared(%k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                     %v: !t {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                     %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, clear_accumulators = true>>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %k[0] : !t
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  scf.forall (%i) in (%n) {
    %sum = scf.for %j = %c0 to %i step %c64 iter_args(%acc = %zero) -> (vector<64x64xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %d = tile.dot %p, %b acc(%acc) : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
      scf.yield %d : vector<64x64xf32>
    }
    %p = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %v[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %d = tile.dot %p, %b acc(%sum) : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %small = arith.truncf %d : vector<64x64xf32> to vector<64x64xbf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !t
  }
  tile.return
}

// -----

// One whose zeros are the result where the loop has no iteration is cleared, and so is
// one that something else reads in the loop.

// CHECK-LABEL: sm90.kernel @read(
// CHECK-NOT: sm90.undefined
// CHECK-NOT: if(
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @read(%k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                  %v: !w {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                  %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %k[0] : !t
  %zero = arith.constant dense<0.0> : vector<64x128xf32>
  scf.forall (%i) in (%n) {
    %sum = scf.for %j = %c0 to %n step %c64 iter_args(%acc = %zero) -> (vector<64x128xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %d = tile.dot %p, %b acc(%acc) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      scf.yield %d : vector<64x128xf32>
    }
    %small = arith.truncf %sum : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x128xbf16>, !w
  }
  tile.return
}

// -----

// Two accumulators: the first product with a tile of the view is that of one only.

// CHECK-LABEL: sm90.kernel @two(
// CHECK-NOT: sm90.undefined
// CHECK-NOT: if(
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @two(%k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                 %v: !w {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                 %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %k[0] : !t
  %zero = arith.constant dense<0.0> : vector<64x128xf32>
  scf.forall (%i) in (%n) {
    %acc:2 = scf.for %j = %c0 to %i step %c64 iter_args(%x = %zero, %y = %zero) -> (vector<64x128xf32>, vector<64x128xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %d = tile.dot %p, %b acc(%x) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      %c = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %e = tile.dot %p, %c acc(%y) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      scf.yield %d, %e : vector<64x128xf32>, vector<64x128xf32>
    }
    %p = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %v[%i, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
    %d = tile.dot %p, %b acc(%acc#0) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
    %c = tile.load %v[%i, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
    %e = tile.dot %p, %c acc(%acc#1) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
    %sum = arith.addf %d, %e : vector<64x128xf32>
    %small = arith.truncf %sum : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x128xbf16>, !w
  }
  tile.return
}

// -----

// One accumulator for the tiles of two views: the first product with the second one
// adds.

// CHECK-LABEL: sm90.kernel @views(
// CHECK-NOT: sm90.undefined
// CHECK-NOT: if(
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @views(%k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>},
                   %v: !w {tile.name = "v", tile.symbols = array<i64: 0, -1>},
                   %u: !w {tile.name = "u", tile.symbols = array<i64: 0, -1>},
                   %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %k[0] : !t
  %zero = arith.constant dense<0.0> : vector<64x128xf32>
  scf.forall (%i) in (%n) {
    %sum = scf.for %j = %c0 to %i step %c64 iter_args(%acc = %zero) -> (vector<64x128xf32>) {
      %p = tile.load %k[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %v[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %d = tile.dot %p, %b acc(%acc) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      %c = tile.load %u[%j, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
      %e = tile.dot %p, %c acc(%d) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
      scf.yield %e : vector<64x128xf32>
    }
    %p = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %u[%i, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
    %d = tile.dot %p, %b acc(%sum) : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
    %small = arith.truncf %d : vector<64x128xf32> to vector<64x128xbf16>
    tile.store %small, %o[%i, %c0] axes [0, 1] : vector<64x128xbf16>, !w
  }
  tile.return
}
