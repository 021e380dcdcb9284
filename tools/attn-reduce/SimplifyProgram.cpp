//===- SimplifyProgram.cpp - Smaller programs that still fail -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's own pass `reduction-tree` erases operations and, in release 22,
// crashes where one has an empty region, as an attention without a mask has.
// This pass knows what else a program can do without: masks and modifiers,
// parts of their conditions, sinks, results, heads.
//
//===----------------------------------------------------------------------===//

#include "SimplifyProgram.h"

#include "Attention/Attention.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Reducer/Tester.h"
#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;
using namespace mlir::attn;

namespace {

/// Changes a module. Steps of equal modules are the same, in the same order.
using Step = std::function<void()>;
using Steps = std::vector<Step>;
using ListSteps = Steps (*)(ModuleOp);

} // namespace

static void clear(Region &region) {
  region.dropAllReferences();
  region.getBlocks().clear();
}

static void dropBlockLists(AttentionOp op) {
  op.getPartialCountsMutable().clear();
  op.getPartialIndicesMutable().clear();
  op.getFullCountsMutable().clear();
  op.getFullIndicesMutable().clear();
  op.removeBlockQAttr();
  op.removeBlockKAttr();
}

/// Drops a mask, a modifier, a sink or lists of blocks.
static Steps dropParts(ModuleOp module) {
  Steps steps;
  module.walk([&](AttentionOp op) {
    for (Region *region : {&op.getMask(), &op.getScore()})
      if (!region->empty())
        steps.push_back([region] { clear(*region); });
    if (op.getSink())
      steps.push_back([op]() mutable { op.getSinkMutable().clear(); });
    if (op.hasBlockLists())
      steps.push_back([op] { dropBlockLists(op); });
  });
  return steps;
}

/// Drops the logarithms of sums that nobody uses.
static Steps dropLse(ModuleOp module) {
  Steps steps;
  module.walk([&](AttentionOp op) {
    if (!op.getLse() || !op.getLse().use_empty())
      return;
    steps.push_back([op]() mutable {
      OpBuilder builder(op);
      AttentionOp shorter = op.takeWithoutLse(builder);
      op.getOutput().replaceAllUsesWith(shorter.getOutput());
      op.erase();
    });
  });
  return steps;
}

/// Erases operations whose results nobody uses, from the outside to the inside.
static Steps eraseUnused(ModuleOp module) {
  Steps steps;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != module && op->use_empty() &&
        !op->hasTrait<OpTrait::IsTerminator>())
      steps.push_back([op] { op->erase(); });
  });
  return steps;
}

/// Erases an operation that nobody uses, and what it alone has used.
static void eraseWithOperands(Operation *unused) {
  SetVector<Operation *> worklist;
  worklist.insert(unused);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (op != unused && !isOpTriviallyDead(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *definition = operand.getDefiningOp())
        worklist.insert(definition);
    op->erase();
  }
}

/// Puts an operand in the place of an operation.
static Steps forwardOperands(ModuleOp module) {
  Steps steps;
  module.walk([&](Operation *op) {
    if (op->getNumResults() != 1)
      return;
    for (Value operand : op->getOperands())
      if (operand.getType() == op->getResult(0).getType())
        steps.push_back([op, operand] {
          op->getResult(0).replaceAllUsesWith(operand);
          eraseWithOperands(op);
        });
  });
  return steps;
}

/// Drops results and unused arguments of functions.
static Steps dropSignature(ModuleOp module) {
  Steps steps;
  module.walk([&](func::FuncOp function) {
    if (function.isExternal())
      return;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      steps.push_back([function, i]() mutable {
        if (failed(function.eraseResult(i)))
          return;
        function.walk(
            [i](func::ReturnOp op) { op.getOperandsMutable().erase(i); });
      });
    for (BlockArgument argument : function.getArguments())
      if (argument.use_empty())
        steps.push_back([function, argument]() mutable {
          (void)function.eraseArgument(argument.getArgNumber());
        });
  });
  return steps;
}

static bool hasSize(RankedTensorType type, int64_t size) {
  return llvm::is_contained(type.getShape(), size);
}

/// Replaces a size by a smaller one, wherever it stands in a tensor type.
static void replaceSize(ModuleOp module, int64_t from, int64_t to) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([=](RankedTensorType type) -> std::optional<Type> {
    if (!hasSize(type, from))
      return std::nullopt;
    SmallVector<int64_t> shape(type.getShape());
    std::replace(shape.begin(), shape.end(), from, to);
    return type.clone(shape);
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
}

/// Sizes of one, and half of what they are: fewer heads, smaller heads.
static Steps shrinkSizes(ModuleOp module) {
  std::set<int64_t> sizes;
  AttrTypeWalker walker;
  walker.addWalk([&](RankedTensorType type) {
    sizes.insert(type.getShape().begin(), type.getShape().end());
  });
  module.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      walker.walk(type);
    walker.walk(op->getAttrDictionary());
  });
  Steps steps;
  for (int64_t from : sizes)
    for (int64_t to : {int64_t(1), from / 2})
      if (to > 0 && to < from)
        steps.push_back([=] { replaceSize(module, from, to); });
  return steps;
}

static constexpr ListSteps kKinds[] = {eraseUnused,   dropParts,
                                       dropLse,       forwardOperands,
                                       dropSignature, shrinkSizes};

namespace {
class SimplifyProgram
    : public PassWrapper<SimplifyProgram, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SimplifyProgram)

  explicit SimplifyProgram(std::string name = "") { script = std::move(name); }
  SimplifyProgram(const SimplifyProgram &other) : PassWrapper(other) {
    script = other.script.getValue();
  }

  StringRef getArgument() const override { return "simplify-program"; }
  StringRef getDescription() const override {
    return "Make a program smaller as long as a script finds it interesting";
  }

  void runOnOperation() override;

private:
  /// Keeps what the step leads to if that is valid and still interesting.
  bool tryStep(ListSteps list, size_t number);

  Option<std::string> script{
      *this, "test", llvm::cl::desc("The script, called with a file name")};
};
} // namespace

bool SimplifyProgram::tryStep(ListSteps list, size_t number) {
  OwningOpRef<ModuleOp> candidate = getOperation().clone();
  list(*candidate)[number]();
  // What is invalid is no news to the user.
  ScopedDiagnosticHandler quiet(&getContext(),
                                [](Diagnostic &) { return success(); });
  Tester tester(script.getValue(), {});
  if (failed(verify(*candidate)) ||
      tester.isInteresting(*candidate).first != Tester::Interestingness::True)
    return false;
  getOperation().getBodyRegion().takeBody(candidate->getBodyRegion());
  return true;
}

void SimplifyProgram::runOnOperation() {
  if (!llvm::sys::fs::can_execute(script.getValue())) {
    getOperation().emitError("expected a script in option 'test', got '")
        << script << "'";
    return signalPassFailure();
  }
  // Each step leaves less of a module, so this ends.
  for (bool changed = true; changed;) {
    changed = false;
    for (ListSteps list : kKinds)
      for (size_t i = 0; i < list(getOperation()).size();)
        if (tryStep(list, i))
          changed = true;
        else
          ++i;
  }
}

void mlir::attn::registerSimplifyProgramPass() {
  PassRegistration<SimplifyProgram>();
}
