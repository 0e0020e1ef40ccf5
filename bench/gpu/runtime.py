# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C API of the runtime (runtime/include/attn_runtime.h) for PyTorch."""

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p

MAX_RANK = 8
DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "bool": 5, "int8": 6, "int32": 7, "int64": 8}


class Tensor(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * MAX_RANK),
        ("strides", c_int64 * MAX_RANK),
    ]


class ContextOptions(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("backend", c_char_p),
        ("threads", c_int32),
        ("device", c_int32),
    ]


class Runtime:
    """A CUDA context of the runtime."""

    def __init__(self, library):
        self.lib = ctypes.CDLL(library)
        self.lib.attn_error_create.restype = c_void_p
        self.lib.attn_error_message.restype = c_char_p
        self.error = c_void_p(self.lib.attn_error_create())
        options = ContextOptions(ctypes.sizeof(ContextOptions), b"cuda", 0, 0)
        self.context = c_void_p()
        self.call("attn_context_create", byref(options), byref(self.context))

    def call(self, name, *arguments):
        if getattr(self.lib, name)(*arguments, self.error):
            message = self.lib.attn_error_message(self.error).decode()
            raise RuntimeError(f"{name}: {message}")

    def load(self, path):
        program = c_void_p()
        self.call("attn_program_load_file", self.context, str(path).encode(), byref(program))
        return Program(self, program)


class Program:
    def __init__(self, runtime, handle):
        self.runtime, self.handle = runtime, handle

    def bind(self, *tensors):
        """A function that launches on PyTorch's current stream."""
        import torch

        runtime, binding = self.runtime, c_void_p()
        runtime.call("attn_binding_create", self.handle, byref(binding))
        for index, value in enumerate(tensors):
            dtype = DTYPES[str(value.dtype).split(".")[1]]
            rank = value.dim()
            tensor = Tensor(
                value.data_ptr(),
                dtype,
                rank,
                (c_int64 * MAX_RANK)(*value.shape),
                (c_int64 * MAX_RANK)(*value.stride()),
            )
            runtime.call(
                "attn_binding_set_argument", binding, c_size_t(index), byref(tensor)
            )
        size = c_size_t()
        runtime.call("attn_binding_workspace_size", binding, byref(size), None)
        workspace = torch.empty(max(size.value, 1), dtype=torch.uint8, device="cuda")

        def launch():
            stream = torch.cuda.current_stream().cuda_stream
            runtime.call(
                "attn_launch", binding, c_void_p(workspace.data_ptr()), size, c_void_p(stream)
            )

        launch.keep = tensors
        return launch
