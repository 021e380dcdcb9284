//===- RegionEvaluator.cpp - Masks and modifiers, element by element ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionEvaluator.h"

#include "InlineAsm.h"
#include "Patterns.h"
#include "ReadElement.h"

#include "Support/SwapOperands.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

RegionEvaluator::RegionEvaluator(OpBuilder &builder, Location loc,
                                 Block &region, Value query, Value key)
    : b(builder), loc(loc), region(region) {
  positions[query] = positions[key] = true;
}

/// What a key remembers of a value or of an op.
static int64_t identify(const void *pointer) {
  return reinterpret_cast<int64_t>(pointer);
}
static void append(std::vector<int64_t> &key, Term term) {
  key.push_back(identify(term.base.getAsOpaquePointer()));
  key.push_back(term.constant);
}

/// An integer that a term may stand for.
static bool isTermType(Type type) {
  return type.isIndex() || type.isInteger(32) || type.isInteger(64);
}

/// Of elements that are read in pairs.
static constexpr int64_t kElementBytes = 2;

static bool isShortFloat(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
}

Value RegionEvaluator::share(Key key, function_ref<Value()> create) {
  Value &value = shared[std::move(key)];
  if (!value)
    value = create();
  return value;
}

bool RegionEvaluator::isPosition(Value base) {
  if (!base)
    return true;
  auto [known, isNew] = positions.try_emplace(base, false);
  if (!isNew)
    return known->second;
  Operation *op = base.getDefiningOp();
  bool result =
      !op ||
      isa<NVVM::ThreadIdXOp, NVVM::BlockIdXOp, NVVM::GridDimXOp, NVVM::ShflOp,
          sm90::BlockIdOp, sm90::GridSizeOp, sm90::WarpgroupIdOp>(op);
  if (op && isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()))
    result = llvm::all_of(op->getOperands(),
                          [&](Value operand) { return isPosition(operand); });
  if (auto read = dyn_cast_if_present<sm90::ReadOp>(op))
    result = read.getPosition();
  return positions[base] = result;
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

Term RegionEvaluator::lookup(Value value) {
  if (auto it = terms.find(value); it != terms.end())
    return it->second;
  IntegerAttr constant;
  if (isTermType(value.getType()) && matchPattern(value, m_Constant(&constant)))
    return {Value(), constant.getInt()};
  if (!isShortFloat(value.getType()))
    return {value};
  return {share({identify(value.getAsOpaquePointer())}, [&]() -> Value {
    return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  })};
}

Value RegionEvaluator::materialize(Term term, Type type) {
  if (isShortFloat(type))
    type = b.getF32Type();
  if (!term.base) {
    if (type.isIndex())
      return arith::ConstantIndexOp::create(b, loc, term.constant);
    return arith::ConstantOp::create(b, loc,
                                     b.getIntegerAttr(type, term.constant));
  }
  Value value = term.base;
  if (term.constant != 0) {
    Key key;
    append(key, term);
    value = share(std::move(key), [&]() -> Value {
      Value constant = materialize({Value(), term.constant}, value.getType());
      return arith::AddIOp::create(b, loc, value, constant);
    });
  }
  if (value.getType() == type)
    return value;
  if (value.getType().isIndex() || type.isIndex())
    return arith::IndexCastOp::create(b, loc, type, value);
  if (value.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(b, loc, type, value);
  return arith::TruncIOp::create(b, loc, type, value);
}

/// The sum or difference of two terms, where their bases are of one type.
std::optional<Term> RegionEvaluator::addTerms(Operation &op, Term lhs,
                                              Term rhs) {
  int64_t sign = isa<arith::AddIOp>(op) ? 1 : -1;
  int64_t constant = lhs.constant + sign * rhs.constant;
  if (!rhs.base)
    return Term{lhs.base, constant};
  if (!lhs.base) {
    if (sign > 0)
      return Term{rhs.base, constant};
    return std::nullopt;
  }
  if (lhs.base.getType() != rhs.base.getType())
    return std::nullopt;
  if (lhs.base == rhs.base && sign < 0)
    return Term{Value(), constant};
  Value base =
      share({sign, identify(lhs.base.getAsOpaquePointer()),
             identify(rhs.base.getAsOpaquePointer())},
            [&]() -> Value {
              if (sign > 0)
                return arith::AddIOp::create(b, loc, lhs.base, rhs.base);
              return arith::SubIOp::create(b, loc, lhs.base, rhs.base);
            });
  positions[base] = isPosition(lhs.base) && isPosition(rhs.base);
  return Term{base, constant};
}

/// A cast that does not change the value of a position.
std::optional<Term> RegionEvaluator::castTerm(Operation &op, Term term) {
  if (!isTermType(op.getOperand(0).getType()) ||
      !isTermType(op.getResult(0).getType()) || !isPosition(term.base))
    return std::nullopt;
  return term;
}

/// The conversion of the base is shared; constants are exact as f32.
Term RegionEvaluator::convertToFloat(Operation &op, Term term) {
  Type f32 = b.getF32Type();
  constexpr int64_t kExact = int64_t(1) << 24;
  if (!term.base || !isPosition(term.base) ||
      std::abs(term.constant) > kExact) {
    Value value = materialize(term, op.getOperand(0).getType());
    return {arith::SIToFPOp::create(b, loc, f32, value)};
  }
  Value base = share({identify(&op), identify(term.base.getAsOpaquePointer())},
                     [&]() -> Value {
                       Value narrow = materialize({term.base}, b.getI32Type());
                       return arith::SIToFPOp::create(b, loc, f32, narrow);
                     });
  if (term.constant == 0)
    return {base};
  Value constant = arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(static_cast<float>(term.constant)));
  Value sum = arith::AddFOp::create(b, loc, base, constant);
  parts[sum] = {Value(), constant, base};
  return {sum};
}

