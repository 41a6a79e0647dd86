"""`graphrnn compare`: the same network scanned, unrolled and by k steps, on every backend."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from graphrnn import toolchain
from graphrnn.comparison.settings import CompareSettings
from graphrnn.errors import UserError
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.training import TrainSettings

from cyclopts import Parameter

if TYPE_CHECKING:
    from graphrnn.comparison.forms import Comparison
    from graphrnn.comparison.measure import Plan


def compare(
    model: str = "theano_rnn",
    /,
    *,
    settings: Annotated[CompareSettings, Parameter(name="*")] = CompareSettings(),  # noqa: B008
) -> None:
    """Compare the ways to loop a network: equal numbers first, then time and memory.

    Args:
        model: The network; graphrnn models lists them.
        settings: What is compared, and how.
    """
    toolchain.start_aesara()
    from graphrnn.comparison import reports
    from graphrnn.comparison.measure import compare as measure
    from graphrnn.display.terminal import Display, console

    plan = plan_of(model, settings)

    def keep(comparison: "Comparison") -> None:
        reports.save(comparison, settings.out)

    _require_folder(settings.out)
    screen = console()
    with Display(screen) as display:
        comparison = measure(plan, display.counted, keep)
    if not comparison.cells:
        raise UserError("interrupted before anything was measured")
    if not any(cell.training for cell in comparison.cells):
        raise UserError(f"nothing could be measured: {comparison.cells[0].problem}")
    if not screen.is_terminal:
        screen.width = max(screen.width, 160)  # a table that is cut off cannot be read in a file
    made, run = reports.tables(comparison)
    for part in (
        f"{comparison.title}; {reports.machine_line(comparison)}",
        "\nbuilds: seconds by phase with an empty cache; cold and warm: in all",
        made,
        f"\nsteps. {reports.BREAK_EVEN}",
        run,
        "",
        *reports.conclusions(comparison),
    ):
        screen.print(part, soft_wrap=isinstance(part, str), highlight=False)
    print("\nwrote " + ", ".join(str(path) for path in reports.save(comparison, settings.out)))


def plan_of(model: str, settings: CompareSettings) -> "Plan":
    """Build the plan, and check all that can be checked before anything is built.

    Raises:
        UserError: an unknown name, a length that is not positive, a corpus that is too short.
    """
    from graphrnn.comparison.forms import forms_of
    from graphrnn.comparison.measure import Plan
    from graphrnn.comparison.subjects import ModelSubject
    from graphrnn.models import model_named, user_models

    user_models.load_named(model)
    model_named(model)
    times = tuple(t for t in settings.time if t <= 16) if settings.quick else settings.time
    given = {name: getattr(settings, name) for name in ("batch", "hidden", "dtype", "corpus")}
    named = TrainSettings.from_recipe(recipe_for(model), {"model": model, **given})
    plan = Plan(
        ModelSubject.of(replace(named, time=max(times, default=1))),
        forms_of(
            settings.loops,
            [b for b in settings.backends if b == "native" or not settings.quick],
            [word == "on" for word in settings.rewrites],
        ),
        times,
        settings.steps or max(1, named.sequences // named.batch),
        settings.budget,
        settings.threads,
        rounds=5 if settings.quick else 9,
    )
    plan.check()
    return plan


def _require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written before anything is measured.

    Raises:
        UserError: naming it and the remedy.
    """
    from graphrnn.runs.checkpoint import write_atomically

    probe = folder / ".probe"
    write_atomically(probe, b"")
    probe.unlink()
