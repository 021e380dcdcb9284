//===- LowerInverse.cpp - Inverses of triangular matrices -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With b the strengths and L what the matrix has below its diagonal, the result
// T is the inverse of diag(b)^-1 + L, which is never formed: it is
//
//     T (diag(b)^-1 + L) = I
//
// solved from the last column to the first,
//
//     T_ij = b_j (I_ij - sum over m > j of T_im L_mj)
//
// For blocks of 8 x 8 on the diagonal this is done as it stands, one row of T
// per lane. Those below follow from the two on the diagonal that they lie
// between,
//
//     T_10 = -T_11 L_10 T_00
//
// first within the 16 rows of each warp, then for pairs of blocks of 16 x 16,
// one for two warps, then for those of 32 x 32, whose four parts have a warp
// each.
//
// All of these are rounded. Where the bits of T do not suffice, what it lacks
// is one step of Newton's method,
//
//     R = I - T (diag(b)^-1 + L),  T + R T
//
// of which each warp has its 16 rows. R is small, so that it may be rounded,
// but the difference has to be exact: there L is of two parts.
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

using Values = SmallVector<Value>;

/// Emits the inversion of one matrix.
class Inversion {
public:
  /// Byte addresses: of the matrix in f16, of the blocks on its diagonal in
  /// f32, of the result, of what it lacks, and of the strengths; the latter two
  /// may be null.
  Inversion(OpBuilder &b, Location loc, Value scratch, Value blocks,
            Value result, Value rest, Value strengths, bool transposed)
      : b(b), loc(loc), i32(b, loc), scratch(scratch), blocks(blocks),
        result(result), rest(rest), strengths(strengths),
        transposed(transposed), f16(b.getF16Type()) {
    Value thread = i32.threadOfWarpgroupAnew();
    lane = i32.bitAnd(thread, 31);
    warp = i32.shiftRight(thread, 5);
    rowOfEight = i32.bitAnd(lane, 7);
    rowOfBlock = i32.bitAnd(lane, 15);
    half = i32.shiftRight(lane, 4);
  }