static bool mayReassociate(Operation &op) {
  return bitEnumContainsAll(
      cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr().getValue(),
      arith::FastMathFlags::reassoc);
}

/// The product of a converted position and what all elements share is the sum
/// of a shared product and one with a constant.
std::optional<Term> RegionEvaluator::distribute(arith::MulFOp op, Term lhs,
                                                Term rhs) {
  if (parts.contains(lhs.base))
    std::swap(lhs, rhs);
  auto sum = parts.find(rhs.base);
  Operation *other = lhs.base.getDefiningOp();
  bool isShared = !other || other->getBlock() != b.getInsertionBlock();
  if (!mayReassociate(*op) || sum == parts.end() || sum->second.factor ||
      !isShared)
    return std::nullopt;
  auto [none, constant, base] = sum->second;
  Value product = share({identify(op), identify(base.getAsOpaquePointer()),
                         identify(lhs.base.getAsOpaquePointer())},
                        [&, base = base]() -> Value {
                          return arith::MulFOp::create(b, loc, lhs.base, base);
                        });
  Value result = math::FmaOp::create(b, loc, lhs.base, constant, product);
  parts[result] = {lhs.base, constant, product};
  return Term{result};
}

/// Adds or subtracts first what elements share, so that both steps change the
/// other operand in place: there is no register for a product of its own.
std::optional<Term> RegionEvaluator::addParts(Operation &op, Term lhs,
                                              Term rhs) {
  bool isSum = isa<arith::AddFOp>(op);
  if (isSum && parts.contains(lhs.base))
    std::swap(lhs, rhs);
  auto known = parts.find(rhs.base);
  if (!mayReassociate(op) || known == parts.end() || !known->second.factor)
    return std::nullopt;
  auto [factor, constant, shared] = known->second;
  auto contract = arith::FastMathFlagsAttr::get(b.getContext(),
                                                arith::FastMathFlags::contract);
  if (isSum) {
    Value sum = arith::AddFOp::create(b, loc, lhs.base, shared, contract);
    return Term{math::FmaOp::create(b, loc, factor, constant, sum)};
  }
  Value difference = arith::SubFOp::create(b, loc, lhs.base, shared, contract);
  Value opposite = arith::NegFOp::create(b, loc, constant);
  return Term{math::FmaOp::create(b, loc, factor, opposite, difference)};
}

bool RegionEvaluator::isIndexPosition(Term term) {
  return !term.base || (term.base.getType().isIndex() && isPosition(term.base));
}

/// A difference says nothing of these: positions may be negative.
static bool isUnsigned(arith::CmpIPredicate predicate) {
  return predicate >= arith::CmpIPredicate::ult;
}

/// The difference of the bases.
Value RegionEvaluator::getDifference(Term lhs, Term rhs) {
  auto baseOf = [&](Term term) {
    return term.base ? term.base : materialize({}, b.getIndexType());
  };
  return share({identify(lhs.base.getAsOpaquePointer()),
                identify(rhs.base.getAsOpaquePointer())},
               [&]() -> Value {
                 if (!rhs.base)
                   return baseOf(lhs);
                 return arith::SubIOp::create(b, loc, baseOf(lhs), rhs.base);
               });
}

/// lhs + c < rhs + d  is  lhs - rhs < d - c: positions are far from overflow.
Value RegionEvaluator::compare(arith::CmpIPredicate predicate, Term lhs,
                               Term rhs) {
  Value difference = getDifference(lhs, rhs);
  return arith::CmpIOp::create(
      b, loc, predicate, difference,
      materialize({Value(), rhs.constant - lhs.constant}, b.getIndexType()));
}

