//===- TensorTest.cpp - Ops around attention ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Programs.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn::reference;

namespace {

using Values = std::vector<double>;

struct TensorTest : ProgramTest {
  /// The result of a function with the argument %x that defines %y.
  Tensor evaluate(const std::string &from, const std::string &to,
                  const std::string &body, const Tensor &x,
                  Arithmetic arithmetic = Arithmetic::F64) {
    Options options;
    options.arithmetic = arithmetic;
    auto results = run(parse(wrap(from, to, body)), {x}, options);
    EXPECT_TRUE(succeeded(results)) << messages << body;
    return succeeded(results) ? results->front() : Tensor();
  }

  void expectError(const std::string &from, const std::string &to,
                   const std::string &body, const Tensor &x,
                   const std::string &message) {
    func::FuncOp function = parse(wrap(from, to, body));
    messages.clear();
    EXPECT_TRUE(failed(run(function, {x})));
    EXPECT_EQ(messages, message + "\n");
  }

  static std::string wrap(const std::string &from, const std::string &to,
                          const std::string &body) {
    return "func.func @f(%x: " + from + ") -> " + to + " {\n" + body +
           "\nreturn %y : " + to + "\n}";
  }

  Tensor counting = {{2, 3}, {0, 1, 2, 3, 4, 5}};
};

} // namespace

TEST_F(TensorTest, ElementByElement) {
  Tensor y = evaluate("tensor<2x3xf32>", "tensor<2x3xf32>",
                      "%c = arith.constant dense<0.5> : tensor<2x3xf32>\n"
                      "%m = arith.mulf %x, %c : tensor<2x3xf32>\n"
                      "%y = math.exp %m : tensor<2x3xf32>",
                      counting);
  EXPECT_EQ(y.shape, counting.shape);
  for (int64_t i = 0; i != 6; ++i)
    EXPECT_EQ(y.values[i], std::exp(0.5 * i));
}

TEST_F(TensorTest, MoreElementsThanABlock) {
  Tensor x = {{300}, Values(300, 1)};
  x.values[299] = 4;
  Tensor y = evaluate("tensor<?xf32>", "tensor<?xf32>",
                      "%y = math.sqrt %x : tensor<?xf32>", x);
  EXPECT_EQ(y.values[299], 2);
  EXPECT_EQ(y.values[298], 1);
}

TEST_F(TensorTest, IntermediatesAreInTheArithmetic) {
  std::string body = "%c = arith.constant dense<3.0> : tensor<1xf32>\n"
                     "%y = arith.divf %x, %c : tensor<1xf32>";
  auto third = [&](Arithmetic arithmetic) {
    return evaluate("tensor<1xf32>", "tensor<1xf32>", body, {{1}, {1}},
                    arithmetic)
        .values;
  };
  EXPECT_EQ(third(Arithmetic::F64), Values{1.0 / 3});
  EXPECT_EQ(third(Arithmetic::F32), Values{1.0f / 3.0f});
}

TEST_F(TensorTest, TruthIsOne) {
  Tensor y = evaluate("tensor<3xi32>", "tensor<3xi1>",
                      "%c = arith.constant dense<2> : tensor<3xi32>\n"
                      "%e = arith.cmpi eq, %x, %c : tensor<3xi32>\n"
                      "%t = arith.constant dense<true> : tensor<3xi1>\n"
                      "%y = arith.xori %e, %t : tensor<3xi1>",
                      {{3}, {1, 2, 3}});
  EXPECT_EQ(y.values, (Values{1, 0, 1}));
}

TEST_F(TensorTest, ScalarsChooseATensor) {
  Tensor y = evaluate("tensor<2xi32>", "tensor<2xi32>",
                      "%t = arith.constant true\n"
                      "%c = arith.constant dense<7> : tensor<2xi32>\n"
                      "%y = arith.select %t, %x, %c : tensor<2xi32>",
                      {{2}, {1, 2}});
  EXPECT_EQ(y.values, (Values{1, 2}));
}

