//===- Parser.cpp - Reads the text of PTX ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Syntax.h"

#include <cctype>
#include <charconv>
#include <optional>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

namespace {
/// A word or a punctuation character; empty at the end of the text.
struct Token {
  std::string text;
  uint32_t line = 0;
};

/// Bounds what hostile text can make the decoder allocate.
constexpr int64_t maxCount = 1 << 20;

class Parser {
public:
  explicit Parser(const std::string &text);

  Result<Module> parse();

private:
  Status tokenize(const std::string &text);
  size_t skipComment(const std::string &text, size_t at, uint32_t &line);

  const Token &peek(size_t ahead = 0) const;
  Token take();
  bool takeIf(const char *text);
  Status expect(const char *text);
  Failure unexpected(const std::string &rule) const;

  Status parseDirective();
  Status parseFunction();
  Status parseFunctionDirectives(Function &function);
  Status parseClusterShape(Function &function);
  Status parseVariable(Variable &variable, bool isParameter);
  Status parseArraySize(Variable &variable, uint64_t elementSize);
  Status parseBody(Function &function);
  Status parseStatement(Function &function);
  Status parseRegisters(Statement &statement);
  Status parseInstruction(Statement &statement);
  Status parseOperand(SourceOperand &operand, unsigned depth);
  Status parseVector(SourceOperand &operand, unsigned depth);
  Status parseAddress(SourceOperand &operand, unsigned depth);
  Result<int64_t> parseInteger();
  Result<int64_t> parseCount(int64_t least);

  Module module;
  std::vector<Token> tokens;
  size_t position = 0;
  Status lexed;
};
} // namespace

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

static bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         c == '%' || c == '.';
}

static bool isNumber(const std::string &text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0]));
}

Parser::Parser(const std::string &text) {
  size_t begin = 0;
  while (begin <= text.size()) {
    size_t end = std::min(text.find('\n', begin), text.size());
    module.lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  lexed = tokenize(text);
}

/// The end of the comment at `at`, or `at` where there is none.
size_t Parser::skipComment(const std::string &text, size_t at, uint32_t &line) {
  if (text.compare(at, 2, "//") == 0)
    return std::min(text.find('\n', at), text.size());
  if (text.compare(at, 2, "/*") != 0)
    return at;
  size_t end = text.find("*/", at + 2);
  end = end == std::string::npos ? text.size() : end + 2;
  for (; at < end; ++at)
    line += text[at] == '\n';
  return end;
}

Status Parser::tokenize(const std::string &text) {
  uint32_t line = 1;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (size_t end = skipComment(text, at, line); end != at) {
      at = end;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      line += c == '\n';
      ++at;
    } else if (isWord(c)) {
      size_t end = at;
      while (end < text.size() &&
             (isWord(text[end]) || text.compare(end, 2, "::") == 0))
        end += isWord(text[end]) ? 1 : 2;
      tokens.push_back({text.substr(at, end - at), line});
      at = end;
    } else if (c == '"') {
      size_t end = text.find_first_of("\"\n", at + 1);
      if (end == std::string::npos || text[end] == '\n')
        return lineFailure(module.lines, line, "expected the end of a string");
      tokens.push_back({text.substr(at, end + 1 - at), line});
      at = end + 1;
    } else if (std::string("{}[]()<>,;:@!+-|=").find(c) != std::string::npos) {
      tokens.push_back({std::string(1, c), line});
      ++at;
    } else {
      return lineFailure(module.lines, line,
                         std::string("unexpected character '") + c + "'");
    }
  }
  tokens.push_back({"", line});
  return {};
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

/// The size in bytes of a fundamental type, or nothing.
static std::optional<uint64_t> typeSize(const std::string &type) {
  if (type.size() < 3 || type[0] != '.' ||
      std::string("busf").find(type[1]) == std::string::npos)
    return std::nullopt;
  for (unsigned bits : {8, 16, 32, 64})
    if (type.substr(2) == std::to_string(bits))
      return bits / 8;
  return std::nullopt;
}

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
  Variable variable;
  while (peek().text == ".extern" || peek().text == ".visible" ||
         peek().text == ".weak")
    variable.isExternal |= take().text == ".extern";
  if (takeIf(".entry"))
    return parseFunction();
  if (!takeIf(".shared"))
    return unexpected("a directive that the emulator knows");
  if (Status status = parseVariable(variable, /*isParameter=*/false);
      status.failed())
    return status;
  module.sharedVariables.push_back(std::move(variable));
  return expect(";");
}

Status Parser::parseVariable(Variable &variable, bool isParameter) {
  uint64_t elementSize = 0;
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
      if (!elementSize)
        variable.alignment = *value;
    } else if (auto size = typeSize(peek().text)) {
      take();
      elementSize = *size;
    } else if (!isParameter || !(takeIf(".ptr") || takeIf(".global"))) {
      return unexpected("a type");
    }
  }
  if (!elementSize)
    return unexpected("a type");
  variable.name = take().text;
  variable.size = elementSize;
  variable.alignment = std::max(variable.alignment, elementSize);
  return takeIf("[") ? parseArraySize(variable, elementSize) : Status();
}

Status Parser::parseArraySize(Variable &variable, uint64_t elementSize) {
  if (takeIf("]")) {
    variable.size = 0;
    return {};
  }
  Result<int64_t> count = parseCount(/*least=*/0);
  if (count.failed())
    return count.error();
  variable.size = elementSize * *count;
  return expect("]");
}

