// What cannot be divided among the warps is refused by name.

// RUN: attn-opt %s --convert-tile-to-sm90 -split-input-file -verify-diagnostics

// No part of the schedule for Hopper.
#target = unit
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected a schedule with a target of #sm90.schedule}}
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {

  }
  tile.return
}

// -----

// An argument without a name.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected argument 0 to have the attribute tile.name}}
tile.kernel @f(%q: !t {tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {

  }
  tile.return
}

// -----

// Rows for more warpgroups than there are.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op expected 64 rows, 64 for each consumer warpgroup, got 'vector<128x64xbf16>'}}
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<128x64xbf16>
  }
  tile.return
}

// -----

// Columns that no strips have.
#target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected block_q of 16, 32, 64 or 128 without warp_roles, got 48}}
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 48, block_kv = 1, target = #target>) {
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
  }
  tile.return
}

// -----

// Queries for fewer warpgroups than there are.
#target = #sm90.schedule<>
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected block_q of 128, 64 for each consumer warpgroup, got 64}}
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
  }
  tile.return
}

// -----

// Loads of one tile type from one view along other axes.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, 1, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, 1, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, 1, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0, %c0] axes [0, 2] : !t -> vector<64x64xbf16>
    // expected-error@+1 {{'tile.load' op expected all loads of one tile type from one view to have the same axes, all of a slice or none, got [1, 2] and [0, 2]}}
    %b = tile.load %q[%i, %c0, %c0] axes [1, 2] : !t -> vector<64x64xbf16>
  }
  tile.return
}

// -----

// A row is not a tile.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op expected a tile of rank 2, got 'vector<64xbf16>'}}
    %a = tile.load %q[%i, %c0] axes [1] : !t -> vector<64xbf16>
  }
  tile.return
}

// -----

// Elements that products do not read.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %x: !tile.view<?x64xf32> {tile.name = "x", tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op cannot be a copy: expected elements of 16 bits, got 'vector<64x64xf32>'}}
    %a = tile.load %x[%i, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
  }
  tile.return
}

// -----

// More rows than a copy has.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op cannot be a copy: expected a box of bf16 or f16 with a multiple of 8 rows up to 256 and a multiple of 16 columns, got 512x64x'bf16'}}
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<512x64xbf16>
  }
  tile.return
}

// -----

// Rows that end within a swizzle.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op cannot be a copy: expected a box of bf16 or f16 with a multiple of 8 rows up to 256 and a multiple of 16 columns, got 60x64x'bf16'}}
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<60x64xbf16>
  }
  tile.return
}

// -----

// Columns that are not contiguous.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %x: !tile.view<?x64x4xbf16> {tile.name = "x", tile.symbols = array<i64: 0, -1, -1>}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op cannot be a copy: expected two axes, the second one the innermost of at most 5, got axes [0, 1] of rank 3}}
    %a = tile.load %x[%i, %c0, %c0] axes [0, 1] : !tile.view<?x64x4xbf16> -> vector<64x64xbf16>
  }
  tile.return
}

// -----

// Stored to twice.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %t = arith.constant dense<1.0> : vector<64x64xbf16>
  scf.forall (%i) in (%n) {
    tile.store %t, %o[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !t
    // expected-error@+1 {{'tile.store' op expected one access to a view that is stored to}}
    tile.store %t, %o[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !t
  }
  tile.return
}

// -----

// Loaded from and stored to.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %t = arith.constant dense<1.0> : vector<64x64xbf16>
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    // expected-error@+1 {{'tile.store' op expected one access to a view that is stored to}}
    tile.store %t, %q[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !t
  }
  tile.return
}

// -----

// Rows of a strided column.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %x: !tile.view<?x4xf32> {tile.name = "x", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %t = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.store' op expected a row of values along the innermost axis}}
    tile.store %t, %x[%i, %c0] axes [0] : vector<64xf32>, !tile.view<?x4xf32>
  }
  tile.return
}

// -----

// A slice whose end the producer does not know.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  %t = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (%n) {
    %e = vector.extract %t[0] : f32 from vector<64xf32>
    %f = arith.fptosi %e : f32 to i32
    %end = arith.index_cast %f : i32 to index
    // expected-error@+1 {{'tile.load' op expected loads that depend on sizes and loop indices alone}}
    %a = tile.load %q[%i, %c0] slice(%c0, %end) axes [0, 1] : !t -> vector<64x64xbf16>
  }
  tile.return
}

// -----

// Instances whose number a launch cannot compute.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected each bound of the scf.forall to be a constant or an affine expression of sizes}}
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %m = arith.muli %n, %n : index
  scf.forall (%i) in (%m) {

  }
  tile.return
}

