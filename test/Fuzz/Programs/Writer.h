//===- Writer.h - Puts a program together -----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_PROGRAMS_WRITER_H
#define ATTN_TEST_FUZZ_PROGRAMS_WRITER_H

#include "Program.h"

#include <map>

namespace attn::fuzz {

class Writer {
public:
  explicit Writer(Random &random);

  /// Adds an argument of the function and returns its name.
  std::string add(const std::string &name, const std::string &element,
                  const Shape &shape, Fill fill, double low, double high,
                  int batchAxis, const std::string &encoding = "");
  /// A float argument of small numbers.
  std::string addReals(const std::string &name, const std::string &element,
                       const Shape &shape, int batchAxis) {
    return add(name, element, shape, Fill::Real, -2, 2, batchAxis);
  }
  /// A sink per head.
  std::string addSink(int64_t heads) {
    return add("sink", "f32", {{heads}}, Fill::RealOrInfinite, -2, 2, -1);
  }
  std::string addPositions(const Shape &shape, int64_t high, int batchAxis) {
    return add("positions", "i32", shape, Fill::Position, -3,
               static_cast<double>(high), batchAxis);
  }
  /// An i32 argument.
  std::string addIntegers(const std::string &name, const Shape &shape,
                          int64_t low, int64_t high, int batchAxis) {
    return add(name, "i32", shape, Fill::Integer, static_cast<double>(low),
               static_cast<double>(high), batchAxis);
  }
  /// Where `batch` packed sequences of `total` rows begin.
  std::string addEnds(const std::string &name, int64_t batch, int64_t total);

  /// A name that nothing has.
  std::string fresh(const std::string &prefix) {
    return "%" + prefix + std::to_string(next++);
  }
  void setType(const std::string &value, const std::string &type) {
    types[value] = type;
  }
  const std::string &type(const std::string &value) const {
    return types.at(value);
  }
  /// `%value : type`
  std::string typed(const std::string &value) const {
    return value + " : " + type(value);
  }

  void line(const std::string &text) { body += "  " + text + "\n"; }
  /// What was written behind the first `begin` characters, to write it again.
  size_t bodySize() const { return body.size(); }
  std::string bodyFrom(size_t begin) const { return body.substr(begin); }
  void append(const std::string &text) { body += text; }
  void addResult(const std::string &value, const std::string &type,
                 int batchAxis);
  /// The text so far becomes the function `main`; what follows is `other`,
  /// which has the same arguments and results.
  void beginOther();
  Program finish();

  /// A size that the type does not say, if that is how the program is.
  Size batch(int64_t size) const { return {size, hasDynamicBatch}; }
  Size length(int64_t size) const { return {size, hasDynamicLength}; }

  Random &random;
  Program program;

private:
  std::string function(const std::string &name) const;

  bool hasDynamicBatch, hasDynamicLength;
  int next = 0;
  std::map<std::string, std::string> types;
  std::string body, mainBody;
  std::vector<std::string> results, mainResults, resultTypes;
};

/// The mask of an op, the heads it counts, and the sizes that its ops need.
struct MaskContext {
  int64_t batch, heads, queries, keys;
  /// The rows of the ids of documents.
  Shape idRows;
  int idBatchAxis;
};

/// `causal and first<4>`, the inside of a short form.
std::string writeMask(Writer &writer, const MaskContext &context, int depth);
/// `mask(...)`, `mask { ... }` or nothing.
std::string writeMaskClause(Writer &writer, const MaskContext &context);
/// `score(...)`, `score { ... }` or nothing. With `wrt`, tensors of floats that
/// it reads are added to that.
std::string writeScoreClause(Writer &writer, const MaskContext &context,
                             std::vector<std::string> *wrt = nullptr);
/// Regions of random arithmetic.
std::string writeMaskRegion(Writer &writer, const MaskContext &context);
std::string writeScoreRegion(Writer &writer, const MaskContext &context);

/// Lists of blocks, as an attention has them and as its gradient does, with the
/// types of the operands that the latter names.
struct BlockClause {
  std::string text, backward, types;
};
BlockClause writeBlocks(Writer &writer, const MaskContext &context,
                        bool hasMask);

/// The families of programs.
void writeAttention(Writer &writer);
void writeAttentionBackward(Writer &writer);
void writeTileAttention(Writer &writer);
void writeRecurrence(Writer &writer);
void writeRecurrenceBackward(Writer &writer);
void writeSelection(Writer &writer);
void writeCompression(Writer &writer);
void writeMerge(Writer &writer);
void writeCache(Writer &writer);

} // namespace attn::fuzz

#endif // ATTN_TEST_FUZZ_PROGRAMS_WRITER_H