TEST_F(TensorTest, NarrowingRounds) {
  Tensor y = evaluate("tensor<3xf32>", "tensor<3xf8E4M3FN>",
                      "%y = arith.truncf %x : tensor<3xf32> to "
                      "tensor<3xf8E4M3FN>",
                      {{3}, {1.0625, 1.19, 447}});
  EXPECT_EQ(y.values, (Values{1, 1.25, 448}));
}

/// Caches of small numbers are bytes to those who keep them.
TEST_F(TensorTest, BytesAreSmallNumbers) {
  Tensor bytes = {{4}, {56, -72, 126, 1}},
         numbers = {{4}, {1, -1, 448, 0x1p-9}};
  Tensor y = evaluate("tensor<4xi8>", "tensor<4xf8E4M3FN>",
                      "%y = arith.bitcast %x : tensor<4xi8> to "
                      "tensor<4xf8E4M3FN>",
                      bytes);
  EXPECT_EQ(y.values, numbers.values);
  y = evaluate("tensor<4xf8E4M3FN>", "tensor<4xi8>",
               "%y = arith.bitcast %x : tensor<4xf8E4M3FN> to tensor<4xi8>",
               numbers);
  EXPECT_EQ(y.values, bytes.values);
}

TEST_F(TensorTest, ShapesThatDiffer) {
  expectError("tensor<?xf32>", "tensor<?xf32>",
              "%c = arith.constant dense<1.0> : tensor<3xf32>\n"
              "%d = tensor.cast %c : tensor<3xf32> to tensor<?xf32>\n"
              "%y = arith.addf %x, %d : tensor<?xf32>",
              {{2}, {1, 2}},
              "'arith.addf' op expected operands of one shape, got [2] and "
              "[3]");
}

TEST_F(TensorTest, MatrixProduct) {
  Tensor y = evaluate("tensor<2x3xf32>", "tensor<2x2xf32>",
                      "%zero = arith.constant dense<1.0> : tensor<2x2xf32>\n"
                      "%t = arith.constant dense<[[1.0, 0.0], [0.0, 2.0], "
                      "[3.0, 0.0]]> : tensor<3x2xf32>\n"
                      "%y = linalg.matmul ins(%x, %t : tensor<2x3xf32>, "
                      "tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> "
                      "tensor<2x2xf32>",
                      counting);
  EXPECT_EQ(y.values, (Values{7, 3, 19, 9}));
}

TEST_F(TensorTest, ReductionsOfManyElements) {
  Tensor x = {{300, 2}, Values(600, 1)};
  Tensor y = evaluate("tensor<?x2xf32>", "tensor<2xf32>",
                      "%zero = arith.constant dense<0.0> : tensor<2xf32>\n"
                      "%y = linalg.reduce { arith.addf } ins(%x : "
                      "tensor<?x2xf32>) outs(%zero : tensor<2xf32>) "
                      "dimensions = [0]",
                      x);
  EXPECT_EQ(y.values, (Values{300, 300}));
}

/// Indices, captured tensors, captured scalars and strided accesses.
TEST_F(TensorTest, GenericBodies) {
  Tensor y = evaluate(
      "tensor<2x3xf32>", "tensor<3x2xf32>",
      "%ten = arith.constant 10.0 : f32\n"
      "%two = arith.constant 2 : index\n"
      "%scale = arith.addf %ten, %ten : f32\n"
      "%empty = tensor.empty() : tensor<3x2xf32>\n"
      "%y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>],\n"
      "    iterator_types = [\"parallel\", \"parallel\"]}\n"
      "    outs(%empty : tensor<3x2xf32>) {\n"
      "^bb0(%o: f32):\n"
      "  %i = linalg.index 0 : index\n"
      "  %j = linalg.index 1 : index\n"
      "  %e = tensor.extract %x[%j, %i] : tensor<2x3xf32>\n"
      "  %r = arith.mulf %e, %scale : f32\n"
      "  linalg.yield %r : f32\n"
      "} -> tensor<3x2xf32>",
      counting);
  EXPECT_EQ(y.values, (Values{0, 60, 20, 80, 40, 100}));
}

