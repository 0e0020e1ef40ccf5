#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what is lacking, builds, and runs all tests; the last line counts
# them. Execution tests are a subset that changes with the commit.
#
#   --full      all execution tests (hours on two cores)
#   --coverage  an execution test of each variant on each target, with small
#               heads, for docs/coverage.md, which --full writes, too
#   --resume    execution tests that passed in a run that was stopped are left
#               out, where that run had the same seed
#   --seed=N    another subset; the one that ran is printed
#   --sanitize  a build with AddressSanitizer and UBSan
#   --tsan      the runtime's tests under ThreadSanitizer

source "$(dirname "$0")/scripts/setup.sh"

preset=release directory=build count=40 standard=10 assembled=16 interpreted=12 rasterised=14 seed=
each=() resume=() covers= shaders=(--chips=2 --count=4)
for argument; do
  case $argument in
  --seed=*) seed=${argument#--seed=} ;;
  --full)
    count=0 standard=0 assembled=0 interpreted=500 rasterised=400 covers=1 shaders=(--each)
    export ATTN_TEST_FULL=1
    ;;
  --coverage) count=1 standard=1 rasterised=1 each=(--each --small) covers=1 ;;
  --resume) resume=(--resume) ;;
  --sanitize) preset=sanitize directory=build-sanitize count=10 standard=5 assembled=2 interpreted=3 ;;
  --tsan) preset=tsan directory=build-tsan ;;
  --help | -h)
    sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) die "test.sh: unknown argument '$argument'; there are --full, --coverage, --resume, --seed=N, --sanitize, --tsan" ;;
  esac
done

