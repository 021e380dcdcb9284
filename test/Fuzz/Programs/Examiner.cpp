//===- Examiner.cpp - What has to hold for a program ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Examiner.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Reference/TileInterpreter.h"
#include "attn/Transforms/Attention/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn::fuzz;
using namespace mlir;
using mlir::attn::reference::Tensor;
namespace reference = mlir::attn::reference;

Examiner::Examiner(MLIRContext &context, Tally &tally)
    : context(context), tally(tally) {
  handler =
      context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
            errors++ == 0)
          firstError = diagnostic.str();
        return success();
      });
}

Examiner::~Examiner() { context.getDiagEngine().eraseHandler(handler); }

Examiner::Module Examiner::parse(const std::string &text) {
  errors = 0;
  return parseSourceString<ModuleOp>(text, ParserConfig(&context));
}

std::optional<Examiner::Tensors> Examiner::run(ModuleOp module,
                                               const char *name,
                                               const Tensors &arguments,
                                               Complaint &wrong) {
  errors = 0;
  reference::Options options;
  options.threads = 1;
  auto function = module.lookupSymbol<func::FuncOp>(name);
  auto results = reference::run(function, arguments, options);
  if (succeeded(results))
    return std::move(*results);
  if (errors == 0)
    wrong = "expected a diagnostic where the reference fails";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

static std::string print(ModuleOp module, bool isGeneric,
                         bool hasUniqueNames = false) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  if (isGeneric)
    flags.printGenericOpForm();
  if (hasUniqueNames)
    flags.printUniqueSSAIDs();
  module->print(os, flags);
  return text;
}

/// The text without affine maps, which mean the same but look different when
/// they were printed and parsed: `- d0 * 2` becomes `d0 * -2`.
static std::string withoutMaps(const std::string &text) {
  std::string rest;
  for (StringRef line : llvm::split(text, '\n'))
    if (!line.starts_with("#map"))
      (rest += line) += '\n';
  return rest;
}

/// What is printed is parsed as what it was, in both forms.
Examiner::Complaint Examiner::examineText(ModuleOp module) {
  std::string pretty = print(module, false);
  // MLIR reads an empty symbol but cannot write it.
  if (StringRef(pretty).contains("<<INVALID EMPTY SYMBOL>>"))
    return std::nullopt;
  for (bool isGeneric : {false, true}) {
    std::string text = print(module, isGeneric);
    Module again = parse(text);
    if (!again)
      return "expected the printed program to be valid, got: " + firstError +
             "\n" + text;
    std::string other = print(*again, false);
    if (withoutMaps(other) != withoutMaps(pretty))
      return "expected the same program after printing, got\n" + other +
             "\ninstead of\n" + pretty;
  }
  return std::nullopt;
}

std::string Examiner::rewrite(const std::string &text, bool isGeneric) {
  Module module = parse(text);
  return module ? print(*module, isGeneric, /*hasUniqueNames=*/true) : "";
}

