//===- AttentionPrinter.cpp - Regions to short forms ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A region is printed in its short form where it is what the parser would build
// from it.
//
//===----------------------------------------------------------------------===//

#include "AttentionSyntax.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;

void attn::printBound(OpAsmPrinter &printer, Operation *op, IntegerAttr bound) {
  if (bound)
    printer << bound.getInt();
  else
    printer << "inf";
}

/// Whether `op` is a mask on the block's own arguments, as the short form has
/// it.
static bool takesArguments(Operation *op, Block &block) {
  Value b = block.getArgument(0);
  Value p = block.getArgument(2);
  Value j = block.getArgument(3);
  Value i = block.getNumArguments() > 4 ? block.getArgument(4) : Value();
  return TypeSwitch<Operation *, bool>(op)
      .Case<CausalOp, WindowOp, ChunkOp, DilatedOp>(
          [&](auto mask) { return mask.getP() == p && mask.getJ() == j; })
      .Case<FirstOp, ColumnOp>([&](auto mask) { return mask.getJ() == j; })
      .Case([&](PrefixOp mask) { return mask.getB() == b && mask.getJ() == j; })
      .Case<DocumentOp, SpanOp>([&](auto mask) {
        return mask.getB() == b && mask.getP() == p && mask.getJ() == j;
      })
      .Case<BitsOp, TreeOp>([&](auto mask) {
        return mask.getB() == b && mask.getI() == i && mask.getJ() == j;
      })
      .Default(false);
}

static bool isTrue(Operation &op) {
  return matchPattern(&op, m_One()) && op.getResult(0).getType().isInteger(1);
}

/// Collects the ops of the expression that defines `keep` in the order in
/// which parsing builds them, without the `true` of each `not`. False where
/// some op has no short form.
static bool collectMask(Value keep, Block &block,
                        SmallVectorImpl<Operation *> &ops) {
  Operation *op = keep.getDefiningOp();
  // An op that is used twice is collected twice, and found out by its count.
  if (!op || op->getBlock() != &block ||
      ops.size() > block.getOperations().size() ||
      !op->getDiscardableAttrs().empty())
    return false;
  bool fits;
  if (isa<arith::AndIOp, arith::OrIOp>(op))
    fits = collectMask(op->getOperand(0), block, ops) &&
           collectMask(op->getOperand(1), block, ops);
  else if (isa<arith::XOrIOp>(op))
    fits = matchPattern(op->getOperand(1), m_One()) &&
           collectMask(op->getOperand(0), block, ops);
  else
    fits = takesArguments(op, block);
  ops.push_back(op);
  return fits;
}

/// The short form has a number of the query, the last of the `usual + 1`
/// arguments, where something uses it.
static bool hasShortForm(Block &block, unsigned usual,
                         ArrayRef<Operation *> ops) {
  bool hasNumber = block.getNumArguments() > usual;
  if (hasNumber && block.getArgument(usual).use_empty())
    return false;
  auto rest = llvm::make_filter_range(
      block.without_terminator(), [](Operation &op) { return !isTrue(op); });
  return llvm::equal(llvm::make_pointer_range(rest), ops);
}

static void printTensor(OpAsmPrinter &printer, Value tensor) {
  printer << "(" << tensor << " : " << tensor.getType() << ")";
}

static void printRareLeaf(OpAsmPrinter &printer, Operation *op) {
  TypeSwitch<Operation *>(op)
      .Case([&](DilatedOp op) {
        printer << "dilated<" << static_cast<int64_t>(op.getStep()) << ">";
      })
      .Case([&](ColumnOp op) {
        printer << "column<" << static_cast<int64_t>(op.getStretch()) << ", "
                << static_cast<int64_t>(op.getCount()) << ">";
      })
      .Case([&](SpanOp op) {
        printer << "span";
        printTensor(printer, op.getIds());
      })
      .Case([&](BitsOp op) {
        printer << "bits";
        printTensor(printer, op.getWords());
      })
      .Case([&](TreeOp op) {
        printer << "tree(" << op.getLengths() << " : "
                << op.getLengths().getType() << ", " << op.getAncestors()
                << " : " << op.getAncestors().getType() << ")";
      });
}

/// How tightly an expression binds.
enum Precedence { OR, AND, NOT };

