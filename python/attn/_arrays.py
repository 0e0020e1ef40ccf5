# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of NumPy, PyTorch and others, none of which is imported here."""

import sys
from typing import NamedTuple, Optional, Tuple

# Names of element types elsewhere, and in MLIR.
DTYPES = {
    "float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f64", "bool": "i1",
    "int8": "i8", "uint8": "i8", "int32": "i32", "int64": "i64",
}
SHORT = {"f32", "f16", "bf16", "f64", "i1", "i8", "i32", "i64"}


class ArrayInfo(NamedTuple):
    shape: Tuple[Optional[int], ...]  # None: differs from call to call, in graphs of PyTorch
    strides: Tuple[int, ...]  # in elements
    contiguous: bool
    dtype: Optional[str]  # None: not one of ours
    dtype_name: str
    unsigned: bool


def is_torch(value):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def is_array(value):
    """Arrays, not numbers; NumPy's scalars have no dimensions."""
    return is_torch(value) or hasattr(value, "__array_interface__") or (
        hasattr(value, "__dlpack__") and hasattr(value, "shape"))


def is_masked(array):
    """Masked arrays of NumPy, which lend their elements without the mask."""
    return hasattr(array, "mask") and hasattr(array, "filled")


def dtype_name(dtype):
    """"float32" for numpy.float32, torch.float32, numpy.dtype("f4"), "f32"."""
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    return name.split(".")[-1]


def to_mlir(dtype):
    """The element type of MLIR, or None."""
    name = dtype_name(dtype)
    return name if name in SHORT else DTYPES.get(name)


def _describe_tensor(tensor):
    """In a graph sizes may be symbols."""
    shape = tuple(size if isinstance(size, int) else None for size in tensor.shape)
    name = dtype_name(tensor.dtype)
    return ArrayInfo(shape, tuple(tensor.stride()), tensor.is_contiguous(), to_mlir(tensor.dtype),
                     name, name == "uint8")


def describe_array(array):
    if is_torch(array):
        return _describe_tensor(array)
    shape = tuple(int(size) for size in array.shape)
    strides = getattr(array, "strides", None)
    item = getattr(array, "itemsize", None)
    if strides is not None and item:
        strides = tuple(stride // item for stride in strides)
    dense, expected = True, 1
    for size, stride in zip(reversed(shape), reversed(strides or ())):
        if size != 1 and stride != expected:
            dense = False
        expected *= size
    if 0 in shape:
        dense = True
    name = dtype_name(array.dtype)
    return ArrayInfo(shape, strides or (), dense, to_mlir(array.dtype), name, name == "uint8")


def device_of(array):
    """("cpu", 0) or ("cuda", ordinal)."""
    if is_torch(array):
        return ("cuda", array.get_device()) if array.is_cuda else ("cpu", 0)
    where = getattr(array, "__dlpack_device__", None)
    if where is not None:
        kind, ordinal = where()
        return ("cuda", int(ordinal)) if int(kind) == 2 else ("cpu", 0)
    return ("cpu", 0)
