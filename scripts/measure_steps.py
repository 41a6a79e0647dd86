"""Measures builds, cold and warm, and steps: the lesson's network, and an LSTM of 64 x 64 x 256.

Run it as `.venv/bin/python scripts/measure_steps.py`, with nothing else running. Each build is
timed in a process of its own, from its start to the end of its first step, imports and gradients
included; the cold one has an empty cache. The share of the loops is known for stock Aesara, which
runs one node after another; the native backend is a single function.
"""

import json
import os
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Callable
from statistics import median
from typing import Any

from graphrnn import functions, models

import aesara
import numpy as np
from aesara.compile import profiling
from aesara.scan.op import Scan
from bench_steps import POINTS, VOCABULARY, draw, ours
from rich.console import Console
from rich.table import Table

TIME, SYMBOLS, HIDDEN, RATE = 8, 104, 256, 0.01
SECONDS = 1.0
"""How long steps are timed."""

ROWS = (
    ("theano_rnn", "native", 1),
    ("theano_rnn", "native", 64),
    ("lstm", "native", 64),
    ("theano_rnn", "aesara", 1),
    ("theano_rnn", "aesara", 64),
)


def network(backend: str) -> functions.Network:
    """Make the lesson's network with its weights drawn."""
    model = models.model_named("theano_rnn")
    sizes = models.Sizes(SYMBOLS, HIDDEN)
    weights = model.initial_weights(np.random.default_rng(0), sizes, "float32")
    return functions.Network(model, sizes, functions.share(weights), backend=backend)


def build(name: str, backend: str, batch: int) -> tuple[Callable[[], Any], Any]:
    """Compile a training step; gives a call of it on one batch, and what was compiled."""
    rng = np.random.default_rng(1)
    if name == "lstm":
        point = POINTS[0]
        step: Any = ours(point, draw(point), backend)
        x, y = (rng.integers(0, VOCABULARY, (point.time, batch)).astype("int32") for _ in range(2))
        return lambda: step(x, y), step
    step = network(backend).train(time=TIME, batch=batch)
    x, y = (rng.integers(1, SYMBOLS, (TIME, batch)).astype("int32") for _ in range(2))
    return lambda: step(x, y, np.float32(RATE)), step


def step_time(step: Callable[[], Any]) -> float:
    """Give the median of a second of steps."""
    times: list[float] = []
    while sum(times) < SECONDS:
        start = clock.perf_counter()
        step()
        times.append(clock.perf_counter() - start)
    return median(times[len(times) // 10 :])


def measure(name: str, backend: str, batch: int, started: float) -> dict[str, float]:
    """Time the way to the first step, the step, and the part of it that the scans take."""
    step, _ = build(name, backend, batch)
    step()
    figures = {"first": clock.time() - started, "step": step_time(step)}
    if backend != "aesara":
        return figures
    with aesara.config.change_flags(profile=True):
        profiled, function = build(name, backend, batch)
    # Aesara prints every profile at exit unless it is taken from this list.
    profiling._atexit_print_list.clear()
    step_time(profiled)
    spent = function.profile.apply_time
    scans = sum(took for (_, node), took in spent.items() if isinstance(node.op, Scan))
    outer = set(function.maker.fgraph.apply_nodes)
    total = sum(took for (_, node), took in spent.items() if node in outer)
    return figures | {"scan_share": scans / total}


def in_fresh_process(row: tuple[str, str, int], cache: str) -> dict[str, float]:
    """Measure in a new interpreter that keeps its compiled modules in `cache`."""
    answer = subprocess.run(
        [sys.executable, __file__, *map(str, row), str(clock.time())],
        env=os.environ | {"XDG_CACHE_HOME": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def main() -> None:
    """Measure each row, cold and warm, and print a table."""
    if len(sys.argv) == 5:
        name, backend, batch, started = sys.argv[1:]
        print(json.dumps(measure(name, backend, int(batch), float(started))))
        return
    columns = ("cold, to the first step (s)", "warm (s)", "step (ms)", "share of the scans")
    table = Table("network", "backend", "batch", *columns)
    for row in ROWS:
        with tempfile.TemporaryDirectory() as cache:
            cold, warm = in_fresh_process(row, cache), in_fresh_process(row, cache)
        table.add_row(
            *map(str, row),
            f"{cold['first']:.1f}",
            f"{warm['first']:.1f}",
            f"{1000 * warm['step']:.3f}",
            f"{warm['scan_share']:.0%}" if "scan_share" in warm else "",
        )
    console = Console(width=110)
    console.print(f"theano_rnn: T={TIME}, H={HIDDEN}, V={SYMBOLS}; lstm: {POINTS[0]}; float32")
    console.print(table)


if __name__ == "__main__":
    main()
