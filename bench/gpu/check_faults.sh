#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Checks on a GPU without a compiler what only a GPU can get wrong, and times
# artifacts of two compilers against each other:
#
#   check_faults.sh make BUILD FOLDER [OLD_ATTN_COMPILE] [CASES]
#       compiles and packs, on a machine without a GPU; CASES of each suite of
#       attn-test (default 60, three suites)
#   check_faults.sh run FOLDER
#       checks and times, on a machine with a Hopper GPU; needs sh and tar
#
# Groups: `all` is attn-test's choice, `empty` has no keys or no queries (rule
# 13), `far` lies in batches 2^31 + 4096 elements apart, `huge` has index
# constants past 2^31 (rule 21), `freed` has NaN in keys and values that no query
# attends (rule 7). Exit code: 0 if all passed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
usage() {
  sed -n '4,/^set/p' "$0" | sed -e '/^set/d' -e 's/^# \{0,1\}//' >&2
  exit 2
}

make_cases() {
  group=$1
  shift
  "$build/bin/attn-test" --backend=cuda --chip=sm_90a --emit="$folder/cases/$group.$n" "$@" |
    tail -n 1 | sed "s/^/$group: /"
  n=$((n + 1))
}

make_all() {
  build=$1 folder=$2 old=${3:-} cases=${4:-60} n=0
  rm -rf "$folder/cases"
  mkdir -p "$folder/cases"
  make_cases all --count="$cases"
  for type in f16 bf16; do
    make_cases empty --suite=matrix --filter=/$type/7x0/ --count=40
    make_cases empty --suite=matrix --filter=/$type/0x7/ --count=20
  done
  make_cases far --suite=matrix --filter=/bf16/1023x1024/d64 --count=10
  make_cases far --suite=matrix --filter=/f16/1024x1023/d111 --count=6
  make_cases far --suite=matrix --filter=/bf16/4x1111/d128 --count=12
  make_cases far --suite=matrix --filter=/f32/257x257/d40 --count=8
  make_cases huge --suite=mods --filter=/huge- --count=30
  make_cases freed --suite=matrix --filter=/causal-window/bf16/4x1111/
  make_cases freed --suite=matrix --filter=/causal-window/f16/1x2100/
  for file in "$folder"/cases/freed.*/*.json; do
    python3 "$here/poison.py" "$file" 100
  done
  tar -C "$folder" -czf "$folder/cases.tar.gz" cases
  rm -rf "$folder/cases"

  for name in d64-causal d128 d256; do
    mkdir -p "$folder/race/new" "$folder/race/old"
    python3 -c "import sys; sys.path.insert(0, '$here')
from cases import SOURCES
print(SOURCES['$name'])" > "$folder/race/$name.mlir"
    "$build/bin/attn-compile" "$folder/race/$name.mlir" --target=cuda -o "$folder/race/new/$name.attn"
    if [ -n "$old" ]; then
      "$old" "$folder/race/$name.mlir" --target=cuda -o "$folder/race/old/$name.attn"
    fi
  done
  cp "$build/bin/attn-check" "$build/bin/attn-race" "$folder/"
  cp "$0" "$folder/"
  du -sh "$folder"
}

run_all() {
  folder=$(cd "$1" && pwd) status=0
  tar -C "$folder" -xzf "$folder/cases.tar.gz"
  for group in "$folder"/cases/*/; do
    name=$(basename "$group")
    spread=
    case $name in far.*) spread=--spread=2147487744 ;; esac
    printf '%s: ' "$name"
    "$folder/attn-check" --backend=cuda $spread "$group" || status=1
  done
  # Rows of docs/hopper.md: batch times length is 16384, heads times size 2048.
  for length in 2048 8192; do
    for row in d64-causal:64 d128:128 d256:256; do
      name=${row%:*} head=${row#*:}
      old=$folder/race/old/$name.attn new=$folder/race/new/$name.attn
      echo "$name at $length:"
      if [ -e "$old" ]; then set -- "$old" "$new"; else set -- "$new"; fi
      "$folder/attn-race" $((16384 / length)) $((2048 / head)) $length "$head" 21 "$@" || status=1
    done
  done
  if [ $status = 0 ]; then echo "all passed"; else echo "SOME FAILED"; fi
  exit $status
}

case ${1:-} in
  make) [ $# -ge 3 ] || usage; shift; make_all "$@" ;;
  run) [ $# = 2 ] || usage; shift; run_all "$@" ;;
  *) usage ;;
esac
