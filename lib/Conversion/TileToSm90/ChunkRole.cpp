//===- ChunkRole.cpp - The roles that compute chunks ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkRole.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The rows of a tile are those of one warpgroup, or spread over the consumers.
FailureOr<Type> ChunkRole::convert(Operation *op, Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return type;
  SmallVector<int64_t> shape(vector.getShape());
  int64_t warpgroups =
      part == Part::Consumer ? kernel.schedule().getConsumerWarpgroups() : 1;
  if (vector.getRank() == 2 && shape[0] != sm90::kWarpgroupRows * warpgroups)
    return op->emitOpError("expected ")
           << sm90::kWarpgroupRows * warpgroups << " rows, "
           << sm90::kWarpgroupRows << " for each warpgroup, got " << type;
  if (vector.getRank() == 2)
    shape[0] = sm90::kWarpgroupRows;
  return Type(RankedTensorType::get(shape, vector.getElementType()));
}

/// Products complete in the order in which they were started.
void ChunkRole::waitForOldest() {
  Started oldest = pending.front();
  pending.erase(pending.begin());
  auto type = cast<sm90::InFlightType>(oldest.inFlight.getType());
  auto wait =
      sm90::WgmmaWaitOp::create(builder, loc, type.getResult(), type.getRhs(),
                                oldest.inFlight, pending.size());
  if (oldest.empty)
    sm90::ReleaseOp::create(builder, loc, wait.getStage(), oldest.empty,
                            oldest.count);
  for (Value load : oldest.reads)
    finishRead(load);
  finishFetched();
  mapping.map(oldest.source, wait.getResult());
}

/// Gives the stage of a load back when nothing reads it any more.
void ChunkRole::finishRead(Value load) {
  Held &own = held[load];
  if (--own.uses == 0)
    sm90::ReleaseOp::create(builder, loc, own.stage, own.empty, own.count);
}

/// Reads into registers take their turn behind those of products, and an
/// arrival at a barrier may overtake them: the copy engine would overwrite what
/// is still to be read. Behind a wait for products they are complete.
void ChunkRole::finishFetched() {
  for (Value load : std::exchange(fetched, {}))
    finishRead(load);
}

/// Beside an inverse: waits for numbers while a product is under way, and loads
/// those that the columns of `source` are multiplied by, if it is alone. Beside
/// more than one product there are no registers for them.
LogicalResult ChunkRole::prepareFactors(Value source) {
  if (part != Part::Consumer || !split.fillsTogether())
    return success();
  if (split.consumerReads)
    getNumbersStage();
  if (pending.size() != 1 || pending.front().source != source)
    return success();
  for (Operation *user : source.getUsers())
    for (Value operand : user->getOperands()) {
      auto factors = operand.getDefiningOp<vector::BroadcastOp>();
      if (factors && isNumbersType(factors.getSourceType()) &&
          split.contains(part, user) && !mapping.contains(operand) &&
          failed(emitBroadcast(factors)))
        return failure();
    }
  return success();
}

/// The numbers that `op` repeats along its rows, or null.
static Value findFactorsOfRows(vector::TransposeOp op) {
  auto columns = op.getVector().getDefiningOp<vector::BroadcastOp>();
  return columns && isNumbersType(columns.getSourceType()) ? columns.getSource()
                                                           : Value();
}

LogicalResult ChunkRole::use(Value source, Value &target) {
  auto isPending = [&] {
    return llvm::any_of(pending,
                        [&](const Started &p) { return p.source == source; });
  };
  if (isPending() && failed(prepareFactors(source)))
    return failure();
  while (isPending())
    waitForOldest();
  Operation *op = source.getDefiningOp();
  if (op && !mapping.contains(source)) {
    if (op->hasTrait<OpTrait::ConstantLike>() && failed(emitConstant(op)))
      return failure();
    auto broadcast = dyn_cast<vector::BroadcastOp>(op);
    if (broadcast && failed(emitBroadcast(broadcast)))
      return failure();
    if (auto transpose = dyn_cast<vector::TransposeOp>(op))
      if (Value numbers = findFactorsOfRows(transpose))
        if (failed(emitFactorsOfRows(transpose, numbers)))
          return failure();
    if (auto extract = dyn_cast<vector::ExtractOp>(op))
      emitExtract(extract);
  }
  target = mapping.lookupOrNull(source);
  if (target)
    return success();
  return kernel.source.emitOpError("expected a value that the role computes "
                                   "itself, got ")
         << source;
}

