#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.venv), what the Python package is
# built and tested with, from PyPI; the next build then has the package in
# build/python, and the tests run it. With --torch also PyTorch (several GB),
# against which it is compared then.
set -eu
cd "$(dirname "$0")/.."

[ -d .venv ] || python3 -m venv .venv
.venv/bin/python -m pip -q install nanobind==3.1.0 numpy==2.3.5 pytest==9.2.0
case ${1-} in
--torch) .venv/bin/python -m pip -q install torch==2.15.0 ;;
esac
# CMake looks again.
[ ! -f build/CMakeCache.txt ] || touch python/CMakeLists.txt