  /// Where `isFirst` (i1) is given, what is above the diagonal is cleared if it
  /// holds, and nobody reads the scratch any more. Else the threads meet.
  void run(ValueRange matrix, Value isFirst) {
    if (!isFirst)
      meet();
    storeMatrix(matrix);
    storeDiagonal(matrix);
    if (isFirst)
      ifTrue(isFirst, [&] { clearAbove(); });
    else
      clearAbove();
    NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
    storeInverseRow(substitute());
    NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
    mergeWithinWarp();
    meet();
    mergePairs();
    meet();
    mergeHalves();
    if (rest)
      refine();
    NVVM::FenceProxyOp::create(
        b, loc,
        NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
  }

private:
  static constexpr int64_t kBlock = sm90::kDiagonalBlock;
  static constexpr int64_t kBlocks = sm90::kWarpgroupRows / kBlock;
  static constexpr int64_t kBlockRowBytes = kBlock * sm90::kNumberBytes;
  /// The side of what is solved row by row.
  static constexpr int64_t kSolved = 8;

  void storeMatrix(ValueRange matrix);
  void storeBlock(Value memory, int64_t column, ValueRange words,
                  bool transposed);
  void storeDiagonal(ValueRange matrix);
  void clearAbove();
  Values substitute();
  void storeInverseRow(ValueRange row);
  void mergeWithinWarp();
  void mergePairs();
  void mergeHalves();
  void refine();
  Values loadReciprocals(int64_t eight);
  Values createResidue(ArrayRef<Values> rows);
  Values roundBlock(ValueRange rows, int64_t number);
  void addProducts(Values &sums, ArrayRef<Values> rows, Value memory,
                   bool isBelow);
  Value maskBelow();

  void meet() {
    ptx::barrierSync(b, loc, i32.constant(kAuxiliaryWarpgroup),
                     sm90::kWarpgroupThreads);
  }
  /// The 16-byte chunk `chunk` of the row `row` of a matrix, where `swizzle` is
  /// the row mod 8.
  Value chunkAddress(Value base, Value row, Value chunk, Value swizzle) {
    Value offset = i32.shiftLeft(i32.bitXor(chunk, swizzle), 4);
    return i32.add(i32.add(base, i32.mul(row, sm90::kPanelRowBytes)), offset);
  }
  /// The four 8 x 8 matrices of the block in row `row` and column `column` of
  /// blocks.
  Values loadBlock(Value base, Value row, Value column, bool transposed) {
    Value inner = i32.add(i32.shiftLeft(row, 4), rowOfBlock);
    Value chunk = i32.add(i32.shiftLeft(column, 1), half);
    return ptx::ldmatrixX4(b, loc, chunkAddress(base, inner, chunk, rowOfEight),
                           transposed);
  }
  /// Stores minus a product of 16 x 8 in a row of blocks and a chunk of 8, from
  /// the upper or the lower half of its rows on.
  void storeNegated(ValueRange product, Value row, Value chunk,
                    int64_t firstHalf = 0);
  Value round(Value low, Value high) {
    return ptx::roundPair(b, loc, f16, low, high);
  }
  Value negate(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value number(float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Values zeros() { return Values(4, number(0)); }
  Value isEqual(Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x,
                                 i32.constant(y));
  }
  void ifTrue(Value condition, function_ref<void()> body) {
    auto branch =
        scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }

  OpBuilder &b;
  Location loc;
  Int32 i32;
  Value scratch, blocks, result, rest, strengths;
  /// Whether threads have the rows of the matrix in place of its columns.
  bool transposed;
  Type f16;
  Value lane, warp;
  /// Of a lane: its row of an 8 x 8 matrix, its row of a block, and whether it
  /// is among the upper 16.
  Value rowOfEight, rowOfBlock, half;
};

} // namespace

/// Stores a block of 16 columns of what threads have, or 16 rows.
void Inversion::storeBlock(Value first, int64_t column, ValueRange words,
                           bool transposed) {
  ptx::stmatrixX4(b, loc,
                  transposed
                      ? i32.add(first, column * sm90::kPanelRowBytes)
                      : blockAddress(i32, first, column, sm90::kWarpgroupRows),
                  words, transposed);
}

/// What rounding leaves of it lies where the rest of the inverse will.
void Inversion::storeMatrix(ValueRange matrix) {
  auto firstOf = [&](Value memory) {
    return transposed ? transposedAddress(i32, memory)
                      : matrixAddress(i32, memory);
  };
  Value first = firstOf(scratch), firstRest = rest ? firstOf(rest) : Value();
  for (int64_t column = 0; column < sm90::kWarpgroupRows; column += kBlock) {
    Values words, left;
    for (int64_t i = 0; i < 8; i += 2) {
      Value low = matrix[column / 2 + i], high = matrix[column / 2 + i + 1];
      Value word = round(low, high);
      words.push_back(word);
      if (!rest)
        continue;
      Values rounded = extendPair(b, loc, f16, word);
      left.push_back(round(arith::SubFOp::create(b, loc, low, rounded[0]),
                           arith::SubFOp::create(b, loc, high, rounded[1])));
    }
    storeBlock(first, column, words, transposed);
    if (rest)
      storeBlock(firstRest, column, left, transposed);
  }
}

/// Each warp has the rows of one block of the diagonal, of which the two of 8 x
/// 8 on its own are stored. In which registers its columns are depends on the
/// warp.
void Inversion::storeDiagonal(ValueRange matrix) {
  Value block = i32.add(blocks, i32.mul(warp, kBlock * kBlockRowBytes));
  int64_t rowBytes = kBlockRowBytes, columnBytes = sm90::kNumberBytes;
  if (transposed)
    std::swap(rowBytes, columnBytes);
  Value own =
      i32.add(i32.add(block, i32.mul(i32.shiftRight(lane, 2), rowBytes)),
              i32.mul(i32.firstColumn(), columnBytes));
  // Neighbours in a register are neighbours in memory, or in rows of it.
  int64_t count = transposed ? 1 : 2;
  for (int64_t k = 0; k < kBlocks; ++k)
    ifTrue(isEqual(warp, k), [&] {
      for (int64_t first : {0, 6})
        for (int64_t i = first; i < first + 2; i += count)
          ptx::storeSharedFloats(b, loc, own,
                                 rowOfElement(i) * rowBytes +
                                     columnOfElement(i) * columnBytes,
                                 matrix.slice(8 * k + i, count));
    });
}

/// The blocks to the right of the one on the diagonal.
void Inversion::clearAbove() {
  Values words(4, i32.constant(0));
  Value row = i32.add(i32.shiftLeft(warp, 4), rowOfBlock);
  for (int64_t k = 1; k < kBlocks; ++k) {
    Value isInside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           warp, i32.constant(kBlocks - k));
    ifTrue(isInside, [&] {
      Value chunk = i32.add(i32.shiftLeft(i32.add(warp, k), 1), half);
      ptx::storeSharedWords(
          b, loc, chunkAddress(result, row, chunk, rowOfEight), words);
    });
  }
}

