from graphrnn.display import plots
from graphrnn.errors import UserError
from graphrnn.runs.checkpoint import Header, Point
from graphrnn.settings.training import TrainSettings

import pytest
from PIL import Image


@pytest.fixture
def header():
    points = tuple(Point(sequences=1000 * i, loss=3 / i, accuracy=0.1) for i in (1, 2, 3))
    return Header(
        settings=TrainSettings(),
        corpus="a $corpus_ $ with ^marks and 文",
        vocabulary=("\0", "a"),
        sequences=3000,
        train=points,
        held_out=points[1:],
        versions={},
    )


def test_a_curve_is_drawn(in_tmp, header):
    plots.curves({"run": header}, in_tmp / "curves.png")
    with Image.open(in_tmp / "curves.png") as picture:
        colours = picture.convert("RGB").getcolors(10**6)
    assert colours is not None
    assert len(colours) > 20


def test_a_picture_that_cannot_be_written(in_tmp, header):
    (in_tmp / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        plots.curves({"run": header}, in_tmp / "file" / "curves.png")


def test_norms_are_drawn_whatever_their_size(in_tmp):
    norms = {
        f"cell {k}": [1.0, 10.0**-k, 0.0, float("inf"), 1e305, float("nan")] for k in range(11)
    }
    plots.gradient_norms({"start": norms, "after": norms}, in_tmp / "g.png", "a $title")
    with Image.open(in_tmp / "g.png") as picture:
        assert picture.width > 1.5 * picture.height
