"""Makes tables of what the benchmark has found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from scripts.peers import work as works
from scripts.peers.contenders import CONTENDERS, OURS
from scripts.peers.work import Product, Work

from rich.table import Table

Results = dict[str, Any]
OWN = tuple(contender.name for contender in CONTENDERS if contender.name.startswith(OURS))
FAMILIES = {
    "PyTorch": ("PyTorch",),
    "torch.compile": ("PyTorch, torch.compile",),
    "JAX": ("JAX",),
    "Keras": ("Keras on PyTorch", "Keras on JAX"),
    "PyTensor": ("PyTensor, Numba", "PyTensor, C"),
    "stock Aesara": ("stock Aesara",),
}
SHORT = {
    "Keras on PyTorch": "on PyTorch",
    "Keras on JAX": "on JAX",
    "PyTensor, Numba": "Numba",
    "PyTensor, C": "C",
}


@dataclass(frozen=True)
class Section:
    """A table with its title and what is to be said below it."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many digits that count, and never as a power of ten.

    Example:
        >>> number(0.15372), number(40.612), number(1234.5), number(None)
        ('0.154', '40.6', '1234', '')
    """
    if value is None:
        return ""
    places = max(0, digits - len(str(int(abs(value)))) + (abs(value) < 1))
    return f"{value:.{min(places, digits)}f}"


def median_of(cells: Results, name: str) -> float | None:
    """Return the median of a contender in milliseconds, None where it was not timed."""
    value: float | None = cells.get(name, {}).get("median")
    return value


def best_of(cells: Results, names: Sequence[str]) -> tuple[str, float] | None:
    """Return the fastest of some contenders."""
    timed = [(cells[n]["median"], n) for n in names if "median" in cells.get(n, {})]
    return (min(timed)[1], min(timed)[0]) if timed else None


def limit_of(results: Results, work: Work) -> tuple[float, str] | None:
    """Return the least milliseconds that a step can take here, and what bounds it."""
    measured = results.get("limits", {})
    rates = {tuple(shape): rate for shape, rate in measured.get("rates", [])}
    if not all(size in rates for _, size in works.products(work)):
        return None

    def rate(size: Product) -> float:
        return float(rates[size])

    seconds, bound = works.limit(work, rate, measured["bandwidth"])
    return 1000 * seconds, bound


def sections_of(results: Results) -> list[Section]:
    """Make every table of which something was measured."""
    made = [who(results), *(_workload(results, row) for row in results.get("works", []))]
    made += [overview(results), own_forms(results), growth(results), starts(results)]
    made += [writing(results), epoch(results), memory(results), quality(results)]
    return [section for section in made if section.rows]


def _workload(results: Results, row: Results) -> Section:
    """All contenders of one workload, the fastest first."""
    cells, limit = row["cells"], limit_of(results, Work(**row["work"]))
    ours = median_of(cells, OURS)
    rows = []
    for name, cell in sorted(cells.items(), key=lambda item: item[1].get("median", 1e9)):
        if "median" not in cell:
            status = f"{cell.get('status', 'not timed')}: {cell.get('why', '')}"[:120]
            rows.append((name, status, "", "", "", "", ""))
            continue
        took = cell["median"]
        share = f"{limit[0] / took:.0%}" if limit else ""
        rows.append((
            name, number(took), f"{number(cell['low'])} to {number(cell['high'])}",
            f"{took / ours:.2f}" if ours else "", share, number(cell["build"], 2),
            f"{cell.get('peak', 0):.0f}",
        ))  # fmt: skip
    note = f"limit: {number(limit[0])} ms, bound by {limit[1]}" if limit else ""
    headings = ("step", "ms", "quartiles", "by graphrnn's", "of limit", "build (s)", "peak (MB)")
    return Section(row["name"], headings, rows, note)


def overview(results: Results) -> Section:
    """A line for each workload, a column for each family of peers, at its best here."""
    rows = []
    for row in results.get("works", []):
        cells, limit = row["cells"], limit_of(results, Work(**row["work"]))
        ours = median_of(cells, OURS)
        if ours is None:
            continue
        columns = [row["name"], f"{number(ours)}"]
        for family, names in FAMILIES.items():
            columns.append(_against(cells, names, ours, family))
        columns += [number(limit[0]), f"{limit[0] / ours:.0%}"] if limit else ["", ""]
        rows.append(tuple(columns))
    ratios = ["geometric mean of ratios", ""]
    for names in FAMILIES.values():
        known = [
            best[1] / row["cells"][OURS]["median"]
            for row in results.get("works", [])
            if median_of(row["cells"], OURS) and (best := best_of(row["cells"], names))
        ]
        ratios.append(f"({exp(sum(map(log, known)) / len(known)):.2f})" if known else "")
    if rows:
        rows.append((*ratios, "", ""))
    headings = ("training step, ms (ratio to graphrnn)", OURS, *FAMILIES, "limit", "of limit")
    return Section("All workloads", headings, rows)


def _against(cells: Results, names: Sequence[str], ours: float, family: str) -> str:
    """Write the best of a family beside ours, or why there is none."""
    best = best_of(cells, names)
    if best is None:
        statuses = {cells[name].get("status", "") for name in names if name in cells}
        return ", ".join(sorted(statuses - {""}))
    which = f", {SHORT[best[0]]}" if best[0] in SHORT else ""
    return f"{number(best[1])} ({best[1] / ours:.2f}{which})"


def own_forms(results: Results) -> Section:
    """The same network in each backend and loop form of ours."""
    rows = []
    for row in results.get("works", []):
        medians = [number(median_of(row["cells"], name)) for name in OWN]
        rows += [(row["name"], *medians)] if any(medians) else []
    return Section("graphrnn in each form, ms", ("training step", *OWN), rows)


def growth(results: Results) -> Section:
    """Steps as a size grows."""
    rows = []
    for point in results.get("growth", []):
        cells = point["cells"]
        ours = median_of(cells, OURS)
        if ours is None:
            continue
        others = [_against(cells, (name,), ours, name) for name in ("PyTorch", "JAX")]
        rows.append((str(Work(**point["work"])), number(ours), *others))
    return Section("Growth, ms (ratio to graphrnn)", ("step", OURS, "PyTorch", "JAX"), rows)


def starts(results: Results) -> Section:
    """From the start of a process to the end of its first step."""
    rows = [
        (work, name, number(cell.get("cold"), 2), number(cell.get("warm"), 2), cell.get("why", ""))
        for work, cells in results.get("starts", {}).items()
        for name, cell in cells.items()
    ]
    title = "From the start of a process to the end of its first step"
    return Section(title, ("network", "", "cold cache (s)", "warm (s)", ""), rows)


def writing(results: Results) -> Section:
    """Characters written in a second."""
    section = results.get("writing", {})
    rows = [
        (name, number(cell.get("median", 0) / 1000 or None),
         f"{1000 * section['characters'] / cell['median']:,.0f}"
         if "median" in cell else cell["why"])
        for name, cell in section.get("cells", {}).items()
    ]  # fmt: skip
    title = f"Writing {section.get('characters', 0):,} characters, LSTM, H=512"
    return Section(title, ("", "s", "characters a second"), rows)


def epoch(results: Results) -> Section:
    """The wall clock of an epoch."""
    section = results.get("epoch", {})
    rows = [
        (name, number(cell.get("seconds")), number(cell.get("build"), 2), number(cell.get("loss")))
        if "seconds" in cell else (name, cell["why"], "", "")
        for name, cell in section.get("cells", {}).items()
    ]  # fmt: skip
    title = (
        f"theano_rnn, {section.get('sequences', 0):,} sequences "
        f"({section.get('share', 0):g} epochs) by the wall clock, start and build included"
    )
    headings = ("", "s in all", "s of these until the first step", "error of the last thousand")
    return Section(title, headings, rows)


def memory(results: Results) -> Section:
    """The largest resident size of each process."""
    rows = []
    for row in results.get("works", []):
        cells = row["cells"]
        peaks = [
            f"{cells[name]['peak']:.0f}" if "peak" in cells.get(name, {}) else ""
            for name in (OURS, "PyTorch", "JAX", "Keras on JAX", "stock Aesara")
        ]
        rows += [(row["name"], *peaks)] if any(peaks) else []
    headings = ("step", OURS, "PyTorch", "JAX", "Keras on JAX", "stock Aesara")
    return Section("Memory, peak of the process (MB)", headings, rows)


def quality(results: Results) -> Section:
    """Held-out loss after the same training."""
    section = results.get("quality", {})
    rows = [
        (name, f"{cell['held_out']:.4f}", number(cell["seconds"]))
        if "held_out" in cell else (name, cell["why"], "")
        for name, cell in section.get("cells", {}).items()
    ]  # fmt: skip
    characters = section.get("characters", 0)
    title = f"Equal work: {section.get('work', '')}, Adam, {characters:,} characters"
    return Section(title, ("", "held-out loss (nats per character)", "s in all"), rows)


def who(results: Results) -> Section:
    """Versions of those that took part, reasons of those that did not."""
    rows = list(results.get("versions", {}).items())
    for row in results.get("works", []):
        for name, cell in row["cells"].items():
            if cell.get("status") == "absent" and (name, f"absent: {cell['why']}") not in rows:
                rows.append((name, f"absent: {cell['why']}"))
    machine = results["machine"]
    head = (
        f"{machine['processor']}, {machine['processors']} processors, threads of each: "
        f"{machine['threads']}, {machine['system']}, {machine['date']}, load at the start "
        f"{machine['load']:.1f}"
    )
    return Section(head, ("who", "version"), rows)


def rich_table(section: Section) -> Table:
    """Build a table for the terminal."""
    table = Table(*section.headings, title=section.title, caption=section.note or None)
    for row in section.rows:
        table.add_row(*row)
    return table


def markdown(section: Section) -> str:
    """Build a table in Markdown.

    Example:
        >>> print(markdown(Section("Title", ("a", "b"), [("1", "2")])))
        | a | b |
        | --- | --- |
        | 1 | 2 |
    """
    rows: Iterable[Sequence[str]] = (
        section.headings, ["---"] * len(section.headings), *section.rows
    )  # fmt: skip
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