Examiner::Complaint Examiner::examineBroken(const std::string &text) {
  if (parse(text))
    return "expected a broken rule to be found";
  if (errors == 0)
    return "expected a diagnostic where parsing fails";
  ++tally.refused;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Where they differ in more than rounding, or nothing. What is NaN in `a` may
/// be anything: rows outside of all sequences are left as they are.
static std::optional<std::string> compare(const std::vector<Tensor> &a,
                                          const std::vector<Tensor> &b) {
  if (a.size() != b.size())
    return "expected as many results";
  for (size_t n = 0; n != a.size(); ++n) {
    if (a[n].shape != b[n].shape)
      return "expected result " + std::to_string(n) + " of the same shape";
    for (size_t i = 0; i != a[n].values.size(); ++i) {
      double x = a[n].values[i], y = b[n].values[i];
      if (std::isnan(x) || x == y)
        continue;
      if (!(std::abs(x - y) <= 1e-9 + 1e-7 * std::abs(x)))
        return "expected element " + std::to_string(i) + " of result " +
               std::to_string(n) + " to be " + std::to_string(x) + ", got " +
               std::to_string(y);
    }
  }
  return std::nullopt;
}

/// Indices of a selection ascend, and -1 stands behind them.
static bool isSelection(const Tensor &indices) {
  int64_t top = indices.shape.back();
  for (size_t first = 0; first < indices.values.size(); first += top)
    for (int64_t n = 0; n != top; ++n) {
      double own = indices.values[first + n];
      double before = n == 0 ? -1 : indices.values[first + n - 1];
      bool isPlaced = own > before && (n == 0 || before >= 0);
      if (own != -1 && !isPlaced)
        return false;
    }
  return true;
}

/// The rows of an output whose lse is -inf are zero.
static bool hasZerosInEmptyRows(const Tensor &output, const Tensor &lse) {
  bool isPacked = output.shape.size() == 3;
  int64_t channels = output.shape.back();
  int64_t heads = *std::prev(output.shape.end(), 2);
  int64_t queries = *std::prev(output.shape.end(), 3);
  for (size_t row = 0; row != lse.values.size(); ++row) {
    if (lse.values[row] != -INFINITY)
      continue;
    int64_t query = row % queries, head = row / queries % heads;
    int64_t batch = isPacked ? 0 : row / queries / heads;
    const double *first = output.values.data() +
                          ((batch * queries + query) * heads + head) * channels;
    if (!std::all_of(first, first + channels, [](double x) { return x == 0; }))
      return false;
  }
  return true;
}

Examiner::Complaint Examiner::examineNumbers(const Program &program,
                                             const Tensors &results) {
  for (size_t n = 0; n != results.size() && program.isFinite; ++n)
    for (double value : results[n].values) {
      bool isLse = static_cast<int>(n) == program.lse;
      bool isAllowed = std::isfinite(value) || (isLse && value == -INFINITY) ||
                       (program.isPacked && std::isnan(value));
      if (!isAllowed)
        return "expected finite numbers in result " + std::to_string(n) +
               ", got " + std::to_string(value);
    }
  if (program.selection >= 0 && !isSelection(results[program.selection]))
    return "expected ascending indices and -1 behind them";
  if (program.lse >= 0 &&
      !hasZerosInEmptyRows(results[program.output], results[program.lse]))
    return "expected zeros where the lse is -inf";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The same in other ways
//===----------------------------------------------------------------------===//

Examiner::Complaint Examiner::examineLowered(const Program &program,
                                             ModuleOp module,
                                             const Tensors &arguments,
                                             const Tensors &results) {
  Module lowered = module.clone();
  PassManager passes(&context);
  passes.addPass(createCanonicalizerPass());
  passes.addPass(mlir::attn::createLowerMaskOpsPass());
  passes.addPass(createCanonicalizerPass());
  errors = 0;
  if (failed(passes.run(*lowered)))
    return "expected passes to run, got: " + firstError;
  if (Complaint wrong = examineText(*lowered))
    return wrong;
  Complaint wrong;
  std::optional<Tensors> own = run(*lowered, "main", arguments, wrong);
  if (!own)
    return wrong ? wrong : "expected a canonical program to run: " + firstError;
  ++tally.lowered;
  if (Complaint difference = compare(results, *own))
    return *difference + " of the canonical program\n" + print(*lowered, false);
  return std::nullopt;
}

/// The tensor with its slices along `axis` from last to first.
static Tensor reverse(const Tensor &tensor, int axis) {
  Tensor reversed = tensor;
  int64_t inner = 1, size = tensor.shape[axis];
  for (size_t n = axis + 1; n != tensor.shape.size(); ++n)
    inner *= tensor.shape[n];
  for (size_t i = 0; i != tensor.values.size(); ++i) {
    auto place = static_cast<int64_t>(i) / inner % size;
    reversed.values[i + (size - 1 - 2 * place) * inner] = tensor.values[i];
  }
  return reversed;
}

Examiner::Complaint Examiner::examinePermuted(const Program &program,
                                              ModuleOp module,
                                              const Tensors &arguments,
                                              const Tensors &results) {
  if (!program.isPermutable || program.isPacked || program.batch < 2)
    return std::nullopt;
  Tensors own = arguments, expected = results;
  for (size_t n = 0; n != own.size(); ++n)
    if (int axis = program.arguments[n].batchAxis; axis >= 0)
      own[n] = reverse(own[n], axis);
  for (size_t n = 0; n != expected.size(); ++n)
    if (int axis = program.resultBatchAxes[n]; axis >= 0)
      expected[n] = reverse(expected[n], axis);
  Complaint wrong;
  std::optional<Tensors> got = run(module, "main", own, wrong);
  if (!got)
    return wrong ? wrong : "expected sequences in any order: " + firstError;
  ++tally.permuted;
  if (Complaint difference = compare(expected, *got))
    return *difference + " of sequences in another order";
  return std::nullopt;
}

/// Whether the LSE says what its rows weigh beside others, to the tolerance of
/// `compare`: beyond, the roundings of an f64 are too large under exp.
static bool canBeWeighed(const Tensor &lse) {
  return llvm::all_of(lse.values, [](double value) {
    return std::isinf(value) || !(std::abs(value) > 0x1p26);
  });
}

Examiner::Complaint Examiner::examineOther(const Program &program,
                                           ModuleOp module,
                                           const Tensors &arguments,
                                           const Tensors &results) {
  if (program.lse >= 0 && !canBeWeighed(results[program.lse]))
    return std::nullopt;
  Complaint wrong;
  std::optional<Tensors> got = run(module, "other", arguments, wrong);
  if (!got)
    return wrong ? wrong : "expected the other function to run: " + firstError;
  ++tally.others;
  if (Complaint difference = compare(results, *got))
    return *difference + " of the other function";
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The tile level
//===----------------------------------------------------------------------===//

/// Whether the error of `got` is as docs/testing.md allows it in every row.
static bool isNear(const Tensor &got, const Tensor &exact, const Tensor &eager,
                   double unit, double greatest) {
  int64_t channels = exact.shape.back();
  for (size_t first = 0; first < exact.values.size(); first += channels) {
    // A row of no sequence.
    if (std::isnan(exact.values[first]))
      continue;
    double error = 0, yardstick = 0, largest = 0;
    for (int64_t d = 0; d != channels; ++d) {
      double x = exact.values[first + d];
      largest = std::max(largest, std::abs(x));
      yardstick = std::max(yardstick, std::abs(eager.values[first + d] - x));
      double own = std::abs(got.values[first + d] - x);
      // Not a number is no small error.
      error = std::isnan(own) ? INFINITY : std::max(error, own);
    }
    // A state that grows may leave what f16 can hold.
    if (largest > greatest)
      continue;
    if (error > 2 * std::max(yardstick, 0.75 * unit * largest) + 1e-5)
      return false;
  }
  return true;
}

Examiner::Complaint Examiner::compareTile(const Program &program,
                                          ModuleOp module, ModuleOp tile,
                                          const Tensors &arguments) {
  auto kernels = tile.getOps<tile::KernelOp>();
  if (!llvm::hasSingleElement(kernels))
    return std::nullopt;
  errors = 0;
  auto got = reference::runTile(*kernels.begin(), arguments, 1);
  if (failed(got))
    return "expected the tile level to run, got: " + firstError;
  auto function = module.lookupSymbol<func::FuncOp>("main");
  reference::Options options;
  options.threads = 1;
  auto exact = reference::run(function, arguments, options);
  options.arithmetic = reference::Arithmetic::Eager;
  auto eager = reference::run(function, arguments, options);
  ++tally.tiles;
  if (!program.isFinite)
    return std::nullopt;
  bool isHalf = program.arguments[0].element == "f16";
  double unit = isHalf ? 0x1p-10 : 0x1p-7;
  double greatest = isHalf ? 65504 : std::numeric_limits<float>::max();
  if (!isNear((*got)[0], (*exact)[0], (*eager)[0], unit, greatest))
    return "expected the output of the tile level to be near the reference";
  for (size_t i = 0; program.lse > 0 && i != (*exact)[1].values.size(); ++i) {
    double x = (*exact)[1].values[i], y = (*got)[1].values[i];
    if (x != y && !std::isnan(x) && !(std::abs(x - y) <= 1e-4))
      return "expected the lse of the tile level to be near the reference";
  }
  return std::nullopt;
}

/// Programs of lower levels are read as they are printed, and bad ones refused.
Examiner::Complaint Examiner::examineLevels(ModuleOp tile, Random &random) {
  Module chip = tile.clone();
  errors = 0;
  if (failed(mlir::attn::lowerToLevel(*chip, mlir::attn::EmitLevel::Sm90, {})))
    chip = nullptr;
  for (ModuleOp module : {tile, chip ? *chip : ModuleOp()}) {
    if (!module)
      continue;
    if (Complaint wrong = examineText(module))
      return wrong;
    std::string text = print(module, random.oneIn(2), /*hasUniqueNames=*/true);
    for (int64_t left = 8; left != 0; --left) {
      std::string garbled = garble(text, random);
      if (parse(garbled))
        continue;
      if (errors == 0)
        return "expected a diagnostic where parsing fails\n" + garbled;
      ++tally.refused;
    }
  }
  return std::nullopt;
}

Examiner::Complaint Examiner::examineTile(const Program &program,
                                          ModuleOp module,
                                          const Tensors &arguments,
                                          Random &random) {
  Module lowered = module.clone();
  if (Operation *other = lowered->lookupSymbol("other"))
    other->erase();
  errors = 0;
  if (failed(mlir::attn::lowerToLevel(*lowered, mlir::attn::EmitLevel::Tile,
                                      {}))) {
    if (errors == 0)
      return "expected a diagnostic where lowering fails";
    if (program.wantsTile)
      return "expected the program to be lowered, got: " + firstError;
    ++tally.untiled;
    return std::nullopt;
  }
  Complaint wrong = compareTile(program, module, *lowered, arguments);
  return wrong ? wrong : examineLevels(*lowered, random);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

Examiner::Complaint Examiner::examineValid(const Program &program,
                                           Random &random) {
  Module module = parse(program.text);
  if (!module)
    return "expected a valid program, got: " + firstError;
  ++tally.valid;
  if (Complaint wrong = examineText(*module))
    return wrong;
  Tensors arguments;
  for (const Argument &argument : program.arguments) {
    SmallVector<int64_t> shape;
    for (const Size &size : argument.shape)
      shape.push_back(size.size);
    arguments.push_back(makeTensor(argument, shape, random));
  }
  Complaint wrong;
  std::optional<Tensors> results = run(*module, "main", arguments, wrong);
  if (!results)
    return wrong ? wrong : "expected the program to run, got: " + firstError;
  ++tally.evaluated;
  if ((wrong = examineNumbers(program, *results)) ||
      (wrong = examineLowered(program, *module, arguments, *results)) ||
      (wrong = examinePermuted(program, *module, arguments, *results)))
    return wrong;
  if (program.hasOther &&
      (wrong = examineOther(program, *module, arguments, *results)))
    return wrong;
  if (program.wantsTile || program.mayBeTiled || random.oneIn(32))
    return examineTile(program, *module, arguments, random);
  return std::nullopt;
}

/// An argument of `type`; as large as it was where the type says nothing.
static std::optional<Tensor> makeAny(RankedTensorType type,
                                     const Argument *known, Random &random) {
  constexpr int64_t most = 20000;
  SmallVector<int64_t> shape;
  int64_t size = 1;
  for (int64_t axis = 0; axis != type.getRank(); ++axis) {
    int64_t own = type.getDimSize(axis);
    if (ShapedType::isDynamic(own)) {
      bool isKnown = known &&
                     axis < static_cast<int64_t>(known->shape.size()) &&
                     !random.oneIn(16);
      own = isKnown ? known->shape[axis].size : random.from(0, 3);
    }
    if (own > most || (size *= own) > most)
      return std::nullopt;
    shape.push_back(own);
  }
  Argument any = {"", "", "", {}, Fill::Integer, -2, 5, -1};
  Argument own = known ? *known : any;
  if (random.oneIn(16)) {
    own.low -= 3;
    own.high += 3;
  }
  Tensor tensor = makeTensor(own, shape, random);
  if (type.getElementType().isFloat() && random.oneIn(32))
    for (double &value : tensor.values)
      if (random.oneIn(3))
        value = random.oneIn(2) ? NAN : INFINITY;
  return tensor;
}

Examiner::Complaint Examiner::examineGarbled(const Program &program,
                                             const std::string &text,
                                             Random &random) {
  Module module = parse(text);
  if (!module) {
    if (errors == 0)
      return "expected a diagnostic where parsing fails";
    ++tally.refused;
    return std::nullopt;
  }
  if (Complaint wrong = examineText(*module))
    return wrong;
  auto function = module->lookupSymbol<func::FuncOp>("main");
  if (!function)
    return std::nullopt;
  Tensors arguments;
  for (auto [n, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    const Argument *known =
        n < program.arguments.size() ? &program.arguments[n] : nullptr;
    std::optional<Tensor> own =
        tensor ? makeAny(tensor, known, random) : Tensor{{}, {1.0}};
    if (!own)
      return std::nullopt;
    arguments.push_back(std::move(*own));
  }
  Complaint wrong;
  bool isRun = run(*module, "main", arguments, wrong).has_value();
  ++(isRun ? tally.evaluated : tally.notEvaluated);
  return wrong;
}
