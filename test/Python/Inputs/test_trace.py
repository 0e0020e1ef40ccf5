# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What functions become, and what cannot be traced."""

import functools
import gc
import weakref

import attn
import numpy as np
import pytest
from attn._trace import Tracer, holds

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
TABLE = np.arange(6, dtype=np.float32).reshape(2, 3)


def lines(function, kind="score"):
    """Operations without names and places."""
    region = Tracer().trace(function, kind)
    return [line.split(" loc(")[0].split(" = ", 1)[1] for line in region.lines]


def test_operations():
    assert lines(lambda s, b, h, i, j: s + 0.5 * (j - i)) == [
        "arith.subi %j, %i : index",
        "arith.constant 0.5 : f32",
        "arith.index_cast %0 : index to i32",
        "arith.sitofp %2 : i32 to f32",
        "arith.mulf %1, %3 : f32",
        "arith.addf %s, %4 : f32",
    ]


def test_repeated_operations_appear_once():
    assert len(lines(lambda s, b, h, i, j: s * s + s * s)) == 2


def test_remainder_has_the_sign_of_the_divisor():
    assert "arith.remsi %i, %0 : index" in lines(lambda b, h, i, j: i % 7 == 0, "mask")
    assert "arith.floordivsi %0, %1 : index" in lines(lambda b, h, i, j: (i - j) % 7 == 0, "mask")


def test_numbers_of_numpy_on_the_left():
    two = np.int64(2)
    for function in (lambda b, h, i, j: two <= i, lambda b, h, i, j: np.greater_equal(i, two)):
        assert lines(function, "mask")[-1].startswith("arith.cmpi s")
    assert lines(lambda b, h, i, j: np.equal(i, j), "mask") == ["arith.cmpi eq, %i, %j : index"]


def test_negative_indices_count_from_the_end():
    table = TABLE[0]
    assert not any("select" in line for line in lines(lambda s, b, h, i, j: s + table[i]))
    assert any("select" in line for line in lines(lambda s, b, h, i, j: s + table[i - j]))
    assert "arith.constant 2 : index" in lines(lambda s, b, h, i, j: s + table[-1])


def test_places_are_those_of_the_function():
    region = Tracer().trace(lambda s, b, h, i, j: s * 2, "score")
    assert f'loc("{__file__}":' in region.lines[0]


def test_infinity():
    assert "arith.constant 0xFF800000 : f32" in lines(
        lambda s, b, h, i, j: attn.where(i >= j, s, -float("inf")))


@pytest.mark.parametrize("holder", ["closure", "global", "default", "list", "method"])
def test_captures(holder):
    table = np.ones((2, 3), np.float32)
    tables = [table]

    class Object:
        def __init__(self):
            self.table = table

        def bias(self, s, b, h, i, j):
            return s + self.table[b, h]

    functions = {
        "closure": lambda s, b, h, i, j: s + table[b, h],
        "global": lambda s, b, h, i, j: s + TABLE[b, h],
        "default": lambda s, b, h, i, j, t=table: s + t[b, h],
        "list": lambda s, b, h, i, j: s + tables[0][b][h],
        "method": Object().bias,
    }
    tracer = Tracer()
    tracer.trace(functions[holder], "score")
    assert [entry.type for entry in tracer.captures] == ["tensor<2x3xf32>"]


def test_nested_functions_are_followed():
    table = TABLE

    def inner(b, h):
        return table[b, h]

    tracer = Tracer()
    tracer.trace(lambda s, b, h, i, j: s + inner(b, h), "score")
    assert len(tracer.captures) == 1


def test_both_functions_share_captures():
    table = np.arange(4, dtype=np.int32)
    tracer = Tracer()
    tracer.trace(lambda s, b, h, i, j: s + table[i], "score")
    tracer.trace(lambda b, h, i, j: table[i] == table[j], "mask")
    assert len(tracer.captures) == 1


def test_guards():
    limit = 3

    def function(b, h, i, j):
        return i - j < limit

    tracer = Tracer()
    tracer.trace(function, "mask")
    assert holds(tracer.guards)
    limit = 4
    assert not holds(tracer.guards)


class Settings:
    """Attributes of a class, of an object, and what the object holds."""

    factor = 1.0

    def __init__(self):
        self.power = 2
        self.table = [1.0, {"shift": 3.0}]

    def method(self, s, b, h, i, j):
        return s * self.power

    def __call__(self, s, b, h, i, j):
        return s * self.power


SETTINGS = Settings()


def add_shift(shifts, s, b, h, i, j):
    for shift in shifts:
        s = s + shift
    return s


@pytest.mark.parametrize("change", ["class", "object", "item", "length", "method", "callable",
                                    "partial", "default"])
def test_guards_of_what_objects_hold(change, monkeypatch):
    settings, shifts = SETTINGS, [1.0]
    monkeypatch.setattr(settings, "power", 2)
    held = Settings()

    def default(s, b, h, i, j, values=shifts):
        return s + values[0]

    function = {
        "class": lambda s, b, h, i, j: s * Settings.factor,
        "object": lambda s, b, h, i, j: s * SETTINGS.power,
        "item": lambda s, b, h, i, j: s + held.table[1]["shift"],
        "length": lambda s, b, h, i, j: add_shift(shifts, s, b, h, i, j),
        "method": held.method,
        "callable": held,
        "partial": functools.partial(add_shift, shifts),
        "default": default,
    }[change]
    tracer = Tracer()
    tracer.trace(function, "score")
    assert holds(tracer.guards)
    if change == "class":
        monkeypatch.setattr(Settings, "factor", 2.0)
    elif change == "object":
        settings.power = 3
    elif change == "item":
        held.table[1]["shift"] = 4.0
    elif change == "length":
        shifts.append(0.0)
    elif change in ("partial", "default"):
        shifts[0] = 5.0
    else:
        held.power = 3
    assert not holds(tracer.guards)


