//===- RegionProgram.cpp - Masks and score modifiers, evaluated -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionProgram.h"

#include "RegionTranslator.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

/// The element at `position`, or zero outside of the tensor.
static double readElement(const Tensor &tensor, ArrayRef<int64_t> position) {
  int64_t offset = 0;
  for (auto [index, size] : llvm::zip_equal(position, tensor.shape)) {
    if (index < 0 || index >= size)
      return 0.0;
    offset = offset * size + index;
  }
  return tensor.values[offset];
}

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

template <typename Real>
FailureOr<RegionProgram<Real>> RegionTranslator<Real>::translate(Block &block) {
  Block::BlockArgListType arguments = block.getArguments();
  if (isa<FloatType>(arguments.front().getType())) {
    program.scoreSlot = getSlot(arguments.front());
    arguments = arguments.drop_front();
  }
  for (BlockArgument argument : arguments)
    program.positionSlots.push_back(getSlot(argument));
  for (Operation &op : block.without_terminator())
    if (failed(translate(&op)))
      return failure();
  program.resultSlot = getSlot(cast<YieldOp>(block.back()).getValue());
  program.slots = slots;
  return std::move(program);
}

template <typename Real>
Slot RegionTranslator<Real>::describeSlot(Value value) {
  bool isFloat = isa<FloatType>(value.getType());
  return {getSlot(value), isFloat, isFloat ? 0 : getWidth(value.getType())};
}

template <typename Real>
FailureOr<RegionProgram<Real>>
RegionTranslator<Real>::translateBody(Block &block, ValueRange results) {
  for (BlockArgument argument : block.getArguments())
    program.inputs.push_back(describeSlot(argument));
  for (Operation &op : block)
    if (!op.hasTrait<OpTrait::IsTerminator>() && failed(translate(&op)))
      return failure();
  for (Value result : results)
    program.results.push_back(describeSlot(result));
  return std::move(program);
}

template <typename Real>
LogicalResult RegionTranslator<Real>::translate(Operation *op) {
  if (isa<arith::ConstantOp>(op))
    return success(); // Its first use puts it into a slot.
  for (auto family :
       {&RegionTranslator::translateInteger, &RegionTranslator::translateFloat,
        &RegionTranslator::translateMath, &RegionTranslator::translateAttention,
        &RegionTranslator::translateBodyOp,
        &RegionTranslator::translateConversion})
    if (Maybe translated = (this->*family)(op))
      return *translated;
  return op->emitOpError("has no reference semantics");
}

template <typename Real> int64_t RegionTranslator<Real>::getSlot(Value value) {
  bool isFloat = isa<FloatType>(value.getType());
  int64_t &next = isFloat ? program.numFloats : program.numIntegers;
  auto [it, isNew] = slots.try_emplace(value, next);
  int64_t slot = it->second;
  if (!isNew)
    return slot;
  ++next;
  auto fill = [&](double real, int64_t integer) {
    program.constants.push_back([=](Frame<Real> &frame) {
      if (isFloat)
        std::fill_n(frame.getFloats(slot), KeyBlock::kMaxCount, real);
      else
        std::fill_n(frame.getIntegers(slot), KeyBlock::kMaxCount, integer);
    });
  };
  Attribute constant;
  auto scalar = tensors.find(value);
  if (matchPattern(value, m_Constant(&constant))) {
    if (auto real = dyn_cast<FloatAttr>(constant))
      fill(real.getValueAsDouble(), 0);
    else
      fill(0, cast<IntegerAttr>(constant).getValue().getSExtValue());
  } else if (scalar != tensors.end()) {
    double known = scalar->second->values.front();
    fill(known, isFloat ? 0 : toFrame(known, getWidth(value.getType())));
  }
  return slot;
}

template <typename Real>
auto RegionTranslator<Real>::translateAttention(Operation *op) -> Maybe {
  constexpr int64_t infinity = std::numeric_limits<int64_t>::max() / 2;
  return TypeSwitch<Operation *, Maybe>(op)
      .template Case<CausalOp>([&](auto) {
        return toBool<2>(op, [](int64_t p, int64_t j) { return j <= p; });
      })
      .Case([&](WindowOp window) {
        int64_t left = window.getLeft().value_or(infinity);
        int64_t right = window.getRight().value_or(infinity);
        return toBool<2>(op, [=](int64_t p, int64_t j) {
          return p - j <= left && j - p <= right;
        });
      })
      .Case([&](FirstOp first) {
        int64_t count = first.getCount();
        return toBool<1>(op, [=](int64_t j) { return j < count; });
      })
      .Case([&](ChunkOp chunk) {
        int64_t size = chunk.getSize();
        return toBool<2>(op, [=](int64_t p, int64_t j) {
          return floorDivide(p, size) == floorDivide(j, size);
        });
      })
      .Case([&](SoftcapOp softcap) {
        Real cap = softcap.getCap().convertToFloat();
        return toFloat<1>(op, [=](Real x) { return cap * std::tanh(x / cap); });
      })
      .Case([&](PrefixOp prefix) { return translatePrefix(prefix); })
      .Case([&](DocumentOp document) {
        return translateIds(document, std::numeric_limits<double>::lowest());
      })
      .Case([&](SpanOp span) { return translateIds(span, 0); })
      .Case([&](DilatedOp dilated) {
        int64_t step = dilated.getStep();
        return toBool<2>(
            op, [=](int64_t p, int64_t j) { return (p - j) % step == 0; });
      })
      .Case([&](ColumnOp column) {
        int64_t stretch = column.getStretch(), count = column.getCount();
        return toBool<1>(
            op, [=](int64_t j) { return j % stretch >= stretch - count; });
      })
      .Case([&](BitsOp bits) {
        return translateBits(bits, bits.getWords(), nullptr);
      })
      .Case([&](TreeOp tree) {
        return translateBits(tree, tree.getAncestors(),
                             tensors.at(tree.getLengths()));
      })
      .Case([&](BiasOp bias) { return translateBias(bias); })
      .Case([&](AlibiOp alibi) { return translateAlibi(alibi); })
      .Case([&](ReadOp read) {
        return translateRead(read.getElement(), read.getTensor(),
                             read.getIndices());
      })
      .Default(Maybe());
}