Value ChunkRole::await(const Ring &ring, Value count, bool full) {
  Type stage = cast<sm90::BufferType>(ring.buffer.getType()).getStageType();
  if (full)
    return sm90::AwaitFullOp::create(builder, loc, stage, ring.buffer,
                                     ring.full, count);
  return sm90::AwaitEmptyOp::create(builder, loc, stage, ring.buffer,
                                    ring.empty, count);
}

Value ChunkRole::getCount(tile::LoadOp load) {
  int64_t uses = 0, own = 0;
  scf::ForOp loop = split.loop;
  for (auto other : loop.getBody()->getOps<tile::LoadOp>())
    if (kernel.keyOf(other) == kernel.keyOf(load)) {
      if (other == load)
        own = uses;
      ++uses;
    }
  if (uses == 1)
    return iteration;
  Value first = arith::MulIOp::create(builder, loc, iteration, index(uses));
  return arith::AddIOp::create(builder, loc, first, index(own));
}

//===----------------------------------------------------------------------===//
// Loads and products
//===----------------------------------------------------------------------===//

LogicalResult ChunkRole::emitLoad(tile::LoadOp load) {
  if (isNumbersType(load.getTile().getType())) {
    if (!isBonus(load.getTile()))
      emitLoadNumbers(load);
    return success();
  }
  // What sums decays reads the gates itself, and so does what gates tiles,
  // which waits for these one after the other. What sums decays waits for
  // tokens behind that.
  // Beside an inverse others wait at the first use, which products may be
  // started in front of. Without one, keys would be waited for between the last
  // products, and the assembler moves the decay of the state behind that.
  bool sumsDecays = part == Part::Auxiliary && split.decaySums;
  bool isEager = part != Part::Gates && part != Part::Numbers && !sumsDecays &&
                 !split.fillsTogether();
  auto ring = kernel.rings.find(kernel.keyOf(load));
  if (isEager && ring != kernel.rings.end())
    hold(load.getTile(), ring->second, getCount(load));
  return success();
}

/// Waits for a stage that is given back behind its last use.
Value ChunkRole::hold(Value tile, const Ring &ring, Value count) {
  Held own{await(ring, count, /*full=*/true), ring.empty, count};
  for (OpOperand &use : tile.getUses())
    own.uses += split.contains(part, use.getOwner());
  // What takes its place is given back by others.
  if (part == Part::Auxiliary && split.findReplacing(tile))
    ++own.uses;
  held[tile] = own;
  return own.stage;
}

/// Tiles that are filled together are waited for together, so that no wait
/// stands between the products that read them.
Value ChunkRole::useHanded(Value tile) {
  if (!handed.contains(tile)) {
    auto tiles = split.fillsTogether() ? split.handedTiles.getArrayRef()
                                       : ArrayRef(tile);
    for (Value other : tiles) {
      const Ring &ring = kernel.tileRings.find(other)->second;
      // What several products read is given back behind the last of them.
      handed[other] = other.hasOneUse() ? await(ring, iteration, /*full=*/true)
                                        : hold(other, ring, iteration);
    }
  }
  return handed[tile];
}

/// The right operand of a product: of a load, or handed over.
FailureOr<Value> ChunkRole::useRight(Value source) {
  if (Value stage = findStage(source))
    return stage;
  auto ring = kernel.tileRings.find(source);
  if (part == Part::Consumer && ring != kernel.tileRings.end())
    return useHanded(source);
  return kernel.source.emitOpError("expected right operands of products that "
                                   "are loaded or handed over, got ")
         << source;
}