@pytest.mark.parametrize("make", [Settings, lambda: functools.partial(add_shift, [1.0]),
                                  lambda: lambda s, b, h, i, j, shift=[1.0]: s + shift[0]])
def test_guards_keep_no_function(make):
    function = make()
    tracer = Tracer()
    tracer.trace(function, "score")
    guards, reference = tracer.guards, weakref.ref(function)
    del function, tracer
    gc.collect()
    assert guards and reference() is None


def test_arrays_of_partial_functions():
    tracer = Tracer()
    tracer.trace(functools.partial(lambda table, s, b, h, i, j: s + table[b, h], TABLE), "score")
    assert len(tracer.captures) == 1 and tracer.captures[0].array is TABLE


def refused(function, kind="score"):
    with pytest.raises(attn.TraceError) as info:
        Tracer().trace(function, kind)
    return str(info.value)


def test_branches():
    message = refused(lambda s, b, h, i, j: s if i > j else -s)
    assert "branches on a value" in message and "attn.where" in message
    assert f"{__file__}:" in message
    assert "branches" in refused(lambda s, b, h, i, j: max(s, 0.0))
    assert "branches" in refused(lambda b, h, i, j: i > j and i < 5, "mask")
    limit = np.array(3, np.int32)
    assert "branches on capture 'limit'" in refused(lambda s, b, h, i, j: s if limit else -s)


def test_numbers_of_python():
    assert "Python float" in refused(lambda s, b, h, i, j: s + float(i))
    assert "Python integer" in refused(lambda s, b, h, i, j: s + [1, 2][h])


def test_wrong_types():
    assert "returns a value of type index; a score function returns a float" in refused(
        lambda s, b, h, i, j: i)
    assert "returns a value of type i1" in refused(lambda s, b, h, i, j: i > j)
    assert "returns a NoneType" in refused(lambda s, b, h, i, j: None)
    assert "returns a value of type f32; a mask function returns a bool" in refused(
        lambda b, h, i, j: i * 0.5, "mask")
    assert "returns a value of type i32" in refused(lambda b, h, i, j: 1, "mask")
    assert "not a function" in refused(7)
    assert "cannot be traced as a mask function" in refused(lambda b, h, i: i > 0, "mask")
    assert "& | ^ need booleans or integers" in refused(lambda s, b, h, i, j: s & 1)


def test_wrong_captures():
    table = TABLE.T
    assert "capture 'table' of shape (3, 2) is not contiguous (strides (1, 3))" in refused(
        lambda s, b, h, i, j: s + table[h, b])
    short = np.zeros(3, np.int16)
    assert "element type int16" in refused(lambda s, b, h, i, j: s + short[h])
    flat = TABLE[0]
    assert "has 1 dimensions and is indexed by 2" in refused(lambda s, b, h, i, j: s + flat[b, h])
    assert "is indexed by a float" in refused(lambda s, b, h, i, j: s + flat[s])
    assert "of shape (3,) is used as a number" in refused(lambda s, b, h, i, j: s + flat)
    assert "index 3 is outside of capture 'flat'" in refused(lambda s, b, h, i, j: s + flat[3])
    assert "indexed by a slice" in refused(lambda s, b, h, i, j: s + flat[1:][h])


def test_unknown_functions():
    assert "arctan cannot be traced" in refused(lambda s, b, h, i, j: np.arctan(s))
    assert "have no 'cumsum'" in refused(lambda s, b, h, i, j: s.cumsum(0))


@needs_torch
def test_torch_functions():
    assert lines(lambda s, b, h, i, j: torch.where(torch.abs(i - j) < 3, torch.tanh(s), 0.0)) == [
        "arith.subi %i, %j : index",
        "math.absi %0 : index",
        "arith.constant 3 : index",
        "arith.cmpi slt, %1, %2 : index",
        "math.tanh %s : f32",
        "arith.constant 0.0 : f32",
        "arith.select %3, %4, %5 : f32",
    ]
    assert lines(lambda s, b, h, i, j: torch.maximum(s, torch.exp(s)).to(torch.float32)) == [
        "math.exp %s : f32", "arith.maximumf %s, %0 : f32"]
    assert lines(lambda s, b, h, i, j: torch.nn.functional.silu(s))[-1].startswith("arith.mulf %s")
    assert lines(lambda b, h, i, j: b.new_ones((), dtype=torch.bool) & (i >= j), "mask") == [
        "arith.constant true", "arith.cmpi sge, %i, %j : index", "arith.andi %0, %1 : i1"]


@needs_torch
def test_torch_captures():
    table, holder = torch.ones(2, 3), type("Holder", (), {"table": torch.ones(2, 3)})()
    for function in (lambda s, b, h, i, j: s + table[b, h], lambda s, b, h, i, j: s + holder.table[b, h],
                     lambda s, b, h, i, j: table[0, 0] * s, lambda s, b, h, i, j: torch.tensor(2.0) * s):
        tracer = Tracer()
        tracer.trace(function, "score")
        assert len(tracer.captures) == 1
    view = table.t()
    assert "not contiguous" in refused(lambda s, b, h, i, j: s + view[h, b])
    assert "branches" in refused(lambda s, b, h, i, j: s if torch.gt(s, 0) else -s)
    assert "atan cannot be traced" in refused(lambda s, b, h, i, j: torch.atan(s))
