//===- Gradients.cpp - Gradients of attention, and the tile level ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

using namespace attn::fuzz;

namespace {

/// An attention and its gradients, in one function.
class GradientWriter {
public:
  explicit GradientWriter(Writer &writer);

  void write();

private:
  Shape with(Shape rows, int64_t heads, int64_t channels) const {
    rows.push_back({heads});
    rows.push_back({channels});
    return rows;
  }
  void writeKeys();
  void writeForward();
  void addClause(const std::string &keyword, const std::string &value) {
    clauses += " " + keyword + "(" + value + ")";
    operands += ", " + writer.type(value);
  }
  void addGradient(const std::string &of) {
    std::string own = writer.fresh("d");
    names += ", " + own;
    more.emplace_back(own, writer.type(of));
  }
  void addOptions();
  void addSinkAndCaptured();

  Writer &writer;
  Random &random;
  int64_t batch, queries, keys, keyHeads, heads, dim, valueDim;
  bool isPacked, isSigmoid = false;
  int axis;
  Shape rows, keyRows, lseShape;
  std::string q, k, v, keyTypes, kv, ends, sink, mask, score;
  std::string normalizer, output, lse;
  std::string clauses, operands, names = "%dq, %dk, %dv", results;
  std::vector<std::string> wrt;
  std::vector<std::pair<std::string, std::string>> more;
};

} // namespace

GradientWriter::GradientWriter(Writer &writer)
    : writer(writer), random(writer.random) {
  batch = random.from(1, 3);
  queries = random.from(0, 5);
  keys = random.from(0, 6);
  keyHeads = random.from(1, 2);
  heads = keyHeads * random.from(1, 2);
  dim = random.from(1, 5);
  valueDim = random.from(1, 5);
  isPacked = random.oneIn(3);
  axis = isPacked ? -1 : 0;
  writer.program.batch = batch;
  writer.program.isPacked = isPacked;
  rows = {writer.length(queries)};
  keyRows = {writer.length(keys)};
  if (!isPacked) {
    rows.insert(rows.begin(), writer.batch(batch));
    keyRows.insert(keyRows.begin(), writer.batch(batch));
  }
  lseShape = rows;
  lseShape.insert(lseShape.end() - 1, {heads});
  output = typeOf(with(rows, heads, valueDim), "f32");
  lse = typeOf(lseShape, "f32");
}

void GradientWriter::writeKeys() {
  q = writer.addReals("q", "f32", with(rows, heads, dim), axis);
  k = writer.addReals("k", "f32", with(keyRows, keyHeads, dim), axis);
  v = writer.addReals("v", "f32", with(keyRows, keyHeads, valueDim), axis);
  keyTypes = writer.type(k) + ", " + writer.type(v);
  kv = "!attn.kv<" + keyTypes + ">";
  if (!isPacked)
    return writer.line("%kv = attn.kv.dense " + k + ", " + v + " : " +
                       keyTypes);
  std::string keyEnds = writer.addEnds("cu_k", batch, keys);
  ends = writer.addEnds("cu_q", batch, queries);
  writer.line("%kv = attn.kv.varlen " + k + ", " + v + ", " + keyEnds + " : " +
              keyTypes + ", " + writer.type(keyEnds));
}

void GradientWriter::writeForward() {
  static const char *const normalizers[] = {"", " normalizer<off_by_one>",
                                            " normalizer<sigmoid>"};
  normalizer = random.pick(normalizers);
  isSigmoid = normalizer == normalizers[2];
  if (normalizer.empty() && random.oneIn(2))
    sink = writer.addSink(heads);
  MaskContext context = {batch, heads, queries, keys, keyRows, axis};
  mask = writeMaskClause(writer, context);
  score = writeScoreClause(writer, context, &wrt);
  writer.line((isSigmoid ? "%o" : "%o, %lse") +
              (" = attn.attention " + q + ", %kv") +
              (isPacked ? " cu_seqlens(" + writer.typed(ends) + ")" : "") +
              mask + score + normalizer +
              (sink.empty() ? "" : " sink(" + writer.typed(sink) + ")") +
              " : " + writer.type(q) + ", " + kv + " -> " + output +
              (isSigmoid ? "" : ", " + lse));
}

