from graphrnn.comparison import measure
from graphrnn.comparison.forms import Form
from graphrnn.comparison.workers import TooLongError
from graphrnn.errors import UserError

import numpy as np
import pytest

SCAN, UNROLLED = Form("scan", "native"), Form("unrolled", "native")


class Subject:
    title = "net"


class Process:
    """A worker that answers at once; one form may fail at one request."""

    fails, error = (None, None), UserError("no")

    def __init__(self, task, folder, cache):
        self.form, self.closed = task.form, False

    def ask(self, do, *, within=0.0, path="", name=""):
        if (self.form, do) == self.fails:
            raise self.error
        if do == "build":
            phases = dict.fromkeys(("graph", "gradients", "rewriting", "compiling"), 0.25)
            return {"phases": phases, "nodes": [9, 4], "lines": 7, "binary_bytes": 8}
        if do == "tensors":
            np.savez(path, loss=np.ones(1), **{"gradient of W": np.ones(2)})
            return {"names": ["loss", "gradient of W"]}
        return {"memory": {"bytes": 5}, "turn": {"seconds": [0.5, 0.5]}, "forward": {}}[do]

    def rest(self):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(measure, "Process", Process)
    monkeypatch.setattr(measure, "machine", lambda threads: {})
    monkeypatch.setattr(Process, "fails", (None, None))
    return measure.Plan(Subject(), [SCAN, UNROLLED], (4, 8), 10, rounds=2)


def test_every_form_is_measured_at_every_length(plan):
    kept = []
    result = measure.compare(plan, keep=kept.append)
    assert [(c.form, c.time) for c in result.cells] == [
        (SCAN, 4), (UNROLLED, 4), (SCAN, 8), (UNROLLED, 8),
    ]  # fmt: skip
    assert {c.training.median for c in result.cells} == {0.5}
    assert {c.training.count for c in result.cells} == {4}
    assert (result.held, result.gradients, result.tolerance) == (2, 1, 1e-8)
    assert [len(one.cells) for one in kept] == [2, 4]


@pytest.mark.parametrize(
    ("do", "error", "problem"),
    [
        ("build", UserError("no compiler"), "no compiler"),
        ("build", TooLongError("late"), "stopped: its build took more than 60 s"),
        ("tensors", UserError("nan"), "does not run: nan"),
        ("turn", UserError("it fell"), "does not run: it fell"),
    ],
)
def test_a_form_that_fails_is_left_out_and_says_why(plan, monkeypatch, do, error, problem):
    monkeypatch.setattr(Process, "fails", (UNROLLED, do))
    monkeypatch.setattr(Process, "error", error)
    cells = {c.form: c for c in measure.compare(plan).cells if c.time == 8}
    assert cells[SCAN].problem == ""
    assert cells[SCAN].training.count == 4
    assert cells[UNROLLED].problem == problem
    assert cells[UNROLLED].training is None


def test_memory_of_a_form_without_its_gradients_is_no_condition(plan, monkeypatch):
    monkeypatch.setattr(Process, "fails", (UNROLLED, "forward"))
    cells = {c.form: c for c in measure.compare(plan).cells if c.time == 8}
    assert cells[UNROLLED].training.count == 4
    assert cells[UNROLLED].forward is None
