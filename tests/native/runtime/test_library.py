"""The cache of compiled libraries, and processes that share it."""

import ctypes
import errno
import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime import cache as files
from graphrnn.native.runtime import compilers, library
from tests.native_helpers import build, native

import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


@pytest.fixture
def cache(in_tmp, monkeypatch):
    """An empty cache of its own."""
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "cache" / "native")
    return in_tmp / "cache" / "native"


def times(factor):
    x = tensor("x", "float64", (3,))
    return native([x], x * factor)


def double():
    return times(2)


def test_the_cache_is_private_and_used(cache, monkeypatch):
    double()
    assert cache.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(library, "_compile", lambda *a: pytest.fail("compiled again"))
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("damage", [b"", b"not a library", None])
def test_a_damaged_entry_is_built_anew(cache, damage):
    double()
    (entry,) = cache.glob("*.so")
    sound = entry.read_bytes()
    entry.write_bytes(sound[: len(sound) // 2] if damage is None else damage)
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert len(entry.read_bytes()) == len(sound)


def test_entries_that_changed_places_are_built_anew(cache):
    double()
    (first,) = cache.iterdir()
    times(3)
    (second,) = set(cache.iterdir()) - {first}
    kept = first.read_bytes(), second.read_bytes()
    first.write_bytes(kept[1])
    second.write_bytes(kept[0])
    for factor in (2, 3):
        assert times(factor)(np.ones(3)).tolist() == [factor] * 3
    assert (first.stat().st_size, second.stat().st_size) == tuple(map(len, kept))


def a_folder(entry, sound):
    (entry / "with" / "more").mkdir(parents=True)
    (entry / "with" / "a file").touch()


def of_another_processor(entry, sound):
    """Whole and under its own name; the field of its head that names the processor differs."""
    library = sound[:18] + b"\xff\xfe" + sound[20:-32]
    files.store(entry.parent, entry.name, library)


@pytest.mark.parametrize(
    "make",
    [
        a_folder,
        lambda entry, sound: os.mkfifo(entry),
        lambda entry, sound: entry.symlink_to("/dev/zero"),
        lambda entry, sound: entry.symlink_to(entry),
        of_another_processor,
    ],
    ids=["folder", "pipe", "device", "link", "another processor"],
)
def test_what_stands_in_the_place_of_an_entry_is_replaced(cache, make):
    double()
    (entry,) = cache.iterdir()
    sound = entry.read_bytes()
    entry.unlink()
    make(entry, sound)
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert entry.read_bytes() == sound
    assert not entry.is_symlink()


def test_a_cache_that_cannot_be_written_is_done_without(in_tmp, monkeypatch):
    (in_tmp / "file").touch()
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "file" / "native")
    monkeypatch.setattr(library, "_NOTES", {})
    said = []
    x = tensor("x", "float64", (3,))
    for factor in (2, 3):
        f = build([x], x * factor, native_mode(strict=True, say=said.append))
        assert f(np.ones(3)).tolist() == [factor] * 3
    why = f"({in_tmp}/file/native: Not a directory)"
    assert said == [f"native backend: compiled functions are not kept {why}"]


def test_a_function_that_is_not_kept_is_said(cache, monkeypatch):
    """The folder is there, and its disk is full."""

    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.tempfile, "mkstemp", full)
    monkeypatch.setattr(library, "_NOTES", {})
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    wanted = [f"compiled functions are not kept ({cache}: No space left on device)"]
    assert library.notes() == []  # the mode has said it
    assert list(library._NOTES) == wanted


def test_no_compiler_says_so(monkeypatch):
    monkeypatch.setattr(compilers.shutil, "which", lambda name: None)
    library.compiler.cache_clear()
    try:
        with pytest.raises(library.CompileError, match="no C compiler on PATH"):
            library.compiler()
    finally:
        library.compiler.cache_clear()


CHILD = """
import os, sys
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native.codegen import function as emit
from graphrnn.native.linker import native_mode
emit.PARALLEL_FROM = 0
x = at.TensorType("float32", (64, 64))("x")
f = aesara.function([x], at.dot(x, x) + 1, mode=native_mode(strict=True, threads=2))
one = f(np.eye(64, dtype="f4"))
pid = os.fork()
same = (f(np.eye(64, dtype="f4")) == one).all()
if pid == 0:
    os._exit(0 if same else 1)
_, status = os.waitpid(pid, 0)
sys.exit(0 if same and status == 0 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_fork_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-c", CHILD], timeout=60, check=False)
    assert done.returncode == 0


UNLOADED = """
import gc, os, sys, threading
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native.codegen import function as emit
from graphrnn.native.linker import native_mode
emit.PARALLEL_FROM = 0
x = at.TensorType("float32", (64, 64))("x")

def make(k):
    with aesara.config.change_flags(cxx=""):
        return aesara.function([x], at.dot(x, x) + k, mode=native_mode(strict=True, threads=2))

def right(f, k):
    assert (f(np.eye(64, dtype="f4")) == np.eye(64) + k).all()

def long():
    while True:
        right(kept[4], 4)

right(make(0), 0)  # it had the threads, and is gone
gc.collect()
kept = {k: make(k) for k in range(1, 5)}
running = threading.Thread(target=long, daemon=True)
running.start()
for turn in range(12):
    right(make(turn % 4), turn % 4)
    gc.collect()
    right(kept[1 + turn % 4], 1 + turn % 4)
pid = os.fork()
if pid == 0:
    del kept[1]
    gc.collect()
    right(kept[2], 2)
    right(make(1), 1)
    os._exit(0)
_, status = os.waitpid(pid, 0)
right(kept[3], 3)
sys.exit(0 if status == 0 and running.is_alive() else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_threads_and_forks_outlive_functions_that_are_gone():
    """The process ends while one of them runs, too."""
    done = subprocess.run([sys.executable, "-c", UNLOADED], timeout=120, check=False)
    assert done.returncode == 0


def mappings():
    """Count what is mapped into this process; where that cannot be read, nothing is checked."""
    try:
        return len(Path("/proc/self/maps").read_text().splitlines())
    except OSError:
        pytest.skip("needs /proc")


def test_a_function_that_is_gone_is_unloaded(cache):
    kept = {factor: times(factor) for factor in (2, 3, 5)}
    gc.collect()
    before = mappings()
    for turn in range(200):
        factor = (2, 3, 5)[turn % 3]
        assert times(factor)(np.ones(3)).tolist() == [factor] * 3
        if turn % 50 == 0:
            gc.collect()
            assert mappings() - before < 20
    gc.collect()
    assert mappings() - before < 20
    for factor, f in kept.items():
        assert f(np.ones(3)).tolist() == [factor] * 3


def test_what_was_looked_up_keeps_its_library_loaded(cache):
    kept = times(3)  # the first of a process stays in any case
    f = times(2)
    function = f.vm.jit_fn
    run, table = function.run, function.table
    gone = weakref.ref(function.library)
    del f, function
    gc.collect()
    assert gone() is not None
    x, y = np.ones(3), np.zeros(3)
    assert table is not None
    assert run((ctypes.c_void_p * 1)(x.ctypes.data), (ctypes.c_void_p * 1)(y.ctypes.data), 1) == 0
    assert y.tolist() == [2.0, 2.0, 2.0]
    del run
    gc.collect()
    assert gone() is None
    assert kept(x).tolist() == [3.0, 3.0, 3.0]


def test_two_processes_may_build_the_same_at_once(in_tmp):
    environ = os.environ | {"XDG_CACHE_HOME": str(in_tmp / "cache")}
    both = [subprocess.Popen([sys.executable, "-c", CHILD], env=environ) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
