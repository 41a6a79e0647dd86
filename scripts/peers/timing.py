"""Times contenders in turns, A B C A B C, each told to take one step at a time.

A turn is steps for 20 ms that are not counted, since processors take a while to run at their full
speed, some that are, and a rest: the threads of the one that has just finished still wait actively,
on the processors that the next one needs.
"""

import os
import time as clock
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any

from scripts.peers.contenders import OURS, Contender
from scripts.peers.pipes import PeerError, Process
from scripts.peers.work import Work

WARM, COUNTED = 0.02, 0.03
SLOW = 0.15
"""A step that takes longer is counted once a turn, others three times at least."""
AGREEING, TOLERANCE = 5, 1e-3
LEAST_TURNS = 3

Cell = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Allowed:
    """How long things may take, in seconds: one build, all turns of a workload."""

    build: float
    turns: float


def spread(times: Sequence[float]) -> Cell:
    """Return median and quartiles in milliseconds."""
    low, _, high = quantiles(times, n=4) if len(times) > 1 else (times[0],) * 3
    seconds = {"median": median(times), "low": low, "high": high}
    return {name: 1000 * value for name, value in seconds.items()} | {"steps": len(times)}


def begin(contender: Contender, start: Callable[[], Process], work: Work, seconds: float) -> Any:
    """Start a worker and build its step; returns the worker, or the cell that says why not."""
    began = clock.perf_counter()
    try:
        process = start()
    except PeerError as error:
        return {"status": "absent", "why": str(error)}
    try:
        hello = process.ask("hello", seconds=60)
    except PeerError as error:
        process.close()
        return {"status": "absent", "why": str(error)}
    try:
        answer = process.ask("build", seconds=seconds, work=asdict(work))
    except PeerError as error:
        process.close()
        status = "over budget" if "budget" in str(error) else "failed"
        return {"status": status, "why": str(error), "versions": hello["versions"]}
    took = clock.perf_counter() - began
    cell = {"build": took, "losses": [answer["loss"]], "versions": hello["versions"]}
    return process, cell | {"imports": hello["peak"]}


def compare(
    work: Work,
    contenders: Sequence[Contender],
    start: Callable[[Contender], Process],
    allowed: Allowed,
    say: Say,
    cells: dict[str, Cell],
) -> None:
    """Build every contender, hold its losses against ours, and time those that agree, in turns.

    The results go into `cells` as they come, so that an interruption loses none.
    """
    say(f"{work}: building {len(contenders)}")
    all_started: list[Process] = []
    running: dict[str, Process] = {}
    times: dict[str, list[float]] = {}

    def begun(contender: Contender) -> Any:
        def noted() -> Process:
            process = start(contender)
            all_started.append(process)
            return process

        return begin(contender, noted, work, allowed.build)

    # Nothing is timed while they build, so one builds on each processor.
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for contender, result in zip(contenders, pool.map(begun, contenders), strict=True):
            if isinstance(result, dict):
                cells[contender.name] = result
                say(f"{work}: {contender.name} {result['status']}: {result['why']}")
            else:
                running[contender.name], cells[contender.name] = result
        agree(running, cells)
        say(f"{work}: timing {', '.join(running)}")
        times.update({name: [] for name in running})
        in_turns(running, cells, times, allowed.turns)
    finally:
        for name, process in running.items():
            if times.get(name):
                cells[name] |= spread(times[name]) | {"status": "timed"}
                with suppress(PeerError):
                    cells[name] |= process.ask("peak")
        for process in all_started:
            process.close()
        pool.shutdown(wait=True, cancel_futures=True)
    for name in running:
        steps = f"{cells[name]['median']:.3f} ms" if "median" in cells[name] else ""
        say(f"{work}: {name} {steps}")


def agree(running: dict[str, Process], cells: dict[str, Cell]) -> None:
    """Take five steps with each; who fails or has other losses than ours is not timed."""
    for name in list(running):
        try:
            losses = cells[name]["losses"]
            losses += [running[name].ask("step")["loss"] for _ in range(AGREEING - len(losses))]
        except PeerError as error:
            cells[name] |= {"status": "failed", "why": str(error)}
            running.pop(name).close()
    if OURS not in running:
        for name, process in running.items():
            cells[name] |= {"status": "failed", "why": "there is nothing of ours to hold it to"}
            process.close()
        running.clear()
        return
    ours = cells[OURS]["losses"]
    for name in list(running):
        theirs = cells[name]["losses"]
        if not same(ours, theirs):
            why = f"after {AGREEING} steps its loss is {theirs[-1]:g}, ours {ours[-1]:g}"
            cells[name] |= {"status": "differs", "why": why}
            running.pop(name).close()


def same(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Return whether losses are equal at 1e-3, each to each.

    Example:
        >>> same([2.0, 1.0], [2.0005, 1.0]), same([2.0, 1.0], [2.0, 1.002])
        (True, False)
        >>> same([float("nan")], [float("nan")])
        False
    """
    return all(abs(a - b) <= TOLERANCE * abs(a) for a, b in zip(ours, theirs, strict=True))


def in_turns(
    running: dict[str, Process],
    cells: dict[str, Cell],
    times: dict[str, list[float]],
    seconds: float,
) -> None:
    """Let each take its turn until the time is over, and at least three times."""
    for process in running.values():
        process.rest()
    began, turns = clock.perf_counter(), 0
    while running and (turns < LEAST_TURNS or clock.perf_counter() - began < seconds):
        for name in list(running):
            try:
                times[name] += one_turn(running[name])
            except PeerError as error:
                cells[name] |= {"status": "failed", "why": str(error)}
                running.pop(name).close()
        turns += 1


def one_turn(process: Process) -> list[float]:
    """Warm up, take steps that count, rest, and give their seconds."""

    def step() -> float:
        return float(process.ask("step")["took"])

    warm = 0.0
    while warm < WARM:
        last = step()
        warm += last
    least = 1 if last > SLOW else 3
    counted: list[float] = []
    while len(counted) < least or sum(counted) < COUNTED:
        counted.append(step())
    process.rest()
    return counted
