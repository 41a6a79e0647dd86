"""Every variable of a graph has one readable name, the user's own first."""

from graphrnn.inspection.record.graph import snapshot
from graphrnn.inspection.record.names import Names, literal, number
from tests.inspected import every_node, lesson

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph


def named(inputs, outputs):
    graph = snapshot(FunctionGraph(inputs, outputs, clone=False))
    return graph, Names(graph)


def test_users_names_come_first_and_all_are_different():
    x, other = at.dvector("tanh"), at.dvector()
    h = at.tanh(x)
    h.name = "h"
    graph, names = named([x, other], [h, at.tanh(other), at.tanh(x + other)])
    every = [names.of(v) for v in (*graph.inputs, *(v for n in graph.nodes for v in n.outputs))]
    assert names.of(h) == "h"
    assert names.of(x) == "tanh"
    assert names.of(other) == "input"
    assert len(set(every)) == len(every)
    assert {"tanh_2", "tanh_3"} <= set(every)


def test_a_small_constant_is_written_out_and_a_large_one_is_named():
    x, table = at.dvector("x"), at.constant(np.arange(20.0))
    graph, names = named([x], [x * 0.5 + table])
    read = [v for node in graph.nodes for v in node.inputs if v.owner is None]
    (small,) = (v for v in read if v not in (x, table))
    assert names.of(small) in ("0.5", "[0.5]")
    assert names.written(small) is None
    assert names.of(table) == names.written(table) == "const"


def test_a_variable_of_another_graph_has_no_name():
    _, names = named([x := at.dvector("x")], [x + 1])
    assert names.of(at.dvector("y")) == "?"


def test_inside_a_loop_names_say_the_time_step():
    scans = [n for n in every_node(lesson().graph("written")) if n.op_name == "scan"]
    names = Names(lesson().graph("written")).bodies[scans[0]]
    inputs = [names.of(v) for v in scans[0].body.inputs]
    assert "h_tm1" in inputs
    assert "W_hh" in inputs
    assert len(set(inputs)) == len(inputs)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (0.1, "0.1"),
        (1e-20, "1e-20"),
        (np.float32(1 / 3), "0.333333"),
        (3.0, "3.0"),
        (True, "True"),
    ],
)
def test_numbers_have_six_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 4)), "all 0.0"),
        (np.array([[5]]), "[[5]]"),
        (np.arange(6), "[0, 1, 2, 3, 4, 5]"),
        (np.arange(7), None),
        (np.array([[1, 2], [3, 4]]), None),
    ],
)
def test_constants_that_fit_are_written(value, text):
    assert literal(at.constant(value)) == text
