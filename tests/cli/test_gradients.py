from graphrnn.analysis.gradient_flow import Finding, Measured, Trained
from graphrnn.analysis.settings import GradientSettings
from graphrnn.cli import gradients
from graphrnn.errors import UserError

import pytest

START = Measured(loss=3.0, norms=(1.0, 0.5, 0.25, 0.125), gradient=2.0)
AFTER = Measured(loss=1.0, norms=(2.0, 2.0, 2.0, 2.0), gradient=1.0)
FINDING = Finding("gru", START, Trained(AFTER, 4.0), Trained(AFTER, 0.5))


def cells(table):
    return [list(column.cells) for column in table.columns]


def test_norms_are_shown_at_four_distances():
    table = cells(gradients._norms_table([FINDING], GradientSettings(time=4)))
    assert table[0][0] == "gru"
    assert table[1:7] == [
        ["start", "after"],
        ["1.0e+00", "2.0e+00"],
        ["5.0e-01", "2.0e+00"],
        ["2.5e-01", "2.0e+00"],
        ["1.2e-01", "2.0e+00"],
        ["0.50", "1.00"],
    ]


def test_clipping_is_shown_where_there_were_steps():
    table = cells(gradients._clipping_table([FINDING, Finding("lstm", START)]))
    assert [column[0] for column in table] == ["gru", "2", "4", "0.5", "3.00", "1.00", "1.00"]
    assert {len(column) for column in table} == {1}


def test_a_panel_for_each_moment():
    assert list(gradients._panels([FINDING], GradientSettings(steps=7))) == [
        "at the start",
        "after 7 clipped steps",
    ]
    assert list(gradients._panels([FINDING], GradientSettings(steps=0))) == ["at the start"]


def test_a_folder_is_no_picture(in_tmp):
    (in_tmp / "g.png").mkdir()
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        gradients._require_picture(in_tmp / "g.png")
    gradients._require_picture(in_tmp / "new" / "g.png")
    assert list((in_tmp / "new").iterdir()) == []
