//===- SignatureBuilder.cpp - The arguments of a kernel -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

#include "Sm90/ScheduleFields.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

ArrayAttr SignatureBuilder::createTensors() {
  SmallVector<Attribute> tensors;
  for (BlockArgument view : source.getArguments()) {
    unsigned index = view.getArgNumber();
    auto type = cast<tile::ViewType>(view.getType());
    bool output = static_cast<bool>(
        source.getArgAttr(index, tile::KernelOp::getOutputAttrName()));
    auto least = source.getArgAttrOfType<DenseI64ArrayAttr>(
        index, tile::KernelOp::getLeastAttrName());
    auto updates = source.getArgAttrOfType<IntegerAttr>(
        index, tile::KernelOp::getUpdatesAttrName());
    tensors.push_back(sm90::TensorAttr::get(
        builder.getContext(),
        source.getArgAttrOfType<StringAttr>(index,
                                            tile::KernelOp::getNameAttrName()),
        RankedTensorType::get(type.getShape(), type.getElementType()),
        getSymbols(view), output,
        least ? least.asArrayRef() : ArrayRef<int64_t>(),
        updates ? updates.getInt() : -1,
        static_cast<bool>(
            source.getArgAttr(index, tile::KernelOp::getWorkspaceAttrName()))));
  }
  return builder.getArrayAttr(tensors);
}

/// Notes which value of the kernel an argument has become.
void SignatureBuilder::bind(Kernel &kernel, const Argument &argument,
                            Value value) {
  switch (argument.use) {
  case Load:
    kernel.rings[argument.load].map = value;
    break;
  case Store:
    kernel.stores[argument.view] = value;
    break;
  case Read:
    kernel.reads[argument.view] = value;
    break;
  case Size:
    kernel.sizes[getSymbols(argument.view)[argument.axis]] = value;
    break;
  case Stride:
    kernel.strides[argument.view].push_back(value);
    break;
  case Counter:
    kernel.counter = value;
    break;
  }
}

/// Without copies there is no producer to hand instances out: a block for each
/// instance. What is divided among more roles is not there either; its
/// registers are those of the consumers, of which there are two, as many as
/// search for attention.
static sm90::ScheduleAttr withoutCopies(sm90::ScheduleAttr schedule) {
  sm90::ScheduleFields fields(schedule);
  fields.persistent = false;
  fields.dynamic = false;
  if (fields.auxiliaryRegisters != 0) {
    fields.auxiliaryRegisters = 0;
    fields.consumerWarpgroups = 2;
    fields.producerRegisters = 40;
    fields.consumerRegisters = 232;
  }
  return fields.get(schedule.getContext());
}

