//===- LowerDecays.cpp - Products of tokens whose channels decay ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each warp has a block of 16 tokens, as rows and as columns of products, in the
// registers of an operand of 16 x 16: those of a left one are those of two right
// ones of 16 x 8. With G the sums, and S and E the sums in front of the block of
// rows and of a block of columns further up,
//
//     2^(G_i - G_j) = 2^(G_i - S) 2^(S - G_j)
//
// where no exponent is above 0. As a block of columns, a warp leaves one operand
// for each block of rows further down, and one for the end of the chunk; as rows
// it has a single one. So all have about as much to do.
//
// On the diagonal there is no such S. With M the sums of the token in the middle
// of the block,
//
//     2^(G_i - G_j) = 2^(G_i - M) 2^(M - G_j)
//
// is exact in tf32, which has the exponents of f32, if no channel decays by more
// than kSafeDecay within the block. The warp votes on it; where one does, the
// block is summed element by element.
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

using Values = SmallVector<Value>;

constexpr int64_t kBlock = sm90::kDiagonalBlock;
constexpr int64_t kBlocks = sm90::kWarpgroupRows / kBlock;
/// Bytes of an operand of a warp, 16 for each lane.
constexpr int64_t kOperandBytes = 32 * 16;
/// By how much (as a logarithm, base 2) channels may decay within a block: half
/// of it on each side of the middle leaves room for keys and queries.
constexpr float kSafeDecay = 120;

/// Element e of a lane is in register e / 2, which are rows g and g + 8 of the
/// left columns, then of the right ones. This numbers its column among four.
constexpr int64_t columnOf(int64_t e) { return e / 4 * 2 + e % 2; }

/// Emits what a warp does with its block of tokens.
class DecayedBlock {
public:
  DecayedBlock(OpBuilder &b, Location loc, sm90::StageType tile, Value sums,
               Value scratch)
      : b(b), loc(loc), i32(b, loc), element(tile.getElementType()),
        channels(tile.getColumns()), sums(sums), scratch(scratch) {
    lane = i32.lane();
    quad = i32.shiftRight(lane, 2);
    own = i32.bitAnd(lane, 3);
    warp = i32.warpOfWarpgroup();
    firstToken = i32.shiftLeft(warp, 4);
  }

