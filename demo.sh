#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what is lacking, builds the compiler, and runs the examples: each is
# compiled for this machine, checked against the reference and timed.

source "$(dirname "$0")/scripts/setup.sh"

install_packages "${packages[@]}"
build_targets release build attn-run
say "attention, compiled for this machine"
exec python3 scripts/demo.py
