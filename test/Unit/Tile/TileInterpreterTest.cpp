//===- TileInterpreterTest.cpp - Runs kernels by the interpreter ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInterpreterTest.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::attn::reference;

TileInterpreterTest::TileInterpreterTest()
    : handler(&context, [this](Diagnostic &diagnostic) {
        messages += diagnostic.str() + "\n";
      }) {
  context.loadDialect<tile::TileDialect, vector::VectorDialect>();
}

FailureOr<std::vector<Tensor>>
TileInterpreterTest::run(const std::string &arguments, const std::string &body,
                         ArrayRef<Tensor> inputs, const std::string &range) {
  std::string text = "tile.kernel @f(" + arguments +
                     ") schedule(<block_q = 16, block_kv = 16>) {\n"
                     "  %c0 = arith.constant 0 : index\n"
                     "  %c1 = arith.constant 1 : index\n"
                     "  %c2 = arith.constant 2 : index\n"
                     "  scf.forall (%i) " +
                     range + " {\n" + body + "\n  }\n  tile.return\n}\n";
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module) << messages << text;
  if (!module)
    return failure();
  return runTile(*module->getOps<tile::KernelOp>().begin(), inputs,
                 /*threads=*/3);
}

std::vector<double> TileInterpreterTest::compute(const std::string &body) {
  auto result = run("%out: !tile.view<4xf32> {tile.output}",
                    body + "\ntile.store %r, %out[%c0] axes [0] : "
                           "vector<4xf32>, !tile.view<4xf32>",
                    {});
  EXPECT_TRUE(succeeded(result)) << messages << body;
  return succeeded(result) ? result->front().values : std::vector<double>();
}
