//===- Sm90Ops.cpp - Layouts, kernels and their roles ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sm90;

#define GET_OP_CLASSES
#include "Sm90/Sm90Ops.cpp.inc"

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

SmallVector<std::pair<Value, Layout>, 2>
mlir::sm90::getFixedLayouts(Operation *op) {
  using Pairs = SmallVector<std::pair<Value, Layout>, 2>;
  return TypeSwitch<Operation *, Pairs>(op)
      .Case([](WgmmaAsyncOp product) {
        Pairs pairs;
        if (isa<RankedTensorType>(product.getLhs().getType()))
          pairs.push_back({product.getLhs(), Layout::OperandA});
        if (product.getAcc())
          pairs.push_back({product.getAcc(), Layout::Accumulator});
        return pairs;
      })
      .Case([](WgmmaWaitOp wait) {
        return Pairs{{wait.getResult(), Layout::Accumulator}};
      })
      .Case([](LoadFragmentOp load) {
        return Pairs{{load.getFragment(), load.getTransposed()
                                              ? Layout::Accumulator
                                              : Layout::OperandA}};
      })
      .Case([](StoreFragmentOp store) {
        return Pairs{{store.getFragment(), Layout::Accumulator}};
      })
      .Case([](StoreMatrixOp store) {
        return Pairs{{store.getFragment(), Layout::Accumulator}};
      })
      .Case([](StoreRowsOp store) {
        return Pairs{{store.getRows(), Layout::Rows}};
      })
      .Case([](ReduceColumnsOp reduce) {
        return Pairs{{reduce.getSource(), Layout::Accumulator},
                     {reduce.getResult(), Layout::PartialRows}};
      })
      .Case([](CombineQuadOp combine) {
        return Pairs{{combine.getSource(), Layout::PartialRows},
                     {combine.getResult(), Layout::Rows}};
      })
      .Case([](BroadcastRowsOp broadcast) {
        return Pairs{{broadcast.getSource(), Layout::Rows},
                     {broadcast.getResult(), Layout::Accumulator}};
      })
      .Case([](BroadcastColumnsOp broadcast) {
        return Pairs{{broadcast.getSource(), Layout::Columns},
                     {broadcast.getResult(), Layout::Accumulator}};
      })
      .Case([](SplitColumnsOp split) {
        return Pairs{{split.getSource(), Layout::Accumulator},
                     {split.getLeft(), Layout::Accumulator},
                     {split.getRight(), Layout::Accumulator}};
      })
      .Case([](DecayRatiosOp ratios) {
        Pairs pairs{{ratios.getResult(), Layout::Accumulator}};
        if (ratios.getRows())
          pairs.push_back({ratios.getRows(), Layout::Rows});
        if (ratios.getColumns())
          pairs.push_back({ratios.getColumns(), Layout::Columns});
        return pairs;
      })
      .Case<LoadStateOp, StoreStateOp>([](auto access) {
        return Pairs{{access.getFragment(), Layout::Accumulator}};
      })
      .Case([](InvertUnitLowerOp inverse) {
        return Pairs{{inverse.getMatrix(), Layout::Accumulator}};
      })
      .Case([](ScaleColumnsOp scale) {
        return Pairs{{scale.getSource(), Layout::Accumulator},
                     {scale.getResult(), Layout::Accumulator}};
      })
      .Case<DecayTokensOp, DecayedDotsOp>([](auto decayed) {
        Pairs pairs;
        for (ValueRange values : {ValueRange(decayed->getOperands()),
                                  ValueRange(decayed->getResults())})
          for (Value value : values)
            if (isa<RankedTensorType>(value.getType()))
              pairs.push_back({value, Layout::Accumulator});
        return pairs;
      })
      .Case<LoadNumbersOp, RowNormsOp, FirstNumbersOp, CumulativeSumOp,
            ExtractOp, StoreNumbersOp>([](auto numbers) {
        Pairs pairs;
        for (ValueRange values : {ValueRange(numbers->getOperands()),
                                  ValueRange(numbers->getResults())})
          for (Value value : values)
            if (isa<RankedTensorType>(value.getType()))
              pairs.push_back({value, Layout::Lanes});
        return pairs;
      })
      .Case([](ReduceStripsOp reduce) {
        bool byColumns = reduce.getAxis() == 0;
        Layout matrix = byColumns ? Layout::ColumnStrips : Layout::RowStrips;
        return Pairs{
            {reduce.getSource(), matrix},
            {reduce.getResult(), *getVectorLayout(matrix, byColumns ? 1 : 0)}};
      })
      .Default([](Operation *) { return Pairs(); });
}

