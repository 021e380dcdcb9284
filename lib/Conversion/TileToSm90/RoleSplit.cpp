//===- RoleSplit.cpp - What roles do in a loop over chunks ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RoleSplit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

bool mlir::attn::tile_to_sm90::isNumbersType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getRank() == 1;
}

bool mlir::attn::tile_to_sm90::isBonus(Value tile) {
  return llvm::any_of(tile.getUsers(), [&](Operation *user) {
    auto dot = dyn_cast<tile::DecayedDotOp>(user);
    return dot && dot.getBonus() == tile;
  });
}

tile::LoadOp
mlir::attn::tile_to_sm90::findNormed(vector::MultiDimReductionOp op) {
  auto square = op.getSource().getDefiningOp<arith::MulFOp>();
  if (op.getKind() != vector::CombiningKind::ADD ||
      !op.isReducedDim(op.getSourceVectorType().getRank() - 1) ||
      !isNumbersType(op.getType()) ||
      !matchPattern(op.getAcc(), m_AnyZeroFloat()) || !square ||
      square.getLhs() != square.getRhs())
    return {};
  auto extend = square.getLhs().getDefiningOp<arith::ExtFOp>();
  return extend ? extend.getIn().getDefiningOp<tile::LoadOp>() : tile::LoadOp();
}

std::optional<GatedTile> mlir::attn::tile_to_sm90::findGated(Value tile) {
  auto round = tile.getDefiningOp<arith::TruncFOp>();
  if (!round || isNumbersType(tile.getType()))
    return std::nullopt;
  auto product = round.getIn().getDefiningOp<arith::MulFOp>();
  auto wide =
      product ? product.getLhs().getDefiningOp<arith::ExtFOp>() : nullptr;
  if (!wide)
    return std::nullopt;
  auto isLoaded = [&](tile::LoadOp load) {
    return load && load->getBlock() == round->getBlock();
  };
  Value gates = product.getRhs();
  if (auto narrow = gates.getDefiningOp<arith::ExtFOp>())
    gates = narrow.getIn();
  GatedTile gated{wide.getIn().getDefiningOp<tile::LoadOp>(),
                  gates.getDefiningOp<tile::LoadOp>(), round};
  if (!isLoaded(gated.source) || !isLoaded(gated.gates))
    return std::nullopt;
  return gated;
}

bool mlir::attn::tile_to_sm90::isRest(Operation *op) {
  auto rest = dyn_cast<arith::SubFOp>(op);
  auto wide = rest ? rest.getRhs().getDefiningOp<arith::ExtFOp>() : nullptr;
  auto round = wide ? wide.getIn().getDefiningOp<arith::TruncFOp>() : nullptr;
  return round && round.getIn() == rest.getLhs();
}

tile::InvertUnitLowerOp mlir::attn::tile_to_sm90::findInverse(Value tile) {
  auto round = tile.getDefiningOp<arith::TruncFOp>();
  if (!round)
    return {};
  Value exact = round.getIn();
  if (auto rest = exact.getDefiningOp<arith::SubFOp>(); rest && isRest(rest))
    exact = rest.getLhs();
  return exact.getDefiningOp<tile::InvertUnitLowerOp>();
}

bool GatedTile::areNarrow() {
  return !getElementTypeOrSelf(gates.getTile().getType()).isF32();
}

bool GatedTile::isInPlace() {
  Type own = result.getType(), loaded = source.getTile().getType();
  return source->hasOneUse() &&
         (own == loaded ||
          llvm::all_of(result->getUsers(), llvm::IsaPred<vector::TransposeOp>));
}

Value GatedTile::findReached() {
  Value keys = source.getTile(), reached;
  for (Operation *user : result->getUsers()) {
    auto apply = dyn_cast<tile::ApplyDecayOp>(user);
    auto dot = dyn_cast<tile::DecayedDotOp>(user);
    bool isOfKeys = dot && dot.getRhs() == keys;
    bool isFirst = apply && !apply.getToEnd() && !reached;
    if (!isOfKeys && !isFirst)
      return {};
    if (apply)
      reached = apply.getResult();
  }
  // Keys are overwritten.
  bool areRows = llvm::any_of(keys.getUsers(), [&](Operation *user) {
    auto dot = dyn_cast<tile::DecayedDotOp>(user);
    return dot && dot.getLhs() == keys;
  });
  return areRows ? Value() : reached;
}

bool RoleSplit::fillsTogether() const {
  if (decaySums || handedTiles.empty())
    return false;
  Operation *last = handedTiles.front().getDefiningOp();
  for (Value tile : handedTiles)
    if (last->isBeforeInBlock(tile.getDefiningOp()))
      last = tile.getDefiningOp();
  return bool(findInverse(last->getResult(0)));
}

