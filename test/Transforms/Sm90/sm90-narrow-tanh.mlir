// Where all arguments are near zero, a polynomial takes the place of the tanh; the
// constants on its argument and on its result are in the coefficients.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-narrow-tanh))' | FileCheck %s

!s = tensor<64x64xf32>

// CHECK-LABEL: sm90.kernel @softcap(
// CHECK: %[[S:.*]] = arith.constant dense<1.000000e+00> : tensor<64x64xf32>
// CHECK: %[[SIZES:.*]] = sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK-NEXT: %[[SIZE:.*]] = math.absf %[[X]]
// CHECK-NEXT: sm90.yield %[[SIZE]]
// CHECK: %[[LARGEST:.*]] = sm90.reduce_columns <max> %[[SIZES]]
// 3/8, divided by 1/8 and 1/50. Outside of a step one polynomial will do.
// CHECK: %[[LIMIT:.*]] = arith.constant dense<1.500000e+02> : tensor<64xf32>
// CHECK: %[[NEAR:.*]] = arith.cmpf ole, %[[LARGEST]], %[[LIMIT]]
// CHECK: %[[ALL:.*]] = sm90.vote_all %[[NEAR]]
// CHECK: scf.if %[[ALL]]
// CHECK: sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: math.fma
// 1/8 / 50 * 50, all but.
// CHECK: %[[SCALE:.*]] = arith.constant 0.12499{{[0-9]*}} : f32
// CHECK: %[[SUM:.*]] = math.fma %{{.*}}, %[[SQUARE]], %[[SCALE]]
// CHECK: %[[RESULT:.*]] = arith.mulf %[[SUM]], %[[X]]
// CHECK: sm90.yield %[[RESULT]]
// CHECK: } else {
// CHECK-NOT: scf.if
// CHECK: math.tanh
// CHECK-NOT: scf.if
// CHECK: sm90.return
sm90.kernel @softcap() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %eighth = arith.constant 0.125 : f32
    %inverse = arith.constant 0.02 : f32
    %cap = arith.constant 50.0 : f32
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.mulf %x, %eighth fastmath<reassoc> : f32
      %1 = arith.mulf %0, %inverse fastmath<reassoc> : f32
      %2 = math.tanh %1 fastmath<afn> : f32
      %3 = arith.mulf %2, %cap fastmath<reassoc> : f32
      sm90.yield %3 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}

// Where a step of the softmax follows that may keep its maximum, the branch is for
// scores that are near zero under a maximum that is kept, and has the weights and
// their sum: nothing else stands between. What does not depend on the scores goes in
// front. Closer to zero (1/6, else 3/8) the polynomial has a term less.

// CHECK-LABEL: sm90.kernel @step(
// CHECK: %[[SUM:.*]] = arith.constant dense<2.000000e+00> : tensor<64xf32>
// CHECK: %[[LARGEST:.*]] = sm90.reduce_columns <max>
// CHECK: %[[SOME:.*]] = arith.cmpf ogt, %[[SUM]],
// CHECK-NEXT: %[[KEEPS:.*]] = sm90.vote_all %[[SOME]]
// CHECK-NEXT: %[[LIMIT:.*]] = arith.constant dense<8.333{{.*}}>
// CHECK-NEXT: %[[NEAR:.*]] = arith.cmpf ole, %[[LARGEST]], %[[LIMIT]]
// CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[NEAR]], %[[SOME]]
// CHECK-NEXT: %[[ALL:.*]] = sm90.vote_all %[[BOTH]]
// CHECK-NEXT: %[[STEP:.*]]:3 = scf.if %[[ALL]]
// CHECK-NEXT: sm90.score
// CHECK-COUNT-1: math.fma
// CHECK-NOT: math.fma
// CHECK: sm90.mask
// CHECK-NOT: scf.if
// CHECK: sm90.broadcast_rows %[[SUM]]
// CHECK: %[[WEIGHTS:.*]] = math.exp2
// CHECK-NEXT: %[[OWN:.*]] = sm90.reduce_columns <sum> %[[WEIGHTS]]
// CHECK-NEXT: scf.yield %[[SUM]], %[[WEIGHTS]], %[[OWN]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[LIMIT:.*]] = arith.constant dense<1.875000e+01>
// CHECK-NEXT: %[[NEAR:.*]] = arith.cmpf ole, %[[LARGEST]], %[[LIMIT]]
// CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[NEAR]], %[[SOME]]
// CHECK-NEXT: %[[ALL:.*]] = sm90.vote_all %[[BOTH]]
// CHECK-NEXT: %[[OTHER:.*]]:3 = scf.if %[[ALL]]
// CHECK-COUNT-2: math.fma
// CHECK: } else {
// CHECK: math.tanh
// CHECK: sm90.mask
// CHECK: %[[MAX:.*]] = scf.if %[[KEEPS]]
// CHECK: %[[WEIGHTS:.*]] = math.exp2
// CHECK-NEXT: %[[OWN:.*]] = sm90.reduce_columns <sum> %[[WEIGHTS]]
// CHECK-NEXT: scf.yield %[[MAX]], %[[WEIGHTS]], %[[OWN]]
// CHECK: scf.yield %[[OTHER]]#0, %[[OTHER]]#1, %[[OTHER]]#2
// CHECK: arith.truncf %[[STEP]]#1
// CHECK: arith.addf %[[STEP]]#0, %[[STEP]]#2
sm90.kernel @step() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %sum = arith.constant dense<2.0> : tensor<64xf32>
    %inverse = arith.constant 0.02 : f32
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.mulf %x, %inverse fastmath<reassoc> : f32
      %1 = math.tanh %0 fastmath<afn> : f32
      sm90.yield %1 : f32
    }
    %m = sm90.mask %r query(%c0) key(%c0) : !s {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      sm90.yield %keep : i1
    }
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %some = arith.cmpf ogt, %sum, %zero : tensor<64xf32>
    %keeps = sm90.vote_all %some : tensor<64xi1>
    %max = scf.if %keeps -> (tensor<64xf32>) {
      scf.yield %sum : tensor<64xf32>
    } else {
      %new = sm90.reduce_columns <max> %m : !s -> tensor<64xf32>
      scf.yield %new : tensor<64xf32>
    }
    %wide = sm90.broadcast_rows %max : tensor<64xf32> -> !s
    %y = arith.subf %m, %wide : !s
    %weights = math.exp2 %y : !s
    %own = sm90.reduce_columns <sum> %weights : !s -> tensor<64xf32>
    %small = arith.truncf %weights : !s to tensor<64x64xbf16>
    %total = arith.addf %max, %own : tensor<64xf32>
  }
  sm90.return
}

