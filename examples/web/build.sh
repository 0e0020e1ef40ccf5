#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles the variants and lays out the page, as files for any web server:
#
#   examples/web/build.sh build/bin/attn-compile site
#   python3 -m http.server --directory site
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 2 ] || {
  sed -n '4,7p' "$0" >&2
  exit 2
}
compile=$1 site=$2

mkdir -p "$site/attn-web"
cp "$here"/*.html "$here"/*.js "$here"/*.css "$here"/*.mlir "$site/"
cp "$here"/../../runtime/web/*.js "$site/attn-web/"
# A visitor loads code for the GPU or for the processor. There are many queries:
# on the processor a tile of 64 is asked for, and no other version compiled.
for variant in "$here"/*.mlir; do
  name=$(basename "$variant" .mlir)
  "$compile" "$variant" --target=wgsl:webgpu -o "$site/$name.gpu.attn"
  "$compile" "$variant" --target=cpu:wasm32 --tile-m=64 -o "$site/$name.wasm.attn"
done
