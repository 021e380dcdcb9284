//===- Interpret.cpp - Runs a program by its definition -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"

#include "Runner.h"

using namespace attn::run;
using namespace attn::runtime;
namespace reference = mlir::attn::reference;

static reference::Tensor decode(const HostTensor &tensor) {
  reference::Tensor decoded;
  decoded.shape.assign(tensor.shape.begin(), tensor.shape.end());
  decoded.values.resize(static_cast<size_t>(tensor.size()));
  for (size_t i = 0; i < decoded.values.size(); ++i)
    decoded.values[i] = tensor.get(i);
  return decoded;
}

static HostTensor encode(ElementType type, const reference::Tensor &tensor) {
  HostTensor encoded(type, {tensor.shape.begin(), tensor.shape.end()});
  for (size_t i = 0; i < tensor.values.size(); ++i)
    encoded.set(i, tensor.values[i]);
  return encoded;
}

Result<std::vector<reference::Tensor>>
attn::run::interpret(const Program &program,
                     const std::vector<HostTensor> &inputs,
                     const reference::Options &options) {
  std::vector<reference::Tensor> arguments;
  for (const HostTensor &input : inputs)
    arguments.push_back(decode(input));
  auto results = reference::run(program.function(), arguments, options);
  if (mlir::failed(results))
    return failure("cannot interpret the program");
  return std::move(*results);
}

namespace {
class ReferenceRunner : public Runner {
public:
  explicit ReferenceRunner(const Program &program) : program(program) {}

  std::string description() const override {
    return "the CPU, by the reference interpreter in double precision";
  }

  Result<std::vector<HostTensor>>
  run(const std::vector<HostTensor> &inputs) override {
    auto results = interpret(program, inputs, {});
    if (results.failed())
      return results.error();
    std::vector<HostTensor> outputs;
    for (const TensorSpec &spec : program.outputs())
      outputs.push_back(encode(spec.elementType, (*results)[outputs.size()]));
    return outputs;
  }

private:
  const Program &program;
};
} // namespace

std::unique_ptr<Runner> attn::run::makeReferenceRunner(const Program &program) {
  return std::make_unique<ReferenceRunner>(program);
}

Result<CheckReport> attn::run::verify(const Program &program,
                                      const AttentionProgram &attention,
                                      const std::vector<HostTensor> &inputs,
                                      const std::vector<HostTensor> &outputs,
                                      const Sample &sample) {
  reference::Options options;
  if (!sample.complete) {
    options.rows.emplace();
    for (const RowIndex &row : sample.rows)
      options.rows->push_back({row.batch, row.head, row.query});
  }
  auto expected = interpret(program, inputs, options);
  if (expected.failed())
    return expected.error();
  options.arithmetic = reference::Arithmetic::BF16Eager;
  auto eager = interpret(program, inputs, options);
  if (eager.failed())
    return eager.error();

  Comparison comparison;
  comparison.geometry = attention.geometry(inputs);
  comparison.output = &outputs[attention.output];
  comparison.expectedOutput = (*expected)[attention.output].values.data();
  comparison.eagerOutput = (*eager)[attention.output].values.data();
  if (attention.lse) {
    comparison.lse = &outputs[*attention.lse];
    comparison.expectedLse = (*expected)[*attention.lse].values.data();
  }
  return check(comparison, sample);
}