LogicalResult mlir::sm90::detail::verifyFixedLayouts(Operation *op) {
  for (auto [value, expected] : getFixedLayouts(op)) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    std::optional<Layout> got = type ? getLayout(type) : std::nullopt;
    if (got && *got != expected)
      return op->emitOpError("expected a fragment in the layout ")
             << stringifyLayout(expected) << ", got one in "
             << stringifyLayout(*got);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

/// The arguments are called after their tensor; a size has its axis appended.
void KernelOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments()) {
    unsigned index = argument.getArgNumber();
    if (getArgAttr(index, getCounterAttrName()))
      setName(argument, "counter");
    auto number = getArgAttrOfType<IntegerAttr>(index, getTensorAttrName());
    if (!number || number.getValue().uge(getTensors().size()))
      continue;
    auto tensor = cast<TensorAttr>(getTensors()[number.getInt()]);
    std::string name = tensor.getName().str();
    if (auto axis = getArgAttrOfType<IntegerAttr>(index, getAxisAttrName()))
      name += (argument.getType().isIndex() ? "_size" : "_stride") +
              std::to_string(axis.getInt());
    setName(argument, name);
  }
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool isVariadic = false;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      function_interface_impl::parseFunctionSignatureWithArguments(
          parser, /*allowVariadic=*/false, arguments, isVariadic, resultTypes,
          resultAttrs))
    return failure();

  SmallVector<Type> inputs;
  for (OpAsmParser::Argument &argument : arguments)
    inputs.push_back(argument.type);
  Builder &builder = parser.getBuilder();
  result.addAttribute(
      getFunctionTypeAttrName(result.name),
      TypeAttr::get(builder.getFunctionType(inputs, resultTypes)));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(
      builder, result, arguments, resultAttrs, getArgAttrsAttrName(result.name),
      getResAttrsAttrName(result.name));
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printSymbolName(getSymName());
  function_interface_impl::printFunctionSignature(
      printer, *this, getArgumentTypes(), /*isVariadic=*/false,
      getResultTypes());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getSymNameAttrName(), getFunctionTypeAttrName(),
                            getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// C2: which tensor an argument belongs to, and which axis a size or a stride
/// is of.
static LogicalResult verifyArgumentAttrs(KernelOp kernel, unsigned index) {
  if (isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes()[index]) &&
      kernel.getArgAttr(index, KernelOp::getCounterAttrName()))
    return success();
  auto tensor = kernel.getArgAttrOfType<IntegerAttr>(
      index, KernelOp::getTensorAttrName());
  int64_t count = kernel.getTensors().size();
  if (!tensor || tensor.getInt() < 0 || tensor.getInt() >= count)
    return kernel.emitOpError("expected sm90.tensor of argument ")
           << index << " to be a number below " << count;
  if (!kernel.getArgumentTypes()[index].isIntOrIndex())
    return success();
  auto axis =
      kernel.getArgAttrOfType<IntegerAttr>(index, KernelOp::getAxisAttrName());
  auto described = cast<TensorAttr>(kernel.getTensors()[tensor.getInt()]);
  int64_t rank = described.getType().getRank();
  if (!axis || axis.getInt() < 0 || axis.getInt() >= rank)
    return kernel.emitOpError("expected sm90.axis of argument ")
           << index << " to be an axis below " << rank;
  return success();
}

/// C7: what an alignment is of.
static LogicalResult verifyAlignment(KernelOp kernel, unsigned index) {
  Attribute attr = kernel.getArgAttr(index, KernelOp::getAlignmentAttrName());
  auto alignment = dyn_cast_or_null<IntegerAttr>(attr);
  bool isPointer =
      isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes()[index]) &&
      !kernel.getArgAttr(index, KernelOp::getCounterAttrName());
  if (!attr || (isPointer && alignment && alignment.getInt() > 0 &&
                llvm::isPowerOf2_64(alignment.getInt())))
    return success();
  return kernel.emitOpError("expected sm90.alignment of argument ")
         << index << " to be a power of two, of a pointer to a tensor, got "
         << attr;
}

LogicalResult KernelOp::verify() {
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) {
    auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
    if (!isa<TensorMapType, IndexType>(type) && !type.isSignlessInteger(64) &&
        !(pointer && pointer.getAddressSpace() == 1)) // C1
      return emitOpError("expected argument ")
             << index
             << " to be a tensor map, a !llvm.ptr<1>, an index or an i64, got "
             << type;
    if (failed(verifyArgumentAttrs(*this, index)) || // C2
        failed(verifyAlignment(*this, index)))       // C7
      return failure();
  }
  if (!getResultTypes().empty()) // C4
    return emitOpError("expected no results, got ") << getResultTypes().size();
  auto tensors = getTensors().getAsRange<TensorAttr>();
  int64_t count = getTensors().size();
  for (auto extent : getInstances().getAsRange<ExtentAttr>()) { // C5
    ArrayRef<int64_t> sizes = extent.getSizes();
    for (; !sizes.empty(); sizes = sizes.drop_front(2))
      if (sizes[0] < 0 || sizes[0] >= count || sizes[1] < 0 ||
          sizes[1] >=
              (*std::next(tensors.begin(), sizes[0])).getType().getRank())
        return emitOpError("expected extents of axes of the ")
               << count << " tensors, got " << extent;
  }
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  auto countOps = [](auto ops) {
    return std::distance(ops.begin(), ops.end());
  };
  Block &body = getBody().front();
  auto roles = countOps(body.getOps<WarpRolesOp>());
  auto warps = countOps(body.getOps<WarpsOp>());
  if (getSchedule().getWarpRoles() && roles != 1) // C3
    return emitOpError("expected exactly one sm90.warp_roles in the body, got ")
           << roles;
  if (!getSchedule().getWarpRoles() && (warps != 1 || roles != 0)) // C3
    return emitOpError("expected exactly one sm90.warps and no roles in the "
                       "body, got ")
           << warps << " and " << roles;
  if (!getSharedMemory())
    return success();
  WalkResult result = walk([](Operation *op) { // C6
    if (!isa<AllocOp, MBarrierInitOp, TicketsAllocOp, FindExtremesOp,
             FindReachOp>(op) ||
        op->hasAttr("offset"))
      return WalkResult::advance();
    op->emitOpError("expected an offset in a kernel with shared_memory, got "
                    "none");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult WarpRolesOp::verifyRegions() {
  auto kernel = cast<KernelOp>((*this)->getParentOp());
  bool isWanted = kernel.getSchedule().getAuxiliaryRegisters() != 0;
  if (isWanted == getAuxiliary().empty()) // C1
    return emitOpError("expected an auxiliary exactly where the schedule has "
                       "auxiliary_registers");
  return success();
}
