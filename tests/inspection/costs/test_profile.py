"""Times are measured by node, and nothing is changed by it."""

from graphrnn.errors import UserError
from graphrnn.inspection.costs.costs import count_costs
from graphrnn.inspection.costs.profile import measure
from graphrnn.inspection.inspector import Inspection, inspect
from graphrnn.native.linker import native_mode
from tests.inspected import every_node, lesson_source

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_times_are_measured_and_weights_stay_as_they_were():
    source = lesson_source(time=3, backend="python")
    before = [old.get_value() for old, _ in source.updates]
    measured = measure(source, calls=2)
    for (old, _), value in zip(source.updates, before, strict=True):
        np.testing.assert_array_equal(old.get_value(), value)
    costs = count_costs(measured.graph, measured=measured.seconds)
    inner = [c for n, c in costs.rows.items() if n.body is None and c.measured]
    assert len(inner) > 0.8 * sum(node.body is None for node in every_node(measured.graph))
    assert all(cost.seconds >= 0 for cost in inner)
    assert 0 < costs.seconds <= 2 * measured.total


@pytest.mark.parametrize("loop", ["scan", "unrolled"])
def test_the_one_c_function_is_timed_by_node(loop):
    source = lesson_source(time=3, loop=loop, hidden=64)
    before = [old.get_value() for old, _ in source.updates]
    inspection = Inspection(source)
    measured = inspection.measured()
    for (old, _), value in zip(source.updates, before, strict=True):
        np.testing.assert_array_equal(old.get_value(), value)
    costs = count_costs(measured.graph, measured=measured.seconds)
    assert all(cost.measured and cost.seconds >= 0 for cost in costs.rows.values())
    assert 0 < costs.seconds <= measured.total
    spent = {node.kind: 0.0 for node in every_node(measured.graph)}
    for node, cost in costs.rows.items():
        spent[node.kind] += cost.seconds
    assert spent["product"] > 0
    assert spent["elementwise"] > 0


def test_a_graph_that_native_does_not_cover_is_not_timed_there():
    x = at.TensorType("float64", (3, 3))("x")
    inspection = inspect(aesara.function([x], at.nlinalg.matrix_inverse(x), mode=native_mode()))
    with pytest.raises(UserError, match="does not cover this graph .*--backend aesara"):
        inspection.measured()


def test_an_input_without_lengths_cannot_be_measured():
    x = at.dmatrix("x")
    with pytest.raises(UserError, match="x: got type .*, needed an array whose lengths"):
        measure(inspect([at.exp(x)]).source)
