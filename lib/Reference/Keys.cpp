//===- Keys.cpp - Keys and values, wherever they are ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Keys.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult reference::checkCuSeqlens(Operation *op, const Tensor &ends,
                                        int64_t total) {
  double previous = 0;
  if (ends.values.empty())
    return op->emitOpError("expected cu_seqlens with at least one element");
  for (double end : ends.values) {
    if (end < previous || end > static_cast<double>(total))
      return op->emitOpError("expected cu_seqlens from 0 to ")
             << total << " that do not decrease, got " << end << " after "
             << previous;
    previous = end;
  }
  return success();
}

LogicalResult reference::checkKeys(KVDenseOp op, const Evaluation &evaluation) {
  ArrayRef<int64_t> key = evaluation.get(op.getKey()).shape;
  ArrayRef<int64_t> value = evaluation.get(op.getValue()).shape;
  if (key.take_front(2) != value.take_front(2))
    return op.emitOpError("expected key and value to agree in batch and "
                          "length, got ")
           << toString(key) << " and " << toString(value);
  return success();
}

LogicalResult reference::checkKeys(KVVarlenOp op,
                                   const Evaluation &evaluation) {
  ArrayRef<int64_t> key = evaluation.get(op.getKey()).shape;
  ArrayRef<int64_t> value = evaluation.get(op.getValue()).shape;
  if (key[0] != value[0])
    return op.emitOpError("expected key and value to agree in length, got ")
           << toString(key) << " and " << toString(value);
  return checkCuSeqlens(op, evaluation.get(op.getCuSeqlens()), key[0]);
}

LogicalResult reference::checkKeys(KVLatentOp op,
                                   const Evaluation &evaluation) {
  if (!op.getCuSeqlens())
    return success();
  return checkCuSeqlens(op, evaluation.get(op.getCuSeqlens()),
                        evaluation.get(op.getKey()).shape[0]);
}

LogicalResult reference::checkKeys(KVGatherOp op,
                                   const Evaluation &evaluation) {
  return success();
}

