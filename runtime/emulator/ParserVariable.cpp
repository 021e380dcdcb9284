//===- ParserVariable.cpp - Reads the text of PTX: variables --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// Bounds what hostile text can make the emulator allocate.
static constexpr uint64_t maxVariable = uint64_t(1) << 28;

/// The size in bytes of a fundamental type, or nothing.
static std::optional<uint64_t> typeSize(const std::string &type) {
  if (type == ".pred")
    return 1;
  if (type.size() < 3 || type[0] != '.' ||
      std::string("busf").find(type[1]) == std::string::npos)
    return std::nullopt;
  for (unsigned bits : {8, 16, 32, 64})
    if (type.substr(2) == std::to_string(bits))
      return bits / 8;
  return std::nullopt;
}

/// The memory that a variable is in, where one is named here.
std::optional<Space> Parser::takeSpace() {
  if (takeIf(".shared"))
    return Space::Shared;
  if (takeIf(".global"))
    return Space::Global;
  if (takeIf(".const"))
    return Space::Constant;
  if (takeIf(".local"))
    return Space::Local;
  if (takeIf(".param"))
    return Space::Parameter;
  return std::nullopt;
}

/// Variables of one type, up to the semicolon.
Status Parser::parseVariables(Space space, bool isExternal,
                              std::vector<Variable> &variables) {
  Variable variable;
  variable.space = space;
  variable.isExternal = isExternal;
  if (Status status = parseType(variable, /*isParameter=*/false);
      status.failed())
    return status;
  do {
    Variable one = variable;
    one.line = peek().line;
    one.name = take().text;
    if (Status status = parseArraySize(one); status.failed())
      return status;
    if (takeIf("="))
      if (Status status = parseInitialiser(one); status.failed())
        return status;
    variables.push_back(std::move(one));
  } while (takeIf(","));
  return expect(";");
}

Status Parser::parseVariable(Variable &variable, bool isParameter) {
  if (Status status = parseType(variable, isParameter); status.failed())
    return status;
  variable.line = peek().line;
  variable.name = take().text;
  return parseArraySize(variable);
}

Status Parser::parseType(Variable &variable, bool isParameter) {
  while (!peek().text.empty() && peek().text[0] == '.') {
    if (takeIf(".align")) {
      Result<int64_t> value = parseCount(/*least=*/1);
      if (value.failed())
        return value.error();
      if (*value & (*value - 1))
        return lineFailure(
            module.lines, peek().line,
            "expected an alignment that is a power of two, got " +
                std::to_string(*value));
      // `.ptr .global .align 1` speaks of what a pointer leads to.
      if (!variable.elementSize)
        variable.alignment = *value;
    } else if (auto size = typeSize(peek().text)) {
      variable.type = take().text;
      variable.elementSize = *size;
    } else if (!isParameter ||
               !(takeIf(".ptr") || takeIf(".global") || takeIf(".const") ||
                 takeIf(".local") || takeIf(".shared"))) {
      return unexpected("a type");
    }
  }
  if (!variable.elementSize)
    return unexpected("a type");
  variable.size = variable.elementSize;
  variable.alignment = std::max(variable.alignment, variable.elementSize);
  return {};
}

Status Parser::parseArraySize(Variable &variable) {
  while (takeIf("[")) {
    // The size follows from the launch, or from the values.
    if (takeIf("]")) {
      variable.size = 0;
      continue;
    }
    Result<int64_t> count = parseCount(/*least=*/0);
    if (count.failed())
      return count.error();
    variable.size *= *count;
    if (variable.size > maxVariable)
      return unexpected("a variable of at most 2^28 bytes");
    if (Status status = expect("]"); status.failed())
      return status;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Status Parser::parseInitialiser(Variable &variable) {
  if (variable.space != Space::Global && variable.space != Space::Constant)
    return unexpected("';'");
  bool isList = peek().text == "{";
  Status status =
      isList ? parseValues(variable, /*depth=*/0) : parseValue(variable);
  if (status.failed())
    return status;
  uint64_t bytes = variable.values.size() * variable.elementSize;
  if (variable.size == 0)
    variable.size = bytes;
  if (bytes > variable.size)
    return unexpected("no more values than the variable has elements");
  return {};
}

/// `{1, {2, 3}, ...}`. The rows of an array are not filled up.
Status Parser::parseValues(Variable &variable, unsigned depth) {
  if (Status status = expect("{"); status.failed())
    return status;
  do {
    bool isList = peek().text == "{";
    if (isList && depth == 8)
      return unexpected("a value");
    Status status =
        isList ? parseValues(variable, depth + 1) : parseValue(variable);
    if (status.failed())
      return status;
  } while (takeIf(","));
  return expect("}");
}

/// A number, `variable`, `generic(variable)` or `variable+4`.
Status Parser::parseValue(Variable &variable) {
  InitialValue value;
  value.isGeneric = peek().text == "generic" && peek(1).text == "(";
  if (value.isGeneric) {
    take();
    take();
  }
  SourceOperand operand;
  if (Status status = parseSimpleOperand(operand); status.failed())
    return status;
  value.isNumber = operand.kind == SourceOperand::Kind::Immediate;
  value.text = operand.text;
  if (value.isGeneric)
    if (Status status = expect(")"); status.failed())
      return status;
  if (!value.isNumber && takeIf("+")) {
    Result<int64_t> offset = parseInteger();
    if (offset.failed())
      return offset.error();
    value.offset = *offset;
  }
  variable.values.push_back(std::move(value));
  return {};
}
