"""What is measured besides steps: starts, an epoch, writing, quality, the machine's limits."""

import os
import tempfile
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graphrnn.comparison.measure import processor
from graphrnn.data import batches
from graphrnn.data.text import Vocabulary, load_corpus, split
from graphrnn.inspection.costs.machine import copy_rate
from scripts.peers.contenders import BY_NAME, OURS, Contender
from scripts.peers.pipes import PeerError, Process
from scripts.peers.timing import Say, same, spread
from scripts.peers.work import Product, Work, products

import numpy as np

Start = Callable[..., Process]
Results = dict[str, Any]

LESSON = Work("rnn", 1, 8, 256, one_hot=True, symbols=104)
MIDDLE = Work("lstm", 64, 64, 256)
WRITING = Work("lstm", 1, 1, 512)
STARTERS = (OURS, "graphrnn --backend aesara", "PyTorch", "JAX")
WRITERS = (OURS, "PyTorch", "JAX")
RUNNERS = (OURS, "graphrnn --backend aesara", "PyTorch", "JAX", "stock Aesara")
HELD_OUT = 0.1
WRITING_TURNS = 3


def limits(works: Sequence[Work], start: Start, seconds: float, say: Say) -> Results:
    """Measure bandwidth, and for each shape of product the best rate that any library reaches."""
    shapes = sorted({size for work in works for _, size in products(work)})
    say(f"limits: the bandwidth and {len(shapes)} matrix products")
    each = seconds / len(shapes)
    best: dict[Product, float] = {}
    for name in (OURS, "PyTorch"):
        try:
            process = start(BY_NAME[name])
        except PeerError:
            continue
        try:
            process.ask("hello")
            answer = process.ask("products", seconds=300, shapes=shapes, seconds_each=each)
            for shape, rate in zip(shapes, answer["rates"], strict=True):
                best[shape] = max(rate, best.get(shape, 0.0))
        except PeerError as error:
            say(f"limits: {name}: {error}")
        finally:
            process.close()
    return {"bandwidth": copy_rate(), "rates": [[list(s), rate] for s, rate in best.items()]}


def starts(
    taking: Sequence[Contender],
    budget: float,
    start: Start,
    left: Callable[[], float],
    say: Say,
    out: Results,
) -> None:
    """Time the way from the start of a process to the end of its first step, cold and warm."""
    for work in (LESSON, MIDDLE):
        row = out.setdefault(str(work), {})
        for contender in taking:
            name = contender.name
            row[name] = {}
            with tempfile.TemporaryDirectory() as folder:
                for kind in ("cold", "warm"):
                    if left() < 5:
                        row[name]["why"] = "out of time"
                        break
                    try:
                        row[name][kind] = _start(name, start, work, Path(folder), budget)
                    except PeerError as error:
                        row[name]["why"] = str(error)
                        break
            say(f"start, {work}: {name} {row[name]}")


def _start(name: str, start: Start, work: Work, cache: Path, budget: float) -> float:
    """Start once with a cache of its own; returns seconds."""
    process = start(BY_NAME[name], cache=cache)
    try:
        process.ask("build", seconds=budget, work=asdict(work))
        return clock.perf_counter() - process.started
    finally:
        process.close()


