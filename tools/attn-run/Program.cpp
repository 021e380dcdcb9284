//===- Program.cpp - The program to run -----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"

#include <algorithm>
#include <set>

using namespace attn::run;
using namespace attn::runtime;

Result<std::unique_ptr<Program>> Program::parse(mlir::MLIRContext &context,
                                                const std::string &path) {
  std::string error;
  auto input = mlir::openInputFile(path, &error);
  if (!input)
    return failure(error);
  std::unique_ptr<Program> program(new Program);
  program->sources.AddNewSourceBuffer(std::move(input), llvm::SMLoc());
  program->diagnostics = std::make_unique<mlir::SourceMgrDiagnosticHandler>(
      program->sources, &context);
  program->owner =
      mlir::parseSourceFile<mlir::ModuleOp>(program->sources, &context);
  if (!program->owner)
    return failure("cannot parse '", path, "'");
  if (Status status = program->findFunction(); status.failed())
    return status.error();
  if (Status status = program->readSignature(); status.failed())
    return status.error();
  return program;
}

Status Program::findFunction() {
  auto functions = llvm::to_vector(owner->getOps<mlir::func::FuncOp>());
  if (functions.size() != 1)
    return failure("expected a program of one function, got ",
                   functions.size());
  entry = functions.front();
  if (entry.isExternal())
    return failure("expected function '", entry.getName().str(),
                   "' to have a body");
  return {};
}

/// The spelling of `type` in a program.
static std::string typeText(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::optional<ElementType> attn::run::elementTypeOf(mlir::Type type) {
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isF16())
    return ElementType::F16;
  if (type.isF32())
    return ElementType::F32;
  if (!type.isSignlessIntOrIndex())
    return std::nullopt;
  switch (type.isIndex() ? 64 : type.getIntOrFloatBitWidth()) {
  case 1:
    return ElementType::I1;
  case 8:
    return ElementType::I8;
  case 16:
    return ElementType::I16;
  case 32:
    return ElementType::I32;
  case 64:
    return ElementType::I64;
  default:
    return std::nullopt;
  }
}

static Result<TensorSpec> describe(std::string name, mlir::Type type,
                                   bool isOutput) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  std::optional<ElementType> element;
  if (tensor)
    element = elementTypeOf(tensor.getElementType());
  if (!element)
    return failure("expected '", name,
                   "' to be a tensor of bf16, f16, f32, index or integers of "
                   "1, 8, 16, 32 or 64 bits, got ",
                   typeText(type));
  TensorSpec spec;
  spec.name = std::move(name);
  spec.elementType = *element;
  spec.isOutput = isOutput;
  for (int64_t size : tensor.getShape())
    spec.shape.push_back(mlir::ShapedType::isDynamic(size) ? -1 : size);
  return spec;
}

/// What random data for one of an attention's lists of blocks looks like.
static std::optional<Filling> fillOfList(mlir::attn::AttentionOp op,
                                         mlir::Value argument) {
  if (!op.hasBlockLists())
    return std::nullopt;
  auto keys = static_cast<int64_t>(*op.getBlockK());
  std::pair<mlir::Value, Fill> lists[] = {
      {op.getPartialCounts(), Fill::BlockCounts},
      {op.getFullCounts(), Fill::BlockCounts},
      {op.getPartialIndices(), Fill::PartialBlocks},
      {op.getFullIndices(), Fill::FullBlocks}};
  for (auto [list, kind] : lists)
    if (list == argument)
      return Filling{kind, /*other=*/0, keys};
  return std::nullopt;
}

/// The value whose rows `argument` divides into sequences for `user`, or null.
static mlir::Value findDivided(mlir::Operation *user,
                               mlir::BlockArgument argument) {
  auto varlen = llvm::dyn_cast<mlir::attn::KVVarlenOp>(user);
  if (varlen && varlen.getCuSeqlens() == argument)
    return varlen.getKey();
  auto attention = llvm::dyn_cast<mlir::attn::AttentionOp>(user);
  if (attention && attention.getCuSeqlens() == argument)
    return attention.getQuery();
  auto recurrence = llvm::dyn_cast<mlir::attn::RecurrenceOpInterface>(user);
  if (recurrence && recurrence.getCuSeqlens() == argument)
    return recurrence.getQuery();
  return {};
}

