"""Writes a comparison: a table for the terminal, Markdown, JSON, and a picture of four panels."""

import json
from collections.abc import Iterator
from pathlib import Path

from graphrnn.comparison.conclusions import advice, baseline, break_even, growth
from graphrnn.comparison.forms import PHASES, Cell, Comparison, Steps
from graphrnn.runs.checkpoint import write_atomically

from rich.table import Table

MADE = (
    "T", "form", "nodes", "lines of C", "binary", *PHASES, "cold", "warm",
)  # fmt: skip
RUN = ("T", "form", "forward (ms)", "training (ms)", "spread", "peak (MB)", "break-even")


def _build_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield a row for each cell: what was built, and in how many seconds with an empty cache."""
    for cell in _in_order(comparison):
        build = cell.build
        if build is None:
            yield (str(cell.time), str(cell.form), *("",) * (len(MADE) - 2))
            continue
        yield (
            str(cell.time),
            str(cell.form),
            f"{build.nodes[0]:,} → {build.nodes[1]:,}",
            "" if build.lines is None else f"{build.lines:,}",
            "" if build.binary_bytes is None else f"{build.binary_bytes / 1e6:.2f} MB",
            *(f"{build.cold.get(name, 0):.2f}" for name in PHASES),
            f"{build.seconds:.2f}",
            f"{sum(build.warm.values()):.2f}",
        )


def _step_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield a row for each cell: what a step costs, or why it was not measured."""
    for cell in _in_order(comparison):
        steps = cell.training
        yield (
            str(cell.time),
            str(cell.form),
            _milliseconds(cell.forward),
            _milliseconds(steps),
            "" if steps is None else f"± {(steps.high - steps.low) / 2 / steps.median:.0%}",
            "" if cell.peak_bytes is None else f"{cell.peak_bytes / 1e6:,.0f}",
            cell.problem or _break_even_text(comparison, cell),
        )


def _in_order(comparison: Comparison) -> Iterator[Cell]:
    """Yield the cells by length, then in the order in which forms were requested."""
    for time in comparison.times():
        yield from (cell for cell in comparison.cells if cell.time == time)


def _milliseconds(steps: Steps | None) -> str:
    """Format a median."""
    return "" if steps is None else f"{1e3 * steps.median:.3f}"


def _break_even_text(comparison: Comparison, cell: Cell) -> str:
    """Describe how many steps repay the longer build."""
    first = baseline(comparison, cell)
    if first is None or first is cell:
        return ""
    steps = break_even(first, cell)
    if steps is None:
        return ""
    if steps == float("inf"):
        return "never"
    if steps < 0:
        return f"ahead until {-steps:,} steps"
    return "at once" if steps == 0 else f"{steps:,} steps"


def tables(comparison: Comparison) -> list[Table]:
    """Build the two tables for the terminal: what was built, and how it runs."""
    result = []
    for headings, rows in ((MADE, _build_rows(comparison)), (RUN, _step_rows(comparison))):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in headings:
            left = heading in ("form", "break-even")
            table.add_column(heading, justify="left" if left else "right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        result.append(table)
    return result


def growth_lines(comparison: Comparison) -> list[str]:
    """Return a line of exponents for each form."""
    lines = []
    for exponents in growth(comparison):
        parts = [
            f"{name} ~ T^{p:.2f}"
            for name, p in (
                ("build", exponents.build),
                ("step", exponents.training),
                ("memory", exponents.memory),
            )
            if p is not None
        ]
        if parts:
            lines.append(f"{exponents.form}: {', '.join(parts)}")
    return lines


def machine_line(comparison: Comparison) -> str:
    """Describe the machine that the figures were measured on."""
    m = comparison.machine
    return (
        f"{m['processor']} ({m['processors']} processors, {m['threads']} threads used), "
        f"{m['system']}, Python {m['python']}, graphrnn {m['graphrnn']}, aesara {m['aesara']}, "
        f"numpy {m['numpy']}, {m['compiler']}"
    )


BREAK_EVEN = (
    "Break-even: training steps that repay a longer build than that of the backend's first form."
)


def proof_line(comparison: Comparison) -> str:
    """Describe what was proved of the numbers, and what was not."""
    if not comparison.held:
        return "one form alone was run: its numbers were held against no other's"
    what = f"outputs, {comparison.gradients} gradients" if comparison.gradients else "outputs"
    line = (
        f"{what} and updated weights of all forms agree within "
        f"{comparison.tolerance:g} of the largest element of each tensor"
    )
    if not comparison.gradients:
        line += (
            "; gradients were not compared: name a scalar input `learning_rate`, and update "
            "weights by it"
        )
    return line


def conclusions(comparison: Comparison) -> list[str]:
    """Return lines on what was proved, how cost grows, and what to choose."""
    return [proof_line(comparison), *growth_lines(comparison), *advice(comparison)]


def _grid(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [headings, ("---",) * len(headings), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def markdown(comparison: Comparison) -> str:
    """Return the whole comparison in Markdown."""
    proof = proof_line(comparison).capitalize()
    lines = [f"**{comparison.title}**; {machine_line(comparison)}. {proof}.", ""]
    lines += ["Builds, in seconds by phase with an empty cache, and in all:", ""]
    lines += _grid(MADE, _build_rows(comparison))
    lines += ["", f"Steps (spread: half the distance of the quartiles). {BREAK_EVEN}", ""]
    lines += _grid(RUN, _step_rows(comparison))
    lines += ["", *(f"- {line}" for line in growth_lines(comparison)), ""]
    lines += [f"- {line}" for line in advice(comparison)]
    return "\n".join(lines) + "\n"


def save(comparison: Comparison, folder: Path) -> list[Path]:
    """Write `compare.json`, `compare.md` and `compare.png`, and return their paths.

    Raises:
        UserError: a file cannot be written.
    """
    from graphrnn.comparison.picture import draw

    paths = [folder / f"compare.{kind}" for kind in ("json", "md", "png")]
    write_atomically(paths[0], json.dumps(comparison.as_dict(), indent=1).encode())
    write_atomically(paths[1], markdown(comparison).encode())
    write_atomically(paths[2], draw(comparison))
    return paths
