"""Small graphs for the tests of inspection."""

from functools import cache

from graphrnn import models
from graphrnn.backends.compile import compile_graph
from graphrnn.graph import cells, loops, updates
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor
from graphrnn.inspection.inspector import Inspection
from graphrnn.inspection.record.sources import captured
from graphrnn.models import network as networks

import aesara.tensor as at
import numpy as np

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def lesson_source(*, time=8, loop="scan", backend="native", hidden=5, vocabulary=7):
    """Give the training graph of the lesson's network, small."""
    rng = np.random.default_rng(0)
    model = models.model_named("theano_rnn")
    sizes = models.Sizes(vocabulary, hidden)
    weights = networks.share(model.initial_weights(rng, sizes, "float32"))
    network = networks.Network(model, sizes, weights, LOOPS[loop], backend)
    return captured(lambda: network.compile_train(time=time, batch=1), f"theano_rnn, {loop}")


@cache
def lesson():
    """Inspect the lesson's network, once for all tests: rewriting takes a while."""
    return Inspection(lesson_source())


def cell_inspection(cell, *, backward, time, batch, n_in, hidden):
    """Inspect one layer of a cell; the loss is the sum of its squares."""
    rng = np.random.default_rng(0)
    k = GATES[cell]
    shapes = {"W_x": (n_in, k * hidden), "W_h": (hidden, k * hidden), "b": (hidden,)}
    shared = networks.share({n: rng.standard_normal(s, "float32") for n, s in shapes.items()})
    W_x, W_h, b = shared.values()

    def graph():
        x = tensor("x", "float32", (time, batch, n_in))
        h_0, c_0 = (at.zeros((batch, hidden), dtype="float32") for _ in "hc")
        z = at.dot(x.reshape((time * batch, n_in)), W_x).reshape((time, batch, k * hidden))
        if cell == "rnn":
            h = loops.scanned(cells.rnn, [x], [h_0], [W_x, W_h, b])[0]
        elif cell == "gru":
            h = loops.scanned(cells.gru, [z], [h_0], [W_h, b])[0]
        else:
            h = loops.scanned(cells.lstm, [z], [h_0, c_0], [W_h])[0]
        loss = at.sum(h**2, acc_dtype="float32")
        params = [W_x, W_h] if cell == "lstm" else [W_x, W_h, b]
        grads = updates.gradients(loss, params) if backward else []
        return [x], [loss], [(p, p - g) for p, g in zip(params, grads, strict=False)]

    return Inspection(captured(lambda: compile_graph(graph, name=cell, backend="native"), cell))


def four_lines():
    """The network of the README: four lines."""
    x = tensor("x", "float32", (2, 3))
    W, b = tensor("W", "float32", (3, 4)), tensor("b", "float32", (4,))
    h = at.tanh(at.dot(x, W) + b)
    h.name = "h"
    return [at.sum(h**2)]


def every_node(graph):
    """Give all nodes, those inside of loops too."""
    for node in graph.nodes:
        yield node
        if node.body is not None:
            yield from every_node(node.body)
