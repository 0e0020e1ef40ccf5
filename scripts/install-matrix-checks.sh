#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.cache/mesa), a driver on the CPU
# that has cooperative matrices (8x8x8, since Mesa 26), from Debian 13's
# backports. It needs a newer C library than Debian 12 has: one comes along, and
# .cache/mesa/run COMMAND starts a command with it. What runs there is reported
# as unsupported where it is missing.
#
# Versions are pinned, as in install-vulkan-checks.sh.
set -eu
cd "$(dirname "$0")/.."

mesa=26.1.6-1~bpo13+1 libc=2.41-12+deb13u5 llvm=1:19.1.7-3+b1 drm=2.4.124-2
loader=1.4.309.0-1

# What the driver is linked with, as of these versions.
libraries="libgcc-s1 libstdc++6 libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu76
  libffi8 libtinfo6 libzstd1 zlib1g liblzma5 libexpat1 libwayland-client0
  libx11-xcb1 libx11-6 libxau6 libxdmcp6 libxcb1 libxcb-dri3-0 libxcb-present0
  libxcb-randr0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxshmfence1
  libelf1t64 libpng16-16t64 libdisplay-info2"

version="$mesa $libc $llvm $drm $loader"
folder=.cache/mesa
if [ "$(cat $folder/version 2>/dev/null)" = "$version" ]; then exit 0; fi
if [ "$(uname -m)" != x86_64 ]; then
  echo "$0: the start of commands is written for x86-64" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in trixie trixie-backports; do
  echo "deb [signed-by=$keys] http://deb.debian.org/debian $suite main"
done > "$work/sources.list"
# An apt of its own: the machine's sources and packages stay as they are.
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
    -o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@"
}
apt update
(
  cd "$work/debs"
  # shellcheck disable=SC2086 # a list of words
  apt download mesa-vulkan-drivers=$mesa libc6=$libc libllvm19=$llvm libdrm2=$drm \
    libdrm-amdgpu1=$drm libvulkan1=$loader $libraries
) || {
  echo "Debian has other versions now; see the first lines of $0" >&2
  exit 1
}
for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done

rm -rf $folder
mkdir -p $folder
lib="$work/root/usr/lib/x86_64-linux-gnu"
find "$lib" -maxdepth 1 -name '*.so*' ! -name 'libvulkan_*' ! -name 'libVkLayer*' \
  -exec cp -d {} $folder/ \;
cp "$lib/libvulkan_lvp.so" $folder/
sed 's#"library_path": *"[^"]*"#"library_path": "./libvulkan_lvp.so"#' \
  "$work"/root/usr/share/vulkan/icd.d/lvp_icd*.json > $folder/lvp_icd.json
cat > $folder/run <<'RUN'
#!/bin/sh
# Runs a command, given by its path, with this folder's driver and C library.
here=$(cd "$(dirname "$0")" && pwd)
export VK_DRIVER_FILES="$here/lvp_icd.json" VK_LOADER_LAYERS_DISABLE='~implicit~'
exec "$here/ld-linux-x86-64.so.2" --library-path \
  "$here:/usr/lib/llvm-22/lib:/usr/lib/x86_64-linux-gnu" "$@"
RUN
chmod +x $folder/run
echo "$version" > $folder/version
