//===- AttentionSyntax.cpp - Short forms of masks and modifiers -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A short form is a view of a region: parsing builds the region, and printing
// first checks that the region is what parsing would build.
//
//===----------------------------------------------------------------------===//

#include "AttentionSyntax.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;

ParseResult attn::parseBound(OpAsmParser &parser, IntegerAttr &bound) {
  if (succeeded(parser.parseOptionalKeyword("inf")))
    return success();
  int64_t value;
  if (parser.parseInteger(value))
    return failure();
  bound = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

void attn::printBound(OpAsmPrinter &printer, Operation *op, IntegerAttr bound) {
  if (bound)
    printer << bound.getInt();
  else
    printer << "inf";
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {

/// What the parsers of the short forms of masks and modifiers share.
class ShortFormParser {
protected:
  ShortFormParser(OpAsmParser &parser, Block *block)
      : parser(parser), builder(parser.getContext()), block(block) {
    builder.setInsertionPointToEnd(block);
  }

  Location getLoc() {
    return parser.getEncodedSourceLoc(parser.getCurrentLocation());
  }

  /// `(` ssa-use `:` type `)`
  ParseResult parseTensor(Value &tensor) {
    OpAsmParser::UnresolvedOperand operand;
    Type type;
    SmallVector<Value, 1> values;
    if (parser.parseLParen() || parser.parseOperand(operand) ||
        parser.parseColonType(type) || parser.parseRParen() ||
        parser.resolveOperand(operand, type, values))
      return failure();
    tensor = values.front();
    return success();
  }

  /// `<` integer `>`
  ParseResult parseInteger(int64_t &value) {
    return failure(parser.parseLess() || parser.parseInteger(value) ||
                   parser.parseGreater());
  }

  OpAsmParser &parser;
  OpBuilder builder;
  Block *block;
};

class MaskParser : ShortFormParser {
public:
  MaskParser(OpAsmParser &parser, Block *block)
      : ShortFormParser(parser, block), b(block->getArgument(0)),
        p(block->getArgument(2)), j(block->getArgument(3)) {}

  /// `(` or `)`
  ParseResult parse() {
    Location loc = getLoc();
    Value keep;
    if (parser.parseLParen() || parseOr(keep) || parser.parseRParen())
      return failure();
    YieldOp::create(builder, loc, keep);
    return success();
  }

private:
  ParseResult parseOr(Value &keep) {
    if (parseAnd(keep))
      return failure();
    Location loc = getLoc();
    while (succeeded(parser.parseOptionalKeyword("or"))) {
      Value right;
      if (parseAnd(right))
        return failure();
      keep = arith::OrIOp::create(builder, loc, keep, right);
      loc = getLoc();
    }
    return success();
  }

  ParseResult parseAnd(Value &keep) {
    if (parseNot(keep))
      return failure();
    Location loc = getLoc();
    while (succeeded(parser.parseOptionalKeyword("and"))) {
      Value right;
      if (parseNot(right))
        return failure();
      keep = arith::AndIOp::create(builder, loc, keep, right);
      loc = getLoc();
    }
    return success();
  }

  ParseResult parseNot(Value &keep) {
    Location loc = getLoc();
    if (succeeded(parser.parseOptionalKeyword("not"))) {
      if (parseNot(keep))
        return failure();
      Value yes =
          arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
      keep = arith::XOrIOp::create(builder, loc, keep, yes);
      return success();
    }
    if (succeeded(parser.parseOptionalLParen()))
      return failure(parseOr(keep) || parser.parseRParen());
    return parseLeaf(keep);
  }

  ParseResult parseLeaf(Value &keep) {
    SMLoc start = parser.getCurrentLocation();
    Location loc = getLoc();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    if (name == "causal") {
      keep = CausalOp::create(builder, loc, p, j);
      return success();
    }
    if (name == "window")
      return parseWindow(loc, keep);
    if (name == "first") {
      int64_t count;
      if (parseInteger(count))
        return failure();
      keep = FirstOp::create(builder, loc, j, count);
      return success();
    }
    if (name == "chunk") {
      int64_t size;
      if (parseInteger(size))
        return failure();
      keep = ChunkOp::create(builder, loc, p, j, size);
      return success();
    }
    if (name == "prefix") {
      Value lengths;
      if (parseTensor(lengths))
        return failure();
      keep = PrefixOp::create(builder, loc, lengths, b, j);
      return success();
    }
    if (name == "document") {
      Value ids;
      if (parseTensor(ids))
        return failure();
      keep = DocumentOp::create(builder, loc, ids, b, p, j);
      return success();
    }
    return parser.emitError(start, "expected 'causal', 'window', 'first', "
                                   "'chunk', 'prefix' or 'document', got '")
           << name << "'";
  }

  /// `<` bound `,` bound `>`
  ParseResult parseWindow(Location loc, Value &keep) {
    IntegerAttr left, right;
    if (parser.parseLess() || parseBound(parser, left) || parser.parseComma() ||
        parseBound(parser, right) || parser.parseGreater())
      return failure();
    keep = WindowOp::create(builder, loc, p, j, left, right);
    return success();
  }

  Value b, p, j;
};

class ScoreParser : ShortFormParser {
public:
  ScoreParser(OpAsmParser &parser, Block *block)
      : ShortFormParser(parser, block), x(block->getArgument(0)) {}

  /// `(` modifier (`,` modifier)* `)`
  ParseResult parse() {
    Location loc = getLoc();
    if (parser.parseLParen())
      return failure();
    do {
      if (parseModifier())
        return failure();
    } while (succeeded(parser.parseOptionalComma()));
    if (parser.parseRParen())
      return failure();
    YieldOp::create(builder, loc, x);
    return success();
  }

private:
  ParseResult parseModifier() {
    SMLoc start = parser.getCurrentLocation();
    Location loc = getLoc();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    if (name == "softcap") {
      double cap;
      if (parser.parseLess() || parser.parseFloat(cap) || parser.parseGreater())
        return failure();
      x = SoftcapOp::create(builder, loc, x, builder.getF32FloatAttr(cap));
      return success();
    }
    if (name == "alibi") {
      Value slopes;
      if (parseTensor(slopes))
        return failure();
      x = AlibiOp::create(builder, loc, x, slopes, block->getArgument(2),
                          block->getArgument(3), block->getArgument(4));
      return success();
    }
    return parser.emitError(start, "expected 'softcap' or 'alibi', got '")
           << name << "'";
  }

  /// The score so far.
  Value x;
};

} // namespace

OptionalParseResult attn::parseMask(OpAsmParser &parser, Region &mask) {
  Location loc = parser.getEncodedSourceLoc(parser.getCurrentLocation());
  if (failed(parser.parseOptionalKeyword("mask")))
    return std::nullopt;
  OptionalParseResult region = parser.parseOptionalRegion(mask);
  if (region.has_value())
    return region;
  return MaskParser(parser, AttentionOp::createMaskBlock(mask, loc)).parse();
}

OptionalParseResult attn::parseScore(OpAsmParser &parser, Region &score) {
  Location loc = parser.getEncodedSourceLoc(parser.getCurrentLocation());
  if (failed(parser.parseOptionalKeyword("score")))
    return std::nullopt;
  OptionalParseResult region = parser.parseOptionalRegion(score);
  if (region.has_value())
    return region;
  return ScoreParser(parser, AttentionOp::createScoreBlock(score, loc)).parse();
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

/// Whether `op` is a mask on the block's own arguments, as the short form has
/// it.
static bool takesArguments(Operation *op, Block &block) {
  Value b = block.getArgument(0);
  Value p = block.getArgument(2);
  Value j = block.getArgument(3);
  return TypeSwitch<Operation *, bool>(op)
      .Case<CausalOp, WindowOp, ChunkOp>(
          [&](auto mask) { return mask.getP() == p && mask.getJ() == j; })
      .Case([&](FirstOp mask) { return mask.getJ() == j; })
      .Case([&](PrefixOp mask) { return mask.getB() == b && mask.getJ() == j; })
      .Case([&](DocumentOp mask) {
        return mask.getB() == b && mask.getP() == p && mask.getJ() == j;
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

static bool hasShortForm(Block &block, ArrayRef<Operation *> ops) {
  auto rest = llvm::make_filter_range(
      block.without_terminator(), [](Operation &op) { return !isTrue(op); });
  return llvm::equal(llvm::make_pointer_range(rest), ops);
}

static void printTensor(OpAsmPrinter &printer, Value tensor) {
  printer << "(" << tensor << " : " << tensor.getType() << ")";
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
      });
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
  if (!collectMask(keep, block, ops) || !hasShortForm(block, ops))
    return printRegion(printer, mask);
  printer << "(";
  printExpression(printer, keep, OR);
  printer << ")";
}

/// Collects the modifiers that lead from the score to `x`, in order. False
/// where some op has no short form.
static bool collectScore(Value x, Block &block,
                         SmallVectorImpl<Operation *> &ops) {
  while (Operation *op = x.getDefiningOp()) {
    ops.push_back(op);
    auto alibi = dyn_cast<AlibiOp>(op);
    if (alibi)
      x = alibi.getX();
    else if (auto softcap = dyn_cast<SoftcapOp>(op))
      x = softcap.getX();
    else
      return false;
    if (!op->getDiscardableAttrs().empty() ||
        (alibi && (alibi.getH() != block.getArgument(2) ||
                   alibi.getP() != block.getArgument(3) ||
                   alibi.getJ() != block.getArgument(4))))
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
      !hasShortForm(block, ops))
    return printRegion(printer, score);
  printer << "(";
  llvm::interleaveComma(ops, printer, [&](Operation *modifier) {
    if (auto softcap = dyn_cast<SoftcapOp>(modifier)) {
      printer << "softcap<";
      printer.printAttributeWithoutType(softcap.getCapAttr());
      printer << ">";
      return;
    }
    printer << "alibi";
    printTensor(printer, cast<AlibiOp>(modifier).getSlopes());
  });
  printer << ")";
}
