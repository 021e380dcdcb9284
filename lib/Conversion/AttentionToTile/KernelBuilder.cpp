//===- KernelBuilder.cpp - What the kernels of an attention share ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

namespace {
/// Numbers the sizes that a launch has to check: equal numbers, equal sizes.
enum SizeSymbol : int64_t {
  None = -1,
  Batch = 0,
  QueryLength,
  KeyLength,
  /// The first of those that belong to one axis of a captured tensor.
  OwnSize
};
} // namespace

/// The position that `index` stands for where it is an argument of a region of
/// `op`, counted from the batch on, the head, the query and the key, or -1.
static int getPosition(AttentionOp op, Value index) {
  auto argument = dyn_cast<BlockArgument>(index);
  if (!argument || argument.getOwner()->getParentOp() != op)
    return -1;
  // They are last.
  return argument.getArgNumber() + 4 - argument.getOwner()->getNumArguments();
}

/// Whether `index` is a row of packed keys: a position plus the cu_seqlens of
/// the sequence.
static bool isPackedRow(AttentionOp op, Value index) {
  auto add = index.getDefiningOp<arith::AddIOp>();
  if (!add || !op.isPacked())
    return false;
  auto isFirst = [&](Value value) {
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    auto read = value.getDefiningOp<ReadOp>();
    return read && read.getTensor() == op.getKVTensors().cuSeqlens &&
           getPosition(op, read.getIndices().front()) == 0;
  };
  return (getPosition(op, add.getLhs()) >= 2 && isFirst(add.getRhs())) ||
         (getPosition(op, add.getRhs()) >= 2 && isFirst(add.getLhs()));
}

/// The size that an axis along `index` is at least, as the number of a size and
/// what is added to it; empty where nothing is known of it.
static SmallVector<int64_t> getCovered(AttentionOp op, Value index,
                                       int64_t keySymbol) {
  switch (getPosition(op, index)) {
  case 0:
    // There is one more of the cu_seqlens.
    return {Batch, op.isPacked() ? -1 : 0};
  case 1:
    return {None, op.getQueryHeads()};
  case 2:
  case 3:
    return {keySymbol, 0};
  default:
    return isPackedRow(op, index) ? SmallVector<int64_t>{keySymbol, 0}
                                  : SmallVector<int64_t>{};
  }
}

namespace {
/// Collects the views of a kernel.
class SignatureBuilder {
public:
  SignatureBuilder(func::FuncOp function, AttentionOp op)
      : function(function), op(op), builder(function), kv(op.getKVTensors()) {
    // A tensor may be more than one operand.
    bool oneLength = op.getQuery() == kv.key || op.getQuery() == kv.value;
    keySymbol = oneLength ? QueryLength : KeyLength;
  }

  void addArgument(BlockArgument argument);
  void addResult(unsigned index, Value result);
  void addLimits(unsigned matches, bool output);

  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;

private:
  struct Use {
    bool output = false, workspace = false;
  };
  void addView(Type tensorType, StringAttr name, ArrayRef<int64_t> symbols,
               Use use, ArrayRef<int64_t> least = {});
  SmallVector<int64_t> findCovered(Value tensor);
  void addList(BlockArgument argument, StringAttr name,
               AttentionOp::BlockList list);

  StringAttr getLimitsName();
  StringAttr nameOf(StringAttr given, StringRef fallback, unsigned index) {
    return given ? given : builder.getStringAttr(fallback + Twine(index));
  }
  SmallVector<int64_t> rowSymbols(int64_t length) {
    return op.isPacked() ? SmallVector<int64_t>{length, None, None}
                         : SmallVector<int64_t>{Batch, length, None, None};
  }

  func::FuncOp function;
  AttentionOp op;
  OpBuilder builder;
  KVTensors kv;
  int64_t keySymbol;
  int64_t ownSize = OwnSize;
  DenseMap<Value, int64_t> listRows;
};

} // namespace

void SignatureBuilder::addView(Type tensorType, StringAttr name,
                               ArrayRef<int64_t> symbols, Use use,
                               ArrayRef<int64_t> least) {
  auto type = cast<RankedTensorType>(tensorType);
  types.push_back(tile::ViewType::get(type.getShape(), type.getElementType()));
  NamedAttrList list;
  list.set(tile::KernelOp::getNameAttrName(), name);
  list.set(tile::KernelOp::getSymbolsAttrName(),
           builder.getDenseI64ArrayAttr(symbols));
  if (use.output)
    list.set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
  if (use.workspace)
    list.set(tile::KernelOp::getWorkspaceAttrName(), builder.getUnitAttr());
  if (!least.empty())
    list.set(tile::KernelOp::getLeastAttrName(),
             builder.getDenseI64ArrayAttr(least));
  attrs.push_back(list.getDictionary(builder.getContext()));
}