/// What only the bodies of tensor ops hold.
template <typename Real>
auto RegionTranslator<Real>::translateBodyOp(Operation *op) -> Maybe {
  return TypeSwitch<Operation *, Maybe>(op)
      .Case([&](linalg::IndexOp index) {
        program.loopIndices.emplace_back(index.getDim(),
                                         getSlot(index.getResult()));
        return success();
      })
      .Case([&](tensor::ExtractOp extract) {
        return translateRead(extract.getResult(), extract.getTensor(),
                             extract.getIndices());
      })
      .Default(Maybe());
}

/// `j < lengths[b]`
template <typename Real>
LogicalResult RegionTranslator<Real>::translatePrefix(PrefixOp op) {
  const Tensor &lengths = *tensors.at(op.getLengths());
  int64_t b = getSlot(op.getB()), j = getSlot(op.getJ());
  int64_t keep = getSlot(op.getKeep());
  program.steps.push_back([=, &lengths](Frame<Real> &frame) {
    for (int64_t k = 0; k != frame.count; ++k) {
      double length = readElement(lengths, frame.getIntegers(b)[k]);
      frame.getIntegers(keep)[k] = frame.getIntegers(j)[k] < length ? -1 : 0;
    }
  });
  return success();
}

/// `ids[b, j] = ids[b, p] >= least`, where `p` is the position of a key. Of
/// packed sequences, the ids of `b` begin where its keys do.
template <typename Real>
template <typename Op>
LogicalResult RegionTranslator<Real>::translateIds(Op op, double least) {
  const Tensor &ids = *tensors.at(op.getIds());
  auto owner = op->template getParentOfType<MaskedOpInterface>();
  const Tensor *cuSeqlens =
      owner.getKeyEnds() ? tensors.at(owner.getKeyEnds()) : nullptr;
  int64_t b = getSlot(op.getB()), p = getSlot(op.getP());
  int64_t j = getSlot(op.getJ()), keep = getSlot(op.getKeep());
  program.steps.push_back([=, &ids](Frame<Real> &frame) {
    for (int64_t k = 0; k != frame.count; ++k) {
      int64_t batch = frame.getIntegers(b)[k];
      int64_t query = frame.getIntegers(p)[k];
      int64_t key = frame.getIntegers(j)[k];
      auto read = [&](int64_t position) {
        if (!cuSeqlens)
          return readElement(ids, {batch, position});
        auto first = static_cast<int64_t>(cuSeqlens->values[batch]);
        return readElement(ids, first + position);
      };
      // A position is never behind the keys.
      bool isSame = query >= 0 && read(query) == read(key);
      frame.getIntegers(keep)[k] = isSame && read(query) >= least ? -1 : 0;
    }
  });
  return success();
}

/// A bit of `words`, counted from the length of the context; before it, true.
template <typename Real>
template <typename Op>
LogicalResult RegionTranslator<Real>::translateBits(Op op, Value wordsValue,
                                                    const Tensor *lengths) {
  const Tensor &words = *tensors.at(wordsValue);
  int64_t width = getWidth(getElementTypeOrSelf(wordsValue.getType()));
  int64_t b = getSlot(op.getB()), i = getSlot(op.getI());
  int64_t j = getSlot(op.getJ()), keep = getSlot(op.getKeep());
  program.steps.push_back([=, &words](Frame<Real> &frame) {
    for (int64_t k = 0; k != frame.count; ++k) {
      int64_t batch = frame.getIntegers(b)[k];
      int64_t bit = frame.getIntegers(j)[k];
      if (lengths)
        bit -= static_cast<int64_t>(lengths->values[batch]);
      bool isSet = bit < 0;
      if (!isSet) {
        int64_t row = words.shape[0] == 1 ? 0 : batch;
        double word =
            readElement(words, {row, frame.getIntegers(i)[k], bit / width});
        isSet = toFrame(word, width) >> (bit % width) & 1;
      }
      frame.getIntegers(keep)[k] = isSet ? -1 : 0;
    }
  });
  return success();
}