// Where the softmax scales the very scores, the polynomial has the scale in it, and its
// last product is that of the softmax.

// CHECK-LABEL: sm90.kernel @scaled(
// CHECK: %[[S:.*]] = arith.constant dense<1.000000e+00> : tensor<64x64xf32>
// CHECK: sm90.vote_all
// CHECK: sm90.vote_all
// CHECK-NEXT: scf.if
// CHECK: %[[P:.*]] = sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// 1/50 * 2, all but.
// CHECK: %[[SCALE:.*]] = arith.constant 0.03999{{[0-9]*}} : f32
// CHECK: %[[SUM:.*]] = math.fma %{{.*}}, %[[SQUARE]], %[[SCALE]]
// CHECK: sm90.yield %[[SUM]]
// CHECK: %[[SHIFT:.*]] = sm90.broadcast_rows
// CHECK-NEXT: %[[Y:.*]] = math.fma %[[P]], %[[S]], %[[SHIFT]]
// CHECK-NEXT: math.exp2 %[[Y]]
// CHECK: } else {
// CHECK: %[[T:.*]] = sm90.score %[[S]]
// CHECK: math.fma %[[T]], %{{.*}}, %{{.*}}
sm90.kernel @scaled() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %sum = arith.constant dense<2.0> : tensor<64xf32>
    %two = arith.constant dense<2.0> : !s
    %inverse = arith.constant 0.02 : f32
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.mulf %x, %inverse fastmath<reassoc> : f32
      %1 = math.tanh %0 fastmath<afn> : f32
      sm90.yield %1 : f32
    }
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %some = arith.cmpf ogt, %sum, %zero : tensor<64xf32>
    %keeps = sm90.vote_all %some : tensor<64xi1>
    %max = scf.if %keeps -> (tensor<64xf32>) {
      scf.yield %sum : tensor<64xf32>
    } else {
      %new = sm90.reduce_columns <max> %r : !s -> tensor<64xf32>
      scf.yield %new : tensor<64xf32>
    }
    %wide = sm90.broadcast_rows %max : tensor<64xf32> -> !s
    %y = math.fma %r, %two, %wide : !s
    %weights = math.exp2 %y : !s
    %own = sm90.reduce_columns <sum> %weights : !s -> tensor<64xf32>
    %small = arith.truncf %weights : !s to tensor<64x64xbf16>
    %total = arith.addf %max, %own : tensor<64xf32>
  }
  sm90.return
}

// A large cap makes small errors large: one precise polynomial up to 1/4.

// CHECK-LABEL: sm90.kernel @large(
// CHECK: arith.constant dense<249.999{{[0-9]*}}> : tensor<64xf32>
// CHECK: scf.if
// CHECK: arith.constant 0.99999{{[0-9]*}} : f32
// CHECK: } else {
// CHECK: math.tanh
sm90.kernel @large() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %inverse = arith.constant 0.001 : f32
    %cap = arith.constant 1000.0 : f32
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.mulf %x, %inverse fastmath<reassoc> : f32
      %1 = math.tanh %0 fastmath<afn> : f32
      %2 = arith.mulf %1, %cap fastmath<reassoc> : f32
      sm90.yield %2 : f32
    }
    %used = arith.negf %r : !s
  }
  sm90.return
}

// Amid the step something else happens: the branch has the scores alone.

// CHECK-LABEL: sm90.kernel @between(
// CHECK: %[[NEAR:.*]] = arith.cmpf ole, %{{.*}}, %{{.*}} : tensor<64xf32>
// CHECK-NEXT: %[[ALL:.*]] = sm90.vote_all %[[NEAR]]
// CHECK-NEXT: scf.if %[[ALL]] -> (tensor<64x64xf32>)
// CHECK: sm90.barrier.sync
sm90.kernel @between() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x fastmath<afn> : f32
      sm90.yield %0 : f32
    }
    sm90.barrier.sync
    %weights = math.exp2 %r : !s
    %own = sm90.reduce_columns <sum> %weights : !s -> tensor<64xf32>
  }
  sm90.return
}

// An exact tanh, two of them, and what the schedule does not want stay.

// CHECK-LABEL: sm90.kernel @exact(
// CHECK-NOT: sm90.vote_all
sm90.kernel @exact() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x : f32
      sm90.yield %0 : f32
    }
    %t = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x fastmath<afn> : f32
      %1 = math.tanh %0 fastmath<afn> : f32
      sm90.yield %1 : f32
    }
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @off(
// CHECK-NOT: sm90.vote_all
sm90.kernel @off() attributes {schedule = #sm90.schedule<narrow_tanh = false>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x fastmath<afn> : f32
      sm90.yield %0 : f32
    }
  }
  sm90.return
}
