//===- Report.h - What attn-run prints --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_REPORT_H
#define ATTN_TOOLS_ATTNRUN_REPORT_H

#include "Bench.h"
#include "Check.h"
#include "Expected.h"
#include "Oracle.h"

#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace attn::run {

/// Everything that one run found out.
struct Report {
  std::string device;
  std::vector<runtime::HostTensor> outputs;
  std::optional<CheckReport> check;
  bool checkComplete = false;
  /// In place of `check`, of the reference itself.
  std::optional<OracleReport> oracle;
  std::vector<ExpectedReport> expected;
  std::optional<BenchReport> bench;
};

/// For people. `specs` are those of the outputs.
void printText(llvm::raw_ostream &os,
               const std::vector<runtime::TensorSpec> &specs,
               const Report &report);

/// For programs: one JSON object.
void printJson(llvm::raw_ostream &os,
               const std::vector<runtime::TensorSpec> &specs,
               const Report &report);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_REPORT_H
