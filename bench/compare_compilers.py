# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares two compilers by the time that they take.

  bench/compare_compilers.py OLD_ATTN_COMPILE NEW_ATTN_COMPILE [--rounds N] [--json FILE]

Compiles small programs for every target with both, in turns, without the
verifier where it can be left out, and compares minima of the processor time,
the start of the program included, which other work on the machine disturbs
least. What one of them cannot compile is left out.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

from rows import load_average, processor, processor_milliseconds, replace_rows, time_row

BAR = 0.95  # 5% more time is as much as there may be.


def program(head, element, causal, transposed=False):
    """Attention of `head` columns on tensors with run-time sizes."""
    dims = "?x?x8x" if transposed else "?x8x?x"
    tensor = f"tensor<{dims}{head}x{element}>"
    attributes = []
    if causal:
        attributes.append("causal = #attn.causal<top_left>")
    if transposed:
        attributes += [f"{name}_layout = #attn.layout<bshd>" for name in ("q", "k", "v", "o")]
    suffix = " {" + ", ".join(attributes) + "}" if attributes else ""
    return (f"func.func @f(%q: {tensor}, %k: {tensor}, %v: {tensor}, %o: {tensor}) -> {tensor} {{\n"
            f"  %r = attn.attention ins(%q, %k, %v : {tensor}, {tensor}, {tensor}) outs(%o : {tensor}){suffix} -> {tensor}\n"
            f"  return %r : {tensor}\n}}\n")


def cases():
    """(name, program, flags)"""
    # With a given tile there is one version of the op, as there was always.
    cpu = ["--target=cpu", "--chip=x86-64-v3", "--tile-m=64", "--tile-n=96"]
    hopper, ampere = ["--target=cuda", "--chip=sm_90a"], ["--target=cuda", "--chip=sm_80"]
    for head in 64, 128:
        for causal in False, True:
            yield f"f32 d{head}{' causal' if causal else ''} for CPU", program(head, "f32", causal), cpu
    for head in 64, 128, 256:
        yield f"f16 d{head} causal for sm_90a", program(head, "f16", True), hopper
    yield "f16 d64 transposed for sm_90a", program(64, "f16", False, transposed=True), hopper
    yield "f16 d64 causal for sm_80", program(64, "f16", True), ampere
    yield "f16 d128 for sm_80", program(128, "f16", False), ampere
    yield "f32 d64 causal for WGSL", program(64, "f32", True), ["--target=wgsl"]


def without_verifier(compiler):
    """The option that turns the verifier off, if there is one."""
    option = "--verify-passes=false"
    text = subprocess.run([compiler, "--help-hidden"], capture_output=True, text=True).stdout
    return [option] if "--verify-passes" in text else []


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="a part of the names of what is compiled")
    parser.add_argument("--json")
    args = parser.parse_args()
    options = {compiler: without_verifier(compiler) for compiler in (args.old, args.new)}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = os.path.join(folder, "in.mlir"), os.path.join(folder, "out.attn")
        for name, text, flags in cases():
            if args.only not in name:
                continue
            pathlib.Path(source).write_text(text)
            times = {compiler: [] for compiler in options}
            for _ in range(args.rounds):
                for compiler, extra in options.items():
                    command = [compiler, source, "-o", output, *flags, *extra]
                    times[compiler].append(processor_milliseconds(command))
            if any(None in measured for measured in times.values()):
                print(name, "is not compiled by both")
                continue
            row = time_row(name, "ms of processor time", round(min(times[args.new]), 1), round(min(times[args.old]), 1),
                           "before targets were folders (d8c15f9)", BAR, processor(),
                           f"bench/compare_compilers.py OLD NEW --rounds {args.rounds}, {load_average()}")
            rows.append(row)
            print(row["work"], row["ours"], row["peer"], row["ratio"], flush=True)
    if args.json:
        replace_rows(args.json, rows)


main()
