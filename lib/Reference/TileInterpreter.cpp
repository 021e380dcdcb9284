//===- TileInterpreter.cpp - Runs the tile level on the CPU ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/TileInterpreter.h"

#include "TileInstance.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/ADT/StringMap.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;
using tile::KernelOp;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

namespace {

/// The tensors behind the arguments of a kernel.
class Arguments {
public:
  Arguments(KernelOp kernel) : kernel(kernel), tensors(size()) {}

  LogicalResult setInputs(ArrayRef<Tensor> inputs);
  LogicalResult createOutputs();
  void createWorkspaces(ArrayRef<int64_t> instances);
  std::vector<Tensor> takeOutputs();
  SmallVector<View> getViews();

private:
  size_t size() { return kernel.getArgumentTypes().size(); }
  bool isOutput(unsigned index) {
    return bool(kernel.getArgAttr(index, KernelOp::getOutputAttrName()));
  }
  bool isWorkspace(unsigned index) {
    return bool(kernel.getArgAttr(index, KernelOp::getWorkspaceAttrName()));
  }
  void poison(Tensor &tensor, size_t elements) {
    tensor.values.assign(elements, std::numeric_limits<double>::quiet_NaN());
  }
  ArrayRef<int64_t> getShape(unsigned index) {
    return cast<tile::ViewType>(kernel.getArgumentTypes()[index]).getShape();
  }
  LogicalResult checkInput(unsigned index);
  LogicalResult checkLeast(unsigned index);

  /// The size along an axis where the type or a number gives it.
  std::optional<int64_t> getSize(unsigned index, unsigned axis);
  /// The number of a dynamic size, or nothing.
  std::optional<int64_t> getSymbol(unsigned index, unsigned axis);

  KernelOp kernel;
  std::vector<Tensor> tensors;
  DenseMap<int64_t, int64_t> sizes;
};

} // namespace

std::optional<int64_t> Arguments::getSymbol(unsigned index, unsigned axis) {
  auto symbols = kernel.getArgAttrOfType<DenseI64ArrayAttr>(
      index, KernelOp::getSymbolsAttrName());
  if (!symbols || axis >= symbols.size() || symbols[axis] < 0)
    return std::nullopt;
  return symbols[axis];
}

std::optional<int64_t> Arguments::getSize(unsigned index, unsigned axis) {
  int64_t size = getShape(index)[axis];
  if (ShapedType::isStatic(size))
    return size;
  std::optional<int64_t> symbol = getSymbol(index, axis);
  auto known = symbol ? sizes.find(*symbol) : sizes.end();
  if (known == sizes.end())
    return std::nullopt;
  return known->second;
}

LogicalResult Arguments::checkInput(unsigned index) {
  const Tensor &tensor = tensors[index];
  size_t rank = getShape(index).size();
  if (tensor.shape.size() != rank)
    return kernel.emitOpError("expected a tensor of rank ")
           << rank << " for argument " << index << ", got rank "
           << tensor.shape.size();
  size_t elements = 1;
  for (auto [axis, size] : llvm::enumerate(tensor.shape)) {
    elements *= size;
    std::optional<int64_t> expected = getSize(index, axis);
    if (expected && *expected != size)
      return kernel.emitOpError("expected size ")
             << *expected << " along axis " << axis << " of argument " << index
             << ", got " << size;
    if (std::optional<int64_t> symbol = getSymbol(index, axis))
      sizes.try_emplace(*symbol, size);
  }
  if (tensor.values.size() != elements)
    return kernel.emitOpError("expected ")
           << elements << " elements for argument " << index << ", got "
           << tensor.values.size();
  return success();
}

LogicalResult Arguments::checkLeast(unsigned index) {
  auto least = kernel.getArgAttrOfType<DenseI64ArrayAttr>(
      index, KernelOp::getLeastAttrName());
  if (!least)
    return success();
  for (ArrayRef<int64_t> rest = least; !rest.empty();
       rest = rest.drop_front(4)) {
    int64_t axis = rest[0];
    int64_t size = rest[1] < 0 ? 0 : sizes[rest[1]];
    int64_t expected = llvm::divideCeilSigned(size + rest[2], rest[3]);
    if (tensors[index].shape[axis] < expected)
      return kernel.emitOpError("expected size ")
             << axis << " of argument " << index << " to be at least "
             << expected << ", got " << tensors[index].shape[axis];
  }
  return success();
}

