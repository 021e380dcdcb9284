//===- Explain.cpp - Why a program is compiled as it is -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Explain.h"

#include "ExplainPrinter.h"

#include "Attention/Attention.h"
#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Export/Assemble.h"
#include "attn/Schedule/Passes.h"
#include "attn/Target/TargetModel.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;

namespace {

/// Keeps what remarks say.
class RemarkCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkCollector(SmallVectorImpl<std::string> &messages)
      : messages(messages) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string &message = messages.emplace_back();
    for (const auto &argument : remark.getArgs())
      message += argument.val;
  }

private:
  SmallVectorImpl<std::string> &messages;
};

} // namespace

/// Writes the schedules of `module` into it; why others were refused goes to
/// `refused`.
static LogicalResult schedule(ModuleOp module, const CompileOptions &options,
                              SmallVectorImpl<std::string> &refused) {
  MLIRContext *context = module.getContext();
  remark::RemarkCategories categories;
  categories.missed = "schedule";
  if (failed(remark::enableOptimizationRemarks(
          *context, std::make_unique<RemarkCollector>(refused),
          std::make_unique<remark::RemarkEmittingPolicyAll>(), categories)))
    return failure();
  LogicalResult result = selectSchedules(module, options);
  context->setRemarkEngine(nullptr);
  return result;
}

static void printKernel(ExplainPrinter &printer, AttentionOp op,
                        tile::ScheduleAttr schedule) {
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  printer.row("tile", "{0} queries x {1} keys, head dimensions {2} and {3}",
              schedule.getBlockQ(), schedule.getBlockKv(),
              op.getKVType().getKeyDim(), op.getKVType().getValueDim());
  printer.row("stages", "{0} of keys and {0} of values", hopper.getKvStages());
  printer.row("producer", "4 warps, {0} registers a thread; one thread copies",
              hopper.getProducerRegisters());
  printer.row("consumers",
              "{0} x 4 warps, {1} registers a thread; {2} queries each, read "
              "from {3}",
              hopper.getConsumerWarpgroups(), hopper.getConsumerRegisters(),
              sm90::kWarpgroupRows,
              hopper.getQueryInRegisters() ? "registers" : "shared memory");
  printer.row("output", "{0}",
              hopper.getOutputFromRegisters()
                  ? "stored by the consumers, from registers"
                  : "copied from shared memory");
}

/// What there is to say of any kernel.
static void printLaunch(ExplainPrinter &printer, tile::ScheduleAttr schedule,
                        const ::attn::runtime::LaunchPlan &plan,
                        const TargetModel &model) {
  auto hopper = cast<sm90::ScheduleAttr>(schedule.getTarget());
  printer.row("threads", "{0} a block; {1}", plan.threadsPerBlock,
              !hopper.getPersistent() ? "a block for each instance"
              : hopper.getDynamic()
                  ? "a block per multiprocessor, which fetches its instances"
                  : "a block per multiprocessor, with every n-th instance");
  printer.row("shared", "{0} of {1} bytes", plan.sharedMemoryBytes,
              model.sharedMemoryPerBlock);
  printer.row("schedule", "{0}", schedule);
}

/// What the assembler makes of the kernel. That there is none is an error only
/// where one is named.
static LogicalResult printAssembly(ExplainPrinter &printer, Operation *op,
                                   StringRef ptx,
                                   const CompileOptions &options) {
  llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
  if (!assembler && options.ptxas.empty()) {
    llvm::consumeError(assembler.takeError());
    printer.row("ptxas", "unknown: no ptxas");
    return success();
  }
  if (!assembler)
    return op->emitError(llvm::toString(assembler.takeError()));
  llvm::Expected<AssemblyReport> report =
      assemblePtx(ptx, options.target, *assembler);
  if (!report)
    return op->emitError(llvm::toString(report.takeError()));
  printer.row("ptxas",
              "{0} registers a thread at the launch, {1} bytes spilled, "
              "{2} bytes of stack, {3}",
              report->registers, report->spillStores + report->spillLoads,
              report->stackBytes,
              report->advisories.empty()
                  ? "no advisory"
                  : llvm::join(report->advisories, "; "));
  return success();
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  return llvm::join(
      llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }),
      "x");
}

/// What an estimate says of a kind of op.
struct Words {
  /// What data decides, where it decides something.
  StringRef ofData;
  /// Which products are useful ones.
  StringRef ofProducts;
};

static constexpr Words kAttentionWords = {
    "data decides what the mask keeps, here all it may",
    "scores that the mask keeps"};
static constexpr Words kRecurrenceWords = {
    "data decides how many chunks early segments start, here none",
    "tokens, those of tokens alone once for each head"};

