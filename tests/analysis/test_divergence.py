"""Norms through time against differences: a nudge of h_t, entry by entry."""

from graphrnn.analysis.divergence import norms_at_divergence, through_time
from graphrnn.analysis.gradient_flow import nudged
from graphrnn.backends.compile import compile_graph
from graphrnn.graph import losses
from graphrnn.graph.shapes import tensor
from tests.helpers import finite_differences, make_batch, make_network

import numpy as np


def test_norms_are_those_of_finite_differences(rng):
    network, _ = make_network(rng)
    x, y = make_batch(rng)
    (norms,) = through_time(network, x, y)

    def graph():
        e = tensor("e", "float64", (4, 3, 5))
        inputs = [tensor("x", "int32", x.shape), tensor("y", "int32", y.shape)]
        states = network.zero_states(3)
        logits, _ = network.model.forward(
            inputs[0], states, network.weights, nudged(network.loop, e)
        )
        return [*inputs, e], [losses.summed(losses.cross_entropy(logits, inputs[1]))], []

    loss = compile_graph(graph, name="nudged", backend="python")
    nudge = np.zeros((4, 3, 5))
    d_h = finite_differences(lambda: float(loss(x, y, nudge)[0]), nudge)
    expected = np.sqrt((d_h**2).sum(axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(norms, expected, rtol=1e-5)


def test_broken_weights_without_a_checkpoint_give_no_lines(rng, in_tmp):
    network, _ = make_network(rng)
    batch = make_batch(rng)
    lines = norms_at_divergence(network, batch, in_tmp / "last.safetensors")
    assert "with the weights of that moment" in lines[0]
    assert lines[-1].startswith("  layer 1  ")
    broken = next(iter(network.weights.values()))
    broken.set_value(np.full_like(broken.get_value(), np.nan))
    assert norms_at_divergence(network, batch, in_tmp / "last.safetensors") == []
