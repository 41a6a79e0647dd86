"""Draws and checks as C."""

from graphrnn.native.ir.operations import Check, CopyGenerator, RandomSample
from tests.native.programs import buffer, c_of, ref, row

A, B, OUT = buffer("a", 1, "input"), buffer("b", 1, "input"), buffer("out", kind="output")
G, H = (buffer(name, 1, "generator", "uint64") for name in "gh")


def sample(kind, *parameters, **more):
    return RandomSample(kind, (8,), list(parameters), row(OUT), ref(G), **more)


def test_parameters_are_checked_before_a_number_is_drawn():
    text = c_of([sample("normal", ref(A, 0), ref(B, 0))], [A, B, G], [OUT])
    check = text.index(
        "if (!((b != b || !signbit(b)))) { fail(BAD_PARAMETER, 0, 0, 0); continue; }"
    )
    assert check < text.index("draws[1])(g, a, b)")


def test_a_category_is_searched_for_by_running_sums():
    p = buffer("p", 3, "input")
    text = c_of([sample("categorical", ref(p, 0, 1), categories=3)], [p, G], [OUT])
    assert "for (; j < 3; j++) {" in text


def test_a_generator_is_copied_by_numpy():
    text = c_of([CopyGenerator(ref(G), ref(H))], [G], [])
    assert "if (copy_generator(1, 0)) fail(BAD_GENERATOR, 0, 0, 0);" in text


def test_all_threads_leave_a_check_together():
    flag = buffer("flag", 1, "input", "bool")
    text = c_of([Check(-1, [ref(flag)])], [flag], [])
    assert "if (!(*(flag) != 0)) fail(FIRST_CHECK + -1, 0, 0, 0);" in text
    assert "= failed;" in text
