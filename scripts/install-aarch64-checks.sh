#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs, inside of the source tree only (.cache/aarch64), what building and
# running programs for AArch64 needs on another machine: Debian's C and C++
# libraries for it and qemu-user. clang-22 and lld-22, which the build needs
# anyway, compile and link. A build that is configured afterwards has the
# runtime for AArch64, so that attn-compile writes libraries for it; tests
# whose tools are missing are reported as unsupported.
#
# Versions are pinned: to update on purpose, change them below, run this and
# ./test.sh.
set -eu
cd "$(dirname "$0")/.."

libc=2.36-8cross1 linux=6.1.4-1cross1 gcc=12.2.0-14cross1
qemu=1:7.2+dfsg-7+deb12u18+b3
version="$libc $linux $gcc $qemu"

[ "$(cat .cache/aarch64/version 2>/dev/null)" = "$version" ] && exit 0
rm -rf .cache/aarch64
mkdir -p .cache/aarch64/bin
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
(cd "$packages" && apt-get -q download qemu-user-static=$qemu \
  libc6-arm64-cross=$libc libc6-dev-arm64-cross=$libc linux-libc-dev-arm64-cross=$linux \
  libgcc-s1-arm64-cross=$gcc libgcc-12-dev-arm64-cross=$gcc \
  libstdc++6-arm64-cross=$gcc libstdc++-12-dev-arm64-cross=$gcc) || {
  echo "Debian has other versions now; see the first lines of $0:" >&2
  apt-cache policy libc6-arm64-cross linux-libc-dev-arm64-cross libgcc-s1-arm64-cross \
    qemu-user-static | grep -E '^[a-z]|Candidate' >&2
  exit 1
}
for package in "$packages"/*.deb; do dpkg -x "$package" "$packages/root"; done
mv "$packages/root/usr/bin/qemu-aarch64-static" .cache/aarch64/bin/
rm -r "$packages/root/usr/bin"
mv "$packages/root/usr" .cache/aarch64/
cat > .cache/aarch64/bin/aarch64-linux-gnu-gcc <<'WRAPPER'
#!/bin/sh
# The C compiler for AArch64 on this machine.
root=$(cd "$(dirname "$0")/.." && pwd)
exec clang-22 --target=aarch64-linux-gnu --sysroot="$root" --gcc-toolchain="$root/usr" -fuse-ld=lld "$@"
WRAPPER
chmod +x .cache/aarch64/bin/aarch64-linux-gnu-gcc
echo "$version" > .cache/aarch64/version
