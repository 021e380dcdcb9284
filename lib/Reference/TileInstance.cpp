//===- TileInstance.cpp - One program instance ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileInstance.h"

#include "Support/EvaluateAffine.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::attn::reference;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

LogicalResult Instance::run(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(run(&op)))
      return failure();
  return success();
}

LogicalResult Instance::run(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp,
            scf::ForOp, scf::IfOp, tile::DimOp, tile::LoadOp, tile::StoreOp,
            tile::ReadOp, tile::WriteOp, tile::FindExtremesOp,
            tile::FindReachOp, tile::SquaredNormOp, tile::SegmentCountOp,
            tile::BoundedOp, tile::FindSequenceOp, tile::WalkOp, tile::DotOp,
            tile::MaskOp, tile::ScoreOp, tile::OnlineSoftmaxOp, tile::RescaleOp,
            tile::FinishSoftmaxOp, tile::CumulativeSumOp, tile::DecayRatiosOp,
            tile::InvertUnitLowerOp, tile::DecaySumsOp, tile::ApplyDecayOp,
            tile::DecayedDotOp, vector::BroadcastOp, vector::TransposeOp,
            vector::ExtractOp, vector::CreateMaskOp, vector::ReductionOp,
            vector::MultiDimReductionOp>([&](auto known) { return run(known); })
      .Default([&](Operation *other) { return runElementwise(other); });
}

LogicalResult Instance::runElementwise(Operation *op) {
  SmallVector<const TileValue *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(values.lookup(operand).get());
  std::optional<TileValue> result;
  // A view is not among the values.
  if (!llvm::is_contained(operands, nullptr))
    result = evaluateElementwise(op, operands);
  if (!result)
    return fail(op, "is not known to the tile interpreter");
  set(op->getResult(0), std::move(*result));
  return success();
}

void Instance::copy(ValueRange from, ValueRange to) {
  SmallVector<std::shared_ptr<const TileValue>> copies;
  for (Value value : from)
    copies.push_back(values.at(value));
  for (auto [value, copy] : llvm::zip_equal(to, copies))
    values[value] = copy;
}

//===----------------------------------------------------------------------===//
// Index arithmetic and control flow
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> Instance::evaluate(Operation *op,
                                                   AffineMap map) {
  SmallVector<int64_t> results;
  auto lookup = [&](AffineExpr leaf) -> std::optional<int64_t> {
    auto dim = dyn_cast<AffineDimExpr>(leaf);
    unsigned number =
        dim ? dim.getPosition()
            : map.getNumDims() + cast<AffineSymbolExpr>(leaf).getPosition();
    return getInteger(op->getOperand(number));
  };
  for (AffineExpr expr : map.getResults()) {
    std::optional<int64_t> result = evaluateAffine(expr, lookup);
    if (!result)
      return fail(op, "expected a positive divisor");
    results.push_back(*result);
  }
  return results;
}

LogicalResult Instance::run(affine::AffineApplyOp op) {
  FailureOr<SmallVector<int64_t>> results = evaluate(op, op.getAffineMap());
  if (failed(results))
    return failure();
  setInteger(op, results->front());
  return success();
}

LogicalResult Instance::run(affine::AffineMinOp op) {
  FailureOr<SmallVector<int64_t>> results = evaluate(op, op.getAffineMap());
  if (failed(results))
    return failure();
  setInteger(op, *llvm::min_element(*results));
  return success();
}

LogicalResult Instance::run(affine::AffineMaxOp op) {
  FailureOr<SmallVector<int64_t>> results = evaluate(op, op.getAffineMap());
  if (failed(results))
    return failure();
  setInteger(op, *llvm::max_element(*results));
  return success();
}

LogicalResult Instance::run(scf::ForOp op) {
  int64_t begin = getInteger(op.getLowerBound());
  int64_t end = getInteger(op.getUpperBound());
  int64_t step = getInteger(op.getStep());
  if (step <= 0)
    return fail(op, "expected a positive step, got " + Twine(step));
  copy(op.getInits(), op.getRegionIterArgs());
  for (int64_t i = begin; i < end; i += step) {
    setInteger(op.getInductionVar(), i);
    if (failed(run(*op.getBody())))
      return failure();
    copy(op.getYieldedValues(), op.getRegionIterArgs());
  }
  copy(op.getRegionIterArgs(), op.getResults());
  return success();
}

