"""Scalar operations as C, and their costs."""

from graphrnn.native.codegen.scalars import _TABLE, cost, expression, function_name
from graphrnn.native.ir.dtypes import DTYPES, INTEGERS, REALS
from graphrnn.native.ir.program import Instruction, constant
from graphrnn.native.ir.scalars import ScalarOp, signature

import pytest


@pytest.mark.parametrize("op", [op for op in ScalarOp if op is not ScalarOp.CONSTANT])
def test_each_operation_is_written_for_each_result_that_it_may_have(op):
    needed = signature(op)
    for dtype in needed.results:
        n = max(needed.least, 2 if needed.most is None else needed.most)
        source = "float32" if dtype == "bool" and needed.converted is None else dtype
        text = expression(Instruction(op, tuple(range(n)), dtype), [source] * n)
        assert text.count("(") == text.count(")")
        assert "{" not in text
        assert "x0" in text or op in (ScalarOp.SECOND, ScalarOp.IS_NAN, ScalarOp.IS_INF)


def test_arguments_go_over_into_the_dtype_of_the_result():
    mixed = Instruction(ScalarOp.MUL, (3, 5), "float64")
    assert expression(mixed, ["float32", "bool"]) == "((double)x3 * (x5 ? (double)1 : (double)0))"
    both = Instruction(ScalarOp.LT, (0, 1), "bool")
    assert expression(both, ["int8", "float32"]) == "((float)x0 < x1)"
    assert expression(both, ["uint64", "int64"]) == "((__int128)x0 < (__int128)x1)"
    assert expression(constant(-0.5, "float32"), []) == "-0x1p-1f"


def test_a_power_names_the_kernel_that_fails():
    power = Instruction(ScalarOp.POW, (0, 1), "int32")
    assert expression(power, ["int32", "int32"], 7).endswith(", 7))")


def test_costs_are_per_dtype():
    """A call of the C library is dear, whatever its name; what becomes one instruction is not."""
    assert set(_TABLE) == set(ScalarOp) - {ScalarOp.CONSTANT}
    assert cost(ScalarOp.EXP, "float32") < 10 < cost(ScalarOp.EXP, "float64")
    assert cost(ScalarOp.LOG, "float32") > 10
    assert {cost(ScalarOp.CAST, dtype) for dtype in DTYPES} == {1}
    assert cost(ScalarOp.CONSTANT, "float32") == 0
    assert min(cost(op, dtype) for op in _TABLE for dtype in (*REALS, *INTEGERS)) == 1
    assert function_name(ScalarOp.LOG, "float32") == "logf"
