"""Fits the cost model behind `--loop auto`, and holds it against configurations left out.

    python -m scripts.fit_loops

Each configuration is measured by `graphrnn.comparison`: scan, unrolled and by 4 on the native
backend, equal numbers first. What was measured is kept in a file as it goes, and a second run takes
it up. The factors go to `graphrnn/models/loop_costs.json`; a choice counts as right where its
build and steps take at most a tenth more than the best.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from graphrnn import toolchain
from graphrnn.comparison.forms import Cell, Comparison, comparison_from, forms_of
from graphrnn.comparison.measure import Plan, compare
from graphrnn.comparison.subjects import ModelSubject
from graphrnn.models import Sizes, model_named
from graphrnn.models.from_settings import sizes_of
from graphrnn.models.loop_cost import WAYS, Work, build_terms, choose, step_terms, work_of
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import prepare

import cyclopts
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import nnls

RIGHT = 1.1
STEPS = (200, 5_000, 100_000)
"""Numbers of training steps for which a choice is held against the best."""


@dataclass(frozen=True)
class Point:
    """A configuration."""

    model: str
    time: int
    batch: int
    hidden: int


FIT = (
    Point("theano_rnn", 4, 1, 256),
    Point("theano_rnn", 8, 1, 64),
    Point("theano_rnn", 16, 1, 256),
    Point("theano_rnn", 64, 1, 256),
    Point("rnn_sequences", 8, 64, 256),
    Point("rnn_sequences", 32, 64, 128),
    Point("rnn_sequences", 64, 16, 256),
    Point("gru", 4, 64, 128),
    Point("gru", 16, 64, 256),
    Point("gru", 48, 16, 64),
    Point("theano_gru_fused", 8, 1, 256),
    Point("theano_gru_fused", 32, 1, 64),
    Point("stateful_lstm", 8, 64, 256),
    Point("stateful_lstm", 16, 8, 128),
    Point("stateful_lstm", 40, 32, 64),
    Point("stacked_lstm", 8, 16, 128),
    Point("stacked_lstm", 20, 32, 64),
)
HELD_OUT = (
    Point("theano_rnn", 8, 1, 256),
    Point("theano_rnn", 32, 1, 128),
    Point("rnn_sequences", 16, 64, 256),
    Point("rnn_sequences", 8, 16, 64),
    Point("gru", 8, 64, 256),
    Point("gru", 32, 32, 128),
    Point("theano_gru_fused", 16, 1, 128),
    Point("stateful_lstm", 32, 64, 128),
    Point("stateful_lstm", 4, 16, 64),
    Point("stacked_lstm", 12, 16, 64),
)


def settings_of(point: Point) -> TrainSettings:
    """Return the settings of a configuration."""
    return TrainSettings(model=point.model, time=point.time, batch=point.batch, hidden=point.hidden)


def measured(point: Point, kept: Path) -> Comparison:
    """Measure a configuration, or read what was measured before."""
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    key = " ".join(map(str, asdict(point).values()))
    if key not in known:
        plan = Plan(
            ModelSubject.of(settings_of(point)), forms_of(WAYS, ["native"]), (point.time,), 1, 120.0
        )
        known[key] = compare(plan).as_dict()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return comparison_from(known[key])


def work(point: Point) -> Work:
    """Count the work of a configuration."""
    settings = settings_of(point)
    sizes: Sizes = sizes_of(settings, len(prepare(settings).vocabulary))
    return work_of(model_named(point.model), sizes, time=point.time, batch=point.batch)


def cells(point: Point, kept: Path) -> dict[str, Cell]:
    """Return what was measured, by way to loop."""
    comparison = measured(point, kept)
    return {cell.form.loop: cell for cell in comparison.cells if cell.training is not None}


def least_squares(rows: list[list[float]], costs: list[float]) -> list[float]:
    """Fit factors, none below zero, with the least sum of squared relative errors."""
    scaled = np.array(rows) / np.array(costs)[:, None]
    size = np.maximum(np.abs(scaled).max(axis=0), 1e-300)  # terms differ by ten powers of ten
    factors, _ = nnls(scaled / size, np.ones(len(costs)))
    return [float(f) for f in factors / size]


def fit(kept: Path) -> dict[str, dict[str, list[float]]]:
    """Fit the factors of each way to loop."""
    factors = {}
    for way in WAYS:
        pairs = [(work(p), c[way]) for p in FIT if way in (c := cells(p, kept))]
        factors[way] = {
            "build": least_squares(
                [build_terms(way, w) for w, _ in pairs],
                [c.build.seconds for _, c in pairs if c.build],
            ),
            "step": least_squares(
                [step_terms(w) for w, _ in pairs],
                [c.training.median for _, c in pairs if c.training],
            ),
        }
    return factors


def judged(factors: Any, kept: Path) -> tuple[Table, int, int]:
    """Hold the choice against the best of each configuration that was left out."""
    table = Table("configuration", "steps", "chosen", "best", "chosen / best", "")
    right = total = 0
    for point in HELD_OUT:
        cells_by_loop, w = cells(point, kept), work(point)
        for steps in STEPS:
            seconds = {way: cell.total(steps) or 0.0 for way, cell in cells_by_loop.items()}
            best = min(seconds, key=lambda way: seconds[way])
            choice = choose(w, steps, factors).loop
            ratio = seconds[choice] / seconds[best]
            total, right = total + 1, right + (ratio <= RIGHT)
            name = f"{point.model}, T={point.time}, B={point.batch}, H={point.hidden}"
            table.add_row(
                name, f"{steps:,}", choice, best, f"{ratio:.3f}", "" if ratio <= RIGHT else "wrong"
            )
    return table, right, total


def main(
    *,
    kept: Path = Path("runs/fit_loops.json"),
    out: Path = Path("graphrnn/models/loop_costs.json"),
) -> int:
    """Measure, fit, write the factors, and print how they fare.

    Args:
        kept: File of what was measured.
        out: File of the factors.
    """
    toolchain.start_aesara()
    console = Console(width=110)
    for k, point in enumerate((*FIT, *HELD_OUT)):
        console.print(f"{k + 1} of {len(FIT) + len(HELD_OUT)}: {point}", highlight=False)
        measured(point, kept)
    factors = fit(kept)
    machine = measured(FIT[0], kept).machine
    out.write_text(json.dumps({"machine": machine, "factors": factors}, indent=1) + "\n")
    table, right, total = judged(factors, kept)
    console.print(table)
    console.print(f"right (within a tenth of the best): {right} of {total}")
    return 0 if right >= 0.9 * total else 1


if __name__ == "__main__":
    sys.exit(cyclopts.run(main))
