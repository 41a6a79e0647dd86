from tests.ladder import check, check_loops

import pytest


@pytest.mark.parametrize("name", ["rnn", "rnn_zeros", "rnn_sequences", "rnn_onehot", "gru"])
def test_a_step_is_the_equations_and_loops_agree(name):
    check_loops(name)


def test_a_step_in_python():
    check("gru", "scan", "float64", "python")
