import json
from dataclasses import replace

from graphrnn.comparison import picture, reports
from graphrnn.comparison.forms import Cell, comparison_from
from tests.comparison.measured import PLAIN, SCAN, UNROLLED, cell, comparison

import pytest


@pytest.fixture
def found():
    return comparison(
        cell(SCAN, 4, 2.0, 0.5),
        cell(UNROLLED, 4, 5.0, 0.25),
        Cell(PLAIN, 4, problem="stopped: its build took more than 1 s"),
    )


def test_tables_have_a_row_a_form_and_say_why_one_was_not_measured(found):
    made, run = reports.tables(found)
    columns = [list(column.cells) for column in run.columns]
    assert columns[1] == ["native, scan", "native, unrolled", str(PLAIN)]
    assert columns[3] == ["500.000", "250.000", ""]
    assert columns[-1] == ["", "12 steps", "stopped: its build took more than 1 s"]
    assert next(iter(made.columns[2].cells)) == "10 → 5"


def test_the_files_are_written(found, in_tmp, monkeypatch):
    monkeypatch.setattr(picture, "draw", lambda found: b"a picture")
    data, text, drawn = reports.save(found, in_tmp / "new")
    assert comparison_from(json.loads(data.read_text())) == found
    assert "| 4 | native, unrolled |" in text.read_text()
    assert drawn.read_bytes() == b"a picture"


def test_the_proof_says_what_was_not_compared(found):
    assert reports.proof_line(found).startswith("outputs, 3 gradients and updated weights of all")
    without = reports.proof_line(replace(found, gradients=0))
    assert "name a scalar input `learning_rate`" in without
    assert "held against no other's" in reports.proof_line(replace(found, held=0))
