# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long the compiler takes from MLIR text to an artifact with WGSL.

  compile_time.py ATTN_COMPILE [--rounds N]

Processor time, the least of N runs, without what the program takes to start
(--version). Rows go to bench/results/webgpu.json; the goal is 40 ms."""

import argparse
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from rows import load_average, processor, processor_milliseconds, replace_rows, time_row  # noqa: E402

GOAL = 40
WORKS = [
    ("plain f32 d64", "f32", 64, ""),
    ("causal f32 d64", "f32", 64, "causal = #attn.causal<bottom_right>"),
    ("causal f16 d128, window and softcap", "f16", 128,
     "causal = #attn.causal<bottom_right>, window = #attn.window<left = 255>, softcap = 30.0 : f32"),
]


def program(tensor, options=""):
    """Attention on operands of this type."""
    attributes = f" {{{options}}}" if options else ""
    return f"""func.func @f(%q: {tensor}, %k: {tensor}, %v: {tensor}, %o: {tensor}) -> {tensor} {{
  %r = attn.attention ins(%q, %k, %v : {tensor}, {tensor}, {tensor}) outs(%o : {tensor}){attributes} -> {tensor}
  return %r : {tensor}
}}
"""


def least(command, rounds):
    times = [processor_milliseconds(command) for _ in range(rounds)]
    if None in times:
        sys.exit(f"fails: {command}")
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    command = f"bench/webgpu/compile_time.py ATTN_COMPILE --rounds {arguments.rounds}, {load_average()}"
    start = least([arguments.compiler, "--version"], arguments.rounds)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, element, size, options in WORKS:
            source = pathlib.Path(folder) / "f.mlir"
            source.write_text(program(f"tensor<?x8x?x{size}x{element}>", options), encoding="utf-8")
            run = [arguments.compiler, source, "--target=wgsl:webgpu", "-o", pathlib.Path(folder) / "f.attn"]
            ours = least(run, arguments.rounds) - start
            rows.append(time_row(f"text to WGSL, {name}", "ms of processor time", round(ours, 1), GOAL, "goal", 1.0,
                                 processor(), command))
    replace_rows(ROOT / "bench/results/webgpu.json", rows)
    for row in rows:
        print(f"{row['work']}: {row['ours']} ms")


if __name__ == "__main__":
    main()
