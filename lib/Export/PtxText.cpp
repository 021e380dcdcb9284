//===- PtxText.cpp - PTX text as instructions and branches ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxText.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <unordered_map>

namespace mlir::attn::ptx {
namespace {

struct Token {
  std::string_view text;
  unsigned line = 0;

  bool is(std::string_view other) const { return text == other; }
};

bool isWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         c == '%' || c == '.';
}

/// Splits PTX into words, strings and single punctuation characters. A word
/// keeps its modifiers: `shared::cta` is one.
class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) { next(); }

  const Token &peek() const { return current; }
  bool atEnd() const { return current.text.empty(); }

  Token next() {
    Token result = current;
    skipBlanksAndComments();
    current = {text.substr(position, tokenLength()), line};
    position += current.text.size();
    return result;
  }

private:
  bool startsWith(std::string_view prefix) const {
    return text.compare(position, prefix.size(), prefix) == 0;
  }

  /// Moves to `end`, or to the end of the text, counting lines.
  void skipTo(size_t end) {
    for (end = std::min(end, text.size()); position < end; ++position)
      line += text[position] == '\n';
  }

  void skipBlanksAndComments() {
    while (position < text.size()) {
      if (std::isspace(static_cast<unsigned char>(text[position])))
        skipTo(position + 1);
      else if (startsWith("//"))
        skipTo(text.find('\n', position));
      else if (startsWith("/*"))
        skipTo(std::min(text.find("*/", position), text.size() - 2) + 2);
      else
        return;
    }
  }

  size_t tokenLength() const {
    if (position == text.size())
      return 0;
    if (text[position] == '"')
      return std::min(text.find('"', position + 1), text.size() - 1) + 1 -
             position;
    size_t end = position;
    while (end < text.size()) {
      if (isWordCharacter(text[end]))
        ++end;
      else if (end > position && text.compare(end, 2, "::") == 0)
        end += 2;
      else
        break;
    }
    return std::max<size_t>(end - position, 1);
  }

  std::string_view text;
  size_t position = 0;
  unsigned line = 1;
  Token current;
};

/// A pair of braces: the body of a function or of an inline assembly string.
struct Scope {
  int parent = -1;
  /// `.reg .b32 x` and `.reg .b32 %r<8>`, which declares %r0 to %r7.
  std::unordered_map<std::string_view, unsigned> registers;
  std::unordered_map<std::string_view, unsigned> ranges;
  std::unordered_map<std::string_view, unsigned> labels;
};

class Reader {
public:
  Reader(std::string_view text, std::vector<PtxLintFinding> &findings)
      : lexer(text), findings(findings) {}

  std::vector<Function> readModule();

private:
  void readBody();
  void readStatement();
  void readRegisters();
  void readInstruction(bool isGuarded);
  Operand readOperand();
  void addWord(std::string_view word, Operand &operand);
  void resolveBranches();
  void addTargets(Instruction &instruction, int scope);
  void addTarget(Instruction &instruction, int scope, std::string_view label);

  void skipLine();
  void skipStatement();
  void skipBraces();

  void report(unsigned line, std::string message) {
    findings.push_back({line, std::move(message)});
  }

  Lexer lexer;
  std::vector<PtxLintFinding> &findings;

  // The function that is being read. A label may be used before it is met, so
  // the scopes stay until its end.
  Function function;
  std::vector<Scope> scopes;
  int scope = -1;
  /// The scope of each instruction.
  std::vector<int> scopeOf;
};

/// Directives that end with the line, not with a semicolon.
bool endsWithLine(const Token &token) {
  for (const char *directive :
       {".version", ".target", ".address_size", ".file", ".loc"})
    if (token.is(directive))
      return true;
  return false;
}

std::vector<Function> Reader::readModule() {
  std::vector<Function> functions;
  bool isFunction = false;
  while (!lexer.atEnd()) {
    if (endsWithLine(lexer.peek())) {
      skipLine();
      continue;
    }
    Token token = lexer.next();
    isFunction |= token.is(".entry") || token.is(".func");
    if (token.is(";")) {
      isFunction = false;
    } else if (token.is("{") && isFunction) {
      readBody();
      functions.push_back(std::move(function));
      isFunction = false;
    } else if (token.is("{")) {
      skipBraces();
    }
  }
  return functions;
}

void Reader::readBody() {
  function = {};
  scopes.assign(1, {});
  scopeOf.clear();
  scope = 0;
  Instruction end;
  while (scope >= 0 && !lexer.atEnd()) {
    end.line = lexer.peek().line;
    readStatement();
  }
  if (scope >= 0)
    report(end.line, "expected '}', got the end of the text");
  // Control that reaches the closing brace returns.
  end.opcode = "ret";
  end.fallsThrough = false;
  function.instructions.push_back(end);
  resolveBranches();
}

void Reader::readStatement() {
  if (endsWithLine(lexer.peek()))
    return skipLine();
  Token token = lexer.peek();
  if (token.is("{")) {
    lexer.next();
    scopes.emplace_back().parent = scope;
    scope = static_cast<int>(scopes.size()) - 1;
  } else if (token.is("}")) {
    lexer.next();
    scope = scopes[scope].parent;
  } else if (token.is(";")) {
    lexer.next();
  } else if (token.is(".reg")) {
    readRegisters();
  } else if (token.is("@")) {
    lexer.next();
    readInstruction(/*isGuarded=*/true);
  } else if (token.text.front() == '.' && !token.is(".branchtargets")) {
    skipStatement();
  } else {
    readInstruction(/*isGuarded=*/false);
  }
}

