# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts of several compilers against each other, in one process.

  race.py LIBRARY --folders OURS,OTHER,... [--rows REGEX] [--json FILE] ...

Each folder is what build.py wrote with one compiler, loaded several times: where
code lies changes its speed by up to 3%. All take turns in random order, with a
cleared L2 cache, until the time is up; a row is the mean of the copies' medians
of the rounds. Outputs are compared with those of the first folder, bit by bit.
"""

import argparse
import json
import math
import pathlib
import random
import re
import statistics
import time

import torch

from cases import VARIANTS, Variant
from measure import Rows
from runtime import Runtime

TOKENS = 16384  # B * S
WIDTH = 2048  # H * D
NAMES = [f"d{d}{mask}" for d in (64, 128, 256) for mask in ("", "-causal")] + list(VARIANTS)


class Item:
    """A case of one length, with the launch of each folder."""

    def __init__(self, name, length, programs):
        """`programs`: by folder and number of the copy."""
        head = Variant(name, 1, 1, 16).head
        batch, heads = TOKENS // length, WIDTH // head
        variant = Variant(name, batch, heads, length)
        torch.manual_seed(length)
        q, k, v = (
            torch.randn(batch, heads, length, head, device="cuda", dtype=torch.bfloat16)
            for _ in range(3)
        )
        self.name, self.length, self.launches = name, length, {}
        self.flops = 4 * batch * heads * length * length * head * variant.visible(length)
        first = None
        for (folder, copy), program in programs.items():
            o = torch.full_like(q, math.nan)
            lse = torch.full(q.shape[:3], math.nan, device="cuda")
            launch = program.bind(q, k, v, o, lse, *variant.extra)
            launch()
            torch.cuda.synchronize()
            first = o if first is None else first
            if not torch.equal(o, first):
                apart = (o.float() - first.float()).abs().max().item()
                print(f"{name} {length} {folder}: other bits, {apart:.1e} apart", flush=True)
            self.launches[folder, copy] = launch
        self.times = {key: [] for key in programs}
        self.estimate = self.measure(next(iter(self.launches.values())), 4)

    def measure(self, call, count):
        """The median of `count` calls, in milliseconds."""
        begins, ends = (
            [torch.cuda.Event(enable_timing=True) for _ in range(count)] for _ in range(2)
        )
        for begin, end in zip(begins, ends):
            Item.flush.zero_()
            begin.record()
            call()
            end.record()
        torch.cuda.synchronize()
        return statistics.median(b.elapsed_time(e) for b, e in zip(begins, ends))

    def round(self, rep):
        keys = list(self.launches)
        random.shuffle(keys)
        count = max(4, int(rep / (self.estimate + 0.1)))
        for key in keys:
            self.times[key].append(self.measure(self.launches[key], count))

    def speeds(self):
        """TFLOP/s by folder."""
        medians = {}
        for (folder, _), times in self.times.items():
            medians.setdefault(folder, []).append(statistics.median(times))
        return {f: self.flops / statistics.mean(m) / 1e9 for f, m in medians.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--folders", required=True)
    parser.add_argument("--rows", default="", help="regex on d64, d128-causal, alibi, ...")
    parser.add_argument("--lengths", default="2048,8192")
    parser.add_argument("--copies", type=int, default=2, help="loaded of each artifact")
    parser.add_argument("--rep", type=float, default=16, help="milliseconds a measurement")
    parser.add_argument("--limit", type=float, default=60, help="seconds in all")
    parser.add_argument("--suffix", default="", help="of the rows' names")
    parser.add_argument("--peer-name", default="the other compiler")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()

    start = time.time()
    runtime, folders = Runtime(args.library), args.folders.split(",")
    Item.flush = torch.empty(int(256e6), dtype=torch.int8, device="cuda")
    items = []
    for name in filter(lambda name: re.search(args.rows, name), NAMES):
        programs = {
            (f, copy): runtime.load(pathlib.Path(f) / f"{name}.attn")
            for copy in range(args.copies)
            for f in folders
        }
        items += [Item(name, int(length), programs) for length in args.lengths.split(",")]
    rounds = 0
    while time.time() - start < args.limit:
        random.shuffle(items)
        for item in items:
            item.round(args.rep)
        rounds += 1

    ours, other = folders[:2]
    rows = Rows(f"bench/gpu/race.py LIBRARY --folders OURS,OTHER --copies {args.copies}")
    for item in sorted(items, key=lambda item: (NAMES.index(item.name), item.length)):
        speeds = item.speeds()
        rows.add(f"forward {item.name}, S={item.length}{args.suffix}", "TFLOP/s", speeds[ours],
                 speeds[other], args.peer_name, speeds[ours] / speeds[other], 0.98)
        print(f"{item.name:13} {item.length:6} " + "  ".join(
            f"{f} {speed:6.1f} {speed / speeds[other]:.3f}" for f, speed in speeds.items()))
    print(f"{rounds} rounds on {torch.cuda.get_device_name()}")
    if args.json:
        args.json.write_text(json.dumps(rows.rows))


if __name__ == "__main__":
    main()
