# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the drawings of docs/architecture.md of the way from text to code.

  check_ways.py SOURCE_ROOT ATTN_COMPILE

A drawing follows a line `<!-- way: FLAGS OF ATTN_COMPILE -->`, a step a line: a pass or phase, its file, what it does. The
compiler must take exactly these steps, in this order (those of MLIR are left out); a file defines the pass that it is drawn
with; each is passed once, and the way to PTX has at most 20. Steps of lowerings for what others left begin with "else".
"""

import json
import pathlib
import re
import subprocess
import sys

MOST_FILES = 20
root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
failures = []


def our_passes():
    """Name to the name of the class of every pass in a .td file."""
    passes = {}
    for path in root.glob("include/attn/*/Passes.td"):
        for name, argument in re.findall(r'def (\w+)\s*:\s*Pass<"([^"]+)"', path.read_text()):
            passes[argument] = name
    return passes


def steps_of(flags):
    """The phases of a compilation."""
    command = [compiler, root / "examples/causal.mlir", "-o", "/dev/null", "--report=json", *flags.split()]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return [phase["name"] for phase in json.loads(run.stdout)["phases"]]


def check(flags, drawing, passes):
    drawn = re.findall(r"^ *(else )? *([\w -]+?)  +(lib/\S+)  +\S", drawing, re.M)
    names = [name for _, name, _ in drawn]
    files = [path for _, _, path in drawn]
    main = [path for left, _, path in drawn if not left]
    taken = [step for step in steps_of(flags) if step in passes or step in names]
    # A pass that runs again, on what another lowering left, is drawn once.
    taken = [step for number, step in enumerate(taken) if step not in taken[:number]]
    if taken != names:
        failures.append(f"{flags}: the compiler takes\n  {' '.join(taken)}\nand the drawing\n  {' '.join(names)}")
    if len(set(files)) != len(files):
        failures.append(f"{flags}: a file is passed twice")
    if not main or ("cuda" in flags and len(main) > MOST_FILES):
        failures.append(f"{flags}: {len(main)} files, of {MOST_FILES} at most")
    for name, path in zip(names, files):
        text = (root / path).read_text() if (root / path).exists() else failures.append(f"no {path}") or ""
        if name in passes and f"GEN_PASS_DEF_{passes[name].upper()}\n" not in text:
            failures.append(f"{path} does not define {name}")


drawings = re.findall(r"<!-- way: (.*?) -->\n```\n(.*?)```", (root / "docs/architecture.md").read_text(), re.S)
if len(drawings) < 3:
    failures.append("a drawing for each of CPU, CUDA and WGSL is missing")
for flags, drawing in drawings:
    check(flags, drawing, our_passes())
print("\n".join(failures))
sys.exit(bool(failures))
