from graphrnn.cli import app
from graphrnn.cli.evaluate import confusion_table
from graphrnn.sampling import evaluation

import numpy as np
import pytest


@pytest.fixture
def found():
    return evaluation.Evaluation(
        characters=10,
        loss=np.log(2),
        accuracy=0.75,
        among_best=1.0,
        commonest=(" ", "a"),
        confusion=np.array([[3, 1, 0], [0, 0, 0]]),
        unknown=2,
        strangers=("€",),
    )


def test_the_confusion_is_in_per_cent_of_each_row(found):
    columns = [list(column.cells) for column in confusion_table(found).columns]
    assert columns == [["' '", "a"], ["75", ""], ["25", ""], ["0", ""], ["4", "0"]]


def test_what_was_read_and_left_out_is_shown(capsys, drawn, in_tmp, monkeypatch, found):
    (in_tmp / "text.txt").write_text("a € a €")
    monkeypatch.setattr(evaluation, "evaluate_text", lambda *a, **k: found)
    app.main(["evaluate", "drawn", "--corpus", "text.txt"])
    out = " ".join(capsys.readouterr().out.split())
    assert "2 of some 12 characters were left out: the network has never seen '\\u20ac'" in out
    assert "text: 10 characters predicted" in out
    assert "loss 0.6931 nats, 1.0000 bits a character accuracy 75.00%" in out
