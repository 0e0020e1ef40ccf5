# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the Python package on an NVIDIA GPU; what a call costs the host beside
PyTorch's scaled_dot_product_attention in the same run, and, where the package has
its compiler, what the first call costs beside FlexAttention's.

usage: gpu.py [--artifacts FILE] [-o bench/results/python-gpu.json]
       gpu.py --make FILE [--chip sm_90a]

--make compiles where there is no GPU; --artifacts uses that where there is no
compiler (a module built of Module.cpp, the runtime and empty functions in place
of Compiler.cpp is enough there).
"""

import argparse
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import time

import attn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from rows import time_row, write_rows  # noqa: E402

BASE = {"heads": 16, "head_dim": 128, "dtype": "bf16"}

# In a process of its own, without what compilers and the driver keep on disk; the
# GPU is in use before.
FIRST = """
import time, torch, warnings
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
import attn
warnings.simplefilter("ignore")
q = k = v = torch.ones((1, 16, 1024, 128), device="cuda", dtype=torch.bfloat16)
(q @ k.transpose(-1, -2)).sum().item()
def ours():
    return attn.compile(heads=16, head_dim=128, dtype="bf16", causal=True, target="cuda")(q, k, v)
def flex():
    mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 1024, 1024, device="cuda")
    return torch.compile(flex_attention)(q, k, v, block_mask=mask)
with torch.no_grad():
    begin = time.perf_counter()
    {call}()
    torch.cuda.synchronize()
print((time.perf_counter() - begin) * 1e3)
"""


def configs(slopes):
    def score(s, b, h, i, j):
        return s + slopes[h] * (j - i)

    def mask(b, h, i, j):
        return (i >= j) & (i - j < 300)

    return {
        "causal": {**BASE, "causal": True},
        "grouped": {**BASE, "kv_heads": 4, "causal": True},
        "functions": {**BASE, "kv_heads": 4, "score_mod": score, "mask_mod": mask},
    }


def without_places(text):
    return re.sub(r' loc\("[^"]*":\d+:\d+\)', "", text)


def make(path, chip):
    import numpy as np
    from attn import _attn, _config

    artifacts = {}
    for config in configs(np.ones(16, np.float32)).values():
        text = _config.write(_config.make_config(None, config)).text
        outcome = _attn.compile(text, target="cuda", chip=chip)
        assert outcome["succeeded"], outcome["diagnostics"]
        artifacts[without_places(text)] = outcome
    with open(path, "wb") as file:
        pickle.dump(artifacts, file)


def use(path):
    """attn.compile looks artifacts up."""
    from attn import _attn

    with open(path, "rb") as file:
        artifacts = pickle.load(file)
    _attn.compile = lambda text, *_: artifacts[without_places(text)]


def largest_difference(a, b):
    return (a - b).abs().max().item()


def check(kernels, slopes, torch):
    """Largest differences to PyTorch, in bf16; views, a stream and a graph included."""
    sdpa = torch.nn.functional.scaled_dot_product_attention
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 700, 128, device="cuda", dtype=torch.bfloat16)
               for heads in (16, 4, 4))
    wanted = sdpa(q, k, v, is_causal=True, enable_gqa=True)
    kernel = kernels["grouped"]
    results = {"grouped": largest_difference(kernel(q, k, v), wanted)}

    i, j = torch.arange(700, device="cuda")[:, None], torch.arange(700, device="cuda")[None]
    bias = slopes[:, None, None] * (j - i)
    bias = bias.masked_fill(~((i >= j) & (i - j < 300)), float("-inf")).to(torch.bfloat16)[None]
    results["functions"] = largest_difference(
        kernels["functions"](q, k, v), sdpa(q, k, v, attn_mask=bias, enable_gqa=True))

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        view = q.transpose(1, 2).contiguous().transpose(1, 2)
        o = kernel(view, k, v)
    stream.synchronize()
    results["view on a stream"] = largest_difference(o, wanted)

    graph, out = torch.cuda.CUDAGraph(), torch.empty_like(q)
    kernel(q, k, v, out=out)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        kernel(q, k, v, out=out)
    out.zero_()
    graph.replay()
    torch.cuda.synchronize()
    results["graph"] = largest_difference(out, wanted)
    return results


def measure(kernels, torch):
    """Microseconds of the host for a call: 16 queries, so that the GPU waits."""
    sdpa = torch.nn.functional.scaled_dot_product_attention

    def best(call, count=200):
        least = float("inf")
        for _ in range(50):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(count):
                call()
            least = min(least, (time.perf_counter() - begin) / count)
        return round(least * 1e6, 2)

    results = {}
    for name, heads in (("causal", 16), ("grouped", 4)):
        q, k, v = (torch.randn(1, count, 16, 128, device="cuda", dtype=torch.bfloat16)
                   for count in (16, heads, heads))
        out, kernel = torch.empty_like(q), kernels[name]
        with torch.no_grad():
            results[name] = {
                "attn": best(lambda: kernel(q, k, v)),
                "attn_out": best(lambda: kernel(q, k, v, out=out)),
                "sdpa": best(lambda: sdpa(q, k, v, is_causal=True, enable_gqa=heads != 16))}
    return results


def first_call(call, runs):
    """Milliseconds, the least of some runs; None if it does not run here."""
    times = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "CUDA_CACHE_DISABLE": "1", "TRITON_CACHE_DIR": folder,
                           "TORCHINDUCTOR_CACHE_DIR": folder}
            result = subprocess.run([sys.executable, "-c", FIRST.replace("{call}", call)],
                                    capture_output=True, text=True, env=environment)
        if result.returncode:
            print(f"first call of {call}: {result.stderr.strip()[-2000:]}")
            return None
        times.append(float(result.stdout))
    return round(min(times), 1)


def first_call_row(torch):
    ours, theirs = first_call("ours", 5), first_call("flex", 2)
    return [time_row("bf16, causal, first call", "ms", ours, theirs,
                     f"FlexAttention, compiled, PyTorch {torch.__version__}", None,
                     torch.cuda.get_device_name(), "bench/python/gpu.py")] if ours and theirs else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make")
    parser.add_argument("--chip", default="sm_90a")
    parser.add_argument("--artifacts")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    if options.make:
        return make(options.make, options.chip)
    import torch

    if options.artifacts:
        use(options.artifacts)
    slopes = torch.linspace(0.01, 0.2, 16, device="cuda")
    kernels = {name: attn.compile(target="cuda", **config)
               for name, config in configs(slopes).items()}
    for name, difference in check(kernels, slopes, torch).items():
        print(f"{name}: differs from PyTorch by at most {difference}")
    rows = [
        time_row(f"bf16, {name}, host time of a call with 16 queries, {way}", "us", times[key],
                 times["sdpa"], f"SDPA, PyTorch {torch.__version__}", 1.0,
                 torch.cuda.get_device_name(), "bench/python/gpu.py")
        for name, times in measure(kernels, torch).items()
        for way, key in (("new result", "attn"), ("out=", "attn_out"))]
    if not options.artifacts:
        rows += first_call_row(torch)
    for row in rows:
        print(row["work"], row["ours"], row["metric"], row["peer"], row["ratio"])
    if options.output:
        write_rows(options.output, rows)


if __name__ == "__main__":
    main()
