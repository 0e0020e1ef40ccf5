# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles for every chip of --list-targets with a report and checks that each
choice in it, and each field of the schedule, comes with its reason; and that every
knob of ScheduleKnobs.def is explained by some target. Targets with many chips, the
processors', take turns with them from commit to commit, unless all tests are asked for."""

import json
import math
import os
import re
import subprocess
import sys

definitions, *programs = sys.argv[1:]
KNOBS = re.findall(r"_KNOB\((\w+), get", open(definitions).read())
# What the first sentence of an op says, with the reason of the schedule behind it.
OF_TILES = {"tile_m", "tile_n", "workers"}
# What a target compiles for in one run by turns.
CHIPS_A_TURN = 16


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.stderr}")
    return result.stdout


def draw_chips(chips):
    seed = os.environ.get("ATTN_TEST_SEED")
    if seed is None or "ATTN_TEST_FULL" in os.environ:
        return chips
    turns = math.ceil(len(chips) / CHIPS_A_TURN)
    return chips[int(seed) % turns :: turns]


def list_chips():
    target = None
    for line in run("attn-compile", "--list-targets").splitlines():
        if chips := re.match(r"\s+chips: (.*)", line):
            # What the host is, another host is not.
            names = [chip.strip(",") for chip in chips[1].replace("(default)", "").split()]
            names = [chip for chip in names if chip != "host"] or ["host"]
            yield from ((target, chip) for chip in draw_chips(names))
        elif name := re.match(r"([\w-]+):", line):
            target = name[1]


def check(target, chip, program):
    report = json.loads(run("attn-compile", program, "-o", "/dev/null", f"--target={target}",
                            f"--chip={chip}", "--report=json"))
    explained = set()
    for choice in report["choices"]:
        for knobs, reason in re.findall(r"\(((?:\w+(?:, )?)+)\):([^;]*)", choice):
            names = knobs.split(", ")
            if set(names) <= set(KNOBS):
                explained.update(names)
                if not reason.strip():
                    sys.exit(f"{target} {chip}: no reason: {choice}")
        if "relayout of" in choice and "; " not in choice:
            sys.exit(f"{target} {chip}: no reason: {choice}")
        if "keys a tile" in choice:
            explained |= OF_TILES
            if "; " not in choice:
                sys.exit(f"{target} {chip}: no reason: {choice}")
    given = set(re.findall(r"(\w+) = ", report["schedule"]))
    if missing := given - explained:
        sys.exit(f"{target} {chip}: {program}: {report['schedule']}: nothing about {missing}")
    return explained


seen = set()
chips = list(list_chips())
for target, chip in chips:
    for program in programs:
        seen |= check(target, chip, program)
if missing := set(KNOBS) - seen:
    sys.exit(f"no target explains {sorted(missing)}")
print(f"{len({target for target, chip in chips})} targets, {len(KNOBS)} knobs, all with reasons")
