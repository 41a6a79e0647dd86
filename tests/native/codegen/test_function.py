"""The C text."""

from graphrnn.native.ir.program import Op, walk
from tests.native_helpers import native, recurrence, the_program

import aesara.tensor as at
import pytest

pytestmark = pytest.mark.shipped_flags


def test_every_operation_carries_a_line_of_the_graph():
    x, W, h = recurrence()
    program, function = the_program([x, W], [h])
    assert all(op.note for op in walk(program.ops))
    assert isinstance(program.ops[0], Op)
    text = function.vm.jit_fn.source.text
    assert "= dot(" in text
    assert "tanh" in text


def test_lowering_is_repeatable():
    """The cache is keyed by the source: the same graph must give the same text."""
    texts = []
    for _ in range(2):
        x, W, h = recurrence()
        function = native([x, W], [h, at.grad(at.sum(h), W)])
        texts.append(function.vm.jit_fn.source.text)
    assert texts[0] == texts[1]
