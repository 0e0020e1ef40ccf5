# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# shellcheck shell=bash
# Sourced by demo.sh and test.sh: goes to the root of the repository and has
# functions that install what is lacking, configure a preset and build targets
# of it. Each does nothing, at once, where nothing is to be done.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the CMake files look for. The LLVM packages bring the compiler's own
# dependencies (binutils, libc6-dev, libffi-dev, ...).
packages=(
  clang-22 lld-22 binutils                       # compiler, linkers
  libmlir-22-dev llvm-22-dev                     # libraries
  mlir-22-tools llvm-22-tools                    # mlir-tblgen, lit, FileCheck
  nlohmann-json3-dev libxxhash-dev libgtest-dev  # runtime and unit tests
  libvulkan-dev                                  # its headers, for the runtime
  cmake ninja-build ccache python3
)

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# install_packages PACKAGE...: those that are not there.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not Debian: not installing (needed: LLVM, MLIR and LLD 22, clang 22)"
    return
  fi
  local package missing=() root=()
  for package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
      grep -qx installed || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "these packages are needed; install them as root: ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  for package in "${missing[@]}"; do
    apt-cache show "$package" >/dev/null 2>&1 ||
      die "apt knows no $package. LLVM 22 comes from Debian 12's security" \
        "suite: is bookworm-security among the sources of apt?"
  done
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

# Compilations at once: one a core, with 2 GiB of memory for each.
parallelism() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 2097152) }' /proc/meminfo)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

# build_targets PRESET DIRECTORY TARGET...
build_targets() {
  local preset=$1 directory=$2
  shift 2
  if [[ ! -f $directory/build.ninja ]]; then
    say "configuring $directory"
    if ! cmake --preset "$preset" >"/tmp/attn-configure.$$" 2>&1; then
      cat "/tmp/attn-configure.$$" >&2
      exit 1
    fi
    rm "/tmp/attn-configure.$$"
  fi
  say "building $directory"
  ninja -C "$directory" -j "$(parallelism)" "$@"
}
