"""Writes the README's section of figures from what the benchmark has found."""

import json
from pathlib import Path
from typing import Any

from graphrnn.errors import UserError, reason
from graphrnn.runs.checkpoint import write_atomically
from scripts.peers import report, tables
from scripts.peers.verdicts import equal_work, verdict

BEGIN = "<!-- made by `make bench` and `make bench-readme`: begin -->"
END = "<!-- end of what `make bench-readme` makes -->"
PICTURES = Path("../pictures")
DRAWN = {"bench_steps.png": report.draw_steps, "bench_growth.png": report.draw_growth}


def write(results: Path, page: Path) -> None:
    """Put the figures of a run between the two markers of a page, and its pictures beside it.

    Raises:
        UserError: there is no run, it cannot be read, or the page has no such markers.
    """
    stored = load(results)
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{page}: {reason(error)}; run this from the top folder") from error
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise UserError(f"{page}: needed one {BEGIN!r} and one {END!r} after it")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{page}: needed {END!r} after {BEGIN!r}, got it before")
    drawn = [name for name, draw in DRAWN.items() if _draw(stored, page.parent, name, draw)]
    made = section(stored, drawn)
    write_atomically(page, f"{before}{BEGIN}\n\n{made}\n\n{END}{after}".encode())


def load(path: Path) -> dict[str, Any]:
    """Read the results of a run.

    Raises:
        UserError: there are none, or they are no JSON of ours.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {reason(error)}; run `make bench` first") from error
    except ValueError as error:
        raise UserError(f"{path}: is no JSON; run `make bench` anew") from error
    if not isinstance(stored, dict) or not {"machine", "works"} <= stored.keys():
        raise UserError(f"{path}: holds no results of the benchmark; run `make bench` anew")
    return stored


def _draw(results: dict[str, Any], folder: Path, name: str, draw: Any) -> bool:
    """Write a picture if there is something to draw."""
    picture = draw(results)
    if picture is None:
        return False
    write_atomically(folder / PICTURES / name, picture)
    return True


def section(results: dict[str, Any], pictures: list[str]) -> str:
    """Write the section: the machine, the tables, and where a peer wins."""
    machine = results["machine"]
    kind = "`make bench ARGS=--quick`" if results.get("quick") else "`make bench`"
    head = (
        f"{kind} on {machine['processor']}, {machine['processors']} processors, "
        f"{machine['threads']} threads each, {machine['system']}, {machine['date']}; float32. "
        f"The load when it began was {machine['load']:.1f}."
    )
    parts = [head, verdict(results), equal_work(results)]
    named = dict(zip(DRAWN, ("Steps, shortest on top", "Steps as a size grows"), strict=True))
    for made in (
        tables.overview, tables.own_forms, tables.growth, tables.starts, tables.writing,
        tables.epoch, tables.memory, tables.quality, tables.who,
    ):  # fmt: skip
        table = made(results)
        if table.rows:
            title = "Who took part" if made is tables.who else table.title
            parts += [f"**{title}**", tables.markdown(table)]
    parts += [f"![{named[name]}]({PICTURES / name})" for name in pictures]
    return "\n\n".join(part for part in parts if part)
