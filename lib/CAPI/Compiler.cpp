//===- Compiler.cpp - The compiler's C interface --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Compiler.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Runtime/DiskCache.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::attn;

struct AttnContext {
  explicit AttnContext(const DialectRegistry &registry)
      : context(registry, MLIRContext::Threading::DISABLED) {}

  MLIRContext context;
};

struct AttnProgram {
  OwningOpRef<ModuleOp> module;
};

struct AttnCompileOptions {
  CompileOptions options;
};

struct AttnBytes {
  std::string data;
};

static AttnSeverity convertSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return ATTN_ERROR;
  case DiagnosticSeverity::Warning:
    return ATTN_WARNING;
  case DiagnosticSeverity::Remark:
    return ATTN_REMARK;
  case DiagnosticSeverity::Note:
    break;
  }
  return ATTN_NOTE;
}

/// The message of `diagnostic`, behind its place in a file if it has one.
static std::string describe(const Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    os << place.getFilename().getValue() << ":" << place.getLine() << ":"
       << place.getColumn() << ": ";
  os << diagnostic;
  return text;
}

uint32_t attnCompilerApiVersion(void) { return ATTN_COMPILER_API_VERSION; }

const char *attnCompilerBorrowVersion(void) {
  static const std::string version = compilerVersion();
  return version.c_str();
}

AttnContext *attnContextCreate(AttnDiagnosticCallback callback,
                               void *userData) {
  DialectRegistry registry;
  registerDialects(registry);
  auto *context = new AttnContext(registry);
  context->context.printOpOnDiagnostic(false);
  context->context.getDiagEngine().registerHandler(
      [callback, userData](Diagnostic &diagnostic) {
        if (!callback)
          return success();
        callback(convertSeverity(diagnostic.getSeverity()),
                 describe(diagnostic).c_str(), userData);
        for (const Diagnostic &note : diagnostic.getNotes())
          callback(ATTN_NOTE, describe(note).c_str(), userData);
        return success();
      });
  return context;
}

void attnContextDestroy(AttnContext *context) { delete context; }

AttnProgram *attnProgramCreateParsed(AttnContext *context, const char *text,
                                     size_t length, const char *name) {
  // The lexer looks for a null byte behind the text.
  std::string source(text, length);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      source, ParserConfig(&context->context), name);
  return module ? new AttnProgram{std::move(module)} : nullptr;
}

void attnProgramDestroy(AttnProgram *program) { delete program; }

AttnCompileOptions *attnCompileOptionsCreate(void) {
  return new AttnCompileOptions;
}

void attnCompileOptionsDestroy(AttnCompileOptions *options) { delete options; }

void attnCompileOptionsSetTarget(AttnCompileOptions *options,
                                 const char *target) {
  options->options.target = target;
}

void attnCompileOptionsSetAssembler(AttnCompileOptions *options,
                                    const char *path) {
  options->options.ptxas = path;
}

void attnCompileOptionsSetAssemble(AttnCompileOptions *options, bool assemble) {
  options->options.assemble = assemble;
}

void attnCompileOptionsSetCacheFolder(AttnCompileOptions *options,
                                      const char *folder) {
  options->options.cacheFolder =
      folder ? folder : ::attn::runtime::defaultCacheFolder();
}

void attnCompileOptionsSetScheduleTable(AttnCompileOptions *options,
                                        const char *path) {
  options->options.scheduleTable = path;
}

void attnCompileOptionsSetReproducer(AttnCompileOptions *options,
                                     const char *path) {
  options->options.reproducer = path;
}

const void *attnBytesBorrowData(const AttnBytes *bytes) {
  return bytes->data.data();
}

size_t attnBytesGetSize(const AttnBytes *bytes) { return bytes->data.size(); }

void attnBytesDestroy(AttnBytes *bytes) { delete bytes; }

/// Compiles a copy of the program to `level`.
static AttnBytes *emit(const AttnProgram *program, EmitLevel level,
                       const AttnCompileOptions *options) {
  ModuleOp original = program->module.get();
  OwningOpRef<ModuleOp> module = original.clone();
  std::string output;
  if (failed(emitLevel(*module, level,
                       options ? options->options : CompileOptions(), output)))
    return nullptr;
  return new AttnBytes{std::move(output)};
}

AttnBytes *attnProgramCreatePtx(const AttnProgram *program,
                                const AttnCompileOptions *options) {
  return emit(program, EmitLevel::PTX, options);
}

AttnBytes *attnProgramCreateBundle(const AttnProgram *program,
                                   const AttnCompileOptions *options) {
  return emit(program, EmitLevel::Bundle, options);
}
