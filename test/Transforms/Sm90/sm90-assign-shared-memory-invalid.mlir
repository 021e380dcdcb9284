// RUN: attn-opt %s -split-input-file -verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(sm90.kernel(sm90-assign-shared-memory))'
// RUN: not attn-opt %s -split-input-file 2>&1 \
// RUN:   --pass-pipeline='builtin.module(sm90.kernel(sm90-assign-shared-memory{target=sm_80}))' \
// RUN:   | FileCheck %s

// CHECK: error: 'sm90.kernel' op expected a target of sm_90a, got 'sm_80'

// expected-error@+1 {{'sm90.kernel' op expected at most 232448 bytes of shared memory on sm_90a, got 262160}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<8 x 128x128xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x128xbf16>
  %first = sm90.alloc over %buffer : !sm90.buffer<1 x 64x128xbf16> : !sm90.buffer<1 x 8x64xbf16>
  // expected-error@+1 {{'sm90.alloc' op expected at most 16384 bytes over a buffer that has so many, got 17408}}
  %second = sm90.alloc over %buffer : !sm90.buffer<1 x 64x128xbf16> : !sm90.buffer<1 x 64x128xbf16>
  sm90.warp_roles producer {} consumer {}
  sm90.return
}
