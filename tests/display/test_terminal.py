import io
from dataclasses import replace

from graphrnn.backends.compile import BuildEvent
from graphrnn.display import terminal as display
from graphrnn.runs.checkpoint import Header, Point
from graphrnn.settings.training import TrainSettings
from graphrnn.training.progress import Progress

import pytest
from rich.console import Console


def shown(terminal, tell):
    """Give what a display prints."""
    out = io.StringIO()
    environ = {"TERM": "xterm"}  # a dumb one gets no bars
    console = Console(file=out, force_terminal=terminal, width=100, _environ=environ)
    with display.Display(console) as screen:
        tell(screen)
    return out.getvalue()


def a_build(screen):
    screen.built(BuildEvent("train", "building the graph and its gradients"))
    screen.built(BuildEvent("train", "rewriting"))
    for done in range(1, 4):
        screen.built(BuildEvent("train", "compiling C", done, 3, modules=done // 2))
    screen.built(BuildEvent("train", "ready", 3, 3, modules=1, detail="3 nodes in C"))


def test_a_pipe_gets_plain_lines():
    lines = shown(False, a_build).splitlines()
    assert lines[:2] == [
        "  train: building the graph and its gradients ...",
        "  train: rewriting ...",
    ]
    assert lines[-1] == "  train: ready in 0.0 s; 3 nodes in C"


def test_a_terminal_gets_a_bar_that_goes_away():
    text = shown(True, a_build)
    assert "\x1b[" in text
    assert "train: ready in 0.0 s; 3 nodes in C" in text
    # Behind the line that stays: the bar is wiped (erase line) and the cursor is shown again.
    assert text.rstrip().endswith("\x1b[2K\x1b[?25h")


def progress(sequences):
    return Progress(
        sequences=sequences,
        total=2000,
        loss=2.34567,
        accuracy=0.321,
        characters_per_second=23456.7,
        seconds_left=75,
    )


def test_a_pipe_gets_a_line_every_few_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(display.clock, "perf_counter", lambda: now[0])

    def tell(screen):
        for sequences in range(100):
            now[0] += 0.1
            screen.progressed(progress(sequences))

    lines = shown(False, tell).splitlines()
    assert len(lines) == 2
    assert lines[0] == (
        "          0 of 2,000 sequences  loss 2.346  accuracy 32.1%  23,457 characters/s  "
        "1 min 15 s left"
    )


def test_evaluations_are_lines_in_bits_too():
    point = Point(sequences=6000, loss=1.0, accuracy=0.5)
    line = shown(False, lambda screen: screen.evaluated(point))
    assert "held-out loss 1.000 nats, 1.443 bits a character, accuracy 50.0%" in line


def test_results_fit_a_narrow_pipe():
    out = io.StringIO()
    points = tuple(Point(sequences=n, loss=1.0, accuracy=0.5) for n in (1000, 1200))
    header = Header(
        settings=TrainSettings(),
        corpus="",
        vocabulary=("\0",),
        sequences=1200,
        train=points,
        held_out=points,
        versions={},
    )
    Console(file=out, width=80).print(display.results_table(header))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("1.000              1.443      50.0%")
    assert lines[1].startswith("training, last 200 sequences ")
    short = replace(header, train=(), held_out=())
    message = display.results_table(short)
    assert message == "no loss yet: one is kept each 1,000 sequences (--log-every)"


@pytest.mark.parametrize("brackets", ["[bold]", "[/]", "a [link] b"])
def test_text_with_brackets_is_text(brackets):
    assert brackets in shown(False, lambda screen: screen.line(brackets))
