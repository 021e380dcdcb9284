//===- Report.cpp - What attn-run prints ----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <cmath>

using namespace attn::run;
using namespace attn::runtime;
namespace json = llvm::json;

/// How many elements of a result are shown.
static constexpr int64_t shownElements = 4;

static double mean(const HostTensor &tensor) {
  double sum = 0;
  for (int64_t i = 0; i < tensor.size(); ++i)
    sum += tensor.get(i);
  return sum / static_cast<double>(tensor.size());
}

static std::vector<double> firstElements(const HostTensor &tensor) {
  std::vector<double> elements;
  for (int64_t i = 0; i < std::min(tensor.size(), shownElements); ++i)
    elements.push_back(tensor.get(i));
  return elements;
}

static void printOutput(llvm::raw_ostream &os, const std::string &name,
                        const HostTensor &tensor) {
  os << name << ": " << shapeText(tensor.shape) << ' '
     << elementName(tensor.elementType);
  if (tensor.size() == 0) {
    os << ", empty\n";
    return;
  }
  os << llvm::format(", mean %.4g, first", mean(tensor));
  for (double element : firstElements(tensor))
    os << llvm::format(" %.4g", element);
  os << '\n';
}

static void printCheck(llvm::raw_ostream &os, const CheckReport &check,
                       bool complete) {
  os << "check: " << (check.passed() ? "passed" : "failed") << ", compared "
     << check.rows << " of " << check.totalRows << " rows ("
     << (complete ? "all"
                  : "a sample of every head: first, last, the border of empty "
                    "ones, edges of tiles, random")
     << "), " << check.emptyRows << " without keys\n";
  for (const Verdict &verdict : check.verdicts)
    if (verdict.limit > 0)
      os << llvm::format("  %s: %.3g of %.3g allowed\n", verdict.rule,
                         verdict.value, verdict.limit);
}

static void printOracle(llvm::raw_ostream &os, const OracleReport &oracle) {
  os << "check: " << (oracle.passed() ? "passed" : "failed")
     << ", compared with '" << oracle.folder << "'\n";
  for (const OracleVerdict &verdict : oracle.results)
    os << "  " << verdict.name << ": " << verdict.violations << " of "
       << verdict.elements << " elements differ by more than "
       << llvm::format("%.3g + %.3g |x|, the worst takes %.3g of that\n",
                       verdict.tolerance.absolute, verdict.tolerance.relative,
                       verdict.share);
}

/// A number, or n/a.
static std::string number(const char *format, std::optional<double> value) {
  if (!value)
    return "n/a";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, *value);
  return text;
}

static void printBench(llvm::raw_ostream &os, const BenchReport &bench) {
  for (auto [name, protocol] : {std::pair("burst", &Timing::burst),
                                std::pair("sustained", &Timing::sustained)})
    os << "bench: " << name
       << llvm::format(" %.4f ms, ", bench.kernel.*protocol)
       << number("%.1f", bench.rate(protocol)) << " TFLOP/s, matrix product "
       << number("%.1f", bench.productRate(protocol)) << " TFLOP/s, share "
       << number("%.3f", bench.share(protocol)) << '\n';
  if (!bench.product)
    os << "bench: no matrix product: " << bench.productMissing << '\n';
}

void attn::run::printText(llvm::raw_ostream &os,
                          const std::vector<TensorSpec> &specs,
                          const Report &report) {
  os << "device: " << report.device << '\n';
  for (size_t i = 0; i < report.outputs.size(); ++i)
    printOutput(os, specs[i].name, report.outputs[i]);
  if (report.check)
    printCheck(os, *report.check, report.checkComplete);
  if (report.oracle)
    printOracle(os, *report.oracle);
  for (const ExpectedReport &expected : report.expected)
    os << "compared " << expected.name
       << llvm::format(": relative error %.3g of %.3g allowed", expected.error,
                       expected.limit)
       << (expected.passed() ? "\n" : ", failed\n");
  if (report.bench)
    printBench(os, *report.bench);
}

/// JSON knows no infinities.
static json::Value toJson(std::optional<double> value) {
  if (!value || !std::isfinite(*value))
    return nullptr;
  return *value;
}

static json::Object toJson(const std::string &name, const HostTensor &tensor) {
  json::Array first;
  for (double element : firstElements(tensor))
    first.push_back(toJson(element));
  return json::Object{{"name", name},
                      {"shape", json::Array(tensor.shape)},
                      {"type", elementName(tensor.elementType)},
                      {"mean", toJson(mean(tensor))},
                      {"first", std::move(first)}};
}

static json::Object toJson(const CheckReport &check, bool complete) {
  json::Array rules;
  for (const Verdict &verdict : check.verdicts)
    rules.push_back(json::Object{{"rule", verdict.rule},
                                 {"violations", verdict.violations},
                                 {"value", toJson(verdict.value)},
                                 {"limit", toJson(verdict.limit)},
                                 {"batch", verdict.where.batch},
                                 {"head", verdict.where.head},
                                 {"row", verdict.where.query}});
  return json::Object{{"passed", check.passed()},
                      {"complete", complete},
                      {"rows", check.rows},
                      {"total_rows", check.totalRows},
                      {"empty_rows", check.emptyRows},
                      {"rules", std::move(rules)}};
}

static json::Object toJson(const OracleReport &oracle) {
  json::Array results;
  for (const OracleVerdict &verdict : oracle.results)
    results.push_back(
        json::Object{{"name", verdict.name},
                     {"elements", static_cast<int64_t>(verdict.elements)},
                     {"violations", static_cast<int64_t>(verdict.violations)},
                     {"relative", verdict.tolerance.relative},
                     {"absolute", verdict.tolerance.absolute},
                     {"share", toJson(verdict.share)}});
  return json::Object{{"passed", oracle.passed()},
                      {"oracle", oracle.folder},
                      {"results", std::move(results)}};
}

static json::Object toJson(const BenchReport &bench) {
  json::Object object;
  for (auto [name, protocol] : {std::pair("burst", &Timing::burst),
                                std::pair("sustained", &Timing::sustained)})
    object[name] =
        json::Object{{"ms", toJson(bench.kernel.*protocol)},
                     {"tflops", toJson(bench.rate(protocol))},
                     {"product_tflops", toJson(bench.productRate(protocol))},
                     {"share", toJson(bench.share(protocol))}};
  return object;
}

void attn::run::printJson(llvm::raw_ostream &os,
                          const std::vector<TensorSpec> &specs,
                          const Report &report) {
  json::Array outputs;
  for (size_t i = 0; i < report.outputs.size(); ++i)
    outputs.push_back(toJson(specs[i].name, report.outputs[i]));
  json::Object object{{"device", report.device},
                      {"results", std::move(outputs)}};
  if (report.check)
    object["check"] = toJson(*report.check, report.checkComplete);
  if (report.oracle)
    object["check"] = toJson(*report.oracle);
  json::Array expectations;
  for (const ExpectedReport &expected : report.expected)
    expectations.push_back(json::Object{{"name", expected.name},
                                        {"passed", expected.passed()},
                                        {"error", toJson(expected.error)},
                                        {"limit", toJson(expected.limit)}});
  if (!expectations.empty())
    object["expected"] = std::move(expectations);
  if (report.bench)
    object["bench"] = toJson(*report.bench);
  os << llvm::formatv("{0:2}", json::Value(std::move(object))) << '\n';
}
