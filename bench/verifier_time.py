# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What verifying the IR after each pass takes of the time to compile.

  bench/verifier_time.py ATTN_COMPILE [--rounds N] [--json FILE]

Compiles the examples for CPUs and CUDA with and without the verifier, in turns,
and compares minima of the processor time of attn-compile, its start included,
which other work on the machine disturbs least.
"""

import argparse
import os
import pathlib
import tempfile

from rows import load_average, processor, processor_milliseconds, replace_rows, time_row

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
CASES = ["plain", "causal_bf16", "documents", "window_alibi"]
TARGETS = {"CPU": ["--target=cpu", "--chip=x86-64-v3"], "CUDA": ["--target=cuda", "--chip=sm_90a"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiler")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "out.attn")
        for target, flags in TARGETS.items():
            for case in CASES:
                best = {True: float("inf"), False: float("inf")}
                for _ in range(args.rounds):
                    for verifies in best:
                        command = [args.compiler, EXAMPLES / f"{case}.mlir", "-o", output, *flags,
                                   f"--verify-passes={str(verifies).lower()}"]
                        best[verifies] = min(best[verifies], processor_milliseconds(command) or float("nan"))
                row = time_row(
                    f"examples/{case}.mlir for {target}, verified", "ms of processor time",
                    round(best[True], 1), round(best[False], 1), "without the verifier", None,
                    processor(),
                    f"bench/verifier_time.py ATTN_COMPILE --rounds {args.rounds}, {load_average()}")
                rows.append(row)
                print(row["work"], row["ours"], row["peer"], row["ratio"], flush=True)
    if args.json:
        replace_rows(args.json, rows)


main()
