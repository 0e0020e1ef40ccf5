# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every artifact at odd shapes and compares with float64.

  check.py ARTIFACTS LIBRARY [--only REGEX]

Lengths that are no multiple of a tile, grouped heads, other layouts, keys of
another length than queries, in pages or at odd strides, rows without keys; what
lies around the output must stay as it is, and the second run must give the same
bits.
"""

import argparse
import math
import pathlib
import re
import sys

import torch

from cases import Variant
from reference import compare
from runtime import Runtime

# batch, query heads, key heads, queries, keys, layout, factor on q
SHAPES = (
    (1, 2, 2, 256, 256, "bhsd", 1),
    (2, 4, 2, 512, 512, "bshd", 2),
    (3, 6, 1, 300, 333, "bhsd", 1),
    (1, 2, 2, 77, 1, "bhsd", 1),
    (2, 8, 2, 1, 1000, "bshd", 4),
    (2, 10, 5, 1500, 1500, "bshd", 1),
    # Split keys: packed heads, all 64 rows of a tile, one head a group, or many
    # key tiles.
    (2, 8, 2, 4, 3001, "bshd", 2),
    (3, 8, 1, 8, 5000, "bhsd", 1),
    (1, 6, 6, 16, 2048, "bhsd", 1),
    (1, 2, 1, 200, 6000, "bhsd", 1),
)


def tensor(batch, heads, length, head, layout, factor=1.0):
    value = torch.randn(batch, heads, length, head, device="cuda") * factor
    value = value.to(torch.bfloat16)
    return value.transpose(1, 2).contiguous().transpose(1, 2) if layout == "bshd" else value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("artifacts", type=pathlib.Path)
    parser.add_argument("library")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    runtime, failures = Runtime(args.library), 0
    for file in sorted(args.artifacts.glob("*.attn")):
        if not re.search(args.only, file.stem):
            continue
        program, errors = runtime.load(file), []
        for batch, heads, groups, queries, keys, layout, factor in SHAPES:
            variant = Variant(file.stem.split("@")[0], batch, heads, queries, keys)
            torch.manual_seed(queries)
            layout = variant.layout or layout
            q = tensor(batch, heads, queries, variant.head, layout, factor)
            k, v = (tensor(batch, groups, keys, variant.head, layout) for _ in range(2))
            # The output is a window of a larger tensor of sentinels.
            around = torch.full((batch, heads, queries + 70, variant.head), 7.0, device="cuda")
            around = around.to(q.dtype)
            o = around[:, :, 3 : 3 + queries]
            o.fill_(math.nan)
            lse = torch.full((batch, heads, queries), math.nan, device="cuda")
            keys_bound, values_bound = variant.store(k, v)
            launch = program.bind(q, keys_bound, values_bound, o, lse, *variant.extra)
            launch()
            torch.cuda.synchronize()
            first = o.clone()
            launch()
            torch.cuda.synchronize()
            error = compare(variant, q, k, v, o, lse)
            kept = (around[:, :, :3] == 7).all() and (around[:, :, 3 + queries :] == 7).all()
            if not (kept and torch.equal(first, o)):
                error = math.inf
            failures += not error <= 1
            errors.append(error)
        print(f"{file.stem:14}", " ".join(f"{error:5.2f}" for error in errors), flush=True)
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
