#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.venv), what the Python package is
# built and tested with, from PyPI; the next build then has the package in
# build/python, and the tests run it. With --torch also PyTorch (several GB),
# against which it is compared then. Python's headers and venv are needed
# (Debian: python3-dev, python3-venv).
set -eu
cd "$(dirname "$0")/.."

# Where PyPI is out of reach, one try is enough.
install() {
  .venv/bin/python -m pip -q --disable-pip-version-check --retries 1 install "$@"
}

[ -d .venv ] || python3 -m venv .venv
install nanobind==3.1.0 numpy==2.3.5 pytest==9.2.0 mypy==2.4.1
case ${1-} in
--torch) install torch==2.15.0 ;;
esac
# CMake looks again.
[ -d build/python/attn ] || touch python/CMakeLists.txt
