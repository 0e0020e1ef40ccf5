# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""flex_attention under torch.compile. Dynamo takes the score and mask functions down
as a graph, with the tensors that they refer to as its inputs: it sees an operator that
makes the traced values, the functions' operations on them, and one that stands for
attention. A wrapper that it does not look into gets that graph, replays it through the
tracer, and puts the operator attn::launch in its place. Imported inside of graphs."""

import functools
import operator
from typing import Any, Dict, List, NoReturn, Optional

import torch

from . import _flex, _trace
from ._errors import Error
from ._torch import launch_kernel

try:
    from torch._higher_order_ops.wrap import dynamo_bypassing_wrapper
except ImportError:
    raise Error(f"PyTorch {torch.__version__} cannot hand graphs over: compile the kernel by "
                "attn.compile, outside of torch.compile, or take a later PyTorch") from None

# Kernels that graphs refer to by name.
_kept: Dict[str, Any] = {}


def _never() -> NoReturn:
    raise Error("operators of graphs are no code; call attn.flex_attention")


@torch.library.custom_op("attn::indices", mutates_args=())
def indices(query: torch.Tensor) -> List[torch.Tensor]:
    """A score and the indices b, h, q_idx and kv_idx. Those have a dimension: PyTorch
    would ask a tensor without any for its number where something is indexed by it."""
    _never()


@indices.register_fake
def _(query):
    return [query.new_empty((), dtype=torch.float32)] + [
        query.new_empty((1,), dtype=torch.int32) for _ in range(4)]


@torch.library.custom_op("attn::attend", mutates_args=())
def attend_op(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
              score: Optional[torch.Tensor], keep: Optional[torch.Tensor],
              lse: bool) -> List[torch.Tensor]:
    """Attention with what the functions return."""
    _never()


@attend_op.register_fake
def _(query, key, value, score, keep, lse):
    rows = query.shape[:3]
    results = [query.new_empty((*rows, value.shape[3]))]
    return results + ([query.new_empty(rows, dtype=torch.float32)] if lse else [])


def attend(query, key, value, functions, options):
    """What Dynamo sees of flex_attention."""
    score_mod, mask_mod = functions
    scale, enable_gqa, lse = options

    def body(query, key, value):
        score, *places = torch.ops.attn.indices.default(query)
        changed = None if score_mod is None else score_mod(score, *places)
        keep = None if mask_mod is None else mask_mod(*places)
        if changed is not None and not isinstance(changed, torch.Tensor):
            changed = torch.full_like(score, changed)
        if keep is not None and not isinstance(keep, torch.Tensor):
            keep = torch.full_like(places[0], keep, dtype=torch.bool)
        return tuple(torch.ops.attn.attend.default(query, key, value, changed, keep, lse))

    wrap = functools.partial(_wrap, options)
    results = dynamo_bypassing_wrapper(wrap, body, query, key, value)
    return results if lse else results[0]


class _Replay:
    """The graph of `body`, run through the tracer."""

    def __init__(self, module, inputs):
        self.module = module
        self.nodes = list(module.graph.nodes)
        self.inputs = dict(zip((node for node in self.nodes if node.op == "placeholder"), inputs))
        self.attention = next(node for node in self.nodes
                              if node.target is torch.ops.attn.attend.default)

    def operands(self):
        """Queries, keys and values."""
        return [self._run(node, None, ()) for node in self.attention.args[:3]]

    def functions(self):
        """Those of a score and a mask, as the tracer takes them."""
        _, _, _, score, keep, _ = self.attention.args

        def score_mod(*traced):
            return self._run(score, traced[0].region.tracer, traced)

        def mask_mod(*traced):
            return self._run(keep, traced[0].region.tracer, (None, *traced))

        return score and score_mod, keep and mask_mod

    def _run(self, result, tracer, traced):
        needed, left = set(), [result]
        while left:
            node = left.pop()
            if node not in needed:
                needed.add(node)
                left += node.all_input_nodes
        values = {}
        for node in self.nodes:
            if node in needed:
                values[node] = self._step(node, values, tracer, traced)
        return values[result]

    def _step(self, node, values, tracer, traced):
        if node.op == "placeholder":
            return self.inputs[node]
        if node.op == "get_attr":
            return getattr(self.module, node.target)
        if node.target is torch.ops.attn.indices.default:
            return traced
        # What does not depend on traced values stays in the graph around.
        is_traced = any(isinstance(values[operand], (_trace.Value, _trace.Capture))
                        for operand in node.all_input_nodes)

        def take(operand):
            return self._lift(values[operand], tracer) if is_traced else values[operand]

        args = torch.fx.map_arg(node.args, take)
        kwargs = torch.fx.map_arg(node.kwargs, take)
        if is_traced and node.target is operator.getitem and isinstance(args[0], torch.Tensor):
            args = (tracer.capture_later(args[0], f"'{node.args[0]}'"), args[1])
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        return node.target(*args, **kwargs)

    def _lift(self, value, tracer):
        """Numbers that differ from call to call are captures without dimensions."""
        if not isinstance(value, (torch.SymInt, torch.SymFloat)):
            return value
        dtype = torch.int64 if isinstance(value, torch.SymInt) else torch.float64
        device = self.operands()[0].device
        return tracer.capture(torch.scalar_tensor(value, dtype=dtype, device=device), "of a number")


def _wrap(options, module):
    """What runs in place of the graph of `body`."""
    return functools.partial(_attend, options, module)


def _attend(options, module, *inputs):
    replay = _Replay(module, inputs)
    query, key, value = replay.operands()
    if torch.is_grad_enabled() and any(
            getattr(array, "requires_grad", False) for array in inputs):
        raise Error("a tensor requires gradients, and there is no backward pass; call under "
                    "torch.no_grad(), or detach it")
    key, value, config = _flex.prepare(query, key, value, options)
    q_length = query.shape[2]
    kernel, written = _flex.compile_functions(
        replay.functions(), config, q_length if isinstance(q_length, int) else None)
    _kept[kernel.name] = kernel
    return tuple(launch_kernel(kernel, (query, key, value, *written.captures)))
