// RUN: attn-opt %s -convert-attn-to-tile -split-input-file -verify-diagnostics

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @disjunction(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c4 = arith.constant 4 : index
    %0 = arith.cmpi sle, %j, %p : index
    %1 = arith.cmpi slt, %j, %c4 : index
    // expected-note @below {{because of 'arith.ori'}}
    %keep = arith.ori %0, %1 : i1
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @never(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-note @below {{because of 'arith.constant'}}
    %keep = arith.constant false
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @equal(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi eq, %j, %p : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @unsigned(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi ule, %j, %p : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @product(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c2 = arith.constant 2 : index
    // expected-note @below {{because of 'arith.muli'}}
    %twice = arith.muli %j, %c2 : index
    %keep = arith.cmpi sle, %twice, %p : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// Of slope 2.
func.func @twice_the_key(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %twice = arith.addi %j, %j : index
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi sle, %twice, %p : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// A bound that falls with the query.
func.func @antidiagonal(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c9 = arith.constant 9 : index
    %sum = arith.addi %j, %p : index
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi sle, %sum, %c9 : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// No bound on the key.
func.func @query_alone(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c9 = arith.constant 9 : index
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi sle, %p, %c9 : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @constants_alone(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %c9 = arith.constant 9 : index
    // expected-note @below {{because of 'arith.cmpi'}}
    %keep = arith.cmpi sle, %c9, %c9 : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @narrow(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-note @below {{because of 'arith.index_cast'}}
    %narrow = arith.index_cast %j : index to i32
    %c9 = arith.constant 9 : i32
    %keep = arith.cmpi sle, %narrow, %c9 : i32
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// Batch and head differ from instance to instance; there is no op to point at.
func.func @batch(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.cmpi sle, %j, %b : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// Bounds that are loaded.
func.func @read(%q: !t, %k: !t, %n: tensor<?xi64>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a mask that is not lowered: expected a conjunction of bounds on the key position}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %i = attn.read %n[%b] : tensor<?xi64>
    // expected-note @below {{because of 'arith.index_cast'}}
    %c = arith.index_cast %i : i64 to index
    %keep = arith.cmpi slt, %j, %c : index
    attn.yield %keep : i1
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}