static bool hasCopies(tile::KernelOp kernel) {
  return kernel.walk([](tile::LoadOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

LogicalResult SignatureBuilder::checkSchedule() {
  schedule =
      dyn_cast_or_null<sm90::ScheduleAttr>(source.getSchedule().getTarget());
  if (!schedule)
    return source.emitOpError("expected a schedule with a target of "
                              "#sm90.schedule");
  if (!schedule.getWarpRoles()) {
    if (sm90::findStripLanes(source.getSchedule().getBlockQ(),
                             schedule.getStripWarps()))
      return success();
    return source.emitOpError("expected block_q of 16, 32, 64 or 128 without "
                              "warp_roles, got ")
           << source.getSchedule().getBlockQ();
  }
  int64_t rows = sm90::kWarpgroupRows * schedule.getConsumerWarpgroups();
  if (source.getSchedule().getBlockQ() != rows)
    return source.emitOpError("expected block_q of ")
           << rows << ", " << sm90::kWarpgroupRows
           << " for each consumer warpgroup, got "
           << source.getSchedule().getBlockQ();
  return success();
}

LogicalResult SignatureBuilder::checkArguments() {
  for (BlockArgument view : source.getArguments())
    for (StringRef attr : {tile::KernelOp::getNameAttrName(),
                           tile::KernelOp::getSymbolsAttrName()})
      if (!source.getArgAttr(view.getArgNumber(), attr))
        return source.emitOpError("expected argument ")
               << view.getArgNumber() << " to have the attribute " << attr;
  return success();
}

void SignatureBuilder::createTarget(Kernel &kernel, ArrayAttr extents) {
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  for (const Argument &argument : arguments) {
    types.push_back(argument.type);
    NamedAttrList list;
    if (argument.use == Counter) {
      list.set(sm90::KernelOp::getCounterAttrName(), builder.getUnitAttr());
      attrs.push_back(list.getDictionary(builder.getContext()));
      continue;
    }
    list.set(sm90::KernelOp::getTensorAttrName(),
             builder.getI64IntegerAttr(numberOf(argument.view)));
    if (argument.axis >= 0)
      list.set(sm90::KernelOp::getAxisAttrName(),
               builder.getI64IntegerAttr(argument.axis));
    if (argument.alignment > 0)
      list.set(sm90::KernelOp::getAlignmentAttrName(),
               builder.getI64IntegerAttr(argument.alignment));
    attrs.push_back(list.getDictionary(builder.getContext()));
  }
  kernel.target = sm90::KernelOp::create(
      builder, source.getLoc(), source.getSymName(),
      builder.getFunctionType(types, {}), schedule, createTensors(), extents,
      /*shared_memory=*/IntegerAttr(), /*arg_attrs=*/ArrayAttr(),
      /*res_attrs=*/ArrayAttr());
  function_interface_impl::setAllArgAttrDicts(kernel.target, attrs);
  Block *entry = builder.createBlock(&kernel.target.getBody());
  for (const Argument &argument : arguments)
    bind(kernel, argument, entry->addArgument(argument.type, source.getLoc()));
}

/// Inputs that no output updates. A matrix is one that an instance may find its
/// own output in place of: it is read before that is written.
void SignatureBuilder::findConstants(Kernel &kernel) {
  for (BlockArgument view : source.getArguments())
    if (!source.getArgAttr(view.getArgNumber(),
                           tile::KernelOp::getOutputAttrName()))
      kernel.constants.insert(view);
  for (unsigned i = 0, e = source.getArgumentTypes().size(); i != e; ++i)
    if (auto updates = source.getArgAttrOfType<IntegerAttr>(
            i, tile::KernelOp::getUpdatesAttrName()))
      kernel.constants.erase(source.getArgument(updates.getInt()));
  source.walk([&](tile::LoadOp load) {
    if (cast<VectorType>(load.getTile().getType()).getRank() == 2)
      kernel.constants.erase(load.getView());
  });
}

FailureOr<Kernel> SignatureBuilder::build() {
  if (failed(checkSchedule()) || failed(checkArguments()))
    return failure();
  if (!hasCopies(source))
    schedule = withoutCopies(schedule);
  if (schedule.getAuxiliaryRegisters()) {
    if (schedule.getPersistent())
      return source.emitOpError("expected a schedule with an auxiliary that is "
                                "not persistent");
    FailureOr<RoleSplit> found = splitRoles(source);
    if (failed(found))
      return failure();
    split = std::move(*found);
  }
  if (!schedule.getWarpRoles())
    collectAccesses();
  else if (failed(collectLoads()) || failed(collectStores()) ||
           failed(collectElements()))
    return failure();
  collectSizes();
  if (schedule.getDynamic())
    arguments.push_back(
        {LLVM::LLVMPointerType::get(builder.getContext(), 1), Counter, {}});
  FailureOr<ArrayAttr> extents = createExtents();
  if (failed(extents))
    return failure();

  Kernel kernel;
  kernel.source = source;
  kernel.split = split;
  source.walk([&](tile::FinishSoftmaxOp op) {
    kernel.repeats |= op.getSumLimit().has_value();
  });
  if (kernel.repeats && !schedule.getDynamic())
    return source.emitOpError("expected a dynamic schedule, since instances "
                              "that fail are computed again");
  createTarget(kernel, *extents);
  findConstants(kernel);
  allocate(kernel);
  return kernel;
}
