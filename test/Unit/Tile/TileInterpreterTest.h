//===- TileInterpreterTest.h - Runs kernels by the interpreter --*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_TILE_TILEINTERPRETERTEST_H
#define ATTN_TEST_UNIT_TILE_TILEINTERPRETERTEST_H

#include "attn/Reference/TileInterpreter.h"

#include "mlir/IR/Diagnostics.h"

#include "gtest/gtest.h"

#include <string>
#include <vector>

namespace mlir::attn::reference {

class TileInterpreterTest : public testing::Test {
protected:
  TileInterpreterTest();

  /// Runs a kernel whose signature is `arguments`. In its instance, %i, `body`
  /// is computed from the constants %c0, %c1 and %c2.
  FailureOr<std::vector<Tensor>> run(const std::string &arguments,
                                     const std::string &body,
                                     ArrayRef<Tensor> inputs,
                                     const std::string &range = "in (1)");

  /// The tile %r of four floats that `body` computes.
  std::vector<double> compute(const std::string &body);

  void expectFailure(const FailureOr<std::vector<Tensor>> &result,
                     const std::string &message) {
    EXPECT_TRUE(failed(result));
    EXPECT_EQ(messages, message + "\n");
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;
};

} // namespace mlir::attn::reference

#endif // ATTN_TEST_UNIT_TILE_TILEINTERPRETERTEST_H
