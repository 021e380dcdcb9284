//===- TiledReads.h - Reads that a tile can stand for -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_TILEDREADS_H
#define ATTN_ANALYSIS_TILEDREADS_H

#include "mlir/IR/ValueRange.h"

namespace mlir::attn {

/// The axis of the queries of a read that has one element for each score, those
/// of a query side by side; nothing of any other read. Elements have 16 bits,
/// the last index is the position `key`, and one of the others is `query`, both
/// perhaps through integers of other widths; `isShared` holds for the rest,
/// which are the same for all scores.
std::optional<int64_t> findQueryAxis(ValueRange indices, Type element,
                                     Value query, Value key,
                                     function_ref<bool(Value)> isShared);

} // namespace mlir::attn

#endif // ATTN_ANALYSIS_TILEDREADS_H
