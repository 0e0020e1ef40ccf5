# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the examples through attn-run and prints a table: each is compiled,
checked against the float64 reference and timed beside standard attention, which
stores its scores. Fails if one differs from the reference.
"""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def dense(queries, keys):
    return queries * keys


def causal(queries, keys):
    return sum(keys - queries + i + 1 for i in range(queries))


def window(queries, keys, width=256):
    return sum(min(i + 1, width) for i in range(queries))


# File, sizes, what it shows, query heads, Dk + Dv, attended pairs a head.
EXAMPLES = [
    ("plain", (1, 1024, 1024), "plain, f32", 8, 128, dense),
    ("causal", (1, 1024, 1024), "causal, GQA 4:1, f32", 8, 128, causal),
    ("causal_bf16", (1, 1024, 1024), "causal, GQA 4:1, bf16", 8, 256, causal),
    ("window_alibi", (1, 2048, 2048), "own regions: window + ALiBi, f32", 8, 128, window),
]


def run(name, sizes):
    """The report of attn-run, or its diagnostics as a string."""
    batch, queries, keys = sizes
    command = [os.path.join(ROOT, "build/bin/attn-run"),
               os.path.join(ROOT, "examples", name + ".mlir"),
               f"--random=B={batch},Sq={queries},Skv={keys}",
               "--check=reference", "--bench=5", "--report=json"]
    result = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(result.stdout), ""
    except json.JSONDecodeError:
        return None, result.stderr.strip()


def size_text(count):
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            break
        count /= 1024
    else:
        unit = "GiB"
    return f"{count:.0f} {unit}"


def main():
    columns = [("shape of o", 16), ("variant", 33), ("target", 17), ("max error", 10),
               ("allowed", 9), ("ms", 8), ("GFLOP/s", 9), ("x standard", 12),
               ("memory", 9), ("standard's", 12)]
    print("".join(f"{title:>{width}}" if n > 2 else f"{title:<{width}}"
                  for n, (title, width) in enumerate(columns)), flush=True)
    failed = False
    for name, sizes, variant, heads, widths, pairs in EXAMPLES:
        report, message = run(name, sizes)
        if report is None:
            failed = True
            print(f"{name}: {message}", flush=True)
            continue
        output, bench, compiled = report["outputs"][0], report["bench"], report["compile"]
        check = output["reference"]
        failed |= not report["passed"]
        ms = bench["median_ms"]
        tiles = compiled["tile_bytes"] * len(os.sched_getaffinity(0))
        flops = 2 * sizes[0] * heads * widths * pairs(sizes[1], sizes[2])
        cells = [output["type"].rsplit("x", 1)[0], variant,
                 f"{compiled['chip'][:11]}/{compiled['vector_bits']}",
                 f"{check['max_error']:.1e}" if "max_error" in check else "inf",
                 f"{check['bound']:.1e}", f"{ms:.2f}", f"{flops / ms * 1e-6:.1f}",
                 f"{bench['standard']['median_ms'] / ms:.2f}",
                 size_text(bench["temporary_bytes"] + tiles),
                 size_text(bench["standard"]["temporary_bytes"] + tiles)]
        print("".join(f"{cell:>{width}}" if n > 2 else f"{cell:<{width}}"
                      for n, (cell, (_, width)) in enumerate(zip(cells, columns)))
              + ("" if report["passed"] else "  WRONG"), flush=True)
    print("""
max error, allowed   against the float64 reference, by rule 20 of docs/semantics.md
GFLOP/s              of attended pairs of query and key only
x standard           how many times faster than attention that stores its scores
memory, standard's   temporaries and the tiles of all threads""")
    return 1 if failed else 0


sys.exit(main())
