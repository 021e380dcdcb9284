//===- InlineAsm.h - Instructions that NVVM has no op for -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The one place where PTX is written as text. Addresses are 32-bit offsets in
// the shared window unless a comment says otherwise. All of these are volatile
// and clobber memory: LLVM knows nothing of what the copy engine and the tensor
// cores read and write.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_INLINEASM_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_INLINEASM_H

#include "mlir/IR/Builders.h"

namespace mlir::attn::ptx {

/// Arrivals `count` complete a phase of the barrier at `barrier`.
void mbarrierInit(OpBuilder &b, Location loc, Value barrier, int64_t count);
/// One arrival, if `predicate` (i1).
void mbarrierArriveIf(OpBuilder &b, Location loc, Value barrier,
                      Value predicate);
/// One arrival that announces `bytes` of copies.
void mbarrierArriveExpectTx(OpBuilder &b, Location loc, Value barrier,
                            int64_t bytes);
/// One arrival.
void mbarrierArrive(OpBuilder &b, Location loc, Value barrier);
/// Waits for the completion of the phase of `parity` (i32).
void mbarrierWaitParity(OpBuilder &b, Location loc, Value barrier,
                        Value parity);
/// The same of several, each followed by its parity, which are tested at once.
void mbarrierWaitAll(OpBuilder &b, Location loc, ValueRange barriers);
/// Whether `op` waits for a single one.
bool isMBarrierWait(Operation *op);

/// Adds one to an i32 in global memory and returns what it was.
Value atomicIncrement(OpBuilder &b, Location loc, Value pointer);
/// Stores to, and loads from, an i32 in shared memory.
void storeShared(OpBuilder &b, Location loc, Value address, Value value);
Value loadShared(OpBuilder &b, Location loc, Value address);
/// Sets bits of an i32 in shared memory where `predicate` holds.
void orSharedIf(OpBuilder &b, Location loc, Value address, Value bits,
                Value predicate);

/// Policies of the L2 cache, as createpolicy makes them: what may go first,
/// what is like anything else, what other blocks will read again.
constexpr int64_t kEvictFirst = 0x12F0000000000000;
constexpr int64_t kEvictNormal = 0x1000000000000000;
constexpr int64_t kEvictLast = 0x14F0000000000000;

/// Copies the box of `map` (a generic pointer) at `coordinates`, innermost
/// first, to shared memory, with the cache policy `policy`.
void tmaLoad(OpBuilder &b, Location loc, Value destination, Value map,
             ValueRange coordinates, Value barrier, int64_t policy);
/// Copies shared memory to the box at `coordinates`, innermost first.
void tmaStore(OpBuilder &b, Location loc, Value source, Value map,
              ValueRange coordinates);

/// Waits until the words, of 64 bits, are there: nothing is done with them.
void needNow(OpBuilder &b, Location loc, ValueRange words);

/// Copies `bytes` (i32) of global memory (an i64), both multiples of 16, to
/// shared memory, with the cache policy `policy`.
void bulkLoad(OpBuilder &b, Location loc, Value destination, Value source,
              Value bytes, Value barrier, int64_t policy);

/// One, two or four f32 at `address` plus a constant in shared memory.
SmallVector<Value> loadSharedFloats(OpBuilder &b, Location loc, Value address,
                                    int64_t offset, size_t count);
void storeSharedFloats(OpBuilder &b, Location loc, Value address,
                       int64_t offset, ValueRange values);
/// Four i32 from and to shared memory.
SmallVector<Value> loadSharedWords(OpBuilder &b, Location loc, Value address);
void storeSharedWords(OpBuilder &b, Location loc, Value address,
                      ValueRange values);

/// Four 8x8 matrices of 16-bit elements, which may be transposed on the way;
/// each lane gives the address of a row.
SmallVector<Value> ldmatrixX4(OpBuilder &b, Location loc, Value address,
                              bool transposed);
void stmatrixX4(OpBuilder &b, Location loc, Value address, ValueRange registers,
                bool transposed);

/// acc + A * B of a warp, of 16 x 8 in f32; A is 16 x 16 and B 16 x 8, of
/// `type`.
SmallVector<Value> mma(OpBuilder &builder, Location loc, Type type,
                       ValueRange acc, ValueRange a, ValueRange b);

/// Rounds two floats to a pair of `type` (bf16 or f16), `low` in the lower
/// half. Stays where it is: LLVM would move it behind the next branch, where
/// nothing hides it.
Value roundPair(OpBuilder &b, Location loc, Type type, Value low, Value high);

/// A product in tf32: of what registers hold as f32 the lower bits do not
/// count. A is 16 x 8 and B 8 x 8.
SmallVector<Value> mmaTF32(OpBuilder &builder, Location loc, ValueRange acc,
                           ValueRange a, ValueRange b);

/// Starts a copy of `bytes`, 8 or 16, from global memory (an i64) to shared
/// memory: zeros unless `isThere` (i1). Then waits for all of the thread.
void copyAsync(OpBuilder &b, Location loc, Value destination, Value source,
               int64_t bytes, Value isThere);
void waitForCopies(OpBuilder &b, Location loc);
/// What has been copied since becomes a group, complete in order; waits until
/// so many are under way.
void commitCopies(OpBuilder &b, Location loc);
void waitForGroups(OpBuilder &b, Location loc, int64_t pending);
/// A sum that stays what it is: those that a loop makes of others are kept in
/// registers, one for each place.
Value advance(OpBuilder &b, Location loc, Value address, Value bytes);
/// Fetches the line of an address (an i64) of global memory into the L2 cache,
/// if `predicate`.
void prefetchIf(OpBuilder &b, Location loc, Value address, Value predicate);

/// The barrier `id` (i32) of `threads` threads.
void barrierSync(OpBuilder &b, Location loc, Value id, int64_t threads);
void barrierArrive(OpBuilder &b, Location loc, Value id, int64_t threads);

/// One product of a warpgroup, as a chain of wgmma instructions that form one
/// commit group.
struct WgmmaChain {
  /// Columns of the result, at most 256.
  int64_t columns;
  /// "bf16" or "f16".
  StringRef elementType;
  /// What is added to the low word of the descriptor of B for each step of 16
  /// along K, and to that of A where A is in shared memory.
  SmallVector<int64_t> stepsB, stepsA;
  /// The high word of the descriptors.
  int64_t descriptorHigh;
  /// B is stored with its columns contiguous.
  bool transposeB;
};

/// Starts acc + A * B. `a` has four registers for each step, or is the low word
/// of the descriptor of A; `b` is the low word of the descriptor of B. Without
/// accumulators, or unless `adds` (i1) where it is not null, the product starts
/// from zero. Returns the accumulators, which are under way.
SmallVector<Value> wgmma(OpBuilder &builder, Location loc,
                         const WgmmaChain &chain, ValueRange a, Value b,
                         ValueRange acc, Value adds);

/// Waits until at most `pending` groups are under way. The accumulators go in
/// and come out, so that no use of them can move in front; the registers in
/// `read` are kept alive until here.
SmallVector<Value> wgmmaWait(OpBuilder &b, Location loc, int64_t pending,
                             ValueRange acc, ValueRange read);

/// Loads the value at `address + offset` of global memory that nobody writes,
/// or zero unless `predicate`. `format` is that of the load, e.g. "b16"; a byte
/// is extended to `type`: i16, i32, i64 or f32.
Value loadGlobalIf(OpBuilder &b, Location loc, StringRef format, Type type,
                   Value address, int64_t offset, Value predicate);

/// Adds a bit that `bits` does not have, if `predicate`. What it is made of is
/// not seen through: the predicate is one, and no longer kept once it is a bit.
Value addBitIf(OpBuilder &b, Location loc, Value bits, int64_t bit,
               Value predicate);

/// Neighbouring 32-bit words of global memory, up to four: `words` are f32
/// where `isFloat`, else i32. What is `constant` is written by nobody, so that
/// the load may be moved; of what is not and `streams`, the caches keep nothing
/// for long.
SmallVector<Value> loadGlobalWords(OpBuilder &b, Location loc, Value address,
                                   int64_t offset, size_t words, bool isFloat,
                                   bool constant, bool streams = true);
/// Stores neighbouring words, all f32 or all i32, where `predicate` (null for
/// always) holds. Of what `streams`, the caches keep nothing for long.
void storeGlobalWords(OpBuilder &b, Location loc, Value address, int64_t offset,
                      ValueRange words, Value predicate, bool streams = false);
/// One element, an f32 or an i16, where `predicate` holds, and else zero.
/// Others may have written it before.
Value loadGlobalElementIf(OpBuilder &b, Location loc, Type type, Value address,
                          int64_t offset, Value predicate);
void storeGlobalElementIf(OpBuilder &b, Location loc, Value address,
                          int64_t offset, Value element, Value predicate);

} // namespace mlir::attn::ptx

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_INLINEASM_H
