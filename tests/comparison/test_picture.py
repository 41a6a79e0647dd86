import io

from graphrnn.comparison.forms import Cell
from graphrnn.comparison.picture import draw, plain_ticks
from tests.comparison.measured import SCAN, UNROLLED, cell, comparison

import numpy as np
from matplotlib.figure import Figure
from PIL import Image


def test_it_is_wider_than_high_and_not_empty():
    cells = [cell(form, t, 2.0, 0.1) for form in (SCAN, UNROLLED) for t in (4, 8)]
    for result in (comparison(*cells), comparison(Cell(SCAN, 4, problem="stopped"))):
        with Image.open(io.BytesIO(draw(result))) as picture:
            assert picture.width > picture.height
            assert len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_a_short_range_has_ticks():
    axes = Figure().subplots()
    axes.plot([1, 2], [3.0, 8.0])
    axes.set_yscale("log")
    plain_ticks(axes.yaxis)
    assert {label.get_text() for label in axes.get_yticklabels()} >= {"5"}
