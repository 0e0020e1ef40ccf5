# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long compiling takes: IR text to PTX, and on to cubin by ptxas.

  compile_time.py ATTN_COMPILE [PTXAS] [--only REGEX] [--json FILE]
  compile_time.py ATTN_COMPILE --shaders [--old ATTN_COMPILE] [--rounds N] [--json FILE]

Each of 5 runs is a process of its own, so nothing is warm; reading the file and
starting the process are not counted. All kernels of an artifact count, decoding
ones too. Medians; the load average says what ran beside it.

With --shaders, IR text to SPIR-V, MSL and WGSL of one kernel, for sizes that are
known, and of all that run-time sizes take: the fastest of the rounds, of two
compilers in turns if there is an older one.
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
from rows import load_average, processor, replace_rows, time_row, write_rows  # noqa: E402

PTX_BAR, CUBIN_BAR = 150, 450  # milliseconds
SHADER_BARS = {  # milliseconds for one kernel
    "SPIR-V": (60, ["--target=vulkan", "--chip=vulkan-matrix"]),
    "MSL": (40, ["--target=metal", "--chip=metal3.1"]),
    "WGSL": (40, ["--target=wgsl", "--chip=webgpu"]),
}


def compile_once(compiler, source, artifact, ptxas):
    """Milliseconds of each phase."""
    run = subprocess.run(
        [compiler, source, "--target=cuda", "-o", artifact, "--report=json"]
        + ([f"--ptxas={ptxas}"] if ptxas else []),
        check=True, capture_output=True, text=True,
    )
    return {phase["name"]: phase["ms"] for phase in json.loads(run.stdout)["phases"]}


def shader_cases():
    """(name, program, whether it is one kernel)"""
    for sizes, name in ("1x8x4096x", "one kernel"), ("?x8x?x", "all kernels"):
        for head in 64, 128:
            tensor = f"tensor<{sizes}{head}xf16>"
            yield (f"f16 d{head}, {name}",
                   f"func.func @f(%q: {tensor}, %k: {tensor}, %v: {tensor}, %o: {tensor}) -> {tensor} {{\n"
                   f"  %r = attn.attention ins(%q, %k, %v : {tensor}, {tensor}, {tensor}) outs(%o : {tensor}) -> {tensor}\n"
                   f"  return %r : {tensor}\n}}\n", sizes[0] != "?")


def fastest(compilers, rounds, arguments):
    """Milliseconds that the phases of a compilation by each compiler take together, in turns."""
    best = {compiler: float("inf") for compiler in compilers}
    for _ in range(rounds):
        for compiler in compilers:
            run = subprocess.run([compiler, *arguments, "--report=json"], check=True, capture_output=True, text=True)
            ms = sum(phase["ms"] for phase in json.loads(run.stdout)["phases"])
            best[compiler] = min(best[compiler], ms)
    return list(best.values())


def time_shaders(args):
    """Against the goal, and against the older compiler."""
    rows, machine = [], processor()
    with tempfile.TemporaryDirectory() as name:
        source = pathlib.Path(name, "case.mlir")
        for case, program, is_one in shader_cases():
            source.write_text(program)
            for text, (goal, flags) in SHADER_BARS.items():
                compilers = [args.compiler] + ([args.old] if args.old else [])
                ours, *old = fastest(compilers, args.rounds, [source, *flags, "-o", f"{name}/case.attn"])
                command = f"bench/gpu/compile_time.py ATTN_COMPILE --shaders --rounds {args.rounds}, {load_average()}"
                work = f"IR text to {text}, {case}"
                if is_one:
                    rows.append(time_row(work, "ms", round(ours, 1), goal, "goal", 1.0, machine, command))
                for ms in old:
                    rows.append(time_row(work + ", before and after", "ms", round(ours, 1), round(ms, 1), args.peer, None, machine, command))
                print(f"{work}: {ours:.1f} ms", *(f"before {ms:.1f}" for ms in old), flush=True)
    if args.json:
        replace_rows(args.json, rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("compiler")
    parser.add_argument("ptxas", nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--shaders", action="store_true")
    parser.add_argument("--old")
    parser.add_argument("--peer", default="an earlier build")
    args = parser.parse_args()
    if args.shaders:
        return time_shaders(args)

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
