//===- Measure.h - How long work takes on a device --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A card that is limited by its power runs slower the longer it works, so a
// time means nothing without its protocol. There are two here. A *burst* is a
// replay of a few milliseconds after a pause; *sustained* is replay after
// replay. The works are interleaved, so that they meet the same conditions.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_MEASURE_H
#define ATTN_RUNTIME_MEASURE_H

#include "attn/Runtime/Device.h"

#include <vector>

namespace attn::runtime {

struct MeasureOptions {
  /// The pause before a burst.
  double idleSeconds = 0.12;
  /// How long one replay takes.
  double replayMilliseconds = 20;
  /// The number of replays of which the median is taken.
  unsigned rounds = 5;
};

/// Milliseconds of one execution of a work: medians.
struct Timing {
  double burst = 0;
  double sustained = 0;
};

/// Measures `works`, each against the others.
Result<std::vector<Timing>> measure(Device &device,
                                    const std::vector<Work> &works,
                                    const MeasureOptions &options = {});

} // namespace attn::runtime

#endif // ATTN_RUNTIME_MEASURE_H
