"""Numbers as C, held against NumPy by reading them back."""

from graphrnn.native.codegen.c_types import arithmetic, convert, literal

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1e-310, 3.4e38, -7.25])
def test_literals_keep_every_bit(dtype, value):
    wanted = np.asarray(value, dtype)
    text = literal(value, dtype)
    got = np.asarray(float.fromhex(text.rstrip("f") if dtype == "float32" else text), dtype)
    assert got.tobytes() == wanted.tobytes()


def test_what_is_no_finite_number():
    assert literal(float("-inf"), "float32") == "((float)-INFINITY)"
    assert literal(float("nan"), "float64") == "((double)NAN)"
    assert literal(True, "bool") == "((uint8_t)1LL)"
    assert literal(2**64 - 1, "uint64") == "((uint64_t)18446744073709551615ULL)"


def test_integers_go_round_and_booleans_are_logical():
    assert arithmetic("-", ["0", "x"], "int8") == "(int8_t)((uint32_t)0 - (uint32_t)x)"
    assert arithmetic("*", ["x", "y"], "bool") == "x && y"
    assert convert("x", "float64", "uint64") == "(uint64_t)g_uint64(x)"
    assert convert("x", "int32", "int64") == "(int64_t)x"
