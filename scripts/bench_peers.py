"""Measures graphrnn against what a user would pick instead, on the same work: `make bench`.

Every peer is a process of its own that takes one step at a time when it is told, in turns, with
equal threads, from the same weights and on the same batch. It is timed when its loss after five
steps is ours at 1e-3. `--quick` takes under 5 minutes, the whole under 30; Ctrl-C keeps what was
measured. Results go to runs/bench: results.json, results.md and pictures; `--readme` makes the
README's section from them.
"""

import argparse
import json
import sys
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from graphrnn.display.terminal import console
from graphrnn.errors import UserError
from graphrnn.native.runtime.threads import default_threads
from graphrnn.runs.checkpoint import write_atomically
from scripts.peers import readme, report, sections, tables
from scripts.peers.contenders import BY_NAME, CONTENDERS, OURS, Contender
from scripts.peers.pipes import Process
from scripts.peers.sections import LESSON, MIDDLE
from scripts.peers.timing import Allowed, compare
from scripts.peers.verdicts import equal_work, verdict
from scripts.peers.work import Work

from rich.console import Console

WORKS = (
    LESSON,
    Work("rnn", 64, 8, 256),
    MIDDLE,
    Work("rnn", 64, 64, 256),
    Work("gru", 64, 64, 256),
    Work("lstm", 64, 40, 512, layers=2, dropout=0.2),
)
GROWTH = {
    "T": [Work("lstm", 64, time, 256) for time in (8, 16, 32, 64, 128, 256, 512)],
    "H": [Work("lstm", 64, 64, hidden) for hidden in (64, 128, 256, 512, 1024)],
    "B": [Work("lstm", batch, 64, 256) for batch in (1, 4, 16, 64, 256)],
}
GROWING = (OURS, "PyTorch", "JAX")
QUICK = ("PyTorch", "JAX", "Keras on JAX", "graphrnn, by 4", OURS)


@dataclass(frozen=True)
class Plan:
    """How much is measured: minutes in all, seconds of a build, of the turns of a workload.

    `reserve` are the seconds that workloads must leave for what is measured after them.
    """

    minutes: float
    build: float
    turns: float
    reserve: float
    works: tuple[Work, ...] = WORKS
    growth: dict[str, list[Work]] = field(default_factory=lambda: GROWTH)
    epoch: float = 1.0
    quality_steps: int = 300
    characters: int = 10_000
    products: float = 10.0
    starters: tuple[str, ...] = sections.STARTERS
    runners: tuple[str, ...] = sections.RUNNERS
    all_everywhere: bool = True


FULL = Plan(minutes=28.5, build=100, turns=20, reserve=600)
FAST = Plan(
    minutes=4.6,
    build=25,
    turns=4,
    reserve=110,
    works=WORKS[:3],
    growth={"T": [Work("lstm", 64, time, 256) for time in (16, 128)]},
    epoch=0.1,
    quality_steps=60,
    characters=2_000,
    products=3.0,
    starters=GROWING,
    runners=GROWING,
    all_everywhere=False,
)
BUSY = 0.7
"""The load above which a run warns that something else is running."""
SECTIONS = ("limits", "works", "growth", "writing", "quality", "starts", "epoch")


