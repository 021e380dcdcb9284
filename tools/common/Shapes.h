//===- Shapes.h - What the command line says of tensors ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_COMMON_SHAPES_H
#define ATTN_TOOLS_COMMON_SHAPES_H

#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <string>
#include <vector>

namespace attn::tools {

/// The two sides of `name=value` on the command line.
struct Assignment {
  std::string name, value;
};
using Assignments = std::vector<Assignment>;

/// The value that is assigned to `name`, or null.
const std::string *find(const Assignments &assignments,
                        const std::string &name);

/// Splits the values of the flag `flag`. Names occur once and are in `specs`.
runtime::Result<Assignments>
parseAssignments(const std::string &flag,
                 const std::vector<std::string> &values,
                 const std::vector<runtime::TensorSpec> &specs);

/// Checks the sizes of `shape` that are known against those of `expected`.
runtime::Status checkShape(const runtime::TensorSpec &expected,
                           const std::vector<int64_t> &shape);

/// The type of the tensor, with the sizes that the command line gives.
runtime::Result<runtime::TensorSpec> refine(const runtime::TensorSpec &spec,
                                            const std::string *shapeGiven);

} // namespace attn::tools

#endif // ATTN_TOOLS_COMMON_SHAPES_H
