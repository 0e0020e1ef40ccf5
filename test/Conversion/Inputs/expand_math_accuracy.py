# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the errors that the description of tile-expand-math states.

Reads LLVM dialect IR on standard input, compiles it to a library and compares
every function with Python's double-precision one. With a second argument, fma
is a product and a sum, and powers are those of a machine without infinities."""

import ctypes
import math
import os
import struct
import subprocess
import sys
import tempfile

tools = sys.argv[1]
rounds_twice = len(sys.argv) > 2


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def ulp(x):
    return 2.0 ** (max(math.frexp(x)[1], -125) - 24)


def compile_library(text, folder):
    llvm = subprocess.run([f"{tools}/mlir-translate", "--mlir-to-llvmir"],
                          input=text, capture_output=True, check=True).stdout
    if rounds_twice:
        llvm = llvm.replace(b"@llvm.fma.", b"@llvm.fmuladd.")
    obj, lib = os.path.join(folder, "f.o"), os.path.join(folder, "f.so")
    subprocess.run([f"{tools}/llc", "-O1", *([] if rounds_twice else ["-mattr=+fma"]), "-relocation-model=pic",
                    "-filetype=obj", "-o", obj], input=llvm, check=True)
    subprocess.run([f"{tools}/clang", "-shared", "-o", lib, obj, "-lm"], check=True)
    return ctypes.CDLL(lib)


def samples(low, high, count):
    return [f32(low + (high - low) * k / count) for k in range(count + 1)]


small = [f32(s * 10.0 ** -e) for e in range(0, 30) for s in (1, -1, 3.3, -7.1)]
CASES = [
    # name, reference, arguments, bound on the error given the result
    ("exp", math.exp, samples(-87, 88.72, 20000) + small, lambda y: 2 * ulp(y)),
    ("log", math.log, [abs(x) for x in small] + samples(0.001, 1000, 20000),
     lambda y: 1.5 * ulp(y)),
    ("tanh", math.tanh, samples(-20, 20, 20000) + small, lambda y: 2 * ulp(y)),
    ("sin", math.sin, samples(-65536, 65536, 30001) + samples(-7, 7, 9999) + small,
     lambda y: 2.0 ** -22),
    ("cos", math.cos, samples(-65536, 65536, 30001) + samples(-7, 7, 9999) + small,
     lambda y: 2.0 ** -22),
]
CASES += [
    ("log1p", math.log1p, samples(-0.9999, 3, 20000) + samples(3, 1e6, 999)
     + [x for x in small if x > -1], lambda y: 3 * ulp(y)),
    ("erf", math.erf, samples(-6, 6, 20000) + small, lambda y: 3 * ulp(y)),
    ("round", lambda x: math.copysign(math.floor(abs(x) + 0.5), x),
     samples(-9, 9, 288) + [f32(0.49999997), f32(-0.49999997), 8388609.0, f32(1e20)],
     lambda y: 2.0 ** -140),
]
INF = float("inf")


def power(x, y):
    try:
        return x ** y
    except (OverflowError, ZeroDivisionError):
        return INF


# x, y: powers of every size, and what the sign of x and of y decides.
POWERS = [(x, y) for x in samples(0.01, 30, 300) + [f32(x) for x in (1e-40, 1e-30, 1e30, 0.999, 1.001)]
          for y in samples(-25, 25, 201) + [f32(1 / 3), f32(1e-3), f32(87.3)]]
EXACT_POWERS = [(-2.0, 3.0, -8.0), (-2.0, 4.0, 16.0), (0.0, 2.0, 0.0), (0.0, -1.0, INF),
                (7.0, 0.0, 1.0), (1.0, INF, 1.0), (float("nan"), 0.0, 1.0), (INF, 0.5, INF),
                (INF, -2.0, 0.0), (0.5, INF, 0.0), (2.0, -INF, 0.0), (2.0, 128.0, INF),
                (-3.0, 0.5, None), (float("nan"), 2.0, None)]
EXACT = {
    "exp": [(-INF, 0.0), (INF, INF), (-200.0, 0.0), (89.0, INF), (0.0, 1.0)],
    "log": [(0.0, -INF), (INF, INF), (1.0, 0.0)],
    "tanh": [(-INF, -1.0), (INF, 1.0), (30.0, 1.0), (0.0, 0.0)],
    "sin": [(0.0, 0.0)],
    "cos": [(0.0, 1.0)],
    "log1p": [(-1.0, -INF), (INF, INF), (0.0, 0.0)],
    "erf": [(-INF, -1.0), (INF, 1.0), (0.0, 0.0), (5.0, 1.0)],
    "round": [(2.5, 3.0), (-2.5, -3.0), (INF, INF)],
}

failures = 0
with tempfile.TemporaryDirectory() as folder:
    library = compile_library(sys.stdin.buffer.read(), folder)
    for name, reference, arguments, bound in CASES:
        function = getattr(library, name)
        function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
        worst = max((abs(function(x) - reference(x)) / bound(reference(x)), x)
                    for x in arguments)
        print(f"{name}: {worst[0]:.3f} of the bound, at {worst[1]!r}")
        failures += worst[0] > 1
        for x, expected in EXACT[name]:
            if function(x) != expected:
                print(f"{name}({x}) = {function(x)}, not {expected}")
                failures += 1
        if not math.isnan(function(float("nan"))):
            print(f"{name}(nan) = {function(float('nan'))}")
            failures += 1
    powf = library.powf_
    powf.argtypes, powf.restype = [ctypes.c_float] * 2, ctypes.c_float
    normal = [(x, y, power(x, y)) for x, y in POWERS if 1e-37 < power(x, y) < 3.4e38]
    worst = max((abs(powf(x, y) - z) / (3 * ulp(z)), x, y) for x, y, z in normal)
    print(f"powf: {worst[0]:.3f} of the bound, at {worst[1:]!r}")
    failures += worst[0] > 1
    for x, y, expected in EXACT_POWERS:
        z = powf(x, y)
        if z != expected and not (expected is None and math.isnan(z)):
            print(f"powf({x}, {y}) = {z}, not {expected}")
            failures += 1
sys.exit(1 if failures else 0)
