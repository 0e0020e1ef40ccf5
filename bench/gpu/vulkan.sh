#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Kernels for Vulkan on a machine with a GPU and its driver, but neither a
# compiler nor a Vulkan loader: correct, clean for the validation layer, and how
# fast, beside llama.cpp's Vulkan backend on the same driver.
#
#   vulkan.sh make BUILD FOLDER [CASES]
#       compiles and packs, where scripts/install-vulkan-checks.sh has run;
#       CASES of each suite of attn-test (default 12). llama.cpp's shaders and
#       headers come from npm; without it they are left out.
#   vulkan.sh run FOLDER [check|bench|peer]...
#       all three parts, or those named; needs bash and tar. Environment: DEVICE,
#       a part of a device's name; ICD, a driver's manifest; SECONDS_A_CASE (0.3);
#       LENGTHS ("2048 4096")
#
# Results are lines of JSON. Exit code: 0 if all was right.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
node_llama=3.22.1
usage() {
  sed -n '4,/^set/p' "$0" | sed -e '/^set/d' -e 's/^# \{0,1\}//' >&2
  exit 2
}

#===-- make ---------------------------------------------------------------===#

make_cases() {
  "$build/bin/attn-test" --backend=vulkan --emit="$folder/cases/$1" "${@:2}" |
    tail -n 1 | sed "s/^/$1: /"
}

# The peer: its library as npm has it, our program with its headers.
make_peer() {
  local work
  work=$(mktemp -d)
  if (
    cd "$work" &&
      npm pack --silent "@node-llama-cpp/linux-x64-vulkan@$node_llama" \
        "node-llama-cpp@$node_llama" >/dev/null &&
      for archive in *.tgz; do tar -xzf "$archive" && mv package "${archive%.tgz}"; done &&
      git clone -q "node-llama-cpp-$node_llama/llama/gitRelease.bundle" source
  ) 2>/dev/null; then
    local library=$work/node-llama-cpp-linux-x64-vulkan-$node_llama/bins/linux-x64-vulkan
    mkdir -p "$folder/peer"
    cp "$library"/libggml-base.so "$library"/libggml-vulkan.so "$folder/peer/"
    g++ -O2 -Wno-deprecated-declarations -std=c++17 -I"$work/source/ggml/include" "$here/ggml_vk_fa.cpp" \
      -L"$folder/peer" -lggml-vulkan -lggml-base -L"$vulkan" -l:libvulkan.so.1 \
      -Wl,--allow-shlib-undefined -o "$folder/peer/ggml_vk_fa"
  else
    echo "no npm, or not this version: llama.cpp is left out"
  fi
  rm -rf "$work"
}

make_all() {
  build=$1 folder=$2/pack cases=${3:-12} compile=() others='' element='' matrices=''
  vulkan=$here/../../.cache/vulkan
  [ -f "$vulkan/environment" ] || {
    echo "run scripts/install-vulkan-checks.sh first" >&2
    exit 2
  }
  rm -rf "$2"
  mkdir -p "$folder/cases" "$folder/bench" "$folder/loader"
  make_cases all --count="$cases"
  make_cases matrix --chip=vulkan-matrix --suite=mods,matrix --count="$cases"
  make_cases map --chip=vulkan-matrix-map --suite=mods,matrix --count="$cases"
  make_cases bf16 --chip=vulkan-matrix-bf16-map --filter=bf16 --suite=mods,matrix --count="$cases"
  # The code for the CPU says what is right at these sizes, too.
  for name in d64 d64-causal d128 d128-causal d256 softcap window alibi d64-bf16 d128-bf16; do
    element=f16
    case $name in *-bf16) element=bf16 ;; esac
    python3 -c "import sys; sys.path.insert(0, '$here')
