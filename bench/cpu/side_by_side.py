#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our CPU kernels, PyTorch's SDPA and ONNX Runtime's attention in one process,
in turns, for one thread and for all: a table, rows of JSON and a plot, with the
FMA peak and the read bandwidth of the machine measured in the same run. Each
turn of more than one thread begins when the threads of the others, which spin
for a while after a call, sleep, and after a call that wakes its own.

    python3 -m pip install torch onnxruntime onnx numpy
    bench/cpu/side_by_side.py --build=build --shapes=AGH --output=rows.json --plot=plot.svg

A peer that is not installed is left out. Times are medians, ratios medians of
those of each turn. On a machine that others use, take --clock=processor for one
thread: time in which the process waits for its turn does not count. Decoding (G, H) is measured warm, one
problem again and again, and cold: copies of keys and values, together larger
than the caches, take turns.
"""

import argparse
import ctypes
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from ctypes import byref

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import rows as results  # noqa: E402

try:
    import onnx
    import onnxruntime
except ImportError:
    onnxruntime = None

# Batch, query heads, key heads, queries, keys, head size, causal.
SHAPES = {"A": (1, 8, 8, 512, 512, 64, False), "B": (1, 8, 8, 1024, 1024, 64, False),
          "C": (1, 8, 8, 2048, 2048, 64, False), "D": (1, 8, 8, 2048, 2048, 64, True),
          "E": (1, 8, 8, 4096, 4096, 128, False), "F": (1, 32, 8, 1024, 1024, 128, True),
          "G": (1, 32, 8, 1, 4096, 128, False), "H": (8, 32, 8, 1, 4096, 128, False)}
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

# What a ratio to the best peer is to be; of cold decoding, the share of the
# bandwidth is to be 80% instead.
BARS = {"f32": {"A": 1.1, "B": 1.15, "C": 1.15, "D": 1.5, "E": 1.15, "F": 1.5},
        "f16": dict.fromkeys("ABCDEF", 1.15),
        "bf16": {"A": 1.0} | dict.fromkeys("BCDEF", 1.3),
        "bf16 with AMX": dict.fromkeys("ABCDEF", 2.5)}


def find_bar(work, name):
    if " " in work:
        return 2.5 if work.endswith(" warm") else None
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        has_amx = "amx_bf16" in file.read()
    return BARS[f"{name} with AMX" if name == "bf16" and has_amx else name][work]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", ctypes.c_int64 * 8), ("strides", ctypes.c_int64 * 8)]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("backend", ctypes.c_char_p),
                ("threads", ctypes.c_int32), ("device", ctypes.c_int32)]


class Runtime:
    """The C API, by ctypes."""
    DTYPES = {torch.float32: 1, torch.float16: 2, torch.bfloat16: 3}

    def __init__(self, build):
        self.compiler = build / "bin/attn-compile"
        self.library = ctypes.CDLL(str(build / "runtime/libattn_runtime.so"))
        self.library.attn_error_create.restype = ctypes.c_void_p
        self.library.attn_error_message.restype = ctypes.c_char_p
        self.error = ctypes.c_void_p(self.library.attn_error_create())

    def call(self, name, *arguments):
        if getattr(self.library, name)(*arguments, self.error):
            raise RuntimeError(f"{name}: {self.library.attn_error_message(self.error).decode()}")

    def load(self, source, threads):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "f.mlir"
            file.write_text(source, encoding="utf-8")
            artifact = file.with_suffix(".attn")
            subprocess.run([self.compiler, file, "--target=cpu", "-o", artifact], check=True)
            context, program = ctypes.c_void_p(), ctypes.c_void_p()
            options = Options(ctypes.sizeof(Options), b"cpu", threads, 0)
            self.call("attn_context_create", byref(options), byref(context))
            self.call("attn_program_load_file", context, str(artifact).encode(), byref(program))
        return program

    def attention(self, shape, tensors, threads):
        """A function of the number of a list of q, k, v and o: each is bound once."""
        _, _, _, _, _, size, causal = shape
        name = next(n for n, t in TYPES.items() if t == tensors[0][0].dtype)
        memref = f"memref<?x?x?x{size}x{name}>"
        options = "{causal = #attn.causal<top_left>}" if causal else ""
        program = self.load(f"""
            func.func @f(%q: {memref}, %k: {memref}, %v: {memref}, %o: {memref}) {{
              attn.attention ins(%q, %k, %v : {memref}, {memref}, {memref}) outs(%o : {memref}) {options}
              return
            }}""", threads)
        bindings = [self.bind(program, given) for given in tensors]
        return lambda copy: self.call("attn_launch_alloc", bindings[copy], None)

    def bind(self, program, tensors):
        binding = ctypes.c_void_p()
        self.call("attn_binding_create", program, byref(binding))
        for number, x in enumerate(tensors):
            tensor = Tensor(x.data_ptr(), self.DTYPES[x.dtype], 4,
                            (ctypes.c_int64 * 8)(*x.shape), (ctypes.c_int64 * 8)(*x.stride()))
            self.call("attn_binding_set_argument", binding, ctypes.c_size_t(number), byref(tensor))
        return binding


def onnx_attention(shape, q, copies, threads):
    """A function of the number of a copy, or None where no op takes the problem."""
    batch, heads, key_heads, queries, keys, _, causal = shape
    types = {torch.float32: onnx.TensorProto.FLOAT, torch.float16: onnx.TensorProto.FLOAT16}
    if q.dtype not in types:
        return None

    def padded(x):
        """GroupQueryAttention of 1.30 reads past the end of keys: a crash at the end of a mapping."""
        memory = np.zeros(x.numel() + (1 << 16), x.numpy().dtype)[:x.numel()].reshape(x.shape)
        memory[...] = x
        return memory

    def flat(x):
        return x.transpose(1, 2).reshape(batch, x.shape[2], -1).contiguous().numpy()

    grouped = queries == 1 or causal
    feeds = []
    for k, v in copies:
        feed = {"q": flat(q), "k": flat(k), "v": flat(v)}
        if grouped:
            past = keys - queries
            feed |= {"k": flat(k[:, :, past:]), "v": flat(v[:, :, past:]),
                     "past_k": padded(k[:, :, :past]), "past_v": padded(v[:, :, :past]),
                     "last": np.full((batch,), keys - 1, np.int32),
                     "total": np.array([keys], np.int32)}
        feeds.append(feed)
    name = "GroupQueryAttention" if grouped else "MultiHeadAttention"
    attributes = {"num_heads": heads} | ({"kv_num_heads": key_heads} if grouped else {})
    inputs = list(feeds[0])
    node = onnx.helper.make_node(name, inputs, ["o"], domain="com.microsoft", **attributes)
    infos = [onnx.helper.make_tensor_value_info(
        n, onnx.TensorProto.INT32 if x.dtype == np.int32 else types[q.dtype], x.shape)
        for n, x in feeds[0].items()]
    output = onnx.helper.make_tensor_value_info("o", types[q.dtype], None)
    graph = onnx.helper.make_graph([node], "g", infos, [output])
    model = onnx.helper.make_model(graph, ir_version=10, opset_imports=[
        onnx.helper.make_opsetid("", 23), onnx.helper.make_opsetid("com.microsoft", 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return lambda copy: session.run(None, feeds[copy])


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


# Longer than the threads of the peers spin when they have no work.
QUIET_SECONDS = 0.06


def take_turns(candidates, copies, seconds, clock, threads):
    """Milliseconds of each, turn by turn."""
    times = {name: [] for name in candidates}
    for run in candidates.values():
        run(0)
    begin, number = time.monotonic(), 0
    while time.monotonic() - begin < seconds or number < 5 * len(candidates):
        for name, run in candidates.items():
            # A copy that nobody has just read.
            if threads > 1:
                time.sleep(QUIET_SECONDS)
                run((number + copies // 2) % copies)
            start = clock()
            run(number % copies)
            times[name].append(1e3 * (clock() - start))
            number += 1
    return times


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.runtime = Runtime(arguments.build)
        self.machine = ctypes.CDLL(str(arguments.build / "lib/libAttnBenchMachine.so"))
        for name in ("attn_bench_fma_gflops", "attn_bench_read_gbs"):
            getattr(self.machine, name).restype = ctypes.c_double
        self.rows = []

    def measure_machine(self, threads):
        gflops = self.machine.attn_bench_fma_gflops(threads)
        gbs = self.machine.attn_bench_read_gbs(threads, ctypes.c_size_t(self.arguments.cold_mib << 20))
        print(f"{threads} threads: f32 FMA {gflops:.0f} GFLOP/s, memory is read at {gbs:.1f} GB/s")
        return gflops, gbs

    def measure(self, letter, name, threads, limits):
        shape = SHAPES[letter]
        batch, heads, key_heads, queries, keys, size, causal = shape
        dtype = TYPES[name]
        torch.manual_seed(1)
        q = torch.randn(batch, heads, queries, size).to(dtype)
        unique = 2 * batch * key_heads * keys * size * q.element_size()
        modes = {"": 1}
        if queries == 1:
            modes = {" warm": 1, " cold": max(2, (self.arguments.cold_mib << 20) // unique)}
        copies = [tuple(torch.randn(batch, key_heads, keys, size).to(dtype) for _ in range(2))]
        copies += [tuple(x.clone() for x in copies[0]) for _ in range(max(modes.values()) - 1)]
        o = torch.full_like(q, math.nan)
        kernel = self.runtime.attention(shape, [(q, *copy, o) for copy in copies], threads)
        grouped = heads != key_heads

        def torch_attention(k, v, q=q):
            return scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=grouped)

        candidates = {"ours": kernel,
                      "torch": lambda copy: torch_attention(*copies[copy])}
        if onnxruntime:
            run = onnx_attention(shape, q, copies, threads)
            if run:
                candidates["onnxruntime"] = run
        candidates["ours"](0)
        exact = torch_attention(*(x.double() for x in copies[0]), q.double())
        error = (o.double() - exact).abs().max().item()
        operations = 4 * batch * heads * queries * keys * size / (2 if causal else 1)
        for mode, count in modes.items():
            taken = take_turns(candidates, count, self.arguments.seconds, CLOCKS[self.arguments.clock],
                               threads)
            self.report(f"{letter}{mode}", name, threads, taken, error, operations,
                        unique if queries == 1 else 0, limits)

    def report(self, work, name, threads, turns, error, operations, unique, limits):
        taken = {name: statistics.median(times) for name, times in turns.items()}
        ours = taken.pop("ours")
        peer = min(taken, key=taken.get)
        rate = unique / ours / 1e6 if unique else operations / ours / 1e6
        limit = limits[1] if unique else limits[0]
        machine, command = results.processor(), "bench/cpu/side_by_side.py"
        if self.arguments.clock != "wall":
            machine += f", shared: {results.load_average()}"
            command += f" --clock={self.arguments.clock}"
        row = results.time_row(f"cpu {work} {name}, {threads} threads", "ms", ours, taken[peer], peer,
                               find_bar(work, name), machine, command)
        ratio = statistics.median(theirs / mine for theirs, mine in zip(turns[peer], turns["ours"]))
        row |= dict(ratio=round(ratio, 3), others=taken, error=error, rate=rate, limit=limit,
                    unit="GB/s" if unique else "GFLOP/s", bytes=unique)
        self.rows.append(row)
        others = "  ".join(f"{n} {x:.3f}" for n, x in taken.items())
        print(f"{work:7} {name:5} {ours:9.3f} ms  {rate:7.1f} {row['unit']:8} {100 * rate / limit:4.0f}%  "
              f"{others}  {row['ratio']:.2f} x {peer}  error {error:.1e}", flush=True)

    def run(self):
        for threads in self.arguments.threads:
            torch.set_num_threads(threads)
            limits = self.measure_machine(threads)
            for letter in self.arguments.shapes:
                for name in self.arguments.types:
                    self.measure(letter, name, threads, limits)
        if self.arguments.output:
            results.replace_rows(self.arguments.output, self.rows)
        if self.arguments.plot:
            pathlib.Path(self.arguments.plot).write_text(plot(self.rows), encoding="utf-8")


def plot(rows):
    """Bars of the share of the machine's limit, ours and the best peer's; the
    line is the limit: the FMA peak of f32, or the bandwidth for decoding."""
    width, height, bar, left = 26, 300, 10, 40
    step = 2 * bar + width - 10
    shares = [(row["work"].removeprefix("cpu "), row["rate"] / row["limit"],
               row["rate"] / row["limit"] * row["ours"] / row["peer"]) for row in rows]
    top = max([1.05] + [max(ours, peer) * 1.05 for _, ours, peer in shares])

    def level(share):
        return height - share / top * (height - 20)

    total = left + step * len(shares) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height + 140}" '
             'font-family="sans-serif" font-size="10">',
             f'<rect width="{total}" height="{height + 140}" fill="white"/>',
             f'<text x="{left}" y="12">share of the limit measured in this run (line: f32 FMA peak, or read '
             'bandwidth for decoding); ours dark, the best peer light</text>']
    for percent in range(0, int(top * 100) + 1, 20):
        y = level(percent / 100)
        color = "black" if percent == 100 else "#ddd"
        parts.append(f'<line x1="{left}" x2="{total}" y1="{y:.1f}" y2="{y:.1f}" stroke="{color}"/>'
                     f'<text x="4" y="{y + 3:.1f}">{percent}%</text>')
    for number, (work, ours, peer) in enumerate(shares):
        x = left + step * number + 4
        for offset, share, color in ((0, ours, "#1b4f8f"), (bar, peer, "#a9c4e4")):
            y = level(share)
            parts.append(f'<rect x="{x + offset}" y="{y:.1f}" width="{bar - 1}" height="{height - y:.1f}" fill="{color}"/>')
        parts.append(f'<text transform="translate({x + bar + 3},{height + 6}) rotate(90)">{work}</text>')
    return "\n".join(parts + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"), help="build directory")
    parser.add_argument("--threads", type=lambda text: [int(x) for x in text.split(",")],
                        default=sorted({1, os.cpu_count()}), help="default: one and all")
    parser.add_argument("--shapes", default="".join(SHAPES), help="letters of docs/cpu.md")
    parser.add_argument("--types", type=lambda text: text.split(","), default=list(TYPES))
    parser.add_argument("--seconds", type=float, default=2.0, help="of each comparison")
    parser.add_argument("--cold-mib", type=int, default=1024, help="copies for cold decoding take so much")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="processor: one thread only")
    parser.add_argument("--output", help="a file of JSON, whose rows of the same work are replaced")
    parser.add_argument("--plot", help="SVG")
    arguments = parser.parse_args()
    unknown = set(arguments.shapes) - set(SHAPES) or set(arguments.types) - set(TYPES)
    if unknown:
        parser.error(f"there is no shape or type {', '.join(sorted(unknown))}")
    if arguments.clock == "processor" and arguments.threads != [1]:
        parser.error("--clock=processor counts the time of all threads: add --threads=1")
    with torch.no_grad():
        Bench(arguments).run()


if __name__ == "__main__":
    main()
