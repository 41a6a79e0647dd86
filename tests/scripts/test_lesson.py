"""The script that sets the lesson's figures beside ours: its arithmetic, on made-up runs."""

from pathlib import Path

from graphrnn.models import MODELS
from graphrnn.runs.checkpoint import Header, Point
from graphrnn.settings.training import TrainSettings
from scripts import lesson

import pytest

RUNGS = {rung.model: rung for rung in lesson.LADDER}


def test_every_rung_is_a_network():
    assert set(RUNGS) == set(MODELS) - {"reference_gru", "reference_lstm"}


@pytest.mark.parametrize(
    ("model", "sequences"),
    [("three_char", 200_256), ("rnn", 75_072), ("theano_rnn", 75_111), ("stacked_lstm", 600_832)],
)
def test_an_epoch_is_as_long_as_the_lessons(model, sequences):
    assert lesson.sequences_of_an_epoch(RUNGS[model], 600_893) == sequences


def test_settings_turn_epochs_into_sequences():
    rung = RUNGS["stateful_lstm"]
    settings = lesson.settings_for(rung, "nietzsche", 600_893, False, Path("out"))
    assert settings.sequences == 12 * 75_072
    assert settings.decay_at == (4 * 75_072,)
    assert settings.held_out == 0
    quick = lesson.settings_for(rung, "nietzsche", 600_893, True, Path("out"))
    assert quick.sequences == 75_072


def test_epoch_means_are_weighted_by_sequences():
    curve = [(1000, 4.0), (1500, 1.0), (2500, 2.0), (3000, 1.0), (3200, 9.0)]
    points = tuple(Point(sequences=n, loss=loss, accuracy=0.0) for n, loss in curve)
    header = Header(
        settings=TrainSettings(),
        corpus="made up",
        vocabulary=("\0", "a"),
        sequences=3200,
        train=points,
        versions={},
    )
    assert lesson.epoch_means(header, 1500) == [3.0, pytest.approx(5 / 3)]


def made_up(**changes):
    result = {
        "sequences": 2000,
        "epoch": 1000,
        "seconds": 1.0,
        "curve": [[1000, 2.5], [2000, 1.5]],
        "epochs": [2.5, 1.5],
        "predictions": {"phi": "l", " th": "e", " an": "y"},
    }
    return result | changes


def test_rows_say_what_is_above():
    assert lesson.compared(RUNGS["rnn"], made_up()) == [
        ("epoch 1", "2.7939", "2.5000", "at or below")
    ]
    assert lesson.compared(RUNGS["eight_char"], made_up(epochs=[2.6]))[0][3] == "above"
    assert [row[3] for row in lesson.compared(RUNGS["three_char"], made_up())] == [
        "same",
        "same",
        "other",
    ]
    theano = lesson.compared(RUNGS["theano_rnn"], made_up())
    assert theano == [("1,000 sequences", "25.196", "2.5000", "at or below")]
    whole = made_up(curve=[[75_000, 15.5], [75_111, 14.0]])
    assert lesson.compared(RUNGS["theano_rnn"], whole) == [
        ("75,000 sequences", "15", "15.5000", "above")
    ]
    stacked = lesson.compared(RUNGS["stacked_lstm"], made_up(epoch=20_000))
    assert stacked[-1][0] == "2,000 windows (10.0% of a pass)"
    assert stacked[-1][3] == "not as long"


def test_table_and_picture(tmp_path):
    results = {"rnn": made_up(), "three_char": made_up()}
    _, markdown = lesson.tables(results)
    assert "| rnn | epoch 1 | 2.7939 | 2.5000 | at or below |" in markdown
    lesson.picture(results, tmp_path / "lesson.png")
    assert (tmp_path / "lesson.png").stat().st_size > 1000
