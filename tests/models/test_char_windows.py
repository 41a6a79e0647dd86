from graphrnn.errors import ShapeError
from tests.ladder import check, check_loops, draw, make_network

import pytest


@pytest.mark.parametrize("name", ["three_char", "eight_char"])
def test_a_step_is_the_equations(name):
    check_loops(name)


def test_a_step_in_python():
    check("three_char", "scan", "float64", "python")


def test_three_char_reads_three():
    network = make_network("three_char", draw("three_char")[0], "scan", "float32", "python")
    with pytest.raises(ShapeError, match="--time: got 4, needed 3"):
        network.compile_evaluate(time=4, batch=2)
