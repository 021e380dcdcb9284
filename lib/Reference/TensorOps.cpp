//===- TensorOps.cpp - Ops that move elements -----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

/// A part of a tensor: element `i` of it is at `offset + i * stride`.
struct Part {
  SmallVector<int64_t> offsets, sizes, strides;
};

class TensorEvaluator {
public:
  explicit TensorEvaluator(Evaluation &evaluation) : evaluation(evaluation) {}

  LogicalResult evaluate(tensor::EmptyOp op);
  LogicalResult evaluate(tensor::DimOp op);
  LogicalResult evaluate(tensor::CastOp op);
  LogicalResult evaluate(tensor::SplatOp op);
  LogicalResult evaluate(tensor::FromElementsOp op);
  LogicalResult evaluate(tensor::ExtractOp op);
  LogicalResult evaluate(tensor::ExtractSliceOp op);
  LogicalResult evaluate(tensor::InsertSliceOp op);
  LogicalResult evaluate(tensor::ConcatOp op);
  LogicalResult evaluate(tensor::CollapseShapeOp op);
  LogicalResult evaluate(tensor::ExpandShapeOp op);

private:
  int64_t getInteger(Value scalar) const {
    return static_cast<int64_t>(evaluation.get(scalar).values.front());
  }
  /// The sizes of `type`, the dynamic ones from `sizes`.
  SmallVector<int64_t> getShape(ShapedType type, ValueRange sizes) const;
  SmallVector<int64_t> getIntegers(ArrayRef<OpFoldResult> mixed) const;
  /// Emits a diagnostic where the part is not inside of `shape`.
  FailureOr<Part> getPart(OffsetSizeAndStrideOpInterface op,
                          ArrayRef<int64_t> shape) const;
  LogicalResult reshape(Operation *op, Value source, ArrayRef<int64_t> shape);

  Evaluation &evaluation;
};

} // namespace

/// Calls `visit` with the offset of each element of `part` of a tensor.
template <typename Visit>
static void forElements(const Part &part, ArrayRef<int64_t> shape,
                        Visit visit) {
  int64_t size = 1;
  for (int64_t extent : part.sizes)
    size *= extent;
  for (int64_t i = 0; i != size; ++i) {
    int64_t offset = 0, rest = i, step = 1;
    for (size_t axis = shape.size(); axis-- > 0;) {
      int64_t index = rest % part.sizes[axis];
      rest /= part.sizes[axis];
      offset += (part.offsets[axis] + index * part.strides[axis]) * step;
      step *= shape[axis];
    }
    visit(offset);
  }
}

SmallVector<int64_t> TensorEvaluator::getShape(ShapedType type,
                                               ValueRange sizes) const {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size)) {
      size = getInteger(sizes.front());
      sizes = sizes.drop_front();
    }
  return shape;
}

SmallVector<int64_t>
TensorEvaluator::getIntegers(ArrayRef<OpFoldResult> mixed) const {
  return llvm::map_to_vector(mixed, [&](OpFoldResult value) {
    if (auto scalar = dyn_cast<Value>(value))
      return getInteger(scalar);
    return cast<IntegerAttr>(cast<Attribute>(value)).getInt();
  });
}

FailureOr<Part> TensorEvaluator::getPart(OffsetSizeAndStrideOpInterface op,
                                         ArrayRef<int64_t> shape) const {
  Part part{getIntegers(op.getMixedOffsets()), getIntegers(op.getMixedSizes()),
            getIntegers(op.getMixedStrides())};
  for (auto [axis, size] : llvm::enumerate(shape)) {
    int64_t last =
        part.offsets[axis] + (part.sizes[axis] - 1) * part.strides[axis];
    bool isInside = part.offsets[axis] >= 0 && part.sizes[axis] >= 0 &&
                    part.strides[axis] > 0 && last < size;
    if (!isInside)
      return op->emitOpError("expected a slice inside of ")
             << toString(shape) << ", got offsets " << toString(part.offsets)
             << ", sizes " << toString(part.sizes) << " and strides "
             << toString(part.strides);
  }
  return part;
}

LogicalResult TensorEvaluator::evaluate(tensor::EmptyOp op) {
  evaluation.define(op, getShape(op.getType(), op.getDynamicSizes()));
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::DimOp op) {
  ArrayRef<int64_t> shape = evaluation.get(op.getSource()).shape;
  int64_t axis = getInteger(op.getIndex());
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
    return op.emitOpError("expected a dimension of ")
           << toString(shape) << ", got " << axis;
  evaluation.define(op, {}).values = {static_cast<double>(shape[axis])};
  return success();
}

