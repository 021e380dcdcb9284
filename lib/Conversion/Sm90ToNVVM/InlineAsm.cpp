//===- InlineAsm.cpp - Instructions that NVVM has no op for
//----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::attn;

/// Operands are numbered $0, $1, ...: results first, then operands.
static Operation *emitVolatile(OpBuilder &b, Location loc, const Twine &text,
                               const Twine &constraints, ValueRange operands,
                               TypeRange results) {
  Type type = results.empty() ? Type()
              : results.size() == 1
                  ? results.front()
                  : LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                     llvm::to_vector(results));
  return LLVM::InlineAsmOp::create(
      b, loc, type ? TypeRange(type) : TypeRange(), operands, text.str(),
      constraints.str(),
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
}

/// An instruction that touches memory.
static Operation *emit(OpBuilder &b, Location loc, const Twine &text,
                       const Twine &constraints, ValueRange operands,
                       TypeRange results = {}) {
  std::string all = constraints.str();
  all += all.empty() ? "~{memory}" : ",~{memory}";
  return emitVolatile(b, loc, text, all, operands, results);
}

/// Without side effects, so that it is shared and moved.
Value mlir::attn::ptx::loadGlobalIf(OpBuilder &b, Location loc,
                                    StringRef format, Type type, Value address,
                                    int64_t offset, Value predicate) {
  StringRef zero = "mov.b32 $0, 0;", result = "r";
  if (isa<FloatType>(type)) {
    zero = "mov.f32 $0, 0f00000000;";
    result = "f";
  } else if (type.isInteger(64)) {
    zero = "mov.b64 $0, 0;";
    result = "l";
  } else if (type.isInteger(16)) {
    zero = "mov.b16 $0, 0;";
    result = "h";
  }
  std::string text = llvm::formatv(
      "{{ {0} @$2 ld.global.nc.{1} $0, [$1+{2}]; }", zero, format, offset);
  return LLVM::InlineAsmOp::create(
             b, loc, TypeRange(type), ValueRange{address, predicate}, text,
             ("=&" + result + ",l,b").str(), /*has_side_effects=*/false,
             /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
             LLVM::AsmDialectAttr::get(b.getContext(),
                                       LLVM::AsmDialect::AD_ATT),
             ArrayAttr())
      .getResult(0);
}

Value mlir::attn::ptx::addBitIf(OpBuilder &b, Location loc, Value bits,
                                int64_t bit, Value predicate) {
  std::string text =
      llvm::formatv("@$2 add.u32 $0, $0, {0};", uint64_t(1) << bit);
  return LLVM::InlineAsmOp::create(
             b, loc, TypeRange(b.getI32Type()), ValueRange{bits, predicate},
             text, "=r,0,b", /*has_side_effects=*/false,
             /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
             LLVM::AsmDialectAttr::get(b.getContext(),
                                       LLVM::AsmDialect::AD_ATT),
             ArrayAttr())
      .getResult(0);
}

/// The results of an instruction that has several.
static SmallVector<Value> unpack(OpBuilder &b, Operation *op, size_t count) {
  if (count == 1)
    return {op->getResult(0)};
  SmallVector<Value> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(
        b, op->getLoc(), op->getResult(0), ArrayRef<int64_t>(i)));
  return values;
}

static std::string repeat(StringRef constraint, size_t count) {
  return llvm::join(SmallVector<StringRef>(count, constraint), ",");
}

