"""A full disk, a lack of memory, a compiler that is killed: what passes decides nothing."""

import errno
import gc
import os
import re
import subprocess
import sys
from pathlib import Path

from graphrnn.backends import compile as building
from graphrnn.errors import UserError
from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime import cache, compilers, library
from graphrnn.native.runtime.compilers import CompileError, ResourceError, Target
from tests.native_helpers import build, native

import numpy as np
import pytest

pytestmark = [pytest.mark.shipped_flags, pytest.mark.stock_c]


@pytest.fixture
def folder(in_tmp, monkeypatch):
    """An empty cache of its own."""
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "cache" / "native")
    return in_tmp / "cache" / "native"


@pytest.fixture
def compiler(in_tmp, monkeypatch, folder):
    """Let a script be the compiler; "compiling" stands for the moment when it makes a library."""

    def install(compiling):
        script = in_tmp / "mycc"
        lines = ["#!/bin/sh", 'case "$*" in', f"*graph.c*) {compiling};;", "esac", 'exec gcc "$@"']
        script.write_text("\n".join(lines))
        script.chmod(0o755)
        monkeypatch.setenv("CC", str(script))
        compilers.compiler.cache_clear()
        return script

    yield install
    compilers.compiler.cache_clear()


def triple():
    x = tensor("x", "float64", (3,))
    return [x], [x * 3], []


PASSING = {
    "killed": ("kill -9 $$", r"mycc was ended while it worked \(SIGKILL\)"),
    "killed below a shell": ("exit 137", r"was ended while it worked \(SIGKILL\)"),
    "too much time": ("kill -XCPU $$", r"was ended while it worked \(SIGXCPU\)"),
    "gcc's own part": (
        "echo 'gcc: fatal error: Killed signal terminated program cc1' >&2; exit 1",
        "ended while it worked .*Killed signal terminated program cc1",
    ),
    "an older gcc's part": (
        "echo 'gcc: internal compiler error: Killed (program cc1)' >&2; exit 4",
        "ended while it worked",
    ),
    "the linker": (
        "echo 'collect2: fatal error: ld terminated with signal 9 [Killed]' >&2; exit 1",
        "ended while it worked",
    ),
    "clang's own part": (
        "echo 'clang: error: unable to execute command: Killed' >&2; exit 254",
        "ended while it worked",
    ),
    "memory": (
        "echo 'cc1: out of memory allocating 65536 bytes' >&2; exit 1",
        r"mycc got too little to work with \(out of memory\)",
    ),
    "processes": (
        "echo 'gcc: fatal error: cannot execute cc1: vfork: Resource temporarily unavailable' >&2"
        "; exit 1",
        "got too little to work with .resource temporarily unavailable",
    ),
    "disk": (
        "echo '/usr/bin/ld: final link failed: No space left on device' >&2; exit 1",
        r"no folder to compile in \(.*: No space left on device\); make room, or set TMPDIR",
    ),
    "quota": (
        "echo 'as: BFD: graph.o: Disk quota exceeded' >&2; exit 1",
        "no folder to compile in .*: Disk quota exceeded",
    ),
}


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("backend", ["auto", "native"])
def test_what_keeps_a_compiler_from_working_changes_no_backend(compiler, kind, backend):
    compiling, wanted = PASSING[kind]
    compiler(compiling)
    builds = []
    with pytest.raises(UserError, match=f"^native backend: .*{wanted}") as error:
        building.compile_graph(triple, name="triple", backend=backend, report=builds.append)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert not [build for build in builds if build.phase == "note"]


def test_what_a_compiler_says_of_the_code_still_does(compiler):
    compiler("echo 'graph.c:1: error: no such thing' >&2; exit 1")
    builds = []
    f = building.compile_graph(triple, name="triple", report=builds.append)
    assert f([1, 2, 3])[0].tolist() == [3, 6, 9]
    (note,) = [build.detail for build in builds if build.phase == "note"]
    assert "mycc refused generated code: graph.c:1: error: no such thing" in note


def test_a_mode_of_its_own_does_not_fall_back_either(compiler):
    compiler("kill -9 $$")
    x = tensor("x", "float64", (3,))
    with pytest.raises(ResourceError, match="SIGKILL"):
        build([x], [x * 3], native_mode())


@pytest.mark.parametrize("when", ["asked for its flags", "asked for its macros"])
def test_a_compiler_that_is_killed_when_asked_does_not_change_the_code(in_tmp, when):
    """Other flags would make other roundings, and another key."""
    script = in_tmp / "mycc"
    pattern = "*-shared*" if when == "asked for its macros" else "*"
    script.write_text(f'#!/bin/sh\ncase "$*" in {pattern}) kill -9 $$;; esac\nexec gcc "$@"\n')
    script.chmod(0o755)
    for _ in range(2):
        with pytest.raises(ResourceError, match="SIGKILL"):
            library.key_of("int x;", Target(str(script)))
    script.write_text('#!/bin/sh\nexec gcc "$@"\n')
    assert library.key_of("int x;", Target(str(script)))


