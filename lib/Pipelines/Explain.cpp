//===- Explain.cpp - Why a program is compiled as it is -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Explain.h"

#include "Attention/Attention.h"
#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Export/Assemble.h"
#include "attn/Schedule/Estimate.h"
#include "attn/Schedule/Passes.h"
#include "attn/Target/TargetModel.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::attn;
using llvm::formatv;

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

/// One row: a name and what there is to say.
class Printer {
public:
  explicit Printer(llvm::raw_ostream &output) : output(output) {}

  template <typename... Parts>
  void row(StringRef name, const char *format, Parts &&...parts) {
    output << formatv("  {0,-11}", name)
           << formatv(format, std::forward<Parts>(parts)...) << '\n';
  }
  void heading(const llvm::Twine &text) { output << text << '\n'; }

private:
  llvm::raw_ostream &output;
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

static void printKernel(Printer &printer, AttentionOp op,
                        tile::ScheduleAttr schedule,
                        const ::attn::runtime::LaunchPlan &plan,
                        const TargetModel &model) {
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
static LogicalResult printAssembly(Printer &printer, AttentionOp op,
                                   StringRef ptx,
                                   const CompileOptions &options) {
  llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
  if (!assembler && options.ptxas.empty()) {
    llvm::consumeError(assembler.takeError());
    printer.row("ptxas", "unknown: no ptxas");
    return success();
  }
  if (!assembler)
    return op.emitError(llvm::toString(assembler.takeError()));
  llvm::Expected<AssemblyReport> report =
      assemblePtx(ptx, options.target, *assembler);
  if (!report)
    return op.emitError(llvm::toString(report.takeError()));
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

static void printEstimate(Printer &printer, const Estimate &estimate,
                          const TargetModel &model) {
  struct Resource {
    const char *name, *text;
    double seconds;
  };
  const Resource resources[] = {
      {"tensor", "the tensor cores", estimate.tensorSeconds},
      {"exp", "the special functions", estimate.exponentialSeconds},
      {"memory", "the memory", estimate.memorySeconds}};
  printer.row("instances", "{0} on {1} multiprocessors", estimate.instances,
              model.multiprocessors);
  // Without work every share would be one of nothing.
  if (estimate.seconds == 0)
    return;
  auto share = [&](double seconds) { return 100 * seconds / estimate.seconds; };
  constexpr double milliseconds = 1e3;
  for (const Resource &resource : resources)
    printer.row(resource.name, "{0:f4} ms, {1:f0} %",
                resource.seconds * milliseconds, share(resource.seconds));
  const Resource &bound =
      *std::max_element(std::begin(resources), std::end(resources),
                        [](const Resource &a, const Resource &b) {
                          return a.seconds < b.seconds;
                        });
  printer.row("at best", "{0:f4} ms, bound by {1}{2}",
              estimate.seconds * milliseconds, bound.text,
              estimate.isExact
                  ? ""
                  : "; data decides what the mask keeps, here all it may");
  printer.row(
      "roofline",
      "{0:f0} % of the tensor cores' rate for scores that the mask keeps",
      share(estimate.usefulTensorSeconds));
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

static LogicalResult printAttention(Printer &printer, AttentionOp op,
                                    const CompiledProgram &compiled,
                                    const ProgramShapes &shapes,
                                    const CompileOptions &options) {
  const ::attn::runtime::CompiledKernel &kernel =
      compiled.program.kernels.back();
  const TargetModel &model = *TargetModel::lookup(options.target);
  auto schedule = op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  printer.heading("kernel '" + kernel.plan.kernel + "' for " + model.name);
  printKernel(printer, op, schedule, kernel.plan, model);
  if (failed(printAssembly(printer, op, kernel.ptx, options)))
    return failure();
  std::string sizes;
  for (auto [tensor, shape] :
       llvm::zip(compiled.signature.tensors, shapes.shapes))
    if (!tensor.isOutput)
      sizes += ' ' + tensor.name + '=' + shapeText(shape);
  printer.heading("estimate for" + sizes + shapes.assumed);
  printEstimate(printer,
                estimateTime(op, schedule, findSize(op, shapes), model), model);
  return success();
}

LogicalResult mlir::attn::explainProgram(ModuleOp module,
                                         const CompileOptions &options,
                                         ChooseShapes choose,
                                         llvm::raw_ostream &output) {
  OwningOpRef<ModuleOp> scheduled = module.clone();
  SmallVector<std::string> refused;
  if (failed(schedule(*scheduled, options, refused)))
    return failure();
  bool hasAttention =
      scheduled->walk([](AttentionOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  if (!hasAttention)
    return module.emitError("expected an attention to explain, got none");
  OwningOpRef<ModuleOp> lowered = scheduled->clone();
  CompileOptions withoutBinary = options;
  withoutBinary.assemble = false;
  FailureOr<CompiledProgram> compiled = compileProgram(*lowered, withoutBinary);
  if (failed(compiled))
    return failure();
  FailureOr<ProgramShapes> shapes = choose(compiled->signature);
  if (failed(shapes))
    return failure();

  Printer printer(output);
  LogicalResult result = success();
  scheduled->walk([&](AttentionOp op) {
    result = printAttention(printer, op, *compiled, *shapes, options);
  });
  printer.heading(refused.empty() ? "refused: nothing" : "refused");
  for (const std::string &message : refused)
    printer.heading("  " + message);
  return result;
}
