//===- StackProducts.cpp - Keys times queries and themselves at once ------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_STACKPRODUCTSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

namespace {

/// A product of the tokens of a chunk with its keys, whose result is multiplied
/// by decays.
struct TokenProduct {
  WgmmaAsyncOp start;
  WgmmaWaitOp wait;
  arith::MulFOp decayed;
};

/// What one product of keys takes the place of.
struct Pair {
  TokenProduct ofKeys, ofQueries;
  DecayRatiosOp ratios;
  StoreFragmentOp store;
  InvertUnitLowerOp inverse;
  /// The stages, and the buffers that they are of.
  AwaitFullOp keys, queries;
};

} // namespace

/// The one user of a value, if it is an `Op`.
template <typename Op> static Op findUser(Value value) {
  return value.hasOneUse() ? dyn_cast<Op>(*value.user_begin()) : Op();
}

/// The product that `start` begins, if it is one of whole stages of as many
/// rows, and nothing but a multiplication reads it.
static std::optional<TokenProduct> findProduct(WgmmaAsyncOp start) {
  auto lhs = dyn_cast<StageType>(start.getLhs().getType());
  if (lhs != start.getRhs().getType() || !lhs ||
      lhs.getRows() != kWarpgroupRows || lhs.getPanelRows() ||
      !matchPattern(start.getRow(), m_Zero()) || start.getBelow() ||
      start.getAcc() || !start.getTransposeRhs() || !start.getKeeps())
    return std::nullopt;
  TokenProduct product{start, findUser<WgmmaWaitOp>(start.getResult()), {}};
  product.decayed = findUser<arith::MulFOp>(product.wait.getResult());
  if (!product.decayed)
    return std::nullopt;
  return product;
}

/// Whether decays depend on no more than the difference of two tokens, so that
/// they may be transposed: exponents of rows and columns are the same.
static bool isOfPairs(DecayRatiosOp ratios) {
  if (!ratios.getRows())
    return true;
  auto rows = ratios.getRows().getDefiningOp<LoadRowOp>();
  auto columns = ratios.getColumns().getDefiningOp<LoadRowOp>();
  return rows && columns && rows.getStage() == columns.getStage() &&
         rows.getRow() == columns.getRow();
}

/// Whether the stages of a buffer are read by nothing but products.
static bool isForProducts(Value buffer) {
  return llvm::all_of(buffer.getUsers(), [](Operation *await) {
    return isa<AwaitFullOp, AwaitEmptyOp>(await) &&
           llvm::all_of(await->getResult(0).getUsers(),
                        llvm::IsaPred<WgmmaAsyncOp, TmaLoadAsyncOp, ReleaseOp>);
  });
}

/// Completes a pair of products: what follows from them is stored, and
/// inverted.
static bool findConsumers(Pair &pair) {
  pair.ratios = pair.ofKeys.decayed.getRhs().getDefiningOp<DecayRatiosOp>();
  if (!pair.ratios || !isOfPairs(pair.ratios) ||
      pair.ofQueries.decayed.getRhs() != pair.ratios.getResult() ||
      !llvm::hasNItems(pair.ratios->getUsers(), 2))
    return false;
  pair.inverse = findUser<InvertUnitLowerOp>(pair.ofKeys.decayed.getResult());
  auto round = findUser<arith::TruncFOp>(pair.ofQueries.decayed.getResult());
  pair.store =
      round ? findUser<StoreFragmentOp>(round.getResult()) : StoreFragmentOp();
  return pair.inverse && pair.store && !pair.store.getTransposed() &&
         matchPattern(pair.store.getRow(), m_Zero());
}

/// The two products of `block`, if they are the only ones.
static std::optional<Pair> findPair(Block &block) {
  auto products = llvm::to_vector(block.getOps<WgmmaAsyncOp>());
  if (products.size() != 2)
    return std::nullopt;
  std::optional<TokenProduct> first = findProduct(products[0]),
                              second = findProduct(products[1]);
  if (!first || !second || first->start.getRhs() != second->start.getRhs())
    return std::nullopt;
  auto isOfKeys = [](const TokenProduct &product) {
    WgmmaAsyncOp start = product.start;
    return start.getLhs() == start.getRhs();
  };
  if (!isOfKeys(*first))
    std::swap(first, second);
  if (!isOfKeys(*first) || isOfKeys(*second))
    return std::nullopt;
  Pair pair{*first, *second, {}, {}, {}, {}, {}};
  pair.keys = pair.ofKeys.start.getRhs().getDefiningOp<AwaitFullOp>();
  pair.queries = pair.ofQueries.start.getLhs().getDefiningOp<AwaitFullOp>();
  if (!pair.keys || !pair.queries || !findConsumers(pair) ||
      pair.keys.getCount() != pair.queries.getCount())
    return std::nullopt;
  Value keys = pair.keys.getBuffer(), queries = pair.queries.getBuffer();
  bool areBuffers = keys.getType() == queries.getType() && keys != queries &&
                    keys.getDefiningOp<AllocOp>() &&
                    queries.getDefiningOp<AllocOp>();
  if (!areBuffers || !isForProducts(keys) || !isForProducts(queries))
    return std::nullopt;
  return pair;
}

