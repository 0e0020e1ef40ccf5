# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our attention against cuDNN, FlashAttention-2 and FlexAttention on one GPU.

  bench.py ARTIFACTS LIBRARY [--only REGEX] [--json FILE] ...

ARTIFACTS is what build.py wrote, LIBRARY libattn_runtime.so. One run makes the
whole table: forward, variants, decoding. Everything runs in one process, is
checked against float64 by rule 20 of docs/semantics.md, and is timed in random
order with medians over rounds. Rows that miss their bar are listed. The exit
code is 1 if anything is wrong, whatever its speed.

--against FOLDER makes the artifacts there, of another compiler, one more peer
in each row, and says whether their outputs have the same bits.
"""

import argparse
import json
import math
import pathlib
import re
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from cases import DECODE_SHAPES, VARIANTS, Variant
from measure import Rotation, Rows, command_line, interleaved, milliseconds, read_bandwidth
from reference import compare
from runtime import Runtime

TOKENS = 16384  # B * S
WIDTH = 2048  # H * D
# Ratios to reach; see the table of goals in docs/hopper.md.
FORWARD_BARS = {"d64": 1.05, "d64-causal": 1.05, "d128": 1.06, "d128-causal": 1.15,
                "d256": 1.00, "d256-causal": 1.05}
SHORT_BAR = 1.0  # S below 2048
VARIANT_BARS = dict.fromkeys(VARIANTS, 1.3) | {"softcap": 2.0}
TILE_BARS = dict.fromkeys(VARIANTS, 0.85) | {"softcap": 0.6}
BANDWIDTH_BAR = 0.92  # decoding, B >= 16
LATENCY_BAR = 1.3  # decoding against cuDNN, B = 1, 8192 keys
# Rows and keys of a tile at the variants' head size (docs/hopper.md).
TILE = (128, 128)
AGAINST_BAR = 0.98  # of the speed of artifacts given by --against
BEFORE = "the other compiler"
COLD = 200e6  # bytes between two uses of a buffer: four times the L2 cache


def sdpa(backend, q, k, v, causal=False):
    grouped = q.shape[1] != k.shape[1]

    def run():
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=grouped)

    return run


def flex(variant, q, k, v):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch._dynamo.reset()  # past its limit of recompilations it runs unfused
    compiled = torch.compile(flex_attention, dynamic=False)
    n = q.shape[2]
    mask = variant.mask and create_block_mask(variant.mask, q.shape[0], None, n, n, device="cuda")
    return lambda: compiled(q, k, v, score_mod=variant.score, block_mask=mask)


def peers_that_run(peers, work):
    """Calls each once; what a peer cannot do is said and left out."""
    running = {}
    for name, make in peers.items():
        try:
            call = make()
            call()
            torch.cuda.synchronize()
            running[name] = call
        except Exception as problem:  # the peer's own limits
            reason = (str(problem).strip() or repr(problem)).splitlines()[0]
            print(f"{name} does not run {work}: {reason[:160]}")
    return running


def visited_share(variant, batch, length):
    """Share of the score matrix in tiles with something to attend."""
    if not variant.mask:
        return 1.0
    rows, keys = TILE
    j = torch.arange(length, device="cuda")[None]
    visited = total = 0
    for b in range(batch):
        for first in range(0, length, rows):
            i = torch.arange(first, min(first + rows, length), device="cuda")[:, None]
            columns = variant.mask(b, 0, i, j).any(0)
            columns = F.pad(columns, (0, -length % keys)).view(-1, keys).any(1)
            visited += int(columns.sum())
            total += columns.numel()
    return visited / total


class Bench:
    def __init__(self, args):
        self.args = args
        self.runtime = Runtime(args.library)
        self.rows = Rows(command_line())
        self.failures = 0
        self.plain = {}  # length -> milliseconds of plain attention, d128

    def wanted(self, name):
        return re.search(self.args.only, name) is not None

    def artifacts(self, *names):
        """Program and label of each; tile sizes may follow, as in d64@192x64."""
        for name in names:
            for file in sorted(self.args.artifacts.glob("*.attn")):
                if file.stem.split("@")[0] == name and self.wanted(file.stem):
                    yield name, file.stem, self.runtime.load(file)

    def other(self, label):
        """The program of the other compiler for the same source, if there is one."""
        file = self.args.against and self.args.against / f"{label}.attn"
        return self.runtime.load(file) if file and file.exists() else None

    def peer_launch(self, work, program, variant, q, k, v, ours):
        """The other compiler's launch; `ours` has just run on the same input."""
        o = torch.full_like(q, math.nan)
        lse = torch.full(q.shape[:3], math.nan, device="cuda")
        launch = program.bind(q, k, v, o, lse, *variant.extra)
        launch()
        torch.cuda.synchronize()
        if not torch.equal(o, ours.keep[3]):
            print(f"{work}: the other compiler's output has other bits")
        return launch

    def checked(self, label, program, variant, q, k, v):
        """The launch, after it was found right and repeatable (rule 19)."""
        o = torch.full_like(q, math.nan)
        lse = torch.full(q.shape[:3], math.nan, device="cuda")
        launch = program.bind(q, k, v, o, lse, *variant.extra)
        launch()
        torch.cuda.synchronize()
        error, first = compare(variant, q, k, v, o, lse), o.clone()
        o.fill_(math.nan)
        launch()
        torch.cuda.synchronize()
        if not torch.equal(first, o):
            error = math.inf
        if not error <= 1:
            self.failures += 1
            print(f"WRONG {label}: {error:.2f} of what is allowed")
        return launch, error

    def square(self, name, label, program, length, peers_of):
        """One shape of the forward pass against its peers: milliseconds."""
        batch, head = TOKENS // length, Variant(name, 1, 1, 16).head
        heads = WIDTH // head
        variant = Variant(name, batch, heads, length)
        torch.manual_seed(length)
        q, k, v = (
            torch.randn(batch, heads, length, head, device="cuda", dtype=torch.bfloat16)
            for _ in range(3)
        )
        work = f"{label}, S={length}"
        ours, error = self.checked(work, program, variant, q, k, v)
        candidates = {"ours": ours} | peers_that_run(peers_of(variant, q, k, v), work)
        if other := self.other(label):
            candidates[BEFORE] = self.peer_launch(work, other, variant, q, k, v, ours)
        times = interleaved(candidates, self.args.rounds, milliseconds(self.args.rep))
        flops = 4 * batch * heads * length * length * head * variant.visible(length)
        speeds = {c: flops / ms / 1e9 for c, ms in times.items()}
        line = f"{label:14} S={length:<6} error/allowed {error:4.2f}  ours {speeds['ours']:6.0f}"
        for peer in list(candidates)[1:]:
            line += f"  {peer} {speeds[peer]:5.0f} ({speeds['ours'] / speeds[peer]:4.2f}x)"
        print(line, flush=True)
        return variant, batch, times, speeds

    def forward(self):
        def peers_of(variant, q, k, v):
            return {
                "cuDNN": lambda: sdpa(SDPBackend.CUDNN_ATTENTION, q, k, v, variant.causal),
                "FA2": lambda: sdpa(SDPBackend.FLASH_ATTENTION, q, k, v, variant.causal),
            }

        for name, label, program in self.artifacts(*FORWARD_BARS):
            for length in self.args.lengths:
                _, _, times, speeds = self.square(name, label, program, length, peers_of)
                if label == "d128":
                    self.plain[length] = times["ours"]
                bars = {
                    "cuDNN": FORWARD_BARS[name] if length >= 2048 else SHORT_BAR,
                    BEFORE: AGAINST_BAR,
                }
                for peer in list(speeds)[1:]:
                    self.rows.add(
                        f"forward {label}, S={length}", "TFLOP/s", speeds["ours"], speeds[peer],
                        peer, speeds["ours"] / speeds[peer], bars.get(peer),
                    )

    def variants(self):
        def peers_of(variant, q, k, v):
            return {} if self.args.no_flex else {"FlexAttention": lambda: flex(variant, q, k, v)}

        lengths = self.args.variant_lengths
        for name, label, program in self.artifacts(*VARIANTS):
            for length in lengths:
                variant, batch, times, speeds = self.square(name, label, program, length, peers_of)
                for peer in list(speeds)[1:]:
                    self.rows.add(
                        f"forward {label}, S={length}", "TFLOP/s", speeds["ours"], speeds[peer],
                        peer, speeds["ours"] / speeds[peer],
                        AGAINST_BAR if peer == BEFORE else VARIANT_BARS[name],
                    )
                plain = self.plain_time(length)
                if plain is None:
                    continue
                share = visited_share(variant, batch, length)
                elements = WIDTH // variant.head * TOKENS * length
                ours = share * elements / times["ours"] / 1e9
                peer = elements / plain / 1e9
                print(f"{label:14} S={length:<6} visits {share:.3f} of the tiles, "
                      f"{ours / peer:.2f} of plain speed an element")
                self.rows.add(
                    f"forward {label}, S={length}, per element of visited tiles",
                    "T elements/s", ours, peer, "our plain kernel", ours / peer,
                    TILE_BARS[name], digits=3,
                )

    def plain_time(self, length):
        """Of plain attention with the variants' head size, in this run."""
        if length not in self.plain:
            file = self.args.artifacts / "d128.attn"
            if not file.exists():
                return None
            _, _, times, _ = self.square(
                "d128", "d128", self.runtime.load(file), length, lambda *_: {}
            )
            self.plain[length] = times["ours"]
        return self.plain[length]

    def decode(self):
        shapes = [shape for shape in DECODE_SHAPES if self.wanted(f"decode-{shape[0]}")]
        if not shapes:
            return
        bandwidth, how = read_bandwidth()
        print(f"read bandwidth {bandwidth / 1e9:.0f} GB/s ({how})")
        for shape in shapes:
            file = self.args.artifacts / f"d{shape[-1]}.attn"
            if not file.exists():
                print(f"there is no {file}")
                continue
            self.decode_shape(self.runtime.load(file), shape, bandwidth)
            torch.cuda.empty_cache()

    def decode_shape(self, program, shape, bandwidth):
        batch, heads, key_heads, keys, head = shape
        read = 2 * 2 * batch * key_heads * keys * head
        work = f"decode B={batch} Hq={heads} Hkv={key_heads} Skv={keys} D={head}"
        torch.manual_seed(keys)
        variant, buffers, ours = Variant(f"d{head}", batch, heads, 1, keys), [], []
        other, others = self.other(f"d{head}"), []
        error = 0.0
        for _ in range(max(2, math.ceil(COLD / read) + 1)):
            q = torch.randn(batch, heads, 1, head, device="cuda", dtype=torch.bfloat16)
            k, v = (
                torch.randn(batch, key_heads, keys, head, device="cuda", dtype=torch.bfloat16)
                for _ in range(2)
            )
            buffers.append((q, k, v))
            launch, found = self.checked(work, program, variant, q, k, v)
            ours.append(launch)
            error = max(error, found)
            if other:
                others.append(self.peer_launch(work, other, variant, q, k, v, launch))

        candidates = {"ours": Rotation(ours)}
        peers = {"cuDNN": SDPBackend.CUDNN_ATTENTION, "FA2": SDPBackend.FLASH_ATTENTION}
        for peer, backend in peers.items():
            calls = [sdpa(backend, *buffer) for buffer in buffers]
            if peers_that_run({peer: lambda: calls[0]}, work):
                candidates[peer] = Rotation(calls)
        if others:
            candidates[BEFORE] = Rotation(others)
        times = interleaved(candidates, self.args.rounds, Rotation.milliseconds)
        speed = read / (times["ours"] / 1e3)
        line = (f"{work}: error/allowed {error:4.2f}  ours {times['ours'] * 1e3:.1f} us, "
                f"{speed / 1e9:.0f} GB/s ({speed / bandwidth:.2f} of reading)")
        self.rows.add(work, "GB/s", speed / 1e9, bandwidth / 1e9, "read bandwidth",
                      speed / bandwidth, BANDWIDTH_BAR if batch >= 16 else None)
        for peer in list(times)[1:]:
            ratio = times[peer] / times["ours"]
            line += f"  {peer} {times[peer] * 1e3:.1f} us ({ratio:.2f}x)"
            latency = peer == "cuDNN" and batch == 1 and keys == 8192
            bar = AGAINST_BAR if peer == BEFORE else LATENCY_BAR if latency else None
            self.rows.add(work, "us", times["ours"] * 1e3, times[peer] * 1e3, peer, ratio, bar)
        print(line, flush=True)


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("artifacts", type=pathlib.Path)
    parser.add_argument("library")
    parser.add_argument("--only", default="", help="regex on d64, d128-causal, alibi, decode-16, ...")
    parser.add_argument("--lengths", type=numbers, default=[512, 1024, 2048, 4096, 8192, 16384])
    parser.add_argument("--variant-lengths", type=numbers, default=[2048, 8192])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rep", type=int, default=40, help="milliseconds a measurement")
    parser.add_argument("--against", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--no-flex", action="store_true")
    args = parser.parse_args()

    bench = Bench(args)
    bench.forward()
    bench.variants()
    bench.decode()
    if args.json:
        rows = ",\n".join(json.dumps(row) for row in bench.rows.rows)
        args.json.write_text("[\n" + rows + "\n]\n")
    for row in bench.rows.short():
        print(f"short of {row['bar']}: {row['work']}: {row['ratio']} of {row['peer_name']}")
    if bench.failures:
        print(f"{bench.failures} cases are wrong")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
