//===- Generator.cpp - PTX out of arbitrary bytes -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "Templates.h"

#include <vector>

using namespace attn::fuzz;

static constexpr unsigned labels = 4;
static constexpr unsigned maxStatements = 48;

uint32_t Bytes::below(uint32_t bound) {
  uint32_t value = next();
  if (bound > 256)
    value = value << 8 | next();
  return value % bound;
}

namespace {
class Writer {
public:
  explicit Writer(Bytes &bytes) : bytes(bytes) {}

  std::string program();

private:
  std::string statement();
  std::string expand(const std::string &text);
  std::string alternative(const std::string &text, size_t &at);
  std::string operand(char kind);
  std::string numbered(const char *prefix, uint32_t count) {
    return prefix + std::to_string(bytes.below(count));
  }
  std::string number();
  void garble(std::string &text);

  Bytes &bytes;
};
} // namespace

/// Small ones are likely, and so are those at the edges of types.
std::string Writer::number() {
  static const char *const edges[] = {
      "0",           "1",          "2",
      "4",           "16",         "31",
      "32",          "127",        "128",
      "1024",        "32768",      "65535",
      "65536",       "0x7FFFFFFF", "0x80000000",
      "4294967295",  "-1",         "-8",
      "-2147483648", "0f7FC00000", "0f3F800000",
      "0fFF800000",  "0f00000001", "0d3FF0000000000000",
      "1.5",         "0x",         "18446744073709551615"};
  constexpr uint32_t count = sizeof(edges) / sizeof(*edges);
  if (bytes.below(3) == 0)
    return std::to_string(bytes.below(300));
  return edges[bytes.below(count)];
}

/// What a dollar and a letter stand for.
std::string Writer::operand(char kind) {
  switch (kind) {
  case 'r': // A register of 32 bits; the first few hold addresses.
    return numbered("%r", 16);
  case 'i':
    return bytes.below(3) ? numbered("%r", 16) : number();
  case 'd':
    return numbered("%d", 8);
  case 'j':
    return bytes.below(3) ? numbered("%d", 8) : number();
  case 'h':
    return numbered("%h", 4);
  case 'p':
    return numbered("%p", 4);
  case 'a': // An offset.
    return bytes.below(2) ? "" : "+" + number();
  case 'n':
    return number();
  case 'l':
    return numbered("L", labels);
  case 's': // A place in shared memory, aligned or not.
    return "[%r" + std::to_string(bytes.below(4)) + operand('a') + "]";
  case 'm': // An mbarrier.
    return bytes.below(8) ? "[%r4]" : operand('s');
  case 'g': // A place in global memory.
    return "[%d" + std::to_string(bytes.below(2)) + operand('a') + "]";
  case 't': // A tensor map.
    return bytes.below(16) ? "%d" + std::to_string(2 + bytes.below(2))
                           : operand('d');
  case 'c': // A descriptor of a matrix.
    return bytes.below(8) ? "%d" + std::to_string(4 + bytes.below(2))
                          : operand('d');
  case 'w': // Accumulators of m64n8.
    return "{%r8, %r9, %r10, %r11}";
  default:
    return "$";
  }
}

/// One of the texts between angle brackets, which `at` is led behind.
std::string Writer::alternative(const std::string &text, size_t &at) {
  std::vector<std::string> choices(1);
  for (; at < text.size() && text[at] != '>'; ++at)
    if (text[at] == '|')
      choices.emplace_back();
    else
      choices.back() += text[at];
  return choices[bytes.below(static_cast<uint32_t>(choices.size()))];
}

std::string Writer::expand(const std::string &text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at)
    if (text[at] == '$' && at + 1 < text.size())
      result += operand(text[++at]);
    else if (text[at] == '<')
      result += expand(alternative(text, ++at));
    else
      result += text[at];
  return result;
}

/// Exchanges, removes or repeats a character.
void Writer::garble(std::string &text) {
  size_t at = bytes.below(static_cast<uint32_t>(text.size()));
  switch (bytes.below(3)) {
  case 0:
    text[at] = static_cast<char>(bytes.next());
    break;
  case 1:
    text.erase(at, 1);
    break;
  default:
    text.insert(at, 1, text[at]);
  }
}

std::string Writer::statement() {
  const std::vector<std::string> &texts = templates();
  std::string text =
      expand(texts[bytes.below(static_cast<uint32_t>(texts.size()))]);
  if (bytes.below(8) == 0)
    text = (bytes.below(2) ? "@" : "@!") + operand('p') + " " + text;
  if (bytes.below(64) == 0)
    garble(text);
  return text + "\n";
}

std::string Writer::program() {
  std::string text = prologue();
  unsigned label = 0;
  for (unsigned i = 0; i < maxStatements && !bytes.empty(); ++i) {
    if (label < labels && bytes.below(8) == 0)
      text += "L" + std::to_string(label++) + ":\n";
    text += statement();
  }
  while (label < labels)
    text += "L" + std::to_string(label++) + ":\n";
  return text + "ret;\n}\n";
}

Input attn::fuzz::generate(const uint8_t *data, size_t size) {
  static constexpr uint32_t threads[] = {32, 128, 64, 33, 1};
  Bytes bytes(data, size);
  Input input;
  input.threads = threads[bytes.below(5)];
  input.blocks = 1 + bytes.below(2);
  input.isCluster = bytes.below(2);
  input.seed = bytes.next();
  input.ptx = Writer(bytes).program();
  return input;
}