/// `x + bias[b, h, i, j]`
template <typename Real>
LogicalResult RegionTranslator<Real>::translateBias(BiasOp op) {
  const Tensor &bias = *tensors.at(op.getBias());
  int64_t x = getSlot(op.getX()), y = getSlot(op.getY());
  std::array<int64_t, 4> at = {getSlot(op.getB()), getSlot(op.getH()),
                               getSlot(op.getI()), getSlot(op.getJ())};
  program.steps.push_back([=, &bias](Frame<Real> &frame) {
    for (int64_t k = 0; k != frame.count; ++k) {
      int64_t position[4];
      for (int64_t axis = 0; axis != 4; ++axis)
        position[axis] =
            bias.shape[axis] == 1 ? 0 : frame.getIntegers(at[axis])[k];
      frame.getFloats(y)[k] = frame.getFloats(x)[k] +
                              static_cast<Real>(readElement(bias, position));
    }
  });
  return success();
}

/// `x - slopes[h] * |p - j|`
template <typename Real>
LogicalResult RegionTranslator<Real>::translateAlibi(AlibiOp op) {
  const Tensor &slopes = *tensors.at(op.getSlopes());
  int64_t x = getSlot(op.getX()), h = getSlot(op.getH());
  int64_t p = getSlot(op.getP()), j = getSlot(op.getJ());
  int64_t y = getSlot(op.getY());
  program.steps.push_back([=, &slopes](Frame<Real> &frame) {
    for (int64_t k = 0; k != frame.count; ++k) {
      Real slope = readElement(slopes, frame.getIntegers(h)[k]);
      Real distance =
          std::abs(frame.getIntegers(p)[k] - frame.getIntegers(j)[k]);
      frame.getFloats(y)[k] = frame.getFloats(x)[k] - slope * distance;
    }
  });
  return success();
}

/// Outside of the tensor, the element is zero.
template <typename Real>
LogicalResult RegionTranslator<Real>::translateRead(Value read, Value from,
                                                    ValueRange at) {
  const Tensor &tensor = *tensors.at(from);
  SmallVector<int64_t> indices =
      llvm::map_to_vector(at, [&](Value index) { return getSlot(index); });
  int64_t element = getSlot(read);
  Type type = read.getType();
  bool isFloat = isa<FloatType>(type);
  unsigned width = getWidth(type);
  program.steps.push_back([=, &tensor](Frame<Real> &frame) {
    SmallVector<int64_t> position(indices.size());
    for (int64_t k = 0; k != frame.count; ++k) {
      for (auto [coordinate, index] : llvm::zip(position, indices))
        coordinate = frame.getIntegers(index)[k];
      double value = readElement(tensor, position);
      if (isFloat)
        frame.getFloats(element)[k] = value;
      else
        frame.getIntegers(element)[k] = toFrame(value, width);
    }
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

template <typename Real>
FailureOr<RegionProgram<Real>>
RegionProgram<Real>::translate(Block &block, const Environment &tensors) {
  return RegionTranslator<Real>(tensors).translate(block);
}

template <typename Real>
FailureOr<RegionProgram<Real>>
RegionProgram<Real>::translateBody(Block &block, ValueRange results,
                                   const Environment &tensors) {
  return RegionTranslator<Real>(tensors).translateBody(block, results);
}

template <typename Real>
void RegionProgram<Real>::evaluateBody(Frame<Real> &frame) const {
  for (const Step &step : steps)
    step(frame);
}

template <typename Real> Frame<Real> RegionProgram<Real>::createFrame() const {
  Frame<Real> frame(numIntegers, numFloats);
  for (const Step &constant : constants)
    constant(frame);
  return frame;
}

template <typename Real>
void RegionProgram<Real>::run(Frame<Real> &frame, const KeyBlock &keys) const {
  frame.count = keys.count;
  // Where j belongs, the keys are counted afterwards.
  int64_t values[] = {keys.batch, keys.head, keys.position, 0, keys.query};
  for (auto [slot, value] : llvm::zip(positionSlots, values))
    std::fill_n(frame.getIntegers(slot), keys.count, value);
  int64_t *j = frame.getIntegers(positionSlots[3]);
  std::iota(j, j + keys.count, keys.key);
  evaluateBody(frame);
}

template <typename Real>
const int64_t *RegionProgram<Real>::evaluateMask(Frame<Real> &frame,
                                                 const KeyBlock &keys) const {
  run(frame, keys);
  return frame.getIntegers(resultSlot);
}

template <typename Real>
void RegionProgram<Real>::evaluateScore(Frame<Real> &frame,
                                        const KeyBlock &keys,
                                        Real *scores) const {
  std::copy_n(scores, keys.count, frame.getFloats(scoreSlot));
  run(frame, keys);
  std::copy_n(frame.getFloats(resultSlot), keys.count, scores);
}

template class attn::reference::RegionProgram<float>;
template class attn::reference::RegionProgram<double>;
