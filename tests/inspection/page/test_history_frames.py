"""Each step of the history is a picture of what it changes."""

from graphrnn.inspection.page import history_frames
from graphrnn.inspection.rewriting.history import steps_of

import pytest


@pytest.fixture(scope="module")
def history():
    from tests import inspected

    return inspected.lesson().rewritten.history


def test_a_frame_shows_what_came_and_what_went(history):
    steps = steps_of(history, folded=True)
    frames = list(history_frames.frames(history, steps))
    assert len(frames) == len(steps)
    for frame in frames:
        marks = set(frame.states.values())
        assert marks <= {"added", "removed", "changed", "context"}
        assert {box.id for box in frame.boxes} == frame.states.keys()
        assert all(a in frame.states and b in frame.states for a, b in frame.arrows)
        signs = [sign for sign, _ in frame.lines]
        changed = list(frame.states.values()).count("changed")
        if len(frame.boxes) < history_frames.MOST:
            assert signs.count("+") == list(frame.states.values()).count("added") + changed


def test_the_steps_play_the_whole_history(history):
    """What the frames add and remove leads from the written graph to the compiled one."""
    steps = steps_of(history, folded=False)
    frames = list(history_frames.frames(history, steps))
    added = sum(sign == "+" for frame in frames for sign, _ in frame.lines)
    removed = sum(sign == "-" for frame in frames for sign, _ in frame.lines)
    assert added > 0
    assert removed > 0
    assert {frame.step.rewrite for frame in frames} == {step.rewrite for step in steps}


def test_a_step_that_touches_much_is_cut_and_says_so(history, monkeypatch):
    monkeypatch.setattr(history_frames, "MOST", 1)
    steps = steps_of(history, folded=True)
    lines = [line for f in history_frames.frames(history, steps) for line in f.lines]
    assert any(text.startswith("the picture shows 1 of ") for _, text in lines)


def test_frames_are_laid_out_as_plain_data(history):
    steps = steps_of(history, folded=True)[:3]
    frames = history_frames.frame_data(history, steps)
    assert [frame["rewrite"] for frame in frames] == [step.rewrite for step in steps]
    for frame in frames:
        ids = {str(box["id"]) for box in frame["boxes"]}
        assert frame["layout"]["boxes"].keys() == ids
        assert all(
            box["state"] in {"added", "removed", "changed", "context"} for box in frame["boxes"]
        )
