# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`compile`, and the callables that it returns."""

import collections
import copy
import hashlib
import json
import os
import sys
import threading
import weakref
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _attn, _config
from ._arrays import is_torch
from ._errors import Diagnostic, Error, Location

_lock = threading.Lock()
_contexts: Dict[Tuple[str, int, int], Any] = {}
# What is loaded, which a fork must find.
_codes: Any = weakref.WeakSet()
# Kernels by name: an operator of PyTorch takes tensors and text.
_kernels: Any = collections.defaultdict(weakref.WeakSet)
_torch = None


def _import_torch():
    """What needs PyTorch, once the program has it."""
    global _torch
    from . import _torch as module

    _torch = module
    return module


def is_compiling():
    """In a graph of torch.compile; for programs that have PyTorch."""
    return sys.modules["torch"].compiler.is_compiling()


def _context(target, threads, device):
    backend = _attn.find_backend(target)
    if not backend:
        raise Error(f"no backend runs the target {target!r}")
    key = (backend, threads, device)
    with _lock:
        if key not in _contexts:
            _contexts[key] = _attn.Context(*key)
        return _contexts[key]


def _after_fork():
    """A child process has no threads: kernels open their devices anew, and what they
    had is left alone."""
    global _lock
    _lock = threading.Lock()
    for context in _contexts.values():
        _attn.keep_forever(context)
    _contexts.clear()
    for code in list(_codes):
        code.forget()


os.register_at_fork(after_in_child=_after_fork)


def _diagnostics(outcome):
    return [Diagnostic(severity, message, Location(file, line, column) if file else None)
            for severity, message, file, line, column in outcome["diagnostics"]]


def _digest(*parts):
    return "kernel_" + hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def find_kernel(name):
    """One of that name; graphs keep theirs alive."""
    return next(iter(_kernels[name]))


class _Code:
    """What MLIR text was compiled to, loaded on a device. Where an op has versions
    for some sizes, the general one is compiled first and the others once a call
    needs them: artifacts are what they are when all are there."""

    def __init__(self, text, entry, target, chip, threads, device, tile, explain, artifact):
        # What makes the same code again, on another machine perhaps.
        self.options = dict(entry=entry, target=target, chip=chip, threads=threads, device=device,
                            tile=tile, explain=explain, artifact=artifact)
        self.name = _digest(text, self.options)
        self._text, self._lock = text, threading.Lock()
        if artifact is None:
            # Explanations are of all versions.
            self.outcome = self._compile(not explain, b"")
        else:
            self.outcome = dict(artifact=artifact, diagnostics=(), phases=[], choices=[], ranges=[])
        self._load()
        _codes.add(self)

    def _context(self):
        return _context(*(self.options[name] for name in ("target", "threads", "device")))

    def _compile(self, general, completes):
        options = self.options
        target, chip = options["target"], options["chip"]
        if not chip and _attn.find_backend(target):
            chip = _attn.choose_chip(target, self._context().describe()["features"])
        outcome = _attn.compile(self._text, options["entry"], target, chip, *options["tile"],
                                options["explain"], general, completes)
        if not outcome["succeeded"]:
            raise Error.of_diagnostics(_diagnostics(outcome))
        return outcome

    def _load(self):
        context = self._context()
        self.program = _attn.Program(context, self.outcome["artifact"])
        self.on_device = context.device >= 0
        self.run = self.program.call

    def forget(self):
        """In a child process."""
        _attn.keep_forever(self.program)
        self._lock = threading.Lock()
        self.run = self._load_and_run

    def _load_and_run(self, *arguments):
        self._load()
        return self.run(*arguments)

    def complete(self):
        """Compiles what is missing. True unless nothing was."""
        with self._lock:
            launches = json.loads(self.program.json)["launches"]
            if self._text is None or all("code" in launch for launch in launches):
                return False
            outcome = self._compile(False, self.outcome["artifact"])
            self.outcome = {**self.outcome, "artifact": outcome["artifact"]}
            self._load()
            return True


