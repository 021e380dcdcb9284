// What the reference knows and no lower level does is refused by name.
// RUN: attn-opt %s -convert-attn-to-tile -split-input-file -verify-diagnostics
// RUN: attn-opt %s -attn-select-schedule -split-input-file -verify-diagnostics

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @positions(%q: !t, %k: !t, %p: tensor<?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has positions of its own, which is not lowered to the tile level}}
  %o = attn.attention %q, %kv positions(%p : tensor<?x?xi32>) : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @off_by_one(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has the normalizer off_by_one, which is not lowered to the tile level}}
  %o = attn.attention %q, %kv normalizer<off_by_one> : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @sigmoid(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has the normalizer sigmoid, which is not lowered to the tile level}}
  %o = attn.attention %q, %kv normalizer<sigmoid> : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @counts_queries(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has a region that counts the queries, which is not lowered to the tile level}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index, %i: index):
    %keep = arith.cmpi sle, %i, %j : index
    attn.yield %keep : i1
  } : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!o = tensor<?x?x2x16xf32>
!kv = !attn.kv<!t, !t>

func.func @part(%q: !t, %k: !t) -> !o {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has an output of other elements than those of the query, which is not lowered to the tile level}}
  %o = attn.attention %q, %kv : !t, !kv -> !o
  return %o : !o
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @bits(%q: !t, %k: !t, %w: tensor<?x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.bits' op is not lowered to the tile level}}
  %o = attn.attention %q, %kv mask(bits(%w : tensor<?x?x?xi32>)) : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @tree(%q: !t, %k: !t, %n: tensor<?xi32>, %w: tensor<?x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.tree' op is not lowered to the tile level}}
  %o = attn.attention %q, %kv mask(tree(%n : tensor<?xi32>, %w : tensor<?x?x?xi32>)) : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @bias(%q: !t, %k: !t, %w: tensor<1x2x?x?xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.bias' op is not lowered to the tile level}}
  %o = attn.attention %q, %kv score(bias(%w : tensor<1x2x?x?xf32>)) : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @latent(%q: !t, %k: !t) -> !t {
  // expected-error @below {{'attn.kv.latent' op is not lowered to the tile level}}
  %kv = attn.kv.latent %k slice<16> : !t
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @paged(%q: !t, %k: !t, %t: tensor<?x?xi32>, %n: tensor<?xi32>) -> !t {
  // expected-error @below {{'attn.kv.paged' op is not lowered to the tile level}}
  %kv = attn.kv.paged %k slice<16> table(%t, %n : tensor<?x?xi32>, tensor<?xi32>) : !t
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @gather(%q: !t, %k: !t, %i: tensor<?x?x1x4xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.kv.gather' op is not lowered to the tile level}}
  %other = attn.kv.gather %kv at %i : !kv, tensor<?x?x1x4xi32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @concat(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.kv.concat' op is not lowered to the tile level}}
  %other = attn.kv.concat %kv, %kv : !kv, !kv -> !kv
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @merge(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.merge' op is not lowered to the tile level}}
  %other = attn.merge %q, %q : (!t, !t) -> !t
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @select(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.select' op is not lowered to the tile level}}
  %other = attn.select %q, %k top<4> : !t, !t -> tensor<?x?x2x4xi32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @compress(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.compress' op is not lowered to the tile level}}
  %other = attn.compress %k block<4> stride<4> : !t -> !t
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @rotary(%q: !t, %k: !t, %p: tensor<?x?xi32>, %f: tensor<8xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.rotary' op is not lowered to the tile level}}
  %other = attn.rotary %k at %p by %f : !t, tensor<?x?xi32>, tensor<8xf32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @dequantize(%q: !t, %k: !t, %d: tensor<4xi8>, %s: tensor<1xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.dequantize' op is not lowered to the tile level}}
  %other = attn.dequantize %d by %s : tensor<4xi8>, tensor<1xf32> -> tensor<4xf32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @quantize(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.quantize' op is not lowered to the tile level}}
  %d, %s = attn.quantize %k group<16> : !t -> tensor<?x?x2x16xi8>, tensor<?x?x2x1xf32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @unpack(%q: !t, %k: !t, %d: tensor<656xi8>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.unpack_mla' op is not lowered to the tile level}}
  %other = attn.unpack_mla %d : tensor<656xi8> -> tensor<576xf32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @append(%q: !t, %k: !t, %p: tensor<?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.cache.append' op is not lowered to the tile level}}
  %other = attn.cache.append %k to %k at %p : !t, !t, tensor<?x?xi32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @convert_lse(%q: !t, %k: !t, %l: tensor<4xf32, #attn.log2>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.convert_lse' op is not lowered to the tile level}}
  %other = attn.convert_lse %l : tensor<4xf32, #attn.log2> -> tensor<4xf32>
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @backward(%q: !t, %k: !t, %l: tensor<?x2x?xf32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention_backward' op is not lowered to the tile level}}
  %a, %b, %c = attn.attention_backward %q, %kv, %q of(%q, %l) : (!t, !kv, !t, !t, tensor<?x2x?xf32>) -> !t, !t, !t
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}
