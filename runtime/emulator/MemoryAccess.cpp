//===- MemoryAccess.cpp - One thread's access to some memory --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Local memory and parameters
//===----------------------------------------------------------------------===//

/// Refuses what is outside of `bytes` bytes, or misaligned.
static bool checkBounds(Block &block, Warp &warp,
                        const Instruction &instruction, int lane,
                        uint64_t address, uint64_t offset, uint64_t bytes,
                        uint32_t size, const char *memory) {
  if (offset > bytes || size > bytes - offset)
    block.fail(HazardKind::OutOfBounds, warp, instruction, lane,
               "accesses " + std::to_string(size) + " bytes outside of " +
                   memory + ", of which there are " + std::to_string(bytes),
               address);
  else if (address % size)
    block.fail(HazardKind::Misaligned, warp, instruction, lane,
               "expected an address that is a multiple of " +
                   std::to_string(size),
               address);
  else
    return true;
  return false;
}

static uint8_t *accessLocal(Block &block, Warp &warp,
                            const Instruction &instruction, int lane,
                            uint64_t address, uint32_t size, AccessKind kind) {
  uint64_t bytes = block.grid.program.localBytes;
  uint64_t offset = address - localBase;
  if (!checkBounds(block, warp, instruction, lane, address, offset, bytes, size,
                   "local memory"))
    return nullptr;
  LocalMemory &local = warp.local;
  uint64_t place = static_cast<uint64_t>(lane) * bytes + offset;
  auto written = local.written.begin() + static_cast<ptrdiff_t>(place);
  if (kind == AccessKind::Write)
    std::fill_n(written, size, true);
  else if (block.grid.checked &&
           std::find(written, written + size, false) != written + size)
    block.report(HazardKind::UnwrittenMemory, warp, instruction, lane,
                 "reads local memory that nothing wrote", address);
  return local.bytes.data() + place;
}

static uint8_t *accessParameter(Block &block, Warp &warp,
                                const Instruction &instruction, int lane,
                                uint64_t address, uint32_t size,
                                AccessKind kind) {
  const std::vector<uint8_t> &parameters = block.grid.parameters;
  if (!checkBounds(block, warp, instruction, lane, address,
                   address & ~windowMask, parameters.size(), size,
                   "the parameters"))
    return nullptr;
  if (kind == AccessKind::Write) {
    block.fail(HazardKind::OutOfBounds, warp, instruction, lane,
               "writes a parameter of the kernel", address);
    return nullptr;
  }
  // Nothing writes through the pointer of a read.
  return const_cast<uint8_t *>(parameters.data()) + (address & ~windowMask);
}

//===----------------------------------------------------------------------===//
// All memories
//===----------------------------------------------------------------------===//

namespace attn::runtime::emulator {

template <>
uint8_t *accessMemory<Space::Global>(Block &block, Warp &warp,
                                     const Instruction &instruction, int lane,
                                     uint64_t address, uint32_t size,
                                     AccessKind kind) {
  return block.accessGlobal(warp, instruction, lane, address, size,
                            kind == AccessKind::Write);
}

template <>
uint8_t *accessMemory<Space::Shared>(Block &block, Warp &warp,
                                     const Instruction &instruction, int lane,
                                     uint64_t address, uint32_t size,
                                     AccessKind kind) {
  return kind == AccessKind::Write
             ? block.writeShared(warp, instruction, lane, address, size)
             : block.readShared(warp, instruction, lane, address, size);
}

/// The memory of any block of the cluster.
template <>
uint8_t *accessMemory<Space::Cluster>(Block &block, Warp &warp,
                                      const Instruction &instruction, int lane,
                                      uint64_t address, uint32_t size,
                                      AccessKind kind) {
  if (block.shared.contains(address, size))
    return accessMemory<Space::Shared>(block, warp, instruction, lane, address,
                                       size, kind);
  return block.accessOther(warp, instruction, lane, address, size,
                           kind == AccessKind::Write);
}

template <>
uint8_t *accessMemory<Space::Local>(Block &block, Warp &warp,
                                    const Instruction &instruction, int lane,
                                    uint64_t address, uint32_t size,
                                    AccessKind kind) {
  return accessLocal(block, warp, instruction, lane, address, size, kind);
}

/// The parameters of a function that is called are in local memory.
template <>
uint8_t *accessMemory<Space::Parameter>(Block &block, Warp &warp,
                                        const Instruction &instruction,
                                        int lane, uint64_t address,
                                        uint32_t size, AccessKind kind) {
  auto *access =
      (address & windowMask) == parameterWindow ? accessParameter : accessLocal;
  return access(block, warp, instruction, lane, address, size, kind);
}

template <>
uint8_t *accessMemory<Space::Generic>(Block &block, Warp &warp,
                                      const Instruction &instruction, int lane,
                                      uint64_t address, uint32_t size,
                                      AccessKind kind) {
  switch (address & windowMask) {
  case sharedWindow:
    return accessMemory<Space::Cluster>(block, warp, instruction, lane,
                                        address & ~windowMask, size, kind);
  case parameterWindow:
    return accessParameter(block, warp, instruction, lane, address, size, kind);
  case localWindow:
    return accessLocal(block, warp, instruction, lane, address & ~windowMask,
                       size, kind);
  default:
    return accessMemory<Space::Global>(block, warp, instruction, lane, address,
                                       size, kind);
  }
}

} // namespace attn::runtime::emulator

