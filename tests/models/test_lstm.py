from tests.ladder import B, check, check_loops, draw, make_network, step

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["stateful_lstm", "stacked_lstm"])
def test_a_step_is_the_equations_and_loops_agree(name):
    check_loops(name)


def test_a_step_in_python():
    check("stateful_lstm", "scan", "float64", "python")


def test_a_carried_state_goes_on_where_it_was():
    """Two calls in a row are one call of twice the length."""
    weights, _, x, y = draw("stateful_lstm")
    network = make_network("stateful_lstm", weights, "scan", "float64", "python")
    carried = network.carried_states(B)
    evaluate = network.compile_evaluate(time=2, batch=B, carried=carried)
    halves = [evaluate(x[k : k + 2], y[k : k + 2])[0] for k in (0, 2)]
    whole = network.compile_evaluate(time=4, batch=B)(x, y)[0]
    np.testing.assert_allclose(np.mean(halves), whole, rtol=1e-12)
    assert all(state.get_value().any() for state in carried.values())


def test_running_statistics_follow_the_batch():
    weights, _, x, _ = draw("stateful_lstm")
    after = step("stateful_lstm", "unrolled", "float64", "python")[2]
    e = weights["E"][x]
    np.testing.assert_allclose(after["mean"], 0.01 * e.mean(axis=(0, 1)))
    np.testing.assert_allclose(after["variance"], 0.99 + 0.01 * e.var(axis=(0, 1)))