// -----

// Instances that do not start at 0.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  // expected-error@+1 {{'scf.forall' op expected bounds from 0 with a step of 1}}
  scf.forall (%i) = (1) to (%n) step (1) {

  }
  tile.return
}

// -----

// Work outside of the instances.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  // expected-error@+1 {{'tile.load' op is not lowered outside of the scf.forall}}
  %a = tile.load %q[%c0, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
  scf.forall (%i) in (%n) {

  }
  tile.return
}

// -----

// Rows that an earlier iteration has found.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %r = scf.for %j = %c0 to %n step %c1 iter_args(%row = %i) -> (index) {
      // expected-error@+1 {{'tile.load' op expected loads that depend on sizes and loop indices alone}}
      %a = tile.load %q[%row, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      scf.yield %j : index
    }
  }
  tile.return
}

// -----

// A loop whose end is data.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %l = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (%n) {
    %x = vector.extract %l[0] : f32 from vector<64xf32>
    %y = arith.fptosi %x : f32 to i32
    %z = arith.index_cast %y : i32 to index
    // expected-error@+1 {{'scf.for' op expected loads that depend on sizes and loop indices alone}}
    scf.for %j = %c0 to %z step %c1 {
      %a = tile.load %q[%j, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    }
  }
  tile.return
}

// -----

// A branch on data.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %l = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (%n) {
    %x = vector.extract %l[0] : f32 from vector<64xf32>
    %y = arith.fptosi %x : f32 to i32
    %z = arith.index_cast %y : i32 to index
    %w = arith.cmpi sgt, %z, %c0 : index
    // expected-error@+1 {{'scf.if' op expected loads that depend on sizes and loop indices alone}}
    scf.if %w {
      %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    }
  }
  tile.return
}

// -----

// A right operand that is computed.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %s = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %p = arith.truncf %s : vector<64x64xf32> to vector<64x64xbf16>
    // expected-error@+1 {{'tile.dot' op expected a right operand that is loaded in the same block}}
    %x = tile.dot %a, %p : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
  }
  tile.return
}

// -----

// A right operand that each iteration would give back.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    scf.for %j = %c0 to %n step %c1 {
      // expected-error@+1 {{'tile.dot' op expected a right operand that is loaded in the same block}}
      %s = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// A right operand of two products.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    // expected-error@+1 {{'tile.load' op expected a tile that is either the left operand of products or the right operand of one, or read by one modifier}}
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %s = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %t = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
  }
  tile.return
}

// -----

// A tile that is used for itself.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.load' op expected a tile that is either the left operand of products or the right operand of one, or read by one modifier}}
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %x = arith.extf %a : vector<64x64xbf16> to vector<64x64xf32>
  }
  tile.return
}

// -----

// Half an instruction along the keys.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %p = arith.constant dense<1.0> : vector<64x72xbf16>
  scf.forall (%i) in (%n) {
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<72x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected lhs of 64x72x'bf16' with a multiple of 16 columns, got 'tensor<64x72xbf16>'}}
    %s = tile.dot %p, %b : vector<64x72xbf16>, vector<72x64xbf16> -> vector<64x64xf32>
  }
  tile.return
}

// -----

// A constant of many values.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  // expected-error@+1 {{'arith.constant' op expected a constant of one value}}
  %x = arith.constant dense<"0x000000000000000100000002000000030000000400000005000000060000000700000008000000090000000A0000000B0000000C0000000D0000000E0000000F000000100000001100000012000000130000001400000015000000160000001700000018000000190000001A0000001B0000001C0000001D0000001E0000001F000000200000002100000022000000230000002400000025000000260000002700000028000000290000002A0000002B0000002C0000002D0000002E0000002F000000300000003100000032000000330000003400000035000000360000003700000038000000390000003A0000003B0000003C0000003D0000003E0000003F"> : vector<64xf32>
  scf.forall (%i) in (%n) {

  }
  tile.return
}

// -----

// An op that is not element-wise.
#target = #sm90.schedule<consumer_warpgroups = 1>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tile.dim %q[0] : !t
  %l = arith.constant dense<1.0> : vector<64xf32>
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'vector.extract' op is not lowered to the sm90 level}}
    %x = vector.extract %l[0] : f32 from vector<64xf32>
  }
  tile.return
}

// -----

