//===- CacheOps.cpp - What is written to caches ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

static LogicalResult rotate(RotaryOp op, Evaluation &evaluation) {
  const Tensor &input = evaluation.get(op.getInput());
  const Tensor &positions = evaluation.get(op.getPositions());
  const Tensor &frequencies = evaluation.get(op.getFrequencies());
  if (positions.shape != ArrayRef(input.shape).drop_back(2))
    return op.emitOpError("expected a position for each row of ")
           << toString(input.shape) << ", got " << toString(positions.shape);
  double amplitude =
      op.getAmplitude() ? op.getAmplitude()->convertToFloat() : 1.0;
  int64_t pairs = frequencies.size(), offset = op.getOffset();
  int64_t channels = input.shape.back();
  int64_t heads = *std::prev(input.shape.end(), 2);
  Tensor &result = evaluation.define(op.getResult(), input.shape);
  result.values = input.values;
  for (int64_t row = 0; row != positions.size() * heads; ++row)
    for (int64_t k = 0; k != pairs; ++k) {
      double angle = positions.values[row / heads] * frequencies.values[k];
      if (op.getInverse())
        angle = -angle;
      double *first = result.values.data() + row * channels + offset;
      double &x = first[op.getInterleaved() ? 2 * k : k];
      double &y = first[op.getInterleaved() ? 2 * k + 1 : pairs + k];
      double cosine = amplitude * std::cos(angle);
      double sine = amplitude * std::sin(angle);
      double turned = x * cosine - y * sine;
      y = x * sine + y * cosine;
      x = turned;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Quantisation
//===----------------------------------------------------------------------===//

static double getLargest(Type element) {
  if (element.isInteger(8))
    return 127;
  return APFloat::getLargest(cast<FloatType>(element).getFloatSemantics())
      .convertToDouble();
}

/// The nearest number of the type, ties to even.
static double roundTo(double value, Type element) {
  if (element.isInteger(8))
    return std::nearbyint(value);
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(cast<FloatType>(element).getFloatSemantics(),
                  APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.convertToDouble();
}

static LogicalResult quantize(QuantizeOp op, Evaluation &evaluation) {
  const Tensor &input = evaluation.get(op.getInput());
  Type element = getElementTypeOrSelf(op.getData().getType());
  double largest = getLargest(element);
  double least = op.getLeast() ? op.getLeast()->convertToFloat() : 0.0;
  int64_t group = op.getGroup();
  SmallVector<int64_t> scaleShape(input.shape);
  scaleShape.back() /= group;
  Tensor &data = evaluation.define(op.getData(), input.shape);
  Tensor &scales = evaluation.define(op.getScale(), scaleShape);
  for (int64_t number = 0; number != scales.size(); ++number) {
    double most = least;
    for (int64_t i = number * group; i != (number + 1) * group; ++i)
      most = std::max(most, std::abs(input.values[i]));
    double scale = most / largest;
    if (op.getPowerOfTwo() && scale != 0)
      scale = std::exp2(std::ceil(std::log2(scale)));
    scales.values[number] = scale;
    for (int64_t i = number * group; i != (number + 1) * group; ++i) {
      double share = scale == 0 ? 0 : input.values[i] / scale;
      data.values[i] = roundTo(std::clamp(share, -largest, largest), element);
    }
  }
  return success();
}

/// Where the scale of an element is.
static int64_t findScale(DequantizeOp op, const Tensor &scale,
                         ArrayRef<int64_t> shape, int64_t element) {
  int64_t offset = 0, step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    int64_t index = element % shape[axis];
    element /= shape[axis];
    if (scale.shape[axis] != 1)
      offset += index / op.getGroup(axis) * step;
    step *= scale.shape[axis];
  }
  return offset;
}

static LogicalResult dequantize(DequantizeOp op, Evaluation &evaluation) {
  const Tensor &data = evaluation.get(op.getData());
  const Tensor &scale = evaluation.get(op.getScale());
  const Tensor *zero = op.getZero() ? &evaluation.get(op.getZero()) : nullptr;
  for (const Tensor *own : {&scale, zero})
    for (auto [axis, size] : llvm::enumerate(data.shape))
      if (own && own->shape[axis] != 1 &&
          own->shape[axis] != llvm::divideCeilSigned(size, op.getGroup(axis)))
        return op.emitOpError("expected a number for each group of ")
               << toString(data.shape) << ", got " << toString(own->shape);
  Tensor &result = evaluation.define(op.getResult(), data.shape);
  for (int64_t i = 0; i != data.size(); ++i) {
    double value = data.values[i];
    if (zero)
      value -= zero->values[findScale(op, *zero, data.shape, i)];
    result.values[i] =
        scale.values[findScale(op, scale, data.shape, i)] * value;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Rows of bytes
//===----------------------------------------------------------------------===//

/// An integer of `count` bytes, the lowest first.
static uint32_t readBytes(const double *bytes, int64_t count) {
  uint32_t value = 0;
  for (int64_t i = count; i-- > 0;)
    value = value << 8 |
            (static_cast<uint32_t>(static_cast<int64_t>(bytes[i])) & 0xFF);
  return value;
}

static double readF8(const double *byte) {
  return APFloat(APFloat::Float8E4M3FN(), APInt(8, readBytes(byte, 1)))
      .convertToDouble();
}

static double readF32(const double *bytes) {
  return llvm::bit_cast<float>(readBytes(bytes, 4));
}

static double readBF16(const double *bytes) {
  return llvm::bit_cast<float>(readBytes(bytes, 2) << 16);
}

static LogicalResult unpack(UnpackMlaOp op, Evaluation &evaluation) {
  constexpr int64_t quantized = UnpackMlaOp::kQuantized;
  constexpr int64_t scales = UnpackMlaOp::kScales;
  constexpr int64_t plain = UnpackMlaOp::kPlain;
  const Tensor &bytes = evaluation.get(op.getBytes());
  SmallVector<int64_t> shape(bytes.shape);
  shape.back() = quantized + plain;
  Tensor &result = evaluation.define(op.getResult(), shape);
  double *next = result.values.data();
  const double *end = bytes.values.data() + bytes.values.size();
  for (const double *row = bytes.values.data(); row != end;
       row += UnpackMlaOp::kBytes) {
    const double *scale = row + quantized, *rest = scale + 4 * scales;
    for (int64_t i = 0; i != quantized; ++i)
      *next++ = readF8(row + i) * readF32(scale + 4 * (i * scales / quantized));
    for (int64_t i = 0; i != plain; ++i)
      *next++ = readBF16(rest + 2 * i);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

static LogicalResult append(CacheAppendOp op, Evaluation &evaluation) {
  const Tensor &rows = evaluation.get(op.getRows());
  const Tensor &cache = evaluation.get(op.getCache());
  const Tensor &slots = evaluation.get(op.getSlots());
  if (slots.shape != ArrayRef(rows.shape).drop_back(2))
    return op.emitOpError("expected a slot for each row of ")
           << toString(rows.shape) << ", got " << toString(slots.shape);
  bool headsFirst = op.getHeadsFirst();
  int64_t size = cache.shape[headsFirst ? 2 : 1];
  int64_t heads = cache.shape[headsFirst ? 1 : 2], channels = cache.shape[3];
  Tensor &result = evaluation.define(op.getResult(), cache.shape);
  result.values = cache.values;
  llvm::DenseSet<int64_t> written;
  for (int64_t n = 0; n != slots.size(); ++n) {
    auto slot = static_cast<int64_t>(slots.values[n]);
    if (slot < 0 || slot >= cache.shape[0] * size)
      continue;
    if (!written.insert(slot).second)
      return op.emitOpError("expected each slot once, got ")
             << slot << " twice";
    for (int64_t head = 0; head != heads; ++head) {
      int64_t page = slot / size * heads * size;
      int64_t row =
          headsFirst ? head * size + slot % size : slot % size * heads + head;
      std::copy_n(rows.values.begin() + (n * heads + head) * channels, channels,
                  result.values.begin() + (page + row) * channels);
    }
  }
  return success();
}

Evaluated reference::evaluateCacheOp(Operation *op, Evaluation &evaluation) {
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case([&](RotaryOp own) { return rotate(own, evaluation); })
      .Case([&](QuantizeOp own) { return quantize(own, evaluation); })
      .Case([&](DequantizeOp own) { return dequantize(own, evaluation); })
      .Case([&](UnpackMlaOp own) { return unpack(own, evaluation); })
      .Case([&](CacheAppendOp own) { return append(own, evaluation); })
      .Default(std::nullopt);
}