//===----------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------===//

namespace {
/// The order in which modifiers come.
enum class Place {
  Order,
  Scope,
  Space,
  NonCoherent,
  Operation,
  NoFlush,
  Cache,
  Policy,
  Vector,
};

struct Modifier {
  Place place;
  void (*apply)(AccessModifiers &) = nullptr;
};
} // namespace

static void isStrong(AccessModifiers &form) { form.isStrong = true; }
static void isVolatile(AccessModifiers &form) {
  form.isStrong = form.isVolatile = true;
}
static void acquires(AccessModifiers &form) {
  form.isStrong = form.acquires = true;
}
static void releases(AccessModifiers &form) {
  form.isStrong = form.releases = true;
}
static void both(AccessModifiers &form) {
  form.isStrong = form.acquires = form.releases = true;
}
template <Space space> static void isIn(AccessModifiers &form) {
  form.space = space;
}
static void isNonCoherent(AccessModifiers &form) { form.isNonCoherent = true; }
static void hasPolicy(AccessModifiers &form) { form.hasPolicy = true; }
template <uint32_t count> static void hasCount(AccessModifiers &form) {
  form.count = count;
}

static std::map<std::string, Modifier> makeModifiers() {
  std::map<std::string, Modifier> modifiers = {
      {"weak", {Place::Order}},
      {"volatile", {Place::Order, isVolatile}},
      {"relaxed", {Place::Order, isStrong}},
      {"acquire", {Place::Order, acquires}},
      {"release", {Place::Order, releases}},
      {"acq_rel", {Place::Order, both}},
      {"param", {Place::Space, isIn<Space::Parameter>}},
      {"param::entry", {Place::Space, isIn<Space::Parameter>}},
      {"param::func", {Place::Space, isIn<Space::Parameter>}},
      {"global", {Place::Space, isIn<Space::Global>}},
      {"const", {Place::Space, isIn<Space::Constant>}},
      {"shared", {Place::Space, isIn<Space::Shared>}},
      {"shared::cta", {Place::Space, isIn<Space::Shared>}},
      {"shared::cluster", {Place::Space, isIn<Space::Cluster>}},
      {"local", {Place::Space, isIn<Space::Local>}},
      {"nc", {Place::NonCoherent, isNonCoherent}},
      {"noftz", {Place::NoFlush}},
      {"L2::cache_hint", {Place::Policy, hasPolicy}},
      {"v2", {Place::Vector, hasCount<2>}},
      {"v4", {Place::Vector, hasCount<4>}},
      {"v8", {Place::Vector, hasCount<8>}}};
  for (const char *scope : {"cta", "cluster", "gpu", "sys"})
    modifiers[scope] = {Place::Scope};
  for (const char *hint :
       {"ca", "cg", "cs", "lu", "cv", "wb", "wt", "L1::evict_normal",
        "L1::evict_unchanged", "L1::evict_first", "L1::evict_last",
        "L1::no_allocate", "L2::evict_normal", "L2::evict_first",
        "L2::evict_last"})
    modifiers[hint] = {Place::Cache};
  for (const char *prefetch : {"L2::64B", "L2::128B", "L2::256B"})
    modifiers[prefetch] = {Place::Policy};
  for (const char *operation :
       {"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"})
    modifiers[operation] = {Place::Operation};
  return modifiers;
}

std::optional<AccessModifiers> attn::runtime::emulator::parseAccessModifiers(
    const std::vector<std::string> &parts, size_t end) {
  static const std::map<std::string, Modifier> modifiers = makeModifiers();
  AccessModifiers form;
  int last = -1;
  for (size_t i = 1; i < end; ++i) {
    auto found = modifiers.find(parts[i]);
    if (found == modifiers.end())
      return std::nullopt;
    const Modifier &modifier = found->second;
    auto place = static_cast<int>(modifier.place);
    bool mayRepeat =
        modifier.place == Place::Cache || modifier.place == Place::Policy;
    if (place < last || (place == last && !mayRepeat))
      return std::nullopt;
    last = place;
    if (modifier.place == Place::Operation)
      form.operation = parts[i];
    if (modifier.apply)
      modifier.apply(form);
  }
  return form;
}

Status attn::runtime::emulator::addMemoryAddress(Decoder &decoder,
                                                 const SourceOperand &operand,
                                                 Space space) {
  const Symbol *symbol = operand.kind == SourceOperand::Kind::Address
                             ? decoder.variable(operand.text)
                             : nullptr;
  if (!symbol)
    return decoder.addAddress(operand);
  bool isGlobal =
      symbol->space == Space::Global || symbol->space == Space::Constant;
  bool fits = symbol->isParameter ? space == Space::Parameter
              : isGlobal ? space == symbol->space || space == Space::Generic
                         : space == symbol->space;
  if (!fits)
    return decoder.error("expected a variable in the memory that is accessed, "
                         "got '" +
                         operand.text + "'");
  return decoder.addAddress(operand);
}
