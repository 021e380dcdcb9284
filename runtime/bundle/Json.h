//===- Json.h - The JSON of a manifest --------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JSON without null and without fractions: what a manifest needs. A number is a
// 64-bit integer, nesting is bounded, a key occurs once in its object.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_BUNDLE_JSON_H
#define ATTN_RUNTIME_BUNDLE_JSON_H

#include "attn/Runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attn::runtime::json {

struct Value {
  enum class Kind { Boolean, Integer, String, Array, Object };
  Kind kind = Kind::Boolean;
  bool boolean = false;
  int64_t integer = 0;
  std::string string;
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> members;
};

/// Reads one value, and nothing behind it but space.
Result<Value> parse(std::string_view text);

} // namespace attn::runtime::json

#endif // ATTN_RUNTIME_BUNDLE_JSON_H
