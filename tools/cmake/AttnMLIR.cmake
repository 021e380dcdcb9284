# Finds LLVM and MLIR 22 and defines `attn_mlir`, the one interface target
# through which the project's libraries and tools see them.

find_program(LLVM_CONFIG NAMES llvm-config-22 llvm-config)
if(LLVM_CONFIG AND NOT MLIR_DIR)
  execute_process(COMMAND ${LLVM_CONFIG} --prefix
                  OUTPUT_VARIABLE llvm_prefix OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(APPEND CMAKE_PREFIX_PATH "${llvm_prefix}")
endif()
if(ATTN_STATIC)
  set(ZLIB_USE_STATIC_LIBS ON)
endif()
find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "expected LLVM 22, got ${LLVM_VERSION} in ${LLVM_DIR}")
endif()

if(ATTN_STATIC)
  # Debian exports LLVM_LINK_LLVM_DYLIB=ON, so that every MLIR archive drags in
  # libLLVM.so; a static link has to undo that on each imported target.
  set(LLVM_LINK_LLVM_DYLIB OFF)
  get_property(attn_mlir_archives GLOBAL PROPERTY MLIR_ALL_LIBS)
  foreach(archive ${attn_mlir_archives})
    get_target_property(deps ${archive} INTERFACE_LINK_LIBRARIES)
    if(deps)
      list(REMOVE_ITEM deps LLVM "$<LINK_ONLY:LLVM>")
      set_target_properties(${archive} PROPERTIES INTERFACE_LINK_LIBRARIES "${deps}")
    endif()
  endforeach()
  get_target_property(deps LLVMSupport INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM deps REPLACE "zstd::libzstd_shared" "zstd::libzstd_static")
  set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES "${deps}")
endif()

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
separate_arguments(attn_llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")

add_library(attn_mlir INTERFACE)
target_include_directories(attn_mlir SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_definitions(attn_mlir INTERFACE ${attn_llvm_definitions})
target_compile_options(attn_mlir INTERFACE -fno-exceptions -Wall -Wextra
  -Wno-unused-parameter -Wno-comment)
if(ATTN_STATIC)
  llvm_map_components_to_libnames(attn_llvm_components
    NVPTXCodeGen NVPTXDesc NVPTXInfo Passes Core Support IRReader Linker
    BitReader BitWriter AsmParser TransformUtils InstCombine ScalarOpts IPO
    Target FrontendOpenMP TargetParser AggressiveInstCombine)
  target_link_libraries(attn_mlir INTERFACE
    MLIROptLib MLIRFuncDialect MLIRAffineDialect MLIRArithDialect MLIRMathDialect
    MLIRLinalgDialect MLIRSCFDialect MLIRSCFTransforms MLIRMathTransforms MLIRMemRefDialect
    MLIRTensorDialect
    MLIRControlFlowDialect MLIRVectorDialect MLIRLLVMDialect MLIRNVVMDialect
    MLIRAffineToStandard MLIRSCFToControlFlow MLIRControlFlowToLLVM
    MLIRArithToLLVM MLIRMathToLLVM MLIRFuncToLLVM MLIRIndexToLLVM
    MLIRNVVMToLLVM MLIRReconcileUnrealizedCasts MLIRTransforms
    MLIRLLVMToLLVMIRTranslation MLIRNVVMToLLVMIRTranslation
    MLIRBuiltinToLLVMIRTranslation MLIRTargetLLVMIRExport
    MLIRArithValueBoundsOpInterfaceImpl
    ${attn_llvm_components})
  target_link_options(attn_mlir INTERFACE -static-libstdc++ -static-libgcc
    -Wl,--gc-sections -Wl,-s)
else()
  target_link_libraries(attn_mlir INTERFACE MLIR LLVM)
endif()

# Faster builds where the tools exist; nothing depends on them.
find_program(ATTN_CCACHE ccache)
if(ATTN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros ${ATTN_CCACHE})
endif()
find_program(ATTN_MOLD mold)
if(ATTN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
