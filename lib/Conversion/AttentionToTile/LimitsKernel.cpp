//===- LimitsKernel.cpp - Which keys the matches of a mask keep -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel of its own runs in front of the attention. For each tile of queries
// it compares all keys that the rest of the mask may keep with the least and
// the greatest number of the queries, which all heads then profit from. Nothing
// is assumed of the numbers: those that are not in order make the limits wide.
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

using namespace mlir;
using namespace mlir::attn;

namespace {

class LimitsKernel : KernelBuilder {
public:
  LimitsKernel(func::FuncOp function, Program program)
      : KernelBuilder(function, std::move(program)) {}

  void build();

private:
  /// From `begin` to before `end`.
  struct Range {
    Value begin, end;
  };
  /// Whether a key matches some query of the tile, and whether it matches all.
  struct Relation {
    Value some, all;
  };
  using GetPairs = function_ref<SmallVector<Value>(Value position)>;

  void createTile(Value row);
  void createLimits(unsigned number, Value position);
  SmallVector<Value> findExtremes(Range positions, unsigned results,
                                  GetPairs getPairs);
  Range findQueries(const KeyMatch &match, Value position);
  Range findKeys(unsigned number, Value position);
  Relation relate(arith::CmpIPredicate predicate, Value key, Range queries);
  Value getNumber(Value value, Value position);
  Range getRange(Value least, Value greatest);

  Value number(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 32);
  }
  Value truth(bool value) {
    return arith::ConstantIntOp::create(builder, loc, value, 1);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  Value both(Value a, Value b) {
    return arith::AndIOp::create(builder, loc, a, b);
  }
  Value either(Value a, Value b) {
    return arith::OrIOp::create(builder, loc, a, b);
  }
  Value negate(Value a) {
    return arith::XOrIOp::create(builder, loc, a, truth(true));
  }
  Value cast(Type type, Value value) {
    return arith::IndexCastOp::create(builder, loc, type, value);
  }
};

} // namespace

/// What the region of the mask computes at a position, in 32 bits.
Value LimitsKernel::getNumber(Value value, Value position) {
  // It depends on no head, and on the query or on the key.
  Value result = regions.cloneValue(
      maskBlock(), value, {sequence.batch, constant(0), position, position});
  if (result.getType().isIndex())
    return cast(builder.getI32Type(), result);
  if (result.getType().isInteger(32))
    return result;
  return arith::ExtSIOp::create(builder, loc, builder.getI32Type(), result);
}

SmallVector<Value> LimitsKernel::findExtremes(Range positions, unsigned results,
                                              GetPairs getPairs) {
  SmallVector<Type> types(results, builder.getI32Type());
  auto find = tile::FindExtremesOp::create(builder, loc, types, positions.begin,
                                           positions.end);
  OpBuilder::InsertionGuard guard(builder);
  Block *block =
      builder.createBlock(&find.getBody(), {}, {builder.getIndexType()}, {loc});
  tile::YieldOp::create(builder, loc, getPairs(block->getArgument(0)));
  return llvm::to_vector_of<Value>(find.getResults());
}

/// The least and the greatest number of the queries of the tile. Its last rows
/// may lie behind the sequence.
LimitsKernel::Range LimitsKernel::findQueries(const KeyMatch &match,
                                              Value position) {
  Value end = arith::MinSIOp::create(builder, loc, sequence.keyLength,
                                     apply(d(0) + blockQ, {position}));
  SmallVector<Value> found = findExtremes({position, end}, 2, [&](Value p) {
    return SmallVector<Value>{getNumber(match.query, p), truth(true)};
  });
  return {found[0], found[1]};
}

/// The keys that the rest of the mask may keep, where sizes alone say it.
LimitsKernel::Range LimitsKernel::findKeys(unsigned number, Value position) {
  Value zero = constant(0);
  if (!llvm::all_of(program.bounds.operands, [&](Value operand) {
        return operand == sequence.keyLength;
      }))
    return {zero, sequence.keyLength};
  auto lookup = [&](Value given) { return regions.lookup(given); };
  TileBoundsBuilder tile(builder, loc, program.bounds, position, blockQ,
                         lookup);
  Range hull;
  for (const KeyInterval &interval : program.bounds.intervals) {
    if (!llvm::is_contained(getMatches(interval), number))
      continue;
    TileBounds bounds = tile.getBounds(interval);
    Value begin = getValueOrCreateConstantIndexOp(builder, loc, bounds.begin);
    Value end = getValueOrCreateConstantIndexOp(builder, loc, bounds.end);
    if (hull.begin) {
      begin = arith::MinSIOp::create(builder, loc, begin, hull.begin);
      end = arith::MaxSIOp::create(builder, loc, end, hull.end);
    }
    hull = {begin, end};
  }
  return hull.begin ? hull : Range{zero, zero};
}

