//===- Wgmma.cpp - Asynchronous matrix products ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cluster.h"
#include "Decoder.h"
#include "Lanes.h"
#include "WgmmaProduct.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;
using namespace attn::runtime::emulator::wgmma;

//===----------------------------------------------------------------------===//
// Flight
//===----------------------------------------------------------------------===//

namespace {
/// A warp's part of a wgmma.
class Product : public Operation {
public:
  Product(Block &block, Warp &warp, const Instruction &instruction)
      : Operation(Tracker::WgmmaGroup, block, warp, instruction, /*lane=*/-1),
        form(instruction) {
    pipe = warp.agent + 1;
  }

  Step list();
  Step advance() override;
  void release() override;
  bool reads(uint32_t address, uint32_t size) const override;
  const char *name() const override { return "wgmma"; }
  void markFlight() const;

  const WgmmaForm form;
  bool accumulate = false;

private:
  Step listOperand(unsigned index, bool transposed, Element type,
                   unsigned first, unsigned rows,
                   std::vector<uint32_t> &chunks);
  void setFlight(unsigned index, RegisterState::Flight flight) const;
  void landFlight() const;

  /// The chunks that it reads: of the warp's rows of A, unless registers hold
  /// them, and of B.
  std::vector<uint32_t> aChunks, bChunks;
  /// Of the other rows of A. PTX says of the warpgroup alone that it reads
  /// them, so that each of its warps may.
  std::vector<uint32_t> otherChunks;
  /// All of them lie in between.
  uint32_t lowest = ~0u, highest = 0;
};
} // namespace

Step Product::advance() {
  auto pointers = [&](const std::vector<uint32_t> &chunks) {
    std::vector<const uint8_t *> result;
    result.reserve(chunks.size());
    for (uint32_t chunk : chunks)
      result.push_back(block.shared.at(chunk));
    return result;
  };
  multiply(warp, instruction, pointers(aChunks), pointers(bChunks), accumulate);
  hasRead = isDone = true;
  return Step::Next;
}

/// The registers may be used again.
void Product::release() {
  landFlight();
  for (const auto *chunks : {&aChunks, &bChunks, &otherChunks})
    for (uint32_t chunk : *chunks)
      block.shared.recordRead(warp.agent, warp.stamp(), chunk, chunkBytes);
}

bool Product::reads(uint32_t address, uint32_t size) const {
  if (address >= highest + chunkBytes || lowest >= address + size)
    return false;
  auto overlaps = [&](uint32_t chunk) {
    return chunk < address + size && address < chunk + chunkBytes;
  };
  auto anyOverlaps = [&](const std::vector<uint32_t> &chunks) {
    return std::any_of(chunks.begin(), chunks.end(), overlaps);
  };
  return anyOverlaps(aChunks) || anyOverlaps(bChunks) ||
         anyOverlaps(otherChunks);
}

void Product::setFlight(unsigned index, RegisterState::Flight flight) const {
  RegisterState &state = warp.state(instruction.operands[index]);
  warp.registersInFlight += flight != RegisterState::Flight::None;
  warp.registersInFlight -= state.flight != RegisterState::Flight::None;
  state.flight = flight;
}

void Product::markFlight() const {
  for (unsigned i = 0; i < form.accumulators(); ++i)
    setFlight(i, RegisterState::Flight::Accumulator);
  for (unsigned i = form.accumulators(); form.aInRegisters && i < form.bIndex();
       ++i)
    setFlight(i, RegisterState::Flight::Operand);
}

