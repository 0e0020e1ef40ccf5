#!/bin/sh
# Installs, inside of the source tree only (.venv, .cache), what the tests need
# to assemble PTX and to run WGSL without a GPU: ptxas and NumPy from PyPI,
# Dawn from npm, SwiftShader and the Vulkan loader from Debian's packages.
# Tests whose tools are missing are reported as unsupported.
set -eu
cd "$(dirname "$0")/.."

[ -d .venv ] || python3 -m venv .venv
.venv/bin/pip -q install nvidia-cuda-nvcc numpy

mkdir -p .cache/webgpu .cache/swiftshader
[ -d .cache/webgpu/node_modules/webgpu ] ||
  npm install --silent --prefix .cache/webgpu webgpu@0.6.2

if [ ! -e .cache/swiftshader/libvk_swiftshader.so ]; then
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  (cd "$packages" && apt-get -q download chromium-common libvulkan1 &&
    for package in *.deb; do dpkg -x "$package" root; done)
  cp "$packages"/root/usr/lib/chromium/libvk_swiftshader.so .cache/swiftshader/
  cp -L "$packages"/root/usr/lib/*-linux-gnu/libvulkan.so.1 .cache/swiftshader/
  sed 's#"library_path": *"[^"]*"#"library_path": "./libvk_swiftshader.so"#' \
    "$packages"/root/usr/lib/chromium/vk_swiftshader_icd.json \
    > .cache/swiftshader/vk_swiftshader_icd.json
fi
