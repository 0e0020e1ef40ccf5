# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# lit configuration: every .mlir and .test file below test/ is a test whose
# RUN lines find our tools and LLVM's FileCheck, not and split-file on PATH.

import ctypes
import glob
import os
import platform
import shutil
import subprocess

import lit.formats

config.name = "attn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt", "web"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.attn_build_dir, "test")

config.environment["PATH"] = os.pathsep.join(
    [config.attn_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
# What a function binds is not looked for in the next one.
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
# A sanitizer finding must fail the test, with a readable trace. test.sh says
# which turn of what runs by turns it is, and whether all of them run.
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "ATTN_TEST_SEED", "ATTN_TEST_FULL"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# What takes long runs by turns of two or three commits, as `%if turn-0-of-3 %{ ... %}`;
# all of it in tests that are run by hand, without a seed.
for turns in (2, 3):
    for turn in range(turns):
        if "ATTN_TEST_FULL" in os.environ or int(os.environ.get("ATTN_TEST_SEED", turn)) % turns == turn:
            config.available_features.add(f"turn-{turn}-of-{turns}")

config.substitutions.append(("%src_root", config.attn_source_dir))
config.substitutions.append(("%build_root", config.attn_build_dir))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%llvm_tools_dir", config.llvm_tools_dir))


def cpu_flags():
    """The instruction-set flags that every core of this machine has."""
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith(("flags", "Features")):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


# What is compiled against an installed tree comes from the cache of the build.
ccache = shutil.which("ccache")
if ccache:
    for language in ("C", "CXX"):
        config.environment[f"CMAKE_{language}_COMPILER_LAUNCHER"] = ccache
    config.environment.update((name, os.environ[name]) for name in os.environ if name.startswith("CCACHE_"))


# Features for REQUIRES lines: what the machine can execute.
for flag in {"avx2", "fma", "f16c", "avx512f", "avx512_bf16", "asimd"} & cpu_flags():
    config.available_features.add(flag)
if config.sanitize:
    config.available_features.add("sanitizer")
# AMX on processors with the other instructions that such code takes.
AMX_EMULATOR = os.path.join(config.attn_build_dir, "lib/libattn-amx-emulator.so")
if os.path.exists(AMX_EMULATOR) and {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"} <= cpu_flags():
    config.available_features.add("amx-emulator")
    config.substitutions.append(("%amx_emulator", "env LD_PRELOAD=" + AMX_EMULATOR))


def has_statistics():
    """Whether passes count: in builds with assertions, of LLVM and of ours. They have debug output, too."""
    opt = [os.path.join(config.attn_tools_dir, "attn-opt"), "--attn-outline-kernels", "--mlir-pass-statistics", "-"]
    run = subprocess.run(opt, input="module {}", capture_output=True, text=True)
    return "kernels-outlined" in run.stderr


if has_statistics():
    config.available_features.add("pass-statistics")


def compute_capability():
    """(major, minor) of the first CUDA device; () with a driver but no device."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    if cuda.cuInit(0):
        return ()
    values = [ctypes.c_int(), ctypes.c_int()]
    for value, attribute in zip(values, (75, 76)):
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0):
            return ()
    return tuple(value.value for value in values)


capability = compute_capability()
if capability is not None:
    config.available_features.add("cuda-driver")
if capability and capability >= (8, 0):
    config.available_features.add("cuda-device")

# What the scripts install from PyPI.
PACKAGES = os.path.join(config.attn_source_dir, ".venv/lib/python3*/site-packages")

# What ptxas spills changes with its version: the one that
# scripts/install-gpu-checks.sh pins goes before another one.
PTXAS = os.path.join(PACKAGES, "nvidia/*/bin/ptxas")
ptxas = next(iter(glob.glob(PTXAS)), None) or shutil.which("ptxas")
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))

# Vulkan runs on lavapipe where scripts/install-vulkan-checks.sh put it.
VULKAN = os.path.join(config.attn_source_dir, ".cache/vulkan/environment")
if os.path.exists(VULKAN):
    config.available_features.add("vulkan-run")
    with open(VULKAN, encoding="utf-8") as settings:
        config.substitutions.append(("%vulkan", "env " + " ".join(settings.read().split())))

# clang++ checks the runtime's Objective-C++, and compiles kernels for the
# emulator of Metal.
clangxx = shutil.which("clang++-22") or shutil.which("clang++")
if clangxx:
    config.available_features.add("clang")
    config.substitutions.append(("%clangxx", clangxx))
    if platform.machine() == "x86_64":
        config.available_features.add("metal-shim")

# Packages are made for Debian where Debian's tools are.
if shutil.which("dpkg-deb"):
    config.available_features.add("dpkg")

# spirv-val validates SPIR-V: the one that scripts/install-gpu-checks.sh brings,
# else that of the machine.
SPIRV_VAL = os.path.join(PACKAGES, "cmeel.prefix/bin/spirv-val")
spirv_val = next(iter(glob.glob(SPIRV_VAL)), None) or shutil.which("spirv-val")
if spirv_val:
    config.available_features.add("spirv-val")
    config.substitutions.append(("%spirv_val", spirv_val + " --target-env vulkan1.1"))

# Programs for AArch64 are built and run where scripts/install-aarch64-checks.sh
# brought what that needs and the runtime was built for it.
AARCH64 = os.path.join(config.attn_source_dir, ".cache/aarch64")
CHECK_AARCH64 = os.path.join(config.attn_tools_dir, "attn-check-aarch64")
if os.path.exists(os.path.join(AARCH64, "version")) and os.path.exists(CHECK_AARCH64):
    config.available_features.add("aarch64-run")
    config.substitutions.append(("%aarch64_cc", f"{AARCH64}/bin/aarch64-linux-gnu-gcc"))
    config.substitutions.append((
        "%qemu_aarch64",
        f"{AARCH64}/bin/qemu-aarch64-static -L {AARCH64}/usr/aarch64-linux-gnu",
    ))

# naga (cargo install naga-cli) validates WGSL.
if shutil.which("naga"):
    config.available_features.add("naga")
# tint, of Dawn, is built from its sources.
if shutil.which("tint"):
    config.available_features.add("tint")

# The Python package, where CMake found nanobind; scripts/install-python-checks.sh
# brings it and what its tests need.
if glob.glob(os.path.join(config.attn_build_dir, "python/attn/_attn*.so")) and all(
    glob.glob(os.path.join(PACKAGES, name)) for name in ("numpy", "pytest")
):
    config.available_features.add("python-package")
    config.substitutions.append((
        "%pytest",
        f"env PYTHONPATH={config.attn_build_dir}/python PYTHONDONTWRITEBYTECODE=1"
        f" {config.attn_source_dir}/.venv/bin/python -m pytest -q -p no:cacheprovider",
    ))

    if glob.glob(os.path.join(PACKAGES, "torch")):
        config.available_features.add("torch")

    if glob.glob(os.path.join(PACKAGES, "mypy")):
        config.available_features.add("mypy")
        config.substitutions.append((
            "%mypy",
            f"env MYPYPATH={config.attn_build_dir}/python {config.attn_source_dir}/.venv/bin/python -m mypy --disable-error-code=import-not-found"
            " --no-error-summary --cache-dir=/dev/null",
        ))

# Node runs the unit tests of runtime/web, which ask for its test runner.
node = shutil.which("node")
if node and int(subprocess.run([node, "-p", "parseInt(process.versions.node)"], capture_output=True, text=True).stdout or 0) >= 20:
    config.available_features.add("node")

# WGSL runs on Dawn and SwiftShader, and pages in Chromium, where
# scripts/install-web-checks.sh put them.
WEB = os.path.join(config.attn_source_dir, ".cache/web")
if "node" in config.available_features and os.path.exists(os.path.join(WEB, "version")):
    config.available_features.update(("webgpu-run", "browser"))
    if os.path.exists(os.path.join(WEB, "python")):
        config.available_features.add("wgpu")
    config.substitutions.append(("%web_folder", WEB))
    with open(os.path.join(WEB, "environment"), encoding="utf-8") as settings:
        config.substitutions.append(("%web", "env " + " ".join(settings.read().split())))
# Kernels in a page of Chromium on Mesa's driver, where scripts/install-matrix-checks.sh
# put that, too.
MESA = os.path.join(config.attn_source_dir, ".cache/mesa")
if os.path.exists(os.path.join(MESA, "run")):
    config.available_features.add("matrices-run")
    config.substitutions.append(("%matrices", f"{MESA}/run {config.attn_build_dir}/bin"))
DRIVER = os.path.join(config.attn_build_dir, "lib/libattn-integrated-driver.so")
if "browser" in config.available_features and os.path.exists(os.path.join(MESA, "version")) and os.path.exists(DRIVER):
    config.available_features.add("browser-matrices")
    config.substitutions.append((
        "%chromium", f"env ATTN_WEBGPU=chromium ATTN_CHROMIUM_DRIVER={DRIVER} ATTN_CHROMIUM_LIBRARIES={MESA}"))
