"""Measures the errors that the description of tile-expand-math states.

Reads LLVM dialect IR on standard input, compiles it to a library and compares
every function with Python's double-precision one."""

import ctypes
import math
import os
import struct
import subprocess
import sys
import tempfile

tools = sys.argv[1]


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def ulp(x):
    return 2.0 ** (max(math.frexp(x)[1], -125) - 24)


def compile_library(text, folder):
    llvm = subprocess.run([f"{tools}/mlir-translate", "--mlir-to-llvmir"],
                          input=text, capture_output=True, check=True).stdout
    obj, lib = os.path.join(folder, "f.o"), os.path.join(folder, "f.so")
    subprocess.run([f"{tools}/llc", "-O1", "-mattr=+fma", "-relocation-model=pic",
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
    ("tanh", math.tanh, samples(-20, 20, 20000) + small, lambda y: 2.0 ** -22),
    ("sin", math.sin, samples(-65536, 65536, 30001) + samples(-7, 7, 9999) + small,
     lambda y: 2.0 ** -22),
    ("cos", math.cos, samples(-65536, 65536, 30001) + samples(-7, 7, 9999) + small,
     lambda y: 2.0 ** -22),
]
INF = float("inf")
EXACT = {
    "exp": [(-INF, 0.0), (INF, INF), (-200.0, 0.0), (89.0, INF), (0.0, 1.0)],
    "log": [(0.0, -INF), (INF, INF), (1.0, 0.0)],
    "tanh": [(-INF, -1.0), (INF, 1.0), (30.0, 1.0), (0.0, 0.0)],
    "sin": [(0.0, 0.0)],
    "cos": [(0.0, 1.0)],
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
sys.exit(1 if failures else 0)
