# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Launches in other ways than one after the other.

  launches.py ARTIFACTS LIBRARY [--only REGEX]

Each artifact is captured in a CUDA graph and replayed, launched by one binding
on more streams than the runtime keeps counters for, and on streams side by
side; what comes out must be the bits of a plain launch.
"""

import argparse
import ctypes
import math
import pathlib
import re
import statistics
import sys
import time

import torch

from cases import Variant
from runtime import Runtime

SHAPE = (2, 4, 900)  # batch, heads, length


class Call:
    """One artifact on one set of tensors; outputs are NaN until launched."""

    def __init__(self, program, name):
        batch, heads, length = SHAPE
        variant = Variant(name, batch, heads, length)
        torch.manual_seed(1)
        q, k, v = (
            torch.randn(batch, heads, length, variant.head, device="cuda", dtype=torch.bfloat16)
            for _ in range(3)
        )
        self.o = torch.full_like(q, math.nan)
        self.lse = torch.full((batch, heads, length), math.nan, device="cuda")
        k, v = variant.store(k, v)
        self.launch = program.bind(q, k, v, self.o, self.lse, *variant.extra)

    def clear(self):
        self.o.fill_(math.nan)
        self.lse.fill_(math.nan)

    def take(self):
        torch.cuda.synchronize()
        result = self.o.clone(), self.lse.clone()
        self.clear()
        torch.cuda.synchronize()
        return result


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b)) and not any(x.isnan().any() for x in b)


def graph(call, expected):
    call.launch()  # warm
    call.take()
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        call.launch()
        call.launch()
    call.clear()
    results = []
    for _ in range(3):
        captured.replay()
        results.append(same(expected, call.take()))
    # The stream's own launches and the graph do not disturb each other.
    call.launch()
    captured.replay()
    results.append(same(expected, call.take()))
    return all(results)


def new_stream():
    """PyTorch's own streams come from a pool of 32."""
    handle = ctypes.c_void_p()
    assert ctypes.CDLL("libcuda.so.1").cuStreamCreate(ctypes.byref(handle), 1) == 0
    return torch.cuda.ExternalStream(handle.value)


def streams(call, expected):
    results = []
    for stream in [new_stream() for _ in range(70)] + [None] * 3:
        with torch.cuda.stream(stream):
            call.launch()
        results.append(same(expected, call.take()))
    return all(results)


def side_by_side(program, name, expected):
    calls = [Call(program, name) for _ in range(4)]
    lanes = [torch.cuda.Stream() for _ in calls]
    torch.cuda.synchronize()
    for _ in range(20):
        for call, lane in zip(calls, lanes):
            with torch.cuda.stream(lane):
                call.launch()
    return all(same(expected, call.take()) for call in calls)


def overhead(call):
    """Microseconds that a launch takes the host, Python included."""
    host = []
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(50):
            call.launch()
        host.append((time.perf_counter() - begin) / 50 * 1e6)
        torch.cuda.synchronize()
    return statistics.median(host)


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
        name = file.stem.split("@")[0]
        program = runtime.load(file)
        call = Call(program, name)
        call.launch()
        expected = call.take()
        results = {
            "graph": graph(call, expected),
            "streams": streams(call, expected),
            "side by side": side_by_side(program, name, expected),
        }
        failures += sum(not ok for ok in results.values())
        text = "  ".join(f"{what}: {'same' if ok else 'DIFFERS'}" for what, ok in results.items())
        print(f"{file.stem:14} {text}  host {overhead(call):.1f} us a launch", flush=True)
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