void Product::landFlight() const {
  unsigned end = form.aInRegisters ? form.bIndex() : form.accumulators();
  for (unsigned i = 0; i < end; ++i) {
    setFlight(i, RegisterState::Flight::None);
    if (i < form.accumulators())
      warp.state(instruction.operands[i]).written = ~0u;
  }
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

/// A register that a wgmma uses must have been written, not be in flight in
/// another role, and be fenced since ordinary code used it.
static void checkRegister(Block &block, Warp &warp,
                          const Instruction &instruction, Operand operand,
                          bool isAccumulator, bool isRead) {
  RegisterState &state = warp.state(operand);
  const std::string &name = warp.name(block.grid.program, operand);
  if (state.flight == RegisterState::Flight::Accumulator && isAccumulator)
    return;
  if (state.flight == RegisterState::Flight::Accumulator ||
      (state.flight == RegisterState::Flight::Operand && isAccumulator))
    block.report(HazardKind::RegisterInFlight, warp, instruction, -1,
                 "uses " + name + ", which another wgmma in flight uses");
  if (isRead)
    block.checkWritten(warp, instruction, operand, ~0u);
  if (state.load && isRead)
    warp.loads.use(state, ~0u);
  else if (state.load)
    warp.loads.overwrite(state, ~0u);
  if (state.written && state.fences == warp.wgmmaFences)
    block.report(HazardKind::MissingWgmmaFence, warp, instruction, -1,
                 "uses " + name +
                     ", which other code used after the last wgmma.fence");
}

static void checkRegisters(Block &block, Warp &warp,
                           const Instruction &instruction,
                           const WgmmaForm &form, bool accumulate) {
  if (warp.wgmmaFences == 0)
    block.report(HazardKind::MissingWgmmaFence, warp, instruction, -1,
                 "no wgmma.fence comes before the first wgmma");
  for (unsigned i = 0; i < form.accumulators(); ++i)
    checkRegister(block, warp, instruction, instruction.operands[i],
                  /*isAccumulator=*/true, accumulate);
  for (unsigned i = form.accumulators(); form.aInRegisters && i < form.bIndex();
       ++i)
    checkRegister(block, warp, instruction, instruction.operands[i],
                  /*isAccumulator=*/false, /*isRead=*/true);
}

/// The descriptor that all lanes agree on.
static Step readDescriptor(Block &block, Warp &warp,
                           const Instruction &instruction, unsigned index,
                           uint64_t &bits) {
  Operand operand = instruction.operands[index];
  block.checkRead(warp, instruction, operand, ~0u);
  const Doubles &values = doublesOf(block, warp, operand);
  bits = values[0];
  if (std::any_of(values.begin(), values.end(),
                  [&](uint64_t value) { return value != bits; }))
    return block.fail(HazardKind::Divergence, warp, instruction, -1,
                      "the threads of the warp have different descriptors");
  return Step::Next;
}

/// Lists the chunks of `rows` rows, beginning with `first`, and checks them.
Step Product::listOperand(unsigned index, bool transposed, Element type,
                          unsigned first, unsigned rows,
                          std::vector<uint32_t> &chunks) {
  uint64_t bits;
  if (readDescriptor(block, warp, instruction, index, bits) == Step::Failed)
    return Step::Failed;
  WgmmaDescriptor descriptor(bits);
  unsigned chunkElements = chunkBytes / sizeOf(type);
  unsigned lines = transposed ? form.k() : rows;
  unsigned perLine = transposed ? rows / chunkElements : kChunks;
  Conflict conflict;
  for (unsigned line = 0; line < lines; ++line)
    for (unsigned i = 0; i < perLine; ++i) {
      // A descriptor has no bits for the rank of the block.
      uint32_t chunk =
          (block.rank << SharedMemory::rankShift) +
          descriptor.chunk(transposed ? line : first + line,
                           transposed ? first / chunkElements + i : i,
                           transposed);
      if (!block.accessShared(warp, instruction, -1, chunk, chunkBytes,
                              chunkBytes))
        return Step::Failed;
      if (conflict.kind == Conflict::Kind::None)
        conflict =
            block.shared.checkRead(warp.asyncAccessor(), chunk, chunkBytes);
      chunks.push_back(chunk);
      lowest = std::min(lowest, chunk);
      highest = std::max(highest, chunk);
    }
  block.reportConflict(conflict, warp, instruction, -1, /*isWrite=*/false);
  return Step::Next;
}

Step Product::list() {
  constexpr unsigned groupWarps = 4;
  for (unsigned i = 0; !form.aInRegisters && i < groupWarps; ++i)
    if (listOperand(form.accumulators(), form.transposeA, form.a, i * warpRows,
                    warpRows,
                    i == warp.index % groupWarps ? aChunks : otherChunks) ==
        Step::Failed)
      return Step::Failed;
  return listOperand(form.bIndex(), form.transposeB, form.b, 0, form.n,
                     bChunks);
}

/// ptxas can spare registers elsewhere, but not these.
static void checkBudget(Block &block, Warp &warp,
                        const Instruction &instruction) {
  if (block.grid.checked && warp.registersInFlight > warp.registerBudget)
    block.report(HazardKind::RegisterBudget, warp, instruction, -1,
                 "wgmmas in flight hold " +
                     std::to_string(warp.registersInFlight) +
                     " registers of each thread, of which the warp has " +
                     std::to_string(warp.registerBudget));
}

static Step executeWgmma(Block &block, Warp &warp,
                         const Instruction &instruction, uint32_t mask) {
  auto product = std::make_unique<Product>(block, warp, instruction);
  Operand scale = instruction.operands[product->form.scaleIndex()];
  block.checkRead(warp, instruction, scale, mask);
  product->accumulate = predicateOf(block, warp, scale) & 1;
  if (block.grid.checked)
    checkRegisters(block, warp, instruction, product->form,
                   product->accumulate);
  if (product->list() == Step::Failed)
    return Step::Failed;
  warp.lastWgmma = &instruction;
  warp.wgmmaTrace = warp.wgmmaTrace * 0x9E3779B97F4A7C15u + instruction.line;
  product->due = block.randomDue();
  product->markFlight();
  checkBudget(block, warp, instruction);
  return block.cluster.operations.enqueue(std::move(product));
}

static Step executeFence(Block &, Warp &warp, const Instruction &, uint32_t) {
  ++warp.wgmmaFences;
  return Step::Next;
}

static Step executeCommit(Block &block, Warp &warp, const Instruction &,
                          uint32_t) {
  block.cluster.operations.commit(Tracker::WgmmaGroup, warp, ~0u);
  return Step::Next;
}

static Step executeWait(Block &block, Warp &warp,
                        const Instruction &instruction, uint32_t) {
  Operations &operations = block.cluster.operations;
  Step step = operations.wait(Tracker::WgmmaGroup, warp, ~0u,
                              instruction.form[0], /*onlyReads=*/false);
  // Some registers may be those of later ones as well.
  operations.forEach([&](const Operation &operation) {
    if (operation.tracker == Tracker::WgmmaGroup && &operation.warp == &warp)
      static_cast<const Product &>(operation).markFlight();
  });
  return step;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// The types of the elements and of the sums; nothing where they do not go
/// together.
static bool parseTypes(const std::string &sum, const std::string &a,
                       const std::string &b, WgmmaForm &form) {
  static const std::map<std::string, Element> types = {
      {"f16", Element::F16},   {"bf16", Element::BF16}, {"tf32", Element::TF32},
      {"e4m3", Element::E4M3}, {"e5m2", Element::E5M2}, {"s8", Element::S8},
      {"u8", Element::U8}};
  static const std::map<std::string, Sum> sums = {
      {"f32", Sum::F32}, {"f16", Sum::F16}, {"s32", Sum::S32}};
  auto foundA = types.find(a), foundB = types.find(b);
  auto foundSum = sums.find(sum);
  if (foundA == types.end() || foundB == types.end() || foundSum == sums.end())
    return false;
  form.a = foundA->second;
  form.b = foundB->second;
  form.sum = foundSum->second;
  bool isInteger = form.a == Element::S8 || form.a == Element::U8;
  bool isByte = sizeOf(form.a) == 1;
  if (isInteger != (form.b == Element::S8 || form.b == Element::U8) ||
      isByte != (sizeOf(form.b) == 1) || (!isByte && form.a != form.b))
    return false;
  if (isInteger)
    return form.sum == Sum::S32;
  return form.sum == Sum::F32 ||
         (form.sum == Sum::F16 && (isByte || form.a == Element::F16));
}

/// Reads N of "m64n128k16" after the types.
static Status parseShape(Decoder &decoder, WgmmaForm &form) {
  const std::string &shape = decoder.parts()[4];
  std::string end = "k" + std::to_string(form.k());
  uint32_t n = 0;
  bool isShape = shape.size() > 4 + end.size() && shape.size() < 12 &&
                 shape.compare(0, 4, "m64n") == 0 &&
                 shape.compare(shape.size() - end.size(), end.size(), end) == 0;
  for (size_t i = 4; isShape && i < shape.size() - end.size(); ++i) {
    isShape = shape[i] >= '0' && shape[i] <= '9';
    n = n * 10 + static_cast<uint32_t>(shape[i] - '0');
  }
  isShape &= n >= 8 && n % 8 == 0 && n <= maxN;
  bool isInteger = form.sum == Sum::S32;
  if (isShape && isInteger && n > 24)
    isShape = n % 16 == 0;
  if (!isShape)
    return decoder.error("expected m64nN" + end + " with N a multiple of " +
                         (isInteger ? "16, or 8 or 24," : "8") +
                         " up to 256, got " + shape);
  form.n = n;
  return {};
}

/// The immediates after scale-d: the signs of A and B, and for elements of 16
/// bits whether they are transposed.
static Status parseImmediates(Decoder &decoder, WgmmaForm &form) {
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  std::vector<bool *> targets;
  if (form.sum != Sum::S32)
    targets = {&form.negateA, &form.negateB};
  if (sizeOf(form.a) == 2 && !form.aInRegisters)
    targets.push_back(&form.transposeA);
  if (sizeOf(form.a) == 2)
    targets.push_back(&form.transposeB);
  if (operands.size() != 4 + targets.size())
    return decoder.unknown();
  for (size_t i = 0; i < targets.size(); ++i) {
    bool isSign = i < 2;
    Result<int64_t> value =
        decoder.immediate(operands[4 + i], isSign ? -1 : 0, 1);
    if (value.failed())
      return value.error();
    if (isSign && *value == 0)
      return decoder.error("expected a scale of 1 or -1, got 0");
    *targets[i] = isSign ? *value < 0 : *value == 1;
  }
  return {};
}

static Status decodeProduct(Decoder &decoder) {
  std::vector<std::string> parts = decoder.parts();
  const std::vector<SourceOperand> &operands = decoder.statement().operands;
  WgmmaForm form;
  // It stands before or after the types.
  for (size_t at : {size_t(5), size_t(8)})
    if (parts.size() == 9 && parts[at] == "satfinite") {
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(at));
      form.saturate = true;
    }
  if (parts.size() != 8 || parts[2] != "sync" || parts[3] != "aligned" ||
      operands.size() < 4 || !parseTypes(parts[5], parts[6], parts[7], form) ||
      (form.saturate && form.sum != Sum::S32))
    return decoder.unknown();
  if (Status status = parseShape(decoder, form); status.failed())
    return status;
  form.aInRegisters = operands[1].kind == SourceOperand::Kind::Vector;
  if (Status status = parseImmediates(decoder, form); status.failed())
    return status;
  Instruction &instruction = decoder.instruction();
  instruction.execute = executeWgmma;
  instruction.form = form.pack();
  if (Status status = decoder.addVector(operands[0], Type::Bits32,
                                        form.accumulators(), /*isResult=*/true);
      status.failed())
    return status;
  Status a = form.aInRegisters
                 ? decoder.addVector(operands[1], Type::Bits32, aRegisters,
                                     /*isResult=*/true)
                 : decoder.addSource(operands[1], Type::Bits64);
  if (a.failed())
    return a;
  for (unsigned i = 0; i < form.accumulators(); ++i)
    if (instruction.operands[i].kind != Operand::Kind::Word)
      return decoder.unknown();
  for (unsigned i = form.accumulators(); form.aInRegisters && i < form.bIndex();
       ++i)
    if (instruction.operands[i].kind != Operand::Kind::Word)
      return decoder.unknown();
  if (Status status = decoder.addSource(operands[2], Type::Bits64);
      status.failed())
    return status;
  return decoder.addSource(operands[3], Type::Predicate);
}

Status attn::runtime::emulator::decodeWgmma(Decoder &decoder) {
  const std::string &name = decoder.statement().name;
  Instruction &instruction = decoder.instruction();
  instruction.aligned = true;
  if (decoder.parts().size() > 1 && decoder.parts()[1] == "mma_async")
    return decodeProduct(decoder);
  if (name == "wgmma.fence.sync.aligned") {
    instruction.execute = executeFence;
    return decoder.expectOperands(0);
  }
  if (name == "wgmma.commit_group.sync.aligned") {
    instruction.execute = executeCommit;
    return decoder.expectOperands(0);
  }
  if (name != "wgmma.wait_group.sync.aligned")
    return decoder.unknown();
  if (Status status = decoder.expectOperands(1); status.failed())
    return status;
  Result<int64_t> count =
      decoder.immediate(decoder.statement().operands[0], 0, 7);
  if (count.failed())
    return count.error();
  instruction.execute = executeWait;
  instruction.form[0] = static_cast<uint32_t>(*count);
  return {};
}
