//===- ReadElement.cpp - Elements of tensors in global memory -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadElement.h"

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

static int64_t bytesOf(Type type) {
  // A size in memory: an index is an i64, an i1 a byte.
  return type.isIndex() ? 8 : std::max(1u, type.getIntOrFloatBitWidth() / 8);
}

Value sm90_to_nvvm::getElementAddress(OpBuilder &b, Location loc, Value pointer,
                                      Type element, ValueRange indices,
                                      ValueRange strides) {
  Type i64 = b.getI64Type();
  auto wide = [&](Value value) -> Value {
    return arith::IndexCastOp::create(b, loc, i64, value);
  };
  Value address = LLVM::PtrToIntOp::create(b, loc, i64, pointer);
  if (indices.empty())
    return address;
  Value offset = wide(indices.back());
  for (auto [index, stride] : llvm::zip_equal(indices.drop_back(), strides)) {
    Value own = arith::MulIOp::create(b, loc, wide(index), stride);
    offset = arith::AddIOp::create(b, loc, own, offset);
  }
  Value bytes =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytesOf(element)));
  offset = arith::MulIOp::create(b, loc, offset, bytes);
  return arith::AddIOp::create(b, loc, address, offset);
}

Value sm90_to_nvvm::readElement(OpBuilder &b, Location loc, sm90::ReadOp op,
                                Value address, int64_t offset, Value inside) {
  Type type = op.getElement().getType();
  int64_t bytes = bytesOf(type);
  if (!inside)
    inside = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  auto load = [&](StringRef format, Type loaded) {
    return ptx::loadGlobalIf(b, loc, format, loaded, address, offset * bytes,
                             inside);
  };
  if (type.isF32())
    return load("f32", type);
  if (type.isInteger(32))
    return load("b32", type);
  if (type.isInteger(64))
    return load("b64", type);
  if (type.isIndex())
    return arith::IndexCastOp::create(b, loc, type,
                                      load("b64", b.getI64Type()));
  // The smallest register has 16 bits.
  Type i16 = b.getI16Type();
  if (type.isInteger(1)) {
    Value zero = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(0));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                 load("u8", i16), zero);
  }
  if (type.isInteger(8))
    return arith::TruncIOp::create(b, loc, type, load("s8", i16));
  Value bits = load("b16", i16);
  if (type.isInteger(16))
    return bits;
  if (type.isBF16()) {
    // The upper half of an f32.
    Value half = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(16));
    bits = arith::ExtUIOp::create(b, loc, b.getI32Type(), bits);
    bits = arith::ShLIOp::create(b, loc, bits, half);
    return arith::BitcastOp::create(b, loc, b.getF32Type(), bits);
  }
  Value narrow = arith::BitcastOp::create(b, loc, type, bits);
  return arith::ExtFOp::create(b, loc, b.getF32Type(), narrow);
}

namespace {

/// An element that all threads of a role read.
struct LowerRead : OpConversionPattern<sm90::ReadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::ReadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value inside;
    for (auto [index, size] :
         llvm::zip_equal(adaptor.getIndices(), adaptor.getSizes())) {
      Value own = arith::CmpIOp::create(rewriter, loc,
                                        arith::CmpIPredicate::ult, index, size);
      inside =
          inside ? arith::AndIOp::create(rewriter, loc, inside, own).getResult()
                 : own;
    }
    Value address = getElementAddress(rewriter, loc, op.getPointer(),
                                      op.getElement().getType(),
                                      adaptor.getIndices(), op.getStrides());
    Value element =
        readElement(rewriter, loc, op, address, /*offset=*/0, inside);
    Type type = op.getElement().getType();
    if (element.getType() != type)
      element = arith::TruncFOp::create(rewriter, loc, type, element);
    rewriter.replaceOp(op, element);
    return success();
  }
};

/// One thread writes for all.
struct LowerWrite : OpConversionPattern<sm90::WriteOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::WriteOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value address = getElementAddress(
        rewriter, loc, adaptor.getPointer(), op.getElement().getType(),
        adaptor.getIndices(), adaptor.getStrides());
    Value isFirst = i32.isZero(i32.threadOfConsumers());
    auto branch =
        scf::IfOp::create(rewriter, loc, isFirst, /*withElseRegion=*/false);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    Value pointer = LLVM::IntToPtrOp::create(
        rewriter, loc, adaptor.getPointer().getType(), address);
    LLVM::StoreOp::create(rewriter, loc, adaptor.getElement(), pointer);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateReadPatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerRead, LowerWrite>(converter, patterns.getContext());
}
