# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles attention variants to artifacts of WGSL, runs them and compares with
float64.

Arguments: attn-compile, the directory that holds npm's webgpu, and the cases to
run (default: all)."""

import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

compiler, modules = sys.argv[1:3]
here = os.path.dirname(os.path.abspath(__file__))

REGION = """
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<4x128xf32>) {
        %d = arith.subi %i, %j : index
        %x = memref.load %t[%h, %d] : memref<4x128xf32>
        %e = math.sin %x : f32
        %f = math.tanh %e : f32
        %g = math.exp %f : f32
        %r = arith.addf %s, %g : f32
        attn.yield %r : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<4x128xf32>) {
        %c3 = arith.constant 3 : index
        %c0 = arith.constant 0 : index
        %d = arith.subi %i, %j : index
        %m = arith.remsi %d, %c3 : index
        %k1 = arith.cmpi eq, %m, %c0 : index
        %k2 = arith.cmpi sge, %i, %j : index
        %keep = arith.andi %k1, %k2 : i1
        attn.yield %keep : i1
      }"""
# A table with -inf entries (rule 14) and with the lowest finite float, which
# is clamped (rule 15).
TABLE = """
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<64xf32>) {
        %x = memref.load %t[%j] : memref<64xf32>
        %r = arith.addf %s, %x : f32
        attn.yield %r : f32
      }"""
# Integers of 8 and 16 bits wrap; relations stand side by side in a call; i64 is
# narrowed when bound, bf16 widened where it is read.
INTEGERS = """
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<64xi8>, %u: memref<64xi32>, %ids: memref<40xi64>, %w: memref<64xbf16>) {
        %c1 = arith.constant 1 : i8
        %c7 = arith.constant 7 : i8
        %x = memref.load %t[%j] : memref<64xi8>
        %x7 = arith.muli %x, %c7 : i8
        %x8 = arith.addi %x7, %x : i8
        %half = arith.shrui %x8, %c1 : i8
        %wide = arith.extui %x8 : i8 to i32
        %low = arith.extsi %half : i8 to i32
        %sum = arith.addi %wide, %low : i32
        %a = arith.sitofp %sum : i32 to f32
        %y32 = memref.load %u[%j] : memref<64xi32>
        %y = arith.trunci %y32 : i32 to i16
        %yy = arith.muli %y, %y : i16
        %c = arith.uitofp %yy : i16 to f32
        %z = memref.load %w[%j] : memref<64xbf16>
        %d = arith.extf %z : bf16 to f32
        %ka = arith.constant 0.0078125 : f32
        %kc = arith.constant 0.000030517578125 : f32
        %sa = arith.mulf %a, %ka : f32
        %sc = arith.mulf %c, %kc : f32
        %r1 = arith.addf %s, %sa : f32
        %r2 = arith.addf %r1, %sc : f32
        %r3 = arith.addf %r2, %d : f32
        attn.yield %r3 : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<64xi8>, %u: memref<64xi32>, %ids: memref<40xi64>, %w: memref<64xbf16>) {
        %c5 = arith.constant 5 : i64
        %c30 = arith.constant 30 : index
        %id = memref.load %ids[%i] : memref<40xi64>
        %key = arith.index_cast %j : index to i64
        %before = arith.cmpi slt, %id, %key : i64
        %late = arith.cmpi sgt, %id, %c5 : i64
        %early = arith.cmpi slt, %j, %c30 : index
        %keep = arith.select %before, %late, %early : i1
        attn.yield %keep : i1
      }"""
# What needs 64 bits has them: products, quotients, shifts and indices.
WIDE = """
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<64xi64>) {
        %c7 = arith.constant 7 : i64
        %c16 = arith.constant 16 : i64
        %c33 = arith.constant 33 : i64
        %large = arith.constant 3000000007 : i64
        %id = memref.load %t[%j] : memref<64xi64>
        %product = arith.muli %id, %large : i64
        %quotient = arith.divsi %product, %c7 : i64
        %high = arith.shrsi %quotient, %c33 : i64
        %rest = arith.remsi %high, %c16 : i64
        %x = arith.sitofp %rest : i64 to f32
        %part = arith.constant 0.0625 : f32
        %y = arith.mulf %x, %part : f32
        %r = arith.addf %s, %y : f32
        attn.yield %r : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<64xi64>) {
        %factor = arith.constant 100000000 : index
        %offset = arith.constant 3000000000 : index
        %id = memref.load %t[%j] : memref<64xi64>
        %at = arith.index_cast %id : i64 to index
        %far = arith.addi %at, %offset : index
        %key = arith.muli %j, %factor : index
        %keep = arith.cmpi slt, %key, %far : index
        attn.yield %keep : i1
      }"""
CAUSAL = "causal = #attn.causal<%s>"
CASES = {
    # name: ((B, H, Hkv, Sq, Skv, Dk, Dv), attributes, regions, tables, tiles)
    # A table is a shape of f32, or a shape and a type.
    "plain": ((1, 2, 2, 40, 70, 32, 32), "", "", [], (16, 32)),
    "causal_gqa": ((2, 4, 2, 50, 50, 32, 16), CAUSAL % "top_left", "", [], (32, 32)),
    "odd": ((1, 3, 1, 21, 45, 19, 7), CAUSAL % "bottom_right", "", [], (16, 16)),
    "empty_rows": ((1, 2, 2, 60, 20, 16, 16), CAUSAL % "bottom_right", "", [], (32, 16)),
    "window_softcap": ((1, 2, 2, 70, 70, 16, 16),
                       CAUSAL % "top_left" + ", window = #attn.window<left = 20>, softcap = 5.0 : f32",
                       "", [], (16, 16)),
    "lanes": ((1, 2, 2, 20, 50, 64, 64), CAUSAL % "bottom_right", "", [], (8, 16)),
    "direct": ((1, 1, 1, 20, 40, 160, 160), "", "", [], (32, 32)),
    "region": ((1, 4, 2, 40, 40, 24, 24), "", REGION, [(4, 128)], (16, 16)),
    # Keys and values in pages of 8 rows, lengths a batch, a sink a head.
    "paged": ((2, 4, 2, 20, 48, 16, 16), CAUSAL % "bottom_right", "", [((2,), "i32"), ((2, 6), "i32"), (4,)], (16, 16)),
    "table": ((1, 1, 1, 20, 64, 16, 16), "", TABLE, [(64,)], (16, 16)),
    "integers": ((1, 2, 2, 40, 64, 16, 16), "", INTEGERS,
                 [((64,), "i8"), ((64,), "i32"), ((40,), "i64"), ((64,), "bf16")], (16, 16)),
    "wide": ((1, 2, 2, 40, 64, 16, 16), "", WIDE, [((64,), "i64")], (16, 16)),
    # Documents by 64-bit ids, summarised a tile by another kernel.
    "segments": ((2, 2, 2, 40, 64, 16, 16), "", "", [((2, 40), "i64"), ((2, 64), "i64")], (16, 16)),
    "converted": ((1, 4, 2, 40, 64, 16, 16), CAUSAL % "bottom_right", "",
                  [((4,), "bf16"), ((64,), "bf16"), ((40, 64), "i8"), ((4,), "bf16")], (16, 16)),
    # Six parts of the keys of packed heads, combined by a second launch.
    "split": ((1, 4, 2, 3, 200, 24, 96),
              CAUSAL % "bottom_right" + ", attn.schedule = #attn.schedule<tile_m = 16, tile_n = 16, workers = 12>",
              "", [], (16, 16)),
}


CLAUSES = {
    "paged": "kv_len(%t0 : memref<2xi32>) page_table(%t1 : memref<2x6xi32>) sink(%t2 : memref<4xf32>)",
    "segments": "segments(%t0, %t1 : memref<2x40xi64>, memref<2x64xi64>)",
    "converted": "alibi(%t0 : memref<4xbf16>) bias(%t1 : memref<64xbf16>) mask_tensor(%t2 : memref<40x64xi8>) "
                 "sink(%t3 : memref<4xbf16>)",
}
# What a launcher is given: bf16 by its bits.
BOUND = {"f32": np.float32, "i1": np.bool_, "i8": np.int8, "i32": np.int32,
         "i64": np.int64, "bf16": np.uint16}
LENGTHS = [37, 5]


def memref(shape, element="f32"):
    return "memref<" + "x".join(map(str, shape)) + f"x{element}>"


def widen(bits):
    """bf16 as f32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def run(command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def gather(pool, pages):
    """The sequences [B, H, S, D] behind pages [P, H, 8, D]."""
    return np.stack([np.concatenate(list(pool[row]), axis=1) for row in pages])


def reference(name, arrays, attributes):
    if name == "paged":
        arrays = [arrays[0], *(gather(a, arrays[4]) for a in arrays[1:3]), *arrays[3:]]
    q, k, v, *tables = (a.astype(np.float64) for a in arrays)
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    s = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    i, j = np.ogrid[: s.shape[-2], : s.shape[-1]]
    position = i + (s.shape[-1] - s.shape[-2] if "bottom_right" in attributes else 0)
    keep = np.ones(s.shape[-2:], bool)
    if "causal" in attributes:
        keep &= j <= position
    if name == "paged":
        lengths = np.array(LENGTHS)[:, None, None, None]
        keep = (j < lengths) & (j <= i + lengths - s.shape[-2])
    if "window" in attributes:
        keep &= j >= position - 20
    if "softcap" in attributes:
        s = 5 * np.tanh(s / 5)
    if name == "region":
        s = s + np.exp(np.tanh(np.sin(tables[0][:, np.clip(i - j, 0, 127)])))
        keep = (i >= j) & ((i - j) % 3 == 0)
    if name == "integers":
        x = tables[0].astype(np.int8)
        x8 = x * np.int8(7) + x
        half = (x8.view(np.uint8) >> 1).astype(np.int32)
        y = tables[1].astype(np.int16)
        s = s + (x8.view(np.uint8) + half) / 128 + (y * y).view(np.uint16) / 32768 + widen(tables[3].astype(np.uint16))
        ids = tables[2][:, None]
        keep = np.where(ids < j, ids > 5, j < 30)
    if name == "wide":
        ids = tables[0].astype(np.int64)
        product = ids * 3000000007
        high = (np.sign(product) * (np.abs(product) // 7)) >> 33
        s = s + np.sign(high) * (np.abs(high) % 16) / 16
        keep = np.broadcast_to(j * 100000000 < ids + 3000000000, keep.shape)
    if name == "segments":
        keep = (tables[0][:, :, None] == tables[1][:, None, :])[:, None]
    if name == "converted":
        slopes, bias, sinks = (widen(t.astype(np.uint16)) for t in (tables[0], tables[1], tables[3]))
        s = s - slopes[:, None, None] * np.abs(position - j) + bias
        keep = keep & (tables[2] != 0)
    if name == "table":
        s = s + tables[0]
        keep = keep & (tables[0] != -np.inf)
        s = np.maximum(s, -(2.0**126))
    s = np.where(keep, s, -np.inf)
    m = s.max(-1, keepdims=True)
    m[m == -np.inf] = 0
    sink = {"paged": lambda: tables[2], "converted": lambda: sinks}.get(name)
    if sink:
        sink = sink()[:, None, None]
        m = np.where((s == -np.inf).all(-1, keepdims=True), sink, m)
    p = np.exp(s - m)
    l = p.sum(-1, keepdims=True)
    if sink is not None:
        l = l + np.exp(sink - m)
    with np.errstate(divide="ignore", invalid="ignore"):
        o = np.where(l > 0, p @ v / l, 0)
        lse = np.where(l > 0, m + np.log(l), -np.inf)[..., 0]
    return o, lse


def check(name, folder):
    (b, h, hkv, sq, skv, dk, dv), attributes, regions, tables, tiles = CASES[name]
    shapes = [(b, h, sq, dk), (b, hkv, skv, dk), (b, hkv, skv, dv), (b, h, sq, dv), (b, h, sq)]
    if name == "paged":
        shapes[1:3] = [(15, hkv, 8, dk), (15, hkv, 8, dv)]
    names = ["q", "k", "v", "o", "lse"] + [f"t{n}" for n in range(len(tables))]
    tables = [table if isinstance(table[0], tuple) else (table, "f32") for table in tables]
    types = [memref(s) for s in shapes] + [memref(*table) for table in tables]
    captures = CLAUSES.get(name, "")
    if tables and not captures:
        captures = f"captures({', '.join('%' + n for n in names[5:])} : {', '.join(types[5:])})"
    text = f"""
func.func @{name}({', '.join(f'%{n}: {t}' for n, t in zip(names, types))}) {{
  attn.attention ins(%q, %k, %v : {', '.join(types[:3])}) {captures}
      outs(%o, %lse : {', '.join(types[3:5])}) {{{attributes}}} {regions}
  return
}}"""
    source = os.path.join(folder, f"{name}.mlir")
    with open(source, "w") as f:
        f.write(text)
    artifact = os.path.join(folder, f"{name}.attn")
    # Summaries and tables are buffers, too: more than the 8 that every device has.
    run([compiler, source, "--target=wgsl", "--chip=webgpu-desktop", f"--tile-m={tiles[0]}", f"--tile-n={tiles[1]}",
         "-o", artifact])

    rng = np.random.default_rng(7)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    for shape, element in tables:
        values = rng.standard_normal(shape).astype(np.float32)
        if element == "bf16":
            values = values.view(np.uint32) >> 16
        elif element != "f32":
            values = rng.integers(-100, 100, shape)
        arrays.append(values.astype(BOUND[element]))
    if name == "integers":
        arrays[7] = rng.integers(0, 60, 40)
    if name == "wide":
        arrays[5] = rng.integers(-(2**31), 2**31, 64)
    if name == "segments":
        arrays[5:7] = [np.sort(rng.integers(-2, 2, shape)) for shape, _ in tables]
    if name == "converted":
        arrays[7] = rng.choice([0, 1, -1], (40, 64)).astype(np.int8)
    if name == "table":
        arrays[5][:] = np.finfo(np.float32).min
        arrays[5][::3] = -np.inf
    if name == "paged":
        arrays[5] = np.array(LENGTHS, np.int32)
        arrays[6] = rng.permutation(15)[:12].reshape(2, 6).astype(np.int32)
    arrays[3][:] = arrays[4][:] = np.nan
    files = [os.path.join(folder, f"{name}.{n}.bin") for n in range(len(arrays))]
    for file, array in zip(files, arrays):
        array.tofile(file)
    job = os.path.join(folder, f"{name}.json")
    with open(job, "w") as f:
        json.dump({"modules": modules, "artifact": artifact,
                   "arguments": [{"file": file, "shape": array.shape} for file, array in zip(files, arrays)]}, f)
    device = run(["node", os.path.join(here, "run.mjs"), job]).strip()
    o = np.fromfile(files[3], np.float32).reshape(shapes[3])
    lse = np.fromfile(files[4], np.float32).reshape(shapes[4])

    inputs = arrays[:3] + arrays[5:]
    expected, expected_lse = reference(name, inputs, attributes)
    # WGSL's exp2 may be wrong by 3 + 2 |x| ULP; everything else is f32.
    error = np.abs(o - expected).max()
    finite = np.isfinite(expected_lse)
    lse_error = (np.abs(lse[finite] - expected_lse[finite])
                 / np.maximum(1, np.abs(expected_lse[finite]))).max(initial=0)
    fine = error <= 4e-6 and lse_error <= 1e-5 and np.array_equal(lse[~finite], expected_lse[~finite])
    print(f"{'ok' if fine else 'FAILED'} {name}: o {error:.1e}, lse {lse_error:.1e} on {device}")
    return fine


with tempfile.TemporaryDirectory() as folder:
    results = [check(name, folder) for name in sys.argv[3:] or CASES]
sys.exit(not all(results))