/// The row of the inverse of the block of 8 x 8 on the diagonal that the lane
/// has; both halves of the warp compute the same.
Values Inversion::substitute() {
  Value lower = i32.shiftRight(rowOfBlock, 3);
  Value block = i32.add(blocks, i32.mul(warp, kBlock * kBlockRowBytes));
  block = i32.add(block, i32.mul(lower, kSolved * kBlockRowBytes +
                                            kSolved * sm90::kNumberBytes));
  Values row, factors;
  for (int64_t j = 0; j < kSolved; ++j)
    row.push_back(select(isEqual(rowOfEight, j), number(1), number(0)));
  Value own;
  if (strengths)
    own = i32.add(i32.add(strengths, i32.mul(warp, kBlockRowBytes)),
                  i32.mul(lower, kSolved * sm90::kNumberBytes));
  for (int64_t m = kSolved - 1; m >= 0; --m) {
    // Four at a time, which take few registers.
    if (strengths && m % 4 == 3)
      factors =
          ptx::loadSharedFloats(b, loc, own, (m - 3) * sm90::kNumberBytes, 4);
    if (strengths)
      row[m] = arith::MulFOp::create(b, loc, row[m], factors[m % 4]);
    Value minus = negate(row[m]);
    for (int64_t first = 0; first < m; first += 4) {
      Values below = ptx::loadSharedFloats(
          b, loc, block, m * kBlockRowBytes + first * sm90::kNumberBytes, 4);
      for (int64_t j = first; j < std::min(first + 4, m); ++j)
        row[j] = math::FmaOp::create(b, loc, minus, below[j - first], row[j]);
    }
  }
  return row;
}

/// The lower half of the warp stores the rows, and the upper half clears what
/// is beside them in the block of the warp.
void Inversion::storeInverseRow(ValueRange row) {
  Value isOwn = i32.isZero(half);
  Values words;
  for (int64_t i = 0; i < kSolved; i += 2)
    words.push_back(select(isOwn, round(row[i], row[i + 1]), i32.constant(0)));
  Value line = i32.add(i32.shiftLeft(warp, 4), rowOfBlock);
  Value column = i32.bitXor(i32.shiftRight(rowOfBlock, 3), half);
  Value chunk = i32.add(i32.shiftLeft(warp, 1), column);
  ptx::storeSharedWords(b, loc, chunkAddress(result, line, chunk, rowOfEight),
                        words);
}

void Inversion::storeNegated(ValueRange product, Value row, Value chunk,
                             int64_t firstHalf) {
  Value rowOfLane = i32.shiftRight(lane, 2);
  Value line = i32.add(i32.shiftLeft(row, 4), rowOfLane);
  Value address = i32.add(chunkAddress(result, line, chunk, rowOfLane),
                          i32.shiftLeft(i32.bitAnd(lane, 3), 2));
  for (int64_t r = firstHalf; r < 2; ++r)
    ptx::storeShared(
        b, loc, i32.add(address, r * sm90::kSwizzleRows * sm90::kPanelRowBytes),
        round(negate(product[2 * r]), negate(product[2 * r + 1])));
}

/// The left operand of a product that two others of 16 x 8 are.
static Values chain(ValueRange left, ValueRange right,
                    function_ref<Value(Value low, Value high)> round) {
  return {round(left[0], left[1]), round(left[2], left[3]),
          round(right[0], right[1]), round(right[2], right[3])};
}

/// The left half of the lower rows of the block of a warp. With D what has been
/// stored and L the block of the matrix, D has the inverses on its diagonal and
/// nothing else, so that the lower rows of D L are those wanted.
void Inversion::mergeWithinWarp() {
  Value none = i32.constant(0);
  Values left = loadBlock(result, warp, warp, /*transposed=*/false);
  Values middle = loadBlock(scratch, warp, warp, /*transposed=*/true);
  Values right = loadBlock(result, warp, warp, /*transposed=*/true);
  Values inner = ptx::mma(b, loc, f16, zeros(), left, {none, middle[1]});
  Value lower = round(inner[2], inner[3]);
  storeNegated(ptx::mma(b, loc, f16, zeros(), {none, lower, none, none},
                        {right[0], none}),
               warp, i32.shiftLeft(warp, 1), /*firstHalf=*/1);
}