static void printExpression(OpAsmPrinter &printer, Value keep,
                            Precedence least) {
  auto printJoined = [&](Operation *op, Precedence own, StringRef word) {
    if (own < least)
      printer << "(";
    printExpression(printer, op->getOperand(0), own);
    printer << " " << word << " ";
    // Equal words associate to the left.
    printExpression(printer, op->getOperand(1),
                    static_cast<Precedence>(own + 1));
    if (own < least)
      printer << ")";
  };
  TypeSwitch<Operation *>(keep.getDefiningOp())
      .Case([&](arith::OrIOp op) { printJoined(op, OR, "or"); })
      .Case([&](arith::AndIOp op) { printJoined(op, AND, "and"); })
      .Case([&](arith::XOrIOp op) {
        printer << "not ";
        printExpression(printer, op.getLhs(), NOT);
      })
      .Case([&](CausalOp) { printer << "causal"; })
      .Case([&](WindowOp op) {
        printer << "window<";
        printBound(printer, op, op.getLeftAttr());
        printer << ", ";
        printBound(printer, op, op.getRightAttr());
        printer << ">";
      })
      .Case([&](FirstOp op) {
        printer << "first<" << static_cast<int64_t>(op.getCount()) << ">";
      })
      .Case([&](ChunkOp op) {
        printer << "chunk<" << static_cast<int64_t>(op.getSize()) << ">";
      })
      .Case([&](PrefixOp op) {
        printer << "prefix";
        printTensor(printer, op.getLengths());
      })
      .Case([&](DocumentOp op) {
        printer << "document";
        printTensor(printer, op.getIds());
      })
      .Default([&](Operation *op) { printRareLeaf(printer, op); });
}

static void printRegion(OpAsmPrinter &printer, Region &region) {
  printer << " ";
  printer.printRegion(region);
}

void attn::printMask(OpAsmPrinter &printer, Operation *op, Region &mask) {
  printer << "mask";
  Block &block = mask.front();
  Value keep = cast<YieldOp>(block.back()).getValue();
  SmallVector<Operation *> ops;
  if (!collectMask(keep, block, ops) || !hasShortForm(block, 4, ops))
    return printRegion(printer, mask);
  printer << "(";
  printExpression(printer, keep, OR);
  printer << ")";
}

/// The score that a modifier changes, where it takes the block's own
/// arguments; otherwise null.
static Value getModified(Operation *op, Block &block) {
  if (auto softcap = dyn_cast<SoftcapOp>(op))
    return softcap.getX();
  if (auto alibi = dyn_cast<AlibiOp>(op))
    return alibi.getH() == block.getArgument(2) &&
                   alibi.getP() == block.getArgument(3) &&
                   alibi.getJ() == block.getArgument(4)
               ? alibi.getX()
               : Value();
  auto bias = dyn_cast<BiasOp>(op);
  return bias && bias.getB() == block.getArgument(1) &&
                 bias.getH() == block.getArgument(2) &&
                 bias.getI() == block.getArguments().back() &&
                 bias.getJ() == block.getArgument(4)
             ? bias.getX()
             : Value();
}

/// Collects the modifiers that lead from the score to `x`, in order. False
/// where some op has no short form.
static bool collectScore(Value x, Block &block,
                         SmallVectorImpl<Operation *> &ops) {
  while (Operation *op = x.getDefiningOp()) {
    ops.push_back(op);
    x = getModified(op, block);
    if (!x || !op->getDiscardableAttrs().empty())
      return false;
  }
  std::reverse(ops.begin(), ops.end());
  return x == block.getArgument(0) && !ops.empty();
}

void attn::printScore(OpAsmPrinter &printer, Operation *op, Region &score) {
  printer << "score";
  Block &block = score.front();
  SmallVector<Operation *> ops;
  if (!collectScore(cast<YieldOp>(block.back()).getValue(), block, ops) ||
      !hasShortForm(block, 5, ops))
    return printRegion(printer, score);
  printer << "(";
  llvm::interleaveComma(ops, printer, [&](Operation *modifier) {
    if (auto softcap = dyn_cast<SoftcapOp>(modifier)) {
      printer << "softcap<";
      printer.printAttributeWithoutType(softcap.getCapAttr());
      printer << ">";
      return;
    }
    if (auto alibi = dyn_cast<AlibiOp>(modifier)) {
      printer << "alibi";
      return printTensor(printer, alibi.getSlopes());
    }
    printer << "bias";
    printTensor(printer, cast<BiasOp>(modifier).getBias());
  });
  printer << ")";
}
