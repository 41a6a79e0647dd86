"""graphrnn itself: any backend, any loop; and matrix products, our own and NumPy's."""

import time as clock
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from graphrnn.backends.compile import compile_graph
from graphrnn.graph import cells, layers, losses, updates
from graphrnn.graph.loops import loop_named
from graphrnn.graph.shapes import Tensor, tensor
from graphrnn.models import network as networks
from scripts.peers.trained import Trained, Writer
from scripts.peers.work import SYMBOLS, Array, Product, Weights, Work

import aesara.tensor as at
import numpy as np

CHARACTERS = ("\0", *(chr(0x4E00 + k) for k in range(SYMBOLS - 1)))
"""The symbols of the network that writes: padding, then signs that have no lower case."""


def versions() -> str:
    """Describe which graphrnn, on which Aesara and compiler."""
    from importlib.metadata import version

    from graphrnn.native.runtime.library import Target

    command = " ".join(Target().command()[1:])
    return f"graphrnn {version('graphrnn')}, aesara {version('aesara')}, C flags {command}"


def start(threads: int) -> None:
    """Nothing: threads are handed to each function, and set by the environment."""


def step_of(work: Work) -> Callable[..., Any]:
    """Find the cell's step."""
    relu_or_tanh = cells.relu if work.one_hot else at.tanh
    named: dict[str, Callable[..., Any]] = {
        "rnn": partial(cells.simple, activation=relu_or_tanh),
        "gru": cells.gru,
        "lstm": cells.lstm,
    }
    return named[work.cell]


def logits_of(work: Work, W: dict[str, Tensor], x: Tensor, keep: list[Tensor], loop: str) -> Tensor:
    """Build the logits `(T, B, V)`."""
    driver = loop_named(loop, work.time)
    h, B = x, work.batch
    for k in range(work.layers):
        if k:
            zx = layers.dense(h, W[f"W_x{k}"], W[f"b{k}"])
        elif work.one_hot:
            zx = layers.dense(layers.one_hot(x, work.n_in), W["W_x0"], W["b0"])
        else:
            zx = layers.projected(x, W["E"], W["W_x0"], W["b0"])
        zero = at.zeros((B, work.hidden), dtype="float32")
        constants = [W[f"W_h{k}"], *([W[f"b_n{k}"]] if work.cell == "gru" else [])]
        states = [zero, zero] if work.cell == "lstm" else [zero]
        h = driver(step_of(work), [zx], states, constants)[0]
        if keep:
            h = h * keep[k]
    return layers.dense(h, W["W_y"], W["b_y"])


def build(work: Work, weights: Weights, masks: list[Array], variant: str) -> Trained:
    """Compile the training step; the variant is backend:loop."""
    backend, loop = variant.split(":")
    W = networks.share({name: value.copy() for name, value in weights.items()})
    T, B = work.time, work.batch

    def inputs() -> tuple[Tensor, Tensor]:
        return tensor("x", "int32", (T, B)), tensor("y", "int32", (T, B))

    def graph() -> networks.GraphSpec:
        x, y = inputs()
        keep = [tensor(f"keep_{k}", "float32", (B, work.hidden)) for k in range(len(masks))]
        logits = logits_of(work, W, x, keep, loop)
        loss = losses.summed(losses.cross_entropy(logits, y))
        params, rate = list(W.values()), at.constant(work.rate, dtype="float32")
        optimizer = updates.optimizer_named(work.optimizer)
        step = optimizer(params, updates.gradients(loss, params), rate)
        return [x, y, *keep], [loss, losses.accuracy(logits, y)], step

    function = compile_graph(graph, name="train", backend=backend)
    held: dict[str, Any] = {}

    def evaluate(x: Array, y: Array) -> float:
        def graph() -> networks.GraphSpec:
            x, y = inputs()
            logits = logits_of(work, W, x, [], loop)
            return [x, y], [losses.mean(losses.cross_entropy(logits, y))], []

        held["evaluate"] = held.get("evaluate") or compile_graph(
            graph, name="evaluate", backend=backend
        )
        return float(held["evaluate"](x, y)[0])

    return Trained(lambda x, y: (x, y, *masks), lambda *given: float(function(*given)[0]), evaluate)


def writer(work: Work, weights: Weights, variant: str) -> Writer:
    """Build a network that writes, by the sampler that `graphrnn sample` has."""
    from graphrnn.runs.checkpoint import Checkpoint, Header
    from graphrnn.sampling.sampler import Sampler
    from graphrnn.settings.sampling import SampleSettings
    from graphrnn.settings.training import TrainSettings

    settings = TrainSettings(
        model="stacked_lstm", layers=1, hidden=work.hidden, embedding=work.n_in, dropout=0.0
    )
    header = Header(settings=settings, corpus="", vocabulary=CHARACTERS, sequences=0, versions={})
    names = {"E": "E", "W_x0": "W_x_0", "W_h0": "W_h_0", "b0": "b_0", "W_y": "W_hy", "b_y": "b_y"}
    renamed = {ours: weights[theirs] for theirs, ours in names.items()}
    # The peers carry their states through the text as well.
    checkpoint, backend = Checkpoint(header, renamed), variant.split(":")[0]
    sampler = Sampler.of(checkpoint, state="carried", backend=backend)

    def read(x: Array) -> Array:
        sampler.reset()
        sampler.read("".join(CHARACTERS[k] for k in x))
        assert sampler.logits is not None
        return sampler.logits

    def write(n: int) -> str:
        # The one place to change when the sampler gets another way to write many at once.
        asked = SampleSettings(prompt=CHARACTERS[1], length=n, temperature=1.0)
        return "".join(sampler.write(asked))

    return Writer(read, write)


def product_rates(shapes: list[Product], seconds: float) -> list[float]:
    """Measure products of float32 matrices for each (m, k, n): the best of our own and NumPy's.

    Our own also eight in a call, since a step makes many in one: what a call costs from Python
    would be more than half of a small product. In operations a second.
    """
    rng, many = np.random.default_rng(0), 8
    rates = []
    for m, k, n in shapes:
        a, b = (rng.random(shape, dtype=np.float32) for shape in ((m, k), (k, n)))
        out = np.empty((m, n), np.float32)
        took = min(
            _median(partial(np.matmul, a, b, out=out), seconds),
            _median(partial(_compiled_products(1, m, k, n), a, b), seconds),
            _median(partial(_compiled_products(many, m, k, n), *[a] * many, *[b] * many), seconds)
            / many,
        )
        rates.append(2.0 * m * k * n / took)
    return rates


def _compiled_products(count: int, m: int, k: int, n: int) -> Callable[..., Any]:
    def graph() -> networks.GraphSpec:
        a = [tensor(f"a_{i}", "float32", (m, k)) for i in range(count)]
        b = [tensor(f"b_{i}", "float32", (k, n)) for i in range(count)]
        return [*a, *b], [at.dot(*pair) for pair in zip(a, b, strict=True)], []

    function: Callable[..., Any] = compile_graph(graph, name="product", backend="native")
    return function


def _median(work: Callable[[], Any], seconds: float) -> float:
    """Time a call for some seconds after a warm-up."""
    work()
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        began = clock.perf_counter()
        work()
        times.append(clock.perf_counter() - began)
    return median(times)
