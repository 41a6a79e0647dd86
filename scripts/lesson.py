"""Runs the lesson's ladder on its corpus, and sets the lesson's figures beside ours.

Run it as `make lesson CORPUS=path/to/nietzsche.txt`; `ARGS=--quick` takes under 10 minutes on two
cores. Every network trains on the whole text, as in the lesson, by `graphrnn.training.run` and the
settings that `graphrnn train --model NAME` has, but for what is said here. What was measured is
kept in a file as soon as a network is done; table and picture are made from all that is there.
"""

import argparse
import json
import shutil
import tempfile
import time as clock
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graphrnn.data.text import load_corpus
from graphrnn.display.terminal import Display, console, seconds
from graphrnn.runs.checkpoint import Header, write_atomically
from graphrnn.sampling import sampler as samplers
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run

from rich.table import Table

THOUSAND = 1000
PHRASES = {"phi": "l", " th": "e", " an": "d"}


@dataclass(frozen=True)
class Rung:
    """A network, how long the lesson trains it, and the figures that the lesson prints.

    `figures` are pairs of a moment and a loss. A moment is an epoch (its mean loss, as Keras prints
    it) or, where `every_thousand`, a number of sequences (the mean of the last thousand). Losses
    are per character, or per sequence where `summed`.
    """

    model: str
    epochs: float
    quick: float
    figures: tuple[tuple[int, float], ...]
    summed: bool = False
    every_thousand: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""


LADDER = (
    Rung("three_char", 4, 1, ()),
    Rung("eight_char", 8, 1, ((1, 2.5385), (8, 1.9))),
    Rung("rnn", 8, 1, ((1, 2.7939), (8, 1.6421))),
    Rung("rnn_zeros", 12, 1, ((1, 20.08), (12, 17.0)), summed=True),
    Rung("rnn_sequences", 8, 1, ((1, 2.4284), (8, 1.7258))),
    Rung("rnn_onehot", 8, 1, ((1, 2.4383), (8, 1.7410))),
    Rung(
        "stateful_lstm",
        12,
        1,
        ((1, 2.2051), (12, 1.6881)),
        settings={"schedule": "step", "decay_at": (4,)},
        note="rate 1e-4 from epoch 5",
    ),
    Rung("gru", 8, 1, ((1, 2.3991), (8, 1.6918))),
    Rung(
        "theano_rnn",
        1,
        1,
        ((1000, 25.196), (75_110, 15.0)),
        True,
        True,
        settings={"learning_rate": 0.015, "schedule": "cosine"},
    ),
    Rung("theano_gru", 1, 0.25, ((1000, 21.89), (75_110, 16.96)), True, True),
    Rung("theano_gru_fused", 1, 0.25, ((1000, 21.89), (75_110, 16.96)), True, True),
    Rung("reference", 0.1332, 0.1332, ((1000, 35.2), (10_000, 27.7)), True, True),
    Rung(
        "stacked_lstm",
        0.1,
        0.005,
        ((6, 1.2218),),
        note="the lesson's figure is that after 6 passes; ours after a share of the first",
    ),
)


