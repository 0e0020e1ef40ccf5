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
for variant in "$here"/*.mlir; do
  "$compile" "$variant" --target=wgsl:webgpu,cpu:wasm32 \
    -o "$site/$(basename "$variant" .mlir).attn"
done
