//===- Mutations.cpp - Programs that are wrong, or nearly so --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include <algorithm>
#include <cctype>

using namespace attn::fuzz;

//===----------------------------------------------------------------------===//
// One rule broken
//===----------------------------------------------------------------------===//

namespace {
/// What stands behind `before`, up to one of `end`, becomes `after`: no program
/// is valid then.
struct Break {
  const char *before, *end, *after;
};
} // namespace

static constexpr Break breaks[] = {
    {" top<", ">", "0"},
    {" softcap<", ">", "-1.0"},
    {" chunk<", ">", "0"},
    {" dilated<", ">", "0"},
    {" first<", ">", "-1"},
    {" slice<", ">", "0"},
    {" slice<", ">", "9223372036854775807"},
    {" group<", ">", "0"},
    {" stride<", ">", "0"},
    {" block<", ">", "0"},
    {" max_pool<", ">", "-4"},
    {" forced<", ",", "-1"},
    {" blocks<", ",", "0"},
    {" micro_steps(", ")", "0"},
    {" denominator(", ")", "-1.0"},
    {" l2_normalize(", ")", "0x7FC00000"},
    {" amplitude(", ")", "0x7F800000"},
    {" least(", ")", "-1.0"},
    {" scale(", ")", "0x7F800000"},
    {" offset<", ">", "-1"},
    {" offset<", ">", "9223372036854775807"},
    {" normalizer<", ">", "hardmax"},
    {" groups [", "]", "1"},
    {"window<", ",", "-1"},
    {"column<", ",", "0"},
    {"func.func @", "(", "0"},
    {" attn.", " ", "nothing"},
    {"return ", " ", "%nothing"},
};

std::string attn::fuzz::breakRule(const Program &program, Random &random) {
  constexpr int64_t count = std::size(breaks);
  int64_t first = random.below(count);
  for (int64_t n = 0; n != count; ++n) {
    const Break &own = breaks[(first + n) % count];
    std::string text = program.text;
    size_t at = text.find(own.before);
    if (at == std::string::npos)
      continue;
    at += std::string(own.before).size();
    size_t end = text.find_first_of(own.end, at);
    if (end == std::string::npos)
      continue;
    return text.replace(at, end - at, own.after);
  }
  return "";
}

//===----------------------------------------------------------------------===//
// Words changed
//===----------------------------------------------------------------------===//