LogicalResult ChunkRole::emitDot(tile::DotOp dot) {
  FailureOr<Type> type = convert(dot, dot.getResult().getType());
  if (failed(type))
    return failure();
  Started started{dot.getResult(), {}, {}, {}, {}};
  Value lhs, acc, row;
  if (Value stage = findStage(dot.getLhs())) {
    lhs = stage;
    row = index(0);
    started.reads.push_back(dot.getLhs());
  } else {
    if (failed(use(dot.getLhs(), lhs)))
      return failure();
    lhs = sm90::LayoutCastOp::create(builder, loc, lhs.getType(), lhs);
  }
  if (dot.getAcc() && failed(use(dot.getAcc(), acc)))
    return failure();
  FailureOr<Value> rhs = useRight(dot.getRhs());
  if (failed(rhs))
    return failure();
  bool keeps = held.contains(dot.getRhs());
  if (keeps) {
    started.reads.push_back(dot.getRhs());
  } else {
    started.empty = kernel.tileRings.find(dot.getRhs())->second.empty;
    started.count = iteration;
  }
  auto inFlight = sm90::InFlightType::get(
      dot.getContext(), cast<RankedTensorType>(*type), lhs.getType(),
      cast<sm90::StageType>(rhs->getType()));
  started.inFlight = sm90::WgmmaAsyncOp::create(
      builder, loc, inFlight, lhs, row, *rhs, /*below=*/Value(), acc,
      /*adds=*/Value(), dot.getTransposeRhs(), keeps);
  pending.push_back(started);
  // All that follows waits for the product with an inverse.
  if (part == Part::Consumer && split.fillsTogether() && pending.size() == 1 &&
      !keeps && kernel.storesMatrix)
    awaitStaging();
  return success();
}

/// Of a load; what is stored is transposed on its way.
LogicalResult ChunkRole::emitTranspose(vector::TransposeOp op) {
  Value source = op.getVector();
  if (llvm::all_of(op->getUsers(), llvm::IsaPred<tile::StoreOp>))
    return success();
  // Where they are used, as what is repeated the other way.
  if (findFactorsOfRows(op))
    return success();
  Value stage = findStage(source);
  if (!stage)
    return op.emitOpError("expected a tile that is loaded, or stored, to be "
                          "transposed");
  FailureOr<Type> type = convert(op, op.getType());
  if (failed(type))
    return failure();
  // The consumers of decayed tiles have no registers for it beside products and
  // what they read.
  if (split.decaySums)
    waitForAll();
  // What has been gated in place may have other elements than the stage.
  Type element = cast<sm90::StageType>(stage.getType()).getElementType();
  auto loaded = cast<RankedTensorType>(*type).clone(element);
  Value fragment = sm90::LoadFragmentOp::create(builder, loc, loaded, stage,
                                                firstRow, /*transposed=*/true);
  if (loaded != *type)
    fragment = arith::BitcastOp::create(builder, loc, *type, fragment);
  mapping.map(op.getResult(), fragment);
  fetched.push_back(source);
  return success();
}

/// Waits until the output of the chunk in front has left the memory that it is
/// stored through.
void ChunkRole::awaitStaging() {
  if (std::exchange(isStagingFree, true))
    return;
  sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/true);
  sm90::BarrierSyncOp::create(builder, loc);
}

