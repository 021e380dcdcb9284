//===- SignatureBuilder.h - Arguments and memory of a kernel ----*- C++ -*-===//
//-*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOSM90_SIGNATUREBUILDER_H
#define ATTN_LIB_CONVERSION_TILETOSM90_SIGNATUREBUILDER_H

#include "TileToSm90.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::attn::tile_to_sm90 {

/// Collects what the kernel needs of its views and creates it.
class SignatureBuilder {
public:
  explicit SignatureBuilder(tile::KernelOp source)
      : source(source), builder(source) {}

  FailureOr<Kernel> build();

private:
  enum Use { Load, Store, Read, Size, Stride, Counter };

  struct Argument {
    Type type;
    Use use;
    /// Null for the counter of instances.
    Value view;
    /// The axis of a size or of a stride, or -1.
    int64_t axis = -1;
    /// What the address and the strides are multiples of, in bytes, or 0.
    int64_t alignment = 0;
    /// Of a tensor map that is loaded through.
    LoadKey load = {};
  };

  static int64_t numberOf(Value view) {
    return cast<BlockArgument>(view).getArgNumber();
  }
  LogicalResult collectLoads();
  LogicalResult collectStores();
  LogicalResult collectElements();
  LogicalResult addMatrix(tile::StoreOp store);
  void collectAccesses();
  void addPointer(Use use, Value view, int64_t alignment = 0);
  LogicalResult checkSchedule();
  LogicalResult checkArguments();
  void createTarget(Kernel &kernel, ArrayAttr extents);
  void findConstants(Kernel &kernel);
  void collectSizes();
  template <typename Access>
  LogicalResult addTensorMap(Access access, Use use, int64_t rows,
                             int64_t columns);
  FailureOr<ArrayAttr> createExtents();
  FailureOr<sm90::ExtentAttr> createExtent(OpFoldResult bound);
  FailureOr<sm90::ExtentAttr> createSegments(tile::SegmentCountOp op);
  ArrayAttr createTensors();
  void allocate(Kernel &kernel);
  Ring createRing(sm90::BufferType buffer, int64_t fullArrivals,
                  int64_t emptyArrivals);
  void allocateHandedOver(Kernel &kernel);
  void allocateDecays(Kernel &kernel, tile::DecaySumsOp op);
  void allocateGated(Kernel &kernel, Value tile);
  Ring createReplacing(const Ring &loaded);
  void allocateGates(Kernel &kernel);
  int64_t countReaders(tile::LoadOp load);
  int64_t countReaders(Value gated);
  void bind(Kernel &kernel, const Argument &argument, Value value);
  Type getPointerType() {
    return LLVM::LLVMPointerType::get(builder.getContext(), 1);
  }

  tile::KernelOp source;
  OpBuilder builder;
  sm90::ScheduleAttr schedule;
  std::optional<RoleSplit> split;
  SmallVector<Argument> arguments;
  llvm::MapVector<LoadKey, tile::LoadOp> loads;
  llvm::MapVector<Value, tile::StoreOp> stores;
};

} // namespace mlir::attn::tile_to_sm90

#endif // ATTN_LIB_CONVERSION_TILETOSM90_SIGNATUREBUILDER_H
