# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What verifying the IR after each pass takes of the time to compile.

  bench/verifier_time.py ATTN_COMPILE [--rounds N] [--json FILE]

Compiles the examples for CPUs and CUDA with and without the verifier, in turns,
and compares minima of the processor time of attn-compile, its start included,
which other work on the machine disturbs least.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import subprocess
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
CASES = ["plain", "causal_bf16", "documents", "window_alibi"]
TARGETS = {"CPU": ["--target=cpu", "--chip=x86-64-v3"], "CUDA": ["--target=cuda", "--chip=sm_90a"]}


def milliseconds(compiler, case, flags, output):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [compiler, EXAMPLES / f"{case}.mlir", "-o", output, *flags]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return 1e3 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)


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
                        option = f"--verify-passes={str(verifies).lower()}"
                        best[verifies] = min(best[verifies], milliseconds(args.compiler, case, [*flags, option], output))
                rows.append({
                    "work": f"examples/{case}.mlir for {target}",
                    "metric": "ms of processor time",
                    "verified": round(best[True], 1),
                    "unverified": round(best[False], 1),
                    "ratio": round(best[True] / best[False], 3),
                    "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                    "command": f"bench/verifier_time.py ATTN_COMPILE --rounds {args.rounds}, "
                               f"load average {os.getloadavg()[0]:.1f}",
                    "date": datetime.date.today().isoformat(),
                })
                print(rows[-1]["work"], rows[-1]["verified"], rows[-1]["unverified"], rows[-1]["ratio"], flush=True)
    if args.json:
        pathlib.Path(args.json).write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


main()
