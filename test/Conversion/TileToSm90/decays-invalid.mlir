// What decays of channels cannot be made of.

// RUN: attn-opt %s -convert-tile-to-sm90 -split-input-file -verify-diagnostics

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      // expected-error @below {{'tile.decay_sums' op expected gates that are loaded}}
      %s, %w = tile.decay_sums %zero of %length : vector<64x64xf32> -> vector<64xf32>
      %r = tile.apply_decay %t, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      %next = tile.dot %h, %r acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      %d = arith.constant dense<1.0> : vector<64x64xf16>
      // expected-error @below {{'tile.apply_decay' op expected tiles that are loaded to decay}}
      %r = tile.apply_decay %d, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      %p = tile.decayed_dot %t, %d, %s : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %y = tile.apply_decay %t, %s : vector<64x64xf16>, vector<64x64xf32>
      %o = arith.truncf %p : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %h, %r acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %b = tile.dot %h, %y acc(%a) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %next = tile.dot %h, %o acc(%b) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      // expected-error @below {{'tile.apply_decay' op expected a tile.decayed_dot of the rows that decay}}
      %r = tile.apply_decay %t, %s : vector<64x64xf16>, vector<64x64xf32>
      %next = tile.dot %h, %r acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      // expected-error @below {{'tile.decayed_dot' op expected a tile.apply_decay of the right operand to the end}}
      %d = tile.decayed_dot %t, %t, %s : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %r = arith.truncf %d : vector<64x64xf32> to vector<64x64xf16>
      %next = tile.dot %h, %r acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      %l = tile.apply_decay %t, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      // expected-error @below {{'tile.decayed_dot' op expected a tile.apply_decay of the left operand from the start}}
      %d = tile.decayed_dot %t, %t, %s : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %r = arith.truncf %d : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %h, %l acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %next = tile.dot %h, %r acc(%a) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = arith.constant dense<-1.0> : vector<64x64xf32>
      // expected-error @below {{'tile.apply_decay' op expected sums of a tile.decay_sums}}
      %r = tile.apply_decay %t, %v : vector<64x64xf16>, vector<64x64xf32>
      %next = tile.dot %h, %r acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      %t2 = tile.load %x[%c64, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %l = tile.apply_decay %t, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      %l2 = tile.apply_decay %t2, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      %y = tile.apply_decay %t, %s : vector<64x64xf16>, vector<64x64xf32>
      %y2 = tile.apply_decay %t2, %s before : vector<64x64xf16>, vector<64x64xf32>
      // expected-error @below {{'tile.decayed_dot' op expected a tile.decayed_dot of each of 2 rows with each of 2 right operands, got 2}}
      %d = tile.decayed_dot %t, %t, %s : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %d2 = tile.decayed_dot %t2, %t2, %s before : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %r = arith.truncf %d : vector<64x64xf32> to vector<64x64xf16>
      %r2 = arith.truncf %d2 : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %h, %l acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %b = tile.dot %h, %r acc(%a) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %e = tile.dot %h, %l2 acc(%b) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %f = tile.dot %h, %y acc(%e) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %k = tile.dot %h, %y2 acc(%f) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %next = tile.dot %h, %r2 acc(%k) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}

// -----

tile.kernel @f(%x: !tile.view<?x64xf16> {tile.name = "x", tile.symbols = array<i64: 0, -1>},
               %g: !tile.view<?x64xf32> {tile.name = "g", tile.symbols = array<i64: 0, -1>})
    schedule(<block_q = 64, block_kv = 64, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, persistent = false, auxiliary_registers = 104>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : vector<64x64xf32>
  %length = tile.dim %x[0] : !tile.view<?x64xf16>
  scf.forall (%i) in (%length) {
    %end = scf.for %c = %c0 to %length step %c1 iter_args(%state = %zero) -> (vector<64x64xf32>) {
      %t = tile.load %x[%c, %c0] axes [0, 1] : !tile.view<?x64xf16> -> vector<64x64xf16>
      %h = arith.truncf %state : vector<64x64xf32> to vector<64x64xf16>
      %v = tile.load %g[%c, %c0] axes [0, 1] : !tile.view<?x64xf32> -> vector<64x64xf32>
      %s, %w = tile.decay_sums %v of %length : vector<64x64xf32> -> vector<64xf32>
      %l = tile.apply_decay %t, %s to_end : vector<64x64xf16>, vector<64x64xf32>
      %y = tile.apply_decay %t, %s before : vector<64x64xf16>, vector<64x64xf32>
      %u = arith.constant dense<1.0> : vector<64xf32>
      // expected-error @below {{'tile.decayed_dot' op expected a bonus that is loaded}}
      %d = tile.decayed_dot %t, %t, %s before bonus(%u : vector<64xf32>) : vector<64x64xf16>, vector<64x64xf32> -> vector<64x64xf32>
      %r = arith.truncf %d : vector<64x64xf32> to vector<64x64xf16>
      %a = tile.dot %h, %l acc(%state) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %b = tile.dot %h, %y acc(%a) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      %next = tile.dot %h, %r acc(%b) : vector<64x64xf16>, vector<64x64xf16> -> vector<64x64xf32>
      scf.yield %next : vector<64x64xf32>
    }
  }
  tile.return
}
