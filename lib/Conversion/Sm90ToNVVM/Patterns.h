//===- Patterns.h - What the lowerings to NVVM share ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_PATTERNS_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_PATTERNS_H

#include "Sm90/Sm90.h"

#include "mlir/IR/Builders.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::attn::sm90_to_nvvm {

/// Of a function whose schedule has `join_waits`.
inline constexpr llvm::StringLiteral kJoinWaitsName = "sm90.join_waits";

/// The auxiliary among the warpgroups of a block, and the barrier at which its
/// threads meet: a constant, which no thread waits for.
inline constexpr int64_t kAuxiliaryWarpgroup = 1;

/// A fragment becomes one f32 or i1 for each element of the thread, or one i32
/// for each two 16-bit elements; a buffer, a stage and a barrier become their
/// address in shared memory, an i32 (of a stage in units of 16 bytes, as
/// descriptors have it); bits are 32 to an i32; a product under way becomes its
/// accumulators, the registers or the address of its left operand, and the
/// address of its right one.
class FragmentConverter : public TypeConverter {
public:
  FragmentConverter();
};

/// log2 of the unit of addresses and offsets in descriptors.
constexpr int64_t kDescriptorShift = 4;

/// The number of elements of a fragment that one thread holds.
int64_t elementsPerThread(RankedTensorType type);

/// The number of 32-bit registers of a thread that the bits take.
int64_t registersOf(sm90::BitsType type);

/// Element i of an accumulator is in this row, counted from the first row of
/// the thread, and in this column, counted from its first column.
inline int64_t rowOfElement(int64_t i) { return 8 * ((i >> 1) & 1); }
inline int64_t columnOfElement(int64_t i) { return 8 * (i >> 2) + (i & 1); }

/// The number of its column among the columns that the thread has.
inline int64_t numberOfColumn(int64_t i) { return 2 * (i >> 2) + (i & 1); }

/// The schedule of the kernel that `op` is part of.
sm90::ScheduleAttr getSchedule(Operation *op);

/// Emits i32 arithmetic.
class Int32 {
public:
  Int32(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value constant(int64_t value);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y) { return y ? add(x, constant(y)) : x; }
  Value mul(Value x, int64_t y);
  Value bitAnd(Value x, int64_t mask);
  Value bitOr(Value x, int64_t bits);
  Value bitXor(Value x, Value y);
  Value bitXor(Value x, int64_t bits) {
    return bits ? bitXor(x, constant(bits)) : x;
  }
  Value shiftLeft(Value x, int64_t bits);
  Value shiftRight(Value x, int64_t bits);
  Value rem(Value x, int64_t divisor);
  Value div(Value x, int64_t divisor);
  Value fromIndex(Value index);
  Value isZero(Value x);

  /// The thread in the block, in its warpgroup, and the lane in its warp.
  Value thread();
  /// Warpgroup 0 is the producer's.
  Value threadOfConsumers() { return add(thread(), -sm90::kWarpgroupThreads); }
  Value threadOfWarpgroup() { return bitAnd(thread(), 127); }
  /// The same through a shuffle, which stays where it is: what follows from the
  /// thread would take more registers in between than instructions.
  Value threadOfWarpgroupAnew();
  Value warpOfWarpgroup() { return shiftRight(threadOfWarpgroup(), 5); }
  Value lane() { return bitAnd(thread(), 31); }
  /// The warpgroup in the block, known to be the same for the whole warp.
  Value warpgroup();
  /// The first row and column of an accumulator that the thread holds.
  Value firstRow();
  Value firstColumn();

private:
  OpBuilder &b;
  Location loc;
};

/// `sum`, or 0 where that is null, with the square of `x`.
Value addSquare(OpBuilder &b, Location loc, Value sum, Value x);

/// The two elements of `type` in a register, as f32.
SmallVector<Value> extendPair(OpBuilder &b, Location loc, Type type,
                              Value pair);
/// So many neighbours of `type` in shared memory, f32 or of 16 bits, as f32.
SmallVector<Value> loadSharedAsFloats(OpBuilder &b, Location loc, Type type,
                                      Value address, int64_t offset,
                                      int64_t count);
/// An intrinsic of one f32 that the special function unit approximates.
Value approximate(OpBuilder &b, Location loc, StringRef intrinsic, Value x);

/// The use `count` of a ring of stages.
struct Use {
  Value stage, parity;
};
Use describeUse(Int32 &i32, Value count, int64_t stages);
Value barrierAddress(Int32 &i32, Value base, Value stage);

/// The address of `offset` in shared memory.
Value sharedAddress(OpBuilder &b, Location loc, int64_t offset);

/// The address of a stage, or of a buffer of one, in bytes.
Value byteAddress(Int32 &i32, Type type, ValueRange memory);
/// The address of `row` of it in its first panel.
Value rowAddress(Int32 &i32, Type type, ValueRange memory, ValueRange row);

/// The address that a lane gives for the 16 x 16 block at column 0 of 64 rows
/// that start at `base`: its row, and the 16-byte chunk that holds the left or
/// the right half of the columns, swizzled by the row.
Value matrixAddress(Int32 &i32, Value base);
/// The same for the transposed blocks of 64 columns that start at `base`: the
/// lower half of the rows of a block are those of the left half of its columns.
Value transposedAddress(Int32 &i32, Value base);
/// The address of the block that starts at `column`, in panels of `rows` rows.
Value blockAddress(Int32 &i32, Value first, int64_t column, int64_t rows);

/// Fetches the next 64 rows behind those that begin at `row` (the address of
/// the first one, an i64), up to row `limit`, into the L2 cache.
void prefetchRows(Int32 &i32, Value row, Value strideBytes, Value limit,
                  int64_t rowBytes);

void populateCopyPatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns);
void populateFragmentPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateInstancePatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateDecayPatterns(const TypeConverter &converter,
                           RewritePatternSet &patterns);
void populateGatePatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns);
void populateExtremesPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateGateRowsPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateInversePatterns(const TypeConverter &converter,
                             RewritePatternSet &patterns);
void populateMaskPatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns);
void populateNumbersPatterns(const TypeConverter &converter,
                             RewritePatternSet &patterns);
void populateReachPatterns(const TypeConverter &converter,
                           RewritePatternSet &patterns);
void populateRowNormsPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns);
void populateReadPatterns(const TypeConverter &converter,
                          RewritePatternSet &patterns);
void populateStorePatterns(const TypeConverter &converter,
                           RewritePatternSet &patterns);
void populateStripsPatterns(const TypeConverter &converter,
                            RewritePatternSet &patterns);
/// Makes the barriers of strips that are copied, in front of what may have to
/// wait for another launch.
void initStagedStrips(LLVM::LLVMFuncOp function);
void populateStagedStripsPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns);
void populateProductPatterns(const TypeConverter &converter,
                             RewritePatternSet &patterns);

/// Replaces scalar functions that no instruction computes. Fails with a
/// diagnostic where one remains.
LogicalResult expandMath(Operation *function);

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_PATTERNS_H