/// term * factor, of an index.
Term RegionEvaluator::multiplyTerm(Term term, int64_t factor) {
  if (!term.base)
    return {Value(), term.constant * factor};
  Value base =
      share({factor, identify(term.base.getAsOpaquePointer())}, [&]() -> Value {
        return arith::MulIOp::create(
            b, loc, term.base,
            materialize({Value(), factor}, b.getIndexType()));
      });
  positions[base] = isPosition(term.base);
  return {base, term.constant * factor};
}

/// Compares x floordiv n with another position, without dividing: it is less
/// than y where x is less than y * n, and y where x - y * n is from 0 to n - 1.
/// Null where `quotient` is something else.
Value RegionEvaluator::compareQuotient(arith::CmpIPredicate predicate,
                                       Value quotient, Term other) {
  auto division = quotient.getDefiningOp<arith::FloorDivSIOp>();
  IntegerAttr divisor;
  if (!division || !matchPattern(division.getRhs(), m_Constant(&divisor)) ||
      divisor.getInt() <= 0)
    return {};
  Term dividend = lookup(division.getLhs());
  if (!isIndexPosition(dividend))
    return {};
  Term multiple = multiplyTerm(other, divisor.getInt());
  switch (predicate) {
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::sgt:
    multiple.constant += divisor.getInt() - 1;
    return compare(predicate, dividend, multiple);
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::sge:
    return compare(predicate, dividend, multiple);
  default:
    break;
  }
  Term rest = {getDifference(dividend, multiple),
               dividend.constant - multiple.constant};
  return arith::CmpIOp::create(
      b, loc,
      predicate == arith::CmpIPredicate::eq ? arith::CmpIPredicate::ult
                                            : arith::CmpIPredicate::uge,
      materialize(rest, b.getIndexType()),
      materialize({Value(), divisor.getInt()}, b.getIndexType()));
}

/// A comparison that needs no value of an element alone, or null.
Value RegionEvaluator::comparePositions(arith::CmpIOp op, Term lhs, Term rhs) {
  arith::CmpIPredicate predicate = op.getPredicate();
  if (!isTermType(op.getLhs().getType()) || isUnsigned(predicate) ||
      !isIndexPosition(lhs) || !isIndexPosition(rhs))
    return {};
  if (Value result = compareQuotient(predicate, op.getLhs(), rhs))
    return result;
  if (Value result = compareQuotient(swapOperands(predicate), op.getRhs(), lhs))
    return result;
  return compare(predicate, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Elements of tensors
//===----------------------------------------------------------------------===//

Value RegionEvaluator::isInside(sm90::ReadOp op, ArrayRef<Term> indices) {
  Value inside;
  for (auto [index, size] : llvm::zip_equal(indices, op.getSizes())) {
    Key key = {identify(size.getAsOpaquePointer())};
    append(key, index);
    // A negative index is a large one.
    Value own = share(std::move(key), [&]() -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                   materialize(index, b.getIndexType()), size);
    });
    if (!inside) {
      inside = own;
      continue;
    }
    inside = share(
        {identify(op.getOperation()), identify(inside.getAsOpaquePointer()),
         identify(own.getAsOpaquePointer())},
        [&]() -> Value { return arith::AndIOp::create(b, loc, inside, own); });
  }
  return inside;
}

/// An address, which is shared by elements whose indices differ by a constant
/// along the last axis alone, and this constant.
std::pair<Value, int64_t> RegionEvaluator::locate(sm90::ReadOp op,
                                                  ArrayRef<Term> indices) {
  int64_t constant = 0;
  SmallVector<Term> bases(indices);
  if (!bases.empty() && bases.back().base && isPosition(bases.back().base))
    std::swap(constant, bases.back().constant);
  Key key = {identify(op.getOperation())};
  for (Term base : bases)
    append(key, base);
  Value address = share(std::move(key), [&] {
    SmallVector<Value> values;
    for (Term base : bases)
      values.push_back(materialize(base, b.getIndexType()));
    return getElementAddress(b, loc, op.getPointer(), op.getElement().getType(),
                             values, op.getStrides());
  });
  return {address, constant};
}

Term RegionEvaluator::read(sm90::ReadOp op, ArrayRef<Term> indices) {
  auto [address, constant] = locate(op, indices);
  if (op.getPaired())
    return {readPaired(op, address, constant)};
  return {readElement(b, loc, op, address, constant, isInside(op, indices))};
}

