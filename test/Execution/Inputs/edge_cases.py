# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Special values through compiled attention, against the reference.

usage: edge_cases.py BACKEND FOLDER [--FLAG...] [WORD...]: flags for attn-run,
which ATTN_RUN may say how to call; with words, only cases with one of them in
their names. Rules 7, 11, 13-19 of docs/semantics.md: NaN and inf behind a mask and past kv_len, values that no
row attends, rows without keys, infinite and huge scores, values of one, merged states, the same bits on any
number of threads. Prints a line a case; exits with 1 if one fails.
"""

import array
import math
import os
import random
import struct
import subprocess
import sys

B, H, S, T, D = 1, 2, 70, 130, 16
LOWEST = -3.4028234663852886e38
LOWEST_BF16 = -3.3895313892515355e38


def save(path, code, shape, values):
    """Writes a .npy file; `code` is the array module's type code."""
    names = {"f": "<f4", "i": "<i4", "b": "|b1", "H": "<f2"}
    header = repr({"descr": names[code], "fortran_order": False, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode() + array.array(code, values).tobytes())


def tensor(*shape, type="f32"):
    return "tensor<" + "x".join(map(str, shape)) + "x" + type + ">"


def program(operand="", extra="", attributes="", region="", type="f32", sink=False):
    q, k = tensor(B, H, S, D, type=type), tensor(B, H, T, D, type=type)
    lse = tensor(B, H, S)
    parameter = ", %n: " + extra if extra else ""
    operand = f"{operand}(%n : {extra})" if operand else ""
    if sink:
        parameter += ", %sink: " + tensor(H)
        operand += f" sink(%sink : {tensor(H)})"
    return f"""
func.func @f(%q: {q}, %k: {k}, %v: {k}{parameter}, %o: {q}, %l: {lse}) -> ({q}, {lse}) {{
  %r:2 = attn.attention ins(%q, %k, %v : {q}, {k}, {k}) {operand}
      outs(%o, %l : {q}, {lse}) {attributes} {region} -> {q}, {lse}
  return %r#0, %r#1 : {q}, {lse}
}}"""


def merge():
    o, lse = tensor(B, H, S, D), tensor(B, H, S)
    return f"""
func.func @f(%o1: {o}, %l1: {lse}, %o2: {o}, %l2: {lse}, %o: {o}, %l: {lse}) -> ({o}, {lse}) {{
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : {o}, {lse}, {o}, {lse}) outs(%o, %l : {o}, {lse}) -> {o}, {lse}
  return %r#0, %r#1 : {o}, {lse}
}}"""


def merge_three():
    """Of three states, the first two first, and the last two first."""
    o, lse = tensor(B, H, S, D), tensor(B, H, S)
    step = lambda name, x, y: (
        f"  %{name}:2 = attn.merge ins({x}, {y} : {o}, {lse}, {o}, {lse}) "
        f"outs(%o, %l : {o}, {lse}) -> {o}, {lse}\n")
    return f"""
func.func @f(%o1: {o}, %l1: {lse}, %o2: {o}, %l2: {lse}, %o3: {o}, %l3: {lse}) -> ({o}, {lse}, {o}, {lse}) {{
  %o = tensor.empty() : {o}
  %l = tensor.empty() : {lse}
{step("ab", "%o1, %l1", "%o2, %l2")}{step("left", "%ab#0, %ab#1", "%o3, %l3")}\
{step("bc", "%o2, %l2", "%o3, %l3")}{step("right", "%o1, %l1", "%bc#0, %bc#1")}\
  return %left#0, %left#1, %right#0, %right#1 : {o}, {lse}, {o}, {lse}
}}"""


def mask(body):
    return "mask(%b: index, %h: index, %i: index, %j: index) {" + body + "attn.yield %x : i1 }"


EVEN_KEYS = mask("""
  %c2 = arith.constant 2 : index
  %c0 = arith.constant 0 : index
  %r = arith.remui %j, %c2 : index
  %x = arith.cmpi eq, %r, %c0 : index
""")
MINUS_INF_SCORES = """score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
  %c = arith.cmpi sle, %j, %i : index
  %inf = arith.constant 0xFF800000 : f32
  %x = arith.select %c, %s, %inf : f32
  attn.yield %x : f32 }"""
LOWEST_SCORES = """score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
  %c9 = arith.constant 9 : index
  %c = arith.cmpi sgt, %i, %c9 : index
  %low = arith.constant -3.4028234663852886e38 : f32
  %x = arith.select %c, %s, %low : f32
  attn.yield %x : f32 }"""
LATE_ROWS = mask("""
  %c9 = arith.constant 9 : index
  %x = arith.cmpi sgt, %i, %c9 : index
""")

random.seed(7)
normal = lambda count: [random.gauss(0, 1) for _ in range(count)]
q, k, v = normal(B * H * S * D), normal(B * H * T * D), normal(B * H * T * D)


def where(values, condition, value):
    """`values` of shape [.., T, D] with `value` in the rows of some keys."""
    return [value if condition(n // D % T) else x for n, x in enumerate(values)]


def bias(value, cells=()):
    table = [value] * (S * T)
    for i, j, x in cells:
        for column in range(T) if j is None else [j]:
            table[i * T + column] = x
    return ("f", (S, T), table)


WINDOW = "{causal = #attn.causal<bottom_right>, window = #attn.window<left = 20>}"
SINKS_AND_WINDOW = mask("""
  %c4 = arith.constant 4 : index
  %c60 = arith.constant 60 : index
  %p = arith.addi %i, %c60 : index
  %sink = arith.cmpi slt, %j, %c4 : index
  %after = arith.cmpi sge, %j, %p : index
  %x = arith.ori %sink, %after : i1
""")


def half(values):
    bits = [struct.unpack("<H", struct.pack("<e", x))[0] for x in values]
    return ("H", (B, H, len(values) // (B * H * D), D), bits)


odd = lambda j: j % 2 == 1
early = lambda j: j < T - S - 20
padded = lambda j: j % 50 < 5
late = lambda j: j >= 100
# In turns: no keys, the lowest numbers of two types, a little more, usual ones.
STATES = [-math.inf, LOWEST, LOWEST_BF16, -1e38, -8.5e37, 0.5, 1.0]
state = lambda step: [STATES[n // step % len(STATES)] for n in range(B * H * S)]
# A row's keys have the lowest numbers of two types; the next have one of both.
TWO_LOWEST = [(i, j, LOWEST_BF16 if j % 2 else LOWEST) for i in range(0, S, 2) for j in range(T)]
SPLIT = "{attn.schedule = #attn.schedule<tile_m = 80, tile_n = 16, workers = 3>}"
biased = dict(operand="bias", extra=tensor(S, T))
CASES = {
    "NaN in masked keys": (program(region=EVEN_KEYS), q, where(k, odd, math.nan), v),
    "inf in masked keys": (program(region=EVEN_KEYS), q, where(k, odd, math.inf), v),
    "NaN in values of masked keys": (program(region=EVEN_KEYS), q, where(k, odd, math.nan),
                                     where(v, odd, math.nan)),
    "NaN in values before a window": (program(attributes=WINDOW), q, where(k, early, math.nan),
                                      where(v, early, math.nan)),
    "inf in values after all rows": (program(attributes="{causal = #attn.causal<top_left>}"),
                                     q, k, where(v, lambda j: j >= S, math.inf)),
    "NaN in values between sinks and a window": (program(region=SINKS_AND_WINDOW), q, k,
                                                 where(v, lambda j: 4 <= j < 60, math.nan)),
    "NaN in values of padded keys": (program("mask_tensor", tensor(T, type="i1")), q, k,
                                     where(v, padded, math.nan), ("b", (T,), [not padded(j) for j in range(T)])),
    "NaN in 16-bit values of padded keys": (program("mask_tensor", tensor(T, type="i1"), type="f16"), half(q), half(k),
                                            half(where(v, padded, math.nan)),
                                            ("b", (T,), [not padded(j) for j in range(T)])),
    "NaN past kv_len": (program("kv_len", tensor(B, type="i32")), q, where(k, late, math.nan),
                        where(v, late, math.nan), ("i", (B,), [100])),
    "lowest float added": (program(**biased), q, k, v, bias(LOWEST)),
    "lowest floats of two types added": (program(**biased), q, k, v, bias(LOWEST, TWO_LOWEST)),
    "lowest floats of two types, keys split": (program(**biased, attributes=SPLIT), q, k, v,
                                               bias(LOWEST, TWO_LOWEST)),
    "lowest and largest float added": (program(**biased), q, k, v, bias(LOWEST, [
        (i, i % 9, -LOWEST) for i in range(0, S, 3)])),
    "lowest float with a sink": (program(**biased, sink=True), q, k, v, bias(LOWEST),
                                 ("f", (H,), [LOWEST, -1e38])),
    "lowest float with an infinite sink": (program(**biased, sink=True), q, k, v, bias(LOWEST),
                                           ("f", (H,), [-math.inf, 1.0])),
    "lowest float chosen": (program(region=LOWEST_SCORES), q, k, v),
    "merged states": (merge(), q, ("f", (B, H, S), state(1)), k[:len(q)], ("f", (B, H, S), state(7))),
    "three merged states": (merge_three(), q, ("f", (B, H, S), state(1)), k[:len(q)], ("f", (B, H, S), state(3)),
                            v[:len(q)], ("f", (B, H, S), state(9))),
    "-1e5 added": (program(**biased), q, k, v, bias(-1e5)),
    "infinite and NaN scores": (program(**biased), q, k, v, bias(0.0, [
        (3, None, -math.inf), (5, 7, math.inf), (6, 9, math.nan), (8, None, -math.inf), (8, 77, 1.0)])),
    "huge scores": (program(), [x * 1e18 for x in q], [x * 1e18 for x in k], v),
    "negative scale": (program(attributes="{scale_value = -0.7 : f32}"), q, k, v),
    "zero scale": (program(attributes="{scale_value = 0.0 : f32}"), q, k, v),
    "values of one": (program(), q, k, [1.0] * len(v)),
    "values whose sum is huge": (program(attributes="{scale_value = 0.0}"), q, k, [1e36] * len(v)),
    "values whose sum overflows": (program(attributes="{scale_value = 0.0}"), q, k, [3e37] * len(v)),
    "-inf as a mask": (program(region=MINUS_INF_SCORES), q, k, v),
    "-inf under a softcap": (program(attributes="{softcap = 5.0}", region=MINUS_INF_SCORES), q, k, v),
    "rows without keys": (program(region=LATE_ROWS), q, k, v),
    "sink without keys": (program("sink", tensor(H), region=LATE_ROWS), q, k, v,
                          ("f", (H,), [0.5, -math.inf])),
    "random mask tensor": (program("mask_tensor", tensor(S, T, type="i1")), q, k, v,
                           ("b", (S, T), [random.random() < 0.3 for _ in range(S * T)])),
}


def main():
    backend, folder, *rest = sys.argv[1:]
    settings = [x for x in rest if x.startswith("--")]
    words = [x for x in rest if not x.startswith("--")]
    os.makedirs(folder, exist_ok=True)
    failed = 0

    def run(text, inputs, *flags):
        source = os.path.join(folder, "case.mlir")
        with open(source, "w") as file:
            file.write(text)
        program = os.environ.get("ATTN_RUN", "attn-run").split()
        command = [*program, source, "--backend=" + backend, *settings, *flags]
        shapes = {B * H * S * D: (B, H, S, D), B * H * T * D: (B, H, T, D)}
        for number, data in enumerate(inputs):
            path = os.path.join(folder, f"{number}.npy")
            save(path, *(data if isinstance(data, tuple) else ("f", shapes[len(data)], data)))
            command.append("--input=" + path)
        return subprocess.run(command, capture_output=True, text=True)

    for name, (text, *inputs) in CASES.items():
        if words and not any(word in name for word in words):
            continue
        # Rule 16.
        if name == "infinite and NaN scores" and not backend.startswith("cpu"):
            continue
        result = run(text, inputs, "--check=reference")
        print(f"{name}: {'ok' if result.returncode == 0 else 'FAILED'}")
        if result.returncode:
            failed = 1
            print(result.stdout + result.stderr)

    bits = []
    for threads in (1, 2, 3):
        path = os.path.join(folder, "o.npy")
        run(program(attributes="{causal = #attn.causal<bottom_right>, softcap = 5.0 : f32}"),
            [q, k, v], f"--threads={threads}", "--output=" + path)
        with open(path, "rb") as file:
            bits.append(file.read())
    same = bits[0] == bits[1] == bits[2]
    print(f"the same bits on 1, 2 and 3 threads: {'ok' if same else 'FAILED'}")
    return failed or not same


if __name__ == "__main__":
    sys.exit(main())