from cases import SOURCES
print(SOURCES['${name%-bf16}'].replace('bf16', '$element'))" >"$folder/bench/$name.mlir"
    compile=("$build/bin/attn-compile" "$folder/bench/$name.mlir" -o "$folder/bench/$name.attn")
    others=vulkan:vulkan1.1,vulkan:vulkan-desktop,cpu:x86-64-v3
    matrices=vulkan:vulkan-matrix-map,vulkan:vulkan-matrix
    [ $element = f16 ] || matrices=vulkan:vulkan-matrix-bf16-map,vulkan:vulkan-matrix-bf16
    "${compile[@]}" --target="$matrices,$others" ||
      "${compile[@]}" --target="$others"
  done
  cp "$build/bin/attn-check" "$build/bin/attn-time" "$folder/"
  cp -L "$vulkan/libvulkan.so.1" "$vulkan"/libVkLayer_khronos_validation.so \
    "$vulkan"/VkLayer_khronos_validation.json "$folder/loader/"
  make_peer
  tar -C "$2" -czf "$2/pack.tar.gz" pack
  rm -rf "$folder"
  cp "$0" "$2/"
  du -sh "$2"
}

#===-- run ----------------------------------------------------------------===#

# The driver's manifest; one is written where the driver came without.
find_driver() {
  local path
  for path in "${ICD:-}" /etc/vulkan/icd.d/nvidia_icd.json \
    /usr/share/vulkan/icd.d/nvidia_icd.json /usr/share/vulkan/icd.d/nvidia_icd.x86_64.json; do
    if [ -n "$path" ] && [ -f "$path" ]; then
      echo "$path"
      return
    fi
  done
  printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' \
    libGLX_nvidia.so.0 >"$folder/loader/nvidia_icd.json"
  echo "$folder/loader/nvidia_icd.json"
}

check() {
  "$folder/attn-check" --backend=vulkan "${device[@]}" "$folder/cases/all" || status=1
  # Of these the layer knows too little, where it is that of Debian 12.
  printf 'with matrices: '
  "$folder/attn-check" --backend=vulkan "${device[@]}" "$folder/cases/matrix" || status=1
  printf 'with matrices whose elements lie alike: '
  "$folder/attn-check" --backend=vulkan "${device[@]}" "$folder/cases/map" || status=1
  printf 'with matrices of bf16: '
  "$folder/attn-check" --backend=vulkan "${device[@]}" "$folder/cases/bf16" || status=1
  printf 'with the validation layer: '
  "$folder/attn-check" --backend=vulkan "${device[@]}" --validation \
    "$folder/cases/all" || status=1
}

# entry NAME ARTIFACT B HQ HKV SQ SKV D FRACTION SETS [OPTION...]: FRACTION of the
# scores are computed, as their formula says.
entry() {
  local name=$1 artifact=$2 b=$3 hq=$4 hkv=$5 sq=$6 skv=$7 d=$8 fraction=$9 sets=${10} more=()
  case $artifact in alibi) more=("$hq") ;; esac
  "$folder/attn-time" --backend=vulkan "${device[@]}" --name="$name" \
    --seconds="${SECONDS_A_CASE:-0.3}" --sets="$sets" "${@:11}" \
    --flops="$(awk "BEGIN { printf \"%.0f\", 4.0 * $b * $hq * $sq * $skv * $d * $fraction }")" \
    --bytes="$(awk "BEGIN { printf \"%.0f\", 4.0 * $b * $hkv * $skv * $d }")" \
    "$folder/bench/$artifact.attn" "${b}x${hq}x${sq}x$d" "${b}x${hkv}x${skv}x$d" \
    "${b}x${hkv}x${skv}x$d" "${b}x${hq}x${sq}x$d" "${b}x${hq}x${sq}" "${more[@]}" || status=1
}