Status Parser::parseFunction() {
  Function function;
  function.name = take().text;
  if (takeIf("(") && !takeIf(")")) {
    do {
      Variable parameter;
      if (Status status = expect(".param"); status.failed())
        return status;
      if (Status status = parseVariable(parameter, /*isParameter=*/true);
          status.failed())
        return status;
      function.parameters.push_back(std::move(parameter));
    } while (takeIf(","));
    if (Status status = expect(")"); status.failed())
      return status;
  }
  if (Status status = parseFunctionDirectives(function); status.failed())
    return status;
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
    if (takeIf(".explicitcluster"))
      continue;
    if (takeIf(".reqnctapercluster")) {
      if (Status status = parseClusterShape(function); status.failed())
        return status;
      continue;
    }
    if (!takeIf(".reqntid") && !takeIf(".maxntid") &&
        !takeIf(".minnctapersm") && !takeIf(".maxnreg") &&
        !takeIf(".maxclusterrank"))
      return {};
    do {
      if (Result<int64_t> value = parseInteger(); value.failed())
        return value.error();
    } while (takeIf(","));
  }
}

Status Parser::parseBody(Function &function) {
  if (Status status = expect("{"); status.failed())
    return status;
  unsigned depth = 0;
  while (depth > 0 || peek().text != "}") {
    if (peek().text.empty())
      return unexpected("'}'");
    depth += peek().text == "{";
    depth -= peek().text == "}";
    if (Status status = parseStatement(function); status.failed())
      return status;
  }
  take();
  return {};
}

Status Parser::parseStatement(Function &function) {
  Statement statement;
  statement.line = peek().line;
  Status status;
  if (takeIf("{")) {
    statement.kind = Statement::Kind::ScopeBegin;
  } else if (takeIf("}")) {
    statement.kind = Statement::Kind::ScopeEnd;
  } else if (takeIf(";")) {
    return {};
  } else if (takeIf(".reg")) {
    statement.kind = Statement::Kind::Registers;
    status = parseRegisters(statement);
  } else if (takeIf(".shared")) {
    Variable variable;
    status = parseVariable(variable, /*isParameter=*/false);
    module.sharedVariables.push_back(std::move(variable));
    return status.failed() ? status : expect(";");
  } else if (takeIf(".pragma")) {
    take();
    return expect(";");
  } else if (peek(1).text == ":") {
    statement.kind = Statement::Kind::Label;
    statement.name = take().text;
    take();
  } else {
    status = parseInstruction(statement);
  }
  function.body.push_back(std::move(statement));
  return status;
}

Status Parser::parseRegisters(Statement &statement) {
  statement.name = take().text;
  do {
    std::string name = take().text;
    int64_t count = -1;
    if (takeIf("<")) {
      Result<int64_t> value = parseCount(/*least=*/0);
      if (value.failed())
        return value.error();
      count = *value;
      if (Status status = expect(">"); status.failed())
        return status;
    }
    statement.registers.emplace_back(std::move(name), count);
  } while (takeIf(","));
  return expect(";");
}

Status Parser::parseInstruction(Statement &statement) {
  if (takeIf("@")) {
    statement.guardNegated = takeIf("!");
    statement.guard = take().text;
  }
  if (peek().text.empty() ||
      !std::isalpha(static_cast<unsigned char>(peek().text[0])))
    return unexpected("an instruction");
  statement.line = peek().line;
  statement.name = take().text;
  if (takeIf(";"))
    return {};
  do {
    SourceOperand operand;
    if (Status status = parseOperand(operand, 0); status.failed())
      return status;
    statement.operands.push_back(std::move(operand));
  } while (takeIf(","));
  return expect(";");
}

Status Parser::parseOperand(SourceOperand &operand, unsigned depth) {
  if (depth < 2 && takeIf("{"))
    return parseVector(operand, depth);
  if (depth < 1 && takeIf("["))
    return parseAddress(operand, depth);
  bool negative = takeIf("-");
  if (negative && !isNumber(peek().text))
    return unexpected("a number");
  if (peek().text.empty() || !isWord(peek().text[0]))
    return unexpected("an operand");
  bool immediate = isNumber(peek().text);
  operand.kind =
      immediate ? SourceOperand::Kind::Immediate : SourceOperand::Kind::Name;
  operand.text = (negative ? "-" : "") + take().text;
  return {};
}

Status Parser::parseVector(SourceOperand &operand, unsigned depth) {
  operand.kind = SourceOperand::Kind::Vector;
  do {
    SourceOperand element;
    if (Status status = parseOperand(element, depth + 2); status.failed())
      return status;
    operand.elements.push_back(std::move(element));
  } while (takeIf(","));
  return expect("}");
}

Status Parser::parseAddress(SourceOperand &operand, unsigned depth) {
  if (Status status = parseOperand(operand, depth + 2); status.failed())
    return status;
  operand.kind = SourceOperand::Kind::Address;
  if (peek().text == "+" || peek().text == "-") {
    takeIf("+");
    Result<int64_t> offset = parseInteger();
    if (offset.failed())
      return offset.error();
    operand.offset = *offset;
  }
  if (takeIf(",")) {
    if (Status status = expect("{"); status.failed())
      return status;
    SourceOperand coordinates;
    if (Status status = parseVector(coordinates, depth); status.failed())
      return status;
    operand.elements = std::move(coordinates.elements);
  }
  return expect("]");
}

Result<Module> attn::runtime::emulator::parsePtx(const std::string &text) {
  return Parser(text).parse();
}
