from graphrnn.comparison.subjects import BuilderSubject, ModelSubject
from graphrnn.errors import UserError
from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest


def test_a_network_is_fed_windows_of_its_text(small_text):
    settings = TrainSettings(
        model="stacked_lstm", corpus=str(small_text), hidden=3, layers=1, time=5, batch=2
    )
    subject = ModelSubject.of(settings)
    inputs, outputs, _ = subject.graph(loops.LOOPS["scan"], 5)
    values, again = subject.values(inputs), subject.values(inputs)
    assert [v.shape for v in values] == [i.type.shape for i in inputs]
    assert [v.dtype for v in values] == [i.dtype for i in inputs]
    for left, right in zip(values, again, strict=True):
        np.testing.assert_array_equal(left, right)
    x, y, learning_rate, *masks = values
    np.testing.assert_array_equal(x[1:], y[:-1])
    assert learning_rate < 1e-5
    assert all(set(np.unique(mask)) <= {0, np.float32(1 / 0.8)} for mask in masks)
    assert [v.name for v in (inputs[2], *outputs)] == ["learning_rate", "loss", "accuracy"]
    assert subject.title == "stacked_lstm, B=2, H=3, float32"


def test_a_network_by_hand_has_no_loop(small_text):
    subject = ModelSubject.of(TrainSettings(model="reference", corpus=str(small_text)))
    with pytest.raises(UserError, match="has no graph to loop"):
        subject.graph(loops.LOOPS["scan"], 4)


def test_a_users_inputs_are_small_numbers():
    inputs = [tensor("a", "float32", (200,)), tensor("k", "int32", (200,))]
    a, k = BuilderSubject(lambda loop, time: None).values(inputs)
    assert (a.dtype, k.dtype) == ("float32", "int32")
    assert 0.05 < a.std() < 0.2
    assert set(k) == {0, 1}


def test_a_function_is_called_what_it_is_called():
    def mine(loop, time):
        return loop, time

    assert BuilderSubject(mine).title == "mine"
    assert BuilderSubject(mine, "ours").title == "ours"
    assert BuilderSubject(mine).graph("a loop", 3) == ("a loop", 3)
