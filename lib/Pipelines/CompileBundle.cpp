//===- CompileBundle.cpp - From a program to a bundle ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"

#include "CompilerIdentity.h"

#include "attn/Export/Assemble.h"
#include "attn/Export/BundleWriter.h"
#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/DiskCache.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::attn;
namespace runtime = ::attn::runtime;

std::string mlir::attn::compilerVersion() { return "attn " ATTN_VERSION; }

static FailureOr<runtime::Bundle> compileAnew(ModuleOp module,
                                              const CompileOptions &options) {
  runtime::Bundle bundle;
  bundle.compiler = compilerVersion();
  bool assembled = false;
  for (StringRef target : llvm::split(options.target, ',')) {
    // Compiling consumes a module.
    OwningOpRef<ModuleOp> copy = module.clone();
    CompileOptions forTarget = options;
    forTarget.target = target.str();
    FailureOr<CompiledProgram> compiled = compileProgram(*copy, forTarget);
    if (failed(compiled))
      return failure();
    assembled |= !compiled->program.kernels.back().cubin.empty();
    if (bundle.targets.empty())
      bundle.signature = std::move(compiled->signature);
    bundle.targets.push_back(std::move(compiled->program));
  }
  if (assembled) {
    llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
    if (!assembler)
      return module.emitError(llvm::toString(assembler.takeError()));
    bundle.assembler = "ptxas " + assembler->version;
  }
  if (runtime::Status status = runtime::checkBundle(bundle); status.failed())
    return module.emitError(status.message());
  return bundle;
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

namespace {
/// Hashes fields so that two lists of fields never run into one.
class KeyHash {
public:
  void add(StringRef field) {
    hash.update(std::to_string(field.size()) + ":");
    hash.update({field.data(), field.size()});
  }
  runtime::Sha256::Digest finish() { return hash.finish(); }

private:
  runtime::Sha256 hash;
};
} // namespace

/// Everything that a bundle is made from. Fails where this cannot be told.
static runtime::Result<runtime::Sha256::Digest>
createCacheKey(ModuleOp module, const CompileOptions &options) {
  std::optional<std::string> identity = compilerIdentity();
  // untested: every build of the project links with build IDs.
  if (!identity)
    return runtime::failure("the compiler was linked without a build ID");
  // A new option belongs either into the key or among those that are not.
  const auto &[target, ptxas, assemble, cacheFolder, reproducer] = options;
  std::string assembler = "none";
  if (assemble) {
    llvm::Expected<Assembler> found = findAssembler(ptxas);
    if (found)
      assembler = found->version;
    else if (std::string message = llvm::toString(found.takeError());
             !ptxas.empty())
      return runtime::failure(message);
  }
  std::string text;
  llvm::raw_string_ostream(text) << module;
  KeyHash hash;
  for (StringRef field :
       {StringRef("bundle"), StringRef(compilerVersion()), StringRef(*identity),
        StringRef(assembler), StringRef(target), StringRef(text)})
    hash.add(field);
  return hash.finish();
}

FailureOr<runtime::Bundle>
mlir::attn::compileBundle(ModuleOp module, const CompileOptions &options) {
  if (options.cacheFolder.empty())
    return compileAnew(module, options);
  auto remark = [&](const std::string &reason) {
    module.emitRemark("the cache is not used: ") << reason;
  };
  auto key = createCacheKey(module, options);
  if (key.failed()) {
    remark(key.message());
    return compileAnew(module, options);
  }
  runtime::DiskCache cache(options.cacheFolder);
  if (std::optional<std::string> found = cache.load(*key)) {
    runtime::Result<runtime::Bundle> bundle = runtime::readBundle(*found);
    if (!bundle.failed())
      return *bundle;
  }
  FailureOr<runtime::Bundle> bundle = compileAnew(module, options);
  if (failed(bundle))
    return failure();
  if (runtime::Status status = cache.store(*key, writeBundle(*bundle));
      status.failed())
    remark(status.message());
  return bundle;
}
