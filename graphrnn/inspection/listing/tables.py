"""Formats costs, memory, history and time by rewrite as tables for a terminal."""

from collections.abc import Iterator, Sequence

from graphrnn.inspection.costs.costs import Cost, Costs, Moment
from graphrnn.inspection.listing.lines import WIDTH
from graphrnn.inspection.record.graph import Graph, Node
from graphrnn.inspection.record.names import Names
from graphrnn.inspection.rewriting.history import GraphHistory, Step
from graphrnn.inspection.rewriting.timing import Timing


def cost_text(title: str, graph: Graph, costs: Costs) -> str:
    """Return a table of the cost of each node, in evaluation order, and the totals."""
    measured = any(cost.measured for cost in costs.rows.values())
    how = "measured" if measured else "modelled"
    head = ("node", "operations", "bytes", "us", "share", "bound by")
    rows = [head, *_cost_rows(graph, Names(graph), costs, 0)]
    lines = [f"{title}, cost of one call (time {how})", *_aligned(rows, left=(0, 5))]
    lines.append(
        f"total: {costs.flops:,} operations ({costs.products:,} in products), "
        f"{costs.bytes:,} bytes, {costs.seconds * 1e6:,.1f} us {how}"
    )
    if costs.unknown:
        lines.append(f"{costs.unknown} nodes have costs that depend on the data")
    if costs.machine is not None:
        lines.append(
            f"this machine: {costs.machine.flops / 1e9:,.0f} GFLOP/s in a product, "
            f"{costs.machine.bytes / 1e9:,.1f} GB/s copying main memory"
        )
    return "\n".join(lines) + "\n"


def _cost_rows(graph: Graph, names: Names, costs: Costs, depth: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each node that costs anything; a loop's body follows its row."""
    for node in graph.nodes:
        cost = costs.rows[node]
        if not (cost.flops or cost.bytes or cost.seconds or cost.flops is None):
            continue
        yield _cost_row(node, "  " * depth + names.of(node.outputs[0]), cost, costs)
        if node.body is not None:
            yield from _cost_rows(node.body, names.bodies[node], costs, depth + 1)


def _cost_row(node: Node, name: str, cost: Cost, costs: Costs) -> tuple[str, ...]:
    """Return the row of one node."""
    share = (cost.seconds or 0) / costs.seconds if costs.seconds else 0
    times = "" if cost.runs in (None, 1) else f" (in {cost.runs} runs)"
    return (
        f"{name}{times}"[:40],
        "?" if cost.flops is None else f"{cost.flops:,}",
        "?" if cost.bytes is None else f"{cost.bytes:,}",
        "" if cost.seconds is None else f"{cost.seconds * 1e6:,.1f}",
        f"{share:.1%}",
        "its body" if node.body is not None else cost.bound,
    )


def memory_text(title: str, graph: Graph, moments: Sequence[Moment]) -> str:
    """Return a table of the live bytes along the schedule, with bars."""
    names = Names(graph)
    peak = max((moment.live for moment in moments), default=0)
    rows = [("node", "makes", "live", "", "")]
    for moment in moments:
        bar = "#" * round(24 * moment.live / peak) if peak else ""
        how = "" if moment.how == "new" else moment.how
        name = names.of(moment.node.outputs[0])
        rows.append((name, f"{moment.made:,}", f"{moment.live:,}", how, bar))
    views = sum(moment.how == "view" for moment in moments)
    in_place = sum(moment.how == "in place" for moment in moments)
    head = f"{title}, memory along the schedule (inputs and weights not counted)"
    foot = f"peak {peak:,} bytes; {views} views, {in_place} in place"
    return "\n".join([head, *_aligned(rows, left=(0, 3, 4)), foot]) + "\n"


def history_text(
    title: str, steps: Sequence[tuple[GraphHistory, Step]], *, every: int, folded: bool
) -> str:
    """Return a table of the history of rewrites, one row for each step."""
    rows = [("step", "graph", "rewrite", "edits", "new", "gone", "ms")]
    for k, (history, step) in enumerate(steps, 1):
        rows.append(
            (
                str(k),
                history.title.replace(title, "outer")[:18],
                step.rewrite[:44] if not step.fold else f"{step.rewrite[:30]} ({step.fold})",
                str(step.last - step.first),
                str(len(step.added)),
                str(len(step.removed)),
                f"{step.seconds * 1e3:.2f}",
            )
        )
    head = f"{title}, history of rewrites: {every:,} edits in {len(steps)} steps"
    head += ", merges and constants folded away" if folded else ""
    return "\n".join([head, *_aligned(rows, left=(1, 2))]) + "\n"


def timing_text(title: str, timing: Timing, most: int = 25) -> str:
    """Return a table of the time of rewriting; the parts sum to the whole."""
    rows = [("phase", "rewrite", "ms", "share", "tried")]
    total = timing.total or 1.0
    parts = timing.rewrites()
    for part in parts[:most]:
        share = f"{part.seconds / total:.1%}"
        calls = f"{part.calls:,}"
        rows.append(
            (part.phase[:24], part.rewrite[:40], f"{part.seconds * 1e3:,.1f}", share, calls)
        )
    rest = sum(part.seconds for part in parts[most:])
    rows.append(
        ("", f"{max(0, len(parts) - most)} more", f"{rest * 1e3:,.1f}", f"{rest / total:.1%}", "")
    )
    outside = timing.outside
    rows.append(("", "no rewrite: copying", f"{outside * 1e3:,.1f}", f"{outside / total:.1%}", ""))
    rows.append(("", "whole", f"{timing.total * 1e3:,.1f}", "100.0%", ""))
    return "\n".join([f"{title}, time of rewriting", *_aligned(rows, left=(0, 1))]) + "\n"


def _aligned(rows: Sequence[tuple[str, ...]], left: tuple[int, ...]) -> list[str]:
    """Format rows in columns; those in `left` are aligned to the left, others to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            f"{cell:<{width}}" if k in left else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip()[:WIDTH])
    return lines
