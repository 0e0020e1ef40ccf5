# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A description of attention without MLIR, and the MLIR that it becomes."""

import dataclasses
import operator
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

from ._arrays import to_mlir
from ._errors import Error
from ._trace import Tracer, _float_text, _quote

LAYOUTS = ("bhsd", "bshd", "sbhd", "thd", "htd")


@dataclasses.dataclass(frozen=True)
class Config:
    """What attention to compile. Sizes that are None may differ from call to call.

    The kernel takes q, k, v and then, in this order, the operands that the
    config asks for: scale, alibi, bias, mask_tensor, q_segments, kv_segments,
    prefix, q_offset, kv_len, cu_seqlens_q, cu_seqlens_kv, page_table, sink. It
    returns o, and lse if asked for.
    """

    heads: int
    head_dim: int
    kv_heads: Optional[int] = None  # default: heads
    v_head_dim: Optional[int] = None  # default: head_dim
    dtype: Any = "f32"  # f32, f16, bf16, or a type of NumPy or PyTorch
    out_dtype: Any = None  # default: dtype
    batch: Optional[int] = None
    q_length: Optional[int] = None
    kv_length: Optional[int] = None
    causal: Union[bool, str] = False  # True is "top_left"; or "bottom_right"
    window: Union[None, int, Tuple[Optional[int], Optional[int]]] = None  # (left, right), inclusive
    softcap: Optional[float] = None
    scale: Union[None, float, str] = None  # "argument": a number given in each call
    alibi: Union[bool, str] = False  # slopes [Hq]; "batch": [B, Hq]
    # Shapes by letters: "qk" is [Sq, Skv], "bhqk"; a 1 broadcasts: "b11k".
    bias: Optional[str] = None
    bias_dtype: Any = "f32"
    mask_tensor: Optional[str] = None  # of bool
    segments: bool = False
    prefix: bool = False  # one number a batch, as are the next two
    q_offset: bool = False
    kv_len: bool = False
    cu_seqlens: bool = False  # packed sequences
    page_size: Optional[int] = None  # paged keys and values
    sink: bool = False
    index_dtype: Any = "i32"  # of lengths, offsets, pages and segments
    layout: Union[None, str, Sequence[str]] = None  # one, or those of q, k, v and o
    lse: bool = False
    tf32: bool = False
    approx_tanh: bool = False
    score_mod: Optional[Callable] = None  # score_mod(score, b, h, q_idx, kv_idx)
    mask_mod: Optional[Callable] = None  # mask_mod(b, h, q_idx, kv_idx)


class Signature:
    """Arguments and results: names, and the letters of their dimensions."""

    def __init__(self) -> None:
        self.names: List[str] = []
        self.argument_dims: List[Tuple] = []
        self.result_dims: List[Tuple[Tuple, str]] = []


@dataclasses.dataclass
class Written:
    """A config as MLIR."""

    text: str
    signature: Signature
    captures: Tuple
    guards: List[Tuple]


_INTEGERS = ("heads", "head_dim", "kv_heads", "v_head_dim", "batch", "q_length", "kv_length",
             "page_size")


