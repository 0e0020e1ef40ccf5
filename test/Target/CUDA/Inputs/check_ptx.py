# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Assembles the kernels of many functions and checks what ptxas says.

  check_ptx.py TOOLS PTXAS [--chip=NAME] [--count=N] [--seed=N] [--only=REGEX]

TOOLS is the folder of attn-compile and attn-test. The functions are those of
bench/gpu/cases.py, head sizes 64 to 256 with and without a causal mask, and the
score and mask functions of test/Execution/mods, in bf16 and f16; N of them
(0: all), chosen by the seed. No kernel may spill, use local memory, have its
tensor-core instructions serialised, or need more registers or shared memory
than its launch has; kernels for tensor cores load and multiply with TMA and
wgmma, or with cp.async and mma.sync on chips before Hopper.
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

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "bench/gpu"))

from artifact import Artifact  # noqa: E402
from cases import CAUSAL, SOURCES, function  # noqa: E402

HEADS = (64, 96, 128, 192, 256)
ELEMENTS = ("bf16", "f16")
REGISTERS = 65536  # of a multiprocessor
# Bytes of shared memory that a block may have.
SHARED = {"sm_80": 163 << 10, "sm_86": 99 << 10, "sm_89": 99 << 10, "sm_90a": 227 << 10}
# Advice about how registers are allocated; what the others say about wgmma is
# that it is serialised.
HARMLESS = {"C7517", "C7519"}
# There is no product without keys.
WITHOUT_TENSOR_CORES = {"mods/empty"}
# Regions that need more registers than there are: bytes of stack that a kernel
# may use. None at all is a failure too, so that the list stays true. Chips before
# Hopper have no such list.
HOPPER_SPILLS = {
    "mods/natten-clamped": 136,
}


def functions():
    """Name and MLIR, or a name of attn-test."""
    cases = {f"bench/{name}": source for name, source in SOURCES.items()}
    for head in HEADS:
        for element in ELEMENTS:
            for mask, attributes in (("plain", ""), ("causal", CAUSAL)):
                cases[f"{mask}/{element}/d{head}"] = function(head, attributes).replace(
                    "xbf16", f"x{element}"
                )
    for file in sorted((ROOT / "test/Execution/mods").glob("*.mlir")):
        for element in ELEMENTS:
            cases[f"mods/{file.stem}/{element}/1x147/d64"] = None
    return cases


def compile_case(tools, chip, name, source, folder):
    if source is None:
        run = subprocess.run(
            [tools / "attn-test", "--backend=cuda", f"--chip={chip}", "--suite=mods",
             "--count=0", f"--filter={name}", f"--emit={folder}"],
            capture_output=True, text=True,
        )
        artifact = folder / "0000.attn"
    else:
        file, artifact = folder / "case.mlir", folder / "case.attn"
        file.write_text(source)
        run = subprocess.run(
            [tools / "attn-compile", file, "--target=cuda", f"--chip={chip}", "-o", artifact],
            capture_output=True, text=True,
        )
    if run.returncode:
        raise RuntimeError(f"does not compile: {(run.stdout + run.stderr)[:300]}")
    return Artifact(artifact)


def check_section(ptxas, chip, name, text, launches, folder):
    """What is wrong with one code section, and the stack of its kernels."""
    file = folder / f"{name}.ptx"
    file.write_bytes(text)
    run = subprocess.run(
        [ptxas, "-v", f"-arch={chip}", file, "-o", "/dev/null"], capture_output=True, text=True
    )
    said, ptx = run.stdout + run.stderr, text.decode()
    if run.returncode:
        return [f"{name}: ptxas: {said[:300]}"], 0
    wrong, stacks = [], [0]
    warnings = set(re.findall(r"\bC\d{4}\b", said)) - HARMLESS
    if warnings:
        wrong.append(f"{name}: ptxas warns {', '.join(sorted(warnings))}")
    for stack, stores, loads in re.findall(
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", said
    ):
        stacks.append(int(stack))
        if not int(stack) and (int(stores) or int(loads)):
            wrong.append(f"{name}: {stores} bytes spilled, {loads} reloaded")
    if re.search(r"\b(ld|st)\.local|^\s*\.local", ptx, re.MULTILINE):
        wrong.append(f"{name}: local memory")
    used = [int(n) for n in re.findall(r"Used (\d+) registers", said)]
    static = [int(n) for n in re.findall(r"(\d+) bytes smem", said)] or [0]
    for launch in launches:
        threads = launch["block"][0]
        if max(used) * threads > REGISTERS:
            wrong.append(f"{name}: {max(used)} registers for {threads} threads")
        shared = launch.get("shared", 0)
        if not isinstance(shared, int) or shared + max(static) > SHARED[chip]:
            wrong.append(f"{name}: {shared} + {max(static)} bytes of shared memory")
        # Registers that roles give up and take: a warpgroup each.
        roles = [int(n) for n in re.findall(r"setmaxnreg\.(?:inc|dec)\S*\s+(\d+)", ptx)]
        if roles:
            groups = threads // 128
            total = 128 * (min(roles) + max(roles) * (groups - 1))
            if total > REGISTERS:
                wrong.append(f"{name}: roles have {total} registers")
    return wrong, max(stacks)


def check_case(tools, ptxas, chip, name, source):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        try:
            artifact = compile_case(tools, chip, name, source, folder)
        except RuntimeError as problem:
            return [str(problem)]
        wrong, stack, code = [], 0, artifact.code()
        for section, text in code.items():
            launches = [launch for launch in artifact.description["launches"]
                        if launch["code"] == f"code/{section}"]
            found, used = check_section(ptxas, chip, section, text, launches, folder)
            wrong += found
            stack = max(stack, used)
        plain = "/".join(name.split("/")[:2]) in WITHOUT_TENSOR_CORES
        hopper = chip == "sm_90a"
        product = b"wgmma.mma_async" if hopper else b"mma.sync.aligned.m16n8k16"
        # Odd strides are read element by element.
        odd = re.search(r"d(33|.*-transposed)", name)
        copies = (b"cp.async.bulk.tensor" if hopper and not name.endswith("-dense")
                  else b"ld.global.nc" if odd and not hopper else b"cp.async.c")
        both = [product in text and copies in text for text in code.values()]
        if any(both) == plain:
            what = f"{product.decode()} with {copies.decode()}"
            wrong.append(f"has {what} after all" if plain else f"no {what}")
        spills = HOPPER_SPILLS if hopper else {}
        known = spills.get(name, spills.get("/".join(name.split("/")[:2]), 0))
        if stack > known or known and not stack:
            wrong.append(f"{stack} bytes of stack, known are {known}")
        return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tools", type=pathlib.Path)
    parser.add_argument("ptxas")
    parser.add_argument("--chip", choices=SHARED, default="sm_90a")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    cases = [case for case in functions().items() if re.search(args.only, case[0])]
    if args.count:
        random.Random(args.seed).shuffle(cases)
        cases = cases[: args.count]
    print(f"{args.chip}, seed {args.seed}, {len(cases)} cases")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, _), wrong in zip(
            cases,
            pool.map(lambda case: check_case(args.tools, args.ptxas, args.chip, *case), cases),
        ):
            failed += bool(wrong)
            for text in wrong:
                print(f"FAILED {name}: {text}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