TEST_F(TensorTest, StridedAccesses) {
  std::string body =
      "%width = tensor.empty() : tensor<3xf32>\n"
      "%zero = arith.constant dense<0.0> : tensor<2xf32>\n"
      "%y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i * 2 + j)>,"
      "\n affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i)>],\n"
      "    iterator_types = [\"parallel\", \"reduction\"]}\n"
      "    ins(%x, %width : tensor<?xf32>, tensor<3xf32>)\n"
      "    outs(%zero : tensor<2xf32>) {\n"
      "^bb0(%a: f32, %w: f32, %o: f32):\n"
      "  %r = arith.addf %a, %o : f32\n"
      "  linalg.yield %r : f32\n"
      "} -> tensor<2xf32>";
  EXPECT_EQ(
      evaluate("tensor<?xf32>", "tensor<2xf32>", body, {{5}, {1, 2, 3, 4, 5}})
          .values,
      (Values{6, 12}));
  expectError("tensor<?xf32>", "tensor<2xf32>", body, {{4}, {1, 2, 3, 4}},
              "'linalg.generic' op expected indices below 4, got 0 to 4");
}

TEST_F(TensorTest, LoopsThatDisagree) {
  expectError("tensor<?xf32>", "tensor<3xf32>",
              "%c = arith.constant dense<0.0> : tensor<3xf32>\n"
              "%y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,"
              "affine_map<(i) -> (i)>], iterator_types = [\"parallel\"]} "
              "ins(%x : tensor<?xf32>) outs(%c : tensor<3xf32>) {\n"
              "^bb0(%a: f32, %o: f32):\n linalg.yield %a : f32\n"
              "} -> tensor<3xf32>",
              {{2}, {1, 2}},
              "'linalg.generic' op expected operands that agree in loop 0, got "
              "2 and 3");
}

TEST_F(TensorTest, AccessesThatAreNotLinear) {
  expectError("tensor<2xf32>", "tensor<4xf32>",
              "%c = arith.constant dense<0.0> : tensor<4xf32>\n"
              "%y = linalg.generic {indexing_maps = [affine_map<(i) -> (i "
              "floordiv 2)>, affine_map<(i) -> (i)>], iterator_types = "
              "[\"parallel\"]} ins(%x : tensor<2xf32>) outs(%c : "
              "tensor<4xf32>) {\n^bb0(%a: f32, %o: f32):\n"
              "linalg.yield %a : f32\n} -> tensor<4xf32>",
              {{2}, {1, 2}}, "'linalg.generic' op has no reference semantics");
}

TEST_F(TensorTest, Slices) {
  Tensor y = evaluate("tensor<2x3xf32>", "tensor<2xf32>",
                      "%y = tensor.extract_slice %x[0, 1][2, 1][1, 1] : "
                      "tensor<2x3xf32> to tensor<2xf32>",
                      counting);
  EXPECT_EQ(y.values, (Values{1, 4}));
  y = evaluate("tensor<2x3xf32>", "tensor<2x3xf32>",
               "%c = arith.constant dense<9.0> : tensor<1x2xf32>\n"
               "%y = tensor.insert_slice %c into %x[1, 0][1, 2][1, 2] : "
               "tensor<1x2xf32> into tensor<2x3xf32>",
               counting);
  EXPECT_EQ(y.values, (Values{0, 1, 2, 9, 4, 9}));
}