/// "{$first, $first+1, ...}"
static std::string registerList(unsigned first, size_t count) {
  std::string text = "{";
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

void mlir::attn::ptx::mbarrierInit(OpBuilder &b, Location loc, Value barrier,
                                   int64_t count) {
  emit(b, loc, "mbarrier.init.shared::cta.b64 [$0], " + Twine(count) + ";", "r",
       barrier);
}

void mlir::attn::ptx::mbarrierArrive(OpBuilder &b, Location loc,
                                     Value barrier) {
  emit(b, loc, "mbarrier.arrive.shared::cta.b64 _, [$0];", "r", barrier);
}

void mlir::attn::ptx::mbarrierArriveIf(OpBuilder &b, Location loc,
                                       Value barrier, Value predicate) {
  emit(b, loc, "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b",
       {barrier, predicate});
}

void mlir::attn::ptx::mbarrierArriveExpectTx(OpBuilder &b, Location loc,
                                             Value barrier, int64_t bytes) {
  emit(b, loc,
       "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], " + Twine(bytes) +
           ";",
       "r", barrier);
}

/// try_wait gives up after a while, so it stands in a loop; the label is local
/// to the braces. Of more than one barrier all are tested before the branch.
static std::string textOfWait(size_t barriers) {
  std::string text = "{\n\t.reg .pred done";
  text += barriers > 1 ? ", next;\n\tWAIT:\n\t" : ";\n\tWAIT:\n\t";
  for (size_t i = 0; i < barriers; ++i) {
    text += llvm::formatv(
        "mbarrier.try_wait.parity.shared::cta.b64 {0}, [${1}], ${2};\n\t",
        i == 0 ? "done" : "next", 2 * i, 2 * i + 1);
    if (i > 0)
      text += "and.pred done, done, next;\n\t";
  }
  return text + "@!done bra WAIT;\n\t}";
}

void mlir::attn::ptx::mbarrierWaitParity(OpBuilder &b, Location loc,
                                         Value barrier, Value parity) {
  mbarrierWaitAll(b, loc, {barrier, parity});
}

void mlir::attn::ptx::mbarrierWaitAll(OpBuilder &b, Location loc,
                                      ValueRange barriers) {
  SmallVector<StringRef> constraints(barriers.size(), "r");
  emit(b, loc, textOfWait(barriers.size() / 2), llvm::join(constraints, ","),
       barriers);
}

bool mlir::attn::ptx::isMBarrierWait(Operation *op) {
  auto text = dyn_cast<LLVM::InlineAsmOp>(op);
  return text && text.getAsmString() == textOfWait(1);
}

void mlir::attn::ptx::barrierSync(OpBuilder &b, Location loc, Value id,
                                  int64_t threads) {
  emit(b, loc, "bar.sync $0, " + Twine(threads) + ";", "r", id);
}

void mlir::attn::ptx::barrierArrive(OpBuilder &b, Location loc, Value id,
                                    int64_t threads) {
  emit(b, loc, "bar.arrive $0, " + Twine(threads) + ";", "r", id);
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

Value mlir::attn::ptx::atomicIncrement(OpBuilder &b, Location loc,
                                       Value pointer) {
  return emit(b, loc, "atom.global.add.u32 $0, [$1], 1;", "=r,l", pointer,
              b.getI32Type())
      ->getResult(0);
}

void mlir::attn::ptx::storeShared(OpBuilder &b, Location loc, Value address,
                                  Value value) {
  emit(b, loc, "st.shared.b32 [$0], $1;", "r,r", {address, value});
}

void mlir::attn::ptx::orSharedIf(OpBuilder &b, Location loc, Value address,
                                 Value bits, Value predicate) {
  emit(b, loc, "@$2 red.shared::cta.or.b32 [$0], $1;", "r,r,b",
       {address, bits, predicate});
}

Value mlir::attn::ptx::loadShared(OpBuilder &b, Location loc, Value address) {
  return emit(b, loc, "ld.shared.b32 $0, [$1];", "=r,r", address,
              b.getI32Type())
      ->getResult(0);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void mlir::attn::ptx::tmaLoad(OpBuilder &b, Location loc, Value destination,
                              Value map, ValueRange coordinates, Value barrier,
                              int64_t policy) {
  size_t rank = coordinates.size();
  SmallVector<Value> operands{destination, map};
  llvm::append_range(operands, coordinates);
  operands.push_back(barrier);
  operands.push_back(LLVM::ConstantOp::create(b, loc, b.getI64Type(), policy));
  std::string text = llvm::formatv(
      "cp.async.bulk.tensor.{0}d.shared::cluster.global.tile.mbarrier::"
      "complete_tx::bytes.L2::cache_hint [$0], [$1, {1}], [${2}], ${3};",
      rank, registerList(2, rank), rank + 2, rank + 3);
  emit(b, loc, text, "r,l," + repeat("r", rank) + ",r,l", operands);
}

void mlir::attn::ptx::tmaStore(OpBuilder &b, Location loc, Value source,
                               Value map, ValueRange coordinates) {
  size_t rank = coordinates.size();
  SmallVector<Value> operands{source, map};
  llvm::append_range(operands, coordinates);
  std::string text = llvm::formatv(
      "cp.async.bulk.tensor.{0}d.global.shared::cta.tile.bulk_group [$1, {1}], "
      "[$0];",
      rank, registerList(2, rank));
  emit(b, loc, text, "r,l," + repeat("r", rank), operands);
}

/// A comparison that never holds needs all of them, of which what follows from
/// it cannot be left out, and does no harm.
void mlir::attn::ptx::needNow(OpBuilder &b, Location loc, ValueRange words) {
  std::string text = "{ .reg .pred p; .reg .b64 x; mov.b64 x, $0; ";
  for (size_t i = 1; i < words.size(); ++i)
    text += llvm::formatv("xor.b64 x, x, ${0}; ", i);
  text += "setp.eq.s64 p, x, -9223372036854775807; @p membar.cta; }";
  emit(b, loc, text, repeat("l", words.size()), words);
}

void mlir::attn::ptx::bulkLoad(OpBuilder &b, Location loc, Value destination,
                               Value source, Value bytes, Value barrier,
                               int64_t policy) {
  Value hint = LLVM::ConstantOp::create(b, loc, b.getI64Type(), policy);
  emit(b, loc,
       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes"
       ".L2::cache_hint [$0], [$1], $2, [$3], $4;",
       "r,l,r,r,l", {destination, source, bytes, barrier, hint});
}

/// ".v2" for two elements.
static StringRef vectorSuffix(size_t count) {
  return count == 4 ? ".v4" : count == 2 ? ".v2" : "";
}

SmallVector<Value> mlir::attn::ptx::loadSharedFloats(OpBuilder &b, Location loc,
                                                     Value address,
                                                     int64_t offset,
                                                     size_t count) {
  SmallVector<Type> types(count, b.getF32Type());
  std::string list = count == 1 ? "$0" : registerList(0, count);
  std::string text = llvm::formatv("ld.shared{0}.f32 {1}, [${2}+{3}];",
                                   vectorSuffix(count), list, count, offset);
  Operation *op =
      emit(b, loc, text, repeat("=f", count) + ",r", address, types);
  return unpack(b, op, count);
}

void mlir::attn::ptx::storeSharedFloats(OpBuilder &b, Location loc,
                                        Value address, int64_t offset,
                                        ValueRange values) {
  size_t count = values.size();
  std::string list = count == 1 ? "$1" : registerList(1, count);
  std::string text = llvm::formatv("st.shared{0}.f32 [$0+{1}], {2};",
                                   vectorSuffix(count), offset, list);
  SmallVector<Value> operands{address};
  llvm::append_range(operands, values);
  emit(b, loc, text, "r," + repeat("f", count), operands);
}

void mlir::attn::ptx::storeSharedWords(OpBuilder &b, Location loc,
                                       Value address, ValueRange values) {
  SmallVector<Value> operands{address};
  llvm::append_range(operands, values);
  emit(b, loc, "st.shared.v4.b32 [$0], " + registerList(1, 4) + ";",
       "r,r,r,r,r", operands);
}

SmallVector<Value> mlir::attn::ptx::loadSharedWords(OpBuilder &b, Location loc,
                                                    Value address) {
  SmallVector<Type> types(4, b.getI32Type());
  Operation *op = emit(b, loc, "ld.shared.v4.b32 {$0, $1, $2, $3}, [$4];",
                       "=r,=r,=r,=r,r", address, types);
  return unpack(b, op, 4);
}

SmallVector<Value> mlir::attn::ptx::ldmatrixX4(OpBuilder &b, Location loc,
                                               Value address, bool transposed) {
  SmallVector<Type> types(4, b.getI32Type());
  StringRef suffix = transposed ? ".trans" : "";
  Operation *op = emit(b, loc,
                       "ldmatrix.sync.aligned.m8n8.x4" + suffix +
                           ".shared.b16 {$0, $1, $2, $3}, [$4];",
                       "=r,=r,=r,=r,r", address, types);
  return unpack(b, op, 4);
}

void mlir::attn::ptx::stmatrixX4(OpBuilder &b, Location loc, Value address,
                                 ValueRange registers, bool transposed) {
  SmallVector<Value> operands{address};
  llvm::append_range(operands, registers);
  StringRef suffix = transposed ? ".trans" : "";
  emit(b, loc,
       "stmatrix.sync.aligned.m8n8.x4" + suffix +
           ".shared.b16 [$0], {$1, $2, $3, $4};",
       "r,r,r,r,r", operands);
}

SmallVector<Value> mlir::attn::ptx::mma(OpBuilder &builder, Location loc,
                                        Type type, ValueRange acc, ValueRange a,
                                        ValueRange b) {
  StringRef name = type.isBF16() ? "bf16" : "f16";
  SmallVector<Value> operands(a);
  llvm::append_range(operands, b);
  llvm::append_range(operands, acc);
  SmallVector<Type> types(4, builder.getF32Type());
  std::string text = llvm::formatv(
      "mma.sync.aligned.m16n8k16.row.col.f32.{0}.{0}.f32 {1}, {2}, {3}, {4};",
      name, registerList(0, 4), registerList(4, 4), registerList(8, 2),
      registerList(10, 4));
  Operation *op = emitVolatile(builder, loc, text,
                               repeat("=f", 4) + "," + repeat("r", 6) + "," +
                                   repeat("f", 4),
                               operands, types);
  return unpack(builder, op, 4);
}

SmallVector<Value> mlir::attn::ptx::mmaTF32(OpBuilder &builder, Location loc,
                                            ValueRange acc, ValueRange a,
                                            ValueRange b) {
  SmallVector<Value> operands(a);
  llvm::append_range(operands, b);
  llvm::append_range(operands, acc);
  SmallVector<Type> types(4, builder.getF32Type());
  Operation *op = emitVolatile(
      builder, loc,
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {$0, $1, $2, $3}, "
      "{$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};",
      repeat("=f", 4) + "," + repeat("r", 6) + "," + repeat("f", 4), operands,
      types);
  return unpack(builder, op, 4);
}

void mlir::attn::ptx::copyAsync(OpBuilder &b, Location loc, Value destination,
                                Value source, int64_t bytes, Value isThere) {
  std::string text =
      llvm::formatv("{{ .reg .b32 size; selp.b32 size, {0}, 0, $2; "
                    "cp.async.{1}.shared.global [$0], [$1], {0}, size; }",
                    bytes, bytes == 16 ? "cg" : "ca");
  emit(b, loc, text, "r,l,b", {destination, source, isThere});
}

void mlir::attn::ptx::waitForCopies(OpBuilder &b, Location loc) {
  emit(b, loc, "cp.async.wait_all;", "", {});
}

void mlir::attn::ptx::commitCopies(OpBuilder &b, Location loc) {
  emit(b, loc, "cp.async.commit_group;", "", {});
}

void mlir::attn::ptx::waitForGroups(OpBuilder &b, Location loc,
                                    int64_t pending) {
  emit(b, loc, llvm::formatv("cp.async.wait_group {0};", pending), "", {});
}

Value mlir::attn::ptx::advance(OpBuilder &b, Location loc, Value address,
                               Value bytes) {
  return emit(b, loc, "add.s64 $0, $1, $2;", "=l,l,l", {address, bytes},
              {b.getI64Type()})
      ->getResult(0);
}

void mlir::attn::ptx::prefetchIf(OpBuilder &b, Location loc, Value address,
                                 Value predicate) {
  emit(b, loc, "@$1 prefetch.global.L2 [$0];", "l,b", {address, predicate});
}

Value mlir::attn::ptx::roundPair(OpBuilder &b, Location loc, Type type,
                                 Value low, Value high) {
  // The first source goes to the upper half.
  StringRef name = type.isBF16() ? "bf16x2" : "f16x2";
  return emitVolatile(b, loc, "cvt.rn." + name + ".f32 $0, $1, $2;", "=r,f,f",
                      {high, low}, b.getI32Type())
      ->getResult(0);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<Value> mlir::attn::ptx::wgmma(OpBuilder &builder, Location loc,
                                          const WgmmaChain &chain, ValueRange a,
                                          Value b, ValueRange acc, Value adds) {
  size_t results = chain.columns / 2;
  unsigned firstA = results + acc.size();
  unsigned descriptor = firstA + a.size();
  std::string accumulators = registerList(0, results);
  bool isShared = !chain.stepsA.empty();
  std::string text = "{\n\t.reg .b64 descriptor;\n\t.reg .b32 low;\n\t";
  if (isShared)
    text += ".reg .b64 left;\n\t";
  text += "wgmma.fence.sync.aligned;\n\t";
  // Descriptors are rebuilt from one 32-bit word in front of each instruction:
  // kept in registers they would not fit.
  auto describe = [&](StringRef name, unsigned word, int64_t step) {
    text += llvm::formatv("add.s32 low, ${0}, {1};\n\t"
                          "mov.b64 {2}, {{low, {3}};\n\t",
                          word, step, name, chain.descriptorHigh);
  };
  for (auto [k, step] : llvm::enumerate(chain.stepsB)) {
    if (isShared)
      describe("left", firstA, chain.stepsA[k]);
    describe("descriptor", descriptor, step);
    // The first product of a chain without accumulators overwrites them.
    std::string scale = k == 0 && acc.empty() ? "0"
                        : k == 0 && adds ? "$" + std::to_string(descriptor + 1)
                                         : "1";
    text += llvm::formatv(
        "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} {2}, {3}, "
        "descriptor, {4}, 1, 1, {5}{6};\n\t",
        chain.columns, chain.elementType, accumulators,
        isShared ? "left" : registerList(firstA + 4 * k, 4), scale,
        isShared ? "0, " : "", chain.transposeB ? 1 : 0);
  }
  text += "wgmma.commit_group.sync.aligned;\n\t}";

  std::string constraints = repeat("=f", results);
  for (size_t i = 0; i < acc.size(); ++i)
    constraints += "," + std::to_string(i);
  constraints += "," + repeat("r", a.size() + 1);
  SmallVector<Value> operands(acc);
  llvm::append_range(operands, a);
  operands.push_back(b);
  if (adds) {
    constraints += ",b";
    operands.push_back(adds);
  }
  SmallVector<Type> types(results, builder.getF32Type());
  return unpack(builder, emit(builder, loc, text, constraints, operands, types),
                results);
}

SmallVector<Value> mlir::attn::ptx::wgmmaWait(OpBuilder &b, Location loc,
                                              int64_t pending, ValueRange acc,
                                              ValueRange read) {
  std::string constraints = repeat("=f", acc.size());
  for (size_t i = 0; i < acc.size(); ++i)
    constraints += "," + std::to_string(i);
  if (!read.empty())
    constraints += "," + repeat("r", read.size());
  SmallVector<Value> operands(acc);
  llvm::append_range(operands, read);
  Operation *op =
      emit(b, loc, "wgmma.wait_group.sync.aligned " + Twine(pending) + ";",
           constraints, operands, acc.getTypes());
  return unpack(b, op, acc.size());
}

//===----------------------------------------------------------------------===//
// Words of global memory
//===----------------------------------------------------------------------===//

/// "b32", "v2.f32", ...
static std::string wordsFormat(size_t words, bool isFloat) {
  std::string type = isFloat ? "f32" : "b32";
  return words == 1 ? type : "v" + std::to_string(words) + "." + type;
}

SmallVector<Value>
mlir::attn::ptx::loadGlobalWords(OpBuilder &b, Location loc, Value address,
                                 int64_t offset, size_t words, bool isFloat,
                                 bool constant, bool streams) {
  SmallVector<Type> types(words, isFloat ? Type(b.getF32Type())
                                         : Type(b.getI32Type()));
  std::string results = words == 1 ? "$0" : registerList(0, words);
  std::string text =
      llvm::formatv("ld.global{0}.{1} {2}, [${3}+{4}];",
                    constant  ? ".nc"
                    : streams ? ".cs"
                              : "",
                    wordsFormat(words, isFloat), results, words, offset);
  std::string constraints = repeat(isFloat ? "=f" : "=r", words) + ",l";
  if (!constant)
    return unpack(b, emit(b, loc, text, constraints, address, types), words);
  Type type =
      words == 1
          ? types.front()
          : Type(LLVM::LLVMStructType::getLiteral(b.getContext(), types));
  Operation *op = LLVM::InlineAsmOp::create(
      b, loc, TypeRange(type), ValueRange(address), text, constraints,
      /*has_side_effects=*/false, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
  return unpack(b, op, words);
}

void mlir::attn::ptx::storeGlobalWords(OpBuilder &b, Location loc,
                                       Value address, int64_t offset,
                                       ValueRange words, Value predicate,
                                       bool streams) {
  bool isFloat = words.front().getType().isF32();
  std::string values = words.size() == 1 ? "$1" : registerList(1, words.size());
  std::string text =
      llvm::formatv("st.global{0}.{1} [$0+{2}], {3};", streams ? ".cs" : "",
                    wordsFormat(words.size(), isFloat), offset, values);
  std::string constraints = "l," + repeat(isFloat ? "f" : "r", words.size());
  SmallVector<Value> operands{address};
  llvm::append_range(operands, words);
  if (predicate) {
    text = "@$" + std::to_string(operands.size()) + " " + text;
    constraints += ",b";
    operands.push_back(predicate);
  }
  emit(b, loc, text, constraints, operands);
}

Value mlir::attn::ptx::loadGlobalElementIf(OpBuilder &b, Location loc,
                                           Type type, Value address,
                                           int64_t offset, Value predicate) {
  bool isFloat = type.isF32();
  std::string text =
      llvm::formatv("{{ {0} @$2 ld.global.{1} $0, [$1+{2}]; }",
                    isFloat ? "mov.f32 $0, 0f00000000;" : "mov.b16 $0, 0;",
                    isFloat ? "f32" : "b16", offset);
  return emit(b, loc, text, isFloat ? "=&f,l,b" : "=&h,l,b",
              {address, predicate}, type)
      ->getResult(0);
}

void mlir::attn::ptx::storeGlobalElementIf(OpBuilder &b, Location loc,
                                           Value address, int64_t offset,
                                           Value element, Value predicate) {
  bool isFloat = element.getType().isF32();
  std::string text = llvm::formatv("@$2 st.global.{0} [$0+{1}], $1;",
                                   isFloat ? "f32" : "b16", offset);
  emit(b, loc, text, isFloat ? "l,f,b" : "l,h,b",
       {address, element, predicate});
}
