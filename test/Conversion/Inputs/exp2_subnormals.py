# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the vector exponentials of cpu-expand-exp2-subnormals.mlir over their
whole range and looks at values and at the processor's flags.

Reads LLVM dialect IR on standard input. The argument is LLVM's folder."""

import ctypes
import math
import os
import struct
import subprocess
import sys
import tempfile

tools = sys.argv[1]
LANES = 16
UNDERFLOW = 0x10
LIBM = ctypes.CDLL("libm.so.6")


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def compile_library(text, folder):
    llvm = subprocess.run([f"{tools}/mlir-translate", "--mlir-to-llvmir"],
                          input=text, capture_output=True, check=True).stdout
    obj, lib = os.path.join(folder, "f.o"), os.path.join(folder, "f.so")
    subprocess.run([f"{tools}/llc", "-O2", "-mattr=+fma,+avx512f,+avx512vl,+avx512dq",
                    "-relocation-model=pic", "-filetype=obj", "-o", obj],
                   input=llvm, check=True)
    subprocess.run([f"{tools}/clang", "-shared", "-o", lib, obj, "-lm"], check=True)
    return ctypes.CDLL(lib)


def samples(factor):
    """Sixteen at a time: across the range, and around what becomes 0."""
    points = [-300 + 428 * k / 16384 for k in range(16384)]
    points += [-126.6 + 1.2 * k / 4096 for k in range(4096)]
    points += [-math.inf, -1e30, -3e38, -1000.0] * 4
    return [f32(x / factor) for x in points]


failures = 0


def fail(message):
    global failures
    failures += 1
    if failures < 10:
        print(message)


with tempfile.TemporaryDirectory() as folder:
    library = compile_library(sys.stdin.buffer.read(), folder)
    for name, factor in (("exp2", 1.0), ("exp", f32(1.44269502))):
        function = getattr(library, name)
        vector = ctypes.c_float * LANES
        points = samples(factor)
        for first in range(0, len(points), LANES):
            arguments = vector(*points[first:first + LANES])
            results = vector()
            LIBM.feclearexcept(UNDERFLOW)
            function(arguments, results)
            if LIBM.fetestexcept(UNDERFLOW):
                fail(f"{name}: a subnormal number near {arguments[0]}")
            for x, y in zip(arguments, results):
                exponent = x * factor
                expected = 2.0 ** exponent if exponent > -1000 else 0.0
                # Where the exponent is built by hand, half a binade more is 0.
                if y == 0.0 and exponent < -125.5:
                    continue
                if exponent < -126:
                    fail(f"{name}({x}) = {y}, not 0")
                elif not abs(y - expected) <= 1.5 * 2.0 ** (math.frexp(expected)[1] - 24):
                    fail(f"{name}({x}) = {y}, not {expected}")
        results = vector()
        function(vector(*[math.nan] * LANES), results)
        if not all(map(math.isnan, results)):
            fail(f"{name}(nan) = {list(results)}")
sys.exit(1 if failures else 0)