LogicalResult Instance::run(scf::IfOp op) {
  Block *block =
      getInteger(op.getCondition()) ? op.thenBlock() : op.elseBlock();
  if (!block)
    return success();
  if (failed(run(*block)))
    return failure();
  copy(block->getTerminator()->getOperands(), op.getResults());
  return success();
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

LogicalResult Instance::run(tile::DimOp op) {
  setInteger(op, getView(op.getView()).shape[op.getAxis()]);
  return success();
}

/// Calls `function` with the number of each element of a tile and with its
/// place in the view, or null where it is outside.
template <typename Access>
LogicalResult
Instance::forEachElement(Access op,
                         function_ref<void(size_t, double *)> function) {
  const View &view = getView(op.getView());
  ArrayRef<int64_t> axes = op.getAxes();
  ArrayRef<int64_t> tileShape =
      cast<VectorType>(op.getTile().getType()).getShape();
  SmallVector<int64_t> start, ends(view.shape);
  for (Value index : op.getIndices())
    start.push_back(getInteger(index));
  if (!op.getSlice().empty()) {
    int64_t begin = getInteger(op.getSlice()[0]);
    int64_t end = getInteger(op.getSlice()[1]), axis = axes.front();
    if (begin < 0 || begin > end || end > view.shape[axis] || start[axis] < 0)
      return fail(op, "expected a slice of the " + Twine(view.shape[axis]) +
                          " along axis " + Twine(axis) +
                          " and an index of 0 or more in it, got [" +
                          Twine(begin) + ", " + Twine(end) + ") and " +
                          Twine(start[axis]));
    start[axis] += begin;
    ends[axis] = end;
  }
  for (auto [axis, index] : llvm::enumerate(start))
    if (!llvm::is_contained(axes, axis) &&
        (index < 0 || index >= view.shape[axis]))
      return fail(op, "expected an index from 0 to " +
                          Twine(view.shape[axis] - 1) + " along axis " +
                          Twine(axis) + ", got " + Twine(index));

  size_t size = 1;
  for (int64_t dim : tileShape)
    size *= dim;
  for (size_t element = 0; element != size; ++element) {
    SmallVector<int64_t> position = start;
    size_t rest = element;
    for (auto [axis, dim] : llvm::reverse(llvm::zip_equal(axes, tileShape))) {
      position[axis] += rest % dim;
      rest /= dim;
    }
    bool inside = true;
    int64_t offset = 0;
    for (auto [index, extent, end] :
         llvm::zip_equal(position, view.shape, ends)) {
      inside &= index >= 0 && index < end;
      offset = offset * extent + index;
    }
    function(element, inside ? view.data + offset : nullptr);
  }
  return success();
}

LogicalResult Instance::run(tile::LoadOp op) {
  auto type = cast<VectorType>(op.getTile().getType());
  TileValue tile;
  tile.floats.resize(type.getNumElements());
  if (failed(forEachElement(op, [&](size_t element, double *place) {
        tile.floats[element] = place ? static_cast<float>(*place) : 0.0f;
      })))
    return failure();
  set(op, std::move(tile));
  return success();
}

LogicalResult Instance::run(tile::StoreOp op) {
  const TileValue &tile = get(op.getTile());
  return forEachElement(op, [&](size_t element, double *place) {
    if (place)
      *place = tile.floats[element];
  });
}

/// By the definition: the last one whose first slot is not behind.
LogicalResult Instance::run(tile::FindSequenceOp op) {
  const View &view = getView(op.getCuSeqlens());
  int64_t slot = getInteger(op.getSlot()), found = 0;
  for (int64_t b = 0; b + 1 < view.shape.front(); ++b)
    if (llvm::divideFloorSigned(static_cast<int64_t>(view.data[b]),
                                static_cast<int64_t>(op.getBlock())) +
            b <=
        slot)
      found = b;
  setInteger(op, found);
  return success();
}

/// An element for each position: the indices may be as large as a tile.
LogicalResult Instance::run(tile::ReadOp op) {
  const View &view = getView(op.getView());
  SmallVector<const TileValue *> indices;
  size_t size = 1;
  for (Value index : op.getIndices()) {
    indices.push_back(&get(index));
    size = std::max(size, indices.back()->size());
  }
  TileValue result;
  Type type = op.getElement().getType();
  for (size_t i = 0; i != size; ++i) {
    bool inside = true;
    int64_t offset = 0;
    for (auto [index, extent] : llvm::zip_equal(indices, view.shape)) {
      int64_t position = index->integers[index->size() == 1 ? 0 : i];
      inside &= position >= 0 && position < extent;
      offset = offset * extent + position;
    }
    double value = inside ? view.data[offset] : 0;
    if (isa<FloatType>(type))
      result.floats.push_back(static_cast<float>(value));
    else
      result.integers.push_back(llvm::SignExtend64(
          static_cast<int64_t>(value),
          type.isIndex() ? 64 : type.getIntOrFloatBitWidth()));
  }
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(tile::WriteOp op) {
  const View &view = getView(op.getView());
  int64_t offset = 0;
  for (auto [index, extent] : llvm::zip_equal(op.getIndices(), view.shape)) {
    int64_t position = getInteger(index);
    if (position < 0 || position >= extent)
      return fail(op, "expected an index below " + Twine(extent) + ", got " +
                          Twine(position));
    offset = offset * extent + position;
  }
  view.data[offset] = static_cast<double>(getInteger(op.getElement()));
  return success();
}

/// The region is run for all positions at once.
LogicalResult Instance::run(tile::FindExtremesOp op) {
  TileValue positions;
  int64_t end = getInteger(op.getEnd());
  for (int64_t i = getInteger(op.getBegin()); i < end; ++i)
    positions.integers.push_back(i);
  size_t count = positions.size();
  Block &block = op.getBody().front();
  set(block.getArgument(0), std::move(positions));
  if (count && failed(run(block)))
    return failure();
  auto yielded = block.getTerminator()->getOperands();
  for (size_t pair = 0; pair < yielded.size(); pair += 2) {
    int64_t least = std::numeric_limits<int32_t>::max();
    int64_t greatest = std::numeric_limits<int32_t>::min();
    for (size_t i = 0; i < count; ++i) {
      auto element = [&](Value value) {
        const TileValue &all = get(value);
        return all.integers[all.size() == 1 ? 0 : i];
      };
      if (!element(yielded[pair + 1]))
        continue;
      least = std::min(least, element(yielded[pair]));
      greatest = std::max(greatest, element(yielded[pair]));
    }
    setInteger(op.getResult(pair), least);
    setInteger(op.getResult(pair + 1), greatest);
  }
  return success();
}

/// As there, block by block from the end.
LogicalResult Instance::run(tile::FindReachOp op) {
  int64_t stop = getInteger(op.getStop()), end = getInteger(op.getEnd());
  auto block = static_cast<int64_t>(op.getBlock());
  auto channels = static_cast<int64_t>(op.getChannels().value_or(1));
  // One behind the other, with all channels of each.
  TileValue positions, ofChannels;
  for (int64_t i = stop; i < end; ++i)
    for (int64_t c = 0; c < channels; ++c) {
      positions.integers.push_back(i);
      ofChannels.integers.push_back(c);
    }
  Block &body = op.getBody().front();
  set(body.getArgument(0), std::move(positions));
  if (op.getChannels())
    set(body.getArgument(1), std::move(ofChannels));
  if (stop < end && failed(run(body)))
    return failure();
  std::vector<float> sums(channels);
  float limit = op.getLimit().convertToFloat();
  auto areSmall = [&] {
    return llvm::all_of(sums, [&](float sum) { return sum <= limit; });
  };
  int64_t first = end;
  while (first > stop && !areSmall()) {
    const TileValue &numbers = get(body.getTerminator()->getOperand(0));
    first = std::max(first - block, stop);
    for (int64_t i = first, e = std::min(first + block, end); i < e; ++i)
      for (int64_t c = 0; c < channels; ++c)
        sums[c] +=
            numbers.floats[numbers.size() == 1 ? 0 : (i - stop) * channels + c];
  }
  setInteger(op.getFirst(), areSmall() ? first : stop);
  return success();
}

/// For each position, as an element.
LogicalResult Instance::run(tile::SquaredNormOp op) {
  const View &view = getView(op.getView());
  size_t size = 1;
  for (Value index : op.getIndices())
    size = std::max(size, get(index).size());
  TileValue result;
  for (size_t i = 0; i != size; ++i) {
    bool inside = true;
    int64_t row = 0;
    for (auto [index, extent] : llvm::zip(op.getIndices(), view.shape)) {
      const TileValue &all = get(index);
      int64_t position = all.integers[all.size() == 1 ? 0 : i];
      inside &= position >= 0 && position < extent;
      row = row * extent + position;
    }
    float sum = 0;
    for (int64_t c = 0, e = inside ? view.shape.back() : 0; c != e; ++c) {
      auto element = static_cast<float>(view.data[row * e + c]);
      sum += element * element;
    }
    result.floats.push_back(sum);
  }
  set(op, std::move(result));
  return success();
}

/// As many as there may be.
LogicalResult Instance::run(tile::SegmentCountOp op) {
  auto least = static_cast<int64_t>(op.getLeast());
  setInteger(op.getCount(),
             std::max<int64_t>(getInteger(op.getChunks()) / least, 1));
  return success();
}

LogicalResult Instance::run(tile::BoundedOp op) {
  copy(op.getCondition(), op.getResult());
  return success();
}

LogicalResult Instance::run(tile::WalkOp op) {
  int64_t iteration = getInteger(op.getIteration());
  int64_t from = getInteger(op.getFrom().front()), at = 0;
  for (auto [start, key] :
       llvm::zip_equal(op.getAt(), op.getFrom().drop_front()))
    if (int64_t first = getInteger(start); first <= iteration) {
      at = first;
      from = getInteger(key);
    }
  setInteger(op, from - (iteration - at) * static_cast<int64_t>(op.getStep()));
  return success();
}

//===----------------------------------------------------------------------===//
// Products and softmax
//===----------------------------------------------------------------------===//

static int64_t rowsOf(Value matrix) {
  return cast<VectorType>(matrix.getType()).getDimSize(0);
}
static int64_t columnsOf(Value matrix) {
  return cast<VectorType>(matrix.getType()).getDimSize(1);
}

LogicalResult Instance::run(tile::DotOp op) {
  int64_t rows = rowsOf(op.getResult()), columns = columnsOf(op.getResult());
  int64_t inner = columnsOf(op.getLhs());
  const std::vector<float> &lhs = get(op.getLhs()).floats;
  std::vector<float> rhs = get(op.getRhs()).floats;
  if (op.getTransposeRhs()) {
    const std::vector<float> &source = get(op.getRhs()).floats;
    for (int64_t k = 0; k != inner; ++k)
      for (int64_t c = 0; c != columns; ++c)
        rhs[k * columns + c] = source[c * inner + k];
  }
  TileValue result;
  if (op.getAcc())
    result.floats = get(op.getAcc()).floats;
  else
    result.floats.assign(rows * columns, 0.0f);
  for (int64_t r = 0; r != rows; ++r) {
    float *row = &result.floats[r * columns];
    for (int64_t k = 0; k != inner; ++k) {
      float factor = lhs[r * inner + k];
      const float *products = &rhs[k * columns];
      for (int64_t c = 0; c != columns; ++c)
        row[c] += factor * products[c];
    }
  }
  set(op, std::move(result));
  return success();
}

/// Evaluates a region for all elements of `matrix` at once: within it, the
/// positions are as large as the tile.
FailureOr<const TileValue *>
Instance::runRegion(Block &block, ArrayRef<BlockArgument> positions,
                    Value matrix, int64_t firstQuery, int64_t firstKey) {
  TileValue query, key;
  for (int64_t r = 0; r != rowsOf(matrix); ++r)
    for (int64_t c = 0; c != columnsOf(matrix); ++c) {
      query.integers.push_back(firstQuery + r);
      key.integers.push_back(firstKey + c);
    }
  set(positions[0], std::move(query));
  set(positions[1], std::move(key));
  if (failed(run(block)))
    return failure();
  return &get(block.getTerminator()->getOperand(0));
}

LogicalResult Instance::run(tile::MaskOp op) {
  Block &block = op.getPredicate().front();
  FailureOr<const TileValue *> keep =
      runRegion(block, block.getArguments(), op.getScores(),
                getInteger(op.getQuery()), getInteger(op.getKey()));
  if (failed(keep))
    return failure();
  bool isWhole = op.getWhole() && getInteger(op.getWhole());
  TileValue result = get(op.getScores());
  for (auto [i, score] : llvm::enumerate(result.floats)) {
    if ((*keep)->integers[(*keep)->size() == 1 ? 0 : i])
      continue;
    if (isWhole)
      return fail(op, "expected a whole tile to keep every element, got a "
                      "masked one");
    score = -kInfinity;
  }
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(tile::ScoreOp op) {
  Block &block = op.getModifier().front();
  ArrayRef<BlockArgument> arguments = block.getArguments();
  copy(op.getScores(), arguments.front());
  copy(op.getTiles(), ValueRange(arguments.drop_front(3)));
  FailureOr<const TileValue *> modified =
      runRegion(block, arguments.slice(1, 2), op.getScores(),
                getInteger(op.getQuery()), getInteger(op.getKey()));
  if (failed(modified))
    return failure();
  TileValue result = **modified;
  // A score that is the same everywhere.
  if (result.size() == 1)
    result.floats.resize(get(op.getScores()).size(), result.floats.front());
  set(op, std::move(result));
  return success();
}

static float power(uint64_t exponent) {
  return std::ldexp(1.0f, static_cast<int>(exponent));
}

LogicalResult Instance::run(tile::OnlineSoftmaxOp op) {
  int64_t rows = rowsOf(op.getScores()), columns = columnsOf(op.getScores());
  const std::vector<float> &scores = get(op.getScores()).floats;
  const std::vector<float> &max = get(op.getMax()).floats;
  const std::vector<float> &sum = get(op.getSum()).floats;
  auto scale = static_cast<float>(op.getScale().convertToDouble());
  auto log2OfE = static_cast<float>(llvm::numbers::log2e);
  std::optional<uint64_t> threshold = op.getThreshold();
  std::optional<uint64_t> limit = op.getSumLimit();

  std::vector<float> weights(scores.size(), 0.0f);
  std::vector<float> newMax(rows), newSum(rows), correction(rows, 1.0f);
  for (int64_t r = 0; r != rows; ++r) {
    const float *row = &scores[r * columns];
    float rowMax = *std::max_element(row, row + columns);
    float start = max[r], oldSum = sum[r];
    bool isLazy = limit && !isCareful && oldSum > 0 && oldSum <= power(*limit);
    if (limit && oldSum > power(*limit))
      start += std::log(oldSum) / scale;
    if (limit && oldSum > power(tile::largestSum(*limit)))
      oldSum = kInfinity;
    // False for a row that has seen nothing, whose difference is not a number
    // or infinite.
    bool keepsMax = limit ? isLazy
                          : threshold && scale * log2OfE * (rowMax - max[r]) <=
                                             static_cast<float>(*threshold);
    newMax[r] = keepsMax ? max[r] : std::max(start, rowMax);
    if (newMax[r] == -kInfinity) {
      if (!op.getMayBeEmpty())
        return fail(op, "expected may_be_empty, since row " + Twine(r) +
                            " has seen nothing but -inf");
      continue;
    }
    if (!keepsMax)
      correction[r] = std::exp(scale * (max[r] - newMax[r]));
    newSum[r] = oldSum == kInfinity ? oldSum : correction[r] * oldSum;
    for (int64_t c = 0; c != columns; ++c) {
      float weight = std::exp(scale * (row[c] - newMax[r]));
      weights[r * columns + c] = weight;
      newSum[r] += weight;
    }
  }
  set(op.getWeights(), {std::move(weights), {}});
  set(op.getNewMax(), {std::move(newMax), {}});
  set(op.getNewSum(), {std::move(newSum), {}});
  set(op.getCorrection(), {std::move(correction), {}});
  return success();
}

LogicalResult Instance::run(tile::RescaleOp op) {
  int64_t columns = columnsOf(op.getAcc());
  const std::vector<float> &factor = get(op.getFactor()).floats;
  TileValue result = get(op.getAcc());
  for (auto [i, element] : llvm::enumerate(result.floats))
    element *= factor[i / columns];
  set(op, std::move(result));
  return success();
}

LogicalResult Instance::run(tile::FinishSoftmaxOp op) {
  int64_t columns = columnsOf(op.getAcc());
  const std::vector<float> &max = get(op.getMax()).floats;
  const std::vector<float> &sum = get(op.getSum()).floats;
  auto scale = static_cast<float>(op.getScale().convertToDouble());
  std::vector<float> total = sum;
  if (op.getSink())
    for (auto [r, element] : llvm::enumerate(total))
      if (element != 0)
        element += std::exp(get(op.getSink()).floats.front() - scale * max[r]);
  TileValue result = get(op.getAcc());
  for (auto [i, element] : llvm::enumerate(result.floats))
    element = total[i / columns] == 0 ? 0 : element / total[i / columns];
  if (std::optional<uint64_t> limit = op.getSumLimit(); limit && !isCareful)
    needsRepeat |= !llvm::all_of(sum, [&](float s) {
      return s <= power(tile::largestSum(*limit));
    }) || !llvm::all_of(result.floats, [](float x) {
      return std::isfinite(x);
    });
  std::vector<float> lse(sum.size(), -kInfinity);
  for (auto [r, element] : llvm::enumerate(lse))
    if (sum[r] != 0)
      element = scale * max[r] + std::log(sum[r]);
  set(op.getResult(), std::move(result));
  set(op.getLse(), {std::move(lse), {}});
  return success();
}
