"""Compares thousands of random graphs on two backends, and random loops with NumPy.

    python -m scripts.fuzz_native [--kind graphs] [--count 500] [--from 0] [--sanitize]

Graphs run natively and stepped in Python. Loops run as they were written, natively and, some of
them, rewritten and stepped in Python, and are held against an interpreter in NumPy, gradients and
gradients of gradients included. Two processes share the work. What differs is printed with its
seed, its description, got and wanted; the exit code is 1 if there is any. With --sanitize the C
code is compiled with AddressSanitizer and UndefinedBehaviorSanitizer, and a finding ends the run at
the seed that it names.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from rich.console import Console
from rich.progress import Progress

SANITIZE = ("-Og", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CHUNK = 10
TOLD_EACH = 500
"""Graphs between two lines where no bar can be drawn."""

Kind = Literal["graphs", "loops"]
COUNTS: dict[Kind, int] = {"graphs": 10_000, "loops": 5_000}


@dataclass(frozen=True)
class Chunk:
    """Seeds that one process compares."""

    kind: Kind
    first: int
    count: int
    sanitize: bool


def runtime() -> str | None:
    """Return the path of AddressSanitizer's runtime, or None where the compiler has none."""
    command = ["gcc", "-print-file-name=libasan.so"]
    try:
        path = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return None
    return path if os.path.isabs(path) else None  # noqa: PTH117  a question about text


def environment(path: str) -> dict[str, str]:
    """Return an environment in which a Python process can load sanitized libraries."""
    return os.environ | {
        "LD_PRELOAD": path,
        "ASAN_OPTIONS": "detect_leaks=0",
        "GRAPHRNN_FUZZ_CHILD": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }


def compare(chunk: Chunk) -> tuple[list[str], Counter[str]]:
    """Compare some graphs; returns a line for each that differs, and what was counted."""
    # It is for this process: a compiler that allocates through it takes twice the time.
    os.environ.pop("LD_PRELOAD", None)
    importlib.import_module("tests.conftest")
    emit: Any = importlib.import_module("graphrnn.native.codegen.function")
    emit.PARALLEL_FROM = 0
    library: Any = importlib.import_module("graphrnn.native.runtime.library")
    differing = comparer(chunk.kind)
    warnings.simplefilter("ignore")
    lines, counts = [], Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        # A user's cache is of bounded size: thousands of these would push all else out of it.
        library.cache_folder = lambda: Path(folder)
        for seed in range(chunk.first, chunk.first + chunk.count):
            if chunk.sanitize:
                print(f"{chunk.kind}: seed {seed}", file=sys.stderr, flush=True)
            flags = SANITIZE if chunk.sanitize else as_usual(seed)
            lines += differing(seed, counts, flags)
    return lines, counts


def comparer(kind: Kind) -> Callable[[int, Counter[str], tuple[str, ...]], list[str]]:
    """Return what compares the graph of a seed, by kind."""
    if kind == "graphs":
        graphs: Any = importlib.import_module("tests.graph_compare")
        return lambda seed, counts, flags: graphs.differing(seed, counts, more=flags)
    loops: Any = importlib.import_module("tests.loop_compare")
    return lambda seed, counts, flags: loops.differing_from_seed(seed, counts, more=flags)


def as_usual(seed: int) -> tuple[str, ...]:
    """Return flags for a graph: each sixth is compiled as always, others three times as fast."""
    return () if seed % 6 == 0 else ("-Og",)


def main(
    *,
    kind: Kind | None = None,
    count: int | None = None,
    start: Annotated[int, cyclopts.Parameter(name=["--from"])] = 0,
    sanitize: bool = False,
) -> int:
    """Compare random graphs and loops.

    Args:
        kind: graphs or loops alone.
        count: how many of each kind; 10,000 graphs and 5,000 loops where it is not said.
        start: the first seed.
        sanitize: compile the C code with sanitizers.
    """
    if sanitize and "GRAPHRNN_FUZZ_CHILD" not in os.environ:
        path = runtime()
        if path is None:
            print("no AddressSanitizer runtime (gcc -print-file-name=libasan.so)", file=sys.stderr)
            return 2
        again = [sys.executable, "-m", "scripts.fuzz_native", *sys.argv[1:]]
        return subprocess.run(again, env=environment(path), check=False).returncode
    console, wrong = Console(), 0
    kinds: list[Kind] = [kind] if kind else ["graphs", "loops"]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for each in kinds:
            total = COUNTS[each] if count is None else count
            chunks = [
                Chunk(each, first, min(CHUNK, start + total - first), sanitize)
                for first in range(start, start + total, CHUNK)
            ]
            wrong += compare_all(pool, console, each, chunks)
    return 1 if wrong else 0


def compare_all(
    pool: ProcessPoolExecutor, console: Console, kind: Kind, chunks: list[Chunk]
) -> int:
    """Compare graphs of one kind and tell of the progress; returns how many texts differ."""
    total, done, wrong = sum(chunk.count for chunk in chunks), 0, 0
    counts: Counter[str] = Counter()
    with Progress(console=console) as progress:
        task = progress.add_task(f"comparing {kind}", total=total)
        futures = [pool.submit(compare, chunk) for chunk in chunks]
        for future, chunk in zip(futures, chunks, strict=True):
            lines, counted = future.result()
            counts += counted
            for text in lines:
                wrong += 1
                console.print(text, markup=False, highlight=False, soft_wrap=True)
            progress.advance(task, chunk.count)
            done += chunk.count
            if not console.is_terminal and done % TOLD_EACH == 0:
                console.print(f"{done} of {total} {kind} compared, {wrong} differ")
    first = chunks[0].first if chunks else 0
    kinds = ", ".join(f"{name}: {number}" for name, number in sorted(counts.items()))
    console.print(f"{total} {kind} from seed {first}: {wrong} differ ({kinds})", soft_wrap=True)
    return wrong


if __name__ == "__main__":
    sys.exit(cyclopts.run(main))
