from graphrnn import models
from tests.ladder import B, check_loops, draw, make_network

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["theano_rnn", "theano_gru", "theano_gru_fused"])
def test_a_step_is_the_equations_and_loops_agree(name):
    check_loops(name)


def test_theano_rnn_starts_as_the_lesson_does(rng):
    weights = models.MODELS["theano_rnn"].initial_weights(rng, models.Sizes(9, 4), "float32")
    np.testing.assert_array_equal(weights["W_hh"], np.eye(4))
    assert not weights["b_h"].any()
    assert not weights["b_y"].any()


def test_both_forms_of_the_theano_gru_are_one_network():
    """Separate weights, joined, give the fused form's loss."""
    weights, _, x, y = draw("theano_gru")
    joined = {
        "W_x": np.concatenate([weights[f"W_x{gate}"] for gate in "run"], axis=1),
        "W_h": np.concatenate([weights[f"W_h{gate}"] for gate in "run"], axis=1),
        "b": np.concatenate([weights[f"b_{gate}"] for gate in "run"]),
        **{key: weights[key] for key in ("W_hy", "b_y")},
    }
    losses = [
        make_network(name, given, "unrolled", "float64", "native").compile_evaluate(
            time=4, batch=B
        )(x, y)
        for name, given in (("theano_gru", weights), ("theano_gru_fused", joined))
    ]
    np.testing.assert_allclose(*losses, rtol=1e-12)
