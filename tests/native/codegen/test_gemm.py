"""Products as calls of the packed kernel."""

from graphrnn.native.ir.program import Gemm, Loop
from tests.native.programs import add, buffer, c_of, ref, row

A, B = buffer("A", 24, "input"), buffer("B", 48, "input")
C = buffer("C", 32, "output")


def test_strides_say_what_is_transposed():
    product = Gemm(4, 8, 6, ref(A, 1, 4), ref(B, 8, 1), ref(C, 8, 1))
    text = c_of([product], [A, B], [C])
    assert "gemm_float32(4, 8, 6, A, 1, 4, B, 8, 1, C, 8, (float *)(scratch + 0 * " in text


def test_a_matrix_that_a_loop_multiplies_by_is_packed_once_before_it():
    h, out = buffer("h", 24, "temp"), buffer("out", 24, "output")
    W = buffer("W", 36, "input")
    z = buffer("z", 24)
    body = [
        Gemm(4, 6, 6, ref(h, 6, 1), ref(W, 6, 1), ref(z, 6, 1)),
        add(ref(z, 6, 1), ref(A, 6, 1), ref(h, 6, 1), (4, 6)),
    ]
    begin = add(ref(A, 6, 1), ref(A, 6, 1), ref(h, 6, 1), (4, 6))
    end = add(row(h), row(A), row(out), (24,))
    text = c_of([begin, Loop("t", 3, [], body), end], [A, W], [out])
    assert text.index("pack_float32(6, ") < text.index("for (idx t = 0; t < 3; t++)")
    assert "gemm_packed_float32(row0, row1, 6, 6, h, 6, 1, " in text
