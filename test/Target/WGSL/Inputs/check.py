"""Compiles attention variants to WGSL, runs them and compares with float64.

Every case goes through the whole pipeline from attn.attention. Arguments:
attn-opt, attn-translate, the directory that holds npm's webgpu, and the cases
to run (default: all)."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

opt, translate, modules = sys.argv[1:4]
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
CAUSAL = "causal = #attn.causal<%s>"
CASES = {
    # name: ((B, H, Hkv, Sq, Skv, Dk, Dv), attributes, regions, tables, tiles, options)
    "plain": ((1, 2, 2, 40, 70, 32, 32), "", "", [], (16, 32), ""),
    "causal_gqa": ((2, 4, 2, 50, 50, 32, 16), CAUSAL % "top_left", "", [], (32, 32), ""),
    "odd": ((1, 3, 1, 21, 45, 19, 7), CAUSAL % "bottom_right", "", [], (16, 16), ""),
    "empty_rows": ((1, 2, 2, 60, 20, 16, 16), CAUSAL % "bottom_right", "", [], (32, 16), ""),
    "window_softcap": ((1, 2, 2, 70, 70, 16, 16),
                       CAUSAL % "top_left" + ", window = #attn.window<left = 20>, softcap = 5.0 : f32",
                       "", [], (16, 16), ""),
    "lanes": ((1, 2, 2, 20, 50, 64, 64), CAUSAL % "bottom_right", "", [], (8, 16), "threads=32"),
    "direct": ((1, 1, 1, 20, 40, 160, 160), "", "", [], (32, 32), ""),
    "region": ((1, 4, 2, 40, 40, 24, 24), "", REGION, [(4, 128)], (16, 16), ""),
    # Keys and values in pages of 8 rows, lengths a batch, a sink a head.
    "paged": ((2, 4, 2, 20, 48, 16, 16), CAUSAL % "bottom_right", "", [(2,), (2, 6), (4,)], (16, 16), ""),
    "table": ((1, 1, 1, 20, 64, 16, 16), "", TABLE, [(64,)], (16, 16), ""),
    # Six parts of the keys of packed heads, combined by a second launch.
    "split": ((1, 4, 2, 3, 200, 24, 96),
              CAUSAL % "bottom_right" + ", attn.schedule = #attn.schedule<tile_m = 16, tile_n = 16, workers = 12>",
              "", [], (16, 16), ""),
}


PAGED = "kv_len(%t0 : memref<2xi32>) page_table(%t1 : memref<2x6xi32>) sink(%t2 : memref<4xf32>)"
LENGTHS = [37, 5]


def memref(shape, element="f32"):
    return "memref<" + "x".join(map(str, shape)) + f"x{element}>"


def run(command, text=None):
    return subprocess.run(command, input=text, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


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
    if name == "table":
        s = s + tables[0]
        keep = keep & (tables[0] != -np.inf)
        s = np.maximum(s, -(2.0**126))
    s = np.where(keep, s, -np.inf)
    m = s.max(-1, keepdims=True)
    m[m == -np.inf] = 0
    if name == "paged":
        sink = tables[2][:, None, None]
        m = np.where((s == -np.inf).all(-1, keepdims=True), sink, m)
    p = np.exp(s - m)
    l = p.sum(-1, keepdims=True)
    if name == "paged":
        l = l + np.exp(sink - m)
    with np.errstate(divide="ignore", invalid="ignore"):
        o = np.where(l > 0, p @ v / l, 0)
        lse = np.where(l > 0, m + np.log(l), -np.inf)[..., 0]
    return o, lse


def check(name, folder):
    (b, h, hkv, sq, skv, dk, dv), attributes, regions, tables, tiles, options = CASES[name]
    shapes = [(b, h, sq, dk), (b, hkv, skv, dk), (b, hkv, skv, dv), (b, h, sq, dv), (b, h, sq)]
    if name == "paged":
        shapes[1:3] = [(15, hkv, 8, dk), (15, hkv, 8, dv)]
    names = ["q", "k", "v", "o", "lse"] + [f"t{n}" for n in range(len(tables))]
    types = [memref(s) for s in shapes + tables]
    captures = ""
    if name == "paged":
        types[5:7] = [memref(t, "i32") for t in tables[:2]]
        captures = PAGED
    elif tables:
        captures = f"captures({', '.join('%' + n for n in names[5:])} : {', '.join(types[5:])})"
    text = f"""
func.func @{name}({', '.join(f'%{n}: {t}' for n, t in zip(names, types))}) {{
  attn.attention ins(%q, %k, %v : {', '.join(types[:3])}) {captures}
      outs(%o, %lse : {', '.join(types[3:5])}) {{{attributes}}} {regions}
  return
}}"""
    host = run([opt, "-", "--attn-expand-sugar", "--attn-simplify-regions",
                f"--attn-tile=tile-m={tiles[0]} tile-n={tiles[1]} row-multiple=1",
                "--attn-fuse-online-softmax", "--attn-outline-kernels", "--canonicalize"], text)
    kernel = run([opt, "-", f"--attn-to-wgsl={options}", "--mlir-print-debuginfo"], host)
    wgsl = os.path.join(folder, f"{name}.wgsl")
    run([translate, "--kernels-to-wgsl", "-o", wgsl, "-"], kernel)

    # Static shapes leave pointers only; their order is that of the launch.
    launches = re.findall(r"tile\.launch @(\S+) grid ?\[(.*?)\] ?\((.*?)\) :", host)
    constants = dict(re.findall(r"(%\S+) = arith.constant (\d+) : index", host))
    place = {f"%arg{n}": n for n in range(len(names))}
    temporaries = re.findall(r"(%\S+) = memref.alloc\(\).* : memref<(\S+)xf32>", host)
    for n, (alloc, _) in enumerate(temporaries):
        place[alloc] = len(names) + n
    for view, source in re.findall(r"(%\S+) = memref.transpose (%\S+) ", host):
        place[view] = place[source]

    rng = np.random.default_rng(7)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes + tables]
    if name == "table":
        arrays[5][:] = np.finfo(np.float32).min
        arrays[5][::3] = -np.inf
    if name == "paged":
        arrays[5] = np.array(LENGTHS, np.int32)
        arrays[6] = rng.permutation(15)[:12].reshape(2, 6).astype(np.int32)
    arrays[3][:] = arrays[4][:] = np.nan
    buffers = arrays + [np.full(tuple(map(int, shape.split("x"))), np.nan, np.float32)
                        for _, shape in temporaries]
    files = [os.path.join(folder, f"{name}.{n}.bin") for n in range(len(buffers))]
    for file, array in zip(files, buffers):
        array.tofile(file)
    for entry, extents, operands in launches:
        grid = [int(constants[x.strip()]) for x in extents.split(",")]
        order = [place[x.strip()] for x in operands.split(",")]
        job = os.path.join(folder, f"{name}.json")
        with open(job, "w") as f:
            json.dump({"modules": modules, "shader": wgsl, "entry": entry,
                       "grid": grid[::-1], "params": [],
                       "buffers": [{"file": files[k], "write": k in (3, 4) or k >= len(names)}
                                   for k in order]}, f)
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
    results = [check(name, folder) for name in sys.argv[4:] or CASES]
sys.exit(not all(results))