TEST_F(TensorTest, SlicesOutside) {
  std::string dims = "%zero = arith.constant 0 : index\n"
                     "%one = arith.constant 1 : index\n"
                     "%n = tensor.dim %x, %zero : tensor<?xf32>\n"
                     "%m = arith.addi %n, %one : index\n";
  expectError("tensor<?xf32>", "tensor<?xf32>",
              dims + "%y = tensor.extract_slice %x[0][%m][1] : tensor<?xf32> "
                     "to tensor<?xf32>",
              {{2}, {1, 2}},
              "'tensor.extract_slice' op expected a slice inside of [2], got "
              "offsets [0], sizes [3] and strides [1]");
  expectError("tensor<?xf32>", "tensor<?xf32>",
              dims + "%y = tensor.insert_slice %x into %x[0][%one][1] : "
                     "tensor<?xf32> into tensor<?xf32>",
              {{2}, {1, 2}},
              "'tensor.insert_slice' op expected a source of sizes [1], got "
              "[2]");
  expectError("tensor<?xf32>", "tensor<1xf32>",
              dims + "%e = tensor.extract %x[%n] : tensor<?xf32>\n"
                     "%y = tensor.from_elements %e : tensor<1xf32>",
              {{2}, {1, 2}},
              "'tensor.extract' op expected indices inside of [2], got 2");
  expectError("tensor<?xf32>", "tensor<?xf32>",
              dims + "%d = tensor.dim %x, %n : tensor<?xf32>\n"
                     "%y = tensor.extract_slice %x[0][%d][1] : tensor<?xf32> "
                     "to tensor<?xf32>",
              {{2}, {1, 2}},
              "'tensor.dim' op expected a dimension of [2], got 2");
}

TEST_F(TensorTest, Concatenation) {
  Tensor y = evaluate("tensor<2x3xf32>", "tensor<2x5xf32>",
                      "%c = arith.constant dense<9.0> : tensor<2x2xf32>\n"
                      "%y = tensor.concat dim(1) %x, %c : (tensor<2x3xf32>, "
                      "tensor<2x2xf32>) -> tensor<2x5xf32>",
                      counting);
  EXPECT_EQ(y.values, (Values{0, 1, 2, 9, 9, 3, 4, 5, 9, 9}));
  expectError("tensor<?x1xf32>", "tensor<?x2xf32>",
              "%c = arith.constant dense<9.0> : tensor<2x1xf32>\n"
              "%y = tensor.concat dim(1) %x, %c : (tensor<?x1xf32>, "
              "tensor<2x1xf32>) -> tensor<?x2xf32>",
              {{1, 1}, {1}},
              "'tensor.concat' op expected inputs that agree but in dimension "
              "1, got [2, 1]");
}

TEST_F(TensorTest, Reshapes) {
  Tensor y =
      evaluate("tensor<2x3xf32>", "tensor<3x2xf32>",
               "%c = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf32> into "
               "tensor<6xf32>\n"
               "%y = tensor.expand_shape %c [[0, 1]] output_shape [3, 2] : "
               "tensor<6xf32> into tensor<3x2xf32>",
               counting);
  EXPECT_EQ(y.shape, (SmallVector<int64_t>{3, 2}));
  EXPECT_EQ(y.values, counting.values);
  expectError("tensor<?xf32>", "tensor<3xf32>",
              "%y = tensor.cast %x : tensor<?xf32> to tensor<3xf32>",
              {{2}, {1, 2}},
              "'tensor.cast' op expected a tensor of 2 elements and type "
              "'tensor<3xf32>', got shape [2]");
}

TEST_F(TensorTest, SplatAndScalars) {
  Tensor y = evaluate("tensor<2xf32>", "tensor<?xf32>",
                      "%one = arith.constant 1 : index\n"
                      "%three = arith.constant 3 : index\n"
                      "%e = tensor.extract %x[%one] : tensor<2xf32>\n"
                      "%y = tensor.splat %e[%three] : tensor<?xf32>",
                      {{2}, {1, 2}});
  EXPECT_EQ(y.values, (Values{2, 2, 2}));
}
