# Helpers that keep the layering: a dialect sees only dialects/ and MLIR, the
# compiler's libraries see dialects/ and include/ as well, and the runtime
# (runtime/CMakeLists.txt) sees neither.

if(ATTN_PRECOMPILE)
  file(WRITE "${CMAKE_BINARY_DIR}/AttnPrecompiled.cpp" "")
  add_library(attn_precompiled OBJECT "${CMAKE_BINARY_DIR}/AttnPrecompiled.cpp")
  target_link_libraries(attn_precompiled PRIVATE attn_mlir)
  target_compile_options(attn_precompiled PRIVATE -fpch-preprocess)
  target_precompile_headers(attn_precompiled PRIVATE
    "${CMAKE_SOURCE_DIR}/tools/cmake/Precompiled.h")
endif()

function(attn_precompile target)
  if(ATTN_PRECOMPILE)
    target_compile_options(${target} PRIVATE -fpch-preprocess)
    target_precompile_headers(${target} REUSE_FROM attn_precompiled)
  endif()
endfunction()

# attn_add_library(NAME sources... [DEPENDS targets] [LINK libraries])
function(attn_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC
    "${CMAKE_SOURCE_DIR}/dialects" "${CMAKE_BINARY_DIR}/dialects"
    "${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/include")
  target_link_libraries(${name} PUBLIC ${ARG_LINK} attn_mlir)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  attn_precompile(${name})
endfunction()

# attn_add_dialect(NAME sources... [DEPENDS targets] [LINK libraries])
function(attn_add_dialect name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC
    "${CMAKE_SOURCE_DIR}/dialects" "${CMAKE_BINARY_DIR}/dialects")
  target_link_libraries(${name} PUBLIC ${ARG_LINK} attn_mlir)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  attn_precompile(${name})
endfunction()

# attn_add_passes(TARGET NAME): generates include/attn/<folder below lib>/Passes.h.inc
# from the Passes.td of the current folder.
function(attn_add_passes target name)
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}/lib" "${CMAKE_CURRENT_SOURCE_DIR}")
  file(RELATIVE_PATH output "${CMAKE_CURRENT_BINARY_DIR}"
       "${CMAKE_BINARY_DIR}/include/attn/${folder}/Passes.h.inc")
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(${output} -gen-pass-decls -name ${name})
  add_public_tablegen_target(${target})
endfunction()

function(attn_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} attn_mlir)
  set_target_properties(${name} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ${name} COMPONENT Tools)
endfunction()

# attn_link_static(NAME libraries...): what of MLIR the target needs beyond what all
# do. Where MLIR is one shared library, it is part of that.
function(attn_link_static name)
  if(ATTN_STATIC)
    target_link_libraries(${name} PRIVATE ${ARGN})
  endif()
endfunction()
