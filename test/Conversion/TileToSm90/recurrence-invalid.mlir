// What the roles of a loop over chunks cannot be made of.

// RUN: attn-opt %s -convert-tile-to-sm90 -split-input-file -verify-diagnostics

// expected-error @below {{'tile.kernel' op expected a schedule with an auxiliary that is not persistent}}
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = true, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op expected one loop in each instance for an auxiliary, got 2}}
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
    scf.for %c = %c0 to %length step %c1 {
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %g = arith.constant dense<1.0> : vector<32x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      // expected-error @below {{'tile.dot' op expected 64 rows, 64 for each warpgroup, got 'vector<32x64xf32>'}}
      %a = tile.dot %g, %t : vector<32x64xf16>, vector<64x64xf16> -> vector<32x64xf32>
      %b = arith.truncf %a : vector<32x64xf32> to vector<32x64xf16>
      %d = tile.dot %h, %b transpose_rhs : vector<64x64xf16>, vector<32x64xf16> -> vector<64x32xf32>
      %e = arith.truncf %d : vector<64x32xf32> to vector<64x32xf16>
      %next = tile.dot %e, %b acc(%state) : vector<64x32xf16>, vector<32x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op expected a value that the role computes itself, got}}
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %t, %t : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %next = arith.addf %a, %state : vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// expected-error @below {{expected right operands of products that are loaded or handed over, got}}
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %h acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      // expected-error @below {{'vector.transpose' op expected a tile that is loaded, or stored, to be transposed}}
      %a = vector.transpose %state, [1, 0] : vector<64x64xf32> to vector<64x64xf32>
      scf.yield %a : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      // expected-error @below {{'tile.store' op expected a transposed tile to be stored}}
      tile.store %h, %y[%c, %c0] axes [0, 1] : vector<64x64xf16>, !tile.view<?x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %a = arith.constant 1 : i32
      // expected-error @below {{'vector.broadcast' op expected a number or one for each column to be repeated}}
      %b = vector.broadcast %a : i32 to vector<64x64xi32>
      %d = arith.sitofp %b : vector<64x64xi32> to vector<64x64xf32>
      %next = arith.addf %d, %state : vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %t, %t : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %w = arith.addf %v, %v : vector<64xf32>
      // expected-error @below {{'tile.invert_unit_lower' op expected columns that are the rows, or none}}
      %b = tile.invert_unit_lower %a rows(%v : vector<64xf32>) columns(%w : vector<64xf32>) : vector<64x64xf32>
      %d = arith.truncf %b : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %d acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %s: !tile.view<?x64xf16> {tile.name = "s", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    // expected-error @below {{'vector.step' op is not lowered to the sm90 level outside of the loop over chunks}}
    %a = vector.step : vector<64xindex>
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %v = tile.load %n[%c] axes [0] : !tile.view<?xf32> -> vector<64xf32>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

// Behind the loop a state may be stored or not, and nothing else.
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %n: !tile.view<?xf32> {tile.name = "n", tile.symbols = array<i64: 0>},
               %y: !tile.view<?x64xf32> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
    %isLast = arith.cmpi eq, %i, %c0 : index
    // expected-error @below {{'scf.if' op expected a branch without results and without an else outside of the loop over chunks}}
    scf.if %isLast {
      tile.store %end, %y[%i, %c0] axes [0, 1] : vector<64x64xf32>, !tile.view<?x64xf32>
    } else {
    }
  }
  tile.return
}

// -----

// Sums along rows are those of the squares of what is loaded.
tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %y: !tile.view<?x64xf16> {tile.name = "y", tile.symbols = array<i64: 0, -1>, tile.output})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %none = arith.constant dense<0.0> : vector<64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      // expected-error @below {{'vector.multi_reduction' op expected a sum of the squares of rows that are loaded}}
      %sums = vector.multi_reduction <add>, %zero, %none [1] : vector<64x64xf32> to vector<64xf32>
      %factors = vector.broadcast %sums : vector<64xf32> to vector<64x64xf32>
      %scaled = arith.mulf %state, %factors : vector<64x64xf32>
      %h = arith.truncf %scaled : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %t acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}
