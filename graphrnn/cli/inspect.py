"""`graphrnn inspect`: listings, differences, history, costs and pictures of a graph."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from graphrnn import toolchain
from graphrnn.cli.options import Length
from graphrnn.errors import UserError

from cyclopts import Parameter

if TYPE_CHECKING:
    from graphrnn.inspection.inspector import Inspection
    from graphrnn.inspection.listing.folding import Difference


def inspect(
    graph: str = "theano_rnn",
    /,
    *,
    stage: Annotated[list[str] | None, Parameter(negative=())] = None,
    diff: Annotated[tuple[str, str] | None, Parameter(negative=())] = None,
    fold: bool = False,
    history: bool = False,
    all_edits: bool = False,
    rewrites: bool = False,
    cost: bool = False,
    memory: bool = False,
    out: Path | None = None,
    loop: str | None = None,
    backend: str | None = None,
    time: Length | None = None,
    batch: Length | None = None,
    hidden: Length | None = None,
    trust: bool = False,
) -> None:
    """See into a graph: its stages, its history and what it costs.

    Args:
        graph: A model, the folder of a run, its name in runs/, or "latest".
        stage: What to list: written, gradient, rewritten or native; may be given several times.
        diff: Two stages, or two loops (scan unrolled), to compare.
        fold: Show what an unrolled loop repeats once, with how often.
        history: List the steps of rewriting.
        all_edits: In the history, show merges and constant folding too.
        rewrites: Show where the time of rewriting goes, by rewrite.
        cost: Show operations, bytes, and the time of each node, measured on the backend.
        memory: Show live bytes along the schedule.
        out: Write a file: .html (the page), .svg, .png, .dot or .json.
        loop: How the step is repeated in time: scan or unrolled.
        backend: What runs the graph: native, aesara or python.
        time: Characters in a sequence (T), of a model, by default its own; a run has its own.
        batch: Sequences in a batch (B), likewise.
        hidden: Units in the hidden state (H), likewise.
        trust: Of a run whose network is in a file: run the copy of it that the run keeps.
    """
    from graphrnn.display.terminal import console
    from graphrnn.inspection.inspector import Inspection
    from graphrnn.inspection.record.model_sources import model_source

    toolchain.start_aesara()
    _check_file(out)
    _allow(graph, trust)
    lengths = _given(time=time, batch=batch, hidden=hidden)

    def look(loop: str | None) -> Inspection:
        return Inspection(model_source(graph, lengths, loop=loop, backend=backend or "native"))

    with console(stderr=True).status(f"looking into {graph} ..."):
        inspection = look(loop)
        differences = _differences(inspection, diff, stage, look) if diff is not None else []
        reports = _reports(inspection, history, all_edits, rewrites, cost, memory)
        usual = [] if reports or out else [s for s in inspection.stages if s != "native"]
        names = (stage or usual) if diff is None else []
        texts = [*(inspection.text(s, folded=fold) for s in names), *reports]
        texts += _saved(inspection, out, stage)
    _print_differences(differences, diff)
    sys.stdout.write("\n".join(texts))


def _saved(inspection: "Inspection", out: Path | None, stage: list[str] | None) -> list[str]:
    """Write a file, if one is wanted, and return the line that says so."""
    if out is None:
        return []
    inspection.save(out, (stage or ["rewritten"])[-1])
    return [f"wrote {out}\n"]


def _allow(graph: str, trust: bool) -> None:
    """Let the file run that defines a run's network, where it is trusted."""
    from graphrnn.sampling.trust import admit_model

    admit_model(graph, trust=trust)


def _given(**lengths: int | None) -> dict[str, int]:
    """Return those lengths that were asked for."""
    return {name: n for name, n in lengths.items() if n is not None}


def _check_file(out: Path | None) -> None:
    """Refuse a file that cannot be written before any work is done.

    Raises:
        UserError: naming the file and the remedy.
    """
    from graphrnn.inspection.page.export import check_target

    if out is not None:
        check_target(out)


def _reports(
    inspection: "Inspection",
    history: bool,
    all_edits: bool,
    rewrites: bool,
    cost: bool,
    memory: bool,
) -> list[str]:
    """Write the tables that were asked for."""
    from graphrnn.inspection.costs.costs import count_costs
    from graphrnn.inspection.listing import tables

    reports = []
    if history or all_edits:
        edits = sum(len(each.edits) for each in inspection.histories)
        steps = inspection.steps(folded=not all_edits)
        reports.append(
            tables.history_text(inspection.title, steps, every=edits, folded=not all_edits)
        )
    if rewrites:
        reports.append(tables.timing_text(inspection.title, inspection.timing))
    if cost:
        timed = inspection.measured()
        counted = count_costs(timed.graph, machine=inspection.machine, measured=timed.seconds)
        reports.append(tables.cost_text(inspection.title, timed.graph, counted))
    if memory:
        reports.append(
            tables.memory_text(inspection.title, inspection.graph("rewritten"), inspection.memory())
        )
    return reports


def _differences(
    inspection: "Inspection",
    diff: tuple[str, str],
    stage: list[str] | None,
    look: "Callable[[str | None], Inspection]",
) -> "list[Difference]":
    """Compare two stages, or the same stage of two loops.

    Raises:
        UserError: the names are neither.
    """
    from graphrnn.graph.loops import LOOPS
    from graphrnn.inspection.listing.folding import compare
    from graphrnn.inspection.stages import STAGES

    if all(name in LOOPS for name in diff):
        at = (stage or ["rewritten"])[-1]
        a, b = (look(name).listing(at) for name in diff)
        return compare(a, b)
    if all(name in STAGES for name in diff):
        return inspection.diff(*diff)
    raise UserError(
        f"--diff: got {diff[0]!r} and {diff[1]!r}, needed two stages "
        f"({', '.join(STAGES)}) or two loops ({', '.join(LOOPS)})"
    )


def _print_differences(differences: "list[Difference]", diff: tuple[str, str] | None) -> None:
    """Print a comparison in colour, with what both share at its end."""
    if diff is None:
        return
    from graphrnn.display.terminal import console
    from graphrnn.inspection.listing.folding import summary

    from rich.text import Text

    screen = console()
    styles = {"-": "red", "+": "green", " ": ""}
    for line in differences:
        screen.print(Text(line.text, styles[line.sign]), soft_wrap=True)
    screen.print(summary(differences, *diff), soft_wrap=True)