/// What random data for what a recurrence erases looks like. A state stays
/// finite where the keys that are erased have norm 1 and no more is taken away
/// than was there; programs leave it to their callers.
static std::optional<Filling>
fillOfErasure(mlir::attn::RecurrenceOpInterface op,
              mlir::BlockArgument argument) {
  if (op.getErase() == argument || op.getWrite() == argument)
    return Filling{Fill::Gates};
  mlir::Value erased = op.getEraseKey() ? op.getEraseKey() : op.getKey();
  auto other = llvm::dyn_cast<mlir::BlockArgument>(erased);
  if (op.getEraseDirection() == argument && other && other != argument)
    return Filling{Fill::Opposite, other.getArgNumber()};
  bool isNormalized = op.getL2Normalize() && erased == op.getKey();
  bool isRow = argument == erased || argument == op.getQuery() ||
               argument == op.getKey();
  if (op.erases() && isRow && !isNormalized)
    return Filling{Fill::UnitRows};
  return std::nullopt;
}

/// What random data for an operand of a recurrence looks like.
static std::optional<Filling>
fillOfRecurrence(mlir::attn::RecurrenceOpInterface op,
                 mlir::BlockArgument argument) {
  if (op.getSlots() == argument)
    return Filling{Fill::Slots};
  if (op.getDecay() != argument)
    return fillOfErasure(op, argument);
  auto type = llvm::cast<mlir::RankedTensorType>(argument.getType());
  auto gate = llvm::cast<mlir::attn::GateAttr>(type.getEncoding());
  return Filling{gate.getScale() == mlir::attn::GateScale::Log
                     ? Fill::LogDecays
                     : Fill::LinearDecays};
}

/// What random data for an argument has to look like, by who reads it.
static Filling fillOf(mlir::BlockArgument argument) {
  for (mlir::Operation *user : argument.getUsers()) {
    if (auto divided = llvm::dyn_cast_if_present<mlir::BlockArgument>(
            findDivided(user, argument)))
      return {Fill::CuSeqlens, divided.getArgNumber()};
    if (llvm::isa<mlir::attn::PrefixOp>(user))
      return {Fill::Lengths};
    if (llvm::isa<mlir::attn::DocumentOp>(user))
      return {Fill::Documents};
    if (llvm::isa<mlir::attn::AlibiOp>(user))
      return {Fill::Slopes};
    if (auto op = llvm::dyn_cast<mlir::attn::RecurrenceOpInterface>(user))
      if (std::optional<Filling> own = fillOfRecurrence(op, argument))
        return *own;
    if (auto attention = llvm::dyn_cast<mlir::attn::AttentionOp>(user))
      if (std::optional<Filling> list = fillOfList(attention, argument))
        return *list;
  }
  auto type = llvm::cast<mlir::RankedTensorType>(argument.getType());
  return {type.getElementType().isSignlessIntOrIndex() ? Fill::Small
                                                       : Fill::Normal};
}

Status Program::readSignature() {
  llvm::StringRef nameAttr = mlir::attn::AttentionDialect::kNameAttr;
  std::set<std::string> names;
  auto add = [&](std::vector<TensorSpec> &specs, mlir::StringAttr given,
                 const char *fallback, mlir::Type type, bool isOutput) {
    std::string name = given ? given.getValue().str()
                             : fallback + std::to_string(specs.size());
    if (!names.insert(name).second)
      return Status(failure("expected distinct names of arguments and results,"
                            " got '",
                            name, "' twice"));
    Result<TensorSpec> spec = describe(name, type, isOutput);
    if (spec.failed())
      return Status(spec.error());
    specs.push_back(std::move(*spec));
    return Status();
  };
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (Status status = add(
            inputSpecs, entry.getArgAttrOfType<mlir::StringAttr>(i, nameAttr),
            "arg", entry.getArgumentTypes()[i], false);
        status.failed())
      return status;
  for (mlir::BlockArgument argument : entry.getArguments())
    inputFills.push_back(fillOf(argument));
  for (unsigned i = 0; i < entry.getNumResults(); ++i)
    if (Status status =
            add(outputSpecs,
                entry.getResultAttrOfType<mlir::StringAttr>(i, nameAttr),
                "result", entry.getResultTypes()[i], true);
        status.failed())
      return status;
  return {};
}

Result<AttentionProgram> Program::findAttention() const {
  AttentionProgram found;
  bool hasOutput = false;
  mlir::Operation *terminator = function().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
    auto op = value.getDefiningOp<mlir::attn::AttentionOp>();
    if (!op || (found.op && op != found.op))
      // untested: such a program is not lowered, and the reference has an
      // oracle.
      return failure("expected every result to come from one attention");
    found.op = op;
    if (value == op.getLse()) {
      found.lse = index;
    } else {
      found.output = index;
      hasOutput = true;
    }
  }
  if (!hasOutput)
    return failure("expected the output of an attention among the results");
  mlir::attn::KVTensors kv = found.op.getKVTensors();
  std::vector<std::pair<mlir::Value, unsigned *>> operands = {
      {found.op.getQuery(), &found.query},
      {kv.key, &found.key},
      {kv.value, &found.value}};
  if (found.op.isPacked()) {
    operands.emplace_back(found.op.getCuSeqlens(), &found.queryEnds.emplace());
    operands.emplace_back(kv.cuSeqlens, &found.keyEnds.emplace());
  }
  for (auto [value, index] : operands) {
    auto argument = llvm::dyn_cast_if_present<mlir::BlockArgument>(value);
    if (!argument)
      // untested: as above.
      return failure("expected queries, keys and values to be arguments");
    *index = argument.getArgNumber();
  }
  return found;
}

