# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Warnings as errors, sanitizers, ccache and lld for every target of the project.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # A clang PCH carries time stamps unless told otherwise (see AttnLibrary).
  set(ATTN_CCACHE ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${ATTN_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ATTN_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-unused-parameter)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wcovered-switch-default -Wshadow-uncaptured-local)
  add_link_options(-fuse-ld=lld)
endif()

if(ATTN_SANITIZE)
  add_compile_options(-fsanitize=${ATTN_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  # Debian's libLLVM and libMLIR are not instrumented: type and container
  # checks across that border report what is not there.
  if(ATTN_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr,function)
  endif()
  add_link_options(-fsanitize=${ATTN_SANITIZE})
endif()
