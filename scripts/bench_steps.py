"""Times a whole training step against PyTorch: embedding, recurrence, dense layer, loss, SGD.

Run it as `.venv/bin/python scripts/bench_steps.py --peer /path/to/python`, with nothing else
running, where the other Python has PyTorch. Both are given the same weights and batch, and must
agree on the loss of five steps before they are timed, in turns, with equal threads.

A turn is a pause, steps for 20 ms that are not counted, and then at least three, for 30 ms or more,
that are. Without the pause, the threads of the one that has just finished still wait actively, on
the processors that the other needs; after it, processors take a while to run at their full speed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any

from graphrnn import cells, functions, layers, loops, losses, updates
from graphrnn.backends import compile_graph
from graphrnn.shapes import Tensor, tensor

import aesara.tensor as at
import numpy as np
from rich.console import Console
from rich.table import Table

VOCABULARY, EMBEDDING, RATE = 86, 64, 0.01
ORDER = 1024
"""Rows and columns of the product whose rate is the limit that a step is held against."""
PAUSE, WARM, COUNTED, LEAST = 0.03, 0.02, 0.03, 3

Weights = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Point:
    """One line of the table."""

    cell: str
    batch: int
    time: int
    hidden: int
    n_layers: int = 1

    def __str__(self) -> str:
        """Name it."""
        more = f", {self.n_layers} layers" if self.n_layers > 1 else ""
        return f"{self.cell} B={self.batch} T={self.time} H={self.hidden}{more}"


POINTS = (
    Point("lstm", 64, 64, 256),
    Point("lstm", 64, 8, 256),
    Point("rnn", 64, 8, 256),
    Point("rnn", 64, 64, 256),
    Point("gru", 64, 64, 256),
    Point("lstm", 64, 40, 512, 2),
    Point("gru", 64, 40, 512, 2),
    Point("rnn", 1, 8, 256),
)
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def arithmetic(point: Point) -> float:
    """Count a step's multiplications and additions in products, forward and backward.

    Each product of `(M, K)` and `(K, N)` takes 2MNK; its gradient takes two like it. Symbols are
    projected once each where there are fewer of them than characters.
    """
    H, gates, characters = point.hidden, GATES[point.cell], point.time * point.batch
    rows = min(VOCABULARY, characters)
    total = rows * EMBEDDING * gates * H + characters * H * VOCABULARY
    total += point.n_layers * characters * H * gates * H
    total += (point.n_layers - 1) * characters * H * gates * H
    return 3.0 * 2.0 * total


def product_rate() -> float:
    """Measure our own product of two large matrices, in operations a second."""

    def graph() -> tuple[list[Tensor], list[Tensor], updates.Updates]:
        a, b = (tensor(name, "float32", (ORDER, ORDER)) for name in "ab")
        return [a, b], [at.dot(a, b)], []

    multiply = compile_graph(graph, name="product", backend="native")
    a = np.random.default_rng(0).standard_normal((ORDER, ORDER)).astype("float32")

    def once() -> tuple[float, float]:
        began = clock.perf_counter()
        multiply(a, a)
        return clock.perf_counter() - began, 0.0

    _steps(once, 0.2, 3)
    return 2.0 * ORDER**3 / median(_steps(once, 0.5, 5))


def draw(point: Point) -> Weights:
    """Draw weights that both sides start from."""
    rng = np.random.default_rng(0)
    H, gates = point.hidden, GATES[point.cell]

    def uniform(*shape: int) -> np.ndarray[Any, Any]:
        return rng.uniform(-1, 1, shape).astype("float32") / np.float32(H**0.5)

    weights = {"E": uniform(VOCABULARY, EMBEDDING), "W_y": uniform(H, VOCABULARY)}
    weights["b_y"] = uniform(VOCABULARY)
    for k in range(point.n_layers):
        weights[f"W_x{k}"] = uniform(H if k else EMBEDDING, gates * H)
        weights[f"W_h{k}"], weights[f"b{k}"] = uniform(H, gates * H), uniform(gates * H)
        if point.cell == "gru":
            weights[f"b_n{k}"] = uniform(H)
    return weights


def rnn(zx_t: Tensor, h_tm1: Tensor, W_h: Tensor) -> Tensor:
    """One step of the network with tanh, the input's part computed before the loop."""
    return at.tanh(zx_t + at.dot(h_tm1, W_h))


STEPS: dict[str, Callable[..., Any]] = {"rnn": rnn, "gru": cells.gru, "lstm": cells.lstm}


def ours(point: Point, weights: Weights, backend: str) -> Callable[[Any, Any], float]:
    """Compile our training step; gives a function of (x, y) that gives the loss."""
    W = functions.share({name: value.copy() for name, value in weights.items()})
    T, B, H = point.time, point.batch, point.hidden

    def graph() -> tuple[list[Tensor], list[Tensor], updates.Updates]:
        x, y = tensor("x", "int32", (T, B)), tensor("y", "int32", (T, B))
        columns = GATES[point.cell] * H
        if T * B > VOCABULARY:
            # Fewer symbols than characters: project each symbol once, then look it up.
            zx = (at.dot(W["E"], W["W_x0"]) + W["b0"])[x.flatten()].reshape((T, B, columns))
        else:
            zx = at.dot(W["E"][x.flatten()], W["W_x0"]) + W["b0"]
            zx = zx.reshape((T, B, columns))
        h = zx
        for k in range(point.n_layers):
            if k:
                zx = layers.dense(h, W[f"W_x{k}"], W[f"b{k}"])
            zero = at.zeros((B, H), dtype="float32")
            constants = [W[f"W_h{k}"], *([W[f"b_n{k}"]] if point.cell == "gru" else [])]
            states = [zero, zero] if point.cell == "lstm" else [zero]
            h = loops.scanned(STEPS[point.cell], [zx], states, constants)[0]
        logits = layers.dense(h, W["W_y"], W["b_y"])
        loss = losses.summed(losses.cross_entropy(logits, y))
        params = list(W.values())
        rate = at.constant(RATE, dtype="float32")
        step = updates.sgd(params, updates.gradients(loss, params), rate)
        return [x, y], [loss, losses.accuracy(logits, y)], step

    function = compile_graph(graph, name="train", backend=backend)
    return lambda x, y: float(function(x, y)[0])