LogicalResult TensorEvaluator::reshape(Operation *op, Value source,
                                       ArrayRef<int64_t> shape) {
  const Tensor &input = evaluation.get(source);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Tensor &output = evaluation.define(op->getResult(0), shape);
  for (auto [expected, got] : llvm::zip(type.getShape(), shape))
    if (output.size() != input.size() ||
        (ShapedType::isStatic(expected) && expected != got))
      return op->emitOpError("expected a tensor of ")
             << input.size() << " elements and type " << type << ", got shape "
             << toString(shape);
  output.values = input.values;
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::CastOp op) {
  return reshape(op, op.getSource(), evaluation.get(op.getSource()).shape);
}

LogicalResult TensorEvaluator::evaluate(tensor::SplatOp op) {
  double value = evaluation.get(op.getInput()).values.front();
  Tensor &output =
      evaluation.define(op, getShape(op.getType(), op.getDynamicSizes()));
  llvm::fill(output.values, value);
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::FromElementsOp op) {
  Tensor &output = evaluation.define(op, op.getType().getShape());
  for (auto [element, value] : llvm::zip(output.values, op.getElements()))
    element = evaluation.get(value).values.front();
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::ExtractOp op) {
  const Tensor &input = evaluation.get(op.getTensor());
  int64_t offset = 0;
  for (auto [index, size] : llvm::zip(op.getIndices(), input.shape)) {
    int64_t own = getInteger(index);
    if (own < 0 || own >= size)
      return op.emitOpError("expected indices inside of ")
             << toString(input.shape) << ", got " << own;
    offset = offset * size + own;
  }
  evaluation.define(op, {}).values = {input.values[offset]};
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::ExtractSliceOp op) {
  const Tensor &input = evaluation.get(op.getSource());
  FailureOr<Part> part = getPart(op, input.shape);
  if (failed(part))
    return failure();
  SmallVector<int64_t> shape;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [axis, size] : llvm::enumerate(part->sizes))
    if (!dropped[axis])
      shape.push_back(size);
  Tensor &output = evaluation.define(op, shape);
  double *next = output.values.data();
  forElements(*part, input.shape,
              [&](int64_t offset) { *next++ = input.values[offset]; });
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::InsertSliceOp op) {
  const Tensor &source = evaluation.get(op.getSource());
  const Tensor &into = evaluation.get(op.getDest());
  FailureOr<Part> part = getPart(op, into.shape);
  if (failed(part))
    return failure();
  int64_t size = 1;
  for (int64_t extent : part->sizes)
    size *= extent;
  if (size != source.size())
    return op.emitOpError("expected a source of sizes ")
           << toString(part->sizes) << ", got " << toString(source.shape);
  Tensor &output = evaluation.define(op, into.shape);
  output.values = into.values;
  const double *next = source.values.data();
  forElements(*part, into.shape,
              [&](int64_t offset) { output.values[offset] = *next++; });
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::ConcatOp op) {
  size_t axis = op.getDim();
  SmallVector<int64_t> shape(evaluation.get(op.getInputs().front()).shape);
  shape[axis] = 0;
  for (Value value : op.getInputs()) {
    SmallVector<int64_t> own(evaluation.get(value).shape);
    shape[axis] += own[axis];
    own[axis] = shape[axis];
    if (own != shape)
      return op.emitOpError("expected inputs that agree but in dimension ")
             << axis << ", got " << toString(evaluation.get(value).shape);
  }
  Tensor &output = evaluation.define(op, shape);
  Part part{SmallVector<int64_t>(shape.size(), 0), shape,
            SmallVector<int64_t>(shape.size(), 1)};
  for (Value value : op.getInputs()) {
    const Tensor &input = evaluation.get(value);
    part.sizes = input.shape;
    const double *next = input.values.data();
    forElements(part, shape,
                [&](int64_t offset) { output.values[offset] = *next++; });
    part.offsets[axis] += input.shape[axis];
  }
  return success();
}

LogicalResult TensorEvaluator::evaluate(tensor::CollapseShapeOp op) {
  ArrayRef<int64_t> source = evaluation.get(op.getSrc()).shape;
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t size = 1;
    for (int64_t axis : group)
      size *= source[axis];
    shape.push_back(size);
  }
  return reshape(op, op.getSrc(), shape);
}

LogicalResult TensorEvaluator::evaluate(tensor::ExpandShapeOp op) {
  return reshape(op, op.getSrc(), getIntegers(op.getMixedOutputShape()));
}

Evaluated reference::evaluateTensorOp(Operation *op, Evaluation &evaluation) {
  TensorEvaluator evaluator(evaluation);
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case<tensor::EmptyOp, tensor::DimOp, tensor::CastOp, tensor::SplatOp,
            tensor::FromElementsOp, tensor::ExtractOp, tensor::ExtractSliceOp,
            tensor::InsertSliceOp, tensor::ConcatOp, tensor::CollapseShapeOp,
            tensor::ExpandShapeOp>(
          [&](auto own) { return evaluator.evaluate(own); })
      .Default(std::nullopt);
}
