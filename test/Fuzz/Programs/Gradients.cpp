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
  void writeTensors();
  void writeSources();
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
  bool isPacked, isSigmoid = false, isDense = false;
  int axis;
  Shape rows, keyRows, lseShape;
  std::string q, k, v, kv, ends, sink, mask, score;
  std::string normalizer, output, lse;
  std::string clauses, operands, names = "%dq", results;
  BlockClause blocks;
  /// What keys and values are in, each with the axis of sequences.
  std::vector<std::pair<std::string, int>> sources;
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
  valueDim = random.from(1, dim);
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
  if (!isPacked && random.oneIn(3))
    return writeSources();
  isDense = !isPacked;
  writeTensors();
}

/// Dense keys and latent ones, which lists may choose from, in one softmax.
void GradientWriter::writeSources() {
  int64_t entries = random.from(0, 4);
  Size length = writer.length(keys), own = writer.length(entries);
  Shape ownRows = {writer.batch(batch), own};
  k = writer.addReals("k", "f32", with(keyRows, keyHeads, dim), 0);
  v = writer.addReals("v", "f32", with(keyRows, keyHeads, valueDim), 0);
  std::string c = writer.addReals("c", "f32", with(ownRows, keyHeads, dim), 0);
  sources = {{k, 0}, {v, 0}, {c, 0}};
  std::string dense =
      "!attn.kv<" + writer.type(k) + ", " + writer.type(v) + ">";
  std::string latent = "!attn.kv<" + writer.type(c) + ", " +
                       typeOf(with(ownRows, keyHeads, valueDim), "f32") + ">";
  writer.line("%dense = attn.kv.dense " + k + ", " + v + " : " +
              writer.type(k) + ", " + writer.type(v));
  writer.line("%all = attn.kv.latent " + c + " slice<" +
              std::to_string(valueDim) + "> : " + writer.type(c));
  std::string second = "%all";
  if (random.oneIn(2)) {
    std::string indices = writer.addIntegers(
        "indices", with(rows, random.oneIn(2) ? 1 : heads, random.from(0, 4)),
        -1, entries + 1, 0);
    writer.line("%some = attn.kv.gather %all at " + indices + " : " + latent +
                ", " + writer.type(indices));
    second = "%some";
  }
  Shape all = {writer.batch(batch),
               {length.size + own.size, length.isDynamic || own.isDynamic}};
  keys += entries;
  keyRows = all;
  kv = "!attn.kv<" + typeOf(with(all, keyHeads, dim), "f32") + ", " +
       typeOf(with(all, keyHeads, valueDim), "f32") + ">";
  writer.line("%kv = attn.kv.concat %dense, " + second + " : " + dense + ", " +
              latent + " -> " + kv);
}

void GradientWriter::writeTensors() {
  k = writer.addReals("k", "f32", with(keyRows, keyHeads, dim), axis);
  v = writer.addReals("v", "f32", with(keyRows, keyHeads, valueDim), axis);
  sources = {{k, axis}, {v, axis}};
  std::string keyTypes = writer.type(k) + ", " + writer.type(v);
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
  bool hasLists = isDense && random.oneIn(4);
  mask = writeMaskClause(writer, context);
  score = writeScoreClause(writer, context, &wrt);
  if (hasLists)
    blocks = writeBlocks(writer, context, !mask.empty());
  writer.line((isSigmoid ? "%o" : "%o, %lse") +
              (" = attn.attention " + q + ", %kv") +
              (isPacked ? " cu_seqlens(" + writer.typed(ends) + ")" : "") +
              mask + score + normalizer +
              (sink.empty() ? "" : " sink(" + writer.typed(sink) + ")") +
              blocks.text + " : " + writer.type(q) + ", " + kv + " -> " +
              output + (isSigmoid ? "" : ", " + lse));
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
  clauses += blocks.backward;
  operands += blocks.types;
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
  std::string keyTypes;
  std::vector<std::string> gradients;
  for (auto &[tensor, own] : sources) {
    gradients.push_back(writer.fresh("dkv"));
    names += ", " + gradients.back();
    keyTypes += (keyTypes.empty() ? "" : ", ") + writer.type(tensor);
  }
  addOptions();
  addSinkAndCaptured();
  writer.line(names + " = attn.attention_backward " + q + ", %kv, " + dOutput +
              clauses + " : (" + operands + ") -> " + writer.type(q) + ", " +
              keyTypes + results);
  writer.addResult("%dq", writer.type(q), axis);
  for (size_t n = 0; n != sources.size(); ++n)
    writer.addResult(gradients[n], writer.type(sources[n].first),
                     sources[n].second);
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