/// Words, numbers, and marks one by one; spaces are kept as they are.
static std::vector<std::string> splitWords(const std::string &text) {
  std::vector<std::string> words;
  for (size_t at = 0; at != text.size();) {
    auto isWord = [&](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
             c == '.' || c == '%' || c == '?';
    };
    size_t end = at + 1;
    if (isWord(text[at]))
      while (end != text.size() && isWord(text[end]))
        ++end;
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

static std::string pickWord(const std::vector<std::string> &words,
                            Random &random) {
  static const char *const others[] = {"0",
                                       "1",
                                       "-1",
                                       "3",
                                       "4611686018427387904",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "0.0",
                                       "1.0e+30",
                                       "0x7F800000",
                                       "f32",
                                       "f64",
                                       "bf16",
                                       "f8E4M3FN",
                                       "i1",
                                       "i32",
                                       "i64",
                                       "index",
                                       "none",
                                       "f32, #attn.log2",
                                       "f32, #attn.gate<log>",
                                       "f32, #attn.state<value_key>",
                                       "tensor<*xf32>",
                                       "tensor<f32>",
                                       "tensor<?xf32>",
                                       "tensor<0x?x0xi32>",
                                       "vector<4xf32>",
                                       "memref<?xf32>",
                                       "?x",
                                       "2x",
                                       "0x",
                                       "inf",
                                       "not",
                                       "and",
                                       "mask",
                                       "{}",
                                       "{attn.name = 3 : i32}",
                                       "array<i64: 1, 2>",
                                       "attn.kv.dense",
                                       "attn.yield"};
  if (random.oneIn(2))
    return random.pick(others);
  return words[random.below(static_cast<int64_t>(words.size()))];
}

/// `2x?x8xf32` with a size that is another.
static std::string changeSize(const std::string &word, Random &random) {
  static const char *const sizes[] = {
      "0", "1", "2", "3", "?", "7", "4611686018427387904"};
  std::vector<size_t> begins;
  for (size_t at = 0; at != word.size(); ++at)
    if ((at == 0 || word[at - 1] == 'x') &&
        (std::isdigit(static_cast<unsigned char>(word[at])) || word[at] == '?'))
      begins.push_back(at);
  if (begins.empty())
    return word;
  size_t begin = begins[random.below(static_cast<int64_t>(begins.size()))];
  size_t end = word.find('x', begin);
  if (end == std::string::npos)
    end = word.size();
  return word.substr(0, begin) + random.pick(sizes) + word.substr(end);
}

static void replaceAll(std::string &text, const std::string &from,
                       const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
}

/// Another type where a type of a tensor stands, wherever that is.
static std::string changeType(std::string text, Random &random) {
  static const char *const types[] = {"f32",
                                      "i1",
                                      "index",
                                      "none",
                                      "tensor<*xf32>",
                                      "tensor<f32>",
                                      "tensor<?x?xi32>",
                                      "vector<2xf32>",
                                      "memref<?xf32>",
                                      "tuple<>",
                                      "tensor<?x?x2x4xf32>"};
  std::vector<size_t> begins;
  for (size_t at = 0; (at = text.find("tensor<", at)) != std::string::npos;
       ++at)
    begins.push_back(at);
  if (begins.empty())
    return text;
  size_t begin = begins[random.below(static_cast<int64_t>(begins.size()))];
  size_t end = begin;
  int64_t depth = 0;
  do {
    depth += text[end] == '<' ? 1 : text[end] == '>' ? -1 : 0;
    ++end;
  } while (end != text.size() && (depth != 0 || text[end - 1] != '>'));
  replaceAll(text, text.substr(begin, end - begin), random.pick(types));
  return text;
}

/// A line left out, said twice, or said in another place.
static std::string changeLine(const std::string &text, Random &random) {
  std::vector<std::string> lines(1);
  for (char c : text) {
    lines.back() += c;
    if (c == '\n')
      lines.emplace_back();
  }
  auto pickLine = [&] {
    return lines.begin() + random.below(static_cast<int64_t>(lines.size()));
  };
  std::string line = *pickLine();
  switch (random.below(3)) {
  case 0:
    lines.erase(pickLine());
    break;
  case 1:
    lines.insert(pickLine(), line);
    break;
  default:
    std::iter_swap(pickLine(), pickLine());
  }
  std::string changed;
  for (const std::string &own : lines)
    changed += own;
  return changed;
}

static std::string changeWords(const std::string &text, Random &random) {
  std::vector<std::string> words = splitWords(text);
  for (int64_t left = random.from(1, 2); left != 0; --left) {
    std::string &word = words[random.below(static_cast<int64_t>(words.size()))];
    switch (random.below(6)) {
    case 0:
      word.clear();
      break;
    case 1:
      word += " " + word;
      break;
    case 2:
    case 3: {
      // The same in all places where it stands, so that it may still be valid.
      std::string from = word, to = changeSize(word, random);
      for (std::string &other : words)
        if (other == from)
          other = to;
      break;
    }
    case 4:
      word = changeSize(word, random);
      break;
    default:
      word = pickWord(words, random);
    }
  }
  std::string garbled;
  for (const std::string &word : words)
    garbled += word;
  return garbled;
}

/// Whether a block does not begin its region.
static bool hasSecondBlock(const std::string &text) {
  for (size_t at = 0; (at = text.find('^', at)) != std::string::npos; ++at) {
    size_t before = at == 0 ? at : text.find_last_not_of(" \n", at - 1);
    if (before == std::string::npos || text[before] != '{')
      return true;
  }
  return false;
}

std::string attn::fuzz::garble(const std::string &text, Random &random) {
  std::string garbled = random.oneIn(6)   ? changeType(text, random)
                        : random.oneIn(8) ? changeLine(text, random)
                                          : changeWords(text, random);
  // MLIR 22 writes to freed memory where the second block of a region cannot be
  // parsed and an op in front of the region names an argument of the first;
  // linalg.generic and tensor.generate show it as well.
  return hasSecondBlock(garbled) ? text : garbled;
}