bench() {
  for length in ${LENGTHS:-2048 4096}; do
    entry "prefill h16 d128 s$length" d128 1 16 16 $length $length 128 1 1
    entry "prefill h16 d128 s$length causal" d128-causal 1 16 16 $length $length 128 0.5 1
    entry "prefill h32 d64 s$length" d64 1 32 32 $length $length 64 1 1
    entry "prefill h32 d64 s$length causal" d64-causal 1 32 32 $length $length 64 0.5 1
  done
  entry "prefill h16 d128 s$length bf16" d128-bf16 1 16 16 $length $length 128 1 1
  entry "prefill h32 d64 s$length bf16" d64-bf16 1 32 32 $length $length 64 1 1
  entry "prefill h8 d256 s$length" d256 1 8 8 $length $length 256 1 1
  entry "prefill h16 d128 s$length softcap" softcap 1 16 16 $length $length 128 0.5 1
  # Of the causal half, a corner lies outside of the window of 1024.
  local inside
  inside=$(awk "BEGIN { n = $length; w = 1025; if (w > n) w = n; print (w * n - w * (w - 1) / 2) / (n * n) }")
  entry "prefill h16 d128 s$length window 1024" window 1 16 16 $length $length 128 "$inside" 1
  # Variants are compared by element of visited tiles: these factors turn
  # attended pairs (causal: half of all) into pairs of tiles of 128 x 64.
  awk -v n="$length" -v pairs="$inside" 'BEGIN {
    for (row = 0; row < n; row += 128) {
      end = row + 128; first = row > 1024 ? int((row - 1024) / 64) * 64 : 0
      causal += 128 * end; window += 128 * (end - first)
    }
    printf "visited tiles: causal x %.4f, window x %.4f\n", causal / (n * n / 2), window / (pairs * n * n)
  }'
  entry "prefill h16 d128 s$length alibi" alibi 1 16 16 $length $length 128 0.5 1
  # As the peer's graph does: 64 of them are one submission.
  entry "decode b1 8192 32/8 d128" d128 1 32 8 1 8192 128 1 7 --recorded=64
  entry "decode b16 8192 32/8 d128" d128 16 32 8 1 8192 128 1 1 --recorded=64
  entry "verify 8 queries 8192 32/8 d128" d128 1 32 8 8 8192 128 1 7 --recorded=64
}

# llama.cpp's three ways on the same driver.
peer() {
  [ -x "$folder/peer/ggml_vk_fa" ] || return 0
  export LD_LIBRARY_PATH=$folder/peer:$LD_LIBRARY_PATH
  local seconds=${SECONDS_A_CASE:-0.3}
  echo "llama.cpp, NV_cooperative_matrix2:"
  "$folder/peer/ggml_vk_fa" --seconds "$seconds" || status=1
  echo "llama.cpp, KHR_cooperative_matrix:"
  GGML_VK_DISABLE_COOPMAT2=1 "$folder/peer/ggml_vk_fa" --seconds "$seconds" || status=1
  echo "llama.cpp, scalar:"
  GGML_VK_DISABLE_COOPMAT2=1 GGML_VK_DISABLE_COOPMAT=1 \
    "$folder/peer/ggml_vk_fa" --seconds "$seconds" || status=1
}

run_all() {
  tar -C "$1" -xzf "$1/pack.tar.gz"
  folder=$(cd "$1/pack" && pwd) status=0
  device=(${DEVICE:+"--device=$DEVICE"})
  shift
  local driver
  driver=$(find_driver)
  export VK_DRIVER_FILES=$driver VK_LAYER_PATH=$folder/loader
  export LD_LIBRARY_PATH=$folder/loader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  for part in "${@:-check bench peer}"; do
    for name in $part; do
      case $name in check | bench | peer) "$name" ;; *) usage ;; esac
    done
  done
  if [ $status = 0 ]; then echo "all right"; else echo "SOME FAILED"; fi
  exit $status
}

case ${1:-} in
make)
  [ $# -ge 3 ] || usage
  shift
  make_all "$@"
  ;;
run)
  [ $# -ge 2 ] || usage
  shift
  run_all "$@"
  ;;
*) usage ;;
esac