/// What a captured tensor covers, in the form of tile.least.
SmallVector<int64_t> SignatureBuilder::findCovered(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> least;
  DenseSet<int64_t> seen;
  for (Operation *user : tensor.getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !read.getCovers() || read->getParentOp() != op)
      continue;
    for (auto [axis, index] : llvm::enumerate(read.getIndices())) {
      SmallVector<int64_t> size = getCovered(op, index, keySymbol);
      // What types say needs no launch.
      if (size.empty() || (size[0] == None && type.getDimSize(axis) >= size[1]))
        continue;
      if (!seen.insert(axis).second)
        continue;
      least.append({static_cast<int64_t>(axis), size[0], size[1], 1});
    }
  }
  return least;
}

/// The list of blocks that `argument` is a part of, if it is of one.
static AttentionOp::BlockList findList(AttentionOp op, Value argument) {
  for (AttentionOp::BlockList list :
       {op.getPartialBlocks(), op.getFullBlocks()})
    if (list && (list.counts == argument || list.indices == argument))
      return list;
  return {};
}

/// Counts and indices have rows alike, for all queries.
void SignatureBuilder::addList(BlockArgument argument, StringAttr name,
                               AttentionOp::BlockList list) {
  auto type = cast<RankedTensorType>(argument.getType());
  auto [rows, isNew] = listRows.try_emplace(list.counts, ownSize);
  ownSize += isNew;
  SmallVector<int64_t> symbols{type.getDimSize(0) == 1 ? None : Batch, None,
                               rows->second};
  if (type.getRank() == 4)
    symbols.push_back(ownSize++);
  addView(type, name, symbols, {},
          {2, QueryLength, 0, static_cast<int64_t>(*op.getBlockQ())});
}

void SignatureBuilder::addArgument(BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  auto given = function.getArgAttrOfType<StringAttr>(index, "attn.name");
  StringAttr name = nameOf(given, "arg", index);
  bool isQuery = argument == op.getQuery();
  if (isQuery || argument == kv.key || argument == kv.value)
    return addView(argument.getType(), name,
                   rowSymbols(isQuery ? QueryLength : keySymbol), {});
  if (argument == op.getCuSeqlens() || argument == kv.cuSeqlens)
    return addView(argument.getType(), name, {Batch}, {});
  if (AttentionOp::BlockList list = findList(op, argument))
    return addList(argument, name, list);
  SmallVector<int64_t> symbols;
  for (int64_t size : cast<RankedTensorType>(argument.getType()).getShape())
    symbols.push_back(ShapedType::isDynamic(size) ? ownSize++ : None);
  addView(argument.getType(), name, symbols, {}, findCovered(argument));
}

void SignatureBuilder::addResult(unsigned index, Value result) {
  auto given = function.getResultAttrOfType<StringAttr>(index, "attn.name");
  SmallVector<int64_t> symbols = rowSymbols(QueryLength);
  if (result == op.getLse())
    symbols = op.isPacked() ? SmallVector<int64_t>{None, QueryLength}
                            : SmallVector<int64_t>{Batch, None, QueryLength};
  addView(result.getType(), nameOf(given, "result", index), symbols,
          {/*output=*/true});
}

/// Tensors have distinct names.
StringAttr SignatureBuilder::getLimitsName() {
  DenseSet<StringAttr> taken;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    taken.insert(function.getArgAttrOfType<StringAttr>(i, "attn.name"));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    taken.insert(function.getResultAttrOfType<StringAttr>(i, "attn.name"));
  std::string name = "key_limits";
  while (taken.contains(builder.getStringAttr(name)))
    name += '_';
  return builder.getStringAttr(name);
}

/// For each tile of each batch, or for each slot.
void SignatureBuilder::addLimits(unsigned matches, bool output) {
  SmallVector<int64_t> shape(op.isPacked() ? 1 : 2, ShapedType::kDynamic);
  SmallVector<int64_t> symbols;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    symbols.push_back(ownSize++);
  shape.push_back(matches * KeyMatch::NumLimits);
  symbols.push_back(None);
  addView(RankedTensorType::get(shape, builder.getI32Type()), getLimitsName(),
          symbols, {output, /*workspace=*/true});
}

