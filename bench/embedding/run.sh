#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Measures calls from C (embedding.c) and prints the results as JSON:
#   bench/embedding/run.sh > bench/results/embedding.json
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$root/build/bin/attn-compile" "$root/examples/plain.mlir" -o "$out/"
cc -O2 "$root/bench/embedding/embedding.c" -I"$out" -ldl -o "$out/embedding"
MACHINE=${MACHINE:-$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores}
DATE=$(date +%F)
export MACHINE DATE
"$out/embedding" "$out/libplain.so" "$root/build/runtime/libattn_runtime.so" "$out/plain.attn"