# The tests of a commit are always the same ones: only a change turns them red.
# Without git, the sources stand for the commit.
choose_seed() {
  local hash
  hash=$(git rev-parse HEAD 2>/dev/null) ||
    hash=$(find bench examples include lib runtime test tools -type f \
      -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  echo $((16#${hash:0:8}))
}
[[ -n $seed ]] || seed=$(choose_seed)
[[ $seed =~ ^[0-9]+$ ]] || die "test.sh: --seed=$seed is not a number"

install_packages "${packages[@]}" clang-format-22 libclang-rt-22-dev
# The Python package is built and tested where PyPI gives what that needs.
if [[ $preset == release ]]; then
  scripts/install-python-checks.sh ||
    say "unsupported here, no nanobind: the Python package is not built"
  scripts/install-vulkan-checks.sh ||
    say "unsupported here, no lavapipe: kernels for Vulkan are not run"
  scripts/install-matrix-checks.sh ||
    say "unsupported here, no Mesa 26: kernels in matrix fragments are not run"
  scripts/install-web-checks.sh ||
    say "unsupported here, no Dawn and no Chromium: kernels for WebGPU are not run"
fi
if [[ $preset == release && $(uname -m) != aarch64 ]]; then
  scripts/install-aarch64-checks.sh ||
    say "unsupported here, no libraries of AArch64: nothing is run for it"
fi
targets=(all)
[[ $preset == tsan ]] && targets=(runtime-tests)
build_targets $preset $directory "${targets[@]}"

results=$directory/test-results
[[ -n ${resume[*]} && $(cat $results/seed 2>/dev/null) == "$seed" ]] || rm -rf $results
mkdir -p $results/coverage
echo $seed >$results/seed

# step NAME COMMAND...: runs it; a failure without a count counts as one.
step() {
  local name=$1 begin=$SECONDS
  shift
  say "$name"
  if "$@" 2>&1 | tee "$results/$name.log"; then
    echo 0 >"$results/$name.status"
  else
    echo "${PIPESTATUS[0]}" >"$results/$name.status"
  fi
  echo "$((SECONDS - begin)) s"
}

# cases COLUMN OPTION...: execution tests, for a column of docs/coverage.md, by
# what starts a command.
launcher=()
cases() {
  step "execution-$1" "${launcher[@]}" $directory/bin/attn-test "${each[@]}" "${resume[@]}" --seed=$seed --jobs="$(nproc)" \
    --results="$results/coverage/$1.tsv" "${@:2}"
}

# Writes a `node` on Mesa 26, and prints the path that finds it first.
put_node_on_mesa() {
  mkdir -p "$results/bin"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$PWD/.cache/mesa/run" "$(readlink -f "$(command -v node)")" \
    >"$results/bin/node"
  chmod +x "$results/bin/node"
  echo "$results/bin:$PATH"
}

check_format() {
  find bench include lib python runtime tools test cmake examples \
    \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) -print0 |
    xargs -0 clang-format-22 --dry-run -Werror
}

# Debian's libMLIR is not instrumented: annotations of containers that cross
# the border (and of arenas) are incomplete, and what it keeps for the process
# is no leak. Its threads have stacks for signals of their own.
export ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0:detect_leaks=0:use_sigaltstack=0
export UBSAN_OPTIONS=print_stacktrace=1

# What runs by turns in the tests of lit.
export ATTN_TEST_SEED=$seed

say "seed $seed"
if [[ $preset == tsan ]]; then
  step runtime $directory/runtime/unit/runtime-tests
else
  if [[ -z ${each[*]} ]]; then
    [[ $preset == release ]] && step format check_format
    step lit /usr/lib/llvm-22/bin/lit -q -j "$(nproc)" -o $results/lit.json $directory/test
    step unit ctest --test-dir $directory -j "$(nproc)" -E '^lit$' --output-junit "$PWD/$results/unit.xml" \
      --output-on-failure --no-label-summary \
      --test-output-size-passed 1000000
    # Passes on tile IR in the tile interpreter.
    step passes $directory/bin/attn-test --passes --tile-m=16 --tile-n=16 \
      --suite=tiles,random,combinations --count=$interpreted --seed=$seed --jobs="$(nproc)"
    # What ptxas says of kernels for Hopper; it comes with CUDA or from PyPI
    # (scripts/install-gpu-checks.sh).
    ptxas=$(compgen -G '.venv/lib/python3*/site-packages/nvidia/*/bin/ptxas' || command -v ptxas || true)
    if [[ -n $ptxas ]]; then
      step ptx python3 test/Target/CUDA/Inputs/check_ptx.py $directory/bin "$ptxas" \
        --count=$assembled --seed=$seed
      step ptx-mma python3 test/Target/CUDA/Inputs/check_ptx.py $directory/bin \
        "$ptxas" --chip=sm_80 --count=$assembled --seed=$seed
    else
      say "unsupported here, no ptxas: kernels for NVIDIA GPUs are not assembled"
    fi
    # What both implementations of the language say of WGSL: by turns of some
    # chips, or of every variant for all of them.
    for validator in naga tint; do
      ! command -v $validator >/dev/null ||
        step wgsl-$validator python3 test/Target/WGSL/Inputs/validate_variants.py $directory/bin \
          $validator "${shaders[@]}" --seed=$seed
    done
  fi
  [[ -z $covers ]] || cases reference --backend=reference --count=$standard
  cases cpu --backend=cpu --count=$count
  cases cpu-split --backend=cpu --workers=40 --count=$standard
  # The same code for a CPU without AVX-512.
  cases cpu-avx2 --backend=cpu --chip=x86-64-v3 --count=$standard
  cases cpu-standard --backend=cpu-standard --count=$standard
  # Programs of tile ops that are not attention.
  cases cpu-tiles --backend=cpu --suite=tiles --count=$count
  # On lavapipe, a Vulkan device on the CPU, with the validation layer watching.
  if [[ $preset == release && -f .cache/vulkan/environment ]]; then
    mapfile -t vulkan <.cache/vulkan/environment
    (
      export "${vulkan[@]}"
      cases vulkan --backend=vulkan --device=llvmpipe --validation --count=$rasterised
      # Few rows, in the registers of subgroups as this device has them.
      cases vulkan-rows --backend=vulkan --device=llvmpipe --chip=vulkan-subgroup8 \
        --tile-m=8 --tile-n=16 --suite=mods,matrix --filter=/d32 \
        --count=$(((rasterised + 6) / 7))
      # Another implementation on the CPU, with four lanes; it comes with Chromium.
      [[ ! -f .cache/web/swiftshader.json ]] ||
        VK_DRIVER_FILES=$PWD/.cache/web/swiftshader.json \
          cases vulkan-swiftshader --backend=vulkan --device=SwiftShader --validation \
          --count=$(((rasterised + 6) / 7))
    )
  fi
  # In fragments of cooperative matrices, as a newer driver on the CPU has them.
  # Tiles of a few fragments: it takes long to compile large kernels.
  if [[ $preset == release && -x .cache/mesa/run ]]; then
    (
      launcher=(.cache/mesa/run)
      # By turns, scores become factors in workgroup memory and in registers.
      chip=vulkan-matrix8
      ((seed % 2 == 0)) || chip+=-map
      cases vulkan-matrix --backend=vulkan --device=llvmpipe --chip=$chip \
        --tile-m=16 --tile-n=16 --suite=mods,matrix --filter=/f16/64x128/d64 \
        --count=$(((rasterised + 9) / 10))
      # The same through WebGPU, as Chromium tries it out.
      if [[ -d .cache/web/node_modules ]] && command -v node >/dev/null; then
        launcher=(env "PATH=$(put_node_on_mesa)" ATTN_DAWN_FEATURES=allow_unsafe_apis)
        cases webgpu-matrix --backend=webgpu --chip=webgpu-matrix8 \
          --tile-m=16 --tile-n=8 --suite=mods,matrix --filter=/f16/64x128/d32 \
          --count=$(((rasterised + 39) / 40))
        # And in Chromium itself.
        launcher=(env ATTN_WEBGPU=chromium "ATTN_CHROMIUM_DRIVER=$PWD/$directory/lib/libattn-integrated-driver.so"
          "ATTN_CHROMIUM_LIBRARIES=$PWD/.cache/mesa")
        cases chromium-matrix --backend=webgpu --chip=webgpu-matrix8 \
          --tile-m=16 --tile-n=8 --suite=mods,matrix --filter=/f16/64x128/d32 \
          --count=$(((rasterised + 6) / 7))
      fi
    )
  fi
  # WebAssembly, through runtime/web in Node.
  if [[ $preset == release ]] && command -v node >/dev/null; then
    cases wasm --backend=wasm --count=$rasterised
  fi
  # Metal in an emulator, for which clang++ compiles each kernel.
  if [[ $preset == release && $(uname -m) == x86_64 ]]; then
    cases metal-shim --backend=metal-shim --count=$(((rasterised + 3) / 4))
  fi
  # Through runtime/web: on lavapipe, which has f16, else on SwiftShader. What
  # wgpu makes of a case Debian's driver compiles in a second, what Dawn makes in
  # ten; Mesa 26 that in one, too.
  if [[ $preset == release && -f .cache/web/environment ]]; then
    mapfile -t web <.cache/web/environment
    [[ -f .cache/vulkan/environment ]] && mapfile -t web <.cache/vulkan/environment
    (
      export "${web[@]}"
      [[ ! -d .cache/web/python ]] ||
        ATTN_WEBGPU=wgpu cases wgpu --backend=webgpu --count=$(((rasterised + 9) / 10))
      part=40
      if [[ -x .cache/mesa/run ]]; then
        part=10 launcher=(env "PATH=$(put_node_on_mesa)")
      fi
      cases webgpu --backend=webgpu --count=$(((rasterised + part - 1) / part))
    )
  fi
fi
if [[ -n $covers ]]; then
  python3 scripts/coverage.py $results/coverage \
    --commit="$(git rev-parse --short HEAD 2>/dev/null || echo 'sources without git')"
fi
exec python3 scripts/tally.py $results