// Queries that are narrower than the output cannot lend it their buffer.
#target = #sm90.schedule<consumer_warpgroups = 1, output_in_query_buffer = true>
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !w {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !w -> vector<64x128xbf16>
    %r = tile.dot %a, %b : vector<64x64xbf16>, vector<64x128xbf16> -> vector<64x128xf32>
    %x = arith.truncf %r : vector<64x128xf32> to vector<64x128xbf16>
    // expected-error@+1 {{'tile.store' op expected one tile of queries that holds 'vector<64x128xbf16>' for output_in_query_buffer}}
    tile.store %x, %o[%i, %c0] axes [0, 1] : vector<64x128xbf16>, !w
  }
  tile.return
}

// -----

// Threads do not look where a row of the output ends.
#target = #sm90.schedule<consumer_warpgroups = 1, output_from_registers = true>
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x128xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %r = tile.dot %a, %b : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    %x = arith.truncf %r : vector<64x64xf32> to vector<64x64xbf16>
    // expected-error@+1 {{'tile.store' op expected a tile of whole rows of 16-bit elements for output_from_registers, got 'vector<64x64xbf16>' of '!tile.view<?x128xbf16>'}}
    tile.store %x, %o[%i, %c0] axes [0, 1] : vector<64x64xbf16>, !w
  }
  tile.return
}

// -----

// Nor do they store wider elements.
#target = #sm90.schedule<consumer_warpgroups = 1, output_from_registers = true>
!t = !tile.view<?x64xbf16>
!w = !tile.view<?x64xf32>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !w {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
    %r = tile.dot %a, %b : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    // expected-error@+1 {{'tile.store' op expected a tile of whole rows of 16-bit elements for output_from_registers, got 'vector<64x64xf32>' of '!tile.view<?x64xf32>'}}
    tile.store %r, %o[%i, %c0] axes [0, 1] : vector<64x64xf32>, !w
  }
  tile.return
}

// -----

// Queries that keep their buffer, loaded in a loop.
#target = #sm90.schedule<consumer_warpgroups = 1, query_in_registers = false>
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}, %k: !t {tile.name = "k", tile.symbols = array<i64: 0, -1>}, %o: !t {tile.name = "o", tile.symbols = array<i64: 0, -1>, tile.output}) schedule(<block_q = 64, block_kv = 64, target = #target>) {
  %c0 = arith.constant 0 : index
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %c1 = arith.constant 1 : index
    scf.for %l = %c0 to %i step %c1 {
      // expected-error@+1 {{'tile.load' op expected queries that keep their buffer to be loaded once per instance}}
      %a = tile.load %q[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %b = tile.load %k[%i, %c0] axes [0, 1] : !t -> vector<64x64xbf16>
      %r = tile.dot %a, %b transpose_rhs : vector<64x64xbf16>, vector<64x64xbf16> -> vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// An element that has no address of its own.
tile.kernel @nibbles(%n: !tile.view<8xi4> {tile.name = "n", tile.symbols = array<i64: -1>})
    schedule(<block_q = 128, block_kv = 128, target = #sm90.schedule<>>) {
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (%c1) {
    // expected-error@+1 {{'tile.read' op expected an element of 1, 8, 16, 32 or 64 bits, got 'i4'}}
    %e = tile.read %n[%t] : !tile.view<8xi4>
  }
  tile.return
}

// -----

// An instance that fails has to come from somewhere again.
!t = !tile.view<?x64xbf16>
// expected-error@+1 {{'tile.kernel' op expected a dynamic schedule, since instances that fail are computed again}}
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1>>) {
  %acc = arith.constant dense<0.0> : vector<64x64xf32>
  %rows = arith.constant dense<0.0> : vector<64xf32>
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    %o, %lse = tile.finish_softmax %acc, %rows, %rows scale(1.0) sum_limit(7) : vector<64x64xf32>, vector<64xf32>
  }
  tile.return
}

// -----

// Nobody would see that a sum has become too large.
!t = !tile.view<?x64xbf16>
tile.kernel @f(%q: !t {tile.name = "q", tile.symbols = array<i64: 0, -1>}) schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, dynamic = true>>) {
  %s = arith.constant dense<0.0> : vector<64x64xf32>
  %rows = arith.constant dense<0.0> : vector<64xf32>
  %n = tile.dim %q[0] : !t
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'tile.online_softmax' op expected a tile.finish_softmax with a sum_limit}}
    %p, %m, %l, %c = tile.online_softmax %s, %rows, %rows scale(1.0) sum_limit(7) : vector<64x64xf32>, vector<64xf32>
    %o, %lse = tile.finish_softmax %p, %m, %l scale(1.0) : vector<64x64xf32>, vector<64xf32>
  }
  tile.return
}
