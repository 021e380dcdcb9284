//===- Alu.cpp - Arithmetic on the lanes of a warp ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanewise.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static LaneTable makeTable() {
  LaneTable table;
  enterIntegers(table);
  enterPacked(table);
  enterBits(table);
  enterFloats(table);
  enterApproximations(table);
  enterHalves(table);
  enterConversions(table);
  return table;
}

Status attn::runtime::emulator::decodeAlu(Decoder &decoder) {
  static const LaneTable table = makeTable();
  const Statement &statement = decoder.statement();
  auto found = table.find(statement.name);
  if (found == table.end()) {
    if (decoder.parts()[0] == "cvt")
      return decodeConvert(decoder);
    return isCarry(decoder) ? decodeCarry(decoder) : decoder.unknown();
  }
  const LaneForm &form = found->second;
  if (Status status = decoder.expectOperands(form.types.size());
      status.failed())
    return status;
  decoder.instruction().execute = form.execute;
  if (Status status = decoder.addResult(statement.operands[0], form.types[0]);
      status.failed())
    return status;
  for (size_t i = 1; i < form.types.size(); ++i)
    if (Status status = decoder.addSource(statement.operands[i], form.types[i]);
        status.failed())
      return status;
  return {};
}
