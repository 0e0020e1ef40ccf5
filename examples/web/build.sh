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
# Served without indentation and the comments that fill lines: nobody who loads
# the page reads them. The first line names the license.
for source in "$here"/../../runtime/web/*.js; do
  awk 'NR > 1 && /^ *\/\*/ { comment = 1 }
       !comment && (NR == 1 || !/^ *\/\//) { line = $0; sub(/^ +/, "", line); print line }
       /\*\/$/ { comment = 0 }' "$source" >"$site/attn-web/$(basename "$source")"
done
# A visitor loads code for the GPU or for the processor. There are many queries:
# on the processor a tile of 64 is asked for, and no other version compiled.
for variant in "$here"/*.mlir; do
  name=$(basename "$variant" .mlir)
  if [ "$name" = live ]; then
    "$compile" "$variant" --target=wgsl:webgpu --region-holes=slope -o "$site/$name.gpu.attn"
    continue
  fi
  "$compile" "$variant" --target=wgsl -o "$site/$name.gpu.attn"
  "$compile" "$variant" --target=cpu:wasm32,cpu:wasm32-relaxed --tile-m=64 -o "$site/$name.wasm.attn"
done
