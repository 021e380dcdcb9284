//===- AttentionSyntax.h - Short forms of masks and modifiers ---*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The custom directives of the dialect's assembly formats.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONSYNTAX_H
#define ATTN_ATTENTION_ATTENTIONSYNTAX_H

#include "mlir/IR/OpImplementation.h"

namespace mlir::attn {

/// `inf`, which is the absent attribute, or an integer.
ParseResult parseBound(OpAsmParser &parser, IntegerAttr &bound);
void printBound(OpAsmPrinter &printer, Operation *op, IntegerAttr bound);

/// `mask(causal and window<1023, 0>)`, `mask { ... }` or nothing.
OptionalParseResult parseMask(OpAsmParser &parser, Region &mask);
void printMask(OpAsmPrinter &printer, Operation *op, Region &mask);

/// `score(softcap<50.0>)`, `score { ... }` or nothing.
OptionalParseResult parseScore(OpAsmParser &parser, Region &score);
void printScore(OpAsmPrinter &printer, Operation *op, Region &score);

} // namespace mlir::attn

#endif // ATTN_ATTENTION_ATTENTIONSYNTAX_H