PEER = """
import json, sys, time
import numpy as np, torch
RATE = float(sys.argv[4])
point, folder, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
W = {k: torch.from_numpy(v) for k, v in np.load(folder + "/weights.npz").items()}
x, y = (torch.from_numpy(v.astype("int64")) for v in np.load(folder + "/batch.npy"))
H, L = point["hidden"], point["n_layers"]
kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[point["cell"]]
embed, net = torch.nn.Embedding(*W["E"].shape), kind(W["E"].shape[1], H, L)
dense = torch.nn.Linear(H, W["E"].shape[0])
with torch.no_grad():
    embed.weight.copy_(W["E"]); dense.weight.copy_(W["W_y"].T); dense.bias.copy_(W["b_y"])
    for k in range(L):
        getattr(net, f"weight_ih_l{k}").copy_(W[f"W_x{k}"].T)
        getattr(net, f"weight_hh_l{k}").copy_(W[f"W_h{k}"].T)
        getattr(net, f"bias_ih_l{k}").copy_(W[f"b{k}"])
        second = getattr(net, f"bias_hh_l{k}")
        second.zero_()
        if point["cell"] == "gru":
            second[2 * H:] = W[f"b_n{k}"]
            mask = torch.zeros(3 * H); mask[2 * H:] = 1
            second.register_hook(lambda g, mask=mask: g * mask)
        else:
            second.requires_grad_(False)
params = [p for m in (embed, net, dense) for p in m.parameters() if p.requires_grad]
sgd = torch.optim.SGD(params, lr=RATE)
def step():
    sgd.zero_grad(set_to_none=True)
    logits = dense(net(embed(x))[0])
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), y.flatten(), reduction="sum") / x.shape[1]
    hits = (logits.argmax(-1) == y).float().mean()
    loss.backward(); sgd.step()
    return loss.item(), hits.item()
print(torch.__version__, flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    loss = step()[0]
    print(json.dumps([time.perf_counter() - began, loss]), flush=True)
"""


def _steps(run: Callable[[], tuple[float, float]], seconds: float, least: int) -> list[float]:
    """Run steps for some time, at least so many; gives how long each took."""
    times: list[float] = []
    while len(times) < least or sum(times) < seconds:
        times.append(run()[0])
    return times


def measure(point: Point, peer: str, turns: int, threads: int, backend: str) -> tuple[float, float]:
    """Give the median step of ours and of PyTorch's, in milliseconds."""
    weights = draw(point)
    rng = np.random.default_rng(1)
    batch = rng.integers(0, VOCABULARY, (2, point.time, point.batch)).astype("int32")
    mine = ours(point, weights, backend)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "weights.npz", **weights)
        np.save(Path(folder) / "batch.npy", batch)
        command = [peer, "-c", PEER, json.dumps(vars(point)), folder, str(threads), str(RATE)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()

            def theirs() -> tuple[float, float]:
                process.stdin.write("step\n")  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]
                took, loss = json.loads(process.stdout.readline())  # type: ignore[union-attr]
                return took, loss

            def timed() -> tuple[float, float]:
                began = clock.perf_counter()
                loss = mine(*batch)
                return clock.perf_counter() - began, loss

            for k in range(5):
                a, b = mine(*batch), theirs()[1]
                if abs(a - b) > 1e-3 * abs(b):
                    sys.exit(f"{point}: after {k + 1} steps our loss is {a}, PyTorch's {b}")
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(turns):
                for side, run in enumerate((timed, theirs)):
                    clock.sleep(PAUSE)
                    _steps(run, WARM, 1)
                    times[side].extend(_steps(run, COUNTED, LEAST))
            process.stdin.close()
    return 1000 * median(times[0]), 1000 * median(times[1])


def main() -> None:
    """Measure every point and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", required=True, help="a Python that has PyTorch")
    parser.add_argument("--turns", type=int, default=15, help="turns of each")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    parser.add_argument("--backend", default="native", help="backend of ours")
    arguments = parser.parse_args()
    ours_of, theirs_of = "graphrnn / limit", "PyTorch / limit"
    table = Table(
        "training step", "graphrnn (ms)", "PyTorch (ms)", "PyTorch / graphrnn", ours_of, theirs_of
    )
    ratios, rate = [], product_rate()
    for point in POINTS:
        mine, theirs = measure(
            point, arguments.peer, arguments.turns, arguments.threads, arguments.backend
        )
        ratios.append(theirs / mine)
        shares = [arithmetic(point) / (1e-3 * took) / rate for took in (mine, theirs)]
        table.add_row(
            str(point),
            f"{mine:.2f}",
            f"{theirs:.2f}",
            f"{ratios[-1]:.2f}",
            *(f"{share:.0%}" for share in shares),
        )
    mean = exp(sum(map(log, ratios)) / len(ratios))
    table.add_row("geometric mean", "", "", f"{mean:.2f}", "", "")
    console = Console(width=110)
    console.print(
        f"limit: our product of order {ORDER}, float32, {rate / 1e9:.0f} GFLOP/s, "
        f"threads: {arguments.threads}"
    )
    console.print(table)


if __name__ == "__main__":
    main()
