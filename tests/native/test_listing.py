"""The stages as text: what a learner reads beside the graph."""

import re

from graphrnn.graph.shapes import tensor
from graphrnn.native import c_source, native_mode, program_text
from graphrnn.native.pipeline import lower_graph
from tests.native_helpers import PYTHON, build, native, recurrence

import aesara
import aesara.tensor as at
import numpy as np
import pytest

PROGRAM = """\
inputs
  x_in0          float32 (6, 4, 3)    288 bytes
  W_in1          float32 (3, 3)       36 bytes
outputs
  out12          float32 (6, 4, 3)    288 bytes
constants
  k4             float32 [1]          4 bytes = 0.0
temporaries
  t6             float32 (6, 4, 3)    288 bytes at 0, live 0 to 3
  t7             float32 (4, 3)       48 bytes at 320, live 1 to 1
peak: 384 bytes of temporaries

program
  0 kernel (4, 3): t6 <- 0.0
      · (6, 4, 3) = IncSubtensor((6, 4, 3), (1, 4, 3), 1)
  1 for t5 in 6 steps, 4 independent rows
      m10 = (t5 + 1) % 6
      · (?, 4, 3) = scan(6, x, (6, 4, 3), W)
      1.0 product (4, 3) (3, 3): t7 <- t6[t5 * 12] . W_in1
          · (4, 3) = dot((4, 3), (3, 3))
      1.1 kernel (4, 3): t6[m10 * 12] <- tanh(add(x_in0[t5 * 12], t7))
          · (4, 3) = add((4, 3), (4, 3))
          · (4, 3) = tanh((4, 3))
  2 kernel (5, 4, 3): out12 <- t6[12]
      · (?, 4, 3) = scan(6, x, (6, 4, 3), W)
  3 kernel (4, 3): out12[60] <- t6
      · (?, 4, 3) = scan(6, x, (6, 4, 3), W)
"""


def test_the_program_of_a_recurrence():
    x, W, h = recurrence()
    text = program_text(native([x, W], [h]))
    # What products pack depends on the widths of vectors, the rest on the graph alone.
    assert re.sub(r", [\d,]+ bytes for packed matrices", "", text) == PROGRAM


def test_strides_are_shown_where_the_order_is_another():
    a, b = tensor("a", "float64", (4, 3)), tensor("b", "float64", (4, 5))
    text = program_text(native([a, b], [at.dot(a.T, b), at.sum(b, axis=0)]))
    assert "product (3, 4) (4, 5): " in text
    assert "a_in0 strides (1, 3) . b_in1" in text
    assert "sum over (4,) of (5,): " in text


def test_scalar_operations_are_shown():
    """What is used again has the name that it has in C; numbers and casts tell what they are."""
    x, y = tensor("x", "float64", (4,)), tensor("y", "int32", (4,))
    total = x + y
    text = program_text(native([x, y], [at.exp(total), at.cast(total * 0.5, "int32")]))
    lines = [line.strip() for line in text.partition("program\n")[2].splitlines()]
    (name,) = re.findall(r"(x\d+) = add\(x_in0, y_in1\)", text)
    assert lines[0] == "0 kernel (4,)"
    assert lines[2].endswith(f" <- exp({name})")
    assert lines[3].endswith(f" <- cast(mul(0.5, {name}), int32)")


def test_each_operation_has_a_line():
    x, i = tensor("x", "float64", (4, 3)), tensor("i", "int64", (2, 2))
    graph = [at.sort(x), at.cumsum(x), x[i[0], i[1]], at.argmax(x, axis=1), at.special.softmax(x)]
    text = program_text(native([x, i], graph))
    for name in ("sort", "cumulate", "flat index", "gather", "argmax", "softmax"):
        assert f" {name}: " in text


def test_a_graph_alone_and_a_function_of_another_backend():
    x = tensor("x", "float64", (3,))
    graph = native([x], [at.exp(x)]).maker.fgraph
    assert "x_in0" in program_text(graph)
    assert lower_graph(graph).ops
    with pytest.raises(TypeError, match="needed one of native_mode"):
        program_text(build([x], [at.exp(x)], PYTHON))


def test_peak_is_what_the_function_takes():
    x, W, h = recurrence()
    function = native([x, W], [h])
    inner = function.vm.jit_fn
    assert inner.peak_bytes == inner.source.scratch_bytes >= inner.program.scratch > 0
    assert f"peak: {inner.program.scratch:,} bytes of temporaries" in program_text(function)


def test_c_names_what_the_user_named():
    x, W, h = recurrence()
    text = c_source(native([x, W], [h]))
    assert "float *const W_in1 = (float *)in[1]; /* W (3, 3) */" in text
    assert "= scan(6, x, (6, 4, 3), W) */" in text
    assert "for (idx t5 = 0; t5 < 6; t5++) {" in text
    assert "pthread_create" not in text


@pytest.mark.parametrize("name", ["x*/ y", "größe", "1", "a\nb", 'q"', "int", "in", "/*", "x" * 99])
def test_any_name_gives_c_that_compiles(name):
    x = at.TensorType("float64", (3,))(name)
    with aesara.config.change_flags(cxx=""):
        f = aesara.function([x], x * 2, mode=native_mode(strict=True, threads=1))
    assert f(np.ones(3)).tolist() == [2, 2, 2]
