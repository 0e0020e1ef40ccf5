#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.cache/vulkan), what the tests need
# to run Vulkan without a GPU: the loader, lavapipe (Mesa's driver on the CPU,
# from bookworm-backports), the Khronos validation layer, and the libraries that
# they need, all from Debian's packages. Tests are reported as unsupported where
# it is missing.
#
# Versions are pinned: a new driver compiles and rounds otherwise. To update on
# purpose, change a version below, run this and ./test.sh, and commit it with
# what the tests ask for.
set -eu
cd "$(dirname "$0")/.."

mesa=25.0.7-2~bpo12+1 drm=2.4.123-1~bpo12+1
loader=1.3.239.0-1 layers=1.3.239.0-2

# What lavapipe is linked with, as of these versions.
libraries="libllvm15 libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu72 libffi8
  libtinfo6 libzstd1 zlib1g liblzma5 libexpat1 libwayland-client0 libx11-xcb1
  libx11-6 libxau6 libxdmcp6 libxcb1 libxcb-dri3-0 libxcb-present0
  libxcb-randr0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxshmfence1"

version="$mesa $drm $loader $layers"
folder=.cache/vulkan
if [ "$(cat $folder/version 2>/dev/null)" = "$version" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in bookworm bookworm-backports; do
  echo "deb [signed-by=$keys] http://deb.debian.org/debian $suite main"
done > "$work/sources.list"
echo "deb [signed-by=$keys] http://deb.debian.org/debian-security bookworm-security main" \
  >> "$work/sources.list"
# An apt of its own: the machine's sources stay as they are.
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User=root "$@"
}
apt update
(
  cd "$work"
  # shellcheck disable=SC2086 # a list of words
  apt download mesa-vulkan-drivers=$mesa libdrm2=$drm libvulkan1=$loader \
    vulkan-validationlayers=$layers $libraries
) || {
  echo "Debian has other versions now; see the first lines of $0" >&2
  exit 1
}
for package in "$work"/*.deb; do dpkg -x "$package" "$work/root"; done

rm -rf $folder
mkdir -p $folder
triple=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
for path in "$work/root/usr/lib/$triple" "$work/root/lib/$triple"; do
  if [ -d "$path" ]; then
    find "$path" -maxdepth 1 -name '*.so*' ! -name 'libvulkan_*' ! -name 'libVkLayer*' \
      -exec cp -d {} $folder/ \;
  fi
done
cp "$work/root/usr/lib/$triple/libvulkan_lvp.so" \
  "$work/root/usr/lib/$triple/libVkLayer_khronos_validation.so" $folder/
sed 's#"library_path": *"[^"]*"#"library_path": "./libvulkan_lvp.so"#' \
  "$work"/root/usr/share/vulkan/icd.d/lvp_icd*.json > $folder/lvp_icd.json
sed 's#"library_path": *"[^"]*"#"library_path": "./libVkLayer_khronos_validation.so"#' \
  "$work/root/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json" \
  > $folder/VkLayer_khronos_validation.json

# What a command is run with: `env $(cat .cache/vulkan/environment) COMMAND`.
here=$(cd $folder && pwd)
printf '%s\n' "LD_LIBRARY_PATH=$here" "VK_DRIVER_FILES=$here/lvp_icd.json" \
  "VK_LAYER_PATH=$here" "VK_LOADER_LAYERS_DISABLE=~implicit~" > $folder/environment
echo "$version" > $folder/version
