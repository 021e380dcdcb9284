//===- Status.h - Errors as values, in words --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is built without exceptions: what can fail returns a Status or a
// Result, whose message is written for the user.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_STATUS_H
#define ATTN_RUNTIME_STATUS_H

#include <cassert>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace attn::runtime {

/// Why something failed: lower case, no full stop.
struct Failure {
  std::string message;
};

/// The failure whose message is the concatenation of `parts`.
template <typename... Parts> Failure failure(const Parts &...parts) {
  std::ostringstream message;
  (message << ... << parts);
  return {message.str()};
}

/// Success, or a message.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Failure reason) : reason(std::move(reason)) {}

  bool failed() const { return reason.has_value(); }
  const Failure &error() const { return *reason; }
  const std::string &message() const { return reason->message; }

private:
  std::optional<Failure> reason;
};

/// A value, or a message.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value(std::move(value)) {}
  Result(Failure reason) : reason(std::move(reason)) {}

  bool failed() const { return !value.has_value(); }
  const Failure &error() const { return reason; }
  const std::string &message() const { return reason.message; }

  T &operator*() { return *value; }
  const T &operator*() const { return *value; }
  T *operator->() { return &*value; }
  const T *operator->() const { return &*value; }

private:
  std::optional<T> value;
  Failure reason;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_STATUS_H
