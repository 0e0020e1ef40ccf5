# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Traces score and mask functions written in Python to regions of the dialect.

A function is called once with `Value`s in place of numbers. Operators, and the
functions of PyTorch and NumPy on such values, append operations; arrays that
the function refers to become captures.
"""

import functools
import math
import os
import sys
import types
import weakref

from ._errors import Location, TraceError
from ._arrays import describe_array, is_array, is_masked

PACKAGE = os.path.dirname(os.path.abspath(__file__))

INTEGERS = ("i8", "i32", "i64", "index")
BITS = {"i8": 8, "i32": 32, "i64": 64, "index": 64}


def _user_location():
    """Where in the user's code we are."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(PACKAGE) and f"{os.sep}torch{os.sep}" not in name:
            return Location(name, frame.f_lineno, 0)
        frame = frame.f_back
    return None


def _error(message):
    location = _user_location()
    place = f"{location.file}:{location.line}: " if location else ""
    return TraceError(place + message, location=location)


def _quote(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


class Value:
    """A number that is known when the kernel runs."""

    __slots__ = ("region", "name", "type", "natural")
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000

    def __init__(self, region, name, type, natural=False):
        self.region, self.name, self.type = region, name, type
        self.natural = natural  # not negative

    def __repr__(self):
        return f"<traced {self.type}>"

    # What a tensor without dimensions would say.
    shape = ()
    ndim = 0

    @property
    def dtype(self):
        return self.type

    def dim(self):
        return 0

    def _refuse(self, what):
        return _error(
            f"{what} a value that is not known before the kernel runs; write attn.where "
            "(torch.where) in place of if, & | ~ in place of and, or, not, attn.minimum and "
            "attn.maximum in place of min and max")

    def __bool__(self):
        raise self._refuse("the function branches on")

    def __index__(self):
        raise self._refuse("the function takes the Python integer of")

    __int__ = __index__

    def __float__(self):
        raise self._refuse("the function takes the Python float of")

    def item(self):
        raise self._refuse("the function takes the Python number of")

    def __len__(self):
        raise _error("a traced value is a single number: it has no length")

    def __iter__(self):
        raise _error("a traced value is a single number: it cannot be iterated")

    def __getitem__(self, index):
        if index == () or index is Ellipsis:
            return self
        raise _error("a traced value is a single number: it cannot be indexed")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        function = FUNCTIONS.get(name.rstrip("_"))
        if function is None:
            raise _error(f"traced values have no '{name}'")
        return lambda *args, **kwargs: function(self.region, self, *args, **kwargs)

    def __neg__(self):
        return _neg(self.region, self)

    def __pos__(self):
        return self

    def __abs__(self):
        return _abs(self.region, self)

    def __invert__(self):
        return _not(self.region, self)

    def __floor__(self):
        return _round_with("math.floor")(self.region, self)

    def __ceil__(self):
        return _round_with("math.ceil")(self.region, self)

    def __trunc__(self):
        return _round_with("math.trunc")(self.region, self)

    def __round__(self, digits=None):
        return _round_with("math.roundeven")(self.region, self)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return dispatch(function, args, kwargs or {})

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if method != "__call__":
            raise _error(f"numpy.{ufunc.__name__}.{method} cannot be traced")
        return dispatch(ufunc, args, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return dispatch(function, args, kwargs)


class Capture:
    """An array that a traced function refers to, perhaps indexed in part."""

    __slots__ = ("tracer", "number", "indices")
    __array_priority__ = 1000

    def __init__(self, tracer, number, indices=()):
        self.tracer, self.number, self.indices = tracer, number, indices

    @property
    def _entry(self):
        return self.tracer.captures[self.number]

    @property
    def shape(self):
        return self._entry.shape[len(self.indices):]

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def dtype(self):
        return self._entry.array.dtype

    def dim(self):
        return self.ndim

    def size(self, axis=None):
        return self.shape if axis is None else self.shape[axis]

    def numel(self):
        return math.prod(self.shape)

    def __len__(self):
        if not self.shape:
            raise _error(f"capture {self._entry.label} has no dimensions left")
        return self.shape[0]

    def __getitem__(self, index):
        given = index if isinstance(index, tuple) else (index,)
        for number in given:
            if isinstance(number, slice) or number is None or number is Ellipsis:
                raise _error(f"capture {self._entry.label} is indexed by a slice; index every "
                             "dimension by a number")
        indices = self.indices + given
        if len(indices) > len(self._entry.shape):
            raise _error(f"capture {self._entry.label} has {len(self._entry.shape)} dimensions "
                         f"and is indexed by {len(indices)}")
        capture = Capture(self.tracer, self.number, indices)
        return capture._load() if not capture.shape else capture

    def _load(self):
        return self.tracer.region.load(self._entry, self.indices)

    def _value(self):
        """The number that this is, as an operand."""
        if self.shape:
            raise _error(f"capture {self._entry.label} of shape {tuple(self.shape)} is used as a "
                         "number; index it by b, h, q_idx or kv_idx")
        return self._load()

    def __bool__(self):
        raise _error(f"the function branches on capture {self._entry.label}, whose value may change "
                     "between calls; write attn.where, or capture a Python number")

    def item(self):
        raise _error(f"the function takes the Python number of capture {self._entry.label}, whose "
                     "value may change between calls")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._value(), name)

    def __neg__(self):
        return -self._value()

    def __abs__(self):
        return abs(self._value())

    def __invert__(self):
        return ~self._value()

    __torch_function__ = Value.__torch_function__
    __array_ufunc__ = Value.__array_ufunc__
    __array_function__ = Value.__array_function__


class CaptureEntry:
    """An array in the order of the kernel's arguments. Sizes that differ from call to
    call, as in graphs of torch.compile, are names in its shape."""

    def __init__(self, array, label, number):
        self.array, self.label, self.number = array, label, number
        if is_masked(array):
            raise _error(f"capture {label} is a masked array, and kernels read no mask of an array; "
                         "capture its filled(...), and its mask as another array")
        info = describe_array(array)
        self.shape = tuple(f"c{number}.{axis}" if size is None else size
                           for axis, size in enumerate(info.shape))
        self.unsigned = info.unsigned
        if info.dtype is None:
            raise _error(f"capture {label} has element type {info.dtype_name}; f32, f16, bf16, f64, "
                         "bool, int8, uint8, int32 and int64 can be captured")
        if not info.contiguous:
            raise _error(f"capture {label} of shape {tuple(info.shape)} is not contiguous (strides "
                         f"{tuple(info.strides)}); capture a contiguous copy")
        self.element = info.dtype
        self.type = "tensor<" + "".join(
            f"{'?' if size is None else size}x" for size in info.shape) + info.dtype + ">"


class Region:
    """The operations of one traced function."""

    def __init__(self, tracer):
        self.tracer = tracer
        self.lines = []
        self.nodes = []  # (op, name, result type, operands, literal)
        self.known = {}

    def emit(self, op, operands, type, text, literal=None, natural=False):
        """Appends an operation, unless it is there already."""
        key = (op, tuple(value.name for value in operands), type, literal)
        if key in self.known:
            return self.known[key]
        name = f"%{len(self.nodes)}"
        location = _user_location()
        place = f' loc("{_quote(location.file)}":{location.line}:0)' if location else ""
        self.lines.append(f"{name} = {text}{place}")
        self.nodes.append((op, name, type, key[1], literal))
        value = Value(self, name, type, natural)
        self.known[key] = value
        return value

    def constant(self, number, type):
        if type == "i1":
            text = "true" if number else "false"
            return self.emit("constant", (), type, f"arith.constant {text}", bool(number), True)
        if type == "f32":
            return self.emit("constant", (), type, f"arith.constant {_float_text(number)} : f32",
                             _float_text(number))
        number = int(number)
        if not -(1 << BITS[type] - 1) <= number < 1 << BITS[type] - 1:
            raise _error(f"the integer {number} does not fit {type}")
        return self.emit("constant", (), type, f"arith.constant {number} : {type}", number,
                         number >= 0)

    def apply(self, op, *operands, type=None, natural=False):
        """An operation whose operands have one type, that of the result."""
        type = type or operands[0].type
        names = ", ".join(value.name for value in operands)
        return self.emit(op, operands, type, f"{op} {names} : {type}", natural=natural)

    def compare(self, op, predicate, a, b):
        return self.emit(op, (a, b), "i1", f"{op} {predicate}, {a.name}, {b.name} : {a.type}",
                         predicate, True)

    def select(self, condition, a, b):
        return self.emit("arith.select", (condition, a, b), a.type,
                         f"arith.select {condition.name}, {a.name}, {b.name} : {a.type}",
                         natural=a.natural and b.natural)

    def cast(self, op, value, type, natural=False):
        return self.emit(op, (value,), type, f"{op} {value.name} : {value.type} to {type}",
                         natural=natural)

    def operand(self, value):
        """What a function was given, as a Value, or a Python number."""
        if isinstance(value, Value):
            if value.region is not self:
                raise _error("a value of another function's trace is used")
            return value
        if isinstance(value, Capture):
            return value._value()
        if isinstance(value, (bool, int, float)):
            return value
        if is_array(value):
            if (tuple(value.shape) == () and not hasattr(value, "requires_grad")
                    and not is_masked(value)):
                return value.item()  # a scalar of NumPy
            return self.tracer.capture(value, "of shape " + str(tuple(value.shape)))._value()
        raise _error(f"a {type(value).__name__} is no number, and no array to index")

    def integer(self, value, type):
        """`value` as an integer of `type`, sign extended."""
        value = self.operand(value)
        if isinstance(value, float):
            raise _error(f"the number {value} is used where an integer is needed")
        if not isinstance(value, Value):
            return self.constant(value, type)
        if value.type == type:
            return value
        if value.type == "f32":
            if type == "index":
                return self.cast("arith.index_cast", self.integer(value, "i64"), "index")
            return self.cast("arith.fptosi", value, type)
        if value.type == "i1":
            if type == "index":
                return self.cast("arith.index_castui", value, type, True)
            return self.cast("arith.extui", value, type, True)
        if "index" in (value.type, type):
            return self.cast("arith.index_cast", value, type, value.natural)
        if BITS[value.type] < BITS[type]:
            return self.cast("arith.extsi", value, type, value.natural)
        return self.cast("arith.trunci", value, type)

    def float(self, value):
        value = self.operand(value)
        if not isinstance(value, Value):
            return self.constant(float(value), "f32")
        if value.type == "f32":
            return value
        if value.type == "i1":
            return self.cast("arith.uitofp", value, "f32")
        if value.type == "index":
            # PyTorch's indices have 32 bits, too.
            value = self.integer(value, "i32")
        return self.cast("arith.sitofp", value, "f32")

    def bool(self, value):
        value = self.operand(value)
        if isinstance(value, float):
            return self.constant(value != 0, "i1")
        if not isinstance(value, Value):
            return self.constant(bool(value), "i1")
        if value.type == "i1":
            return value
        if value.type == "f32":
            return self.compare("arith.cmpf", "une", value, self.constant(0.0, "f32"))
        return self.compare("arith.cmpi", "ne", value, self.constant(0, value.type))

    def unify(self, *values, arithmetic=True):
        """The operands in one type: f32 if one is a float, else integers."""
        values = [self.operand(value) for value in values]
        kinds = {value.type for value in values if isinstance(value, Value)}
        if "f32" in kinds or any(isinstance(value, float) for value in values):
            return [self.float(value) for value in values]
        integers = kinds - {"i1"}
        literals = [value for value in values if not isinstance(value, Value)]
        if not integers and not arithmetic and all(isinstance(value, bool) for value in literals):
            return [self.bool(value) for value in values]
        if "index" in integers:
            type = "index"
        else:
            type = max(integers or {"i32"}, key=BITS.get)
            if type == "i8" and (arithmetic or literals):
                type = "i32"
            if any(not -(1 << 31) <= value < 1 << 31 for value in literals):
                type = "i64"
        return [self.integer(value, type) for value in values]

    def load(self, entry, indices):
        """An element of a capture; negative indices count from the end."""
        positions = []
        for axis, (index, size) in enumerate(zip(indices, entry.shape)):
            index = self.operand(index)
            if isinstance(index, float) or isinstance(index, Value) and index.type in ("f32", "i1"):
                raise _error(f"capture {entry.label} is indexed by a "
                             f"{'bool' if isinstance(index, Value) and index.type == 'i1' else 'float'}"
                             "; indices are integers")
            is_open = isinstance(size, str)
            if not isinstance(index, Value) and not is_open:
                if not -size <= index < size:
                    raise _error(f"index {index} is outside of capture {entry.label}, which has "
                                 f"{size} elements there")
                positions.append(self.constant(index % size, "index"))
                continue
            position = self.integer(index, "index")
            if not position.natural:
                zero = self.constant(0, "index")
                length = self.size(entry, axis) if is_open else self.constant(size, "index")
                negative = self.compare("arith.cmpi", "slt", position, zero)
                position = self.select(negative, self.apply("arith.addi", position, length), position)
            positions.append(position)
        name = f"%c{entry.number}"
        list = ", ".join(position.name for position in positions)
        element = self.emit("tensor.extract", positions, entry.element,
                            f"tensor.extract {name}[{list}] : {entry.type}", entry.number)
        if entry.element in ("f16", "bf16"):
            return self.cast("arith.extf", element, "f32")
        if entry.element == "f64":
            return self.cast("arith.truncf", element, "f32")
        if entry.unsigned:
            return self.cast("arith.extui", element, "i32", True)
        return element

    def size(self, entry, axis):
        """The extent of a capture that is not known before the kernel runs."""
        number = self.constant(axis, "index")
        return self.emit("tensor.dim", (number,), "index",
                         f"tensor.dim %c{entry.number}, {number.name} : {entry.type}", entry.number,
                         natural=True)


def _float_text(number):
    number = float(number)
    if math.isnan(number):
        return "0x7FC00000"
    if math.isinf(number):
        return "0x7F800000" if number > 0 else "0xFF800000"
    text = repr(number)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return (mantissa if "." in mantissa else mantissa + ".0") + "e" + exponent
    return text


# -- Operations. Each takes the region first, then what the user gave. ---------


def _arithmetic(integer, float, keeps_natural=False):
    def operation(r, a, b, *, out=None):
        a, b = r.unify(a, b)
        if a.type == "f32":
            return r.apply(float, a, b)
        return r.apply(integer, a, b, natural=keeps_natural and a.natural and b.natural)

    return operation


def _scaled(operation):
    """torch.add and torch.sub scale their second operand."""

    def scaled(r, a, b, *, alpha=1, out=None):
        return operation(r, a, b if alpha == 1 else _mul(r, b, alpha))

    return scaled


_add = _arithmetic("arith.addi", "arith.addf", keeps_natural=True)
_sub = _arithmetic("arith.subi", "arith.subf")
_mul = _arithmetic("arith.muli", "arith.mulf", keeps_natural=True)


def _div(r, a, b, *, rounding_mode=None):
    if rounding_mode == "floor":
        return _floordiv(r, a, b)
    if rounding_mode == "trunc":
        a, b = r.unify(a, b)
        if a.type == "f32":
            return r.apply("math.trunc", r.apply("arith.divf", a, b))
        return r.apply("arith.divsi", a, b)
    return r.apply("arith.divf", r.float(a), r.float(b))


def _floordiv(r, a, b):
    a, b = r.unify(a, b)
    if a.type == "f32":
        return r.apply("math.floor", r.apply("arith.divf", a, b))
    return r.apply("arith.floordivsi", a, b, natural=a.natural and b.natural)


def _remainder(r, a, b):
    """With the sign of b, as Python and PyTorch have it."""
    a, b = r.unify(a, b)
    if a.type == "f32":
        return _rest(r, a, b, "math.floor", b, b)
    if a.natural and b.natural:
        return r.apply("arith.remsi", a, b, natural=True)
    return _sub(r, a, _mul(r, _floordiv(r, a, b), b))


def _fmod(r, a, b):
    """With the sign of a."""
    a, b = r.unify(a, b)
    if a.type != "f32":
        return r.apply("arith.remsi", a, b)
    size = r.apply("math.absf", b)
    step = r.select(_comparison("slt", "olt")(r, a, 0.0), _neg(r, size), size)
    return _rest(r, a, b, "math.trunc", a, step)


def _rest(r, a, b, rounding, signed, step):
    """a less what the rounded quotient covers, with the sign of `signed`. A quotient
    just below an integer may be that integer in f32: that is a step too many."""
    quotient = r.apply(rounding, r.apply("arith.divf", a, b))
    rest = r.apply("math.fma", _neg(r, quotient), b, a)
    is_past = _comparison("slt", "olt")(r, _mul(r, rest, signed), 0.0)
    return r.select(is_past, _add(r, rest, step), rest)


def _pow(r, a, b):
    base, exponent = r.operand(a), r.operand(b)
    if isinstance(base, Value) and isinstance(exponent, int) and 0 <= exponent <= 8:
        if exponent == 0:
            return _one_like(r, base)
        result = base
        for _ in range(exponent - 1):
            result = _mul(r, result, base)
        return result
    if not isinstance(exponent, Value) and exponent == 0.5:
        return _unary("math.sqrt")(r, base)
    if not isinstance(base, Value) and base == 2:
        return _unary("math.exp2")(r, exponent)
    if isinstance(base, Value) and base.type != "f32" and not isinstance(exponent, float) and not (
            isinstance(exponent, Value) and exponent.type == "f32"):
        raise _error("an integer to an integer power is not available; convert one to float")
    return r.apply("math.powf", r.float(base), r.float(exponent))


def _one_like(r, value):
    return r.constant(1, value.type)


def _bitwise(op):
    def operation(r, a, b):
        a, b = r.unify(a, b, arithmetic=False)
        if a.type == "f32":
            raise _error("& | ^ need booleans or integers, not floats")
        return r.apply(op, a, b, natural=a.natural and b.natural)

    return operation


def _logical(op):
    return lambda r, a, b: r.apply(op, r.bool(a), r.bool(b), natural=True)


def _shift(op):
    def operation(r, a, b):
        a, b = r.unify(a, b)
        if a.type == "f32":
            raise _error("shifts need integers, not floats")
        return r.apply(op, a, b, natural=op == "arith.shrsi" and a.natural)

    return operation


def _comparison(integer, float):
    def operation(r, a, b):
        a, b = r.unify(a, b, arithmetic=False)
        if a.type == "f32":
            return r.compare("arith.cmpf", float, a, b)
        if a.type == "i1" and integer not in ("eq", "ne"):
            a, b = r.integer(a, "i32"), r.integer(b, "i32")
        return r.compare("arith.cmpi", integer, a, b)

    return operation


def _neg(r, a):
    a = r.operand(a)
    if not isinstance(a, Value):
        return -a
    if a.type == "f32":
        return r.apply("arith.negf", a)
    return _sub(r, 0, a)


def _abs(r, a):
    a = r.operand(a)
    if not isinstance(a, Value):
        return abs(a)
    if a.type == "f32":
        return r.apply("math.absf", a)
    return a if a.natural else r.apply("math.absi", a, natural=True)


def _not(r, a):
    a = r.operand(a)
    if not isinstance(a, Value):
        return not a if isinstance(a, bool) else ~a
    if a.type == "f32":
        raise _error("~ needs a boolean or an integer, not a float")
    if a.type == "i1":
        return r.apply("arith.xori", a, r.constant(True, "i1"), natural=True)
    return r.apply("arith.xori", a, r.constant(-1, a.type))


def _unary(op):
    return lambda r, a: r.apply(op, r.float(a))


def _round_with(op):
    def operation(r, a, *, decimals=0):
        if decimals:
            raise _error("only rounding to integers can be traced")
        a = r.operand(a)
        return a if isinstance(a, Value) and a.type != "f32" else r.apply(op, r.float(a))

    return operation


def _extreme(integer, float, natural):
    def operation(r, a, b):
        a, b = r.unify(a, b)
        if a.type == "f32":
            return r.apply(float, a, b)
        return r.apply(integer, a, b, natural=natural((a.natural, b.natural)))

    return operation


_maximum = _extreme("arith.maxsi", "arith.maximumf", any)
_minimum = _extreme("arith.minsi", "arith.minimumf", all)


def _clamp(r, a, min=None, max=None, **names):
    min, max = names.get("a_min", min), names.get("a_max", max)
    a = a if min is None else _maximum(r, a, min)
    return a if max is None else _minimum(r, a, max)


def _where(r, condition, a=None, b=None):
    if a is None or b is None:
        raise _error("where needs a condition and two values")
    a, b = r.unify(a, b, arithmetic=False)
    return r.select(r.bool(condition), a, b)


def _sigmoid(r, a):
    one = r.constant(1.0, "f32")
    return r.apply("arith.divf", one, _add(r, one, r.apply("math.exp", _neg(r, r.float(a)))))


def _gelu(r, a, approximate="none"):
    a = r.float(a)
    if approximate == "tanh":
        inner = _mul(r, _add(r, a, _mul(r, _pow(r, a, 3), 0.044715)), math.sqrt(2 / math.pi))
        weight = r.apply("math.tanh", inner)
    else:
        weight = r.apply("math.erf", _mul(r, a, math.sqrt(0.5)))
    return _mul(r, _mul(r, a, 0.5), _add(r, weight, 1.0))


def _tan(r, a):
    a = r.float(a)
    return r.apply("arith.divf", r.apply("math.sin", a), r.apply("math.cos", a))


def _sign(r, a):
    a = r.operand(a)
    if a.type != "f32":
        return _sub(r, _comparison("sgt", "ogt")(r, a, 0), _comparison("slt", "olt")(r, a, 0))
    zero, one = r.constant(0.0, "f32"), r.constant(1.0, "f32")
    negative = r.select(r.compare("arith.cmpf", "olt", a, zero), _neg(r, one), zero)
    return r.select(r.compare("arith.cmpf", "ogt", a, zero), one, negative)


def _isnan(r, a):
    a = r.float(a)
    return r.compare("arith.cmpf", "uno", a, a)


def _isinf(r, a):
    return r.compare("arith.cmpf", "oeq", _abs(r, r.float(a)), r.constant(math.inf, "f32"))


FLOAT_TYPES = ("float32", "float16", "bfloat16", "float64", "float", "half", "double")


def _convert(r, value, dtype):
    """`value` as PyTorch's or NumPy's `dtype`; all floats are f32."""
    name = getattr(dtype, "__name__", None) or str(dtype).split(".")[-1]
    if name in FLOAT_TYPES or name == "f32":
        return r.float(value)
    if name in ("bool", "i1"):
        return r.bool(value)
    if name in ("int32", "int", "i32"):
        value = r.operand(value)
        # An index is an integer of PyTorch already.
        keep = isinstance(value, Value) and value.type in ("index", "i32")
        return value if keep else r.integer(value, "i32")
    if name in ("int64", "long", "i64", "index"):
        value = r.operand(value)
        keep = isinstance(value, Value) and value.type in ("index", "i64")
        return value if keep else r.integer(value, "i64")
    if name in ("int8", "int16", "uint8", "i8"):
        raise _error(f"a conversion to {name} is not available; use int32")
    return r.operand(value)  # a device, or another tensor's type


def _to(r, value, *args, dtype=None, **_):
    for argument in (*args, dtype):
        if isinstance(argument, Value):
            argument = argument.type
        if argument is not None and not isinstance(argument, (bool, int)):
            value = _convert(r, value, argument)
    return value


def _full(r, number, dtype, like):
    if dtype is None:
        if isinstance(like, Value):
            value = r.operand(number)
            return value if isinstance(value, Value) else _convert(r, value, like.type)
        return r.operand(number)
    return _convert(r, number, dtype)


def _filled_like(number):
    return lambda r, like, *, dtype=None, **_: _full(r, number, dtype, r.operand(like))


def _new_filled(number):
    def operation(r, like, *shape, dtype=None, **_):
        if any(size != () and size != [] for size in shape):
            raise _error("regions compute on single numbers; the shape must be ()")
        return _full(r, number, dtype, r.operand(like))

    return operation


def _ignore(r, value, *_, **__):
    return r.operand(value)


FUNCTIONS = {
    "add": _scaled(_add), "sub": _scaled(_sub), "subtract": _scaled(_sub), "mul": _mul,
    "multiply": _mul, "rsub": lambda r, a, b: _sub(r, b, a),
    "div": _div, "divide": _div, "truediv": _div, "true_divide": _div,
    "rdiv": lambda r, a, b: _div(r, b, a), "rtruediv": lambda r, a, b: _div(r, b, a),
    "floordiv": _floordiv, "floor_divide": _floordiv,
    "mod": _remainder, "remainder": _remainder, "fmod": _fmod,
    "pow": _pow, "power": _pow, "float_power": _pow, "rpow": lambda r, a, b: _pow(r, b, a),
    "square": lambda r, a: _mul(r, a, a),
    "and": _bitwise("arith.andi"), "or": _bitwise("arith.ori"), "xor": _bitwise("arith.xori"),
    "bitwise_and": _bitwise("arith.andi"), "bitwise_or": _bitwise("arith.ori"),
    "bitwise_xor": _bitwise("arith.xori"),
    "logical_and": _logical("arith.andi"), "logical_or": _logical("arith.ori"),
    "logical_xor": _logical("arith.xori"),
    "lshift": _shift("arith.shli"), "rshift": _shift("arith.shrsi"),
    "bitwise_left_shift": _shift("arith.shli"), "bitwise_right_shift": _shift("arith.shrsi"),
    "left_shift": _shift("arith.shli"), "right_shift": _shift("arith.shrsi"),
    "eq": _comparison("eq", "oeq"), "ne": _comparison("ne", "une"),
    "lt": _comparison("slt", "olt"), "le": _comparison("sle", "ole"),
    "gt": _comparison("sgt", "ogt"), "ge": _comparison("sge", "oge"),
    "equal": _comparison("eq", "oeq"), "not_equal": _comparison("ne", "une"),
    "less": _comparison("slt", "olt"), "less_equal": _comparison("sle", "ole"),
    "greater": _comparison("sgt", "ogt"), "greater_equal": _comparison("sge", "oge"),
    "positive": _ignore,
    "neg": _neg, "negative": _neg, "abs": _abs, "absolute": _abs, "fabs": _abs,
    "invert": _not, "bitwise_not": _not,
    "logical_not": lambda r, a: _not(r, r.bool(a)),
    "where": _where, "maximum": _maximum, "minimum": _minimum,
    "max": _maximum, "min": _minimum,
    "fmax": _extreme("arith.maxsi", "arith.maxnumf", any),
    "fmin": _extreme("arith.minsi", "arith.minnumf", all),
    "clamp": _clamp, "clip": _clamp,
    "clamp_min": lambda r, a, min: _clamp(r, a, min=min),
    "clamp_max": lambda r, a, max: _clamp(r, a, max=max),
    "exp": _unary("math.exp"), "exp2": _unary("math.exp2"), "log": _unary("math.log"),
    "log2": _unary("math.log2"), "log1p": _unary("math.log1p"), "tanh": _unary("math.tanh"),
    "sqrt": _unary("math.sqrt"), "rsqrt": _unary("math.rsqrt"), "sin": _unary("math.sin"),
    "cos": _unary("math.cos"), "erf": _unary("math.erf"), "tan": _tan,
    "expm1": lambda r, a: _sub(r, r.apply("math.exp", r.float(a)), 1.0),
    "reciprocal": lambda r, a: _div(r, 1.0, a),
    "sigmoid": _sigmoid, "silu": lambda r, a, inplace=False: _mul(r, a, _sigmoid(r, a)),
    "gelu": _gelu,
    "relu": lambda r, a, inplace=False: _maximum(r, a, 0),
    "floor": _round_with("math.floor"), "ceil": _round_with("math.ceil"),
    "trunc": _round_with("math.trunc"), "fix": _round_with("math.trunc"),
    "round": _round_with("math.roundeven"), "rint": _round_with("math.roundeven"),
    "sign": _sign, "sgn": _sign, "isnan": _isnan, "isinf": _isinf,
    "isfinite": lambda r, a: _comparison("slt", "olt")(r, _abs(r, r.float(a)), math.inf),
    "isneginf": lambda r, a: _comparison("eq", "oeq")(r, r.float(a), -math.inf),
    "to": _to, "type": _to, "astype": _to, "type_as": _to,
    "float": lambda r, a: r.float(a), "double": lambda r, a: r.float(a),
    "half": lambda r, a: r.float(a), "bfloat16": lambda r, a: r.float(a),
    "int": lambda r, a: _convert(r, a, "int32"), "long": lambda r, a: _convert(r, a, "int64"),
    "bool": lambda r, a: r.bool(a),
    "zeros_like": _filled_like(0), "ones_like": _filled_like(1),
    "full_like": lambda r, like, number=None, *, fill_value=None, dtype=None, **_: _full(
        r, fill_value if number is None else number, dtype, r.operand(like)),
    "new_zeros": _new_filled(0), "new_ones": _new_filled(1),
    "new_full": lambda r, like, shape, number, *, dtype=None, **_: _full(
        r, number, dtype, r.operand(like)),
    "clone": _ignore, "detach": _ignore, "contiguous": _ignore, "alias": _ignore,
    "squeeze": _ignore, "item": lambda r, a: r.operand(a).item(),
}


def _operator(name, reflected=False):
    function = FUNCTIONS[name]

    def method(self, other):
        region = self.tracer.region if isinstance(self, Capture) else self.region
        a, b = (other, self) if reflected else (self, other)
        return function(region, a, b)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor",
              "lshift", "rshift"):
    for _class in (Value, Capture):
        setattr(_class, f"__{_name}__", _operator(_name))
        setattr(_class, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    for _class in (Value, Capture):
        setattr(_class, f"__{_name}__", _operator(_name))


def _find_region(values):
    for value in values:
        if isinstance(value, Value):
            return value.region
        if isinstance(value, Capture):
            return value.tracer.region
        if isinstance(value, (tuple, list)):
            region = _find_region(value)
            if region is not None:
                return region
    return None


def dispatch(function, args, kwargs):
    """A function of PyTorch or NumPy that was given traced values."""
    region = _find_region(args) or _find_region(kwargs.values())
    name = getattr(function, "__name__", str(function)).strip("_")
    if name == "getitem":
        array, index = args
        if isinstance(array, (Value, Capture)):
            return array[index]
        return region.tracer.capture(array, "of shape " + str(tuple(array.shape)))[index]
    if name == "get":  # the getter of an attribute: Tensor.shape.__get__
        return getattr(args[0], getattr(function, "__self__", function).__name__)
    if name not in FUNCTIONS and name[:1] == "r" and name[1:] in FUNCTIONS and len(args) == 2:
        name, args = name[1:], args[::-1]
    if name in ("bool", "int", "float", "index") and getattr(
            function, "__name__", "").startswith("__"):
        raise Value._refuse(None, "the function takes the Python number of")
    operation = FUNCTIONS.get(name)
    if operation is None:
        module = getattr(function, "__module__", None) or type(function).__module__
        raise _error(f"{module}.{name} cannot be traced; docs/regions.md lists what can be "
                     "computed, and what to write in place of other functions")
    names = {"input": "a", "self": "a", "other": "b"}
    if "input" in kwargs or "other" in kwargs:
        kwargs = dict(kwargs)
        args = args + tuple(kwargs.pop(key) for key in names if key in kwargs)
    return operation(region, *args, **kwargs)


# -- Functions and what they refer to -----------------------------------------


class _Attribute(str):
    """In a guard, the name of an attribute; other keys are indices."""


# What is compared, and not looked into.
_NUMBERS = (bool, int, float, str)
_OPAQUE = _NUMBERS + (type(None), types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_PLAIN = _NUMBERS + (tuple, list, dict)


class _Attributes:
    """An object whose arrays are captures."""

    def __init__(self, tracer, object):
        self._tracer, self._object = tracer, object

    def __getattr__(self, name):
        value = getattr(self._object, name)
        self._tracer.guard(self._object, _Attribute(name), value)
        return self._tracer.wrap(value, f"self.{name}")


class Tracer:
    """Traces functions; what they capture is shared."""

    def __init__(self):
        self.captures = []
        self.region = None
        # (container, key, value): traced functions mean what they meant as long
        # as each container still holds that value.
        self.guards = []
        self._guarded = {}
        self._functions = {}
        self._numbers = {}

    def guard(self, container, key, value, names=()):
        """Functions refer to `value` as long as `container` holds it, and to what it
        holds: items, and attributes of these names."""
        is_module = isinstance(value, types.ModuleType)
        if type(key) is _Attribute:
            # The functions themselves may be such, which guards must not keep.
            container = _refer(container)
        # An attribute that is a method is another object each time.
        if not is_module and not (type(key) is _Attribute and isinstance(value, types.MethodType)):
            self.guards.append((container, key, value))
        if isinstance(value, _OPAQUE) or is_array(value) or (id(value), id(names)) in self._guarded:
            return
        self._guarded[id(value), id(names)] = value, names
        if type(value) in (list, tuple, dict):
            self.guard_items(value, names)
        else:
            attributes = getattr(value, "__dict__", {})
            for name in names:
                held = attributes.get(name, getattr(type(value), name, None))
                # What a class computes of its attributes is not asked here.
                if not name.startswith("__") and (
                        isinstance(held, _PLAIN) if name not in attributes else
                        not hasattr(type(held), "__get__")):
                    self.guard(value, _Attribute(name), held, names)

    def guard_items(self, container, names=()):
        """Those of a list, a tuple or a dict."""
        if type(container) is not tuple:
            self.guards.append((container, len, len(container)))
        items = container.items() if type(container) is dict else enumerate(container)
        for key, item in items:
            self.guard(container, key, item, names)

    def capture(self, array, label):
        key = id(array)
        if key not in self._numbers:
            entry = CaptureEntry(array, label, len(self.captures))
            self._numbers[key] = entry.number
            self.captures.append(entry)
        return Capture(self, self._numbers[key])

    def wrap(self, value, label):
        """`value` with captures in place of the arrays in it."""
        if is_array(value):
            return self.capture_later(value, label)
        if isinstance(value, types.FunctionType):
            return self.rewrite(value)
        if isinstance(value, types.MethodType):
            return types.MethodType(self.rewrite(value.__func__), _Attributes(self, value.__self__))
        if type(value) in (tuple, list):
            return type(value)(self.wrap(item, f"{label}[{i}]") for i, item in enumerate(value))
        if type(value) is functools.partial:
            self.guard_items(value.args)
            self.guard_items(value.keywords)
            return functools.partial(
                self.wrap(value.func, label), *self.wrap(value.args, f"{label}.args"),
                **self.wrap(value.keywords, f"{label}.keywords"))
        if type(value) is dict:
            return {key: self.wrap(item, f"{label}[{key!r}]") for key, item in value.items()}
        return value

    def capture_later(self, array, label):
        """NumPy scalars and captures; only what is indexed or used counts."""
        return _Pending(self, array, label) if tuple(array.shape) else self.capture(array, label)

    def rewrite(self, function):
        """`function`, with captures in place of arrays."""
        if function in self._functions:
            return self._functions[function]
        module = function.__module__ or ""
        if module.split(".")[0] in ("attn", "torch", "numpy", "builtins", "math"):
            if not module.startswith("torch.nn.attention"):
                return function
        code = function.__code__
        names = {}
        copy = types.FunctionType(code, names, function.__name__, None, tuple(
            types.CellType() for _ in function.__closure__ or ()))
        self._functions[function] = copy  # a recursive function finds itself
        names.update(function.__globals__)
        used = _names_of(code)
        for name in used:
            if name not in function.__globals__:
                continue
            value = function.__globals__[name]
            self.guard(function.__globals__, name, value, used)
            if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
                continue
            names[name] = self.wrap(value, f"'{name}'")
        for name, cell, new in zip(code.co_freevars, function.__closure__ or (), copy.__closure__
                                   or ()):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            self.guard(cell, None, value, used)
            new.cell_contents = self.wrap(value, f"'{name}'")
        self.guard_items(function.__defaults__ or (), used)
        self.guard_items(function.__kwdefaults__ or {}, used)
        if function.__defaults__:
            copy.__defaults__ = self.wrap(function.__defaults__, f"default of {function.__name__}")
        if function.__kwdefaults__:
            copy.__kwdefaults__ = self.wrap(function.__kwdefaults__,
                                            f"default of {function.__name__}")
        return copy

    def trace(self, function, kind):
        """The region of a score ("score") or mask ("mask") function."""
        region = self.region = Region(self)
        arguments = [Value(region, name, "index", natural=True) for name in ("%b", "%h", "%i", "%j")]
        if kind == "score":
            arguments.insert(0, Value(region, "%s", "f32"))
        name = getattr(function, "__name__", type(function).__name__)
        callee = self.wrap(function, name)
        if callee is function and not isinstance(function, types.FunctionType) and hasattr(
                type(function), "__call__"):
            call = type(function).__call__
            if isinstance(call, types.FunctionType):
                callee = types.MethodType(self.rewrite(call), _Attributes(self, function))
        if not callable(callee):
            raise TraceError(f"{kind}_mod is a {type(function).__name__}, not a function")
        try:
            with _torch_mode():
                result = callee(*arguments)
        except TraceError:
            raise
        except (TypeError, IndexError, ValueError, RuntimeError) as error:
            raise TraceError(f"{name} cannot be traced as a {kind} function: {error}") from error
        region.result = self._check(region, result, kind, name)
        return region

    def _check(self, region, result, kind, name):
        code = getattr(result, "type", None)
        if isinstance(result, Capture):
            result = result._value()
        elif not isinstance(result, (Value, bool, int, float)):
            if not is_array(result) or tuple(result.shape):
                raise TraceError(f"{name} returns a {type(result).__name__}; a {kind} function "
                                 f"returns a {'float' if kind == 'score' else 'bool'}")
            result = region.operand(result)
        code = result.type if isinstance(result, Value) else {
            bool: "i1", int: "i32", float: "f32"}[type(result)]
        if kind == "mask":
            if code != "i1":
                raise TraceError(f"{name} returns a value of type {code}; a mask function returns a "
                                 "bool")
            return region.bool(result)
        if code != "f32":
            raise TraceError(f"{name} returns a value of type {code}; a score function returns a "
                             "float")
        return region.float(result)


class _Pending(Capture):
    """An array that becomes a capture once it is used."""

    __slots__ = ("array", "label")

    def __init__(self, tracer, array, label):
        self.tracer, self.array, self.label, self.indices = tracer, array, label, ()

    @property
    def _entry(self):
        self.number = self.tracer.capture(self.array, self.label).number
        return self.tracer.captures[self.number]

    @property
    def shape(self):
        return tuple(self.array.shape)

    def __getitem__(self, index):
        self._entry
        return Capture.__getitem__(self, index)


def _names_of(code):
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _names_of(constant)
    return names


def _read(container, key):
    if key is None:
        return container.cell_contents
    if key is len:
        return len(container)
    return getattr(container(), key) if type(key) is _Attribute else container[key]


def _refer(value):
    """A weak reference, where there is such."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def holds(guards):
    """True if what traced functions refer to is what it was."""
    for container, key, value in guards:
        try:
            now = _read(container, key)
        except (AttributeError, LookupError, ValueError):
            return False
        if now is not value and not (type(now) in (bool, int, float, str) and
                                     type(now) is type(value) and now == value):
            return False
    return True


def _torch_mode():
    """Makes PyTorch hand us what tensors are indexed by."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "overrides"):
        import contextlib

        return contextlib.nullcontext()
    from . import _torch

    return _torch.TraceMode()


# -- Functions for code that has neither PyTorch nor NumPy --------------------


def _public(name, doc):
    operation = FUNCTIONS[name]

    def function(*args, **kwargs):
        region = _find_region(args)
        if region is None:
            raise TypeError(f"attn.{name} computes on the arguments of score and mask functions")
        return operation(region, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


where = _public("where", "`a` where the condition holds, else `b`.")
maximum = _public("maximum", "The larger of two values.")
minimum = _public("minimum", "The smaller of two values.")
exp = _public("exp", "e to the power of a value.")
exp2 = _public("exp2", "2 to the power of a value.")
log = _public("log", "The natural logarithm.")
log2 = _public("log2", "The logarithm to base 2.")
tanh = _public("tanh", "The hyperbolic tangent.")
sigmoid = _public("sigmoid", "1 / (1 + exp(-x)).")
sqrt = _public("sqrt", "The square root.")
sin = _public("sin", "The sine.")
cos = _public("cos", "The cosine.")
erf = _public("erf", "The error function.")
floor = _public("floor", "The largest integer that is not above a value, as a float.")
clamp = _public("clamp", "A value between `min` and `max`.")