LogicalResult ChunkRole::emitStore(tile::StoreOp store) {
  auto transpose = store.getTile().getDefiningOp<vector::TransposeOp>();
  if (!transpose)
    return store.emitOpError("expected a transposed tile to be stored");
  Value fragment;
  if (failed(use(transpose.getVector(), fragment)))
    return failure();
  auto lookup = [&](Value value) { return mapping.lookup(value); };
  SmallVector<Value> indices = llvm::map_to_vector(store.getIndices(), lookup);
  indices.back() =
      arith::AddIOp::create(builder, loc, indices.back(), firstRow);
  Value memory = kernel.staging.lookup(store.getView());
  awaitStaging();
  isStagingFree = false;
  sm90::StoreFragmentOp::create(builder, loc, fragment, memory, firstRow,
                                /*transposed=*/true);
  sm90::BarrierSyncOp::create(builder, loc);
  sm90::TmaStoreAsyncOp::create(
      builder, loc, memory, firstRow, kernel.stores.lookup(store.getView()),
      getCopyIndices(kernel, builder, loc, store.getView(),
                     store.getAxes().front(), indices,
                     llvm::map_to_vector(store.getSlice(), lookup)));
  return success();
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

LogicalResult ChunkRole::emitConstant(Operation *op) {
  Type type = op->getResult(0).getType();
  DenseElementsAttr value;
  if (!isa<VectorType>(type)) {
    builder.clone(*op, mapping);
    return success();
  }
  FailureOr<Type> converted = convert(op, type);
  if (failed(converted))
    return failure();
  if (!matchPattern(op, m_Constant(&value)) || !value.isSplat())
    return op->emitOpError("expected a constant of one value");
  mapping.map(
      op->getResult(0),
      arith::ConstantOp::create(
          builder, loc, value.resizeSplat(cast<RankedTensorType>(*converted)))
          .getResult());
  return success();
}

/// Repeats a number in every element, or the numbers of the columns in every
/// row.
LogicalResult ChunkRole::emitBroadcast(vector::BroadcastOp op) {
  FailureOr<Type> type = convert(op, op.getType());
  if (failed(type))
    return failure();
  if (isNumbersType(op.getSourceType())) {
    Value row = loadRow(op.getSource());
    mapping.map(
        op.getResult(),
        sm90::BroadcastColumnsOp::create(builder, loc, *type, row).getResult());
    return success();
  }
  Value scalar;
  if (!op.getSourceType().isF32())
    return op.emitOpError("expected a number or one for each column to be "
                          "repeated");
  if (failed(use(op.getSource(), scalar)))
    return failure();
  mapping.map(op.getResult(),
              sm90::SplatOp::create(builder, loc, *type, scalar).getResult());
  return success();
}

/// A number for each row, in all of its columns.
LogicalResult ChunkRole::emitFactorsOfRows(vector::TransposeOp op,
                                           Value numbers) {
  FailureOr<Type> type = convert(op, op.getType());
  if (failed(type))
    return failure();
  mapping.map(op.getResult(), sm90::BroadcastRowsOp::create(builder, loc, *type,
                                                            loadRow(numbers))
                                  .getResult());
  return success();
}

/// The numbers by which `op` multiplies the columns of products of tokens, for
/// which there are no registers beside these; or null.
Value ChunkRole::findFactorsOfColumns(arith::MulFOp op) {
  auto factors = op.getRhs().getDefiningOp<vector::BroadcastOp>();
  bool isScaled = part == Part::Auxiliary && factors &&
                  isNumbersType(factors.getSourceType());
  return isScaled ? factors.getSource() : Value();
}

LogicalResult ChunkRole::emitScaleColumns(arith::MulFOp op, Value numbers) {
  Value source;
  if (failed(use(op.getLhs(), source)))
    return failure();
  Value stage = getNumbersStage();
  mapping.map(op.getResult(),
              sm90::ScaleColumnsOp::create(builder, loc, source.getType(),
                                           source, stage, rowOf(numbers))
                  .getResult());
  return success();
}

LogicalResult ChunkRole::emitRatios(tile::DecayRatiosOp op) {
  FailureOr<Type> type = convert(op, op.getResult().getType());
  if (failed(type))
    return failure();
  Value exponents = op.getExponents();
  Value rows, columns;
  // Without a decay they are all the same.
  if (op.getColumns() || !matchPattern(exponents, m_Constant())) {
    rows = loadRow(exponents);
    columns = loadRow(op.getColumns() ? op.getColumns() : exponents);
  }
  mapping.map(op.getResult(),
              sm90::DecayRatiosOp::create(builder, loc, *type, rows, columns)
                  .getResult());
  return success();
}

LogicalResult ChunkRole::emitElementwise(Operation *op) {
  // There are no registers for it beside products of what is rounded.
  if (isRest(op))
    waitForAll();
  bool isScalarOp = isScalar(op);
  if (!isScalarOp && !OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("is not lowered to the sm90 level");
  SmallVector<Type> types;
  for (Type type : op->getResultTypes()) {
    FailureOr<Type> converted = convert(op, type);
    if (failed(converted))
      return failure();
    types.push_back(*converted);
  }
  SmallVector<Value> operands(op->getNumOperands());
  for (auto [source, target] : llvm::zip(op->getOperands(), operands))
    if (!isa<tile::ViewType>(source.getType()) && failed(use(source, target)))
      return failure();
  if (isScalarOp) {
    cloneScalar(kernel, builder, op, mapping);
    return success();
  }
  Operation *copy = builder.create(loc, op->getName().getIdentifier(), operands,
                                   types, op->getAttrs());
  mapping.map(op->getResults(), copy->getResults());
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

/// Whether `op` is an inverse or one of its parts, which are computed when they
/// are handed over.
static bool isOfInverse(Operation *op) {
  if (isa<tile::InvertUnitLowerOp>(op))
    return true;
  if (auto wide = dyn_cast<arith::ExtFOp>(op))
    return bool(findInverse(wide.getIn()));
  return isa<arith::TruncFOp, arith::SubFOp>(op) &&
         (findInverse(op->getResult(0)) ||
          (isRest(op) &&
           op->getOperand(0).getDefiningOp<tile::InvertUnitLowerOp>()));
}

LogicalResult ChunkRole::emitOp(Operation *op) {
  loc = op->getLoc();
  // What is rounded is gated, all at once.
  if (part == Part::Gates && isa<arith::ExtFOp, arith::MulFOp>(op))
    return success();
  // So is what an inverse consists of.
  if (part == Part::Auxiliary && isOfInverse(op))
    return success();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](tile::LoadOp load) { return emitLoad(load); })
      .Case([&](tile::DotOp dot) { return emitDot(dot); })
      .Case([&](vector::TransposeOp transpose) {
        return emitTranspose(transpose);
      })
      // Where they are used, so that their registers are not taken before.
      .Case<vector::BroadcastOp, arith::ConstantOp, vector::ExtractOp>(
          [](auto) { return success(); })
      .Case([&](tile::DecayRatiosOp ratios) { return emitRatios(ratios); })
      // Behind what has a number for each token.
      .Case([](tile::DecaySumsOp) { return success(); })
      .Case<tile::ApplyDecayOp, tile::DecayedDotOp>([&](auto decayed) {
        return emitDecays(
            decayed,
            decayed.getSums().template getDefiningOp<tile::DecaySumsOp>());
      })
      .Case([&](arith::MulFOp mul) {
        if (findWhole(mul))
          return emitDecayColumns(mul);
        Value numbers = findFactorsOfColumns(mul);
        return numbers ? emitScaleColumns(mul, numbers) : emitElementwise(mul);
      })
      .Case([&](arith::ExtFOp extend) {
        if (!isNumbersType(extend.getType()))
          return emitElementwise(extend);
        // They have been loaded as f32.
        mapping.map(extend.getResult(), mapping.lookup(extend.getIn()));
        return success();
      })
      .Case([&](tile::StoreOp store) { return emitStore(store); })
      // Of the state behind the chunk, in which no product is under way.
      .Case([&](scf::IfOp branch) {
        waitForAll();
        return emitBranch(branch);
      })
      .Case([&](vector::MultiDimReductionOp norms) { return emitNorms(norms); })
      .Case<tile::CumulativeSumOp, vector::CreateMaskOp>(
          [&](auto numbers) { return emitNumbers(numbers); })
      .Case([&](arith::TruncFOp round) {
        if (part == Part::Gates)
          return emitGated(round), success();
        return emitElementwise(round);
      })
      .Default([&](Operation *other) { return emitElementwise(other); });
}

LogicalResult ChunkRole::emitLoop() {
  scf::ForOp loop = split.loop;
  Value ends[] = {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()};
  SmallVector<Value> bounds, inits;
  for (Value end : ends)
    if (failed(use(end, bounds.emplace_back())))
      return failure();
  if (part == Part::Consumer)
    for (Value init : loop.getInits())
      if (failed(use(init, inits.emplace_back())))
        return failure();
  auto copy =
      scf::ForOp::create(builder, loc, bounds[0], bounds[1], bounds[2], inits);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(copy.getBody());
  iteration = copy.getInductionVar();
  mapping.map(loop.getInductionVar(), iteration);
  if (part == Part::Consumer) {
    mapping.map(loop.getRegionIterArgs(), copy.getRegionIterArgs());
    mapping.map(loop.getResults(), copy.getResults());
  }
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (!split.contains(part, &op))
      continue;
    if (failed(emitOp(&op)))
      return failure();
    for (Value result : op.getResults())
      if (part == Part::Auxiliary && split.handedTiles.contains(result) &&
          failed(handTile(result)))
        return failure();
  }
  SmallVector<Value> yielded;
  if (part == Part::Consumer)
    for (Value value : loop.getYieldedValues())
      if (failed(use(value, yielded.emplace_back())))
        return failure();
  waitForAll();
  if (part == Part::Numbers)
    handNumbers();
  finishFetched();
  if (part == Part::Numbers) {
    if (split.decaySums && failed(emitCopyGates(split.decaySums)))
      return failure();
  } else if (numbersStage) {
    sm90::ReleaseOp::create(builder, loc, numbersStage,
                            kernel.numbersRing.empty, iteration);
  }
  // Without anything to carry the loop ends itself.
  if (inits.empty())
    return success();
  scf::YieldOp::create(builder, loc, yielded);
  return success();
}

