# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times of several ways to do the same work, and the rows made of them."""

import datetime
import math
import random
import statistics
import sys

import torch
from triton.testing import do_bench


def interleaved(candidates, rounds, measure):
    """The median of `rounds` measurements of each, taken in random order."""
    times = {name: [] for name in candidates}
    for _ in range(rounds):
        order = list(candidates)
        random.shuffle(order)
        for name in order:
            times[name].append(measure(candidates[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def milliseconds(rep):
    """Times one call; the L2 cache is cleared in front of each."""
    return lambda call: do_bench(call, warmup=10, rep=rep, return_mode="median")


class Rotation:
    """Calls on buffers that take turns, captured in a graph: nothing is in the
    L2 cache any more when its turn comes, and the host is not in the way."""

    def __init__(self, calls):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for call in calls:
                call()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        self.count = len(calls) * math.ceil(16 / len(calls))
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            for n in range(self.count):
                calls[n % len(calls)]()

    def milliseconds(self):
        """Of one call."""
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.graph.replay()
        begin.record()
        self.graph.replay()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / self.count


def read_bandwidth():
    """Bytes a second that the best of a few kernels reads: a sum, a maximum and
    a copy (which reads half of what it moves) of 4 GiB."""
    data = torch.zeros(1 << 30, dtype=torch.float32, device="cuda")
    target = torch.empty_like(data)
    size = data.numel() * 4
    calls = {
        "sum": (lambda: data.sum(), size),
        "max": (lambda: data.amax(), size),
        "copy": (lambda: target.copy_(data), 2 * size),
    }
    speeds = {
        name: moved / (do_bench(call, warmup=10, rep=60, return_mode="median") / 1e3)
        for name, (call, moved) in calls.items()
    }
    best = max(speeds, key=speeds.get)
    return speeds[best], best


class Rows:
    """Rows of bench/results: one dictionary a comparison."""

    def __init__(self, command):
        self.rows = []
        self.common = dict(
            machine=torch.cuda.get_device_name(),
            command=command,
            date=datetime.date.today().isoformat(),
        )

    def add(self, work, metric, ours, peer, peer_name, ratio, bar, digits=1):
        self.rows.append(
            dict(
                work=work,
                metric=metric,
                ours=round(ours, digits),
                peer=round(peer, digits),
                peer_name=peer_name,
                ratio=round(ratio, 3),
                bar=bar,
                **self.common,
            )
        )

    def short(self):
        """Those that miss their bar."""
        return [row for row in self.rows if row["bar"] and row["ratio"] < row["bar"]]


def command_line():
    return "bench/gpu/bench.py ARTIFACTS LIBRARY " + " ".join(sys.argv[3:])
