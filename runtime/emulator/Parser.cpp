//===- Parser.cpp - Reads the text of PTX: modules, functions -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <algorithm>
#include <charconv>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// Bounds what hostile text can make the decoder allocate.
static constexpr int64_t maxCount = 1 << 20;

std::string
attn::runtime::emulator::lineText(const std::vector<std::string> &lines,
                                  uint32_t line) {
  if (line == 0 || line > lines.size())
    return "";
  const std::string &text = lines[line - 1];
  size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos)
    return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

Failure
attn::runtime::emulator::lineFailure(const std::vector<std::string> &lines,
                                     uint32_t line,
                                     const std::string &message) {
  constexpr size_t quoted = 160;
  std::string text = lineText(lines, line);
  if (text.size() > quoted)
    text = text.substr(0, quoted) + "...";
  return failure("PTX line ", line, ": ", message, "\n  ", text);
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

Parser::Parser(const std::string &text) {
  size_t begin = 0;
  while (begin <= text.size()) {
    size_t end = std::min(text.find('\n', begin), text.size());
    module.lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  Result<std::vector<Token>> result = tokenize(text, module.lines);
  if (result.failed())
    lexed = result.error();
  else
    tokens = std::move(*result);
}

const Token &Parser::peek(size_t ahead) const {
  return tokens[std::min(position + ahead, tokens.size() - 1)];
}

Token Parser::take() {
  Token token = peek();
  if (position + 1 < tokens.size())
    ++position;
  return token;
}

bool Parser::takeIf(const char *text) {
  if (peek().text != text)
    return false;
  take();
  return true;
}

Failure Parser::unexpected(const std::string &rule) const {
  const Token &token = peek();
  std::string got =
      token.text.empty() ? "the end of the text" : "'" + token.text + "'";
  return lineFailure(module.lines, token.line,
                     "expected " + rule + ", got " + got);
}

Status Parser::expect(const char *text) {
  if (!takeIf(text))
    return unexpected("'" + std::string(text) + "'");
  return {};
}

Result<int64_t> Parser::parseInteger() {
  bool negative = takeIf("-");
  const std::string &text = peek().text;
  int base = 10;
  size_t skip = 0;
  if (text.compare(0, 2, "0x") == 0 || text.compare(0, 2, "0X") == 0) {
    base = 16;
    skip = 2;
  }
  uint64_t value = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data() + skip, end, value, base);
  if (error != std::errc() || (stop != end && std::string(stop) != "U"))
    return unexpected("an integer");
  take();
  return static_cast<int64_t>(negative ? 0 - value : value);
}

/// An integer that says how much memory is to be set aside.
Result<int64_t> Parser::parseCount(int64_t least) {
  uint32_t line = peek().line;
  Result<int64_t> value = parseInteger();
  if (!value.failed() && (*value < least || *value > maxCount))
    return lineFailure(module.lines, line,
                       "expected a number from " + std::to_string(least) +
                           " to 2^20, got " + std::to_string(*value));
  return value;
}

/// Numbers between commas that say nothing here.
Status Parser::skipIntegers() {
  do
    if (Result<int64_t> value = parseInteger(); value.failed())
      return value.error();
  while (takeIf(","));
  return {};
}

//===----------------------------------------------------------------------===//
// Directives
//===----------------------------------------------------------------------===//

Result<Module> Parser::parse() {
  if (lexed.failed())
    return lexed.error();
  while (!peek().text.empty())
    if (Status status = parseDirective(); status.failed())
      return status.error();
  return std::move(module);
}

Status Parser::parseDirective() {
  if (takeIf(".version") || takeIf(".target") || takeIf(".address_size")) {
    do
      take();
    while (takeIf(","));
    return {};
  }
  if (takeIf(".file"))
    return parseFile();
  if (takeIf(".section"))
    return skipSection();
  if (takeIf(".pragma")) {
    take();
    return expect(";");
  }
  bool isExternal = false;
  while (peek().text == ".extern" || peek().text == ".visible" ||
         peek().text == ".weak" || peek().text == ".common")
    isExternal |= take().text == ".extern";
  if (takeIf(".entry"))
    return parseFunction(/*isKernel=*/true);
  if (takeIf(".func"))
    return parseFunction(/*isKernel=*/false);
  std::optional<Space> space = takeSpace();
  if (!space)
    return unexpected("a directive that the emulator knows");
  return parseVariables(*space, isExternal, module.variables);
}

/// `.file 1 "name", time, size`: for debuggers.
Status Parser::parseFile() {
  if (Result<int64_t> number = parseInteger(); number.failed())
    return number.error();
  take();
  return takeIf(",") ? skipIntegers() : Status();
}

/// `.section .debug_str { ... }`: for debuggers.
Status Parser::skipSection() {
  take();
  if (Status status = expect("{"); status.failed())
    return status;
  while (!takeIf("}")) {
    if (peek().text.empty())
      return unexpected("'}'");
    take();
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// What is between parentheses.
Status Parser::parseParameters(std::vector<Variable> &parameters,
                               bool isKernel) {
  if (takeIf(")"))
    return {};
  do {
    Variable parameter;
    parameter.space = Space::Parameter;
    if (takeIf(".reg") && !isKernel)
      parameter.space = Space::Register;
    else if (Status status = expect(".param"); status.failed())
      return status;
    if (Status status = parseVariable(parameter, /*isParameter=*/true);
        status.failed())
      return status;
    parameters.push_back(std::move(parameter));
  } while (takeIf(","));
  return expect(")");
}

Status Parser::parseFunction(bool isKernel) {
  Function function;
  function.isKernel = isKernel;
  if (!isKernel && takeIf("("))
    if (Status status = parseParameters(function.results, isKernel);
        status.failed())
      return status;
  function.name = take().text;
  if (takeIf("("))
    if (Status status = parseParameters(function.parameters, isKernel);
        status.failed())
      return status;
  if (Status status = parseFunctionDirectives(function); status.failed())
    return status;
  // A declaration; the definition may come later, or never.
  if (takeIf(";"))
    return {};
  if (Status status = parseBody(function); status.failed())
    return status;
  module.functions.push_back(std::move(function));
  return {};
}

/// The blocks of a cluster, which are along x as those of a grid are.
Status Parser::parseClusterShape(Function &function) {
  uint32_t line = peek().line;
  int64_t shape[3] = {1, 1, 1};
  size_t count = 0;
  do {
    Result<int64_t> value = parseCount(/*least=*/1);
    if (value.failed())
      return value.error();
    if (count == 3)
      return unexpected("at most 3 dimensions");
    shape[count++] = *value;
  } while (takeIf(","));
  if (shape[1] != 1 || shape[2] != 1)
    return lineFailure(module.lines, line,
                       "expected a cluster along x, got " +
                           std::to_string(shape[1]) + " x " +
                           std::to_string(shape[2]) + " blocks along y and z");
  function.clusterBlocks = static_cast<uint32_t>(shape[0]);
  return {};
}

/// Limits on a launch, which the launch plan states as well.
Status Parser::parseFunctionDirectives(Function &function) {
  while (true) {
    if (takeIf(".noreturn") || takeIf(".explicitcluster"))
      continue;
    if (takeIf(".reqnctapercluster")) {
      if (Status status = parseClusterShape(function); status.failed())
        return status;
      continue;
    }
    if (takeIf(".pragma")) {
      take();
      if (Status status = expect(";"); status.failed())
        return status;
      continue;
    }
    if (!takeIf(".reqntid") && !takeIf(".maxntid") &&
        !takeIf(".minnctapersm") && !takeIf(".maxnctapersm") &&
        !takeIf(".maxnreg") && !takeIf(".maxclusterrank"))
      return {};
    if (Status status = skipIntegers(); status.failed())
      return status;
  }
}

Result<Module> attn::runtime::emulator::parsePtx(const std::string &text) {
  return Parser(text).parse();
}