class Kernel:
    """Compiled attention. Called with arrays of NumPy or PyTorch, or with anything
    that has DLPack, it returns new arrays of the first argument's kind, or
    writes to `out`. Nothing is copied. On CUDA it only enqueues, on PyTorch's
    current stream."""

    mlir: Optional[str]  # None: loaded from an artifact
    target: str
    diagnostics: Tuple[Diagnostic, ...]
    # With explain=True.
    phases: List[Tuple[str, float]]
    choices: List[str]
    ranges: List[str]
    captures: Tuple[Any, ...]

    def __init__(self, text, *, signature=None, captures=(), entry="", target="cpu", chip="",
                 threads=0, device=0, tile=(0, 0), explain=False, artifact=None):
        self._code = _Code(text, entry, target, chip, threads, device, tile, explain, artifact)
        outcome = self._code.outcome
        self.diagnostics = tuple(_diagnostics(outcome))
        self.mlir, self.target = text, target
        self.phases = outcome["phases"]
        self.choices, self.ranges = outcome["choices"], outcome["ranges"]
        self.signature, self.captures = signature, tuple(captures)
        self._device = device
        self._register()

    @property
    def _program(self):
        return self._code.program

    @property
    def artifact(self) -> bytes:
        """What the C API of the runtime loads: code for all sizes."""
        self._code.complete()
        return self._code.outcome["artifact"]

    def _register(self):
        """Kernels of one name do the same: PyTorch keeps graphs for other processes."""
        self.name = self._code.name
        _kernels[self.name].add(self)

    @property
    def arguments(self) -> List[Dict[str, Any]]:
        """Name, dtype and shape (None: open) of each argument in its order."""
        arguments = self._program.arguments
        return arguments[:len(arguments) - len(self.captures)]

    @property
    def chip(self) -> str:
        return self._program.chip

    @property
    def tile(self) -> Tuple[Optional[int], Optional[int]]:
        """Queries and keys of a tile."""
        metadata = json.loads(self._program.json).get("metadata", {})
        return metadata.get("tile_m"), metadata.get("tile_n")

    @property
    def results(self) -> List[Dict[str, Any]]:
        return self._program.results

    def __call__(self, *arguments: Any, out: Any = None, **named: Any) -> Any:
        if named:
            arguments = self._order(arguments, named)
        if self.captures:
            arguments += self.captures
        if "torch" in sys.modules and arguments and is_torch(arguments[0]):
            return self._call_torch(arguments, out)
        return self._launch(arguments, out)

    def _call_torch(self, arguments, out):
        if out is None and self.signature is not None and is_compiling():
            return (_torch or _import_torch()).call(self, arguments)
        return self._launch(arguments, out)

    def _launch(self, arguments, out=None):
        stream, code = 0, self._code
        if code.on_device and "torch" in sys.modules:
            stream = (_torch or _import_torch()).current_stream(self._device)
        while True:
            program = code.program
            try:
                return code.run(arguments, out, stream)
            except Error as error:
                # These sizes need code that another thread may have made by now.
                if error.code != "ATTN_ERROR_NOT_FOUND" or not (
                        code.complete() or code.program is not program):
                    raise

    def _order(self, arguments, named):
        names = [argument["name"] for argument in self.arguments]
        rest = names[len(arguments):]
        for name in named:
            if name not in rest:
                raise Error(f"the kernel has no argument {name!r} left; it takes {', '.join(names)}")
        for name in rest:
            if name not in named:
                raise Error(f"argument {name!r} is missing; the kernel takes {', '.join(names)}")
        return arguments + tuple(named[name] for name in rest)

    def __repr__(self):
        names = ", ".join(argument["name"] for argument in self.arguments)
        return f"<attn.Kernel ({names}) for {self.target} {self.chip}>"

    # Kernels do not change; models that hold them are copied, and sent elsewhere.
    def __copy__(self):
        other = object.__new__(Kernel)
        other.__dict__.update(self.__dict__)
        other._register()
        return other

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return _rebuild, (self.mlir, dict(self._code.options, signature=self.signature,
                                          captures=self.captures))

    def with_captures(self, captures: Sequence[Any]) -> "Kernel":
        """This kernel with other arrays in place of those its functions captured, of
        the same shapes and types."""
        if len(captures) != len(self.captures):
            raise Error(f"the kernel has {len(self.captures)} captures, not {len(captures)}")
        other = copy.copy(self)
        other.captures = tuple(captures)
        return other

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the artifact, which the C API of the runtime loads."""
        with open(path, "wb") as file:
            file.write(self.artifact)


def _rebuild(text, options):
    return Kernel(text, **options)


def load(source: Union[bytes, bytearray, memoryview, str, "os.PathLike[str]"], *,
         target: str = "cpu", threads: int = 0, device: int = 0) -> Kernel:
    """The Kernel of an artifact: of a file that `save` or attn-compile wrote, or of
    its bytes."""
    if not isinstance(source, (bytes, bytearray, memoryview)):
        # An integer would be a file that is open.
        if not isinstance(source, (str, os.PathLike)):
            raise Error(f"{type(source).__name__}: a path or the bytes of an artifact are needed")
        with open(source, "rb") as file:
            source = file.read()
    options = _check(target=target, threads=threads, device=device)
    return Kernel(None, artifact=bytes(source), **options)


def _is_unicode(text):
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False


def _is_integer(value):
    """One of those that the compiler and the runtime take."""
    return isinstance(value, int) and not isinstance(value, bool) and -1 << 31 <= value < 1 << 31


def _check(**options: Any) -> Dict[str, Any]:
    """Options of wrong types are refused here, where they have names."""
    for name, value in options.items():
        if name == "tile":
            good = (isinstance(value, (tuple, list)) and len(value) == 2 and
                    all(map(_is_integer, value)))
            what = "a pair of integers of 32 bits"
        elif name in ("threads", "device"):
            good, what = _is_integer(value), "an integer of 32 bits"
        else:
            good, what = isinstance(value, str), "text"
        if not good:
            raise Error(f"{name} is {value!r}; {what} is needed")
    return options


def compile(source: Union[None, str, _config.Config, Mapping[str, Any]] = None, /, *,
            target: str = "cpu", chip: str = "", threads: int = 0, device: int = 0, entry: str = "",
            tile: Tuple[int, int] = (0, 0), explain: bool = False, **config: Any) -> Kernel:
    """Compiles attention to a Kernel.

    `source` is MLIR text (one function, or the one that `entry` names), a
    Config or a dict of its fields; or the fields are given as keywords, with
    score_mod and mask_mod as Python functions:

        kernel = attn.compile(heads=8, head_dim=64, causal=True)
        o = kernel(q, k, v)

    `target` is "cpu" or "cuda" (for GPU number `device`). Errors are attn.Error.
    """
    options = _check(target=target, chip=chip, threads=threads, device=device, tile=tile)
    _check(entry=entry)
    options["explain"] = bool(explain)
    if source is not None and not isinstance(source, (str, Mapping, _config.Config)):
        raise Error(f"{type(source).__name__}: MLIR text, a Config or a dict is needed")
    if isinstance(source, str):
        if config:
            raise Error(f"{', '.join(config)}: MLIR text says this itself")
        if not _is_unicode(source):
            raise Error("the MLIR text has surrogates, which are no characters")
        return Kernel(source, entry=entry, **options)
    if entry:
        raise Error("entry names a function of MLIR text")
    written = _config.write(_config.make_config(source, config))
    return Kernel(written.text, signature=written.signature, captures=written.captures,
                  **options)
