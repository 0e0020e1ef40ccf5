# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""flex_attention, with the signature of torch.nn.attention.flex_attention."""

import os
import sys
import threading
import warnings
import weakref
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from . import _config, _trace
from ._arrays import device_of, dtype_name, is_torch, to_mlir
from ._errors import Error, TraceError
from ._kernel import Kernel, is_compiling

_lock = threading.Lock()
# What was compiled: by the functions, and by the MLIR that they became.
_by_functions: Any = weakref.WeakKeyDictionary()
_by_text: Dict[Tuple, Kernel] = {}
_MOST_TEXTS = 256
_PLAIN = type("Plain", (), {})()


def _after_fork():
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class AuxRequest(NamedTuple):
    """What flex_attention returns besides; PyTorch's will do, too."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """None where it was not asked for."""

    lse: Any = None
    max_scores: Any = None


def _shape(name, array):
    try:
        return tuple(array.shape)
    except (AttributeError, TypeError, RuntimeError):  # nested tensors have none
        raise Error(f"{name} is a {type(array).__name__} without a shape; an array of NumPy or "
                    "PyTorch is needed") from None


def _element(query):
    element = to_mlir(query.dtype)
    if element not in ("f32", "f16", "bf16"):
        raise Error(f"query has element type {dtype_name(query.dtype)}; float32, float16 and "
                    "bfloat16 are possible")
    return element


def _number(name, value):
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(f"{name} is {value!r}; a number is needed") from None


def _sizes(query, key, value, enable_gqa):
    for name, array in (("query", query), ("key", key), ("value", value)):
        shape = _shape(name, array)
        if len(shape) != 4:
            raise Error(f"rule 1: {name} has shape {shape}; "
                        "[batch, heads, length, head size] is needed")
    heads, kv_heads = query.shape[1], key.shape[1]
    if heads != kv_heads and not enable_gqa:
        raise Error(f"query has {heads} heads and key {kv_heads}; grouped heads need enable_gqa=True")
    if query.shape[3] != key.shape[3]:
        raise Error(f"rule 1: the head size of query is {query.shape[3]}, of key {key.shape[3]}")
    return heads, kv_heads, query.shape[3], value.shape[3]


def _broadcast(array, batch):
    """A view with the one batch of `array` for each of `batch`."""
    shape = (batch, *array.shape[1:])
    if is_torch(array):
        return array.expand(shape)
    import numpy

    return numpy.broadcast_to(array, shape)


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


# Tiles of masks that PyTorch makes where there is none: these fit all sizes.
_ANY_LENGTH = 1 << 30


def _check_mask(block_mask, query, key):
    """A BlockMask was made for sizes, which are to be those of the call."""
    shape = getattr(block_mask, "shape", None)
    if shape is None or min(block_mask.BLOCK_SIZE) >= _ANY_LENGTH:
        return
    wanted = (query.shape[0], query.shape[1], query.shape[2], key.shape[2])
    made = tuple(shape)
    if made[2:] != wanted[2:] or any(a not in (1, b) for a, b in zip(made[:2], wanted)):
        raise Error(f"block_mask was made for the sizes {made} of batch, heads, queries and keys; "
                    f"those of the call are {wanted}")


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


def compile_functions(functions, key, q_length):
    """A kernel for what the functions become, without the arrays that they refer to;
    and what they became."""
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
    return known, written


def _compile(functions, key, q_length):
    known, written = compile_functions(functions, key, q_length)
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


def prepare(query, key, value, options):
    """Keys and values of the batch of the queries, and what a kernel is compiled for."""
    scale, enable_gqa, lse = options
    heads, kv_heads, dk, dv = _sizes(query, key, value, enable_gqa)
    if key.shape[0] == value.shape[0] == 1 != query.shape[0]:
        key, value = (_broadcast(array, query.shape[0]) for array in (key, value))
    return key, value, (heads, kv_heads, dk, dv, _element(query), scale, lse, device_of(query))


def _outputs(result, return_lse, return_aux):
    """As PyTorch's flex_attention returns them."""
    if return_aux is None:
        return result
    return (result[0], AuxOutput(lse=result[1])) if return_lse else (result, AuxOutput())


def flex_attention(query: Any, key: Any, value: Any, score_mod: Optional[Callable] = None,
                   block_mask: Any = None, scale: Optional[float] = None, enable_gqa: bool = False,
                   return_lse: bool = False, kernel_options: Any = None, *, return_aux: Any = None,
                   mask_mod: Optional[Callable] = None, out: Any = None) -> Any:
    """softmax(score_mod(scale * query key^T)) value over the keys that the mask
    admits, for arrays [batch, heads, length, head size] of NumPy or PyTorch.

    `score_mod(score, b, h, q_idx, kv_idx)` and `mask_mod(b, h, q_idx, kv_idx)` are
    those of FlexAttention; `block_mask` may be a BlockMask of PyTorch, of which
    only the mask_mod is used. `kernel_options` are of PyTorch's kernels: they are
    ignored, with a warning. Keys and values of one batch serve all. The first call with a function compiles it, for that
    number of queries; the first one with another number compiles it for any.
    """
    functions = (score_mod, _mask_of(block_mask, mask_mod))
    for name, function in zip(("score_mod", "mask_mod"), functions):
        if function is not None and not callable(function):
            raise TraceError(f"{name} is a {type(function).__name__}, not a function")
    if kernel_options:
        warnings.warn("attn.flex_attention chooses tiles itself: kernel_options are ignored",
                      stacklevel=2)
    if return_aux is not None:
        if return_lse:
            raise Error("give return_lse or return_aux, not both")
        if return_aux.max_scores:
            raise Error("return_aux asks for max_scores, which no kernel computes")
        return_lse = return_aux.lse
    _check_mask(block_mask, query, key)
    options = (_number("scale", scale), bool(enable_gqa), bool(return_lse))
    if "torch" in sys.modules and is_torch(query) and is_compiling():
        if out is not None:
            raise Error("out= cannot be given under torch.compile")
        from . import _graph

        return _outputs(_graph.attend(query, key, value, functions, options), return_lse, return_aux)
    key, value, config = prepare(query, key, value, options)
    with _lock:
        kernel = _kernel(functions, config, query.shape[2] or None)
    return _outputs(kernel(query, key, value, out=out), return_lse, return_aux)
