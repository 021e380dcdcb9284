//===- Programs.h - Programs and tensors to test with -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_REFERENCE_PROGRAMS_H
#define ATTN_TEST_UNIT_REFERENCE_PROGRAMS_H

#include "attn/Reference/Reference.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <random>

namespace mlir::attn::reference {

/// Parses programs and keeps what they complain about.
class ProgramTest : public testing::Test {
protected:
  ProgramTest()
      : handler(&context, [this](Diagnostic &diagnostic) {
          messages += diagnostic.str() + "\n";
        }) {
    context.loadDialect<AttentionDialect, arith::ArithDialect,
                        cf::ControlFlowDialect, func::FuncDialect,
                        linalg::LinalgDialect, math::MathDialect,
                        tensor::TensorDialect>();
  }

  func::FuncOp parse(const std::string &source) {
    module = parseSourceString<ModuleOp>(source, &context);
    EXPECT_TRUE(module) << messages << source;
    return *module->getOps<func::FuncOp>().begin();
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

struct Sizes {
  int64_t batch, queries, keys, queryHeads, keyHeads, dim, valueDim;
};

/// `attn.attention` with an lse on f32 tensors %q, %k, %v of dynamic lengths.
/// `modifiers` stand before the types; `parameters` come after %v.
inline std::string makeAttention(const Sizes &sizes,
                                 const std::string &modifiers = "",
                                 const std::string &parameters = "") {
  auto type = [](int64_t heads, int64_t dim) {
    return "tensor<?x?x" + std::to_string(heads) + "x" + std::to_string(dim) +
           "xf32>";
  };
  std::string q = type(sizes.queryHeads, sizes.dim);
  std::string k = type(sizes.keyHeads, sizes.dim);
  std::string v = type(sizes.keyHeads, sizes.valueDim);
  std::string o = type(sizes.queryHeads, sizes.valueDim);
  std::string lse = "tensor<?x" + std::to_string(sizes.queryHeads) + "x?xf32>";
  return "func.func @f(%q: " + q + ", %k: " + k + ", %v: " + v + parameters +
         ") -> (" + o + ", " + lse + ") {\n" +
         "  %kv = attn.kv.dense %k, %v : " + k + ", " + v + "\n" +
         "  %o, %lse = attn.attention %q, %kv " + modifiers + " : " + q +
         ", !attn.kv<" + k + ", " + v + "> -> " + o + ", " + lse + "\n" +
         "  return %o, %lse : " + o + ", " + lse + "\n}\n";
}

inline Tensor makeRandom(ArrayRef<int64_t> shape, std::mt19937 &generator) {
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  std::normal_distribution<double> distribution;
  for (int64_t i = 0, size = tensor.size(); i != size; ++i)
    tensor.values.push_back(distribution(generator));
  return tensor;
}

/// Queries, keys and values.
inline std::vector<Tensor> makeInputs(const Sizes &sizes, unsigned seed = 1) {
  std::mt19937 generator(seed);
  auto [batch, queries, keys, queryHeads, keyHeads, dim, valueDim] = sizes;
  return {makeRandom({batch, queries, queryHeads, dim}, generator),
          makeRandom({batch, keys, keyHeads, dim}, generator),
          makeRandom({batch, keys, keyHeads, valueDim}, generator)};
}

} // namespace mlir::attn::reference

#endif // ATTN_TEST_UNIT_REFERENCE_PROGRAMS_H