LogicalResult reference::checkKeys(KVConcatOp op,
                                   const Evaluation &evaluation) {
  std::optional<size_t> sequences;
  for (Value source : op.getSources()) {
    size_t own = Keys::read(source, evaluation).sequences.size();
    if (sequences && own != *sequences)
      return op.emitOpError("expected sources of as many sequences, got ")
             << *sequences << " and " << own;
    sequences = own;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

namespace {

/// How pages are found, whichever way they are listed.
class Pages {
public:
  Pages(KVPagedOp op, const Evaluation &evaluation)
      : op(op), key(evaluation.get(op.getKey())),
        value(op.getValue() ? evaluation.get(op.getValue()) : key) {
    auto find = [&](Value tensor) {
      return tensor ? &evaluation.get(tensor) : nullptr;
    };
    table = find(op.getTable());
    lengths = find(op.getLengths());
    indptr = find(op.getIndptr());
    indices = find(op.getIndices());
    lastPageLen = find(op.getLastPageLen());
    headsFirst = op.getHeadsFirst();
  }

  int64_t numSequences() const {
    return (table ? lengths : lastPageLen)->size();
  }
  int64_t size() const { return key.shape[headsFirst ? 2 : 1]; }
  int64_t numPages(int64_t b) const {
    return table ? llvm::divideCeilSigned(getLength(b), size())
                 : at(indptr, b + 1) - at(indptr, b);
  }
  int64_t getLength(int64_t b) const {
    if (table)
      return at(lengths, b);
    int64_t pages = numPages(b);
    return pages == 0 ? 0 : size() * (pages - 1) + at(lastPageLen, b);
  }
  int64_t getPage(int64_t b, int64_t number) const {
    return table ? at(table, b * table->shape[1] + number)
                 : at(indices, at(indptr, b) + number);
  }

  LogicalResult check() const;
  KeyRow getRow(int64_t b, int64_t j, size_t source) const;

private:
  static int64_t at(const Tensor *tensor, int64_t index) {
    return static_cast<int64_t>(tensor->values[index]);
  }
  LogicalResult checkTable() const;
  LogicalResult checkCsr() const;

  KVPagedOp op;
  const Tensor &key, &value;
  const Tensor *table, *lengths, *indptr, *indices, *lastPageLen;
  bool headsFirst;
};

} // namespace

LogicalResult Pages::checkTable() const {
  KVPagedOp paged = op;
  if (table->shape[0] != lengths->size())
    return paged.emitOpError("expected a table and lengths of as many "
                             "sequences, got ")
           << table->shape[0] << " and " << lengths->size();
  for (int64_t b = 0; b != numSequences(); ++b)
    if (getLength(b) < 0 || getLength(b) > table->shape[1] * size())
      return paged.emitOpError("expected lengths from 0 to ")
             << table->shape[1] * size() << ", got " << getLength(b);
  return success();
}

LogicalResult Pages::checkCsr() const {
  KVPagedOp paged = op;
  if (indptr->size() != lastPageLen->size() + 1)
    return paged.emitOpError("expected indptr of one element more than "
                             "last_page_len, got ")
           << indptr->size() << " and " << lastPageLen->size();
  int64_t previous = 0;
  for (int64_t b = 0; b <= numSequences(); ++b) {
    int64_t end = at(indptr, b);
    if (end < previous || end > indices->size())
      return paged.emitOpError("expected indptr from 0 to ")
             << indices->size() << " that does not decrease, got " << end
             << " after " << previous;
    previous = end;
  }
  for (int64_t b = 0; b != numSequences(); ++b)
    if (numPages(b) != 0 &&
        (at(lastPageLen, b) < 1 || at(lastPageLen, b) > size()))
      return paged.emitOpError("expected last_page_len from 1 to ")
             << size() << ", got " << at(lastPageLen, b);
  return success();
}

LogicalResult Pages::check() const {
  KVPagedOp paged = op;
  if (key.shape[0] != value.shape[0] || key.shape[1] != value.shape[1] ||
      key.shape[2] != value.shape[2])
    return paged.emitOpError("expected pages of keys and values that agree but "
                             "in the last size, got ")
           << toString(key.shape) << " and " << toString(value.shape);
  if (failed(table ? checkTable() : checkCsr()))
    return failure();
  for (int64_t b = 0; b != numSequences(); ++b)
    for (int64_t number = 0; number != numPages(b); ++number)
      if (int64_t page = getPage(b, number); page < 0 || page >= key.shape[0])
        return paged.emitOpError("expected a page from 0 to ")
               << key.shape[0] - 1 << ", got " << page << " for page " << number
               << " of sequence " << b;
  return success();
}

KeyRow Pages::getRow(int64_t b, int64_t j, size_t source) const {
  int64_t page = getPage(b, j / size()), slot = j % size();
  auto find = [&](const Tensor &tensor, int64_t &stride) {
    int64_t channels = tensor.shape[3];
    stride = channels * (headsFirst ? tensor.shape[2] : 1);
    int64_t perSlot = channels * (headsFirst ? 1 : tensor.shape[2]);
    int64_t perPage = tensor.shape[1] * tensor.shape[2] * channels;
    return tensor.values.data() + page * perPage + slot * perSlot;
  };
  KeyRow row;
  row.key = find(key, row.keyStride);
  row.value = find(value, row.valueStride);
  row.source = source;
  return row;
}

LogicalResult reference::checkKeys(KVPagedOp op, const Evaluation &evaluation) {
  return Pages(op, evaluation).check();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

class Reader {
public:
  Reader(const Evaluation &evaluation, Keys &keys)
      : evaluation(evaluation), keys(keys) {}

  void add(Value kv);

private:
  void addRows(int64_t b, const Tensor &key, const Tensor &value, int64_t first,
               int64_t count);
  void addTensors(const Tensor &key, const Tensor &value,
                  const Tensor *cuSeqlens);
  void addPages(KVPagedOp op);
  void addChoice(KVGatherOp op);
  std::vector<KeyRow> &getSequence(size_t b) {
    if (b >= keys.sequences.size())
      keys.sequences.resize(b + 1);
    return keys.sequences[b];
  }

  const Evaluation &evaluation;
  Keys &keys;
  /// The number of the source at hand.
  size_t source = 0;
};

} // namespace

void Reader::addRows(int64_t b, const Tensor &key, const Tensor &value,
                     int64_t first, int64_t count) {
  auto row = [](const Tensor &tensor, int64_t number, int64_t &stride) {
    ArrayRef<int64_t> shape = ArrayRef(tensor.shape).take_back(2);
    stride = shape[1];
    return tensor.values.data() + number * shape[0] * shape[1];
  };
  std::vector<KeyRow> &sequence = getSequence(b);
  for (int64_t j = first; j != first + count; ++j) {
    KeyRow own;
    own.key = row(key, j, own.keyStride);
    own.value = row(value, j, own.valueStride);
    own.source = source;
    sequence.push_back(own);
  }
}

void Reader::addTensors(const Tensor &key, const Tensor &value,
                        const Tensor *cuSeqlens) {
  if (!cuSeqlens) {
    for (int64_t b = 0; b != key.shape[0]; ++b)
      addRows(b, key, value, b * key.shape[1], key.shape[1]);
    return;
  }
  for (int64_t b = 0; b + 1 < cuSeqlens->size(); ++b) {
    auto first = static_cast<int64_t>(cuSeqlens->values[b]);
    auto end = static_cast<int64_t>(cuSeqlens->values[b + 1]);
    addRows(b, key, value, first, end - first);
  }
}

void Reader::addPages(KVPagedOp op) {
  Pages pages(op, evaluation);
  for (int64_t b = 0; b != pages.numSequences(); ++b) {
    std::vector<KeyRow> &sequence = getSequence(b);
    for (int64_t j = 0; j != pages.getLength(b); ++j)
      sequence.push_back(pages.getRow(b, j, source));
  }
}

void Reader::addChoice(KVGatherOp op) {
  // A block of more keys than this is one of them all.
  constexpr int64_t largest = int64_t(1) << 32;
  Choice choice{&evaluation.get(op.getIndices()),
                std::min<int64_t>(op.getBlock(), largest),
                {},
                {}};
  for (const std::vector<KeyRow> &sequence : keys.sequences)
    choice.first.push_back(sequence.size());
  add(op.getSource());
  choice.first.resize(keys.sequences.size(), 0);
  for (auto [sequence, first] : llvm::zip(keys.sequences, choice.first))
    choice.count.push_back(static_cast<int64_t>(sequence.size()) - first);
  keys.choices.push_back(std::move(choice));
}

void Reader::add(Value kv) {
  TypeSwitch<Operation *>(kv.getDefiningOp())
      .Case([&](KVDenseOp op) {
        addTensors(evaluation.get(op.getKey()), evaluation.get(op.getValue()),
                   nullptr);
      })
      .Case([&](KVVarlenOp op) {
        addTensors(evaluation.get(op.getKey()), evaluation.get(op.getValue()),
                   &evaluation.get(op.getCuSeqlens()));
      })
      .Case([&](KVLatentOp op) {
        const Tensor &key = evaluation.get(op.getKey());
        addTensors(key, key,
                   op.getCuSeqlens() ? &evaluation.get(op.getCuSeqlens())
                                     : nullptr);
      })
      .Case([&](KVPagedOp op) { addPages(op); })
      .Case([&](KVGatherOp op) { addChoice(op); })
      .Case([&](KVConcatOp op) {
        for (Value own : op.getSources())
          add(own);
      });
  // A list has none of its own: it chooses among those of others.
  if (!isa<KVGatherOp, KVConcatOp>(kv.getDefiningOp()))
    ++source;
}

Keys Keys::read(Value kv, const Evaluation &evaluation) {
  Keys keys;
  Reader(evaluation, keys).add(kv);
  return keys;
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

LogicalResult reference::checkChoices(Operation *op, const Keys &keys,
                                      ArrayRef<int64_t> shape) {
  int64_t heads = shape.take_back(2).front();
  for (const Choice &choice : keys.choices) {
    ArrayRef<int64_t> indices = choice.indices->shape;
    if (indices.size() != shape.size() ||
        indices.drop_back(2) != shape.drop_back(2) ||
        heads % indices.take_back(2).front() != 0)
      return op->emitOpError("expected lists of keys for each query of ")
             << toString(shape) << ", got " << toString(indices);
  }
  return success();
}

void Keys::choose(Row row, int64_t firstQuery, int64_t heads,
                  std::vector<bool> &chosen) const {
  chosen.assign(sequences[row.batch].size(), true);
  for (const Choice &choice : choices) {
    int64_t first = choice.first[row.batch], count = choice.count[row.batch];
    std::vector<bool> named(count, false);
    ArrayRef<int64_t> shape = ArrayRef(choice.indices->shape).take_back(2);
    int64_t list = row.head / (heads / shape[0]);
    int64_t number = firstQuery + row.query;
    const double *entries =
        choice.indices->values.data() + (number * shape[0] + list) * shape[1];
    for (int64_t n = 0; n != shape[1]; ++n) {
      auto block = static_cast<int64_t>(entries[n]);
      if (block < 0 || block >= count)
        continue;
      int64_t begin = block * choice.block;
      for (int64_t j = begin; j < std::min(begin + choice.block, count); ++j)
        named[j] = true;
    }
    for (int64_t j = 0; j != count; ++j)
      chosen[first + j] = chosen[first + j] && named[j];
  }
}
