# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shows the shaders of all chips for WebGPU to an implementation of the language.

  validate_variants.py TOOLS VALIDATOR [--chips=N] [--count=N] [--each] [--seed=N]

TOOLS is the folder of attn-test, VALIDATOR naga or tint. The shaders are those
of attn-test's cases, N of each suite (--each: of each variant in a suite), for
N of the chips (0: all), both chosen by the seed. Each case and chip is a test.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from validate import invalid_shaders

SUITES = "mods,matrix,empty,random,combinations"


def list_chips(tools):
    text = subprocess.run([tools / "attn-opt", "--list-targets"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^wgsl:.*\n  chips: (.*)$", text, re.MULTILINE)[1].replace(" (default)", "").split()


def compile_cases(chip, folder, arguments):
    """Messages of cases that do not compile, but should."""
    run = subprocess.run(
        [arguments.tools / "attn-test", "--backend=webgpu", f"--chip={chip}", f"--suite={SUITES}",
         f"--count={arguments.count}", f"--seed={arguments.seed}", f"--emit={folder}", *["--each"] * arguments.each],
        capture_output=True, text=True,
    )
    lines = (run.stdout + run.stderr).splitlines()
    if run.returncode and not re.search(r"\d+ written", "\n".join(lines)):
        return lines or [f"attn-test exits with {run.returncode}"]
    return [line for line in lines if line.startswith("FAILED")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", type=pathlib.Path)
    parser.add_argument("validator", choices=("naga", "tint"))
    parser.add_argument("--chips", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chips = list_chips(arguments.tools)
    # naga does not know matrices of subgroups.
    if arguments.validator == "naga":
        matrices = [chip for chip in chips if chip.startswith("webgpu-matrix")]
        print("unsupported by naga:", *matrices)
        chips = [chip for chip in chips if chip not in matrices]
    if arguments.chips:
        chips = random.Random(arguments.seed).sample(chips, arguments.chips)
    passed = failed = 0
    workers = os.cpu_count()
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        folders = [pathlib.Path(scratch) / chip for chip in chips]
        for chip, folder, problems in zip(
                chips, folders, pool.map(lambda chip, folder: compile_cases(chip, folder, arguments), chips, folders)):
            artifacts = sorted(folder.rglob("*.attn"))
            for artifact, found in zip(
                    artifacts, pool.map(lambda path: invalid_shaders(path, arguments.validator), artifacts)):
                problems += [f"{artifact.stem}: {message}" for message in found]
                passed += not found
                failed += bool(found)
            failed += sum(problem.startswith("FAILED") for problem in problems)
            print(f"{chip}: {len(artifacts)} cases", *problems, sep="\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
