# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What `cmake --install` and the packages hold: tools, headers, libraries, the
# CMake package Attn, the module for pages, documentation. Two components: `runtime` needs no LLVM,
# `compiler` is everything else.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ATTN_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Attn)

# The name that importing projects see.
function(attn_export TARGET NAME)
  set_target_properties(${TARGET} PROPERTIES EXPORT_NAME ${NAME})
endfunction()

attn_export(AttnRuntime Runtime)
attn_export(AttnRuntimeObjects RuntimeObjects)
attn_export(AttnRuntimeShared RuntimeShared)
attn_export(AttnArtifact Artifact)
attn_export(AttnNpy Npy)
attn_export(AttnCAPI CAPI)

# One name for all libraries of the compiler.
add_library(AttnCompiler INTERFACE)
target_link_libraries(AttnCompiler INTERFACE AttnAheadOfTime AttnCompile AttnInitAll)
attn_export(AttnCompiler Compiler)

install(TARGETS AttnRuntime AttnRuntimeObjects AttnRuntimeShared AttnArtifact AttnNpy
  EXPORT AttnRuntimeTargets
  ARCHIVE COMPONENT runtime LIBRARY COMPONENT runtime
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT AttnRuntimeTargets NAMESPACE Attn:: DESTINATION ${ATTN_CMAKE_DIR} COMPONENT runtime)
install(DIRECTORY runtime/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT runtime)
install(TARGETS attn-check RUNTIME COMPONENT runtime)

get_property(libraries GLOBAL PROPERTY ATTN_LIBRARIES)
install(TARGETS ${libraries} AttnCompiler
  EXPORT AttnTargets
  ARCHIVE COMPONENT compiler
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT AttnTargets NAMESPACE Attn:: DESTINATION ${ATTN_CMAKE_DIR} COMPONENT compiler)
install(TARGETS AttnPlugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT compiler)
foreach(tool attn-opt attn-translate attn-run attn-compile attn-lsp-server)
  install(TARGETS ${tool} RUNTIME COMPONENT compiler)
endforeach()
# bash-completion looks for a file of the tool's name.
set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
foreach(tool attn-opt attn-translate attn-run attn-compile attn-lsp-server)
  install(FILES tools/completion/attn.bash DESTINATION ${completions} RENAME ${tool} COMPONENT compiler)
endforeach()
install(FILES tools/completion/attn.bash DESTINATION ${completions} RENAME attn-check COMPONENT runtime)
# What pages load, and attn-run hosts in Node.
install(DIRECTORY runtime/web DESTINATION ${CMAKE_INSTALL_DATADIR}/attn/runtime COMPONENT compiler
  PATTERN test EXCLUDE)
install(DIRECTORY include/ ${PROJECT_BINARY_DIR}/include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT compiler
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def" PATTERN "*.td" PATTERN "*.h.inc" PATTERN CMakeFiles EXCLUDE)

configure_package_config_file(cmake/AttnConfig.cmake.in AttnConfig.cmake
  INSTALL_DESTINATION ${ATTN_CMAKE_DIR})
write_basic_package_version_file(AttnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AttnConfig.cmake ${PROJECT_BINARY_DIR}/AttnConfigVersion.cmake
  DESTINATION ${ATTN_CMAKE_DIR} COMPONENT runtime)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT compiler
  FILES_MATCHING PATTERN "*.md" PATTERN "*.mlir" PATTERN "*.c" PATTERN "*.cpp"
  PATTERN "*.py" PATTERN "project/CMakeLists.txt")

# `cpack -G TGZ` makes a tarball that runs from any folder, `cpack -G DEB` two
# Debian packages.
set(CPACK_PACKAGE_NAME attn)
set(CPACK_PACKAGE_VENDOR "The attn maintainers")
set(CPACK_PACKAGE_CONTACT "The attn maintainers <attn@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Compiler and runtime for fused attention")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME attn-runtime)
set(CPACK_DEBIAN_COMPILER_PACKAGE_NAME attn-compiler)
# Named by hand, not by dpkg-shlibdeps: it takes half a minute, and what is
# linked seldom changes. Generated kernels are linked by a program of binutils.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "libc6, libgcc-s1, libstdc++6")
set(CPACK_DEBIAN_COMPILER_PACKAGE_DEPENDS
    "attn-runtime (= ${PROJECT_VERSION}), binutils, libllvm22, libmlir-22, zlib1g, libzstd1, libc6, libgcc-s1, libstdc++6")
include(CPack)
