import json

from graphrnn.comparison.forms import Cell, comparison_from, forms_of
from graphrnn.errors import UserError
from tests.comparison.measured import PLAIN, SCAN, UNROLLED, cell, comparison

import pytest


def test_what_is_written_is_read_back():
    result = comparison(cell(SCAN, 4, 2.0, 0.5), Cell(PLAIN, 4, problem="does not run"))
    assert comparison_from(json.loads(json.dumps(result.as_dict()))) == result


def test_cells_are_found_by_form_and_length():
    cells = [cell(UNROLLED, 8, 2.0, 0.5), cell(SCAN, 4, 1.0, 0.5), cell(SCAN, 8, 1.0, 0.25)]
    result = comparison(*cells)
    assert result.times() == [4, 8]
    assert result.forms() == [UNROLLED, SCAN]
    assert result.cell(SCAN, 8) is cells[2]
    assert result.cell(UNROLLED, 4) is None


def test_a_total_is_the_build_and_the_steps():
    assert cell(SCAN, 4, 2.0, 0.5).total(10) == 7.0
    assert Cell(SCAN, 4, problem="stopped").total(10) is None


@pytest.mark.parametrize(
    ("loops", "backends", "message"),
    [
        (["skan"], ["native"], "unknown loop 'skan'"),
        (["scan"], ["auto"], "unknown backend 'auto'"),
        ([], ["native"], "got nothing to compare"),
    ],
)
def test_names_are_checked(loops, backends, message):
    with pytest.raises(UserError, match=message):
        forms_of(loops, backends)
