"""Scalar operations and their signatures."""

from graphrnn.native.ir.scalars import ScalarOp, may_fail, misuse, signature

import pytest


@pytest.mark.parametrize("op", ScalarOp)
def test_each_operation_takes_what_its_signature_says(op):
    needed = signature(op)
    for result in needed.results:
        assert not misuse(op, [result] * needed.least, result)
        assert (
            "arguments" in misuse(op, [result] * (needed.most or 0) + [result], result)
            or needed.most is None
        )
    assert misuse(op, ["complex64"] * needed.least, "complex64")


def test_only_what_is_asked_for_loses_kind():
    assert misuse(ScalarOp.MUL, ["float64", "int32"], "int32") == "converts float64 to int32"
    assert not misuse(ScalarOp.CAST, ["float64"], "int32")
    assert not misuse(ScalarOp.SELECT, ["float64", "int32", "int8"], "int32")
    assert not misuse(ScalarOp.LT, ["float64", "int32"], "bool")


def test_only_powers_of_signed_integers_fail_while_running():
    assert [op for op in ScalarOp if may_fail(op, "int32")] == [ScalarOp.POW]
    assert not may_fail(ScalarOp.POW, "uint8")
