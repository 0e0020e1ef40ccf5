# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""workgroup_memory.py TARGET:CHIP TYPES: what gpu-schedule says that tiles take of a
workgroup's memory, beside what the kernel declares.

Compiles attention of many sizes, some of them random (ATTN_TEST_SEED). A schedule that says
nothing of memory is not counted.
"""

import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BYTES = {"f32": 4, "f16": 2, "u32": 4, "i32": 4, "float": 4, "half": 2, "bfloat": 2, "ushort": 2,
         "int": 4}
WGSL = re.compile(rb"var<workgroup> \w+: array<(?:vec(\d)<)?(\w+)>?, (\d+)>")
MSL = re.compile(rb"threadgroup ()(\w+) \w+\[(\d+)\]")
# What launches of binary kernels say.
SHARED = re.compile(rb'"shared":(\d+)')


def attention(element, rows, head, value):
    q, k, v, o = (f"memref<1x2x{length}x{width}x{element}>"
                  for length, width in ((rows, head), (333, head), (333, value), (rows, value)))
    return f"""func.func @f(%q: {q}, %k: {k}, %v: {v}, %o: {o}) {{
  attn.attention ins(%q, %k, %v : {q}, {k}, {v}) outs(%o : {o})
  return
}}
"""


def count_declared(artifact):
    declared = WGSL.findall(artifact) + MSL.findall(artifact)
    return sum(map(int, SHARED.findall(artifact))) or sum(
        int(lanes or 1) * BYTES[element.decode()] * int(size) for lanes, element, size in declared)


def compare(folder, chip, case):
    """Bytes that were planned and that are declared, or nothing."""
    source, artifact = folder / "f.mlir", folder / "f.attn"
    source.write_text(attention(*case))
    done = subprocess.run(["attn-compile", source, f"--target={chip}", "--report=json",
                           "-o", artifact], capture_output=True, text=True, check=True)
    said = re.search(r"take (\d+) bytes of a workgroup", " ".join(json.loads(done.stdout)["choices"]))
    if not said:
        return None
    return int(said[1]), count_declared(artifact.read_bytes())


def draw(elements, count):
    """Random sizes: few are multiples of what fragments, vectors and pieces are."""
    for _ in range(count):
        head, value = (random.choice((8 * random.randint(1, 32), random.randint(4, 256)))
                       for _ in range(2))
        yield random.choice(elements), random.choice((1, 8, 9, 17, 64, 128, 500)), head, value


chip, elements = sys.argv[1], sys.argv[2].split(",")
seed = os.environ.get("ATTN_TEST_SEED", "0")
random.seed(seed)
cases = [*itertools.product(elements, (9, 100), (33, 64, 128, 256), (64, 128)),
         *draw(elements, 12)]
compared = wrong = 0
with tempfile.TemporaryDirectory() as folder:
    for case in cases:
        if numbers := compare(Path(folder), chip, case):
            compared += 1
            if numbers[0] != numbers[1]:
                wrong += 1
                print(*case, "planned", numbers[0], "declared", numbers[1])
print(f"{compared} schedules, {wrong} wrong, seed {seed}")
