# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention from Python, with NumPy alone: a config, functions, errors, artifacts.

    python examples/attention.py
"""

import pathlib
import tempfile

import attn
import numpy as np

HEADS, LENGTH, SIZE = 8, 256, 64
random = np.random.default_rng(0)
q, k, v = (random.standard_normal((1, HEADS, LENGTH, SIZE), np.float32) for _ in range(3))


def reference(score_mod=None, mask_mod=None):
    """softmax(q k^T / sqrt(D)) v in float64; functions are given arrays."""
    b, h, i, j = np.ogrid[:1, :HEADS, :LENGTH, :LENGTH]
    scores = np.einsum("bhid,bhjd->bhij", q, k, dtype=np.float64) / np.sqrt(SIZE)
    if score_mod:
        scores = score_mod(scores, b, h, i, j)
    if mask_mod:
        scores = np.where(mask_mod(b, h, i, j), scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def check(name, o, wanted):
    difference = np.abs(o - wanted).max()
    assert difference < 1e-5, f"{name} differs by {difference}"
    print(f"{name}: agrees with float64")


# A config: what there is besides is in help(attn.Config).
causal = attn.compile(heads=HEADS, head_dim=SIZE, causal=True)
check("causal", causal(q, k, v), reference(mask_mod=lambda b, h, i, j: j <= i))

# Functions, as FlexAttention has them. Arrays that they refer to are read where they
# lie, in each call.
slopes = (2.0 ** -np.arange(1, HEADS + 1)).astype(np.float32)
documents = np.repeat(np.arange(4), LENGTH // 4).astype(np.int32)


def score(s, b, h, q_idx, kv_idx):
    return s + slopes[h] * (kv_idx - q_idx)


def same_document(b, h, q_idx, kv_idx):
    return documents[q_idx] == documents[kv_idx]


o, lse = attn.flex_attention(q, k, v, score_mod=score, mask_mod=same_document, return_lse=True)
check("functions", o, reference(score, same_document))
documents[:] = 0
check("other documents", attn.flex_attention(q, k, v, score_mod=score, mask_mod=same_document),
      reference(score))

# What goes wrong says which rule it broke, and where.
try:
    causal(q, k[:, :, :100], v)
except attn.Error as error:
    assert error.rule == 1
    print(f"refused: {error}")
try:
    attn.flex_attention(q, k, v, mask_mod=lambda b, h, i, j: i < j or i > j + 10)
except attn.TraceError as error:
    print(f"refused: {error.args[0].splitlines()[0].split(': ', 1)[1]}")

# The same kernel for C, without Python.
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "causal.attn"
    causal.save(path)
    print(f"an artifact for {causal.chip}: {path.stat().st_size // 1024} KiB")
