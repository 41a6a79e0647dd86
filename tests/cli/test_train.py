from pathlib import Path

from graphrnn.analysis import divergence
from graphrnn.cli import train
from graphrnn.errors import DivergedError
from graphrnn.training.divergence_check import Evidence

import pytest


class Display:
    def __init__(self):
        self.lines = []

    def line(self, text):
        self.lines.append(text)

    def built(self, event):
        raise AssertionError(event)


@pytest.mark.parametrize("batch", [None, ("x", "y")])
def test_a_divergence_is_shown_where_a_batch_was_read(monkeypatch, batch):
    asked, display = [], Display()
    monkeypatch.setattr(
        divergence, "norms_at_divergence", lambda *a: asked.append(a[:3]) or ["one", "two"]
    )
    error = DivergedError("the loss became nan")
    train._show_norms(display, error)
    error.evidence = Evidence("network", batch, Path("last"))
    train._show_norms(display, error)
    assert asked == ([("network", batch, Path("last"))] if batch else [])
    assert display.lines == (["one", "two"] if batch else [])
