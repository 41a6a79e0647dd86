"""What a killed process leaves is removed by the next one, what a living one has never."""

import os
import signal
import subprocess
import sys
import tempfile
import time

from graphrnn.comparison import scratch
from graphrnn.native.runtime import compilers

import pytest

HOLDS = """
import sys
from graphrnn.comparison import scratch
folder = scratch.make("graphrnn-native-")
(folder / "graph.c").touch()
print(folder.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    monkeypatch.setattr(tempfile, "tempdir", None)


def holding():
    """Start a process that has a folder; gives it and the folder's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_a_killed_process_and_a_living_one(temporary):
    killed, left = holding()
    living, held = holding()
    assert sorted(path.name for path in temporary.iterdir()) == sorted([left, held])
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    with scratch.folder("graphrnn-native-") as mine:
        assert sorted(path.name for path in temporary.iterdir()) == sorted([held, mine.name])
        scratch.sweep(temporary, "graphrnn-native-")  # not its own either
        assert mine.is_dir()
        assert (temporary / held / "graph.c").exists()
    living.communicate("")
    scratch.sweep(temporary, "graphrnn-native-")
    assert list(temporary.iterdir()) == []


def test_what_is_not_ours_stays(temporary):
    """A link, a file, another's prefix; and a young folder that has no lock yet."""
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".lock").touch()
    (temporary / "graphrnn-native-link").symlink_to(elsewhere)
    (temporary / "graphrnn-native-file").touch()
    (temporary / "graphrnn-native-young").mkdir()
    (temporary / "graphrnn-native-old").mkdir()
    long_ago = time.time() - scratch.UNLOCKED - 60
    os.utime(temporary / "graphrnn-native-old", (long_ago, long_ago))
    scratch.sweep(temporary, "graphrnn-native-")
    assert sorted(path.name.removeprefix("graphrnn-native-") for path in temporary.iterdir()) == [
        "elsewhere", "file", "link", "young",
    ]  # fmt: skip
    assert (elsewhere / ".lock").exists()


def test_a_compiler_leaves_nothing_among_temporary_files(temporary, tmp_path_factory):
    """Its own temporary files go to the folder in which it works."""
    work = tmp_path_factory.mktemp("work")
    (work / "graph.c").write_text("int graph(void) { return 3; }\n")
    script = work / "compiler"
    script.write_text('#!/bin/sh\nmktemp -p "$TMPDIR" ccXXXXXX > /dev/null\nexec gcc "$@"\n')
    script.chmod(0o755)
    done = compilers.run([str(script), "--version"], work)
    assert done.returncode == 0
    assert list(temporary.iterdir()) == []
    assert len(list(work.glob("cc*"))) == 1