def settings_for(rung: Rung, corpus: str, characters: int, quick: bool, out: Path) -> TrainSettings:
    """Return the settings of a run, epochs turned into sequences."""
    recipe = recipe_for(rung.model)
    epoch = sequences_of_an_epoch(rung, characters)
    changes = dict(rung.settings)
    if "decay_at" in changes:
        changes["decay_at"] = tuple(k * epoch for k in changes["decay_at"])
    total = int(epoch * (rung.quick if quick else rung.epochs))
    total = max(recipe.batch, total // recipe.batch * recipe.batch)
    return TrainSettings(
        model=rung.model, corpus=corpus, held_out=0.0, sequences=total, out=out, **changes
    )


def sequences_of_an_epoch(rung: Rung, characters: int) -> int:
    """Return how many sequences a pass over the text has, in whole batches."""
    recipe = recipe_for(rung.model)
    stride = 1 if recipe.windows == "overlapping" else recipe.time
    windows = (characters - 1 - recipe.time) // stride + 1
    return windows // recipe.batch * recipe.batch


def run(rung: Rung, corpus: str, quick: bool, display: Display) -> dict[str, Any]:
    """Train one network and take down what the table and the picture need."""
    characters = len(load_corpus(corpus).text)
    began = clock.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / rung.model
        settings = settings_for(rung, corpus, characters, quick, out)
        done = training_run.train(settings, display)
        predicted = predictions(out) if rung.model == "three_char" else {}
        shutil.rmtree(out)
    header = done.checkpoint.header
    epoch = sequences_of_an_epoch(rung, characters)
    steps = done.network.model.predictions(header.settings.time) if rung.summed else 1
    return {
        "sequences": header.sequences,
        "epoch": epoch,
        "seconds": clock.perf_counter() - began,
        "curve": [[point.sequences, steps * point.loss] for point in header.train],
        "epochs": [steps * loss for loss in epoch_means(header, epoch)],
        "predictions": predicted,
    }


def epoch_means(header: Header, epoch: int) -> list[float]:
    """Return the mean loss of each whole epoch, from the points of the curve that lie in it."""
    sums: dict[int, list[float]] = {}
    before = 0
    for point in header.train:
        weight = point.sequences - before
        total = sums.setdefault(min(before, point.sequences - 1) // epoch, [0.0, 0.0])
        total[0] += weight * point.loss
        total[1] += weight
        before = point.sequences
    return [
        sums[k][0] / sums[k][1] for k in sorted(sums) if (k + 1) * epoch <= header.sequences + 1000
    ]


def predictions(folder: Path) -> dict[str, str]:
    """Return what three_char predicts after the lesson's phrases."""
    sampler = samplers.load_sampler(str(folder))
    likeliest = {}
    for phrase in PHRASES:
        sampler.reset()
        sampler.read(phrase)
        likeliest[phrase] = sampler.next_characters(1)[0][0]
    return likeliest


def compared(rung: Rung, result: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the rows of a network: the moment, the lesson's figure, ours, and a verdict."""
    if rung.model == "three_char":
        return [
            ("next character", f"`{a}` → `{b}`", f"`{result['predictions'][a]}`",
             "same" if result["predictions"][a] == b else "other")
            for a, b in PHRASES.items()
        ]  # fmt: skip
    rows = []
    for moment, figure in rung.figures:
        when, ours = at_moment(rung, result, moment)
        if ours is None:
            continue
        verdict = "at or below" if ours <= figure else "above"
        rows.append((when, f"{figure:g}", f"{ours:.4f}", verdict))
    last = result["curve"][-1]
    if not rows or rung.model == "stacked_lstm":
        share = result["sequences"] / result["epoch"]
        theirs = f"{rung.figures[-1][1]:g} after 6 passes" if rung.figures else ""
        when = f"{result['sequences']:,} windows ({share:.1%} of a pass)"
        rows.append((when, theirs, f"{last[1]:.4f}", "not as long"))
    return rows


def at_moment(rung: Rung, result: dict[str, Any], moment: int) -> tuple[str, float | None]:
    """Return the name of a moment and our loss at it; None where the run did not come so far."""
    if rung.every_thousand:
        whole = moment // THOUSAND * THOUSAND  # a shorter stretch at the end says little
        points = [loss for sequences, loss in result["curve"] if sequences == whole]
        return f"{whole:,} sequences", points[-1] if points else None
    epochs = result["epochs"]
    return f"epoch {moment}", epochs[moment - 1] if moment <= len(epochs) else None


def tables(results: dict[str, Any]) -> tuple[Table, str]:
    """Build the table twice: for the terminal, and in Markdown."""
    headings = ("network", "moment", "the lesson", "ours", "")
    table, lines = Table(*headings), [" | ".join(headings), " | ".join(["---"] * len(headings))]
    for rung in LADDER:
        for row in compared(rung, results[rung.model]) if rung.model in results else []:
            table.add_row(rung.model, *(cell.replace("`", "") for cell in row))
            lines.append(" | ".join((rung.model, *row)))
    return table, "\n".join(f"| {line} |" for line in lines) + "\n"


def picture(results: dict[str, Any], path: Path) -> None:
    """Draw each network's loss against the epoch, with the lesson's figures as rings."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [rung for rung in LADDER if rung.model in results]
    rows = -(-len(shown) // 4)
    figure = Figure(figsize=(13, 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, 4, squeeze=False).flat
    for rung, axes in zip(shown, grid, strict=False):
        result = results[rung.model]
        epoch = result["epoch"]
        axes.plot([n / epoch for n, _ in result["curve"]], [v for _, v in result["curve"]],
                  color="tab:blue", linewidth=0.8)  # fmt: skip
        for moment, loss in rung.figures:
            at = moment / epoch if rung.every_thousand else moment
            if at <= 1.1 * result["sequences"] / epoch:
                axes.plot([at], [loss], "o", color="tab:red", fillstyle="none")
        axes.set_title(rung.model, fontsize=10)
        axes.grid(alpha=0.3)
    for axes in list(grid):
        axes.set_visible(False)
    figure.supxlabel("passes over the text")
    figure.supylabel("training loss in nats (rings: the lesson)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def main() -> None:
    """Train what is asked, print the table, write the table and the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", default="nietzsche", help="the lesson's text, or its path")
    parser.add_argument("--quick", action="store_true", help="an epoch of each, or a part")
    parser.add_argument(
        "--share", type=float, default=0.1, help="part of a pass that stacked_lstm trains for"
    )
    parser.add_argument("--only", nargs="*", help="networks to train (all of them)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/lesson"), help="folder of the results"
    )
    arguments = parser.parse_args()
    kept = arguments.out / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    screen = console()
    for rung in LADDER:
        if rung.model == "stacked_lstm":
            rung = replace(rung, epochs=arguments.share)
        if arguments.only and rung.model not in arguments.only:
            continue
        screen.print(f"\n{rung.model}", style="bold")
        with Display(screen) as display:
            results[rung.model] = run(rung, arguments.corpus, arguments.quick, display)
        results[rung.model]["quick"] = arguments.quick
        write_atomically(kept, json.dumps(results, indent=1).encode())
        screen.print(f"  {rung.model} took {seconds(results[rung.model]['seconds'])}")
    table, markdown = tables(results)
    screen.print(table)
    write_atomically(arguments.out / "lesson.md", markdown.encode())
    picture(results, arguments.out / "lesson.png")
    screen.print(f"table    {arguments.out / 'lesson.md'}\npicture  {arguments.out / 'lesson.png'}")


if __name__ == "__main__":
    main()
