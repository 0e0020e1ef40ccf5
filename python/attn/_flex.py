# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""flex_attention, with the signature of torch.nn.attention.flex_attention."""

import os
import threading
import weakref

from . import _config, _trace
from ._arrays import device_of, to_mlir
from ._errors import Error, TraceError
from ._kernel import Kernel

_lock = threading.Lock()
# What was compiled: by the functions, and by the MLIR that they became.
_by_functions = weakref.WeakKeyDictionary()
_by_text = {}
_MOST_TEXTS = 256
_PLAIN = type("Plain", (), {})()


def _after_fork():
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _sizes(query, key, value, enable_gqa):
    for name, array in (("query", query), ("key", key), ("value", value)):
        if len(array.shape) != 4:
            raise Error(f"rule 1: {name} has shape {tuple(array.shape)}; "
                        "[batch, heads, length, head size] is needed")
    heads, kv_heads = query.shape[1], key.shape[1]
    if heads != kv_heads and not enable_gqa:
        raise Error(f"query has {heads} heads and key {kv_heads}; grouped heads need enable_gqa=True")
    if query.shape[3] != key.shape[3]:
        raise Error(f"rule 1: the head size of query is {query.shape[3]}, of key {key.shape[3]}")
    return heads, kv_heads, query.shape[3], value.shape[3]


def _mask_of(block_mask, mask_mod):
    if block_mask is None:
        return mask_mod
    if mask_mod is not None:
        raise Error("give block_mask or mask_mod, not both")
    # A BlockMask of PyTorch; its tiles are not needed, the compiler finds its own.
    function = getattr(block_mask, "mask_mod", block_mask)
    if not callable(function):
        raise Error(f"block_mask is a {type(block_mask).__name__}; a BlockMask or a function is needed")
    return function


def _entries(functions):
    """What was compiled for the functions; nothing can be kept for what has no weak
    references or no hash."""
    try:
        return _by_functions.setdefault(functions[0] or functions[1] or _PLAIN, {})
    except TypeError:
        return {}


def _find(functions, key):
    entry = _entries(functions).get(key)
    if entry is None:
        return None
    other, guards, kernel = entry
    if other() is not functions[1] or not _trace.holds(guards):
        return None
    return kernel


def _seen_lengths(functions, key):
    return any(known == key for known, _ in _entries(functions))


def _remember(functions, key, guards, kernel):
    try:
        other = weakref.ref(functions[1]) if functions[1] is not None else lambda: None
    except TypeError:
        return
    _entries(functions)[key] = (other, guards, kernel)


def _compile(functions, key, q_length):
    heads, kv_heads, dk, dv, dtype, scale, lse, (target, device) = key
    written = _config.write(_config.Config(
        heads=heads, kv_heads=kv_heads, head_dim=dk, v_head_dim=dv, dtype=dtype, scale=scale, lse=lse,
        q_length=q_length, score_mod=functions[0], mask_mod=functions[1]))
    # Functions that are made anew for each call become the same MLIR.
    text_key = (written.text, target, device)
    known = _by_text.get(text_key)
    if known is None:
        # It keeps no arrays alive.
        known = Kernel(written.text, signature=written.signature,
                       captures=(None,) * len(written.captures), target=target, device=device)
        if len(_by_text) >= _MOST_TEXTS:
            del _by_text[next(iter(_by_text))]
        _by_text[text_key] = known
    kernel = known.with_captures(written.captures)
    _remember(functions, (key, q_length), written.guards, kernel)
    return kernel


def _kernel(functions, key, q_length):
    """The first number of queries is compiled for exactly, which takes a third of
    the time; when another one comes, code for any is made."""
    exact = (key, q_length)
    kernel = _find(functions, exact) or _find(functions, (key, None))
    if kernel is None:
        seen = _seen_lengths(functions, key)
        kernel = _compile(functions, key, None if seen else q_length)
    return kernel


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None, enable_gqa=False,
                   return_lse=False, *, mask_mod=None, out=None):
    """softmax(score_mod(scale * query key^T)) value over the keys that the mask
    admits, for arrays [batch, heads, length, head size] of NumPy or PyTorch.

    `score_mod(score, b, h, q_idx, kv_idx)` and `mask_mod(b, h, q_idx, kv_idx)` are
    those of FlexAttention; `block_mask` may be a BlockMask of PyTorch, of which
    only the mask_mod is used. The first call with a function compiles it, for that
    number of queries; the first one with another number compiles it for any.
    """
    functions = (score_mod, _mask_of(block_mask, mask_mod))
    for name, function in zip(("score_mod", "mask_mod"), functions):
        if function is not None and not callable(function):
            raise TraceError(f"{name} is a {type(function).__name__}, not a function")
    heads, kv_heads, dk, dv = _sizes(query, key, value, enable_gqa)
    dtype = to_mlir(query.dtype)
    config = (heads, kv_heads, dk, dv, dtype, None if scale is None else float(scale), return_lse,
              device_of(query))
    with _lock:
        kernel = _kernel(functions, config, query.shape[2] or None)
    return kernel(query, key, value, out=out)
