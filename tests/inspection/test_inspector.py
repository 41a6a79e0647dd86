"""Anything with a graph can be inspected; what has none is refused in one line."""

import graphrnn
from graphrnn.errors import UserError
from graphrnn.inspection.inspector import inspect
from tests.inspected import four_lines

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_inspection_changes_nothing():
    outputs = four_lines()
    before = aesara.printing.debugprint(outputs, file="str")
    inspect(outputs).text("rewritten")
    assert aesara.printing.debugprint(outputs, file="str") == before


def test_stages_that_do_not_exist_are_refused():
    inspection = graphrnn.inspect(four_lines())
    with pytest.raises(UserError, match=r"stage 'gradient' does not exist .*there are: written"):
        inspection.text("gradient")
    with pytest.raises(UserError, match=r"stage 'native' does not exist"):
        inspection.text("native")
    with pytest.raises(UserError, match=r"unknown stage 'writen'; did you mean 'written'"):
        inspection.text("writen")


@pytest.mark.parametrize("thing", [3, None, [], [1, 2], object(), np.zeros(3)])
def test_a_thing_without_a_graph_is_refused(thing):
    with pytest.raises(UserError, match="nothing to inspect: got"):
        graphrnn.inspect(thing)


def test_an_unknown_model_is_refused(in_tmp):
    with pytest.raises(UserError, match=r"unknown model 'theano_rn'; did you mean 'theano_rnn'"):
        graphrnn.inspect("theano_rn")


def test_a_shared_variable_is_no_input_of_an_inspected_graph(tmp_path):
    x, w = at.TensorType("float32", (2,))("x"), aesara.shared(np.ones(2, "float32"), name="w")
    inspection = inspect((w * x).sum())
    assert [v.name for v in inspection.source.inputs] == ["x"]
    assert "  w " in inspection.text("written")
    assert inspection.save(tmp_path / "graph.html").exists()


def test_a_notebook_shows_the_page():
    html = inspect(four_lines())._repr_html_()
    assert html.startswith("<iframe")
    assert "<script" not in html
