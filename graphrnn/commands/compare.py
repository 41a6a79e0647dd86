"""`graphrnn compare`: the same network scanned, unrolled and by k steps, on every backend."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from graphrnn import toolchain
from graphrnn.errors import UserError
from graphrnn.settings import TrainSettings

from cyclopts import Parameter

Several = Parameter(consume_multiple=True, negative=())


def compare(
    model: str = "theano_rnn",
    /,
    *,
    time: Annotated[list[int] | None, Several] = None,
    loops: Annotated[list[str] | None, Several] = None,
    backends: Annotated[list[str] | None, Several] = None,
    rewrites: Annotated[list[str] | None, Several] = None,
    batch: int | None = None,
    hidden: int | None = None,
    dtype: str = "float32",
    corpus: str = "python-docs",
    steps: int | None = None,
    budget: float = 60.0,
    threads: int | None = None,
    quick: bool = False,
    out: Path = Path("runs/compare"),
) -> None:
    """Compare the ways to loop a network: equal numbers first, then build, step and memory.

    Args:
        model: The network; graphrnn models lists them.
        time: Lengths T of the sequence to measure at.
        loops: Ways to loop: scan, unrolled, or a number of steps written out at a time.
        backends: What runs the graph: native, aesara, python.
        rewrites: on, off, or both: with the rewrites of graphs, or as it was written.
        batch: Sequences in a batch (B); without it the model's own.
        hidden: Units in the hidden state (H), likewise.
        dtype: Precision: float32 or float64.
        corpus: Text that the batch comes from.
        steps: Training steps that the advice counts on; without it those of graphrnn train.
        budget: Seconds that a build may take before it is stopped.
        threads: Threads of a step.
        quick: Few short lengths on the native backend: under three minutes.
        out: Folder of compare.json, compare.md and compare.png.
    """
    toolchain.start_aesara()
    from graphrnn.comparison import reports
    from graphrnn.comparison.conclusions import advice
    from graphrnn.comparison.forms import Comparison, forms_of
    from graphrnn.comparison.measure import Plan
    from graphrnn.comparison.measure import compare as measure
    from graphrnn.comparison.subjects import ModelSubject
    from graphrnn.display import Display, console
    from graphrnn.models import model_named
    from graphrnn.training import prepare

    asked = time or ([4, 8, 16] if quick else [4, 8, 16, 32, 64, 128])
    settings = TrainSettings(
        model=model,
        batch=batch,  # type: ignore[arg-type]
        hidden=hidden,  # type: ignore[arg-type]
        dtype=dtype,  # type: ignore[arg-type]
        corpus=corpus,
    )
    plan = Plan(
        ModelSubject(settings),
        forms_of(
            loops or ["scan", "unrolled", "4"],
            backends or (["native"] if quick else ["native", "aesara", "python"]),
            [_switch(word) for word in rewrites or ["on"]],
        ),
        asked,
        steps or max(1, settings.sequences // settings.batch),
        budget,
        threads,
        rounds=5 if quick else 9,
    )

    def keep(found: Comparison) -> None:
        reports.save(found, out)

    model_named(model)
    prepare(replace(settings, time=max(asked)))
    _require_folder(out)
    screen = console()
    with Display(screen) as display:
        found = measure(plan, display.counted, keep)
    if not found.cells:
        raise UserError("interrupted before anything was measured")
    if not any(cell.training for cell in found.cells):
        raise UserError(f"nothing could be measured: {found.cells[0].problem}")
    screen.print(f"{found.title}; {reports.machine_line(found)}\n", soft_wrap=True)
    made, run = reports.tables(found)
    screen.print("builds: seconds by phase with an empty cache; cold and warm: in all")
    screen.print(made)
    screen.print(f"\nsteps. {reports.BREAK_EVEN}", soft_wrap=True, highlight=False)
    screen.print(run)
    lines = [reports.proof_line(found), *reports.growth_lines(found), *advice(found)]
    screen.print("\n" + "\n".join(lines), soft_wrap=True, highlight=False)
    print("\nwrote " + ", ".join(str(path) for path in reports.save(found, out)))


def _switch(word: str) -> bool:
    """Read on or off.

    Raises:
        UserError: it is neither.
    """
    if word not in ("on", "off"):
        raise UserError(f"--rewrites: got {word!r}, needed on or off, or both")
    return word == "on"


def _require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written before anything is measured.

    Raises:
        UserError: naming it and the remedy.
    """
    from graphrnn.checkpoints import write_atomically

    probe = folder / ".probe"
    write_atomically(probe, b"")
    probe.unlink()
