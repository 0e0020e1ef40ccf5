# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What needs PyTorch: tracing its functions, and an operator that torch.compile
keeps. Imported once the program has imported torch."""

import torch
from torch.overrides import TorchFunctionMode

from . import _trace
from ._kernel import find_kernel


class TraceMode(TorchFunctionMode):
    """Hands calls with traced values to the tracer, also where only an index is
    one: table[h]."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if _trace._find_region(args) or _trace._find_region(kwargs.values()):
            return _trace.dispatch(function, args, kwargs)
        return function(*args, **kwargs)


@torch.library.custom_op("attn::launch", mutates_args=())
def launch(kernel: str, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """Runs a kernel of attn.compile on tensors."""
    result = find_kernel(kernel)._launch(tuple(inputs))
    return list(result) if isinstance(result, tuple) else [result]


@launch.register_fake
def _(kernel, inputs):
    kernel = find_kernel(kernel)
    sizes = {}
    for tensor, names in zip(inputs, kernel.signature.argument_dims):
        for size, name in zip(tensor.shape, names):
            sizes.setdefault(name, size)
    return [inputs[0].new_empty([sizes[name] if isinstance(name, str) else name for name in names],
                                dtype=getattr(torch, dtype))
            for names, dtype in kernel.signature.result_dims]


def launch_kernel(kernel, inputs):
    """`kernel` on tensors, as an operator that a compiler of graphs can see."""
    return torch.ops.attn.launch(kernel.name, list(inputs))


def call(kernel, inputs):
    results = launch_kernel(kernel, inputs)
    return results[0] if len(results) == 1 else tuple(results)


def current_stream(device):
    return torch._C._cuda_getCurrentRawStream(device)