def test_a_compiler_that_makes_nothing_is_named(in_tmp):
    with pytest.raises(CompileError, match="true gave no library, and no error"):
        compilers.compile_c(in_tmp / "graph.c", in_tmp / "graph.so", Target("true", flags=()))


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_no_room_for_another_process(monkeypatch, number):
    def refuse(*args, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(compilers.subprocess, "Popen", refuse)
    with pytest.raises(ResourceError, match=f"gcc cannot be started: {os.strerror(number)}"):
        compilers.run(["gcc"])


# ── folders ──


def places(monkeypatch, *folders):
    """Let these be the folders to work in, beside the cache."""
    monkeypatch.setattr(
        cache, "work_folders", lambda kept: [*([kept] if kept else []), *map(Path, folders)]
    )


def test_another_folder_is_tried_where_one_cannot_be_written(in_tmp, folder, monkeypatch):
    full, roomy, real = in_tmp / "full", in_tmp / "roomy", cache.workplace
    full.mkdir()
    roomy.mkdir()
    places(monkeypatch, full, roomy)
    tried = []

    def workplace(place):
        tried.append(place)
        if place != roomy:
            number = errno.EDQUOT if place == full else errno.ENOSPC
            raise OSError(number, os.strerror(number))
        return real(place)

    monkeypatch.setattr(cache, "workplace", workplace)
    x = tensor("x", "float64", (3,))
    assert native([x], x * 3)(np.ones(3)).tolist() == [3, 3, 3]
    assert tried == [folder, full, roomy] * 2  # to compile, and to load
    assert list(roomy.iterdir()) == []


def test_a_compilers_own_temporary_files_lie_where_there_is_room(compiler, in_tmp, monkeypatch):
    """It may be told of a folder that is full."""
    monkeypatch.setenv("TMPDIR", str(in_tmp / "nothing"))
    compiler('echo "$TMPDIR" >"$TOLD"')
    monkeypatch.setenv("TOLD", str(in_tmp / "told"))
    x = tensor("x", "float64", (3,))
    native([x], x * 3)
    message = Path((in_tmp / "told").read_text().strip())
    assert message.parent == in_tmp / "cache" / "native"
    assert not message.exists()


def test_a_full_disk_names_the_folders_and_what_to_do(in_tmp, folder, monkeypatch):
    places(monkeypatch, in_tmp)

    def full(self, *args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    wanted = f"no folder to compile in ({folder}, {in_tmp}: No space left on device); make room, or"
    with pytest.raises(UserError) as error:
        building.compile_graph(triple, name="triple")
    assert wanted in str(error.value)


def test_a_cached_function_on_a_full_disk(in_tmp, folder, monkeypatch):
    """It is loaded from memory, or not at all."""
    x = tensor("x", "float64", (3,))
    native([x], x * 3)
    places(monkeypatch, in_tmp)

    def full(self, *args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    if hasattr(os, "memfd_create"):
        kept = [native([x], x * 3) for _ in range(3)]
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            assert native([x], x * 3)(np.ones(3)).tolist() == [3, 3, 3]
            gc.collect()
        assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 1
        assert [f(np.ones(3)).tolist() for f in kept] == [[3, 3, 3]] * 3
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with pytest.raises(ResourceError, match="cannot be loaded .*No space left on device"):
        native([x], x * 3)


def test_folders_that_run_no_code(in_tmp, folder, monkeypatch):
    real = library.Library

    def loader(path, *more):
        if not path.startswith("/proc/"):
            raise OSError(f"{path}: failed to map segment from shared object")
        return real(path, *more)

    monkeypatch.setattr(library, "Library", loader)
    x = tensor("x", "float64", (3,))
    if hasattr(os, "memfd_create"):
        assert native([x], x * 3)(np.ones(3)).tolist() == [3, 3, 3]
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with pytest.raises(CompileError, match="cannot be loaded .*failed to map .*; set TMPDIR else"):
        native([x], x * 3)


def test_a_library_that_the_loader_takes_for_another_is_refused(in_tmp, folder):
    x = tensor("x", "float64", (3,))
    f = native([x], x * 3)
    (entry,) = folder.iterdir()
    first = library.Library(str(entry))
    with pytest.raises(OSError, match="the loader took it for one that is loaded already"):
        library.Library(str(entry))
    assert first.graph_after_fork
    assert f(np.ones(3)).tolist() == [3, 3, 3]


def test_work_that_a_killed_process_left_among_temporary_files_is_cleared(in_tmp):
    for name, age in (("graphrnn-work-old", 2 * cache.LEFT_BEHIND), ("graphrnn-work-new", 0)):
        (in_tmp / name).mkdir()
        (in_tmp / name / "graph.c").touch()
        then = (in_tmp / name).stat().st_mtime - age
        os.utime(in_tmp / name, (then, then))
    with cache.workplace(in_tmp) as work:
        names = {path.name for path in in_tmp.iterdir()}
    assert names == {"graphrnn-work-new", work.name}


LIMITED = """
import resource, signal
from graphrnn.backends import compile as backends
from graphrnn.errors import UserError
from graphrnn.graph.shapes import tensor

def triple():
    x = tensor("x", "float64", (3,))
    return [x], [x * 3], []

resource.setrlimit(resource.RLIMIT_FSIZE, ({}, resource.RLIM_INFINITY))
notes = []
try:
    backends.compile_graph(triple, name="triple", report=lambda b: notes.append(b.phase))
except UserError as error:
    print(error)
assert "note" not in notes, notes
"""


@pytest.mark.parametrize("limit", [1_000, 30_000], ids=["the source", "the library"])
def test_a_limit_on_the_size_of_files(in_tmp, limit):
    """The system's own refusal: of what we write, and of what the compiler does."""
    environ = os.environ | {"XDG_CACHE_HOME": str(in_tmp)}
    command = [sys.executable, "-c", LIMITED.format(limit)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"native backend: .*(File too large|SIGXFSZ|File size).*\n", done.stdout)
