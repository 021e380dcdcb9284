//===- Workspaces.h - What a kernel is launched on --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_WORKSPACES_H
#define ATTN_TEST_MUTATION_WORKSPACES_H

#include "GoldenFolder.h"

#include "attn/Runtime/HostTensor.h"

#include <vector>

namespace attn::mutation {

/// What the tensors of `kernel` hold when the program is launched on `inputs`
/// and those in front of it have run. Its outputs hold what is taken for
/// unwritten.
runtime::Result<std::vector<runtime::HostTensor>>
tensorsOf(const GoldenKernel &kernel,
          const std::vector<runtime::HostTensor> &inputs);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_WORKSPACES_H