class _Writer:
    def __init__(self, config: Config):
        # Integers of NumPy are as good as those of Python.
        given: Dict[str, Any] = {name: getattr(config, name) for name in _INTEGERS}
        numbers: Dict[str, Any] = {
            name: operator.index(value) for name, value in given.items()
            if not isinstance(value, bool) and hasattr(value, "__index__")}
        self.config = dataclasses.replace(config, **numbers)
        self.arguments: List[Tuple[str, str, Tuple]] = []  # name, type, dimensions
        self.clauses: List[str] = []

    def problem(self, message):
        return Error(f"config: {message}")

    def element(self, dtype, name):
        known = to_mlir(dtype)
        if known not in ("f32", "f16", "bf16"):
            raise self.problem(f"{name} is {dtype!r}; f32, f16 and bf16 are possible")
        return known

    def index_type(self):
        known = to_mlir(self.config.index_dtype)
        if known not in ("i32", "i64"):
            raise self.problem(f"index_dtype is {self.config.index_dtype!r}; i32 and i64 are possible")
        return known

    def tensor(self, dims, element):
        """dims: numbers, or names of sizes that are open."""
        return "tensor<" + "".join(
            f"{dim}x" if isinstance(dim, int) else "?x" for dim in dims) + element + ">"

    def argument(self, name, dims, element):
        type = element if dims is None else self.tensor(dims, element)
        self.arguments.append((name, type, dims or ()))
        return type

    def clause(self, keyword, *operands):
        names = ", ".join(f"%{name}" for name, _ in operands)
        types = ", ".join(type for _, type in operands)
        self.clauses.append(f"{keyword}({names} : {types})")

    def positive(self, name, optional=False):
        value = getattr(self.config, name)
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.problem(f"{name} is {value!r}; a positive integer is needed")
        return value

    def number(self, name):
        value = getattr(self.config, name)
        try:
            if not isinstance(value, str):
                return _float_text(float(value))
        except (TypeError, ValueError):
            pass
        raise self.problem(f"{name} is {value!r}; a number is needed")

    def window(self):
        """Both ends; None is open."""
        given = self.config.window
        try:
            left, right = (given, None) if hasattr(given, "__index__") else given
            return [end if end is None else operator.index(end) for end in (left, right)]
        except (TypeError, ValueError):
            raise self.problem(f"window is {given!r}; an integer or a pair (left, right) of integers "
                               "or None is needed") from None

    def layouts(self):
        c = self.config
        given = c.layout or ("htd" if c.cu_seqlens else "bhsd")
        given = (given,) * 4 if isinstance(given, str) else tuple(given)
        if len(given) != 4 or any(layout not in LAYOUTS for layout in given):
            raise self.problem(f"layout is {c.layout!r}; one of {', '.join(LAYOUTS)}, or four of "
                               "them, for q, k, v and o")
        return given

    def broadcast(self, name):
        """Dimensions of a bias or a mask tensor."""
        letters = getattr(self.config, name)
        order = {"b": self.sizes["b"], "h": self.sizes["h"], "q": self.sizes["q"],
                 "k": self.sizes["k"], "1": 1}
        if not isinstance(letters, str) or not 1 <= len(letters) <= 4 or any(
                letter not in ("1", full) for letter, full in zip(letters[::-1], "kqhb")) or (
                    letters[-1] == "1"):
            raise self.problem(f"{name} is {letters!r}; letters of 'bhqk' from the right are needed, "
                               "with 1 for b, h, q that broadcast")
        return [order[letter] for letter in letters]

    def write(self) -> Written:
        c = self.config
        heads, kv_heads = self.positive("heads"), c.kv_heads or c.heads
        if heads % kv_heads:
            raise self.problem(f"rule 2: heads = {heads} is not a multiple of kv_heads = {kv_heads}")
        for name in ("kv_heads", "v_head_dim", "batch", "q_length", "kv_length", "page_size"):
            self.positive(name, optional=True)
        dk = self.positive("head_dim")
        dv = c.v_head_dim or dk
        element = self.element(c.dtype, "dtype")
        out_element = self.element(c.out_dtype or c.dtype, "out_dtype")
        self.sizes = {"b": c.batch or "B", "h": heads, "q": c.q_length or "Sq",
                      "k": c.kv_length or "Skv"}
        layouts = self.layouts()

        def dims(layout, heads, length, depth, batch):
            table = {"b": batch, "h": heads, "s": length, "t": length, "d": depth}
            return [table[letter] for letter in layout]

        batch, q_length, kv_length = (self.sizes[letter] for letter in "bqk")
        if c.cu_seqlens:
            q_length, kv_length = c.q_length or "Tq", c.kv_length or "Tkv"
        kv_batch = batch
        if c.page_size:
            kv_batch, kv_length = "pages", c.page_size
        q_dims = dims(layouts[0], heads, q_length, dk, batch)
        shapes = [
            self.argument("q", q_dims, element),
            self.argument("k", dims(layouts[1], kv_heads, kv_length, dk, kv_batch), element),
            self.argument("v", dims(layouts[2], kv_heads, kv_length, dv, kv_batch), element),
        ]
        attributes = self.attributes(layouts)
        self.operands(batch, heads)

        tracer = Tracer()
        regions = {kind: tracer.trace(function, kind)
                   for kind, function in (("score", c.score_mod), ("mask", c.mask_mod))
                   if function is not None}
        for number, entry in enumerate(tracer.captures):
            self.arguments.append((f"capture{number}", entry.type, entry.shape))

        o_dims = dims(layouts[3], heads, q_length, dv, batch)
        lse_dims = [heads, q_length] if c.cu_seqlens else [batch, heads, q_length]
        results = [(o_dims, out_element)] + ([(lse_dims, "f32")] if c.lse else [])
        text = self.function(shapes, results, attributes, tracer, regions)

        signature = Signature()
        signature.names = [name for name, _, _ in self.arguments]
        signature.argument_dims = [tuple(dims) for _, _, dims in self.arguments]
        names = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}
        signature.result_dims = [(tuple(dims), names[element]) for dims, element in results]
        return Written(text, signature, tuple(entry.array for entry in tracer.captures),
                       tracer.guards)

    def attributes(self, layouts):
        c = self.config
        attributes = []
        if c.causal:
            kind = "top_left" if c.causal is True else c.causal
            if kind not in ("top_left", "bottom_right"):
                raise self.problem(f"causal is {c.causal!r}; True, 'top_left' and 'bottom_right' are "
                                   "possible")
            attributes.append(f"causal = #attn.causal<{kind}>")
        if c.window is not None:
            ends = [f"{name} = {end}" for name, end in zip(("left", "right"), self.window())
                    if end is not None]
            attributes.append(f"window = #attn.window<{', '.join(ends)}>")
        if c.softcap is not None:
            attributes.append(f"softcap = {self.number('softcap')} : f32")
        if c.scale is not None and not isinstance(c.scale, str):
            attributes.append(f"scale_value = {self.number('scale')} : f32")
        for name in ("tf32", "approx_tanh"):
            if getattr(c, name):
                attributes.append(name)
        default = "htd" if c.cu_seqlens else "bhsd"
        for name, layout in zip("qkvo", layouts):
            if layout != default:
                attributes.append(f"{name}_layout = #attn.layout<{layout}>")
        return attributes

    def operands(self, batch, heads):
        """Arguments and clauses, in the order of the op."""
        c, index = self.config, self.index_type()
        if isinstance(c.scale, str):
            if c.scale != "argument":
                raise self.problem(f"scale is {c.scale!r}; a number or 'argument' is needed")
            self.argument("scale", None, "f32")
            self.clauses.append("scale(%scale)")
        if c.alibi:
            if c.alibi not in (True, "batch"):
                raise self.problem(f"alibi is {c.alibi!r}; True and 'batch' are possible")
            dims = [batch, heads] if c.alibi == "batch" else [heads]
            self.clause("alibi", ("alibi", self.argument("alibi", dims, "f32")))
        if c.bias is not None:
            type = self.argument("bias", self.broadcast("bias"),
                                 self.element(c.bias_dtype, "bias_dtype"))
            self.clause("bias", ("bias", type))
        if c.mask_tensor is not None:
            type = self.argument("mask_tensor", self.broadcast("mask_tensor"), "i1")
            self.clause("mask_tensor", ("mask_tensor", type))
        if c.segments:
            self.clause("segments", *(
                (name, self.argument(name, [batch, self.sizes[letter]], index))
                for name, letter in (("q_segments", "q"), ("kv_segments", "k"))))
        for name in ("prefix", "q_offset", "kv_len"):
            if getattr(c, name):
                self.clause(name, (name, self.argument(name, [batch], index)))
        if c.cu_seqlens:
            self.clause("cu_seqlens", *(
                (name, self.argument(name, ["B + 1"], index))
                for name in ("cu_seqlens_q", "cu_seqlens_kv")))
        if c.page_size:
            self.clause("page_table", ("page_table", self.argument(
                "page_table", [batch, "pages a sequence"], index)))
        if c.sink:
            self.clause("sink", ("sink", self.argument("sink", [heads], "f32")))

    def function(self, shapes, results, attributes, tracer, regions):
        lines = []
        types = [self.tensor(dims, element) for dims, element in results]
        arguments = ", ".join(f"%{name}: {type}" for name, type, _ in self.arguments)
        lines.append(f"func.func @attention({arguments}) -> ({', '.join(types)}) {{")
        q_dims, q_type = self.arguments[0][2], self.arguments[0][1]
        sizes = {}
        for number, (dims, element) in enumerate(results):
            opened = []
            for dim in dims:
                if isinstance(dim, str):
                    if dim not in sizes:
                        axis = list(q_dims).index(dim)
                        sizes[dim] = f"%size{axis}"
                        lines.append(f"  %axis{axis} = arith.constant {axis} : index")
                        lines.append(f"  %size{axis} = tensor.dim %q, %axis{axis} : {q_type}")
                    opened.append(sizes[dim])
            lines.append(f"  %out{number} = tensor.empty({', '.join(opened)}) : {types[number]}")
        count = f":{len(results)}" if len(results) > 1 else ""
        lines.append(f"  %r{count} = attn.attention ins(%q, %k, %v : {', '.join(shapes)})")
        if tracer.captures:
            names = ", ".join(f"%capture{i}" for i in range(len(tracer.captures)))
            captured = ", ".join(entry.type for entry in tracer.captures)
            lines.append(f"      captures({names} : {captured})")
        lines += [f"      {clause}" for clause in self.clauses]
        outs = ", ".join(f"%out{i}" for i in range(len(results)))
        lines.append(f"      outs({outs} : {', '.join(types)})")
        if attributes:
            lines.append(f"      {{{', '.join(attributes)}}}")
        extra = "".join(f", %c{i}: {entry.type}" for i, entry in enumerate(tracer.captures))
        for kind, region in regions.items():
            first = "%s: f32, " if kind == "score" else ""
            lines.append(f"      {kind}({first}%b: index, %h: index, %i: index, %j: index{extra}) {{")
            lines += [f"        {line}" for line in region.lines]
            lines.append(f"        attn.yield {region.result.name} : {region.result.type}")
            lines.append("      }")
        lines[-1] += f" -> {', '.join(types)}"
        values = ", ".join(f"%r#{i}" for i in range(len(results))) if count else "%r"
        lines.append(f"  return {values} : {', '.join(types)}")
        lines.append("}")
        return "\n".join(lines) + "\n"


def make_config(source, options) -> Config:
    """A Config of a Config, a dict, or keywords."""
    if isinstance(source, Config):
        return dataclasses.replace(source, **options) if options else source
    fields = {**(source or {}), **options}
    known = [field.name for field in dataclasses.fields(Config)]
    for name in fields:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise Error(f"config: there is no {name!r}{hint}")
    for name in ("heads", "head_dim"):
        if name not in fields:
            raise Error(f"config: {name!r} is missing")
    return Config(**fields)


def write(config: Config) -> Written:
    return _Writer(config).write()