LogicalResult Arguments::setInputs(ArrayRef<Tensor> inputs) {
  size_t next = 0;
  for (unsigned index = 0; index != size(); ++index) {
    if (isOutput(index))
      continue;
    if (next < inputs.size()) {
      tensors[index] = inputs[next];
      if (failed(checkInput(index)))
        return failure();
    }
    ++next;
  }
  if (next != inputs.size())
    return kernel.emitOpError("expected ")
           << next << " inputs, got " << inputs.size();
  for (unsigned index = 0; index != size(); ++index)
    if (!isOutput(index) && failed(checkLeast(index)))
      return failure();
  return success();
}

LogicalResult Arguments::createOutputs() {
  for (unsigned index = 0; index != size(); ++index) {
    if (!isOutput(index) || isWorkspace(index))
      continue;
    Tensor &tensor = tensors[index];
    size_t elements = 1;
    for (unsigned axis = 0; axis != getShape(index).size(); ++axis) {
      std::optional<int64_t> size = getSize(index, axis);
      if (!size)
        return kernel.emitOpError("expected tile.symbols to give the size of "
                                  "argument ")
               << index << " along axis " << axis;
      tensor.shape.push_back(*size);
      elements *= *size;
    }
    poison(tensor, elements);
    if (auto updates = kernel.getArgAttrOfType<IntegerAttr>(
            index, KernelOp::getUpdatesAttrName()))
      tensor.values = tensors[updates.getInt()].values;
  }
  return success();
}

/// Their first sizes are the counts of instances.
void Arguments::createWorkspaces(ArrayRef<int64_t> instances) {
  for (unsigned index = 0; index != size(); ++index) {
    if (!isOutput(index) || !isWorkspace(index))
      continue;
    Tensor &tensor = tensors[index];
    tensor.shape = llvm::to_vector(instances);
    llvm::append_range(tensor.shape,
                       getShape(index).drop_front(instances.size()));
    size_t elements = 1;
    for (int64_t extent : tensor.shape)
      elements *= extent;
    poison(tensor, elements);
  }
}

std::vector<Tensor> Arguments::takeOutputs() {
  std::vector<Tensor> outputs;
  for (unsigned index = 0; index != size(); ++index)
    if (isOutput(index))
      outputs.push_back(std::move(tensors[index]));
  return outputs;
}

