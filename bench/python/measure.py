# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the Python package costs: import, first call, calls.

usage: measure.py [-o bench/results/python.json]

Run with the package on PYTHONPATH (build/python). What happens once in a
process is measured in processes of its own, the least of several; FlexAttention's
first call beside ours, where PyTorch is installed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from rows import load_average, processor, time_row, write_rows  # noqa: E402

# Wall-clock and processor time; that of the linker, a process, included.
CLOCK = """
import json, os, time
def clock():
    return time.perf_counter(), sum(os.times()[:4])
def since(begin):
    return [round((now - then) * 1e3, 1) for now, then in zip(clock(), begin)]
"""

FIRST = CLOCK + """
import numpy as np
q = k = v = np.ones((1, 8, 128, 64), np.float32)
begin = clock()
import attn
imported = since(begin)
begin = clock()
kernel = attn.compile(heads=8, head_dim=64, causal=True, q_length={q_length})
kernel(q, k, v)
print(json.dumps([imported, since(begin)]))
"""

# Another process: what torch loads would count as ours.
FLEX = CLOCK + """
import torch, warnings
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
warnings.simplefilter("ignore")
q = k = v = torch.ones((1, 8, 128, 64))
begin = clock()
mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 128, 128, device="cpu")
call = torch.compile(flex_attention) if {compiled} else flex_attention
with torch.no_grad():
    call(q, k, v, block_mask=mask)
print(json.dumps(since(begin)))
"""

CALLS = """
import time, attn
make = {make}
kernel = attn.compile(heads=1, head_dim=8, q_length=1, threads=1)
q = k = v = make()
out = make()
def best(call, count=50):
    least = float("inf")
    for _ in range({rounds}):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        least = min(least, (time.perf_counter() - begin) / count)
    return least * 1e6
print(f"[{{best(lambda: kernel(q, k, v))}}, {{best(lambda: kernel(q, k, v, out=out))}}]")
"""

ARRAYS = {
    "numpy": "lambda: __import__('numpy').ones((1, 1, 1, 8), 'float32')",
    "torch": "lambda: __import__('torch').ones((1, 1, 1, 8))",
}


def run(script, **variables):
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                            env={**os.environ, **variables})
    return json.loads(result.stdout) if result.returncode == 0 else None


def least(runs):
    """Wall-clock and processor time, each the least of its runs, in ms."""
    return dict(zip(("wall", "cpu"), map(min, zip(*runs))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    torch = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"],
                           capture_output=True, text=True).stdout.strip() or None
    rows = []

    def add(work, metric, ours, peer, peer_name="goal", bar=1.0):
        rows.append(time_row(work, metric, ours, peer, peer_name, bar, processor(),
                             f"bench/python/measure.py, {load_average()}"))

    def add_times(work, times, peer, peer_name="goal", bar=1.0):
        for clock, ms in times.items():
            limit = peer[clock] if isinstance(peer, dict) else peer
            add(f"{work}, {clock}", "ms", ms, limit, peer_name, bar)

    def first_calls(q_length, **variables):
        return [run(FIRST.replace("{q_length}", str(q_length)), **variables)
                for _ in range(options.runs)]

    exact, general = first_calls(128), first_calls(None)
    with tempfile.TemporaryDirectory() as folder:
        kept = first_calls(None, ATTN_CACHE=folder)
    # From the config to the end of the first call: for a number of queries that
    # the config names, and for any.
    first = least([first for _, first in exact])
    first_of_any = least([first for _, first in general])
    add_times("import attn", least([imported for imported, _ in exact]), 150)
    add_times("first call, number of queries given", first, 150)
    add_times("first call, any number of queries", first_of_any, 150)
    # Too short for the clock of the processor.
    add("first call, any number of queries, kept on disk, wall", "ms",
        min(wall for _, (wall, _) in kept), 150)
    for kind, make in ARRAYS.items():
        output = run(CALLS.format(make=make, rounds=4000)) if kind == "numpy" or torch else None
        if output:
            add(f"call on a CPU, {kind}, new result", "us", round(output[0], 2), 10)
            add(f"call on a CPU, {kind}, out=", "us", round(output[1], 2), 10)
    if torch:
        for name, compiled in (("eager", False), ("compiled", True)):
            # Compiled, a first call takes up to minutes.
            runs = 1 if compiled else options.runs
            outputs = [run(FLEX.replace("{compiled}", str(compiled))) for _ in range(runs)]
            if all(outputs):
                for work, times in (("number of queries given", first),
                                    ("any number of queries", first_of_any)):
                    add_times(f"first call, {work}", times, least(outputs),
                              f"FlexAttention, {name}, PyTorch {torch}", None)
    for row in rows:
        print(row["work"], row["ours"], row["metric"], row["peer_name"], row["peer"], row["ratio"])
    if options.output:
        write_rows(options.output, rows)


if __name__ == "__main__":
    main()
