# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Score and mask functions of FlexAttention, FlashAttention, attention-gym,
FlashInfer and ONNX, each written once: for NumPy (the reference), for PyTorch,
and for the tracer, which is handed the same functions.

An entry takes a namespace `x` (where, abs, clamp, ...) and makes a function;
`x.table(array)` is how it captures an array.
"""

import math
import types

import numpy as np

B, H, S, D = 2, 4, 80, 16
INF = math.inf
rng = np.random.default_rng(20)


def _floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


ARRAYS = {
    "heads": _floats(H), "batches": _floats(B), "rows": _floats(S), "bias": _floats(S, S),
    "batch_bias": _floats(B, S, S), "full_bias": _floats(B, H, S, S), "relative": _floats(2 * S),
    "batch_rows": _floats(B, S), "rel_h": _floats(B, H, S, S // 8), "window_table": _floats(50, H),
    "window_index": rng.integers(0, 50, (S, S)).astype(np.int32), "batch_heads": _floats(B, H),
    "scalar": np.array(0.75, np.float32), "relative_wide": _floats(1025),
    "packed": _floats(B * S), "cu": (np.arange(B + 1) * S).astype(np.int32),
    "halves": (np.arange(S) >= S // 2).astype(np.int32),
    "documents": np.repeat(np.arange(5), 16).astype(np.int32),
    "documents_bh": np.sort(rng.integers(0, 4, (B, H, S)).astype(np.int32), axis=-1),
    "offsets": np.array([0, 16, 48, 60, S], np.int32),
    "document_of": np.searchsorted([16, 48, 60], np.arange(S), side="right").astype(np.int32),
    "lengths": np.array([33, 71], np.int32), "score_limits": np.array([0.5, 1.0], np.float32),
    "thresholds": rng.integers(0, S, S).astype(np.int32),
    "windows": rng.integers(0, 40, B * S).astype(np.int32),
    "words": rng.integers(-2**31, 2**31, (B, S, (S + 31) // 32)).astype(np.int32),
    "image_of": (np.arange(S) // 20).astype(np.int32),
    "low": np.array([0, 10, 30, 50], np.int32), "high": np.array([20, 40, 70, 80], np.int32),
}

SCORES, MASKS = {}, {}


def score(function):
    SCORES[function.__name__] = function
    return function


def mask(function):
    MASKS[function.__name__] = function
    return function


def _lambdas(registry, **functions):
    registry.update(functions)


_lambdas(
    SCORES,
    identity=lambda x: lambda s, b, h, i, j: s,
    times_two=lambda x: lambda s, b, h, i, j: 2 * s,
    squared=lambda x: lambda s, b, h, i, j: s * s,
    causal=lambda x: lambda s, b, h, i, j: x.where(i >= j, s, -INF),
    inverse_causal=lambda x: lambda s, b, h, i, j: x.where(i <= j, s, -INF),
    rel_bias=lambda x: lambda s, b, h, i, j: s + (i - j),
    rel_bias_abs=lambda x: lambda s, b, h, i, j: s + abs(i - j),
    rel_bias_abs_clamped=lambda x: lambda s, b, h, i, j: s + x.clamp(x.abs(i - j), 0, 25),
    rel_bias_abs_x2=lambda x: lambda s, b, h, i, j: s + 2 * x.abs(i - j),
    rel_causal=lambda x: lambda s, b, h, i, j: x.where(i >= j, s + (i - j), -INF),
    alibi_torch=lambda x: lambda s, b, h, i, j: s + (j - i) * x.exp2(-((h + 1) * 8.0 / H)),
    alibi_abs=lambda x: lambda s, b, h, i, j: s - x.abs(i - j) * 2 ** (-8 * (h + 1) / 8),
    alibi_fa2_causal=lambda x: lambda s, b, h, i, j: s + 2 ** -(h + 1.0) * (j - (S - 1)),
    alibi_fa2=lambda x: lambda s, b, h, i, j: s - 2 ** -(h + 1.0) * x.abs(i + S - S - j),
    trig=lambda x: lambda s, b, h, i, j: x.sin(x.cos(s)) + x.tan(b),
    trig2=lambda x: lambda s, b, h, i, j: x.cos(s) * x.sin(s) + x.tan(b),
    silu=lambda x: lambda s, b, h, i, j: s * x.sigmoid(s),
    sliding_window=lambda x: lambda s, b, h, i, j: x.where(x.abs(i - j) <= 25, s, -INF),
    block_diagonal=lambda x: lambda s, b, h, i, j: x.where(i // 16 == j // 16, s, -INF),
    skip_odd_keys=lambda x: lambda s, b, h, i, j: x.where(j % 2 == 0, s, -INF),
    floor_div=lambda x: lambda s, b, h, i, j: s - i // (1 + j),
)
for _cap in (1, 15, 20, 30, 50):
    SCORES[f"softcap_{_cap}"] = lambda x, cap=_cap: lambda s, b, h, i, j: cap * x.tanh(s / cap)


@score
def composition(x):
    def relative(s, b, h, i, j):
        return s + (i - j)

    def inverse_causal(s, b, h, i, j):
        return x.where(i <= j, s, -INF)

    return lambda s, b, h, i, j: inverse_causal(relative(s, b, h, i, j), b, h, i, j)


@score
def head_offset(x):
    table = x.table("heads")
    return lambda s, b, h, i, j: s * table[h]


@score
def seq_masking(x):
    sequence = x.table("halves")
    return lambda s, b, h, i, j: x.where(sequence[i] == sequence[j], s, -INF)


@score
def njt_causal(x):
    offsets, document = x.table("offsets"), x.table("document_of")

    def function(s, b, h, i, j):
        row, key = i - offsets[document[i]], j - offsets[document[j]]
        return x.where((document[i] == document[j]) & (row >= key), s, -INF)

    return function


@score
def doc_causal(x):
    document = x.table("documents")
    return lambda s, b, h, i, j: x.where((i >= j) & (document[i] == document[j]), s, -INF)


@score
def padded_dense_causal(x):
    limits = x.table("score_limits")

    def function(s, b, h, i, j):
        return x.where(s <= limits[b], x.where(i >= j, s, -INF), -INF)

    return function


@score
def dependent_causal_bidirectional(x):
    n = x.table("lengths")

    def function(s, b, h, i, j):
        return x.where(((i <= n[b]) & (j <= n[b])) | (i >= j), s, -INF)

    return function


@score
def natten_2d_union(x):
    width = 16

    def function(s, b, h, i, j):
        dx = x.abs(x.floor(i / width) - x.floor(j / width))
        dy = x.abs(i % width - j % width)
        return x.where((dx <= 1) | (dy <= 3), s, -INF)

    return function


@score
def bias_seq(x):
    bias = x.table("bias")
    return lambda s, b, h, i, j: s + bias[i, j]


@score
def bias_batch_seq(x):
    bias = x.table("batch_bias")
    return lambda s, b, h, i, j: s + bias[b, i, j]


@score
def bias_batch_head_seq(x):
    bias = x.table("full_bias")
    return lambda s, b, h, i, j: s + bias[b, h, i, j]


@score
def bias_rel_table(x):
    table = x.table("relative")
    return lambda s, b, h, i, j: s + table[(i - j) + S]


@score
def index_multiple(x):
    bias = x.table("batch_rows")
    return lambda s, b, h, i, j: s + bias[b][i]


@score
def all_dims(x):
    rows, batches, heads = x.table("rows"), x.table("batches"), x.table("heads")
    return lambda s, b, h, i, j: s + rows[i] + batches[b] + heads[h]


@score
def decomposed_rel_pos(x):
    table = x.table("rel_h")
    return lambda s, b, h, i, j: s + table[b, h, i, j // 8]


@score
def gathered_bias(x):
    table, index = x.table("window_table"), x.table("window_index")
    return lambda s, b, h, i, j: s + table[index[i, j], h]


@score
def captured_scalar(x):
    c = x.table("scalar")
    return lambda s, b, h, i, j: (s + c) * c


@score
def dequant(x):
    scale = x.table("batch_heads")
    return lambda s, b, h, i, j: s * scale[b, h]


@score
def batch_bias(x):
    bias = x.table("batches")
    return lambda s, b, h, i, j: s + bias[b]


@score
def scaled_squared(x):
    scale = x.table("packed")
    cu = x.table("cu")
    return lambda s, b, h, i, j: scale[cu[b] + j] * s * s


@score
def packed_kv_bias(x):
    bias, cu = x.table("packed"), x.table("cu")
    return lambda s, b, h, i, j: s + bias[cu[b] + j]


@score
def packed_q_bias(x):
    bias, cu = x.table("packed"), x.table("cu")
    return lambda s, b, h, i, j: s + bias[cu[b] + i]


@score
def packed_both(x):
    bias, cu = x.table("packed"), x.table("cu")
    return lambda s, b, h, i, j: s + bias[cu[b] + i] + bias[cu[b] + j]


@score
def stress_complex(x):
    bias, cu = x.table("packed"), x.table("cu")

    def function(s, b, h, i, j):
        return s + 0.001 * x.abs(i - j) + bias[cu[b] + i] * 0.001 * (b + 1) * (h + 1)

    return function


@score
def stress_conditional(x):
    bias, cu = x.table("packed"), x.table("cu")

    def function(s, b, h, i, j):
        near = x.abs((cu[b] + i) - (cu[b] + j)) <= 51
        return x.where((i >= j) & near, s + bias[cu[b] + j], -INF)

    return function


@score
def stress_multi_buffer(x):
    heads, batches, packed, cu = (x.table(name) for name in ("heads", "batches", "packed", "cu"))
    relative = x.table("relative_wide")

    def function(s, b, h, i, j):
        near = x.clamp(i - j + 512, 0, 1024)
        return (s * heads[h] + batches[b] + packed[cu[b] + i] + packed[cu[b] + j]
                + 0.1 * relative[near])

    return function


@score
def stress_xor(x):
    bias, cu = x.table("packed"), x.table("cu")
    return lambda s, b, h, i, j: s + 0.001 * ((i ^ j) & 255) + 0.1 * bias[cu[b] + j]


_lambdas(
    MASKS,
    causal_br=lambda x: lambda b, h, i, j: j <= i + S - S,
    sliding_window_br=lambda x: lambda b, h, i, j: (i - 12 <= j) & (j <= i + 7),
    sliding_window_causal=lambda x: lambda b, h, i, j: (i - j <= 20) & (i >= j),
    block_diagonal_mask=lambda x: lambda b, h, i, j: i // 32 == j // 32,
    mini_causal=lambda x: lambda b, h, i, j: i % 32 >= j % 32,
    prefix_lm=lambda x: lambda b, h, i, j: (j < 24) | (i >= j),
    prefix_lm_512=lambda x: lambda b, h, i, j: ((i < 51) & (j < 51)) | (i >= j),
    dilated_window_causal=lambda x: lambda b, h, i, j: (i >= j) & (i - j < 40) & ((i - j) % 2 == 0),
    dilated_window_sym=lambda x: lambda b, h, i, j: (abs(i - j) <= 24) & (abs(i - j) % 3 == 0),
    row_prefix_only=lambda x: lambda b, h, i, j: i < S // 2,
    weird_reuse=lambda x: lambda b, h, i, j: (j < 16) | (j >= 48),
    empty=lambda x: lambda b, h, i, j: (i >= j) & ~(i >= j),
    full=lambda x: lambda b, h, i, j: (i >= j) | (i < j),
)


@mask
def document(x):
    ids = x.table("documents_bh")
    return lambda b, h, i, j: ids[b, h, i] == ids[b, h, j]


@mask
def document_inner(x):
    ids, offsets = x.table("document_of"), x.table("offsets")

    def inner(b, h, i, j):
        return i >= j

    def function(b, h, i, j):
        return (ids[i] == ids[j]) & inner(b, h, i - offsets[ids[i]], j - offsets[ids[j]])

    return function


@mask
def ima(x):
    threshold = x.table("thresholds")
    return lambda b, h, i, j: j >= threshold[j]


@mask
def global_causal_window(x):
    window, cu = x.table("windows"), x.table("cu")
    return lambda b, h, i, j: (j <= i) & (i - j <= window[cu[b] + i])


@mask
def scalar_limit(x):
    limit = x.table("lengths")
    return lambda b, h, i, j: (i >= j) & (j < limit[0])


@mask
def packed_bits(x):
    words = x.table("words")
    return lambda b, h, i, j: ((words[b, i, j // 32] >> (j % 32)) & 1) == 1


@mask
def natten_clamped(x):
    width, height, kernel = 16, 5, 3

    def function(b, h, i, j):
        near = None
        for q, k, size in ((i // width, j // width, height), (i % width, j % width, width)):
            center = x.clamp(q, kernel // 2, size - 1 - kernel // 2)
            axis = x.abs(center - k) <= kernel // 2
            near = axis if near is None else near & axis
        return near

    return function


@mask
def natten_tiled(x):
    width, tile, kernel = 16, 4, 5

    def position(n):
        number, inner = n // (tile * tile), n % (tile * tile)
        return (number // (width // tile)) * tile + inner // tile, (
            number % (width // tile)) * tile + inner % tile

    def function(b, h, i, j):
        (qx, qy), (kx, ky) = position(i), position(j)
        return (x.abs(qx - kx) <= kernel) & (x.abs(qy - ky) <= kernel)

    return function


@mask
def natten_morton(x):
    def decode(n):
        result = 0
        for bit in range(4):
            result = result | (((n >> (2 * bit)) & 1) << bit)
        return result

    def function(b, h, i, j):
        return (x.abs(decode(i) - decode(j)) <= 3) & (x.abs(decode(i >> 1) - decode(j >> 1)) <= 3)

    return function


@mask
def sta_2d(x):
    width, tile, text = 16, 4, 16  # the last keys are text

    def function(b, h, i, j):
        rows = x.abs(i // width // tile - j // width // tile) <= 0
        columns = x.abs(i % width // tile - j % width // tile) <= 1
        image = (i < S - text) & (j < S - text)
        return (image & rows & columns) | (j >= S - text)

    return function


@mask
def sta_3d(x):
    height, width = 4, 4  # of a frame

    def function(b, h, i, j):
        near = x.abs(i // (height * width) - j // (height * width)) <= 1
        for q, k in ((i // width % height, j // width % height), (i % width, j % width)):
            near = near & (x.abs(q // 2 - k // 2) <= 0)
        return near

    return function


@mask
def svg_spatial(x):
    prompt, window = 8, 20
    return lambda b, h, i, j: (j < prompt) | (i < prompt) | (x.abs(i - j) < window)


@mask
def svg_temporal(x):
    prompt, frame, window = 8, 24, 6

    def function(b, h, i, j):
        row, key = (i - prompt) % frame, (j - prompt) % frame
        return (j < prompt) | (i < prompt) | (x.abs(row - key) < window)

    return function


@mask
def flamingo(x):
    image, low, high = x.table("image_of"), x.table("low"), x.table("high")
    return lambda b, h, i, j: (low[image[j]] <= i) & (i < high[image[j]])


@mask
def batchify(x):
    n = 20

    def inner(b, h, i, j):
        return (i - j <= 7) & (i >= j)

    return lambda b, h, i, j: (i // n == j // n) & inner(b, h, i % n, j % n)


@mask
def padded_causal(x):
    length = x.table("lengths")
    return lambda b, h, i, j: (i < length[b]) & (i >= j)


@mask
def and_combiner(x):
    masks = (MASKS["causal_br"](x), lambda b, h, i, j: i - j <= 51)

    def function(b, h, i, j):
        result = True
        for each in masks:
            result = result & each(b, h, i, j)
        return result

    return function


# -- Namespaces -----------------------------------------------------------------


class Table:
    """An array indexed by one broadcast array after another: t[b][i]."""

    def __init__(self, array, indices=()):
        self.array, self.indices = array, indices

    def __getitem__(self, index):
        indices = self.indices + (index if isinstance(index, tuple) else (index,))
        if len(indices) == self.array.ndim:
            return self.array[indices]
        return Table(self.array, indices)


def _reference_table(name):
    array = ARRAYS[name]
    wide = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
    return Table(wide) if array.ndim else wide


REFERENCE = types.SimpleNamespace(
    where=np.where, abs=np.abs, clamp=np.clip, exp2=np.exp2, tanh=np.tanh, sin=np.sin, cos=np.cos,
    tan=np.tan, floor=np.floor, sigmoid=lambda a: 1 / (1 + np.exp(-a)), table=_reference_table)


def numpy_namespace():
    """For the tracer, with arrays of NumPy."""
    import attn

    return types.SimpleNamespace(
        where=np.where, abs=np.abs, clamp=np.clip, exp2=np.exp2, tanh=np.tanh, sin=np.sin,
        cos=np.cos, tan=np.tan, floor=np.floor, sigmoid=attn.sigmoid, table=ARRAYS.__getitem__)


def torch_namespace(device="cpu"):
    import torch

    return types.SimpleNamespace(
        where=torch.where, abs=torch.abs, clamp=torch.clamp, exp2=torch.exp2, tanh=torch.tanh,
        sin=torch.sin, cos=torch.cos, tan=torch.tan, floor=torch.floor, sigmoid=torch.sigmoid,
        table=lambda name: torch.from_numpy(ARRAYS[name]).to(device))


def reference(q, k, v, score=None, mask=None, scale=None):
    """o and lse in float64; functions get arrays that broadcast."""
    q, k, v = (np.asarray(a, np.float64) for a in (q, k, v))
    groups = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, groups, 1), np.repeat(v, groups, 1)
    s = np.einsum("bhid,bhjd->bhij", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    b, h, i, j = np.ogrid[:s.shape[0], :s.shape[1], :s.shape[2], :s.shape[3]]
    if score is not None:
        s = np.broadcast_to(score(s, b, h, i, j), s.shape)
    if mask is not None:
        s = np.where(mask(b, h, i, j), s, -INF)
    highest = np.max(s, -1, keepdims=True, initial=-INF)
    p = np.exp(s - np.where(np.isinf(highest), 0, highest))
    total = p.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(total[..., 0]) + np.where(np.isinf(highest), 0, highest)[..., 0]
    return (p / np.where(total == 0, 1, total)) @ v, lse


def inputs(kv_heads=H, seed=1, dtype=np.float32, batch=B, q_length=S, kv_length=S, depth=D):
    random = np.random.default_rng(seed)
    shapes = ((batch, H, q_length, depth), (batch, kv_heads, kv_length, depth))
    return [random.standard_normal(shape).astype(dtype) for shape in (*shapes, shapes[1])]
