# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long compiling takes: IR text to PTX, and on to cubin by ptxas.

  compile_time.py ATTN_COMPILE [PTXAS] [--only REGEX] [--json FILE]

Each of 5 runs is a process of its own, so nothing is warm; reading the file and
starting the process are not counted. All kernels of an artifact count, decoding
ones too. Medians; the load average says what ran beside it.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from cases import SOURCES

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from rows import load_average, processor, time_row, write_rows  # noqa: E402

PTX_BAR, CUBIN_BAR = 150, 450  # milliseconds


def compile_once(compiler, source, artifact, ptxas):
    """Milliseconds of each phase."""
    run = subprocess.run(
        [compiler, source, "--target=cuda", "-o", artifact, "--report=json"]
        + ([f"--ptxas={ptxas}"] if ptxas else []),
        check=True, capture_output=True, text=True,
    )
    return {phase["name"]: phase["ms"] for phase in json.loads(run.stdout)["phases"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("compiler")
    parser.add_argument("ptxas", nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()

    rows, machine = [], processor()

    def add(work, ms, goal):
        command = f"bench/gpu/compile_time.py ATTN_COMPILE PTXAS, {load_average()}"
        rows.append(time_row(work, "ms", round(ms, 1), goal, "goal", 1.0, machine, command))

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case, source in SOURCES.items():
            if not re.search(args.only, case):
                continue
            file, artifact = folder / "case.mlir", folder / "case.attn"
            file.write_text(source)
            runs = [
                compile_once(args.compiler, file, artifact, args.ptxas)
                for _ in range(args.rounds)
            ]
            phases = {p: statistics.median(run[p] for run in runs) for p in runs[0]}
            total = statistics.median(sum(run.values()) for run in runs)
            ptx = statistics.median(
                sum(ms for phase, ms in run.items() if phase != "machine code") for run in runs
            )
            add(f"IR text to PTX, {case}", ptx, PTX_BAR)
            if args.ptxas:
                add(f"IR text to cubin, {case}", total, CUBIN_BAR)
            line = ", ".join(f"{phase} {ms:.1f}" for phase, ms in phases.items())
            print(f"{case:14} PTX {ptx:6.1f} ms, all {total:6.1f} ms ({line})", flush=True)
    print(f"{load_average()} on {machine}")
    if args.json:
        write_rows(args.json, rows)


if __name__ == "__main__":
    main()