  void emitColumns(Value keys, Value result);
  /// `reached` may be null.
  Values emitRows(Value rows, Value keys, Value reached, float scale);
  void meet() {
    ptx::barrierSync(b, loc, i32.warpgroup(), sm90::kWarpgroupThreads);
  }
  void fence() {
    NVVM::FenceProxyOp::create(
        b, loc,
        NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
  }

private:
  int64_t rowBytes() const { return channels * sm90::kNumberBytes; }
  int64_t groups() const { return channels / kBlock; }

  //===--- Scalars --------------------------------------------------------===//

  Value number(float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value exp2(Value x) {
    return approximate(b, loc, "llvm.nvvm.ex2.approx.ftz.f", x);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value isWarp(int64_t number) {
    return compare(arith::CmpIPredicate::eq, warp, i32.constant(number));
  }

  //===--- Control flow ---------------------------------------------------===//

  Values loop(int64_t count, ValueRange inits,
              function_ref<Values(Value index, ValueRange carried)> body);
  Values branch(Value condition, TypeRange types, function_ref<Values()> then,
                function_ref<Values()> otherwise);
  void ifTrue(Value condition, function_ref<void()> body) {
    branch(condition, {}, [&] { return body(), Values(); },
           [] { return Values(); });
  }

  //===--- Shared memory --------------------------------------------------===//

  /// The places of a lane in the row of the sums of `token`, whose number mod 4
  /// is `swizzle`.
  Value sumsAddress(Value token, Value swizzle);
  /// Those of a token that is the last of four.
  Value boundaryAddress(Value token) {
    return sumsAddress(token, i32.constant(3));
  }
  /// The numbers of the four columns of a group.
  Values loadSums(Value address, Value group, int64_t offset = 0);
  Values loadOwnSums(Value group);
  Value groupAddress(Value first, Value group);
  Values loadTile(Value first, Value group);
  void storeTile(Value first, Value group, ValueRange values);
  Value operandAddress(Value pair, Value group);

  //===--- Blocks ---------------------------------------------------------===//

  Values pack(Type type, ValueRange values);
  Values scale(ValueRange values, ValueRange from, ValueRange to);
  Value isSafe();
  Values multiplyBelow(Value rows, Value reached, float factor);
  Values multiplyDiagonal(Value rows, Value keys);
  Values sumDiagonal(Value rows, Value keys);
  Values loadToken(Value keys, Value token, Value group);
  Value sumOfQuad(Value value);

  OpBuilder &b;
  Location loc;
  Int32 i32;
  Type element;
  int64_t channels;
  Value sums, scratch;
  /// Of the thread: the row among eight and the pair of columns.
  Value lane, quad, own, warp, firstToken;
};

} // namespace

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Values
DecayedBlock::loop(int64_t count, ValueRange inits,
                   function_ref<Values(Value index, ValueRange carried)> body) {
  auto loop = scf::ForOp::create(b, loc, i32.constant(0), i32.constant(count),
                                 i32.constant(1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults());
}

Values DecayedBlock::branch(Value condition, TypeRange types,
                            function_ref<Values()> then,
                            function_ref<Values()> otherwise) {
  auto branch = scf::IfOp::create(b, loc, types, condition,
                                  /*withElseRegion=*/!types.empty());
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<Values()> body) {
    b.setInsertionPointToStart(block);
    Values results = body();
    if (!types.empty())
      scf::YieldOp::create(b, loc, results);
  };
  fill(branch.thenBlock(), then);
  if (!types.empty())
    fill(branch.elseBlock(), otherwise);
  return Values(branch.getResults());
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// 32 bytes hold eight columns, two of them a lane's.
Value DecayedBlock::sumsAddress(Value token, Value swizzle) {
  Value place = i32.add(i32.shiftLeft(swizzle, 5), i32.shiftLeft(own, 3));
  return i32.add(i32.add(sums, i32.mul(token, rowBytes())), place);
}

Values DecayedBlock::loadSums(Value address, Value group, int64_t offset) {
  Value left = i32.bitXor(address, i32.shiftLeft(group, 6));
  Values numbers;
  for (Value half : {left, i32.bitXor(left, 32)})
    llvm::append_range(numbers,
                       ptx::loadSharedFloats(b, loc, half, offset, 2));
  return numbers;
}

/// In the order of the elements of a tile.
Values DecayedBlock::loadOwnSums(Value group) {
  Value token = i32.add(firstToken, quad);
  Value address = sumsAddress(token, i32.bitAnd(quad, 3));
  Values upper = loadSums(address, group);
  Values lower = loadSums(address, group, 8 * rowBytes());
  Values numbers;
  for (int64_t half = 0; half < 4; half += 2)
    for (const Values &row : {upper, lower})
      numbers.append({row[half], row[half + 1]});
  return numbers;
}

/// Of a block of 16 columns, from the address of the first.
Value DecayedBlock::groupAddress(Value first, Value group) {
  Value inPanel = i32.bitXor(first, i32.shiftLeft(i32.bitAnd(group, 3), 5));
  Value panel = i32.mul(i32.shiftRight(group, 2),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  return i32.add(inPanel, panel);
}

Values DecayedBlock::loadTile(Value first, Value group) {
  Values values;
  for (Value pair : ptx::ldmatrixX4(b, loc, groupAddress(first, group),
                                    /*transposed=*/false))
    llvm::append_range(values, extendPair(b, loc, element, pair));
  return values;
}

void DecayedBlock::storeTile(Value first, Value group, ValueRange values) {
  ptx::stmatrixX4(b, loc, groupAddress(first, group), pack(element, values),
                  /*transposed=*/false);
}

/// Pairs of a block of rows and one of columns are numbered row by row.
Value DecayedBlock::operandAddress(Value pair, Value group) {
  Value operand = i32.add(i32.mul(pair, groups()), group);
  return i32.add(i32.add(scratch, i32.mul(operand, kOperandBytes)),
                 i32.shiftLeft(lane, 4));
}

static Value pairOf(Int32 &i32, Value row, Value column) {
  // The rows above have row (row - 1) / 2 pairs: 0, 1 and 3 for rows 1 to 3.
  Value above = i32.add(row, -1);
  return i32.add(i32.add(above, i32.shiftRight(above, 1)), column);
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

Values DecayedBlock::pack(Type type, ValueRange values) {
  Values words;
  for (size_t i = 0; i < values.size(); i += 2)
    words.push_back(ptx::roundPair(b, loc, type, values[i], values[i + 1]));
  return words;
}

/// Each of `values` times 2^(to - from), of which one has a number for each
/// element and the other one for each column.
Values DecayedBlock::scale(ValueRange values, ValueRange from, ValueRange to) {
  Values results;
  for (auto [e, value] : llvm::enumerate(values)) {
    Value end = to.size() == values.size() ? to[e] : to[columnOf(e)];
    Value start = from.size() == values.size() ? from[e] : from[columnOf(e)];
    results.push_back(mul(value, exp2(sub(end, start))));
  }
  return results;
}

void DecayedBlock::emitColumns(Value keys, Value result) {
  Value firstKey = matrixAddress(i32, keys);
  Value firstResult = matrixAddress(i32, result);
  // Other warps may still read what is left of the chunk before.
  meet();
  loop(groups(), {}, [&](Value group, ValueRange) {
    Values values = loadTile(firstKey, group);
    Values own = loadOwnSums(group);
    for (int64_t row = 1; row < kBlocks; ++row)
      ifTrue(compare(arith::CmpIPredicate::ult, warp, i32.constant(row)), [&] {
        Values start =
            loadSums(boundaryAddress(i32.constant(row * kBlock - 1)), group);
        Value pair = i32.add(warp, row * (row - 1) / 2);
        ptx::storeSharedWords(b, loc, operandAddress(pair, group),
                              pack(b.getF16Type(), scale(values, own, start)));
      });
    Values end =
        loadSums(boundaryAddress(i32.constant(kBlocks * kBlock - 1)), group);
    storeTile(firstResult, group, scale(values, own, end));
    return Values();
  });
  fence();
  meet();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The products with blocks further up, of eight elements each.
Values DecayedBlock::multiplyBelow(Value rows, Value reached, float factor) {
  Value first = matrixAddress(i32, rows), target;
  if (reached)
    target = matrixAddress(i32, reached);
  Value isFirst = isWarp(0);
  Value before = boundaryAddress(
      select(isFirst, i32.constant(kBlock - 1), i32.add(firstToken, -1)));
  Value firstPair = pairOf(i32, warp, i32.constant(0));
  Values zeros((kBlocks - 1) * 8, number(0));
  return loop(groups(), zeros, [&](Value group, ValueRange carried) {
    Values start;
    for (Value sum : loadSums(before, group))
      start.push_back(select(isFirst, number(0), sum));
    Values decayed = scale(loadTile(first, group), start, loadOwnSums(group));
    if (reached) {
      Values all;
      for (Value sum : start)
        all.push_back(mul(exp2(sum), number(factor)));
      Values values;
      for (auto [e, value] : llvm::enumerate(decayed))
        values.push_back(mul(value, all[columnOf(e)]));
      storeTile(target, group, values);
    }
    Values left = pack(b.getF16Type(), decayed);
    Values products(carried);
    for (int64_t column = 0; column < kBlocks - 1; ++column) {
      ValueRange acc = ValueRange(carried).slice(8 * column, 8);
      Values next = branch(
          compare(arith::CmpIPredicate::ugt, warp, i32.constant(column)),
          acc.getTypes(),
          [&] {
            Values right = ptx::loadSharedWords(
                b, loc, operandAddress(i32.add(firstPair, column), group));
            Values sums;
            for (int64_t n = 0; n < 2; ++n)
              llvm::append_range(
                  sums, ptx::mma(b, loc, b.getF16Type(), acc.slice(4 * n, 4),
                                 left, {right[n], right[n + 2]}));
            return sums;
          },
          [&] { return Values(acc); });
      llvm::copy(next, products.begin() + 8 * column);
    }
    return products;
  });
}

/// Whether no channel decays too far between the first token of the block and
/// the last one.
Value DecayedBlock::isSafe() {
  int64_t perLane = channels / 32;
  Value bytes = i32.mul(lane, perLane * sm90::kNumberBytes);
  Value row = i32.add(sums, i32.mul(firstToken, rowBytes()));
  Values first =
      ptx::loadSharedFloats(b, loc, i32.add(row, bytes), 0, perLane);
  Values last =
      ptx::loadSharedFloats(b, loc, i32.add(row, i32.bitXor(bytes, 3 * 32)),
                            (kBlock - 1) * rowBytes(), perLane);
  Value most = sub(first[0], last[0]);
  for (int64_t i = 1; i < perLane; ++i)
    most = arith::MaxNumFOp::create(b, loc, most, sub(first[i], last[i]));
  Value fits = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, most,
                                     number(kSafeDecay));
  return NVVM::VoteSyncOp::create(b, loc, b.getI1Type(), i32.constant(-1), fits,
                                  NVVM::VoteSyncKind::all);
}

/// By products of 16 x 8 x 8; columns 2 t and 2 t + 1 of eight take the places
/// of t and t + 4, on both sides.
Values DecayedBlock::multiplyDiagonal(Value rows, Value keys) {
  Value firstRow = matrixAddress(i32, rows), firstKey = matrixAddress(i32, keys);
  Value middle = boundaryAddress(i32.add(firstToken, kBlock / 2 - 1));
  Values zeros(8, number(0));
  return loop(groups(), zeros, [&](Value group, ValueRange carried) {
    Values own = loadOwnSums(group), centre = loadSums(middle, group);
    Values row = scale(loadTile(firstRow, group), centre, own);
    Values key = scale(loadTile(firstKey, group), own, centre);
    auto round = [&](Value &value) {
      value = ptx::roundToTF32(b, loc, value);
    };
    llvm::for_each(row, round);
    llvm::for_each(key, round);
    Values products(carried);
    for (int64_t half = 0; half < 8; half += 4)
      for (int64_t n = 0; n < 2; ++n) {
        Values left{row[half], row[half + 2], row[half + 1], row[half + 3]};
        Values right{key[half + 2 * n], key[half + 2 * n + 1]};
        llvm::copy(ptx::mmaTF32(b, loc, ValueRange(products).slice(4 * n, 4),
                                left, right),
                   products.begin() + 4 * n);
      }
    return products;
  });
}

/// Four elements of a row of the keys.
Values DecayedBlock::loadToken(Value keys, Value token, Value group) {
  Value inRow = i32.add(i32.shiftLeft(i32.bitAnd(token, 7), 4),
                        i32.shiftLeft(own, 2));
  Value row = i32.add(i32.add(keys, i32.mul(token, sm90::kPanelRowBytes)),
                      inRow);
  Value address = groupAddress(row, group);
  Values values;
  for (Value half : {address, i32.bitXor(address, 16)})
    llvm::append_range(values, extendPair(b, loc, element,
                                          ptx::loadShared(b, loc, half)));
  return values;
}

Value DecayedBlock::sumOfQuad(Value value) {
  for (int64_t distance : {1, 2})
    value = add(value, NVVM::ShflOp::create(
                           b, loc, b.getF32Type(), i32.constant(-1), value,
                           i32.constant(distance), i32.constant(31),
                           NVVM::ShflKind::bfly, UnitAttr()));
  return value;
}

/// One column after the other, in f32. Where it is above the diagonal the powers
/// may be infinite.
Values DecayedBlock::sumDiagonal(Value rows, Value keys) {
  Value firstRow = matrixAddress(i32, rows);
  Values zeros(8, number(0));
  return loop(kBlock, zeros, [&](Value column, ValueRange carried) {
    Value token = i32.add(firstToken, column);
    Value address = sumsAddress(token, i32.bitAnd(column, 3));
    Values pair(2, number(0));
    pair = loop(groups(), pair, [&](Value group, ValueRange partial) {
      Values key = loadToken(keys, token, group);
      Values decayed = scale(loadTile(firstRow, group),
                             loadSums(address, group), loadOwnSums(group));
      Values sums(partial);
      for (auto [e, value] : llvm::enumerate(decayed))
        sums[e / 2 % 2] = math::FmaOp::create(b, loc, value, key[columnOf(e)],
                                              sums[e / 2 % 2]);
      return sums;
    });
    for (Value &sum : pair)
      sum = sumOfQuad(sum);
    Values results(carried);
    Value first = i32.shiftLeft(own, 1);
    for (int64_t i = 0; i < 8; ++i) {
      Value place = i32.add(first, columnOfElement(i));
      results[i] = select(compare(arith::CmpIPredicate::eq, place, column),
                          pair[rowOfElement(i) != 0], results[i]);
    }
    return results;
  });
}

Values DecayedBlock::emitRows(Value rows, Value keys, Value reached,
                              float factor) {
  Values below = multiplyBelow(rows, reached, factor);
  if (reached)
    fence();
  SmallVector<Type> types(8, b.getF32Type());
  Values diagonal = branch(
      isSafe(), types, [&] { return multiplyDiagonal(rows, keys); },
      [&] { return sumDiagonal(rows, keys); });
  Value first = arith::SubIOp::create(b, loc, i32.shiftLeft(own, 1), quad);
  for (int64_t i = 0; i < 8; ++i) {
    Value above = i32.constant(rowOfElement(i) - columnOfElement(i));
    diagonal[i] = select(compare(arith::CmpIPredicate::sgt, first, above),
                         number(0), diagonal[i]);
  }
  Values results;
  for (int64_t block = 0; block < kBlocks; ++block)
    for (int64_t i = 0; i < 8; ++i) {
      Value other =
          block == kBlocks - 1 ? number(0) : below[8 * block + i];
      results.push_back(select(isWarp(block), diagonal[i], other));
    }
  return results;
}

namespace {

struct LowerDecayColumns : OpConversionPattern<sm90::DecayColumnsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayColumnsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getKeys().getType();
    DecayedBlock(rewriter, op.getLoc(), type,
                 byteAddress(i32, op.getSums().getType(), adaptor.getSums()),
                 adaptor.getScratch().front())
        .emitColumns(byteAddress(i32, type, adaptor.getKeys()),
                     byteAddress(i32, type, adaptor.getResult()));
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerDecayedDot : OpConversionPattern<sm90::DecayedDotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayedDotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getRows().getType();
    Value reached;
    if (op.getReached())
      reached = byteAddress(i32, type, adaptor.getReached());
    Values result =
        DecayedBlock(
            rewriter, op.getLoc(), type,
            byteAddress(i32, op.getSums().getType(), adaptor.getSums()),
            adaptor.getScratch().front())
            .emitRows(byteAddress(i32, type, adaptor.getRows()),
                      byteAddress(i32, type, adaptor.getKeys()), reached,
                      op.getScale().convertToFloat());
    rewriter.replaceOpWithMultiple(op, {result});
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateDecayPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerDecayColumns, LowerDecayedDot>(converter,
                                                   patterns.getContext());
}