/// With the least and the greatest number of the queries.
LimitsKernel::Relation LimitsKernel::relate(arith::CmpIPredicate predicate,
                                            Value key, Range queries) {
  auto [low, high] = queries;
  using Is = arith::CmpIPredicate;
  switch (predicate) {
  case Is::eq:
    return {both(compare(Is::sge, key, low), compare(Is::sle, key, high)),
            both(compare(Is::eq, key, low), compare(Is::eq, key, high))};
  case Is::ne:
    return {either(compare(Is::ne, key, low), compare(Is::ne, key, high)),
            either(compare(Is::slt, key, low), compare(Is::sgt, key, high))};
  case Is::slt:
  case Is::sle:
    return {compare(predicate, key, high), compare(predicate, key, low)};
  default:
    return {compare(predicate, key, low), compare(predicate, key, high)};
  }
}

/// The positions between the first and the last that were found, or none.
LimitsKernel::Range LimitsKernel::getRange(Value least, Value greatest) {
  Value zero = number(0);
  Value found = compare(arith::CmpIPredicate::sge, greatest, least);
  Value behind = arith::AddIOp::create(builder, loc, greatest, number(1));
  return {arith::SelectOp::create(builder, loc, found, least, zero),
          arith::SelectOp::create(builder, loc, found, behind, zero)};
}

void LimitsKernel::createLimits(unsigned number, Value position) {
  const KeyMatch &match = program.bounds.matches[number];
  Range queries = findQueries(match, position);
  auto relateAt = [&](Value j) {
    return relate(match.predicate, getNumber(match.key, j), queries);
  };
  Type i32 = builder.getI32Type(), index = builder.getIndexType();
  SmallVector<Value> found =
      findExtremes(findKeys(number, position), 4, [&](Value j) {
        Value own = cast(i32, j);
        Relation relation = relateAt(j);
        return SmallVector<Value>{own, relation.some, own, relation.all};
      });
  Range seen = getRange(found[0], found[1]);
  Range clean = getRange(found[2], found[3]);
  // Between the keys that match all queries others may lie: the last run of
  // those that do is taken.
  SmallVector<Value> others = findExtremes(
      {cast(index, clean.begin), cast(index, clean.end)}, 2, [&](Value j) {
        return SmallVector<Value>{cast(i32, j), negate(relateAt(j).all)};
      });
  Value behind =
      arith::AddIOp::create(builder, loc, others[1], this->number(1));
  clean.begin = arith::MaxSIOp::create(builder, loc, clean.begin, behind);

  SmallVector<Value> indices(limitsPlace);
  // In the order of KeyMatch::Limit.
  const Value limitsOfTile[] = {seen.begin, seen.end, clean.begin, clean.end};
  for (auto [l, limit] : llvm::enumerate(limitsOfTile)) {
    indices.push_back(constant(number * KeyMatch::NumLimits + l));
    tile::WriteOp::create(builder, loc, limit, limits, indices);
    indices.pop_back();
  }
}

void LimitsKernel::createTile(Value row) {
  Value position = getPosition(row);
  for (unsigned m = 0; m < program.bounds.matches.size(); ++m)
    createLimits(m, position);
}

/// Collects the tensors that are read to compute `value`.
static void collectReads(Block &block, Value value, DenseSet<Value> &tensors) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &block)
    return;
  if (auto read = dyn_cast<ReadOp>(op))
    tensors.insert(read.getTensor());
  for (Value operand : op->getOperands())
    collectReads(block, operand, tensors);
}

void LimitsKernel::build() {
  AttentionOp op = program.attention;
  DenseSet<Value> needed{op.getQuery(), program.kv.key};
  if (isPacked())
    needed.insert_range(ValueRange{op.getCuSeqlens(), program.kv.cuSeqlens});
  for (const KeyMatch &match : program.bounds.matches) {
    collectReads(maskBlock(), match.key, needed);
    collectReads(maskBlock(), match.query, needed);
  }
  createKernel(
      function.getName() + "_limits", /*writesResults=*/false,
      [&](BlockArgument argument) { return needed.contains(argument); });
  if (isPacked()) {
    Value slot = createForall({createSlots()}).front();
    limitsPlace = {slot};
    createTile(enterSlot(slot));
    return;
  }
  Value tiles = createSizes();
  SmallVector<Value> ids = createForall({batchSize, tiles});
  sequence.batch = ids[0];
  limitsPlace = ids;
  createTile(apply(d(0) * blockQ, {ids[1]}));
}

void mlir::attn::buildLimitsKernel(func::FuncOp function, Program program) {
  LimitsKernel(function, std::move(program)).build();
}