/// One of the two elements of a word, which the other one is taken from as
/// well.
Value RegionEvaluator::readPaired(sm90::ReadOp op, Value address,
                                  int64_t offset) {
  bool isUpper = offset % 2 != 0;
  int64_t bytes = (offset - isUpper) * kElementBytes;
  Value word =
      share({identify(op), identify(address.getAsOpaquePointer()), bytes}, [&] {
        Value always = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
        return ptx::loadGlobalIf(b, loc, "b32", b.getI32Type(), address, bytes,
                                 always);
      });
  // What is not used of the pair is dead.
  return extendPair(b, loc, op.getElement().getType(), word)[isUpper];
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// What tells an index of 32 bits from one of 64 where it is negative.
static bool needsWideIndex(Operation &op) {
  if (op.getNumOperands() == 0 || !op.getOperand(0).getType().isIndex())
    return false;
  return isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp,
             arith::ShRUIOp>(op) ||
         isa<math::MathDialect>(op.getDialect());
}

/// Repeats an op on other operands.
Value RegionEvaluator::rebuild(Operation &op, ArrayRef<Term> operands) {
  SmallVector<Value> values;
  if (needsWideIndex(op)) {
    Type i64 = b.getI64Type();
    for (Term term : operands)
      values.push_back(materialize(term, i64));
    OperationState state(loc, op.getName(), values, i64, op.getAttrs());
    return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                      b.create(state)->getResult(0));
  }
  if (isa<arith::IndexCastUIOp>(op) && op.getOperand(0).getType().isIndex())
    return materialize(operands.front(), op.getResult(0).getType());
  for (auto [term, operand] : llvm::zip_equal(operands, op.getOperands()))
    values.push_back(materialize(term, operand.getType()));
  Type type = op.getResult(0).getType();
  bool isShort = isShortFloat(type);
  Type wide = isShort ? Type(b.getF32Type()) : type;
  if (auto constant = dyn_cast<arith::ConstantOp>(op); constant && isShort) {
    double value = cast<FloatAttr>(constant.getValue()).getValueAsDouble();
    return arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(static_cast<float>(value)));
  }
  if (isa<arith::ExtFOp>(op))
    return values.front();
  auto round = [&](Value value, Type to) -> Value {
    return arith::TruncFOp::create(b, loc, to, value);
  };
  auto widen = [&](Value value) -> Value {
    return arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  };
  if (isa<arith::TruncFOp>(op))
    return widen(round(values.front(), type));
  OperationState state(op.getLoc(), op.getName(), values, wide, op.getAttrs());
  Operation *copy = b.create(state);
  // A product and a sum may become one instruction.
  if (auto fast = dyn_cast<arith::ArithFastMathInterface>(copy))
    copy->setAttr(fast.getFastMathAttrName(),
                  arith::FastMathFlagsAttr::get(
                      b.getContext(), fast.getFastMathFlagsAttr().getValue() |
                                          arith::FastMathFlags::contract));
  return copy->getResult(0);
}

Term RegionEvaluator::compute(Operation &op, ArrayRef<Term> operands) {
  if (isa<arith::AddIOp, arith::SubIOp>(op) &&
      isTermType(op.getResult(0).getType()))
    if (std::optional<Term> sum = addTerms(op, operands[0], operands[1]))
      return *sum;
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
    if (std::optional<Term> term = castTerm(op, operands[0]))
      return *term;
  if (auto read = dyn_cast<sm90::ReadOp>(op))
    return this->read(
        read, operands.take_front(read.getIndices().size() + 1).drop_front());
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    if (Value result = comparePositions(comparison, operands[0], operands[1]))
      return {result};
  if (isa<arith::SIToFPOp>(op) && isTermType(op.getOperand(0).getType()))
    return convertToFloat(op, operands[0]);
  if (auto product = dyn_cast<arith::MulFOp>(op))
    if (std::optional<Term> sum = distribute(product, operands[0], operands[1]))
      return *sum;
  if (isa<arith::AddFOp, arith::SubFOp>(op))
    if (std::optional<Term> sum = addParts(op, operands[0], operands[1]))
      return *sum;
  return {rebuild(op, operands)};
}

Term RegionEvaluator::evaluateOp(Operation &op) {
  SmallVector<Term> operands;
  Key key = {identify(&op)};
  for (Value operand : op.getOperands()) {
    operands.push_back(lookup(operand));
    append(key, operands.back());
  }
  auto [known, isNew] = evaluated.try_emplace(std::move(key));
  if (isNew)
    known->second = compute(op, operands);
  return known->second;
}

SmallVector<Value> RegionEvaluator::evaluateAll(ArrayRef<Term> arguments) {
  return evaluateEach(arguments, region.getTerminator()->getOperands());
}

SmallVector<Value> RegionEvaluator::evaluateEach(ArrayRef<Term> arguments,
                                                 ValueRange values) {
  terms.clear();
  for (auto [argument, term] :
       llvm::zip_equal(region.getArguments(), arguments))
    terms[argument] = term;
  for (Operation &op : region.without_terminator())
    if (IntegerAttr constant; !isTermType(op.getResult(0).getType()) ||
                              !matchPattern(&op, m_Constant(&constant)))
      terms[op.getResult(0)] = evaluateOp(op);
  return llvm::map_to_vector(values, [&](Value value) {
    return materialize(lookup(value), value.getType());
  });
}