class Run:
    """One run: what it may take, what it has found, where it keeps that."""

    def __init__(self, plan: Plan, threads: int, out: Path, peers: Sequence[Contender]) -> None:
        self.plan, self.threads, self.out = plan, threads, out
        self.peers = peers
        self.began = clock.perf_counter()
        self.screen = console()
        self.results: dict[str, Any] = {
            "machine": sections.machine(threads),
            "works": [],
            "versions": {},
        }

    def go_on(self) -> None:
        """Take over what a run before this one has measured, for the sections that are not asked.

        Raises:
            UserError: what is there is no such run.
        """
        kept = self.out / "results.json"
        if kept.exists():
            results = readme.load(kept)
            self.results = (
                results
                | {"works": results["works"]}
                | {name: self.results[name] for name in ("machine", "quick")}
            )

    def left(self) -> float:
        """Seconds until the run must end."""
        return 60 * self.plan.minutes - (clock.perf_counter() - self.began)

    def say(self, text: str) -> None:
        """Describe how far it is, with the time."""
        took = clock.perf_counter() - self.began
        self.screen.print(f"{took:6.0f} s  {text}", markup=False, highlight=False, soft_wrap=True)

    def start(self, contender: Contender, cache: Path | None = None) -> Process:
        """Start a worker."""
        log = self.out / "logs" / f"{contender.name.replace(' ', '_')}.txt"
        return Process(contender, self.threads, log, cache)

    def allowed(self, reserve: float = 0.0) -> Allowed:
        """Return what a workload may take, no more than what is left for it."""
        left = max(1.0, self.left() - reserve)
        return Allowed(min(self.plan.build, left), min(self.plan.turns, left))

    def taking(self, names: Sequence[str]) -> list[Contender]:
        """Keep those that take part."""
        return [BY_NAME[name] for name in names if BY_NAME[name] in self.peers]

    def works(self) -> None:
        """Time the steps of every workload."""
        self.results["works"] = []
        for work in self.plan.works:
            if self.left() - self.plan.reserve < 15:
                self.say(f"{work}: out of time")
                return
            taking = [c for c in self.peers if work.time <= c.longest]
            if not (self.plan.all_everywhere or work == LESSON):
                taking = [c for c in taking if c.name in QUICK]
            cells: dict[str, Any] = {}
            self.results["works"].append({"name": str(work), "work": asdict(work), "cells": cells})
            compare(work, taking, self.start, self.allowed(self.plan.reserve), self.say, cells)
            known = {name: c["versions"] for name, c in cells.items() if "versions" in c}
            self.results["versions"] |= known
            self.keep()

    def growth(self) -> None:
        """Time steps of ours, PyTorch's and JAX's as a size grows."""
        points: list[dict[str, Any]] = []
        self.results["growth"] = points
        seen: dict[Work, dict[str, Any]] = {}
        for axis, works in self.plan.growth.items():
            for work in works:
                if work not in seen:
                    if self.left() < 15:
                        self.say("growth: out of time")
                        return
                    seen[work] = {}
                    allowed = Allowed(self.allowed().build, min(4.0, self.allowed().turns))
                    taking = self.taking(GROWING)
                    compare(work, taking, self.start, allowed, self.say, seen[work])
                points.append({"axis": axis, "work": asdict(work), "cells": seen[work]})
                self.keep()

    def section(self, name: str) -> None:
        """Measure one section."""
        plan = self.plan
        results: dict[str, Any] = {}
        tools = (self.start, self.left, self.say, results)
        doing: dict[str, Callable[[], Any]] = {
            "limits": lambda: results.update(
                sections.limits(plan.works, self.start, plan.products, self.say)
            ),
            "works": self.works,
            "writing": lambda: sections.writing(
                self.taking(sections.WRITERS), plan.characters, self.start, self.say, results
            ),
            "starts": lambda: sections.starts(self.taking(plan.starters), plan.build, *tools),
            "epoch": lambda: sections.epoch(self.taking(plan.runners), plan.epoch, *tools),
            "quality": lambda: sections.quality(plan.quality_steps, *tools),
            "growth": self.growth,
        }
        if name not in ("works", "growth"):
            self.results[name] = results
        doing[name]()
        self.keep()

    def keep(self) -> None:
        """Write what is known."""
        write_atomically(self.out / "results.json", json.dumps(self.results, indent=1).encode())


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Write it and leave."""
        sys.stderr.write(f"bench: {message}\n")
        raise SystemExit(2)


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 5 minutes, not under 30")
    parser.add_argument("--readme", action="store_true", help="measure nothing; write the README")
    parser.add_argument("--budget", type=_positive, help="seconds that one build may take")
    parser.add_argument("--minutes", type=_positive, help="minutes that all may take")
    parser.add_argument("--threads", type=_count, default=default_threads())
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION",
                        help=f"sections to measure: {', '.join(SECTIONS)}")  # fmt: skip
    parser.add_argument("--peers", nargs="+", choices=list(BY_NAME), metavar="NAME",
                        help=f"who takes part: {'; '.join(BY_NAME)}")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder of results")
    return parser.parse_args(words)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e5:
        raise argparse.ArgumentTypeError(f"got {text}, needed more than 0")
    return value


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text}, needed at least 1")
    return int(text)


def measured(arguments: argparse.Namespace) -> Run:
    """Measure what is asked; an interruption ends it early, with all that it has."""
    plan = FAST if arguments.quick else FULL
    changes = {"minutes": arguments.minutes, "build": arguments.budget}
    given = {name: value for name, value in changes.items() if value}
    plan = Plan(**(vars(plan) | given))
    wanted = arguments.peers or list(BY_NAME)
    run = Run(plan, arguments.threads, arguments.out, [c for c in CONTENDERS if c.name in wanted])
    run.results["quick"] = arguments.quick
    if len(arguments.only) < len(SECTIONS):
        run.go_on()
    load = run.results["machine"]["load"]
    if load > BUSY:
        run.say(f"this machine is busy (load {load:.1f}): its figures will say little")
    try:
        for name in SECTIONS:
            if name not in arguments.only:
                continue
            if run.left() < 10:
                run.say(f"{name}: out of time")
                continue
            run.section(name)
    except KeyboardInterrupt:
        run.say("interrupted: what was measured is kept")
        run.results["interrupted"] = True
    run.results["seconds"] = clock.perf_counter() - run.began
    run.keep()
    return run


def main(words: Sequence[str] | None = None) -> None:
    """Measure and report, or write the README."""
    arguments = parsed(words)
    try:
        if arguments.readme:
            readme.write(arguments.out / "results.json", Path("scripts/peers/README.md"))
            return
        run = measured(arguments)
        wide = Console(width=None if run.screen.is_terminal else 150)
        for section in tables.sections_of(run.results):
            wide.print(tables.rich_table(section))
        wide.print(verdict(run.results), equal_work(run.results), highlight=False)
        report.write(run.results, arguments.out)
        run.screen.print(f"results  {arguments.out / 'results.json'}, results.md, pictures")
    except UserError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise SystemExit(2) from None
    if run.results.get("interrupted"):
        raise SystemExit(130)


if __name__ == "__main__":
    main()
