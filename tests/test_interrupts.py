"""Whatever ends a process from outside: one line, the exit code that shells have, nothing lost."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from graphrnn import interrupts
from graphrnn.runs.checkpoint import load_checkpoint
from graphrnn.runs.folder import CHECKPOINT

import pytest

COMMAND = [sys.executable, "-m", "graphrnn"]
# A network that NumPy trains: nothing is compiled before the first step.
TRAIN = ["train", "--model", "reference", "--backend", "python", "--hidden", "8"]
TRAIN += ["--corpus", "small.txt", "--out", "run"]
ENDLESS = [*TRAIN, "--sequences", "10000000", "--save-every", "0"]

AT_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["SEND_AT"]:
            os.kill(os.getpid(), int(os.environ["SEND"]))

sys.meta_path.insert(0, Finder())
"""
"""Sends a signal to its own process where a module is about to be imported."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "module",
    ["platformdirs", "cyclopts", "pydantic", "graphrnn.cli.train", "numpy", "aesara.tensor"],
)
def test_while_it_is_imported(small_text, module, number):
    (small_text.parent / "sitecustomize.py").write_text(AT_IMPORT)
    sends = {"SEND_AT": module, "SEND": str(int(number)), "PYTHONPATH": str(small_text.parent)}
    done = subprocess.run(
        [*COMMAND, *TRAIN], env=os.environ | sends, capture_output=True, text=True, check=False
    )
    assert done.returncode == 128 + number
    assert done.stderr == f"graphrnn: {interrupts.describe(number)}\n"
    assert not (small_text.parent / "run").exists()


def test_a_process_that_uses_the_library_keeps_its_signals():
    code = "import signal, graphrnn; print(signal.getsignal(2) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def wait_for(path):
    """Wait until a file is there."""
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_saves_and_names_the_checkpoint(small_text, times):
    """As Ctrl-C does; a launcher that sends it twice does not tear the save."""
    process = subprocess.Popen(
        [*COMMAND, *ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(Path("run", CHECKPOINT))
    for _ in range(times):
        process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.count("\n") == 1
    assert err.startswith("graphrnn: ended by SIGTERM after ")
    assert "is kept in 'run/last.safetensors'; to go on: graphrnn train --resume run" in err
    assert load_checkpoint(Path("run", CHECKPOINT)).header.sequences > 0


def test_a_terminal_that_closes_ends_no_training(small_text):
    """It sends SIGHUP, and from then on each write to it fails."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *TRAIN, "--sequences", "400", "--save-every", "0"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # now it is its terminal
    )
    os.close(slave)
    wait_for(Path("run", CHECKPOINT))
    os.close(master)
    assert process.wait(timeout=120) == 0
    assert load_checkpoint(Path("run", CHECKPOINT)).header.sequences == 400
    assert Path("run", "curves.png").stat().st_size > 1000


def test_a_full_disk_under_the_progress_ends_no_training(small_text):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *TRAIN, "--sequences", "60"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert load_checkpoint(Path("run", CHECKPOINT)).header.sequences == 60


def test_what_is_ignored_stays_ignored(small_text):
    """A shell lets what it runs in the background ignore Ctrl-C."""
    process = subprocess.Popen(
        [*COMMAND, *TRAIN, "--sequences", "400", "--save-every", "0"],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    wait_for(Path("run", CHECKPOINT))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 0