/// Gives the products that read stages the types of these, and what waits for
/// them.
static void retypeProduct(WgmmaAsyncOp start) {
  auto type = InFlightType::get(
      start.getContext(), start.getResult().getType().getResult(),
      start.getLhs().getType(), cast<StageType>(start.getRhs().getType()));
  start.getResult().setType(type);
  for (Operation *user : start.getResult().getUsers())
    cast<WgmmaWaitOp>(user).getStage().setType(type.getRhs());
}

/// Puts the rows of `buffer` in the place of its alloc, in all that is waited
/// for and read.
static void replaceBuffer(AllocOp alloc, BufferRowsOp rows) {
  StageType stage = rows.getRows().getType().getStageType();
  for (Operation *await : alloc.getBuffer().getUsers()) {
    await->getResult(0).setType(stage);
    for (Operation *user : await->getResult(0).getUsers())
      if (auto start = dyn_cast<WgmmaAsyncOp>(user))
        retypeProduct(start);
  }
  alloc.getBuffer().replaceAllUsesWith(rows.getRows());
  alloc.erase();
}

/// One buffer that has the queries in the upper half of the rows of each stage.
static void stackBuffers(Pair &pair) {
  auto upper = pair.queries.getBuffer().getDefiningOp<AllocOp>();
  auto lower = pair.keys.getBuffer().getDefiningOp<AllocOp>();
  BufferType half = upper.getBuffer().getType();
  OpBuilder builder(upper->isBeforeInBlock(lower) ? upper : lower);
  int64_t rows = half.getRows(), stages = half.getStages();
  MLIRContext *context = builder.getContext();
  auto both = BufferType::get(context, stages, 2 * rows, half.getColumns(),
                              half.getElementType());
  auto part = BufferType::get(context, stages, rows, half.getColumns(),
                              half.getElementType(), 2 * rows);
  Value buffer = AllocOp::create(builder, upper.getLoc(), both);
  auto createRows = [&](AllocOp alloc, int64_t first) {
    return BufferRowsOp::create(builder, alloc.getLoc(), part, buffer, first);
  };
  BufferRowsOp queries = createRows(upper, 0), keys = createRows(lower, rows);
  replaceBuffer(upper, queries);
  replaceBuffer(lower, keys);
}

/// One product in the place of the later one.
static void stackProducts(Pair &pair) {
  WgmmaAsyncOp keys = pair.ofKeys.start, queries = pair.ofQueries.start;
  Operation *last = keys->isBeforeInBlock(queries) ? queries : keys;
  OpBuilder builder(last);
  RankedTensorType half = keys.getResult().getType().getResult();
  auto both = RankedTensorType::get(
      {half.getDimSize(0), 2 * half.getDimSize(1)}, half.getElementType());
  auto stage = cast<StageType>(keys.getRhs().getType());
  auto type = InFlightType::get(builder.getContext(), both, stage, stage);
  Value start = WgmmaAsyncOp::create(
      builder, last->getLoc(), type, keys.getLhs(), keys.getRow(),
      queries.getLhs(), /*below=*/keys.getRhs(), /*acc=*/Value(),
      /*adds=*/Value(), /*transpose_rhs=*/true, /*keeps=*/true);
  WgmmaWaitOp ofKeys = pair.ofKeys.wait, ofQueries = pair.ofQueries.wait;
  builder.setInsertionPoint(ofKeys->isBeforeInBlock(ofQueries) ? ofKeys
                                                               : ofQueries);
  auto wait = WgmmaWaitOp::create(builder, ofKeys.getLoc(), both, stage, start,
                                  /*pending=*/0);
  auto split = SplitColumnsOp::create(builder, ofKeys.getLoc(), half, half,
                                      wait.getResult());
  ofQueries.getResult().replaceAllUsesWith(split.getLeft());
  ofKeys.getResult().replaceAllUsesWith(split.getRight());
  for (Operation *op : {ofKeys.getOperation(), ofQueries.getOperation(),
                        keys.getOperation(), queries.getOperation()})
    op->erase();
}

namespace {
struct StackProducts : sm90::impl::StackProductsPassBase<StackProducts> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule().getStackProducts())
      return;
    std::optional<Pair> pair;
    kernel.walk([&](WarpRolesOp roles) {
      roles.getAuxiliary().walk(
          [&](Block *block) { pair = pair ? pair : findPair(*block); });
    });
    if (!pair)
      return;
    stackBuffers(*pair);
    stackProducts(*pair);
    pair->ratios.setTransposed(true);
    pair->store.setTransposed(true);
    pair->inverse.setTransposed(true);
  }
};
} // namespace
