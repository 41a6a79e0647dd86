"""From a graph to C."""

from graphrnn.graph.shapes import tensor
from graphrnn.native import pipeline
from graphrnn.native.ir.buffer_assignment import live_ranges
from graphrnn.native.ir.verifier import ProgramError
from graphrnn.native.passes import order
from tests.native.conftest import verified
from tests.native_helpers import recurrence

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph


def graph():
    x, W, h = recurrence()
    return FunctionGraph([x, W], [at.sum(h**2)], clone=True)


def test_all_stages_in_their_order(monkeypatch):
    messages = []
    for name in ("verify", "optimize", "updates_last", "assign_buffers", "emit"):
        stage = getattr(pipeline, name)
        monkeypatch.setattr(
            pipeline,
            name,
            lambda *a, _stage=stage, _name=name, **k: (messages.append(_name), _stage(*a, **k))[1],
        )
    program, source = pipeline.generate(graph())
    assert messages == ["verify", "optimize", "updates_last", "verify", "assign_buffers", "emit"]
    assert program.offsets.keys() == live_ranges(program.ops).keys()
    assert source.scratch_bytes >= program.scratch
    assert "seconds()" not in source.text.partition("static void body")[2]
    _, timed = pipeline.generate(graph(), timed=True)
    assert len(timed.timed) > 1


def test_updates_are_made_in_place():
    w = aesara.shared(np.zeros(3), "w", shape=(3,))
    update = FunctionGraph([w], [w + 1], clone=False)
    assert pipeline.lower_graph(update, updated={0: 0}).in_place == {0: 0}
    assert pipeline.lower_graph(FunctionGraph([w], [w + 1], clone=False)).in_place == {}


def test_a_pass_that_spoils_a_program_is_named(monkeypatch):
    def spoil(program, cost):
        program.ops.clear()

    monkeypatch.setattr(order, "PASSES", (verified(spoil),))
    x = tensor("x", "float64", (3,))
    with pytest.raises(Exception, match="never writes") as result:
        pipeline.lower_graph(FunctionGraph([x], [at.exp(x)], clone=True))
    assert isinstance(result.value.__cause__, ProgramError)
    assert result.value.__cause__.__notes__ == ["after the pass spoil"]
