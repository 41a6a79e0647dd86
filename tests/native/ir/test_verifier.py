"""What a program must satisfy: a test for each kind of error."""

from dataclasses import replace

from graphrnn.native.ir import operations
from graphrnn.native.ir import program as program_module
from graphrnn.native.ir.operations import (
    Check,
    CheckIndex,
    CopyGenerator,
    Cumulate,
    FlatIndex,
    RandomSample,
    Sort,
)
from graphrnn.native.ir.program import (
    ArgMax,
    Gather,
    Gemm,
    Instruction,
    Kernel,
    Lookup,
    Loop,
    Program,
    Reduce,
    Ref,
    Scatter,
    Softmax,
    constant,
)
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.verifier import _RULES, ProgramError, verify
from graphrnn.native.ir.views import Buffer, Offset

import pytest


def given(dtype="float32", size=8, kind="input"):
    return Buffer(kind, dtype, size, kind)


def ref(buffer, *strides, start=0):
    return Ref(buffer, Offset(start), strides)


def row(dtype="float32", kind="input"):
    return ref(given(dtype, kind=kind), 1)


def program(*ops, outputs=()):
    for op in ops:
        op.note = op.note or "the op"
    inputs = {}
    for op in ops:
        inputs |= {r.buffer: None for r, _ in (*op.reads(), *op.writes())}
    inputs = [buffer for buffer in inputs if buffer.kind == "input"]
    return Program(list(ops), inputs, list(outputs), [], [], [])


def wrong(text, *ops, **more):
    with pytest.raises(ProgramError, match=text):
        verify(program(*ops, **more))


def right(*ops, **more):
    verify(program(*ops, **more))


def kernel(loads, instructions, target, lengths=(8,)):
    value = len(loads) + len(instructions) - 1
    return Kernel(lengths, loads, instructions, [(target, value)])


TEMP = "temp"


def copy(source, target, lengths=(8,)):
    return kernel([source], [], target, lengths)


def test_memory():
    out = row(kind="output")
    right(copy(row(), out), outputs=[out.buffer])
    small = ref(given(size=4), 1)
    wrong("the op: reaches elements 0 to 7 of input, which has 4", copy(small, out))
    wrong(
        "the op: reaches elements 0 to 7 of temp, which has 4",
        copy(row(), ref(given(size=4, kind=TEMP), 1)),
    )
    wrong("the op: reads temp before it is written", copy(row(kind=TEMP), out))
    wrong("the op: writes to input, which is given", copy(row(), row()))
    constant = given(kind="constant")
    wrong("the op: writes to constant, which is given", copy(row(), ref(constant, 1)))
    wrong("walks input by 2 strides in 1 loops", copy(ref(given(), 1, 1), out))
    wrong("stores several elements at one place of output", copy(row(), ref(out.buffer, 0)))
    wrong("the program: never writes output", outputs=[out.buffer])


def test_loops():
    source, out = row(), row(kind="output")
    moving = replace(source, offset=Offset(0, ((1, "t"),)))
    step = copy(replace(moving, strides=()), ref(out.buffer), ())
    wrong("uses t outside its loop", step)
    right(Loop("t", 8, [], [step]))
    wrong("reaches elements 0 to 8 of input", Loop("t", 9, [], [step]))
    wrong("counts two loops by one variable", Loop("t", 2, [], [Loop("t", 2, [], [step])]))
    wrong("runs 0 steps", Loop("t", 0, [], [step]))
    wrong("runs 2 steps", Loop("t", 2, [("m", 0, 0)], [step]))
    flag = ref(given("bool", 1, TEMP))
    wrong("reads temp before it is written", Loop("t", 2, [], [step], until=flag))
    wrong("reads temp before it is written", Loop("t", 1, [], [step], when=(flag, True)))


@pytest.mark.parametrize(
    ("instructions", "text"),
    [
        ([Instruction(ScalarOp.EXP, (1,), "float32")], "uses a value that comes later"),
        ([Instruction(ScalarOp.EXP, (0,), "int64")], "exp gives int64"),
        ([Instruction(ScalarOp.ADD, (0, 0), "int64")], "add converts float32 to int64"),
        ([Instruction(ScalarOp.LT, (0, 0), "float32")], "lt gives float32"),
        ([Instruction(ScalarOp.SELECT, (0, 0), "float32")], "select takes 2 arguments"),
        ([Instruction(ScalarOp.CONSTANT, (), "float32")], "constant has the immediate None"),
        ([Instruction(ScalarOp.ABS, (0,), "float32", 1)], "abs has the immediate 1"),
    ],
)
def test_instructions(instructions, text):
    wrong(text, kernel([row()], instructions, row(kind="output")))


def test_values_that_are_not_there():
    wrong(
        "stores a value that it has not computed", Kernel((8,), [row()], [], [(row(kind=TEMP), 1)])
    )
    right(kernel([], [constant(1, "float32")], row(kind="output")))