bool RoleSplit::loads(Part part, tile::LoadOp like) const {
  scf::ForOp own = loop;
  return llvm::any_of(
      own.getBody()->getOps<tile::LoadOp>(), [&](tile::LoadOp load) {
        return load.getView() == like.getView() &&
               load.getTile().getType() == like.getTile().getType() &&
               load.getCopy() == like.getCopy() && contains(part, load);
      });
}

namespace {

/// Walks from what each part has to give to what that needs.
class Splitter {
public:
  explicit Splitter(scf::ForOp loop) : body(*loop.getBody()) {
    split.loop = loop;
  }

  RoleSplit run();

private:
  void findDependences();
  void require(Part part, Value value);
  void requireGated(Value value);
  void requireBranch(scf::IfOp branch);
  DenseSet<Operation *> &opsOf(Part part) {
    return part == Part::Numbers     ? split.numbers
           : part == Part::Gates     ? split.gates
           : part == Part::Auxiliary ? split.auxiliary
                                     : split.consumer;
  }

  Block &body;
  RoleSplit split;
  /// What depends on what the loop carries, and what does not but depends on a
  /// product.
  DenseSet<Value> carried, ofProduct;
};

} // namespace

void Splitter::findDependences() {
  for (BlockArgument argument : split.loop.getRegionIterArgs())
    carried.insert(argument);
  auto contains = [](const DenseSet<Value> &set) {
    return [&](Value value) { return set.contains(value); };
  };
  for (Operation &op : body.without_terminator()) {
    if (llvm::any_of(op.getOperands(), contains(carried)))
      carried.insert(op.result_begin(), op.result_end());
    else if (isa<tile::DotOp, tile::DecayedDotOp, tile::ApplyDecayOp>(op) ||
             llvm::any_of(op.getOperands(), contains(ofProduct)))
      ofProduct.insert(op.result_begin(), op.result_end());
  }
}

/// Makes `part` have `value`: another hands it over, or it computes it itself.
void Splitter::require(Part part, Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body)
    return;
  if (auto sums = dyn_cast<tile::DecaySumsOp>(op);
      sums && part != Part::Numbers) {
    split.decaySums = sums;
    require(Part::Numbers, value);
    if (part == Part::Auxiliary)
      require(part, sums.getCount());
    return;
  }
  if (part != Part::Numbers && isNumbersType(value.getType()) &&
      !carried.contains(value) && !isBonus(value)) {
    (part == Part::Auxiliary ? split.auxiliaryReads : split.consumerReads) =
        true;
    if (split.handedNumbers.insert(value))
      require(Part::Numbers, value);
    return;
  }
  if (part != Part::Gates && findGated(value)) {
    if (split.gatedTiles.insert(value))
      requireGated(value);
    return;
  }
  if (part == Part::Consumer && ofProduct.contains(value)) {
    if (split.handedTiles.insert(value))
      require(Part::Auxiliary, value);
    return;
  }
  if (!opsOf(part).insert(op).second)
    return;
  // The lengths of rows are taken of what is loaded, as it is.
  if (auto reduction = dyn_cast<vector::MultiDimReductionOp>(op))
    if (tile::LoadOp load = findNormed(reduction))
      return require(part, load.getTile());
  for (Value operand : op->getOperands())
    require(part, operand);
}

/// Of strengths alone, where what decays multiplies by them.
void Splitter::requireGated(Value value) {
  GatedTile gated = *findGated(value);
  if (!gated.findReached())
    return require(Part::Gates, value);
  split.gates.insert(gated.result);
  require(Part::Gates, gated.gates.getTile());
}

/// What is done with some states alone.
void Splitter::requireBranch(scf::IfOp branch) {
  require(Part::Consumer, branch.getCondition());
  for (Operation &op : *branch.thenBlock())
    for (Value operand : op.getOperands())
      require(Part::Consumer, operand);
  split.consumer.insert(branch);
}

RoleSplit Splitter::run() {
  findDependences();
  for (Operation &op : body)
    if (isa<tile::StoreOp>(op) || op.hasTrait<OpTrait::IsTerminator>())
      for (Value operand : op.getOperands())
        require(Part::Consumer, operand);
  for (auto branch : body.getOps<scf::IfOp>())
    requireBranch(branch);
  for (tile::StoreOp store : body.getOps<tile::StoreOp>())
    split.consumer.insert(store);
  return std::move(split);
}

FailureOr<RoleSplit>
mlir::attn::tile_to_sm90::splitRoles(tile::KernelOp kernel) {
  auto instances = *kernel.getBody().front().getOps<scf::ForallOp>().begin();
  auto loops = llvm::to_vector(instances.getBody()->getOps<scf::ForOp>());
  if (loops.size() != 1)
    return kernel.emitOpError("expected one loop in each instance for an "
                              "auxiliary, got ")
           << loops.size();
  return Splitter(loops.front()).run();
}
