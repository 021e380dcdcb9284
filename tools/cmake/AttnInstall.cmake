# What is installed: two shared libraries with C interfaces, their headers, what
# find_package(Attn) needs, and the tools.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# attn_install_library(TARGET NAME [SEES_MLIR]): a shared library, known to users as
# Attn::NAME. It shows what the headers of the C interface declare; the number in
# its name is the version of that.
function(attn_install_library target name)
  cmake_parse_arguments(ARG "SEES_MLIR" "" "" ${ARGN})
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_compile_options(${target} PRIVATE -fno-exceptions -Wall -Wextra
    -Wno-unused-parameter -Wno-comment)
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
  # MLIR tells types apart by addresses of inline variables. They have to be the
  # same in its own library, so that nothing can be hidden where that is linked.
  if(ATTN_STATIC OR NOT ARG_SEES_MLIR)
    target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
  endif()
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    EXPORT_NAME ${name} SOVERSION 1 VERSION 1.${PROJECT_VERSION}
    INSTALL_RPATH_USE_LINK_PATH ON)
  add_library(Attn::${name} ALIAS ${target})
  install(TARGETS ${target} EXPORT AttnTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT Library
    NAMELINK_COMPONENT Library)
endfunction()

function(attn_install_package)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/attn-c"
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT Library)
  # What the tuner has measured.
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/share/schedules"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/attn" COMPONENT Library)
  set(folder "${CMAKE_INSTALL_LIBDIR}/cmake/Attn")
  install(EXPORT AttnTargets NAMESPACE Attn:: DESTINATION ${folder}
    FILE AttnConfig.cmake COMPONENT Library)
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/AttnConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/AttnConfigVersion.cmake"
    DESTINATION ${folder} COMPONENT Library)
endfunction()
