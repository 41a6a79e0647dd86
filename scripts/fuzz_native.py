"""Compares thousands of random graphs on the native backend with Aesara's Python mode.

    python -m scripts.fuzz_native --graphs 10000 --from 0 [--sanitize]

Two processes share the work. Each graph that differs is printed with its seed and story; the exit
code is 1 if there is any. With --sanitize the C code is compiled with AddressSanitizer and
UndefinedBehaviorSanitizer, and a finding ends the run at the seed that it names.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from rich.console import Console
from rich.progress import Progress

SANITIZE = ("-Og", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CHUNK = 10
TOLD_EACH = 500
"""Graphs between two lines where no bar can be drawn."""


def runtime() -> str | None:
    """Give the path of AddressSanitizer's runtime, or None where the compiler has none."""
    command = ["gcc", "-print-file-name=libasan.so"]
    try:
        path = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return None
    return path if os.path.isabs(path) else None  # noqa: PTH117  a question about text


def environment(path: str) -> dict[str, str]:
    """Give an environment in which a Python process can load sanitized libraries."""
    return os.environ | {
        "LD_PRELOAD": path,
        "ASAN_OPTIONS": "detect_leaks=0",
        "GRAPHRNN_FUZZ_CHILD": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }


def compare(first: int, count: int, sanitize: bool) -> list[str]:
    """Compare some graphs, and give a line for each that differs."""
    # It is for this process: a compiler that allocates through it takes twice the time.
    os.environ.pop("LD_PRELOAD", None)
    importlib.import_module("tests.conftest")
    emit: Any = importlib.import_module("graphrnn.native.emit")
    emit.PARALLEL_FROM = 0
    library: Any = importlib.import_module("graphrnn.native.library")
    differs = importlib.import_module("tests.graphs").differs
    warnings.simplefilter("ignore")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        # A user's cache is of bounded size: thousands of these would push all else out of it.
        library.cache_folder = lambda: Path(folder)
        for seed in range(first, first + count):
            if sanitize:
                print(f"seed {seed}", file=sys.stderr, flush=True)
            text = differs(seed, more=SANITIZE if sanitize else as_usual(seed))
            found += [text] if text else []
    return found


def as_usual(seed: int) -> tuple[str, ...]:
    """Give flags for a graph: each sixth is compiled as always, others three times as fast."""
    return () if seed % 6 == 0 else ("-Og",)


def main(
    *,
    graphs: int = 10_000,
    start: Annotated[int, cyclopts.Parameter(name=["--from"])] = 0,
    sanitize: bool = False,
) -> int:
    """Compare random graphs.

    Args:
        graphs: how many.
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
    console, wrong, done = Console(), 0, 0
    starts = range(start, start + graphs, CHUNK)
    context = get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool, Progress(console=console) as progress:
        task = progress.add_task("comparing graphs", total=graphs)
        counts = [min(CHUNK, start + graphs - first) for first in starts]
        futures = [
            pool.submit(compare, first, count, sanitize)
            for first, count in zip(starts, counts, strict=True)
        ]
        for future, count in zip(futures, counts, strict=True):
            for text in future.result():
                wrong += 1
                console.print(text, markup=False, highlight=False, soft_wrap=True)
            progress.advance(task, count)
            done += count
            if not console.is_terminal and done % TOLD_EACH == 0:
                console.print(f"{done} of {graphs} graphs compared, {wrong} differ")
    console.print(f"{graphs} graphs from seed {start}: {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cyclopts.run(main))
