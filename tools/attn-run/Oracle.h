//===- Oracle.h - Numbers that others found -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference is the norm that all else is compared with, so it is itself
// compared with what an independent computation found: the arguments and the
// results in the folder oracles/NAME beside the program NAME.mlir.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_ORACLE_H
#define ATTN_TOOLS_ATTNRUN_ORACLE_H

#include "attn/Reference/Reference.h"
#include "attn/Runtime/HostTensor.h"
#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Npy.h"

#include <string>
#include <vector>

namespace attn::run {

struct Oracle {
  std::string folder;
  std::vector<runtime::HostTensor> arguments;
  std::vector<runtime::NpyArray> results;
};

/// Reads the oracle of the program in the file `program`. Where a file has size
/// 1 along an axis for which the type of the tensor has another size, its
/// numbers are repeated along that axis.
runtime::Result<Oracle>
readOracle(const std::string &program,
           const std::vector<runtime::TensorSpec> &inputs,
           const std::vector<runtime::TensorSpec> &outputs);

/// How far apart an element may be: `absolute + relative * |expected|`.
struct Tolerance {
  double relative = 0, absolute = 0;
};

/// What was found of one result.
struct OracleVerdict {
  std::string name;
  Tolerance tolerance;
  size_t elements = 0, violations = 0;
  /// The worst element, by the share of its tolerance that it takes.
  size_t where = 0;
  double actual = 0, expected = 0, share = 0;
};

struct OracleReport {
  std::string folder;
  std::vector<OracleVerdict> results;

  bool passed() const;
  /// A line for each result that is not as expected.
  std::string failures() const;
};

/// Compares every element of the results of the reference with the oracle.
runtime::Result<OracleReport>
compareWithOracle(const std::vector<runtime::TensorSpec> &outputs,
                  const Oracle &oracle,
                  const std::vector<mlir::attn::reference::Tensor> &results);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_ORACLE_H
