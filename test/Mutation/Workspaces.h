//===- Workspaces.h - What one kernel finds out for another -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_WORKSPACES_H
#define ATTN_TEST_MUTATION_WORKSPACES_H

#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/HostTensor.h"

#include <vector>

namespace attn::mutation {

/// Appends what the kernels of `bundle` in front of the last one write for it
/// to the inputs of the program: those are the inputs of the last kernel.
runtime::Status addWorkspaces(const runtime::Bundle &bundle,
                              std::vector<runtime::HostTensor> &inputs);

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_WORKSPACES_H
