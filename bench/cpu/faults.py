#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What once made CPU kernels slow, measured again: tiles of 64 rows where there
is one query, weights that are no normal numbers, problems smaller than a tile.
One thread, the two programs of a row in turns, the least time of each.

usage: bench/cpu/faults.py [--build=build] [--turns=5] [-o bench/results/faults-cpu.json]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from rows import load_average, processor, time_row, write_rows  # noqa: E402

DATA = ROOT / "bench/cpu/data-dependence.mlir"
DECODING = """!q = tensor<1x{heads}x1x{size}x{type}>
!k = tensor<1x8x{keys}x{size}x{type}>
func.func @decode(%q: !q, %k: !k, %v: !k, %o: !q) -> !q {{
  %r = attn.attention ins(%q, %k, %v : !q, !k, !k) outs(%o : !q) -> !q
  return %r : !q
}}
"""


def measure(build, file, options):
    """The least ms of a launch, and of standard attention."""
    command = [f"{build}/bin/attn-run", file, "--backend=cpu", "--threads=1", "--bench", "--report=json", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    bench = json.loads(run.stdout)["bench"]
    return bench["min_ms"], bench["standard"]["min_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    rows = []

    def add(work, ours, peer, peer_name):
        turns = [(measure(options.build, *ours), measure(options.build, *peer)) for _ in range(options.turns)]
        ms = min(our for (our, _), _ in turns)
        # Standard attention is measured beside ours.
        other = min((standard if peer == ours else least) for _, (least, standard) in turns)
        rows.append(time_row(f"{work}, 1 thread", "ms", round(ms, 3), round(other, 3), peer_name, None, processor(),
                             f"bench/cpu/faults.py, {load_average()}"))
        print(work, rows[-1]["ours"], peer_name, rows[-1]["peer"], rows[-1]["ratio"], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for kind, heads, keys, size in (("bf16", 32, 4096, 128), ("f16", 32, 4096, 128), ("f32", 32, 4096, 128),
                                        ("f32", 8, 8192, 64)):
            file = pathlib.Path(folder, f"{kind}-{size}.mlir")
            file.write_text(DECODING.format(heads=heads, keys=keys, size=size, type=kind), encoding="utf-8")
            add(f"decoding, {kind} 1x{heads}x1x{keys}x{size} (8 key heads)", (file, ["--random="]),
                (file, ["--random=", "--tile-m=64"]), "tiles of 64 rows")
    shape = "--random=B=1,Hq=4,Hkv=1,Sq=1024,Skv=1024"
    add("f32 1x4x1024x64 (1 key head), causal, linear bias with weights far below 2^-126",
        (DATA, ["--entry=steep", shape]), (DATA, ["--entry=flat", shape]), "with ordinary weights")
    for keys in (64, 144):
        short = (DATA, ["--entry=short", f"--random=B=2000,Sq=64,Skv={keys}"])
        add(f"f32 2000 problems of 64 x {keys}", short, short, "standard attention")
    decode = (DATA, ["--entry=decode", "--random=B=1,Hq=8,Hkv=1,Sq=1,Skv=100000"])
    add("f32 decoding, one query, 8 heads, 1 key head, 100000 keys", decode, decode, "standard attention")
    if options.output:
        write_rows(options.output, rows)


if __name__ == "__main__":
    main()
