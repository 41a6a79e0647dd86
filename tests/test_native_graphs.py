"""Random graphs against Aesara's Python mode: the same numbers, call after call."""

import subprocess
import sys

from graphrnn.native import linker  # noqa: F401  it fills the tables
from scripts.fuzz_native import environment, runtime
from tests.graphs import differs

import pytest

GRAPHS, CHUNK = 300, 10


@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(threads, first):
    wrong = [text for seed in range(first, first + CHUNK) if (text := differs(seed))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(runtime() is None, reason="gcc has no AddressSanitizer runtime here")
def test_generated_code_is_clean_under_sanitizers():
    """Some random graphs under AddressSanitizer and UndefinedBehaviorSanitizer."""
    command = [sys.executable, "-m", "scripts.fuzz_native", "--graphs", "10", "--sanitize"]
    done = subprocess.run(
        command,
        env=environment(runtime()),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