SmallVector<View> Arguments::getViews() {
  SmallVector<View> views;
  for (Tensor &tensor : tensors)
    views.push_back({tensor.shape, tensor.values.data()});
  return views;
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

namespace {

/// The instances that a scf.forall enumerates, numbered with the last induction
/// variable running fastest.
class Instances {
public:
  /// `setup` holds the values that the kernel computes in front of the loop.
  Instances(scf::ForallOp loop, const Instance &setup)
      : loop(loop), setup(setup) {}

  LogicalResult createRanges();
  SmallVector<int64_t> getCounts() const {
    return llvm::map_to_vector(ranges,
                               [](const Range &range) { return range.count; });
  }
  LogicalResult run(unsigned threads);

private:
  /// One dimension of the loop.
  struct Range {
    int64_t begin, step, count;
  };

  void run(int64_t number);
  bool run(int64_t number, Instance &instance);

  scf::ForallOp loop;
  const Instance &setup;
  SmallVector<Range> ranges;

  /// The instance of the lowest number that failed: a diagnostic that does not
  /// depend on the threads.
  std::mutex mutex;
  std::optional<int64_t> failedNumber;
  Problem problem;
};

} // namespace

LogicalResult Instances::createRanges() {
  auto get = [&](OpFoldResult size) {
    auto value = dyn_cast<Value>(size);
    return value ? setup.getInteger(value) : *getConstantIntValue(size);
  };
  for (auto [begin, end, step] :
       llvm::zip_equal(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                       loop.getMixedStep())) {
    Range range{get(begin), get(step), 0};
    if (range.step <= 0)
      return loop.emitOpError("expected a positive step, got ") << range.step;
    range.count = llvm::divideCeilSigned(get(end) - range.begin, range.step);
    range.count = std::max<int64_t>(range.count, 0);
    ranges.push_back(range);
  }
  return success();
}

void Instances::run(int64_t number) {
  Instance instance = setup;
  if (!run(number, instance) || !instance.hasFailed())
    return;
  instance = setup;
  instance.setCareful();
  run(number, instance);
}

/// Whether the instance has been executed without a problem.
bool Instances::run(int64_t number, Instance &instance) {
  int64_t rest = number;
  for (auto [range, variable] :
       llvm::reverse(llvm::zip_equal(ranges, loop.getInductionVars()))) {
    instance.setInteger(variable,
                        range.begin + rest % range.count * range.step);
    rest /= range.count;
  }
  if (succeeded(instance.run(*loop.getBody())))
    return true;
  std::lock_guard lock(mutex);
  if (!failedNumber || number < *failedNumber) {
    failedNumber = number;
    problem = instance.getProblem();
  }
  return false;
}

LogicalResult Instances::run(unsigned threads) {
  int64_t total = 1;
  for (const Range &range : ranges)
    total *= range.count;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    for (int64_t number; (number = next++) < total;)
      run(number);
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads && i < total; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  return failedNumber ? problem.emit() : success();
}

/// Runs the ops in front of the instances, which workspaces depend on.
static FailureOr<scf::ForallOp> runSetup(KernelOp kernel, Instance &setup) {
  scf::ForallOp instances;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    auto loop = dyn_cast<scf::ForallOp>(op);
    if (loop && loop.getOutputs().empty()) {
      instances = loop;
    } else if (failed(setup.run(&op))) {
      return setup.getProblem().emit();
    }
  }
  return instances;
}

FailureOr<std::vector<Tensor>>
mlir::attn::reference::runTile(KernelOp kernel, ArrayRef<Tensor> inputs,
                               unsigned threads) {
  Arguments arguments(kernel);
  if (failed(arguments.setInputs(inputs)) || failed(arguments.createOutputs()))
    return failure();
  SmallVector<View> views = arguments.getViews();
  Instance setup(views);
  FailureOr<scf::ForallOp> loop = runSetup(kernel, setup);
  if (failed(loop))
    return failure();
  Instances instances(*loop, setup);
  if (failed(instances.createRanges()))
    return failure();
  arguments.createWorkspaces(instances.getCounts());
  llvm::copy(arguments.getViews(), views.begin());
  if (failed(instances.run(threads)))
    return failure();
  return arguments.takeOutputs();
}

FailureOr<std::vector<Tensor>>
mlir::attn::reference::runTile(ArrayRef<KernelOp> kernels,
                               ArrayRef<Tensor> inputs, unsigned threads) {
  // Kernels know tensors by their names.
  llvm::StringMap<Tensor> known;
  auto forEach = [](KernelOp kernel, bool outputs,
                    function_ref<void(StringRef, bool)> function) {
    for (unsigned i = 0; i < kernel.getArgumentTypes().size(); ++i)
      if (bool(kernel.getArgAttr(i, KernelOp::getOutputAttrName())) == outputs)
        function(
            kernel.getArgAttrOfType<StringAttr>(i, KernelOp::getNameAttrName())
                .getValue(),
            bool(kernel.getArgAttr(i, KernelOp::getWorkspaceAttrName())));
  };
  if (kernels.size() == 1)
    return runTile(kernels.front(), inputs, threads);
  size_t next = 0;
  forEach(kernels.back(), /*outputs=*/false,
          [&](StringRef name, bool isWorkspace) {
            if (!isWorkspace && next < inputs.size())
              known[name] = inputs[next++];
          });
  FailureOr<std::vector<Tensor>> outputs;
  for (KernelOp kernel : kernels) {
    std::vector<Tensor> own;
    forEach(kernel, /*outputs=*/false,
            [&](StringRef name, bool) { own.push_back(known[name]); });
    outputs = runTile(kernel, own, threads);
    if (failed(outputs))
      return failure();
    size_t number = 0;
    forEach(kernel, /*outputs=*/true,
            [&](StringRef name, bool) { known[name] = (*outputs)[number++]; });
  }
  return outputs;
}
