//===- AttentionParser.cpp - Short forms to regions -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionSyntax.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

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

  /// ssa-use `:` type
  ParseResult parseTypedOperand(Value &tensor) {
    OpAsmParser::UnresolvedOperand operand;
    Type type;
    SmallVector<Value, 1> values;
    if (parser.parseOperand(operand) || parser.parseColonType(type) ||
        parser.resolveOperand(operand, type, values))
      return failure();
    tensor = values.front();
    return success();
  }

  /// `(` ssa-use `:` type `)`
  ParseResult parseTensor(Value &tensor) {
    return failure(parser.parseLParen() || parseTypedOperand(tensor) ||
                   parser.parseRParen());
  }

  /// `<` integer `>`
  ParseResult parseInteger(int64_t &value) {
    return failure(parser.parseLess() || parser.parseInteger(value) ||
                   parser.parseGreater());
  }

  /// The number of the query, an argument that few regions need.
  Value getQueryNumber(unsigned position) {
    if (block->getNumArguments() == position)
      block->addArgument(builder.getIndexType(), getLoc());
    return block->getArgument(position);
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
    return parseRareLeaf(start, loc, name, keep);
  }

  ParseResult parseRareLeaf(SMLoc start, Location loc, StringRef name,
                            Value &keep) {
    if (name == "dilated") {
      int64_t step;
      if (parseInteger(step))
        return failure();
      keep = DilatedOp::create(builder, loc, p, j, step);
      return success();
    }
    if (name == "column") {
      int64_t stretch, count;
      if (parser.parseLess() || parser.parseInteger(stretch) ||
          parser.parseComma() || parser.parseInteger(count) ||
          parser.parseGreater())
        return failure();
      keep = ColumnOp::create(builder, loc, j, stretch, count);
      return success();
    }
    if (name == "span") {
      Value ids;
      if (parseTensor(ids))
        return failure();
      keep = SpanOp::create(builder, loc, ids, b, p, j);
      return success();
    }
    if (name == "bits") {
      Value words;
      if (parseTensor(words))
        return failure();
      keep = BitsOp::create(builder, loc, words, b, getQueryNumber(4), j);
      return success();
    }
    if (name == "tree") {
      Value lengths, ancestors;
      if (parser.parseLParen() || parseTypedOperand(lengths) ||
          parser.parseComma() || parseTypedOperand(ancestors) ||
          parser.parseRParen())
        return failure();
      keep = TreeOp::create(builder, loc, lengths, ancestors, b,
                            getQueryNumber(4), j);
      return success();
    }
    return parser.emitError(start, "expected 'causal', 'window', 'first', "
                                   "'chunk', 'prefix', 'document', 'dilated', "
                                   "'column', 'span', 'bits' or 'tree', got '")
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
    if (name == "bias") {
      Value bias;
      if (parseTensor(bias))
        return failure();
      x = BiasOp::create(builder, loc, x, bias, block->getArgument(1),
                         block->getArgument(2), getQueryNumber(5),
                         block->getArgument(4));
      return success();
    }
    return parser.emitError(start,
                            "expected 'softcap', 'alibi' or 'bias', got '")
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
