# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention in float64, and rule 20 of docs/semantics.md."""

import math

import torch

from cases import scale


def reference(variant, q, k, v, b, h):
    """o and lse of one query head in float64, o of unfused attention, and the
    sums of p |v| that o's roundings are relative to."""
    i = torch.arange(q.shape[2], device="cuda")[:, None]
    j = torch.arange(k.shape[2], device="cuda")[None]
    key_head = h // (q.shape[1] // k.shape[1])
    keys, values = k[b, key_head], v[b, key_head]

    def scores(s):
        s = s * scale(variant.head)
        if variant.score:
            s = variant.score(s, b, h, i, j)
        if variant.mask:
            s = s.masked_fill(~variant.mask(b, h, i, j), -math.inf)
        return s

    s = scores(q[b, h].double() @ keys.double().T)
    p, lse = torch.softmax(s, -1), torch.logsumexp(s, -1)
    o, magnitude = p @ values.double(), p @ values.double().abs()
    s = scores(q[b, h].float() @ keys.float().T)
    p = torch.softmax(s, -1).to(v.dtype).float()
    return o, lse, (p @ values.float()).to(v.dtype), magnitude


def rounding_error(dtype, magnitude):
    """Half an ulp of `dtype` at a magnitude."""
    return 2.0 ** math.floor(math.log2(magnitude)) * torch.finfo(dtype).eps / 2 if magnitude else 0.0


def compare(variant, q, k, v, o, lse):
    """The largest error over the tolerance of rule 20; above 1 is wrong. Two
    heads stand for all; every element must be finite."""
    worst = 0.0 if torch.isfinite(o).all() and not lse.isnan().any() else math.inf
    for b, h in ((0, 0), (q.shape[0] - 1, q.shape[1] - 1)):
        ref, ref_lse, unfused, magnitude = reference(variant, q, k, v, b, h)
        empty = ref_lse == -math.inf  # rows without keys are zero (rule 13)
        ref, unfused, magnitude = (x.masked_fill(empty[:, None], 0) for x in (ref, unfused, magnitude))
        rounded = ref.to(o.dtype)
        grain = ((rounded + 0.3 - 0.3) - rounded).abs().max().double()
        factor = 3 if variant.name == "softcap" else 2
        allowed = factor * (unfused.double() - ref).abs().max() + 2 * grain
        scale = magnitude.max().item()
        floor = 8 * rounding_error(torch.float32, scale)
        for dtype, size in ((v.dtype, scale), (o.dtype, ref.abs().max().item())):
            floor += rounding_error(dtype, size) if dtype != torch.float32 else 0.0
        allowed = allowed.clamp(min=floor)
        error = (o[b, h].double() - ref).abs().max()
        same = lse[b, h][empty] == -math.inf
        off = ((lse[b, h].double() - ref_lse) / ref_lse.abs().clamp(min=1))[~empty].abs()
        lse_error = (off.max() / 1e-3).item() if off.numel() else 0.0
        error = (error / allowed).item() if error > 0 else 0.0
        parts = (error, lse_error, 0.0 if bool(same.all()) else math.inf)
        worst = max(worst, *(math.inf if math.isnan(x) else x for x in parts))
    return worst
