# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A picture of a mask and its tiles, for notebooks."""

from operator import index
from typing import Any, Callable, List, Optional

from ._errors import Error
from ._trace import Tracer

COLORS = {"full": "#2f6f4f", "partial": "#8fc1a3", "empty": "#f1efe8"}


def _wrap(numpy, name):
    bits = {"i8": "int8", "i32": "int32", "i64": "int64", "index": "int64", "i1": "bool",
            "f32": "float32", "f16": "float32", "bf16": "float32", "f64": "float64"}
    return getattr(numpy, bits[name])


def _shift(numpy, op, a, b):
    width = a.dtype.itemsize * 8
    outside = (b < 0) | (b >= width)
    shift = numpy.where(outside, 0, b)
    if op == "arith.shli":
        return numpy.where(outside, 0, a << shift)
    return numpy.where(outside, numpy.where(a < 0, -1, 0), a >> shift)


def _evaluators(numpy):
    def divide(function):
        return lambda a, b: numpy.where(b == 0, 0, function(a, numpy.where(b == 0, 1, b)))

    compare = {"eq": "equal", "ne": "not_equal", "slt": "less", "sle": "less_equal",
               "sgt": "greater", "sge": "greater_equal", "oeq": "equal", "une": "not_equal",
               "olt": "less", "ole": "less_equal", "ogt": "greater", "oge": "greater_equal"}
    unary = {f"math.{name}": getattr(numpy, name) for name in (
        "exp", "exp2", "log", "log2", "log1p", "tanh", "sqrt", "sin", "cos", "floor", "ceil", "trunc")}
    return compare, {
        "arith.addi": numpy.add, "arith.addf": numpy.add, "arith.subi": numpy.subtract,
        "arith.subf": numpy.subtract, "arith.muli": numpy.multiply, "arith.mulf": numpy.multiply,
        "arith.divf": numpy.divide, "arith.floordivsi": divide(numpy.floor_divide),
        "arith.divsi": divide(lambda a, b: numpy.trunc(a / b).astype(a.dtype)),
        "arith.remsi": divide(numpy.fmod), "arith.andi": numpy.bitwise_and,
        "arith.ori": numpy.bitwise_or, "arith.xori": numpy.bitwise_xor,
        "arith.maxsi": numpy.maximum, "arith.minsi": numpy.minimum,
        "arith.maximumf": numpy.maximum, "arith.minimumf": numpy.minimum,
        "arith.maxnumf": numpy.fmax, "arith.minnumf": numpy.fmin,
        "arith.negf": numpy.negative, "math.absf": numpy.abs, "math.absi": numpy.abs,
        "math.powf": numpy.power, "math.roundeven": numpy.rint,
        "math.fma": lambda a, b, c: (numpy.multiply(a, b, dtype=float) + c).astype(numpy.float32),
        "math.rsqrt": lambda a: 1 / numpy.sqrt(a), "arith.select": numpy.where, **unary,
    }


def evaluate(region, captures, b, h, q_length, kv_length):
    """The values of a traced mask, [q_length, kv_length], by NumPy."""
    import numpy

    compare, functions = _evaluators(numpy)
    rows, columns = numpy.arange(q_length)[:, None], numpy.arange(kv_length)[None, :]
    values = {"%b": numpy.int64(b), "%h": numpy.int64(h), "%i": rows, "%j": columns}
    with numpy.errstate(all="ignore"):
        for op, name, type, operands, literal in region.nodes:
            given = [values[operand] for operand in operands]
            if op == "constant":
                number = float(literal) if type == "f32" and "0x" not in literal else literal
                if type == "f32" and isinstance(number, str):
                    number = numpy.uint32(int(number, 16)).view(numpy.float32)
                result = _wrap(numpy, type)(number)
            elif op in ("arith.cmpi", "arith.cmpf"):
                result = (numpy.isnan(given[0]) if literal == "uno"
                          else getattr(numpy, compare[literal])(*given))
            elif op == "tensor.extract":
                array = captures[literal]
                array = array.detach().cpu() if hasattr(array, "detach") else array
                if str(array.dtype) == "torch.bfloat16":
                    array = array.float()
                array = numpy.asarray(array)
                result = array[tuple(numpy.clip(index, 0, max(size - 1, 0))
                                     for index, size in zip(given, array.shape))]
            elif op in ("arith.shli", "arith.shrsi"):
                result = _shift(numpy, op, *given)
            elif op in functions:
                result = functions[op](*given)
            elif op.startswith("arith."):  # conversions
                result = numpy.asarray(given[0]).astype(_wrap(numpy, type))
            else:
                raise Error(f"no picture of a mask with {op}")
            values[name] = result
    return numpy.broadcast_to(values[region.result.name], (q_length, kv_length))


class MaskPicture:
    """Which keys the queries of one head attend, and the tiles of that."""

    def __init__(self, mask_mod, q_length, kv_length, *, b=0, h=0, tile=(64, 96), size=360):
        tracer = Tracer()
        region = tracer.trace(mask_mod, "mask")
        try:
            q_length, kv_length, tile = index(q_length), index(kv_length), tuple(map(index, tile))
            rows, keys = tile
        except (TypeError, ValueError):
            raise Error("lengths of a picture are integers, its tile two of them") from None
        if q_length < 1 or kv_length < 1 or min(rows, keys) < 1:
            raise Error("lengths and tiles of a picture are positive")
        self.mask = evaluate(region, [entry.array for entry in tracer.captures], b, h, q_length,
                             kv_length)
        self.tile, self.size = tile, size

    def tiles(self) -> List[List[str]]:
        """Rows of tiles: "full", "partial" or "empty"."""
        rows, keys = self.tile
        kinds = []
        for top in range(0, self.mask.shape[0], rows):
            line = []
            for left in range(0, self.mask.shape[1], keys):
                part = self.mask[top:top + rows, left:left + keys]
                line.append("full" if part.all() else "partial" if part.any() else "empty")
            kinds.append(line)
        return kinds

    def _repr_svg_(self) -> str:
        (rows, keys), (height, width) = self.tile, self.mask.shape
        unit = self.size / max(height, width)
        count = {"full": 0, "partial": 0, "empty": 0}
        shapes = []
        for y, line in enumerate(self.tiles()):
            for x, kind in enumerate(line):
                count[kind] += 1
                left, top = x * keys * unit, y * rows * unit
                right, bottom = min((x + 1) * keys, width) * unit, min((y + 1) * rows, height) * unit
                shapes.append(f'<rect x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" '
                              f'height="{bottom - top:.2f}" fill="{COLORS[kind]}" stroke="#fff" '
                              f'stroke-width="0.5"><title>{kind}</title></rect>')
        caption = (f"{height} queries x {width} keys, tiles of {rows} x {keys}: {count['full']} full, "
                   f"{count['partial']} partial, {count['empty']} skipped")
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * unit:.0f}" '
                f'height="{height * unit + 20:.0f}" font-family="sans-serif" font-size="11">'
                f'{"".join(shapes)}<text x="0" y="{height * unit + 14:.0f}">{caption}</text></svg>')


def draw_mask(mask_mod: Callable, q_length: int, kv_length: Optional[int] = None,
              **options: Any) -> MaskPicture:
    """A picture of `mask_mod(b, h, q_idx, kv_idx)` for one batch and head."""
    return MaskPicture(mask_mod, q_length, kv_length or q_length, **options)