/// Two warps share a block, eight columns each.
void Inversion::mergePairs() {
  Value pair = i32.shiftRight(warp, 1), part = i32.bitAnd(warp, 1);
  Value upper = i32.shiftLeft(pair, 1), lower = i32.add(upper, 1);
  Values left = loadBlock(result, lower, lower, /*transposed=*/false);
  Values middle = loadBlock(scratch, lower, upper, /*transposed=*/true);
  Values right = loadBlock(result, upper, upper, /*transposed=*/true);
  Values products[2];
  for (int64_t k = 0; k < 2; ++k)
    products[k] = ptx::mma(b, loc, f16, zeros(), left,
                           ValueRange(middle).slice(2 * k, 2));
  auto toF16 = [&](Value low, Value high) { return round(low, high); };
  Values inner = chain(products[0], products[1], toF16);
  Value isLeft = i32.isZero(part);
  Values columns{select(isLeft, right[0], right[2]),
                 select(isLeft, right[1], right[3])};
  storeNegated(ptx::mma(b, loc, f16, zeros(), inner, columns), lower,
               i32.add(i32.shiftLeft(upper, 1), part));
}

/// Each warp has one of the four blocks.
void Inversion::mergeHalves() {
  Value row = i32.add(i32.shiftRight(warp, 1), 2);
  Value column = i32.bitAnd(warp, 1);
  Values products(4 * 4, number(0));
  for (int64_t k = 0; k < 2; ++k) {
    Value line = i32.constant(2 + k);
    Values left = loadBlock(result, row, line, /*transposed=*/false);
    for (int64_t part = 0; part < 4; part += 2) {
      Values right = loadBlock(scratch, line, i32.constant(part / 2),
                               /*transposed=*/true);
      for (int64_t i = 0; i < 2; ++i) {
        Values sum =
            ptx::mma(b, loc, f16, ValueRange(products).slice(4 * (part + i), 4),
                     left, ValueRange(right).slice(2 * i, 2));
        llvm::copy(sum, products.begin() + 4 * (part + i));
      }
    }
  }
  auto toF16 = [&](Value low, Value high) { return round(low, high); };
  Values sums[2] = {zeros(), zeros()};
  for (int64_t k = 0; k < 2; ++k) {
    Values left = chain(ValueRange(products).slice(8 * k, 4),
                        ValueRange(products).slice(8 * k + 4, 4), toF16);
    Values right =
        loadBlock(result, i32.constant(k), column, /*transposed=*/true);
    for (int64_t i = 0; i < 2; ++i)
      sums[i] = ptx::mma(b, loc, f16, sums[i], left,
                         ValueRange(right).slice(2 * i, 2));
  }
  for (int64_t i = 0; i < 2; ++i)
    storeNegated(sums[i], row, i32.add(i32.shiftLeft(column, 1), i));
}

/// Of the right operand of a product with a block of 8 x 8 on the diagonal, the
/// bits that are below it.
Value Inversion::maskBelow() {
  Value row = i32.firstColumn(), column = i32.shiftRight(lane, 2);
  auto bitsIf = [&](arith::CmpIPredicate predicate, int64_t bits) {
    Value isBelow = arith::CmpIOp::create(b, loc, predicate, row, column);
    return select(isBelow, i32.constant(bits), i32.constant(0));
  };
  return i32.add(bitsIf(arith::CmpIPredicate::sgt, 0xffff),
                 bitsIf(arith::CmpIPredicate::sge, -0x10000));
}

/// 1 / b of the two columns that the lane has of eight. Where a strength is 0
/// its row and its column are, and any number does.
Values Inversion::loadReciprocals(int64_t eight) {
  if (!strengths)
    return Values(2, number(1));
  Value own =
      i32.add(strengths, i32.mul(i32.firstColumn(), sm90::kNumberBytes));
  Values factors = ptx::loadSharedFloats(
      b, loc, own, eight * kSolved * sm90::kNumberBytes, 2);
  for (Value &factor : factors) {
    constexpr float kLeast = std::numeric_limits<float>::min();
    Value isNone = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                         math::AbsFOp::create(b, loc, factor),
                                         number(kLeast));
    factor = approximate(b, loc, "llvm.nvvm.rcp.approx.ftz.f",
                         select(isNone, number(1), factor));
  }
  return factors;
}