void KernelBuilder::createKernel(const Twine &name, bool writesResults,
                                 IsNeeded isNeeded) {
  AttentionOp op = program.attention;
  SignatureBuilder signature(function, op);
  SmallVector<BlockArgument> used;
  for (BlockArgument argument : function.getArguments())
    if (isNeeded(argument)) {
      signature.addArgument(argument);
      used.push_back(argument);
    }
  size_t matches = program.bounds.matches.size();
  if (matches)
    signature.addLimits(matches, /*output=*/!writesResults);
  if (writesResults)
    for (auto [index, result] :
         llvm::enumerate(function.front().getTerminator()->getOperands()))
      signature.addResult(index, result);

  SmallString<64> storage;
  kernel = tile::KernelOp::create(
      builder, function.getLoc(), name.toStringRef(storage),
      builder.getFunctionType(signature.types, {}), schedule);
  function_interface_impl::setAllArgAttrDicts(kernel, signature.attrs);
  for (auto [argument, view] : llvm::zip(used, kernel.getBody().getArguments()))
    regions.map(argument, view);
  if (matches)
    limits = kernel.getBody().getArgument(used.size());
  query = regions.lookup(op.getQuery());
  key = regions.lookup(program.kv.key);
  builder.setInsertionPointToEnd(&kernel.getBody().front());
}

//===----------------------------------------------------------------------===//
// Sequences and their tiles
//===----------------------------------------------------------------------===//

Value KernelBuilder::createSizes() {
  batchSize = size(query, 0);
  sequence.queryLength = size(query, 1);
  sequence.keyLength = size(key, 1);
  boundKeys();
  return apply(d(0).ceilDiv(blockQ), {sequence.queryLength});
}

/// The tail of the last block of keys lies behind the sequence.
void KernelBuilder::boundKeys() {
  regions.map(sequence.keyLength, sequence.keyLength);
  program.bounds.addUpper(sequence.keyLength, -1);
}

/// How many slots there are follows from sizes, which a launch knows, while the
/// lengths of the sequences are in the memory of the device.
Value KernelBuilder::createSlots() {
  Value cuSeqlens = regions.lookup(program.attention.getCuSeqlens());
  return apply(d(0).floorDiv(blockQ) + d(1) - 1,
               {size(query, 0), size(cuSeqlens, 0)});
}

Value KernelBuilder::enterSlot(Value slot) {
  Value cuSeqlens = regions.lookup(program.attention.getCuSeqlens());
  sequence.batch =
      tile::FindSequenceOp::create(builder, loc, slot, cuSeqlens, blockQ);
  sequence.queries = readEnds(cuSeqlens);
  sequence.keys = readEnds(regions.lookup(program.kv.cuSeqlens));
  auto getLength = [&](ArrayRef<Value> ends) {
    return apply(d(1) - d(0), {ends[0], ends[1]});
  };
  sequence.queryLength = getLength(sequence.queries);
  sequence.keyLength = getLength(sequence.keys);
  boundKeys();

  Value row = apply((d(0) - d(1).floorDiv(blockQ) - d(2)) * blockQ,
                    {slot, sequence.queries[0], sequence.batch});
  // A slot may be one too many, or lie in front of all sequences.
  auto compare = [&](arith::CmpIPredicate predicate, Value limit) -> Value {
    return arith::CmpIOp::create(builder, loc, predicate, row, limit);
  };
  Value isUsed = arith::AndIOp::create(
      builder, loc, compare(arith::CmpIPredicate::sge, constant(0)),
      compare(arith::CmpIPredicate::slt, sequence.queryLength));
  auto branch =
      scf::IfOp::create(builder, loc, isUsed, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  return row;
}

/// The begin and the end of the rows of the sequence.
SmallVector<Value> KernelBuilder::readEnds(Value cuSeqlens) {
  auto read = [&](Value index) -> Value {
    Value end = tile::ReadOp::create(builder, loc, builder.getI32Type(),
                                     cuSeqlens, index, /*position=*/true);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      end);
  };
  Value next = apply(d(0) + 1, {sequence.batch});
  Value begin = read(sequence.batch);
  return {begin, read(next)};
}
