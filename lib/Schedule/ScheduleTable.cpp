//===- ScheduleTable.cpp - Schedules that were measured -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/ScheduleTable.h"

#include "attn/Analysis/KeyBounds.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::attn;

/// The kind of a mask: how much of the keys queries see of it, and how evenly.
static StringRef describeMask(AttentionOp op) {
  if (op.hasBlockLists())
    return "lists";
  Block *mask = op.getMaskBlock();
  if (!mask)
    return "full";
  KeyBounds bounds = analyzeKeyBounds(
      *mask, mask->getArgument(2), mask->getArgument(3), mask->getArgument(1));
  return bounds.isUneven() ? "uneven" : "even";
}

std::string mlir::attn::describeProblem(AttentionOp op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op.getQueryType().getElementType() << " " << op.getKVType().getKeyDim()
     << "x" << op.getKVType().getValueDim() << " " << describeMask(op);
  if (op.getScoreBlock())
    os << " modified";
  if (op.isPacked())
    os << " packed";
  return text;
}

/// Whether `schedules` ends with one without a guard, and all before have one.
static bool isList(Attribute schedules) {
  auto list = dyn_cast<ArrayAttr>(schedules);
  return list && !list.empty() &&
         isa<tile::ScheduleAttr>(list.getValue().back()) &&
         llvm::all_of(list.getValue().drop_back(), [](Attribute attr) {
           return isa<tile::GuardedScheduleAttr>(attr);
         });
}

FailureOr<ScheduleTable> ScheduleTable::read(StringRef path, Location loc) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(path, &error);
  if (!file)
    return emitError(loc, error);
  // The parser counts what it has read from the first token on.
  StringRef text = file->getBuffer().ltrim();
  while (text.consume_front("//"))
    text = text.split('\n').second.ltrim();
  Attribute parsed = parseAttribute(text, loc.getContext());
  if (!parsed)
    return failure();
  auto entries = dyn_cast<DictionaryAttr>(parsed);
  if (!entries)
    return emitError(loc) << "expected a dictionary of schedules in '" << path
                          << "', got " << parsed;
  for (NamedAttribute entry : entries)
    if (!isList(entry.getValue()))
      return emitError(loc)
             << "expected guarded schedules and one without a guard behind "
                "them for "
             << entry.getName() << " in '" << path << "', got "
             << entry.getValue();
  return ScheduleTable(entries);
}

ScheduleTable::Schedules ScheduleTable::lookup(StringRef problem) const {
  auto list = entries.getAs<ArrayAttr>(problem);
  if (!list)
    return {};
  return {list.getValue().drop_back(),
          cast<tile::ScheduleAttr>(list.getValue().back())};
}