void Reader::readRegisters() {
  for (lexer.next(); !lexer.atEnd() && !lexer.peek().is(";");) {
    std::string_view name = lexer.next().text;
    if (name.front() == '.' || name == ",")
      continue;
    if (!lexer.peek().is("<")) {
      scopes[scope].registers.emplace(name, function.registers.size());
      function.registers.push_back(name);
      continue;
    }
    lexer.next();
    std::string_view count = lexer.next().text;
    std::from_chars(count.begin(), count.end(), scopes[scope].ranges[name]);
    lexer.next();
  }
  lexer.next();
}

/// Reads an instruction, or the label before one.
void Reader::readInstruction(bool isGuarded) {
  Instruction instruction;
  Operand guard;
  if (isGuarded) {
    if (lexer.peek().is("!"))
      lexer.next();
    guard.isOnlyRead = true;
    addWord(lexer.next().text, guard);
  }
  Token opcode = lexer.next();
  if (lexer.peek().is(":")) {
    lexer.next();
    scopes[scope].labels[opcode.text] = function.instructions.size();
    return;
  }
  instruction.line = opcode.line;
  instruction.opcode = opcode.text;
  while (!lexer.atEnd() && !lexer.peek().is(";")) {
    instruction.operands.push_back(readOperand());
    if (lexer.peek().is(","))
      lexer.next();
  }
  lexer.next();
  if (isGuarded)
    instruction.operands.push_back(guard);
  bool leaves =
      instruction.is("bra") || instruction.is("brx") || instruction.isReturn();
  instruction.fallsThrough = isGuarded || !leaves;
  function.instructions.push_back(std::move(instruction));
  scopeOf.push_back(scope);
}

Operand Reader::readOperand() {
  Operand operand;
  operand.isOnlyRead = lexer.peek().is("[");
  operand.isVector = lexer.peek().is("{");
  int depth = 0;
  while (!lexer.atEnd() && !lexer.peek().is(";")) {
    if (depth == 0 && lexer.peek().is(","))
      break;
    Token token = lexer.next();
    if (token.is("[") || token.is("{") || token.is("("))
      ++depth;
    else if (token.is("]") || token.is("}") || token.is(")"))
      --depth;
    else
      addWord(token.text, operand);
  }
  return operand;
}

/// Adds `word` to `operand` as a register if the innermost scope that declares
/// it says so.
void Reader::addWord(std::string_view word, Operand &operand) {
  if (operand.text.empty())
    operand.text = word;
  size_t digits = word.find_last_not_of("0123456789") + 1;
  unsigned number = 0;
  bool isNumbered =
      std::from_chars(word.begin() + digits, word.end(), number).ec ==
      std::errc();
  for (int at = scope; at >= 0; at = scopes[at].parent) {
    auto range = scopes[at].ranges.find(word.substr(0, digits));
    if (isNumbered && range != scopes[at].ranges.end() &&
        number < range->second &&
        scopes[at].registers.emplace(word, function.registers.size()).second)
      function.registers.push_back(word);
    auto found = scopes[at].registers.find(word);
    if (found != scopes[at].registers.end()) {
      operand.registers.push_back(found->second);
      return;
    }
  }
}

void Reader::resolveBranches() {
  for (size_t i = 0; i < scopeOf.size(); ++i)
    addTargets(function.instructions[i], scopeOf[i]);
}

void Reader::addTargets(Instruction &instruction, int at) {
  bool isIndexed = instruction.is("brx");
  if (!isIndexed && !instruction.is("bra"))
    return;
  addTarget(instruction, at, instruction.getText(isIndexed ? 1 : 0));
  if (!isIndexed || instruction.targets.empty())
    return;
  // The label of an indexed branch names the list of its targets.
  unsigned list = instruction.targets.front();
  instruction.targets.clear();
  if (list < function.instructions.size())
    for (const Operand &label : function.instructions[list].operands)
      addTarget(instruction, at, label.text);
}

void Reader::addTarget(Instruction &instruction, int at,
                       std::string_view label) {
  if (label.empty())
    return report(instruction.line, "expected a label to branch to, got none");
  for (; at >= 0; at = scopes[at].parent) {
    auto found = scopes[at].labels.find(label);
    if (found != scopes[at].labels.end()) {
      instruction.targets.push_back(found->second);
      return;
    }
  }
  report(instruction.line,
         "expected a label of this function, got '" + std::string(label) + "'");
}

void Reader::skipLine() {
  unsigned line = lexer.peek().line;
  while (!lexer.atEnd() && lexer.peek().line == line)
    lexer.next();
}

void Reader::skipStatement() {
  while (!lexer.atEnd() && !lexer.next().is(";"))
    continue;
}

/// Skips the rest of a pair of braces that does not hold instructions.
void Reader::skipBraces() {
  for (unsigned depth = 1; depth > 0 && !lexer.atEnd();) {
    Token token = lexer.next();
    depth += token.is("{");
    depth -= token.is("}");
  }
}

} // namespace

bool Instruction::is(std::string_view prefix) const {
  return opcode.substr(0, prefix.size()) == prefix &&
         (opcode.size() == prefix.size() || opcode[prefix.size()] == '.');
}

const Operand *Instruction::getResult() const {
  if (operands.empty() || operands.front().isOnlyRead)
    return nullptr;
  return &operands.front();
}

std::vector<Function> readFunctions(std::string_view text,
                                    std::vector<PtxLintFinding> &findings) {
  return Reader(text, findings).readModule();
}

} // namespace mlir::attn::ptx
