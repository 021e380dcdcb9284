//===- Manifest.h - What a bundle says of its kernels -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_BUNDLE_MANIFEST_H
#define ATTN_RUNTIME_BUNDLE_MANIFEST_H

#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <string_view>
#include <vector>

namespace attn::runtime {

/// The sections of the kernels of one target, in the order of the kernels.
struct KernelSections {
  size_t ptx = 0;
  /// Negative where there is none.
  int64_t cubin = -1;
};

struct Manifest {
  /// Everything but the text and the bytes of the kernels.
  Bundle bundle;
  std::vector<std::vector<KernelSections>> sections;
};

/// Reads the manifest of a bundle with `sectionCount` sections.
Result<Manifest> readManifest(std::string_view text, size_t sectionCount);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_BUNDLE_MANIFEST_H
