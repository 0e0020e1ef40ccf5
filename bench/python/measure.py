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
import platform
import subprocess
import sys
import time

FIRST = """
import json, time, numpy as np
q = k = v = np.ones((1, 8, 128, 64), np.float32)
begin = time.perf_counter()
import attn
imported = time.perf_counter()
kernel = attn.compile(heads=8, head_dim=64, causal=True)
kernel(q, k, v)
done = time.perf_counter()
kernel(q, k, v)
print(json.dumps([(imported - begin) * 1e3, (done - imported) * 1e3, kernel.phases]))
"""

# Another process: what torch loads would count as ours.
FLEX = """
import time, torch, warnings
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
warnings.simplefilter("ignore")
q = k = v = torch.ones((1, 8, 128, 64))
begin = time.perf_counter()
mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 128, 128, device="cpu")
call = torch.compile(flex_attention) if {compiled} else flex_attention
with torch.no_grad():
    call(q, k, v, block_mask=mask)
print(f"[{{(time.perf_counter() - begin) * 1e3}}]")
"""

CALLS = """
import time, attn
make = {make}
kernel = attn.compile(heads=1, head_dim=8, threads=1)
q = k = v = make()
out = make()
def best(call, count=2000):
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


def run(script):
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else None


def least(script, times, column=0):
    """The run whose number is least."""
    runs = [output for output in (run(script) for _ in range(times)) if output]
    return min(runs, key=lambda output: output[column])


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    torch = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"],
                           capture_output=True, text=True).stdout.strip() or None

    imported = least(FIRST, options.runs)[0]
    first = least(FIRST, options.runs, column=1)
    results = {
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "load": os.getloadavg()[0],
                    "python": platform.python_version(), "torch": torch},
        "import_ms": round(imported, 1),
        "first_call_ms": round(first[1], 1),
        "first_call_phases_ms": {},
        "call_us": {},
    }
    for name, ms in first[2]:
        phases = results["first_call_phases_ms"]
        phases[name] = round(phases.get(name, 0) + ms, 2)
    for kind, make in ARRAYS.items():
        output = run(CALLS.format(make=make, rounds=20)) if kind == "numpy" or torch else None
        if output:
            results["call_us"][kind] = {"new": round(output[0], 2), "out": round(output[1], 2)}
    if torch:
        for name, compiled in (("eager", False), ("compiled", True)):
            output = run(FLEX.format(compiled=compiled))
            if output:
                results[f"flex_attention_{name}_first_call_ms"] = round(output[0], 1)
    text = json.dumps(results, indent=2)
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
