"""Our attention against cuDNN, FlashAttention-2 and FlexAttention on one GPU.

  bench.py ARTIFACTS LIBRARY [--only REGEX] [--lengths 512,...] [--json FILE]

ARTIFACTS is what build.py wrote, LIBRARY libattn_runtime.so. Everything runs in
one process, is checked against float64 by rule 20 of docs/semantics.md, and is
timed in random order with medians over rounds. The exit code is 1 if anything
is wrong, whatever its speed.
"""

import argparse
import json
import math
import pathlib
import random
import re
import statistics
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from triton.testing import do_bench

from cases import VARIANTS, Variant, scale
from runtime import Runtime

TOKENS = 16384  # B * S
WIDTH = 2048  # H * D
DATE = "2026-11-22"
BARS = {  # ratio to cuDNN; documents the goal next to the number
    "d64": 1.05, "d64-causal": 1.05, "d128": 1.06, "d128-causal": 1.15,
    "d256": 1.00, "d256-causal": 1.05,
}
VARIANT_BARS = dict.fromkeys(VARIANTS, 1.3) | {"softcap": 2.0}


def reference(variant, q, k, v, b, h):
    """o and lse of one head in float64, and o of unfused attention (rule 20)."""
    i = torch.arange(q.shape[2], device="cuda")[:, None]
    j = torch.arange(k.shape[2], device="cuda")[None]

    def scores(s):
        s = s * scale(variant.head)
        if variant.score:
            s = variant.score(s, b, h, i, j)
        if variant.mask:
            s = s.masked_fill(~variant.mask(b, h, i, j), -math.inf)
        return s

    s = scores(q[b, h].double() @ k[b, h].double().T)
    o, lse = torch.softmax(s, -1) @ v[b, h].double(), torch.logsumexp(s, -1)
    s = scores(q[b, h].float() @ k[b, h].float().T)
    p = torch.softmax(s, -1).to(v.dtype).float()
    return o, lse, (p @ v[b, h].float()).to(v.dtype)


def check(variant, q, k, v, o, lse):
    """The error over the tolerance of rule 20; above 1 is wrong."""
    worst = 0.0
    for b, h in ((0, 0), (q.shape[0] - 1, q.shape[1] - 1)):
        ref, ref_lse, unfused = reference(variant, q, k, v, b, h)
        rounded = ref.to(o.dtype)
        grain = ((rounded + 0.3 - 0.3) - rounded).abs().max().double()
        factor = 3 if variant.name == "softcap" else 2
        allowed = factor * (unfused.double() - ref).abs().max() + 2 * grain
        error = (o[b, h].double() - ref).abs().max() / allowed
        lse_error = ((lse[b, h].double() - ref_lse).abs() / ref_lse.abs().clamp(min=1)).max() / 1e-3
        worst = max(worst, error.item(), lse_error.item())
        if not (torch.isfinite(o[b, h]).all() and worst <= 1):
            return math.inf if math.isnan(worst) else max(worst, 1.01)
    return worst


def sdpa(backend, q, k, v, causal):
    def run():
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    return run


def flex(variant, q, k, v):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch._dynamo.reset()  # past its limit of recompilations it runs unfused
    compiled = torch.compile(flex_attention, dynamic=False)
    n = q.shape[2]
    mask = variant.mask and create_block_mask(variant.mask, q.shape[0], None, n, n, device="cuda")
    return lambda: compiled(q, k, v, score_mod=variant.score, block_mask=mask)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("artifacts", type=pathlib.Path)
    parser.add_argument("library")
    parser.add_argument("--only", default="")
    parser.add_argument("--lengths", default="512,1024,2048,4096,8192,16384")
    parser.add_argument("--variant-lengths", default="2048,8192")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rep", type=int, default=40, help="milliseconds a measurement")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--no-flex", action="store_true")
    args = parser.parse_args()

    runtime = Runtime(args.library)
    machine = torch.cuda.get_device_name()
    command = "bench/gpu/bench.py " + " ".join(sys.argv[3:])
    rows, failures = [], 0
    for file in sorted(args.artifacts.glob("*.attn")):
        if not re.search(args.only, file.stem):
            continue
        # An artifact of other tile sizes may be called d64@192x64.
        name = file.stem.split("@")[0]
        if name not in VARIANTS and name not in BARS:
            continue
        program = runtime.load(file)
        lengths = args.variant_lengths if name in VARIANTS else args.lengths
        for length in map(int, lengths.split(",")):
            batch, head = TOKENS // length, Variant(name, 1, 1, 16).head
            heads = WIDTH // head
            variant = Variant(name, batch, heads, length)
            torch.manual_seed(length)
            q, k, v = (
                torch.randn(batch, heads, length, head, device="cuda", dtype=torch.bfloat16)
                for _ in range(3)
            )
            o = torch.full_like(q, math.nan)
            lse = torch.full((batch, heads, length), math.nan, device="cuda")
            ours = program.bind(q, k, v, o, lse, *variant.extra)
            ours()
            torch.cuda.synchronize()
            error = check(variant, q, k, v, o, lse)
            first = o.clone()
            ours()
            torch.cuda.synchronize()
            if not torch.equal(first, o):
                error = math.inf  # rule 19
            if not error <= 1:
                failures += 1
            candidates = {"ours": ours}
            if name in VARIANTS:
                if not args.no_flex:
                    try:
                        candidates["FlexAttention"] = flex(variant, q, k, v)
                        candidates["FlexAttention"]()
                    except Exception as problem:  # the peer's own limits
                        print(f"FlexAttention on {name}: {str(problem)[:200]}")
                        candidates.pop("FlexAttention", None)
            else:
                candidates["cuDNN"] = sdpa(SDPBackend.CUDNN_ATTENTION, q, k, v, variant.causal)
                candidates["FA2"] = sdpa(SDPBackend.FLASH_ATTENTION, q, k, v, variant.causal)
            times = {candidate: [] for candidate in candidates}
            for _ in range(args.rounds):
                order = list(candidates)
                random.shuffle(order)
                for candidate in order:
                    times[candidate].append(
                        do_bench(candidates[candidate], warmup=10, rep=args.rep, return_mode="median")
                    )
            flops = 4 * batch * heads * length * length * head * variant.visible(length)
            speed = {c: flops / statistics.median(t) / 1e9 for c, t in times.items()}
            bars = VARIANT_BARS if name in VARIANTS else BARS
            bar = bars[name] if length >= 2048 else 1.0
            line = f"{file.stem:12} S={length:<6} error/allowed {error:4.2f}  ours {speed['ours']:6.0f}"
            for peer in candidates:
                if peer == "ours":
                    continue
                ratio = speed["ours"] / speed[peer]
                line += f"  {peer} {speed[peer]:5.0f} ({ratio:4.2f}x)"
                rows.append(
                    dict(
                        work=f"forward {file.stem}, S={length}",
                        metric="TFLOP/s",
                        ours=round(speed["ours"], 1),
                        peer=round(speed[peer], 1),
                        peer_name=peer,
                        ratio=round(ratio, 3),
                        bar=bar if peer != "FA2" else None,
                        machine=machine,
                        command=command,
                        date=DATE,
                    )
                )
            print(line, flush=True)
    if args.json:
        args.json.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    if failures:
        print(f"{failures} cases are wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