def epoch(
    taking: Sequence[Contender],
    share: float,
    start: Start,
    left: Callable[[], float],
    say: Say,
    out: Results,
) -> None:
    """Time an epoch of `theano_rnn` by the wall clock: start, build, every step."""
    vocabulary, indices = _corpus()
    windows = batches.shuffled(indices, time=8, batch=1, rng=np.random.default_rng(0))
    given = [np.stack(arrays) for arrays in zip(*windows, strict=True)]
    count = int(share * len(given[0]))
    work = Work("rnn", 1, 8, 256, one_hot=True, symbols=vocabulary)
    out |= {"sequences": count, "share": share, "cells": {}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "epoch.npz"
        np.savez(file, x=given[0][:count], y=given[1][:count])
        for name in (contender.name for contender in taking):
            say(f"epoch of {count:,} sequences: {name}")
            out["cells"][name] = _run(name, start, work, file, left(), evaluate=False)


def quality(steps: int, start: Start, left: Callable[[], float], say: Say, out: Results) -> None:
    """Train the same LSTM on the same characters here and in PyTorch; compare held-out losses."""
    vocabulary, indices = _corpus()
    text, rest = split(indices, HELD_OUT)
    work = Work("lstm", 64, 64, 256, optimizer="adam", symbols=vocabulary)
    rng = np.random.default_rng(0)
    taken: list[Any] = []
    while len(taken) < steps:
        taken += list(batches.shuffled(text, time=64, batch=64, rng=rng))
    held = list(batches.streams(rest, time=64, batch=64))
    (x, y), (a, b) = ([np.stack(v) for v in zip(*pairs, strict=True)] for pairs in (taken, held))
    out |= {"work": str(work), "steps": steps, "characters": steps * 4096, "cells": {}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quality.npz"
        np.savez(file, x=x[:steps], y=y[:steps], x_held_out=a, y_held_out=b)
        for name in (OURS, "PyTorch"):
            say(f"quality at equal work, {steps} steps: {name}")
            out["cells"][name] = _run(name, start, work, file, left(), evaluate=True)


def _corpus() -> tuple[int, Any]:
    """Return the number of symbols and the indices of the default corpus."""
    text = load_corpus("python-docs").text
    vocabulary = Vocabulary.of(text)
    return len(vocabulary), vocabulary.encode(text)


def _run(
    name: str, start: Start, work: Work, file: Path, seconds: float, evaluate: bool
) -> Results:
    """Start a process, build, and train on all that a file has; returns seconds of each part."""
    if seconds < 5:
        return {"why": "out of time"}
    try:
        process = start(BY_NAME[name])
    except PeerError as error:
        return {"why": str(error)}
    try:
        process.ask("hello")
        process.ask("build", seconds=seconds, work=asdict(work))
        built = clock.perf_counter() - process.started
        rest = seconds - built
        answer = process.ask("train", seconds=rest, file=str(file), evaluate=evaluate)
        took = clock.perf_counter() - process.started
        last = float(np.mean(answer["losses"]))
        cell = {"build": built, "seconds": took, "loss": last, "steps": answer["steps"]}
        return cell | {"held_out": answer.get("held_out")} | process.ask("peak")
    except PeerError as error:
        return {"why": str(error)}
    finally:
        process.close()


def writing(taking: Sequence[Contender], n: int, start: Start, say: Say, out: Results) -> None:
    """Time n characters written by an LSTM of 512 units, in turns; its logits are compared first.

    Writing is drawing from probabilities: the characters differ, the work does not.
    """
    prompt = [int(k) for k in np.random.default_rng(3).integers(1, WRITING.symbols, 50)]
    out |= {"work": "LSTM, H=512, a character at a time", "characters": n, "cells": {}}
    running: dict[str, Process] = {}
    times: dict[str, list[float]] = {}
    first: list[float] | None = None
    try:
        for name in (contender.name for contender in taking):
            say(f"writing {n:,} characters: {name}")
            try:
                running[name] = start(BY_NAME[name])
                running[name].ask("hello")
                logits = running[name].ask(
                    "writer", seconds=120, work=asdict(WRITING), read=prompt
                )["logits"]
                running[name].ask("write", seconds=120, n=n)
            except PeerError as error:
                out["cells"][name] = {"why": str(error)}
                continue
            first = first or logits
            if not same([max(map(abs, first))], [max(map(abs, first)) + _apart(first, logits)]):
                out["cells"][name] = {"why": "its logits differ from ours"}
                continue
            times[name] = []
        for _ in range(WRITING_TURNS):
            for name in times:
                clock.sleep(0.1)
                times[name].append(running[name].ask("write", seconds=120, n=n)["took"])
    finally:
        for name, process in running.items():
            if times.get(name):
                out["cells"][name] = spread(times[name])
            process.close()


def _apart(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the largest difference."""
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def machine(threads: int) -> Results:
    """Describe what this machine is, in words that name no folder of it."""
    import platform

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor(),
        "processors": allowed,
        "threads": threads,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
        "date": clock.strftime("%Y-%m-%d"),
    }
