// The table that is installed is read, and all of its classes are found.

// RUN: attn-opt %s -attn-lower-mask-ops -remarks-filter-analyse=schedule \
// RUN:   -attn-select-schedule=table=%S/../../share/schedules/nvidia-h200.table 2>&1 \
// RUN:   | FileCheck %s

// CHECK-DAG: Function=full_64_64 | Remark="from the table: 'sm_90a bf16 64x64 full'"
func.func @full_64_64(%q: tensor<?x?x8x64xbf16>, %k: tensor<?x?x8x64xbf16>, %v: tensor<?x?x8x64xbf16>) -> tensor<?x?x8x64xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>
  %o = attn.attention %q, %kv : tensor<?x?x8x64xbf16>, !attn.kv<tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>> -> tensor<?x?x8x64xbf16>
  return %o : tensor<?x?x8x64xbf16>
}

// CHECK-DAG: Function=causal_64_64 | Remark="from the table: 'sm_90a bf16 64x64 uneven'"
func.func @causal_64_64(%q: tensor<?x?x8x64xbf16>, %k: tensor<?x?x8x64xbf16>, %v: tensor<?x?x8x64xbf16>) -> tensor<?x?x8x64xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x64xbf16>, !attn.kv<tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>> -> tensor<?x?x8x64xbf16>
  return %o : tensor<?x?x8x64xbf16>
}

// CHECK-DAG: Function=full_128_128 | Remark="from the table: 'sm_90a bf16 128x128 full'"
func.func @full_128_128(%q: tensor<?x?x8x128xbf16>, %k: tensor<?x?x8x128xbf16>, %v: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x128xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv : tensor<?x?x8x128xbf16>, !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}

// CHECK-DAG: Function=causal_128_128 | Remark="from the table: 'sm_90a bf16 128x128 uneven'"
func.func @causal_128_128(%q: tensor<?x?x8x128xbf16>, %k: tensor<?x?x8x128xbf16>, %v: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x128xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x128xbf16>, !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}

// CHECK-DAG: Function=full_256_256 | Remark="from the table: 'sm_90a bf16 256x256 full'"
func.func @full_256_256(%q: tensor<?x?x8x256xbf16>, %k: tensor<?x?x8x256xbf16>, %v: tensor<?x?x8x256xbf16>) -> tensor<?x?x8x256xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>
  %o = attn.attention %q, %kv : tensor<?x?x8x256xbf16>, !attn.kv<tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>> -> tensor<?x?x8x256xbf16>
  return %o : tensor<?x?x8x256xbf16>
}

// CHECK-DAG: Function=causal_256_256 | Remark="from the table: 'sm_90a bf16 256x256 uneven'"
func.func @causal_256_256(%q: tensor<?x?x8x256xbf16>, %k: tensor<?x?x8x256xbf16>, %v: tensor<?x?x8x256xbf16>) -> tensor<?x?x8x256xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x256xbf16>, !attn.kv<tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>> -> tensor<?x?x8x256xbf16>
  return %o : tensor<?x?x8x256xbf16>
}

// CHECK-DAG: Function=full_192_192 | Remark="from the table: 'sm_90a bf16 192x192 full'"
func.func @full_192_192(%q: tensor<?x?x8x192xbf16>, %k: tensor<?x?x8x192xbf16>, %v: tensor<?x?x8x192xbf16>) -> tensor<?x?x8x192xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x192xbf16>, tensor<?x?x8x192xbf16>
  %o = attn.attention %q, %kv : tensor<?x?x8x192xbf16>, !attn.kv<tensor<?x?x8x192xbf16>, tensor<?x?x8x192xbf16>> -> tensor<?x?x8x192xbf16>
  return %o : tensor<?x?x8x192xbf16>
}

// CHECK-DAG: Function=causal_192_192 | Remark="from the table: 'sm_90a bf16 192x192 uneven'"
func.func @causal_192_192(%q: tensor<?x?x8x192xbf16>, %k: tensor<?x?x8x192xbf16>, %v: tensor<?x?x8x192xbf16>) -> tensor<?x?x8x192xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x192xbf16>, tensor<?x?x8x192xbf16>
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x192xbf16>, !attn.kv<tensor<?x?x8x192xbf16>, tensor<?x?x8x192xbf16>> -> tensor<?x?x8x192xbf16>
  return %o : tensor<?x?x8x192xbf16>
}

// CHECK-DAG: Function=full_192_128 | Remark="from the table: 'sm_90a bf16 192x128 full'"
func.func @full_192_128(%q: tensor<?x?x8x192xbf16>, %k: tensor<?x?x8x192xbf16>, %v: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x128xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv : tensor<?x?x8x192xbf16>, !attn.kv<tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}

// CHECK-DAG: Function=causal_192_128 | Remark="from the table: 'sm_90a bf16 192x128 uneven'"
func.func @causal_192_128(%q: tensor<?x?x8x192xbf16>, %k: tensor<?x?x8x192xbf16>, %v: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x128xbf16> {
  %kv = attn.kv.dense %k, %v : tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x192xbf16>, !attn.kv<tensor<?x?x8x192xbf16>, tensor<?x?x8x128xbf16>> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}
