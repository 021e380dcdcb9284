//===- MergeOps.cpp - Merges of parts of attention ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static bool isLog2(Value lse) {
  auto type = cast<RankedTensorType>(lse.getType());
  return isa_and_nonnull<Log2Attr>(type.getEncoding());
}

namespace {

/// The rows of a query and head in the tensors of a merge.
class Merger {
public:
  Merger(MergeOp op, Evaluation &evaluation) : op(op), evaluation(evaluation) {
    for (Value part : op.getOutputs())
      parts.push_back(&evaluation.get(part));
    for (Value lse : op.getLses())
      lses.push_back(&evaluation.get(lse));
  }

  LogicalResult merge();

private:
  LogicalResult check();
  void mergeSums(Tensor &output);
  void mergeLses(Tensor &output, Tensor &lse);
  /// ln(sum_s exp(lse_s)) at `index`.
  double getLse(int64_t index) const;
  double getSink(int64_t head) const {
    MergeOp merge = op;
    return merge.getSink() ? evaluation.get(merge.getSink()).values[head]
                           : -kInfinity;
  }

  MergeOp op;
  Evaluation &evaluation;
  SmallVector<const Tensor *> parts, lses;
};

} // namespace

LogicalResult Merger::check() {
  ArrayRef<int64_t> shape = parts.front()->shape;
  for (const Tensor *part : parts)
    if (part->shape != shape)
      return op.emitOpError("expected parts of one shape, got ")
             << toString(shape) << " and " << toString(part->shape);
  SmallVector<int64_t> rows(shape.drop_back());
  std::swap(rows.back(), *std::prev(rows.end(), 2));
  for (const Tensor *lse : lses)
    if (lse->shape != rows)
      return op.emitOpError("expected lse of shape ")
             << toString(rows) << ", got " << toString(lse->shape);
  return success();
}

LogicalResult Merger::merge() {
  if (failed(check()))
    return failure();
  Tensor &output = evaluation.define(op.getOutput(), parts.front()->shape);
  if (lses.empty())
    mergeSums(output);
  else
    mergeLses(output, evaluation.define(op.getLse(), lses.front()->shape));
  return success();
}

void Merger::mergeSums(Tensor &output) {
  llvm::fill(output.values, 0.0);
  for (const Tensor *part : parts)
    for (auto [sum, value] : llvm::zip(output.values, part->values))
      sum += value;
}

double Merger::getLse(int64_t index) const {
  double largest = -kInfinity;
  for (const Tensor *lse : lses)
    largest = std::max(largest, lse->values[index]);
  if (largest == -kInfinity)
    return largest;
  double sum = 0;
  for (const Tensor *lse : lses)
    sum += std::exp(lse->values[index] - largest);
  return largest + std::log(sum);
}

/// In natural logarithms: those to the base 2 are converted on the way in and
/// out.
void Merger::mergeLses(Tensor &output, Tensor &lse) {
  double unit = isLog2(op.getLses().front()) ? llvm::numbers::ln2 : 1;
  std::vector<Tensor> natural;
  for (const Tensor *&own : lses) {
    natural.push_back(*own);
    for (double &value : natural.back().values)
      value *= unit;
  }
  for (auto [own, converted] : llvm::zip(lses, natural))
    own = &converted;
  ArrayRef<int64_t> shape = ArrayRef(output.shape).take_back(3);
  int64_t queries = shape[0], heads = shape[1], channels = shape[2];
  for (int64_t row = 0, size = lse.size(); row != size; ++row) {
    // The number of the row in [B, H, L] and in [B, L, H].
    int64_t query = row % queries, head = row / queries % heads;
    int64_t batch = row / queries / heads;
    int64_t first = ((batch * queries + query) * heads + head) * channels;
    double log = getLse(row), sink = getSink(head);
    double total = std::max(log, sink);
    if (std::isfinite(log) && std::isfinite(sink))
      total += std::log1p(std::exp(-std::abs(log - sink)));
    lse.values[row] = log / unit;
    for (int64_t d = 0; d != channels; ++d) {
      double sum = 0;
      for (auto [part, own] : llvm::zip(parts, lses))
        // A part without keys counts nothing, whatever its output.
        if (double weight = own->values[row]; weight != -kInfinity)
          sum += std::exp(weight - total) * part->values[first + d];
      output.values[first + d] = sum;
    }
  }
}

static LogicalResult convert(ConvertLseOp op, Evaluation &evaluation) {
  const Tensor &lse = evaluation.get(op.getLse());
  double factor =
      isLog2(op.getLse()) ? llvm::numbers::ln2 : llvm::numbers::log2e;
  Tensor &result = evaluation.define(op.getResult(), lse.shape);
  llvm::transform(lse.values, result.values.begin(),
                  [=](double value) { return factor * value; });
  return success();
}

Evaluated reference::evaluateMergeOp(Operation *op, Evaluation &evaluation) {
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case([&](MergeOp merge) { return Merger(merge, evaluation).merge(); })
      .Case([&](ConvertLseOp own) { return convert(own, evaluation); })
      .Default(std::nullopt);
}