/// Scalars, the loop, and the states in front of and behind it.
LogicalResult ChunkRole::emitInstance(Block &source) {
  for (Operation &op : source.without_terminator()) {
    loc = op.getLoc();
    bool isState = part == Part::Consumer;
    if (&op == split.loop) {
      if (failed(emitLoop()))
        return failure();
    } else if (isScalar(&op)) {
      cloneScalar(kernel, builder, &op, mapping);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (isState && failed(emitBranch(branch)))
        return failure();
    } else if (isState && failed(emitOutside(&op))) {
      return failure();
    }
  }
  return success();
}

/// What only some instances do with the state behind the loop.
LogicalResult ChunkRole::emitBranch(scf::IfOp branch) {
  if (branch.getNumResults() != 0 || branch.elseBlock())
    return branch.emitOpError("expected a branch without results and without "
                              "an else outside of the loop over chunks");
  auto copy =
      scf::IfOp::create(builder, loc, mapping.lookup(branch.getCondition()),
                        /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(copy.thenBlock());
  return emitInstance(*branch.thenBlock());
}

LogicalResult ChunkRole::run() {
  if (part == Part::Consumer) {
    Value warpgroup =
        sm90::WarpgroupIdOp::create(builder, loc, builder.getIndexType());
    firstRow = arith::MulIOp::create(builder, loc, warpgroup,
                                     index(sm90::kWarpgroupRows));
  }
  Counts counts;
  LogicalResult result =
      forEachInstance(kernel, Role::Consumer, builder, mapping, counts,
                      [&](Block &source) { return emitInstance(source); });
  // Shared memory must outlive the copies that read it.
  if (part == Part::Consumer && kernel.storesMatrix)
    sm90::TmaStoreWaitOp::create(builder, loc, /*read=*/false);
  return result;
}

LogicalResult
mlir::attn::tile_to_sm90::buildChunkRoles(Kernel &kernel,
                                          sm90::WarpRolesOp roles) {
  auto build = [&](Part part, Region &region) {
    return ChunkRole(kernel, part, &region.front()).run();
  };
  if (!roles.getNumbers().empty() &&
      failed(build(Part::Numbers, roles.getNumbers())))
    return failure();
  if (!roles.getGates().empty() && failed(build(Part::Gates, roles.getGates())))
    return failure();
  if (failed(build(Part::Auxiliary, roles.getAuxiliary())))
    return failure();
  return build(Part::Consumer, roles.getConsumer());
}
