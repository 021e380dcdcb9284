// RUN: attn-opt %s --convert-tile-to-sm90 -split-input-file -verify-diagnostics

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{has a slice, which warps without roles do not load}}
    %s = tile.load %x[%c0, %c0] slice(%c0, %c9) axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{has a slice, which warps without roles do not store}}
    tile.store %m, %y[%c0, %c0] slice(%c0, %c9) axes [0, 1] : vector<64x64xf32>, !tile.view<64x64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  %narrow = arith.constant dense<0.0> : vector<64xbf16>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a tile that is loaded}}
    %w = arith.extf %narrow : vector<64xbf16> to vector<64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a tile that is stored}}
    %n = arith.truncf %v : vector<64xf32> to vector<64xbf16>
    %w = arith.extf %n : vector<64xbf16> to vector<64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a scalar, or a row that is repeated}}
    %b = vector.broadcast %m : vector<64x64xf32> to vector<2x64x64xf32>
    %t = arith.addf %b, %b : vector<2x64x64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a row that is repeated}}
    %b = vector.transpose %m, [1, 0] : vector<64x64xf32> to vector<64x64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected sums from zero of a matrix along an axis}}
    %b = vector.multi_reduction <add>, %m, %ones [0] : vector<64x64xf32> to vector<64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected sums from zero of a matrix along an axis}}
    %b = vector.multi_reduction <maximumf>, %m, %zero [0] : vector<64x64xf32> to vector<64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a sum from zero}}
    %b = vector.reduction <maximumf>, %v : vector<64xf32> into f32
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{is not lowered to the sm90 level}}
    %b = tile.dot %m, %m : vector<64x64xf32>, vector<64x64xf32> -> vector<64x64xf32>
  }
  tile.return
}

// -----

#strips = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>

tile.kernel @f(%x: !tile.view<64x64xf32> {tile.name = "x", tile.symbols = array<i64: -1, -1>},
               %h: !tile.view<64x64xbf16> {tile.name = "h", tile.symbols = array<i64: -1, -1>},
               %y: !tile.view<64x64xf32> {tile.name = "y", tile.symbols = array<i64: -1, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 1, target = #strips>) {
  %c0 = arith.constant 0 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant dense<0.0> : vector<64xf32>
  %ones = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (1) {
    %m = tile.load %x[%c0, %c0] axes [0, 1] : !tile.view<64x64xf32> -> vector<64x64xf32>
    %v = tile.load %x[%c0, %c0] axes [1] : !tile.view<64x64xf32> -> vector<64xf32>
    // expected-error @below {{expected a constant of one value}}
    %b = arith.constant dense<[0.0, 1.0]> : vector<2xf32>
  }
  tile.return
}