mlir::attn::RecurrenceOp Program::findRecurrence() const {
  mlir::attn::RecurrenceOp found;
  mlir::Operation *terminator = function().front().getTerminator();
  for (mlir::Value value : terminator->getOperands()) {
    auto op = value.getDefiningOp<mlir::attn::RecurrenceOp>();
    if (!op || (found && op != found))
      return {};
    found = op;
  }
  return found;
}

Geometry
AttentionProgram::geometry(const std::vector<HostTensor> &inputs) const {
  const std::vector<int64_t> &queries = inputs[query].shape;
  const std::vector<int64_t> &keys = inputs[key].shape;
  int64_t valueDim = inputs[value].shape.back();
  if (!queryEnds)
    return Geometry::dense(queries[0], queries[2], queries[1], keys[1],
                           queries[3], valueDim);
  Geometry geometry{{}, queries[1], queries[2], valueDim, queries[0]};
  auto end = [&](unsigned input, size_t b) {
    return static_cast<int64_t>(inputs[input].get(b));
  };
  for (size_t b = 0; static_cast<int64_t>(b) + 1 < inputs[*queryEnds].size();
       ++b)
    geometry.sequences.push_back({end(*queryEnds, b + 1) - end(*queryEnds, b),
                                  end(*keyEnds, b + 1) - end(*keyEnds, b),
                                  end(*queryEnds, b)});
  return geometry;
}

namespace {
/// The keys from p - left to p + right.
struct Interval {
  int64_t left, right;
};
} // namespace

/// An absent bound does not limit.
static int64_t boundOf(std::optional<uint64_t> bound) {
  constexpr int64_t unbounded = int64_t(1) << 40;
  return bound ? static_cast<int64_t>(*bound) : unbounded;
}

/// Reads an interval off a mask of causal and window joined by `and`.
static std::optional<Interval> readInterval(mlir::Value keep) {
  mlir::Operation *op = keep.getDefiningOp();
  if (llvm::isa_and_nonnull<mlir::attn::CausalOp>(op))
    return Interval{boundOf(std::nullopt), 0};
  if (auto window = llvm::dyn_cast_if_present<mlir::attn::WindowOp>(op))
    return Interval{boundOf(window.getLeft()), boundOf(window.getRight())};
  auto both = llvm::dyn_cast_if_present<mlir::arith::AndIOp>(op);
  if (!both)
    return std::nullopt;
  std::optional<Interval> a = readInterval(both.getLhs());
  std::optional<Interval> b = readInterval(both.getRhs());
  if (!a || !b)
    return std::nullopt;
  return Interval{std::min(a->left, b->left), std::min(a->right, b->right)};
}

/// The pairs of a query and a key that it sees.
static double countPairs(const Geometry &geometry, Interval interval) {
  int64_t pairs = 0;
  for (const Sequence &own : geometry.sequences)
    for (int64_t query = 0; query < own.queries; ++query) {
      int64_t position = query + own.keys - own.queries;
      int64_t first = std::max<int64_t>(position - interval.left, 0);
      int64_t last = std::min(position + interval.right, own.keys - 1);
      pairs += std::max<int64_t>(last - first + 1, 0);
    }
  return static_cast<double>(pairs);
}

std::optional<double>
AttentionProgram::operations(const Geometry &geometry) const {
  double all = geometry.work();
  mlir::attn::AttentionOp attention = op;
  if (attention.hasBlockLists())
    return std::nullopt;
  mlir::Block *mask = attention.getMaskBlock();
  if (!mask)
    return all;
  mlir::Value keep = mask->getTerminator()->getOperand(0);
  if (keep.getDefiningOp<mlir::attn::CausalOp>())
    return all / 2;
  std::optional<Interval> interval = readInterval(keep);
  if (!interval)
    return std::nullopt;
  return 2.0 * countPairs(geometry, *interval) *
         static_cast<double>((geometry.keyDim + geometry.valueDim) *
                             geometry.heads);
}
