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
#include "mlir/Dialect/SCF/IR/SCF.h"

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

Value mlir::attn::sm90_to_nvvm::approximate(OpBuilder &b, Location loc,
                                            StringRef intrinsic, Value x) {
  return call(b, loc, intrinsic, b.getF32Type(), x);
}

Value mlir::attn::sm90_to_nvvm::addSquare(OpBuilder &b, Location loc, Value sum,
                                          Value x) {
  // One instruction.
  constexpr auto kContract = arith::FastMathFlags::contract;
  Value square = arith::MulFOp::create(b, loc, x, x, kContract);
  return sum ? arith::AddFOp::create(b, loc, sum, square, kContract).getResult()
             : square;
}

SmallVector<Value> mlir::attn::sm90_to_nvvm::extendPair(OpBuilder &b,
                                                        Location loc, Type type,
                                                        Value pair) {
  Int32 i32(b, loc);
  SmallVector<Value> results;
  if (type.isBF16()) {
    // The upper half of an f32.
    for (Value bits : {i32.shiftLeft(pair, 16), i32.bitAnd(pair, 0xFFFF0000)})
      results.push_back(arith::BitcastOp::create(b, loc, b.getF32Type(), bits));
    return results;
  }
  for (Value bits : {pair, i32.shiftRight(pair, 16)}) {
    Value own = arith::TruncIOp::create(b, loc, b.getI16Type(), bits);
    own = arith::BitcastOp::create(b, loc, b.getF16Type(), own);
    results.push_back(arith::ExtFOp::create(b, loc, b.getF32Type(), own));
  }
  return results;
}

SmallVector<Value>
mlir::attn::sm90_to_nvvm::loadSharedAsFloats(OpBuilder &b, Location loc,
                                             Type type, Value address,
                                             int64_t offset, int64_t count) {
  if (type.isF32())
    return ptx::loadSharedFloats(b, loc, address, offset, count);
  SmallVector<Value> results;
  for (Value pair : ptx::loadSharedFloats(b, loc, address, offset, count / 2)) {
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), pair);
    llvm::append_range(results, extendPair(b, loc, type, bits));
  }
  return results;
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

/// Equal elements, of 16 bits two in each register.
struct LowerConstant : FragmentPattern<arith::ConstantOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    auto value = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!type || !value || !value.isSplat() ||
        !isa<FloatType>(type.getElementType()))
      return failure();
    if (type.getElementTypeBitWidth() == 16) {
      uint64_t bits =
          value.getSplatValue<APFloat>().bitcastToAPInt().getZExtValue();
      Value pair = Int32(rewriter, op.getLoc())
                       .constant(static_cast<int32_t>(bits << 16 | bits));
      rewriter.replaceOpWithMultiple(
          op, {SmallVector<Value>(elementsPerThread(type) / 2, pair)});
      return success();
    }
    if (!type.getElementType().isF32())
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

/// Takes two neighbouring columns out of their register.
struct LowerExtF : FragmentPattern<arith::ExtFOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(arith::ExtFOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto source = dyn_cast<RankedTensorType>(op.getIn().getType());
    if (!source)
      return failure();
    SmallVector<Value> results;
    for (Value pair : adaptor.getIn())
      llvm::append_range(results, extendPair(rewriter, op.getLoc(),
                                             source.getElementType(), pair));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// Elements of 16 bits share registers, whatever they are.
struct LowerBitcast : FragmentPattern<arith::BitcastOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(arith::BitcastOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto source = dyn_cast<RankedTensorType>(op.getIn().getType());
    if (!source || source.getElementTypeBitWidth() != 16)
      return failure();
    rewriter.replaceOpWithMultiple(op, {adaptor.getIn()});
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

/// Registers run along the columns.
struct LowerSplitColumns : FragmentPattern<sm90::SplitColumnsOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::SplitColumnsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ValueRange source = adaptor.getSource();
    size_t half = source.size() / 2;
    rewriter.replaceOpWithMultiple(
        op, {source.take_front(half), source.drop_front(half)});
    return success();
  }
};

struct LowerSplat : FragmentPattern<sm90::SplatOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::SplatOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<Value> results(elementsPerThread(type),
                               adaptor.getScalar().front());
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerUndefined : FragmentPattern<sm90::UndefinedOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::UndefinedOp op, Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    Value any =
        LLVM::PoisonOp::create(rewriter, op.getLoc(), type.getElementType());
    rewriter.replaceOpWithMultiple(
        op, {SmallVector<Value>(elementsPerThread(type), any)});
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

} // namespace

void mlir::attn::sm90_to_nvvm::populateFragmentPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns
      .add<LowerElementwise, LowerConstant, LowerReciprocal, LowerReduceColumns,
           LowerCombineQuad, LowerBroadcastRows, LowerSplat, LowerSplitColumns,
           LowerUndefined, LowerVoteAll, LowerLayoutCast>(converter, context);
  patterns.add<LowerTruncF, LowerBitcast, LowerExtF>(converter, context,
                                                     /*benefit=*/2);
  patterns.add<LowerApproximate<math::Exp2Op>>(converter, context,
                                               "llvm.nvvm.ex2.approx.ftz.f");
  patterns.add<LowerApproximate<math::Log2Op>>(converter, context,
                                               "llvm.nvvm.lg2.approx.ftz.f");
}
