"""Measures the lesson's network: build time cold and warm, step time, and the share of the loops.

Run it as `.venv/bin/python scripts/measure_steps.py`, with nothing else running. Each build is
timed in a process of its own, the cold one with an empty cache. The share of the loops is known
for stock Aesara, which runs one node after another; the native backend is a single function.
"""

import json
import os
import subprocess
import sys
import tempfile
import time as clock
from statistics import median
from typing import Any

from graphrnn import functions, models

import aesara
import numpy as np
from aesara.compile import profiling
from aesara.scan.op import Scan
from rich.console import Console
from rich.table import Table

TIME, VOCABULARY, HIDDEN, RATE = 8, 104, 256, 0.01
STEPS = 500


def build(backend: str) -> functions.Network:
    """Make the lesson's network with its weights drawn."""
    model = models.model_named("theano_rnn")
    sizes = models.Sizes(VOCABULARY, HIDDEN)
    weights = model.initial_weights(np.random.default_rng(0), sizes, "float32")
    return functions.Network(model, sizes, functions.share(weights), backend=backend)


def measure(backend: str, batch: int) -> dict[str, float]:
    """Time the build, the step, and the part of a profiled step that the scans take."""
    began = clock.perf_counter()
    train = build(backend).train(time=TIME, batch=batch)
    built = clock.perf_counter() - began
    rng = np.random.default_rng(1)
    x, y = (rng.integers(1, VOCABULARY, (TIME, batch)).astype("int32") for _ in range(2))
    rate = np.float32(RATE)

    def step_times(function: Any) -> list[float]:
        for _ in range(20):
            function(x, y, rate)
        times = []
        for _ in range(STEPS):
            start = clock.perf_counter()
            function(x, y, rate)
            times.append(clock.perf_counter() - start)
        return times

    figures = {"build": built, "step": median(step_times(train))}
    if backend != "aesara":
        return figures
    with aesara.config.change_flags(profile=True):
        profiled: Any = build(backend).train(time=TIME, batch=batch)
    # Aesara prints every profile at exit unless it is taken from this list.
    profiling._atexit_print_list.clear()
    step_times(profiled)
    spent = profiled.profile.apply_time
    scans = sum(took for (_, node), took in spent.items() if isinstance(node.op, Scan))
    outer = set(profiled.maker.fgraph.apply_nodes)
    total = sum(took for (_, node), took in spent.items() if node in outer)
    return figures | {"scan_share": scans / total}


def in_fresh_process(backend: str, batch: int, cache: str) -> dict[str, float]:
    """Measure in a new interpreter that keeps its compiled modules in `cache`."""
    answer = subprocess.run(
        [sys.executable, __file__, backend, str(batch)],
        env=os.environ | {"XDG_CACHE_HOME": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def main() -> None:
    """Measure both backends at both batch sizes and print a table."""
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return
    columns = ("cold build (s)", "warm build (s)", "step (ms)", "share of the scans")
    table = Table("backend", "batch", *columns)
    for backend in ("native", "aesara"):
        for batch in (1, 64):
            with tempfile.TemporaryDirectory() as cache:
                cold = in_fresh_process(backend, batch, cache)
                warm = in_fresh_process(backend, batch, cache)
            table.add_row(
                backend,
                str(batch),
                f"{cold['build']:.1f}",
                f"{warm['build']:.1f}",
                f"{1000 * warm['step']:.3f}",
                f"{warm['scan_share']:.0%}" if "scan_share" in warm else "",
            )
    Console().print(f"theano_rnn, T={TIME}, H={HIDDEN}, V={VOCABULARY}, float32")
    Console().print(table)


if __name__ == "__main__":
    main()
