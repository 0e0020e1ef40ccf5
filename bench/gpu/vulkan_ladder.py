# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What passes and choices of matrix kernels for Vulkan buy: f16, 4096 keys.

  vulkan_ladder.py make BUILD FOLDER
      artifacts of attention lowered without some passes, where a compiler is
  vulkan_ladder.py run FOLDER ATTN_TIME [--rounds N] [--device NAME]
      TFLOP/s of all, in turns, on a machine with a device; the median of rounds

A rung is the chip, passes that are left out, and query rows and keys of a tile.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess

from cases import SOURCES

MATRIX, MAP = "vulkan-matrix", "vulkan-matrix-map"
SPLIT, PREFETCH, LAZY, DEFER = "tile-split-loops", "tile-prefetch-loads", "tile-lazy-maxima", "tile-defer-sums"
RUNGS = {
    "fragments, maxima and sums each tile": (MATRIX, (SPLIT, PREFETCH, LAZY, DEFER), ()),
    "and " + DEFER: (MATRIX, (SPLIT, PREFETCH, LAZY), ()),
    "and " + LAZY: (MATRIX, (SPLIT, PREFETCH), ()),
    "and " + PREFETCH: (MATRIX, (SPLIT,), ()),
    "and scores to factors by element (" + MAP + ")": (MAP, (SPLIT,), ()),
    "and " + SPLIT + " (all)": (MAP, (), ()),
    "all without " + PREFETCH: (MAP, (PREFETCH,), ()),
    "all without " + LAZY: (MAP, (LAZY,), ()),
    "all, the portable form (" + MATRIX + ")": (MATRIX, (), ()),
    "all, tiles of 128 x 32": (MAP, (), (128, 32)),
    "all, tiles of 64 x 64": (MAP, (), (64, 64)),
}
WORK = {"d128": (16, 128, 1.0), "d128-causal": (16, 128, 0.5), "d64": (32, 64, 1.0)}
# What stands in a printed pipeline and cannot be read back: what it runs on such kernels.
PREPARE = ", ".join(["tile-sink-scale", "tile-contract-exp2", DEFER, LAZY])
FOLD = ('canonicalize{max-iterations=1 region-simplify=disabled '
        'disable-patterns="(anonymous namespace)::ForallOpSingleOrZeroIterationDimsFolder"}')
CLEAN, HOIST = f"{FOLD}, cse", "loop-invariant-code-motion"
KEYS = 4096


def lower(build, source, artifact, chip, without, tile):
    """Runs the pipeline of the chip but for these passes."""
    sizes = f" tile-m={tile[0]} tile-n={tile[1]}" if tile else ""
    said = subprocess.run([build / "attn-opt", source, f"--attn-to-vulkan=chip={chip}{sizes}", "--dump-pass-pipeline",
                           "-o", "/dev/null"], check=True, capture_output=True, text=True).stderr
    pipeline = said[said.index("builtin.module("):].replace("unknown<PrepareMatrices>", PREPARE)
    expand = r"tile-expand-math\S*( \S+)?,\s*"
    pipeline = re.sub(rf"unknown<EmulateFloats>,\s*({expand})clean-up", rf"\1{CLEAN}, {HOIST}", pipeline)
    assert HOIST in pipeline, "not the pipeline of kernels for Vulkan"
    pipeline = pipeline.replace("clean-up", CLEAN)
    for name in without:
        pipeline, count = re.subn(rf"\b{name}\b(\{{[^}}]*\}})?(, )?", "", pipeline)
        assert count == 1, f"{name}: {count} times"
    pipeline = re.sub(r",(\s*),", r",\1", re.sub(r"func\.func\(\s*\),", "", re.sub(r",(\s*\))", r"\1", pipeline)))
    lowered = subprocess.run([build / "attn-opt", source, "--pass-pipeline=" + pipeline.strip()], check=True,
                             stdout=subprocess.PIPE).stdout
    subprocess.run([build / "attn-translate", "--program-to-artifact", "-o", artifact], check=True, input=lowered)


def make(args):
    build = args.build / "bin"
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in WORK:
        source = args.folder / f"{name}.mlir"
        source.write_text(SOURCES[name].replace("bf16", "f16"))
        for number, (chip, without, tile) in enumerate(RUNGS.values()):
            lower(build, source, args.folder / f"{name}-{number}.attn", chip, without, tile)


def measure(args, name, number):
    heads, head, fraction = WORK[name]
    shape = f"1x{heads}x{KEYS}x{head}"
    flops = 4 * heads * KEYS * KEYS * head * fraction
    run = subprocess.run([args.attn_time, "--backend=vulkan", *([f"--device={args.device}"] if args.device else []),
                          f"--flops={flops:.0f}", "--seconds=0.2", args.folder / f"{name}-{number}.attn",
                          shape, shape, shape, shape, f"1x{heads}x{KEYS}"], capture_output=True, text=True)
    return json.loads(run.stdout)["tflops"] if run.returncode == 0 else None


def run(args):
    rates = {}
    for _ in range(args.rounds):
        for number in range(len(RUNGS)):
            for name in WORK:
                rates.setdefault((number, name), []).append(measure(args, name, number))
    print("| |", " | ".join(WORK), "|\n|" + "---|" * (len(WORK) + 1))
    for number, rung in enumerate(RUNGS):
        found = [[rate for rate in rates[number, name] if rate] for name in WORK]
        print(f"| {rung} |", " | ".join(f"{statistics.median(f):.0f}" if f else "-" for f in found), "|", flush=True)


def main():
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(required=True)
    maker = modes.add_parser("make")
    maker.add_argument("build", type=pathlib.Path)
    maker.add_argument("folder", type=pathlib.Path)
    maker.set_defaults(mode=make)
    runner = modes.add_parser("run")
    runner.add_argument("folder", type=pathlib.Path)
    runner.add_argument("attn_time")
    runner.add_argument("--rounds", type=int, default=3)
    runner.add_argument("--device")
    runner.set_defaults(mode=run)
    args = parser.parse_args()
    args.mode(args)


if __name__ == "__main__":
    main()