void GradientWriter::addOptions() {
  operands = writer.type(q) + ", " + kv + ", " + output;
  if (!isSigmoid) {
    clauses = " of(%o, %lse)";
    operands += ", " + output + ", " + lse;
  }
  if (!isSigmoid && random.oneIn(2))
    addClause("d_lse", writer.addReals("d_lse", "f32", lseShape, axis));
  if (isPacked)
    addClause("cu_seqlens", ends);
  clauses += mask + score + normalizer;
}

void GradientWriter::addSinkAndCaptured() {
  // A gradient of what sequences share is a sum over them, in their order.
  if (!sink.empty() || !wrt.empty())
    writer.program.isPermutable = false;
  if (!sink.empty()) {
    addClause("sink", sink);
    addGradient(sink);
    results += " d_sink(" + writer.type(sink) + ")";
  }
  if (wrt.empty())
    return;
  std::string captured, types;
  for (const std::string &tensor : wrt) {
    captured += (captured.empty() ? "" : ", ") + tensor;
    types += (types.empty() ? "" : ", ") + writer.type(tensor);
    addGradient(tensor);
  }
  clauses += " wrt(" + captured + ")";
  operands += ", " + types;
  results += " d_wrt(" + types + ")";
}

void GradientWriter::write() {
  writer.program.isPermutable = !isPacked;
  writeKeys();
  writeForward();
  std::string dOutput =
      writer.addReals("d_o", "f32", with(rows, heads, valueDim), axis);
  addOptions();
  addSinkAndCaptured();
  writer.line(names + " = attn.attention_backward " + q + ", %kv, " + dOutput +
              clauses + " : (" + operands + ") -> " + writer.type(q) + ", " +
              keyTypes + results);
  writer.addResult("%dq", writer.type(q), axis);
  writer.addResult("%dk", writer.type(k), axis);
  writer.addResult("%dv", writer.type(v), axis);
  for (auto &[name, type] : more)
    writer.addResult(name, type, -1);
}

void attn::fuzz::writeAttentionBackward(Writer &writer) {
  GradientWriter(writer).write();
}

//===----------------------------------------------------------------------===//
// What the tile level knows
//===----------------------------------------------------------------------===//

void attn::fuzz::writeTileAttention(Writer &writer) {
  Random &random = writer.random;
  static const char *const elements[] = {"bf16", "f16"};
  static const int64_t dims[] = {64, 96, 128};
  static const char *const masks[] = {"",
                                      " mask(causal)",
                                      " mask(causal and window<40, 0>)",
                                      " mask(first<9> or window<3, 5>)",
                                      " mask(causal and chunk<33>)",
                                      " mask(not causal)"};
  static const char *const scores[] = {"", "", " score(softcap<16.0>)"};
  std::string element = random.pick(elements);
  int64_t keyHeads = random.from(1, 2), heads = keyHeads * random.from(1, 2);
  int64_t dim = random.pick(dims), batch = random.from(1, 2);
  writer.program.batch = batch;
  writer.program.wantsTile = true;
  Size b = {batch, true}, queries = {random.from(1, 70), true};
  Size keys = {random.from(1, 150), true};
  std::string q =
      writer.addReals("q", element, {b, queries, {heads}, {dim}}, 0);
  std::string k =
      writer.addReals("k", element, {b, keys, {keyHeads}, {dim}}, 0);
  std::string v =
      writer.addReals("v", element, {b, keys, {keyHeads}, {dim}}, 0);
  std::string types = writer.type(k) + ", " + writer.type(v);
  std::string lse = typeOf({b, {heads}, queries}, "f32");
  std::string sink;
  if (random.oneIn(3))
    sink = " sink(" + writer.typed(writer.addSink(heads)) + ")";
  writer.line("%kv = attn.kv.dense " + k + ", " + v + " : " + types);
  writer.line("%o, %lse = attn.attention " + q + ", %kv" + random.pick(masks) +
              random.pick(scores) + sink + " : " + writer.type(q) +
              ", !attn.kv<" + types + "> -> " + writer.type(q) + ", " + lse);
  writer.program.output = 0;
  writer.program.lse = 1;
  writer.addResult("%o", writer.type(q), 0);
  writer.addResult("%lse", lse, 0);
}
