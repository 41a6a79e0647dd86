from tests import oracles
from tests.ladder import SIZES, B, check_loops, draw, make_network

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["reference", "reference_gru", "reference_lstm"])
def test_a_step_by_hand_is_the_equations(name):
    check_loops(name)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_what_is_trained_by_hand_is_its_graph(kind):
    """The same weights give the same loss by NumPy and by the compiled graph."""
    name = "reference" if kind == "rnn" else f"reference_{kind}"
    weights, _, x, y = draw(name)
    network = make_network(name, weights, "scan", "float64", "native")
    loss, accuracy = network.compile_evaluate(time=len(x), batch=B)(x, y)
    step = network.compile_step()
    states = [np.zeros((1, 5)) for _ in network.model.state_widths(SIZES)]
    logits = []
    for t in range(len(x)):
        z, *states = step(x[t : t + 1, :1], *states)
        logits.append(z[0])
    np.testing.assert_allclose(logits, oracles.LOGITS[name](weights, x[:, :1]), rtol=1e-10)
    wanted = oracles.loss(name, weights, x, y)
    np.testing.assert_allclose((loss, accuracy), (wanted[0] / len(x), wanted[1]), rtol=1e-10)