static void printEstimate(ExplainPrinter &printer, const Estimate &estimate,
                          const TargetModel &model, const Words &words) {
  struct Resource {
    const char *name, *text;
    double seconds;
  };
  const Resource resources[] = {
      {"tensor", "the tensor cores", estimate.tensorSeconds},
      {"exp", "the special functions", estimate.exponentialSeconds},
      {"multiply", "products of f32", estimate.multiplySeconds},
      {"memory", "the memory", estimate.memorySeconds}};
  printer.row("instances", "{0} on {1} multiprocessors", estimate.instances,
              model.multiprocessors);
  // Without work every share would be one of nothing.
  if (estimate.seconds == 0)
    return;
  auto share = [&](double seconds) { return 100 * seconds / estimate.seconds; };
  constexpr double milliseconds = 1e3;
  for (const Resource &resource : resources)
    if (resource.seconds > 0)
      printer.row(resource.name, "{0:f4} ms, {1:f0} %",
                  resource.seconds * milliseconds, share(resource.seconds));
  // Where the memory takes less, something else does, if not by itself then for
  // multiprocessors that wait for the last instance.
  bool isMemory = estimate.memorySeconds >= estimate.seconds;
  const Resource &bound =
      isMemory
          ? std::end(resources)[-1]
          : *std::max_element(std::begin(resources), std::end(resources) - 1,
                              [](const Resource &a, const Resource &b) {
                                return a.seconds < b.seconds;
                              });
  printer.row("at best", "{0:f4} ms, bound by {1}{2}{3}",
              estimate.seconds * milliseconds, bound.text,
              estimate.isExact ? "" : "; ",
              estimate.isExact ? "" : words.ofData);
  if (estimate.tensorSeconds > 0)
    printer.row("roofline", "{0:f0} % of the tensor cores' rate for {1}",
                share(estimate.usefulTensorSeconds), words.ofProducts);
  else
    printer.row("roofline", "{0:f0} % of the memory's rate",
                share(estimate.memorySeconds));
}

/// The dynamic sizes of `op`, whose tensors are arguments of its function.
/// Packed sequences are taken to be of one length.
static ProblemSize findSize(AttentionOp op, const ProgramShapes &shapes) {
  auto shapeOf = [&](Value value) -> ArrayRef<int64_t> {
    return shapes.shapes[cast<BlockArgument>(value).getArgNumber()];
  };
  ArrayRef<int64_t> queries = shapeOf(op.getQuery());
  ArrayRef<int64_t> keys = shapeOf(op.getKVTensors().key);
  if (!op.isPacked())
    return {queries[0], queries[1], keys[1]};
  int64_t sequences = std::max<int64_t>(shapeOf(op.getCuSeqlens())[0] - 1, 1);
  return {sequences, llvm::divideCeilSigned(queries[0], sequences),
          llvm::divideCeilSigned(keys[0], sequences)};
}

namespace {
/// Prints what there is to say of a program, and of its only op.
struct Explanation {
  ExplainPrinter &printer;
  const CompiledProgram &compiled;
  const ProgramShapes &shapes;
  const CompileOptions &options;
  const TargetModel &model;

  LogicalResult print(AttentionOp op, tile::ScheduleAttr schedule) {
    printHeading();
    printKernel(printer, op, schedule);
    return print(op, schedule,
                 estimateTime(op, schedule, findSize(op, shapes), model),
                 kAttentionWords);
  }

  LogicalResult print(RecurrenceOp op, tile::ScheduleAttr schedule) {
    printHeading();
    printKernel(printer, op, compiled.program);
    return print(op, schedule,
                 estimateTime(op, schedule, findSize(op, shapes), model),
                 kRecurrenceWords);
  }

private:
  const ::attn::runtime::CompiledKernel &kernel() {
    return compiled.program.kernels.back();
  }

  void printHeading() {
    printer.heading("kernel '" + kernel().plan.kernel + "' for " + model.name);
  }

  LogicalResult print(Operation *op, tile::ScheduleAttr schedule,
                      const Estimate &estimate, const Words &words) {
    printLaunch(printer, schedule, kernel().plan, model);
    if (failed(printAssembly(printer, op, kernel().ptx, options)))
      return failure();
    std::string sizes;
    for (auto [tensor, shape] :
         llvm::zip(compiled.signature.tensors, shapes.shapes))
      if (!tensor.isOutput)
        sizes += ' ' + tensor.name + '=' + shapeText(shape);
    printer.heading("estimate for" + sizes + shapes.assumed);
    printEstimate(printer, estimate, model, words);
    return success();
  }
};
} // namespace

/// The only attention or recurrence of `module`, with its schedule, or null.
static Operation *findScheduled(ModuleOp module) {
  Operation *found = nullptr;
  module.walk([&](Operation *op) {
    if (isa<AttentionOp, RecurrenceOp>(op))
      found = op;
  });
  return found;
}

LogicalResult mlir::attn::explainProgram(ModuleOp module,
                                         const CompileOptions &options,
                                         ChooseShapes choose,
                                         llvm::raw_ostream &output) {
  OwningOpRef<ModuleOp> scheduled = module.clone();
  SmallVector<std::string> refused;
  if (failed(schedule(*scheduled, options, refused)))
    return failure();
  Operation *op = findScheduled(*scheduled);
  if (!op)
    return module.emitError("expected an attention or a recurrence to explain, "
                            "got none");
  OwningOpRef<ModuleOp> lowered = scheduled->clone();
  CompileOptions withoutBinary = options;
  withoutBinary.assemble = false;
  FailureOr<CompiledProgram> compiled = compileProgram(*lowered, withoutBinary);
  if (failed(compiled))
    return failure();
  FailureOr<ProgramShapes> shapes = choose(compiled->signature);
  if (failed(shapes))
    return failure();

  ExplainPrinter printer(output);
  Explanation explanation{printer, *compiled, *shapes, options,
                          *TargetModel::lookup(options.target)};
  auto given = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  LogicalResult result = llvm::TypeSwitch<Operation *, LogicalResult>(op)
                             .Case<AttentionOp, RecurrenceOp>([&](auto known) {
                               return explanation.print(known, given);
                             });
  printer.heading(refused.empty() ? "refused: nothing" : "refused");
  for (const std::string &message : refused)
    printer.heading("  " + message);
  return result;
}
