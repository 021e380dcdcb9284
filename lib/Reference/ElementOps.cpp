//===- ElementOps.cpp - Ops that compute elements -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body of a structured op is a region program like a score modifier, which
// is run for blocks of elements. An op of arith or math on tensors is a
// structured op whose body is that op on scalars.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "RegionTranslator.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Blocks of elements
//===----------------------------------------------------------------------===//

static double load(const Tensor &tensor, int64_t offset) {
  return tensor.values[offset];
}

template <typename Real>
static void put(Frame<Real> &frame, const Slot &slot, int64_t k, double value) {
  if (slot.isFloat)
    frame.getFloats(slot.number)[k] = static_cast<Real>(value);
  else
    frame.getIntegers(slot.number)[k] = toFrame(value, slot.width);
}

/// True is 1 in a tensor, and -1 in a frame.
template <typename Real>
static double take(Frame<Real> &frame, const Slot &slot, int64_t k) {
  if (slot.isFloat)
    return static_cast<double>(frame.getFloats(slot.number)[k]);
  int64_t value = frame.getIntegers(slot.number)[k];
  return static_cast<double>(slot.width == 1 ? value & 1 : value);
}

/// Calls `body(first, count)` for blocks of `size` elements.
template <typename Body> static void forBlocks(int64_t size, Body body) {
  for (int64_t first = 0; first < size; first += KeyBlock::kMaxCount)
    body(first, std::min(KeyBlock::kMaxCount, size - first));
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

/// The shape that all operands but scalars have.
static FailureOr<SmallVector<int64_t>> findShape(Operation *op,
                                                 const Evaluation &evaluation) {
  SmallVector<int64_t> shape;
  for (Value operand : op->getOperands()) {
    ArrayRef<int64_t> own = evaluation.get(operand).shape;
    if (own.empty() || shape == own)
      continue;
    if (!shape.empty())
      return op->emitOpError("expected operands of one shape, got ")
             << toString(shape) << " and " << toString(own);
    shape = SmallVector<int64_t>(own);
  }
  return shape;
}

template <typename Real>
static LogicalResult evaluateElementwise(Operation *op,
                                         Evaluation &evaluation) {
  FailureOr<SmallVector<int64_t>> shape = findShape(op, evaluation);
  if (failed(shape))
    return failure();
  Block body;
  IRMapping scalars;
  for (Value operand : op->getOperands())
    scalars.map(operand,
                body.addArgument(getElementTypeOrSelf(operand), op->getLoc()));
  Operation *scalar = op->clone(scalars);
  body.push_back(scalar);
  Value result = scalar->getResult(0);
  result.setType(getElementTypeOrSelf(result));
  auto program = RegionProgram<Real>::translateBody(
      body, result, evaluation.getEnvironment());
  if (failed(program))
    return failure();

  Tensor &output = evaluation.define(op->getResult(0), *shape);
  Frame<Real> frame = program->createFrame();
  forBlocks(output.size(), [&](int64_t first, int64_t count) {
    frame.count = count;
    for (auto [operand, slot] : llvm::zip(op->getOperands(), program->inputs)) {
      const Tensor &input = evaluation.get(operand);
      for (int64_t k = 0; k != count; ++k)
        put(frame, slot, k, load(input, input.shape.empty() ? 0 : first + k));
    }
    program->evaluateBody(frame);
    for (int64_t k = 0; k != count; ++k)
      output.values[first + k] = take(frame, program->results.front(), k);
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

namespace {

/// Where an operand's element of an iteration is: a linear function of the
/// loops' indices.
struct Access {
  SmallVector<int64_t> factors;
  int64_t offset = 0;
};

/// The iterations of some of the loops, in row-major order.
struct Domain {
  SmallVector<unsigned> loops;
  SmallVector<int64_t> sizes;

  int64_t size() const {
    int64_t size = 1;
    for (int64_t loop : sizes)
      size *= loop;
    return size;
  }
  /// Writes the indices of iteration `number` into those of all loops.
  void write(int64_t number, MutableArrayRef<int64_t> indices) const {
    for (size_t i = loops.size(); i-- > 0;) {
      indices[loops[i]] = number % sizes[i];
      number /= sizes[i];
    }
  }
};

template <typename Real> class Structured {
public:
  Structured(linalg::LinalgOp op, Evaluation &evaluation)
      : op(op), evaluation(evaluation) {}

  LogicalResult evaluate();

private:
  LogicalResult findLoops();
  LogicalResult findAccesses();
  void run(const RegionProgram<Real> &program);
  void runBlock(const RegionProgram<Real> &program, Frame<Real> &frame,
                int64_t reduction, int64_t first);

  linalg::LinalgOp op;
  Evaluation &evaluation;
  SmallVector<int64_t> loopSizes;
  Domain parallel, reduction;
  std::vector<Access> accesses;
  std::vector<const Tensor *> operands;
  std::vector<Tensor *> outputs;
};

} // namespace

template <typename Real> LogicalResult Structured<Real>::findLoops() {
  loopSizes.assign(op.getNumLoops(), -1);
  for (auto [map, tensor] : llvm::zip(op.getIndexingMapsArray(), operands))
    for (auto [expression, size] : llvm::zip(map.getResults(), tensor->shape)) {
      auto loop = dyn_cast<AffineDimExpr>(expression);
      if (!loop)
        continue;
      int64_t &known = loopSizes[loop.getPosition()];
      if (known >= 0 && known != size)
        return op.emitOpError("expected operands that agree in loop ")
               << loop.getPosition() << ", got " << known << " and " << size;
      known = size;
    }
  auto kinds = op.getIteratorTypesArray();
  for (auto [loop, size] : llvm::enumerate(loopSizes)) {
    bool isParallel = kinds[loop] == utils::IteratorType::parallel;
    Domain &own = isParallel ? parallel : reduction;
    own.loops.push_back(loop);
    own.sizes.push_back(size);
  }
  return success();
}

/// The linear form of `expression`, or failure where it has none.
static FailureOr<Access> linearise(AffineExpr expression, unsigned loops) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return Access{SmallVector<int64_t>(loops, 0), constant.getValue()};
  if (auto loop = dyn_cast<AffineDimExpr>(expression)) {
    Access access{SmallVector<int64_t>(loops, 0), 0};
    access.factors[loop.getPosition()] = 1;
    return access;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return failure();
  FailureOr<Access> left = linearise(binary.getLHS(), loops);
  FailureOr<Access> right = linearise(binary.getRHS(), loops);
  if (failed(left) || failed(right))
    return failure();
  bool isProduct = binary.getKind() == AffineExprKind::Mul &&
                   isa<AffineConstantExpr>(binary.getRHS());
  if (!isProduct && binary.getKind() != AffineExprKind::Add)
    return failure();
  for (auto [factor, other] : llvm::zip(left->factors, right->factors))
    factor = isProduct ? factor * right->offset : factor + other;
  left->offset =
      isProduct ? left->offset * right->offset : left->offset + right->offset;
  return left;
}

template <typename Real> LogicalResult Structured<Real>::findAccesses() {
  for (auto [map, tensor] : llvm::zip(op.getIndexingMapsArray(), operands)) {
    Access access{SmallVector<int64_t>(loopSizes.size(), 0), 0};
    for (auto [expression, size] : llvm::zip(map.getResults(), tensor->shape)) {
      FailureOr<Access> own = linearise(expression, loopSizes.size());
      if (failed(own))
        return op.emitOpError("has no reference semantics");
      int64_t low = own->offset, high = own->offset;
      for (auto [factor, loop] : llvm::zip(own->factors, loopSizes))
        (factor < 0 ? low : high) += factor * (loop - 1);
      if (!llvm::is_contained(loopSizes, 0) && (low < 0 || high >= size))
        return op.emitOpError("expected indices below ")
               << size << ", got " << low << " to " << high;
      access.offset = access.offset * size + own->offset;
      for (auto [sum, factor] : llvm::zip(access.factors, own->factors))
        sum = sum * size + factor;
    }
    accesses.push_back(std::move(access));
  }
  return success();
}

template <typename Real> LogicalResult Structured<Real>::evaluate() {
  for (Value operand : op->getOperands())
    operands.push_back(&evaluation.get(operand));
  if (failed(findLoops()) || failed(findAccesses()))
    return failure();
  Block &body = op->getRegion(0).front();
  auto program = RegionProgram<Real>::translateBody(
      body, body.getTerminator()->getOperands(), evaluation.getEnvironment());
  if (failed(program))
    return failure();
  // The results start as the tensors that they are accumulated into.
  size_t numInputs = operands.size() - op->getNumResults();
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    const Tensor &init = *operands[numInputs + number];
    Tensor &output = evaluation.define(result, init.shape);
    output.values = init.values;
    outputs.push_back(&output);
    operands[numInputs + number] = &output;
  }
  run(*program);
  return success();
}

/// Within a block no two iterations have an output in common.
template <typename Real>
void Structured<Real>::run(const RegionProgram<Real> &program) {
  Frame<Real> frame = program.createFrame();
  for (int64_t r = 0, size = reduction.size(); r != size; ++r)
    forBlocks(parallel.size(), [&](int64_t first, int64_t count) {
      frame.count = count;
      runBlock(program, frame, r, first);
    });
}

template <typename Real>
void Structured<Real>::runBlock(const RegionProgram<Real> &program,
                                Frame<Real> &frame, int64_t reductionNumber,
                                int64_t first) {
  size_t numInputs = operands.size() - outputs.size();
  SmallVector<int64_t> indices(loopSizes.size(), 0);
  std::vector<std::array<int64_t, KeyBlock::kMaxCount>> targets(outputs.size());
  reduction.write(reductionNumber, indices);
  for (int64_t k = 0; k != frame.count; ++k) {
    parallel.write(first + k, indices);
    for (auto [loop, slot] : program.loopIndices)
      frame.getIntegers(slot)[k] = indices[loop];
    for (auto [number, access] : llvm::enumerate(accesses)) {
      int64_t offset = access.offset;
      for (auto [factor, index] : llvm::zip(access.factors, indices))
        offset += factor * index;
      put(frame, program.inputs[number], k, load(*operands[number], offset));
      if (number >= numInputs)
        targets[number - numInputs][k] = offset;
    }
  }
  program.evaluateBody(frame);
  for (auto [number, output] : llvm::enumerate(outputs))
    for (int64_t k = 0; k != frame.count; ++k)
      output->values[targets[number][k]] =
          take(frame, program.results[number], k);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static LogicalResult evaluateConstant(Operation *op, Evaluation &evaluation) {
  Attribute constant;
  matchPattern(op, m_Constant(&constant));
  Value value = op->getResult(0);
  if (auto real = dyn_cast_or_null<FloatAttr>(constant)) {
    evaluation.define(value, {}).values = {real.getValueAsDouble()};
    return success();
  }
  if (auto integer = dyn_cast_or_null<IntegerAttr>(constant)) {
    bool isBool = value.getType().isInteger(1);
    int64_t number = integer.getValue().getSExtValue();
    evaluation.define(value, {}).values = {
        static_cast<double>(isBool ? number & 1 : number)};
    return success();
  }
  auto elements = dyn_cast_or_null<DenseIntOrFPElementsAttr>(constant);
  if (!elements)
    return op->emitOpError("has no reference semantics");
  Tensor &tensor = evaluation.define(value, elements.getType().getShape());
  if (isa<FloatType>(elements.getElementType()))
    llvm::transform(
        elements.getValues<APFloat>(), tensor.values.begin(),
        [](const APFloat &value) { return value.convertToDouble(); });
  else if (elements.getElementType().isInteger(1))
    llvm::copy(elements.getValues<bool>(), tensor.values.begin());
  else
    llvm::transform(elements.getValues<APInt>(), tensor.values.begin(),
                    [](const APInt &value) { return value.getSExtValue(); });
  return success();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// The number whose bits are those of an i8, or the other way round: caches are
/// bytes to those who keep them.
static LogicalResult evaluateBytes(arith::BitcastOp op,
                                   Evaluation &evaluation) {
  auto from = dyn_cast<FloatType>(getElementTypeOrSelf(op.getIn()));
  auto to = dyn_cast<FloatType>(getElementTypeOrSelf(op.getOut()));
  const Tensor &input = evaluation.get(op.getIn());
  Tensor &output = evaluation.define(op.getOut(), input.shape);
  for (auto [value, result] : llvm::zip(input.values, output.values)) {
    APInt bits(8, static_cast<int64_t>(value), /*isSigned=*/true,
               /*implicitTrunc=*/true);
    if (from) {
      APFloat number(value);
      bool losesInfo;
      number.convert(from.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                     &losesInfo);
      bits = number.bitcastToAPInt();
    }
    result = to ? APFloat(to.getFloatSemantics(), bits).convertToDouble()
                : static_cast<double>(bits.getSExtValue());
  }
  return success();
}

template <typename Real>
static Evaluated evaluateInPrecision(Operation *op, Evaluation &evaluation) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return Structured<Real>(structured, evaluation).evaluate();
  auto bitcast = dyn_cast<arith::BitcastOp>(op);
  if (bitcast &&
      getElementTypeOrSelf(bitcast.getIn()).getIntOrFloatBitWidth() == 8)
    return evaluateBytes(bitcast, evaluation);
  StringRef dialect = op->getName().getDialectNamespace();
  if ((dialect == "arith" || dialect == "math") && op->getNumResults() == 1)
    return evaluateElementwise<Real>(op, evaluation);
  return std::nullopt;
}

Evaluated reference::evaluateElementOp(Operation *op, Evaluation &evaluation) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return evaluateConstant(op, evaluation);
  return evaluation.options.arithmetic == Arithmetic::F64
             ? evaluateInPrecision<double>(op, evaluation)
             : evaluateInPrecision<float>(op, evaluation);
}