def test_lookups_stay_within_their_table():
    table, numbers = given(size=12), given("int64", 4, TEMP)
    flat = FlatIndex(4, (3,), [ref(given("int32", 4), 1)], ref(numbers, 1))
    look = ref(table, 0, 1)

    def read(height, index=numbers):
        result = replace(look, lookup=Lookup(ref(index, 1, 0), 4, height))
        return copy(result, ref(given(size=16, kind="output"), 4, 1), (4, 4))

    right(flat, read(3))
    wrong("reaches elements 0 to 15 of input, which has 12", flat, read(4))
    wrong("looks up one of 3 rows in a table of 2", flat, read(2))
    wrong("looks rows up by input, which nobody checked", flat, read(3, given("int64", 4)))


T, S = row(kind=TEMP), row()
D, L, B = row("float64"), row("int64"), row("bool")
MATRIX = {
    name: ref(given(size=8, kind=kind), 4, 1) for name, kind in (("in", "input"), ("out", TEMP))
}
FEW = ref(given("int64", 2), 1)
GEN = ref(given("uint64", 1, "generator"))


@pytest.mark.parametrize(
    ("good", "changes"),
    [
        (
            Gemm(2, 4, 2, ref(given(), 2, 1), MATRIX["in"], MATRIX["out"]),
            [
                ({"A": ref(given("float64"), 2, 1)}, "mixes float64 and float32"),
                ({"C": ref(given(kind=TEMP), 1, 2)}, "by columns that lie 2 apart"),
            ],
        ),
        (
            Reduce("sum", (), (8,), S, ref(T.buffer), "float32"),
            [
                ({"kind": "median"}, "reduces by median"),
                ({"kind": "any"}, "takes input of float32 for booleans"),
                ({"kind": "max", "inner": (0,)}, "takes the max of nothing"),
            ],
        ),
        (
            ArgMax((), 8, S, ref(given("int64", 1, TEMP)), ref(given("float32", 1, TEMP))),
            [
                ({"length": 0}, "looks for the largest of nothing"),
                ({"target": ref(given("int32", 1, TEMP))}, "takes temp of int32 for positions"),
                ({"largest": ref(given("float64", 1, TEMP))}, "mixes float32 and float64"),
            ],
        ),
        (
            Softmax(False, (), 8, S, T),
            [
                ({"source": D}, "mixes float64 and float32"),
                ({"source": L, "target": row("int64", TEMP)}, "of int64 for real numbers"),
            ],
        ),
        (
            Gather(2, 4, 2, MATRIX["in"], FEW, MATRIX["out"]),
            [
                ({"index": ref(given("float32", 2), 1)}, "takes input of float32 for positions"),
                ({"source": ref(given("float64"), 4, 1)}, "mixes float64 and float32"),
            ],
        ),
        (
            FlatIndex(2, (3, 3), [FEW, FEW], ref(given("int64", 2, TEMP), 1), (0, 1)),
            [
                ({"heights": (3,)}, "checks 2 indices of axes"),
                ({"target": ref(given("int32", 2, TEMP), 1)}, "temp of int32 for positions"),
                ({"indices": [FEW, ref(given("bool", 2), 1)]}, "input of bool for positions"),
            ],
        ),
        (
            CheckIndex(2, (3,), [FEW]),
            [({"indices": [ref(given("float32", 2), 1)]}, "input of float32 for positions")],
        ),
        (Cumulate("+", (), 8, S, T), [({"kind": "-"}, "cumulates by -")]),
        (
            Sort((), 8, S, T, row(kind=TEMP), False),
            [
                ({"positions": True}, "takes temp of float32 for positions"),
                ({"source": D}, "mixes float64 and float32"),
                ({"scratch": row("float64", TEMP)}, "mixes float32 and float64"),
                ({"target": ref(given(size=16, kind=TEMP), 2)}, "do not lie along memory"),
            ],
        ),
        (
            RandomSample("normal", (8,), [S, S], T, GEN),
            [
                ({"generator": ref(given("uint64", 1))}, "writes to input|which is no generator"),
                ({"kind": "beta"}, "draws beta numbers by 2 parameters"),
                ({"parameters": [S]}, "draws normal numbers by 1 parameters"),
                ({"categories": 3}, "draws normal numbers from 3 categories"),
            ],
        ),
        (CopyGenerator(GEN, GEN), [({"source": ref(given("uint64", 1))}, "which is no generator")]),
        (
            Check(-1, [ref(B.buffer)]),
            [
                ({"conditions": [ref(D.buffer)]}, "takes input of float64 for booleans"),
                ({"number": 1}, "is check 1, of no error"),
            ],
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_kind(good, changes):
    right(good)
    for change, text in changes:
        wrong(text, replace(good, **change))


def test_scatter_and_that_no_kind_is_forgotten():
    target = MATRIX["out"]
    fill = kernel([], [constant(0, "float32")], target, (2, 4))
    add = Scatter(2, 4, 2, MATRIX["in"], FEW, target, True)
    right(fill, add)
    wrong("reads temp before it is written", add)
    wrong("for positions", fill, replace(add, index=ref(given("bool", 2), 1)))
    everything = [*vars(program_module).values(), *vars(operations).values()]
    kinds = {k for k in everything if isinstance(k, type) and issubclass(k, program_module.Op)}
    names = {kind.__name__ for kind in kinds} - {"Op", "Loop", "Conditions"}
    assert names == {kind.__name__ for kind in _RULES}
