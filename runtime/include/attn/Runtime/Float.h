//===- Float.h - Conversions between number formats -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions into bfloat16 and half precision round once, to the nearest and
// to even on a tie, from any double. Conversions out of them are exact.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_FLOAT_H
#define ATTN_RUNTIME_FLOAT_H

#include "attn/Runtime/LaunchPlan.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace attn::runtime {

uint16_t toBF16(double value);
uint16_t toF16(double value);
double fromBF16(uint16_t bits);
double fromF16(uint16_t bits);

/// The size of an element in bytes.
size_t elementSize(ElementType type);

/// Whether elements are integers; a double holds those up to 2^53.
bool isInteger(ElementType type);

/// The name of the type as a program spells it, e.g. "bf16".
const char *elementName(ElementType type);
std::optional<ElementType> elementTypeNamed(std::string_view name);

/// Reads and writes element `index` of a dense array of `type`.
double loadElement(ElementType type, const void *data, size_t index);
void storeElement(ElementType type, void *data, size_t index, double value);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_FLOAT_H