/// I + rows diag(b)^-1, of the 16 rows of the warp.
Values Inversion::createResidue(ArrayRef<Values> rows) {
  Values unit, sums;
  for (int64_t j = 0; j < 2; ++j) {
    Value isUnit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                         i32.shiftRight(lane, 2),
                                         i32.add(i32.firstColumn(), j));
    unit.push_back(select(isUnit, number(1), number(0)));
  }
  for (int64_t eight = 0; eight < 2 * kBlocks; ++eight) {
    int64_t block = eight / 2, side = eight % 2;
    Values factors = loadReciprocals(eight);
    Value isDiagonal = isEqual(warp, block);
    for (int64_t lower = 0; lower < 2; ++lower) {
      Values pair = extendPair(b, loc, f16, rows[block][2 * side + lower]);
      for (int64_t j = 0; j < 2; ++j) {
        Value one =
            lower == side ? select(isDiagonal, unit[j], number(0)) : number(0);
        sums.push_back(math::FmaOp::create(b, loc, pair[j], factors[j], one));
      }
    }
  }
  return sums;
}

/// Adds the products of the 16 rows of the warp with a lower triangular matrix
/// in memory, of which what is on the diagonal counts unless `isBelow`.
void Inversion::addProducts(Values &sums, ArrayRef<Values> rows, Value memory,
                            bool isBelow) {
  Value none = i32.constant(0), mask = isBelow ? maskBelow() : Value();
  for (int64_t k = 0; k < kBlocks; ++k)
    for (int64_t j = 0; j <= k; ++j) {
      Values right = loadBlock(memory, i32.constant(k), i32.constant(j),
                               /*transposed=*/true);
      if (isBelow && j == k)
        right = {arith::AndIOp::create(b, loc, right[0], mask), right[1], none,
                 arith::AndIOp::create(b, loc, right[3], mask)};
      for (int64_t i = 0; i < 2; ++i) {
        int64_t first = 4 * (2 * j + i);
        llvm::copy(ptx::mma(b, loc, f16, ValueRange(sums).slice(first, 4),
                            rows[k], ValueRange(right).slice(2 * i, 2)),
                   sums.begin() + first);
      }
    }
}

/// 16 columns of the rows of the warp, as a left operand.
Values Inversion::roundBlock(ValueRange rows, int64_t number) {
  ValueRange own = rows.slice(8 * number, 8);
  return chain(own.take_front(4), own.drop_front(4),
               [&](Value low, Value high) { return round(low, high); });
}

/// What the result lacks.
void Inversion::refine() {
  meet();
  Values rows[kBlocks];
  for (int64_t k = 0; k < kBlocks; ++k) {
    rows[k] = loadBlock(result, warp, i32.constant(k), /*transposed=*/false);
    // Negated, so that all are sums.
    constexpr int64_t kSigns = -0x7fff8000;
    for (Value &word : rows[k])
      word = i32.bitXor(word, kSigns);
  }
  Values residue = createResidue(rows);
  addProducts(residue, rows, scratch, /*isBelow=*/true);
  addProducts(residue, rows, rest, /*isBelow=*/true);
  for (int64_t k = 0; k < kBlocks; ++k)
    rows[k] = roundBlock(residue, k);
  Values lacking(8 * kBlocks, number(0));
  addProducts(lacking, rows, result, /*isBelow=*/false);
  // Nobody reads what is left of the matrix any more.
  meet();
  Value first = matrixAddress(i32, rest);
  for (int64_t k = 0; k < kBlocks; ++k)
    storeBlock(first, k * kBlock, roundBlock(lacking, k),
               /*transposed=*/false);
}

namespace {

struct LowerInvertUnitLower : OpConversionPattern<sm90::InvertUnitLowerOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::InvertUnitLowerOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value strengths;
    if (op.getStrengths()) {
      sm90::StageType type = op.getStrengths().getType();
      strengths = i32.add(byteAddress(i32, type, adaptor.getStrengths()),
                          static_cast<int64_t>(*op.getRow()) *
                              type.getColumns() * sm90::kNumberBytes);
    }
    Value scratch = adaptor.getScratch().front();
    Value isFirst;
    if (op.getCount()) {
      sm90::BufferType buffer = op.getScratch().getType();
      ValueRange count = adaptor.getCount();
      Use use = describeUse(i32, count.front(), buffer.getStages());
      scratch = i32.add(
          scratch, i32.mul(use.stage, buffer.getBytes() / buffer.getStages()));
      isFirst = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                      i32.fromIndex(count.front()),
                                      i32.constant(buffer.getStages()));
    }
    Value rest;
    if (op.getRest())
      rest = byteAddress(i32, op.getRest().getType(), adaptor.getRest());
    Inversion(rewriter, loc, scratch, adaptor.getBlocks().front(),
              byteAddress(i32, op.getResult().getType(), adaptor.getResult()),
              rest, strengths, op.getTransposed())
        .run(adaptor.getMatrix(), isFirst);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateInversePatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<LowerInvertUnitLower>(converter, patterns.getContext());
}
