#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.cache/web), what the tests need to
# run WGSL and the page of examples/web without a GPU: Dawn from npm; wgpu from
# PyPI, where there is pip; Chromium without a window, its SwiftShader (a driver
# for processors) and a Vulkan loader from Debian's packages. Tests are reported
# as unsupported where it is missing.
#
# Versions are pinned: a new browser brings another SwiftShader. To update on
# purpose, change a version below, run this and ./test.sh, and commit it with
# what the tests ask for.
set -eu
cd "$(dirname "$0")/.."

webgpu=0.6.2 wgpu=0.32.0 chromium=156.0.8078.108-1~deb12u1 vulkan=1.3.239.0-1

version="$webgpu $wgpu $chromium $vulkan"
folder=.cache/web
if [ "$(cat $folder/version 2>/dev/null)" = "$version" ]; then exit 0; fi

command -v node >/dev/null || {
  echo "there is no node" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Chromium and those of its libraries that the machine does not have.
mkdir -p "$work/debs/partial"
apt-get -qq --download-only --no-install-recommends -o Dir::Cache::archives="$work/debs" \
  -o APT::Sandbox::User=root install chromium-headless-shell=$chromium >/dev/null &&
  (cd "$work/debs" && apt-get -qq -o APT::Sandbox::User=root download libvulkan1=$vulkan >/dev/null) || {
  echo "Debian has other versions now; see the first lines of $0:" >&2
  apt-cache policy chromium-headless-shell libvulkan1 | grep -E '^[a-z]|Candidate' >&2
  exit 1
}
for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done

rm -rf $folder
mkdir -p $folder
npm install --silent --no-save --prefix $folder webgpu@$webgpu
python3 -m pip -q --disable-pip-version-check --retries 1 install \
  --target $folder/python wgpu==$wgpu || echo "there is no wgpu" >&2
mkdir -p $folder/chromium $folder/libraries
cp -r "$work"/root/usr/lib/chromium/. $folder/chromium/
find "$work"/root/usr/lib/*-linux-gnu -name '*.so*' ! -name 'libvulkan*' \
  -exec cp -d {} $folder/libraries/ \;
cp -L "$work"/root/usr/lib/*-linux-gnu/libvulkan.so.1 $folder/
sed 's#"library_path": *"[^"]*"#"library_path": "./chromium/libvk_swiftshader.so"#' \
  $folder/chromium/vk_swiftshader_icd.json > $folder/swiftshader.json

# What a command is run with: `env $(cat .cache/web/environment) COMMAND`.
here=$(cd $folder && pwd)
printf '%s\n' "LD_LIBRARY_PATH=$here" "VK_ICD_FILENAMES=$here/swiftshader.json" \
  > $folder/environment
echo "$version" > $folder/version
