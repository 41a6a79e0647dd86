"""Shared variables come back as they were, or nothing is set."""

from graphrnn.errors import UserError
from graphrnn.runs.parameters import load, named, save

import aesara
import numpy as np
import pytest
from safetensors.numpy import save_file


def variables():
    return [
        aesara.shared(np.arange(6, dtype="float32").reshape(2, 3), name="W", shape=(2, 3)),
        aesara.shared(np.array(7), name="count", shape=()),
        aesara.shared(np.random.default_rng(3), name="rng"),
    ]


def test_values_and_generators_come_back(tmp_path):
    before = variables()
    save(tmp_path / "p", before, notes={"epoch": 2})
    after = variables()
    after[0].set_value(np.zeros((2, 3), "float32"))
    after[2].set_value(np.random.default_rng(99))
    assert load(tmp_path / "p", after) == {"epoch": 2}
    for a, b in zip(before[:2], after[:2], strict=True):
        np.testing.assert_array_equal(a.get_value(), b.get_value())
        assert a.get_value().dtype == b.get_value().dtype
    assert after[2].get_value().random() == np.random.default_rng(3).random()


def test_names_of_ones_own(tmp_path):
    W = variables()[0]
    save(tmp_path / "p", {"weight": W})
    with pytest.raises(UserError, match="has no W and has weight too"):
        load(tmp_path / "p", [W])
    load(tmp_path / "p", {"weight": W})


def test_variables_without_a_name_of_their_own():
    with pytest.raises(UserError, match="parameter 1: has no name"):
        named([aesara.shared(np.zeros(1))])
    W = variables()[0]
    with pytest.raises(UserError, match="parameter 'W': two have this name"):
        named([W, W])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (np.zeros((3, 2), "float32"), r"W: got float32 \(2, 3\), needed float32 \(3, 2\)"),
        (np.zeros((2, 3)), r"needed float64 \(2, 3\)"),
        (np.random.default_rng(0), "W: one of a generator and an array"),
    ],
)
def test_what_does_not_fit_changes_nothing(tmp_path, other, words):
    saved = variables()
    save(tmp_path / "p", saved)
    saved[1].set_value(np.array(-1))
    changed = [aesara.shared(other, name="W"), *saved[1:]]
    with pytest.raises(UserError, match=words):
        load(tmp_path / "p", changed)
    assert changed[1].get_value() == -1


def test_other_files_are_one_line(tmp_path):
    W = variables()[:1]
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none", W)
    with pytest.raises(UserError, match="is a folder"):
        load(tmp_path, W)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UserError, match="is no such file, or is cut short"):
        load(tmp_path / "text", W)
    save_file({"W": np.zeros((2, 3), "float32")}, tmp_path / "foreign")
    with pytest.raises(UserError, match=r"was not written by graphrnn\.save"):
        load(tmp_path / "foreign", W)


def test_those_of_a_function_by_name_and_number():
    function = aesara.function([], [sum(aesara.shared(float(k)) for k in range(2))])
    assert list(named(function)) == ["unnamed", "unnamed#2"]
