# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long attn-run takes from text to results: the whole process.

  bench/start_time.py ATTN_RUN [OLD_ATTN_RUN] [--peer NAME_OF_OLD] [--rounds N] [--json FILE]

Compiles and runs small problems on the CPU, in turns with an earlier build if one
is given, and compares minima of the processor time with the goal, or with the
other build. `attn-run --version` is what starting the program takes of it;
with given inputs no random ones are made, which is none of compiling; with
ATTN_CACHE the code is there already.
"""

import argparse
import os
import pathlib
import tempfile

import numpy as np

from rows import load_average, processor, processor_milliseconds, replace_rows, time_row

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
GOAL_MS = 50
CASES = {
    "--version": ["--version"],
    "plain, 100 queries": [EXAMPLES / "plain.mlir", "--backend=cpu", "--random=B=1,Sq=100,Skv=100"],
    "plain, 1 query": [EXAMPLES / "plain.mlir", "--backend=cpu", "--random=B=1,Sq=1,Skv=100"],
    "causal, 100 queries": [EXAMPLES / "causal.mlir", "--backend=cpu", "--random=B=1,Sq=100,Skv=100"],
}
GIVEN, KEPT = "plain, 100 queries that are given", "plain, 100 queries that are given, code that is kept"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attn_run")
    parser.add_argument("old", nargs="?")
    parser.add_argument("--peer", default="an earlier build")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = []
    folder = tempfile.TemporaryDirectory()
    given = [f"--input={folder.name}/x.npy"] * 4
    np.save(given[0].split("=")[1], np.random.default_rng(0).standard_normal((1, 8, 100, 64), np.float32))
    cases = CASES | {name: [EXAMPLES / "plain.mlir", "--backend=cpu", *given] for name in (GIVEN, KEPT)}
    for name, flags in cases.items():
        if name == KEPT:
            os.environ["ATTN_CACHE"] = folder.name
        best = {program: float("inf") for program in (args.attn_run, args.old) if program}
        for _ in range(args.rounds):
            for program in best:
                best[program] = min(best[program], processor_milliseconds([program, *flags]) or float("nan"))
        peer, peer_name = (best[args.old], args.peer) if args.old else (GOAL_MS, "goal")
        row = time_row(f"attn-run, {name}", "ms of processor time", round(best[args.attn_run], 1), round(peer, 1),
                       peer_name, None if args.old or name == "--version" else 1.0, processor(),
                       f"bench/start_time.py ATTN_RUN --rounds {args.rounds}, {load_average()}")
        rows.append(row)
        print(row["work"], row["ours"], row["peer"], row["ratio"], flush=True)
    if args.json:
        replace_rows(args.json, rows)


main()
