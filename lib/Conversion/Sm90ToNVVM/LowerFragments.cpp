//===- LowerFragments.cpp - One scalar per element of the thread
//-----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

template <typename Op> struct FragmentPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

} // namespace

/// A call of an intrinsic without side effects on one result.
static Value call(OpBuilder &b, Location loc, StringRef name, Type type,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

static bool isFragment(Type type) { return isa<RankedTensorType>(type); }

//===----------------------------------------------------------------------===//
// Element-wise ops
//===----------------------------------------------------------------------===//

namespace {

/// Repeats an op of arith or math for every element.
struct LowerElementwise : ConversionPattern {
  LowerElementwise(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<ValueRange> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    // Two 16-bit elements share a register: arithmetic is on f32.
    if (!type || type.getElementTypeBitWidth() == 16 ||
        llvm::any_of(op->getOperandTypes(), [](Type operand) {
          return isFragment(operand) &&
                 cast<RankedTensorType>(operand).getElementTypeBitWidth() == 16;
        }))
      return failure();
    SmallVector<Value> results;
    for (int64_t i = 0, e = elementsPerThread(type); i < e; ++i) {
      SmallVector<Value> scalars;
      for (ValueRange operand : operands)
        scalars.push_back(operand.size() == 1 ? operand.front() : operand[i]);
      Operation *scalar =
          rewriter.create(op->getLoc(), op->getName().getIdentifier(), scalars,
                          type.getElementType(), op->getAttrs());
      results.push_back(scalar->getResult(0));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerConstant : FragmentPattern<arith::ConstantOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    auto value = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!type || !value || !value.isSplat() || !type.getElementType().isF32())
      return failure();
    Value scalar = arith::ConstantOp::create(rewriter, op.getLoc(),
                                             value.getSplatValue<FloatAttr>());
    SmallVector<Value> results(elementsPerThread(type), scalar);
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// Rounds two neighbouring columns into one register.
struct LowerTruncF : FragmentPattern<arith::TruncFOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(arith::TruncFOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || type.getElementTypeBitWidth() != 16)
      return failure();
    SmallVector<Value> results;
    ValueRange in = adaptor.getIn();
    for (size_t i = 0; i < in.size(); i += 2)
      results.push_back(ptx::roundPair(
          rewriter, op.getLoc(), type.getElementType(), in[i], in[i + 1]));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// Functions that the special function unit approximates.
template <typename Op> struct LowerApproximate : FragmentPattern<Op> {
  LowerApproximate(const TypeConverter &converter, MLIRContext *context,
                   StringRef intrinsic)
      : FragmentPattern<Op>(converter, context, /*benefit=*/2),
        intrinsic(intrinsic) {}

  LogicalResult
  matchAndRewrite(Op op, typename FragmentPattern<Op>::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragment(op.getType()))
      return failure();
    SmallVector<Value> results;
    for (Value value : adaptor.getOperand())
      results.push_back(
          call(rewriter, op.getLoc(), intrinsic, rewriter.getF32Type(), value));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

  StringRef intrinsic;
};

/// A quotient that may be computed through the reciprocal.
struct LowerReciprocal : FragmentPattern<arith::DivFOp> {
  LowerReciprocal(const TypeConverter &converter, MLIRContext *context)
      : FragmentPattern(converter, context, /*benefit=*/2) {}

  LogicalResult
  matchAndRewrite(arith::DivFOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragment(op.getType()) ||
        !bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::arcp))
      return failure();
    SmallVector<Value> results;
    for (auto [lhs, rhs] : llvm::zip(adaptor.getLhs(), adaptor.getRhs())) {
      Value inverse = call(rewriter, op.getLoc(), "llvm.nvvm.rcp.approx.ftz.f",
                           rewriter.getF32Type(), rhs);
      results.push_back(
          arith::MulFOp::create(rewriter, op.getLoc(), lhs, inverse));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

} // namespace

static Value combine(OpBuilder &b, Location loc, sm90::Combine kind, Value x,
                     Value y) {
  if (kind == sm90::Combine::Max)
    return arith::MaxNumFOp::create(b, loc, x, y);
  return arith::AddFOp::create(b, loc, x, y);
}

namespace {

struct LowerReduceColumns : FragmentPattern<sm90::ReduceColumnsOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::ReduceColumnsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Two chains for each row, which hide the latency of the combination.
    constexpr unsigned kChains = 2;
    Value partial[2][kChains] = {};
    unsigned count[2] = {};
    for (auto [i, value] : llvm::enumerate(adaptor.getSource())) {
      unsigned row = rowOfElement(i) != 0;
      Value &chain = partial[row][count[row]++ % kChains];
      chain =
          chain ? combine(rewriter, op.getLoc(), op.getCombine(), chain, value)
                : value;
    }
    SmallVector<Value> results;
    for (auto &chains : partial)
      results.push_back(combine(rewriter, op.getLoc(), op.getCombine(),
                                chains[0], chains[1]));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerCombineQuad : FragmentPattern<sm90::CombineQuadOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::CombineQuadOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    SmallVector<Value> results;
    for (Value value : adaptor.getSource()) {
      for (int64_t distance : {1, 2}) {
        Value other = NVVM::ShflOp::create(
            rewriter, loc, rewriter.getF32Type(), i32.constant(-1), value,
            i32.constant(distance), i32.constant(31), NVVM::ShflKind::bfly,
            UnitAttr());
        value = combine(rewriter, loc, op.getCombine(), value, other);
      }
      results.push_back(value);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerBroadcastRows : FragmentPattern<sm90::BroadcastRowsOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::BroadcastRowsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<Value> results;
    for (int64_t i = 0, e = elementsPerThread(type); i < e; ++i)
      results.push_back(adaptor.getSource()[rowOfElement(i) != 0]);
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerVoteAll : FragmentPattern<sm90::VoteAllOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::VoteAllOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ValueRange rows = adaptor.getRows();
    Value own = rows.front();
    for (Value row : rows.drop_front())
      own = arith::AndIOp::create(rewriter, loc, own, row);
    rewriter.replaceOpWithNewOp<NVVM::VoteSyncOp>(
        op, rewriter.getI1Type(), Int32(rewriter, loc).constant(-1), own,
        NVVM::VoteSyncKind::all);
    return success();
  }
};

/// Legal casts move nothing: the registers stay what they are.
struct LowerLayoutCast : FragmentPattern<sm90::LayoutCastOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::LayoutCastOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(op, {adaptor.getSource()});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Evaluates a predicate for one element after the other. Values are kept as
/// base + constant, so that a comparison of two positions becomes one of a
/// difference, which all elements share, with a constant.
class PredicateEvaluator {
public:
  PredicateEvaluator(ConversionPatternRewriter &rewriter, Location loc,
                     Block &predicate)
      : b(rewriter), loc(loc), predicate(predicate) {}

  struct Position {
    Value base;
    int64_t constant;
  };

  /// The predicate at a position of a query and of a key.
  Value evaluate(Position query, Position key);

private:
  Position lookup(Value value);
  void evaluateOp(Operation &op);
  Value compare(arith::CmpIOp op);

  OpBuilder &b;
  Location loc;
  Block &predicate;
  IRMapping mapping;
  DenseMap<Value, Position> positions;
  DenseMap<std::pair<Value, Value>, Value> differences;
};

} // namespace

PredicateEvaluator::Position PredicateEvaluator::lookup(Value value) {
  if (auto it = positions.find(value); it != positions.end())
    return it->second;
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return {Value(), constant.getInt()};
  return {mapping.lookupOrDefault(value), 0};
}

/// A difference says nothing of these: positions may be negative.
static bool isUnsigned(arith::CmpIPredicate predicate) {
  return predicate >= arith::CmpIPredicate::ult;
}

Value PredicateEvaluator::compare(arith::CmpIOp op) {
  Position lhs = lookup(op.getLhs()), rhs = lookup(op.getRhs());
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  Value zero;
  auto baseOf = [&](Position &position) {
    if (!position.base)
      position.base = zero ? zero : (zero = constant(0));
    return position.base;
  };
  // lhs + c < rhs + d  is  lhs - rhs < d - c: positions are far from overflow.
  Value &difference = differences[{lhs.base, rhs.base}];
  if (!difference)
    difference =
        rhs.base
            ? arith::SubIOp::create(b, loc, baseOf(lhs), rhs.base).getResult()
            : baseOf(lhs);
  return arith::CmpIOp::create(b, loc, op.getPredicate(), difference,
                               constant(rhs.constant - lhs.constant));
}

void PredicateEvaluator::evaluateOp(Operation &op) {
  if (isa<arith::AddIOp, arith::SubIOp>(op) &&
      op.getResult(0).getType().isIndex()) {
    Position lhs = lookup(op.getOperand(0)), rhs = lookup(op.getOperand(1));
    bool isAdd = isa<arith::AddIOp>(op);
    if (!rhs.base || (isAdd && !lhs.base)) {
      int64_t sign = isAdd ? 1 : -1;
      positions[op.getResult(0)] = {rhs.base ? rhs.base : lhs.base,
                                    lhs.constant + sign * rhs.constant};
      return;
    }
  }
  auto comparison = dyn_cast<arith::CmpIOp>(op);
  if (comparison && comparison.getLhs().getType().isIndex() &&
      !isUnsigned(comparison.getPredicate())) {
    mapping.map(comparison.getResult(), compare(comparison));
    return;
  }
  // Anything else sees plain values.
  for (Value operand : op.getOperands())
    if (auto it = positions.find(operand); it != positions.end()) {
      Value constant =
          arith::ConstantIndexOp::create(b, loc, it->second.constant);
      Value sum = it->second.base
                      ? arith::AddIOp::create(b, loc, it->second.base, constant)
                            .getResult()
                      : constant;
      mapping.map(operand, sum);
    }
  b.clone(op, mapping);
}

Value PredicateEvaluator::evaluate(Position query, Position key) {
  mapping.clear();
  positions.clear();
  positions[predicate.getArgument(0)] = query;
  positions[predicate.getArgument(1)] = key;
  for (Operation &op : predicate.without_terminator())
    evaluateOp(op);
  return mapping.lookupOrDefault(predicate.getTerminator()->getOperand(0));
}

namespace {

struct LowerMask : FragmentPattern<sm90::MaskOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::MaskOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto toIndex = [&](Value value) -> Value {
      return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                        value);
    };
    Value query = arith::AddIOp::create(
        rewriter, loc, adaptor.getQuery().front(), toIndex(i32.firstRow()));
    Value key = arith::AddIOp::create(rewriter, loc, adaptor.getKey().front(),
                                      toIndex(i32.firstColumn()));
    Value infinity = arith::ConstantOp::create(
        rewriter, loc,
        rewriter.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    PredicateEvaluator evaluator(rewriter, loc, op.getPredicate().front());
    SmallVector<Value> results;
    for (auto [i, score] : llvm::enumerate(adaptor.getScores())) {
      Value keep = evaluator.evaluate({query, rowOfElement(i)},
                                      {key, columnOfElement(i)});
      results.push_back(
          arith::SelectOp::create(rewriter, loc, keep, score, infinity));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateFragmentPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerElementwise, LowerConstant, LowerReciprocal,
               LowerReduceColumns, LowerCombineQuad, LowerBroadcastRows,
               LowerVoteAll, LowerLayoutCast, LowerMask>(converter, context);
  patterns.add<LowerTruncF>(converter, context, /*benefit=*/2);
  patterns.add<LowerApproximate<math::Exp2Op>>(converter, context,
                                               "llvm.nvvm.ex2.approx.ftz.f");
  patterns.add<LowerApproximate<math::Log2Op>>(converter, context,
                                               "llvm.nvvm.lg2.approx.ftz.f");
}
