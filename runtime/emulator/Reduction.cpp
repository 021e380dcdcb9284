//===- Reduction.cpp - Operations on elements of memory -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reduction.h"

#include "attn/Runtime/Float.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <type_traits>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

std::optional<Reduction::Op> Reduction::parseOp(const std::string &op) {
  static const std::map<std::string, Op> ops = {
      {"add", Op::Add}, {"min", Op::Min}, {"max", Op::Max}, {"inc", Op::Inc},
      {"dec", Op::Dec}, {"and", Op::And}, {"or", Op::Or},   {"xor", Op::Xor}};
  auto found = ops.find(op);
  if (found == ops.end())
    return std::nullopt;
  return found->second;
}

/// The types that an operation is for, after the PTX manual.
static bool isLegal(Reduction::Op op, Reduction::Type type, bool isBits) {
  using Op = Reduction::Op;
  using Type = Reduction::Type;
  switch (op) {
  case Op::Add:
    return !isBits && type != Type::S64;
  case Op::Min:
  case Op::Max:
    return !isBits && type != Type::F32 && type != Type::F64;
  case Op::Inc:
  case Op::Dec:
    return !isBits && type == Type::U32;
  default:
    return isBits;
  }
}

std::optional<Reduction> Reduction::parse(const std::string &op,
                                          const std::string &type) {
  static const std::map<std::string, Type> types = {
      {"u32", Type::U32}, {"s32", Type::S32}, {"u64", Type::U64},
      {"s64", Type::S64}, {"f16", Type::F16}, {"bf16", Type::BF16},
      {"f32", Type::F32}, {"f64", Type::F64}, {"b32", Type::U32},
      {"b64", Type::U64}};
  std::optional<Op> parsed = parseOp(op);
  auto found = types.find(type);
  if (!parsed || found == types.end() ||
      !isLegal(*parsed, found->second, type[0] == 'b' && type != "bf16"))
    return std::nullopt;
  return Reduction{*parsed, found->second};
}

std::optional<Reduction> Reduction::of(Op op, ElementType type) {
  Type own = type == ElementType::F32    ? Type::F32
             : type == ElementType::BF16 ? Type::BF16
                                         : Type::F16;
  if (!isLegal(op, own, /*isBits=*/false))
    return std::nullopt;
  return Reduction{op, own};
}

uint32_t Reduction::elementBytes() const {
  switch (type) {
  case Type::F16:
  case Type::BF16:
    return 2;
  case Type::U32:
  case Type::S32:
  case Type::F32:
    return 4;
  default:
    return 8;
  }
}

//===----------------------------------------------------------------------===//
// Application
//===----------------------------------------------------------------------===//

template <typename T> static T combineIntegers(Reduction::Op op, T a, T b) {
  using Unsigned = std::make_unsigned_t<T>;
  switch (op) {
  case Reduction::Op::Add:
    return static_cast<T>(Unsigned(a) + Unsigned(b));
  case Reduction::Op::Min:
    return std::min(a, b);
  case Reduction::Op::Max:
    return std::max(a, b);
  case Reduction::Op::Inc:
    return a >= b ? 0 : a + 1;
  case Reduction::Op::Dec:
    return a == 0 || a > b ? b : a - 1;
  case Reduction::Op::And:
    return a & b;
  case Reduction::Op::Or:
    return a | b;
  case Reduction::Op::Xor:
    return a ^ b;
  }
  return a;
}

static double combineFloats(Reduction::Op op, double a, double b) {
  if (op == Reduction::Op::Add)
    return a + b;
  return op == Reduction::Op::Min ? std::fmin(a, b) : std::fmax(a, b);
}

/// Replaces an element by what `combine` makes of it and of the source.
template <typename T, typename Combine>
static void applyTo(uint8_t *destination, const uint8_t *source, size_t bytes,
                    Combine combine) {
  using Bits = std::conditional_t<
      sizeof(T) == 2, uint16_t,
      std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
  for (size_t at = 0; at + sizeof(T) <= bytes; at += sizeof(T)) {
    auto *target = reinterpret_cast<Bits *>(destination + at);
    Bits old = __atomic_load_n(target, __ATOMIC_RELAXED), changed;
    do {
      T a, b;
      std::memcpy(&a, &old, sizeof(T));
      std::memcpy(&b, source + at, sizeof(T));
      T result = combine(a, b);
      std::memcpy(&changed, &result, sizeof(T));
    } while (!__atomic_compare_exchange_n(target, &old, changed, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  }
}

void Reduction::apply(uint8_t *destination, const uint8_t *source,
                      size_t bytes) const {
  auto integers = [this](auto a, auto b) { return combineIntegers(op, a, b); };
  switch (type) {
  case Type::U32:
    return applyTo<uint32_t>(destination, source, bytes, integers);
  case Type::S32:
    return applyTo<int32_t>(destination, source, bytes, integers);
  case Type::U64:
    return applyTo<uint64_t>(destination, source, bytes, integers);
  case Type::S64:
    return applyTo<int64_t>(destination, source, bytes, integers);
  case Type::F16:
    return applyTo<uint16_t>(
        destination, source, bytes, [this](uint16_t a, uint16_t b) {
          return toF16(combineFloats(op, fromF16(a), fromF16(b)));
        });
  case Type::BF16:
    return applyTo<uint16_t>(
        destination, source, bytes, [this](uint16_t a, uint16_t b) {
          return toBF16(combineFloats(op, fromBF16(a), fromBF16(b)));
        });
  // The PTX manual would have sums of fp32 without subnormal numbers, but an
  // H200 keeps them.
  case Type::F32:
    return applyTo<float>(destination, source, bytes,
                          [](float a, float b) { return a + b; });
  case Type::F64:
    return applyTo<double>(destination, source, bytes,
                           [](double a, double b) { return a + b; });
  }
}
