"""Kernels as C."""

from graphrnn.native.codegen.function import emit
from graphrnn.native.ir.program import Program
from graphrnn.native.ir.scalars import ScalarOp
from tests.native.programs import add, buffer, c_of, kernel, ref, row

import numpy as np
import pytest

X, OUT = buffer("x", 32, "input"), buffer("out", 32, "output")


def test_loops_that_are_one_stretch_are_one_loop():
    text = c_of([add(ref(X, 8, 1), ref(X, 8, 1), ref(OUT, 8, 1), (4, 8))], [X], [OUT])
    assert "i0 < 32" in text
    assert "i1" not in text


def test_the_innermost_loop_goes_along_the_store():
    text = c_of([add(ref(X, 1, 4), ref(X, 1, 4), ref(OUT, 1, 4), (4, 8))], [X], [OUT])
    assert "i0 < 32" in text
    turned = c_of([add(ref(X, 1, 4), ref(X, 1, 4), ref(OUT, 8, 1), (4, 8))], [X], [OUT])
    assert "v3[i0 * 8 + i1] = x2;" in turned


def test_what_the_innermost_loop_does_not_move_is_loaded_before_it():
    text = c_of([add(ref(X, 8, 1), ref(X, 1, 0), ref(OUT, 8, 1), (4, 8))], [X], [OUT])
    before, inner = text.split("IVDEP")
    assert "x1 = v2[i0];" in before
    assert "x0 = v1[i0 * 8 + i1];" in inner


def test_constants_stand_in_the_code():
    half = buffer("k", 1, "constant")
    half.data = np.array([0.5], "float32")
    made = kernel([row(X), ref(half, 0)], ScalarOp.MUL, row(OUT), lengths=(32,))
    program = Program([made], [X], [OUT], [half], [], [])
    assert "const float x1 = 0x1p-1f;" in emit(program, 1).text


@pytest.mark.parametrize("threads", [1, 2])
def test_only_large_work_is_shared(threads):
    text = c_of([add(row(X), row(X), row(OUT), (32,))], [X], [OUT], threads)
    assert "part(" not in text
