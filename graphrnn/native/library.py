"""C → shared library: compiled once, kept in the user's cache, checked before it is loaded.

A library goes with the function that it was loaded for: each is some five mappings, of which a
process may have 65,530.
"""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphrnn.native import cache
from graphrnn.native.compilers import CompileError, Target, compile_c, compiler, identity, suffix

import platformdirs

__all__ = ["CompileError", "Library", "Target", "cache_folder", "compiler", "key_of", "load"]

_PROCESS = ctypes.CDLL(None)
_PROCESS.dlclose.argtypes = [ctypes.c_void_p]

_POOL: dict[str, int] = {}
"""Where the threads' pool is, which all functions of the process share: in the first library."""

_AFTER_FORK: dict[int, Callable[[], None]] = {}
"""For each loaded library, by its handle, what makes it fit for a child of fork."""


class Library(ctypes.CDLL):
    """A loaded library; its memory is freed and it is unloaded when nothing of it is left in use.

    What is looked up in it keeps it loaded, and is not kept by it, since a cycle would wait for the
    garbage collector. The first library of a process has the threads, and stays.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        pool = self["graph_pool"]
        pool.restype, pool.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        own = pool(None)
        first = _POOL.setdefault("pool", own)
        pool(first)
        handle = self._handle
        _AFTER_FORK[handle] = _unbound(self["graph_after_fork"])
        release = weakref.finalize(
            self, _release, _unbound(self["graph_free"]), None if first == own else handle
        )
        release.atexit = False  # threads may still run it

    def __getattr__(self, name: str) -> Any:
        """Look a function up."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


def _unbound(function: Any) -> Callable[[], None]:
    """Give a function of a library that does not keep it loaded."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return ctypes.CFUNCTYPE(None)(address)


def _release(free: Callable[[], None], handle: int | None) -> None:
    """Give a library's memory back, and unload it unless threads run in it."""
    free()
    if handle is not None:
        del _AFTER_FORK[handle]
        _PROCESS.dlclose(handle)


def _after_fork() -> None:
    """Make all libraries fit for a child of fork."""
    for mend in list(_AFTER_FORK.values()):
        mend()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def cache_folder() -> Path:
    """Give the folder in which compiled libraries are kept."""
    return platformdirs.user_cache_path("graphrnn") / "native"


def key_of(source: str, target: Target = Target()) -> str:  # noqa: B008
    """Give the name that a source compiles to by a target on this machine."""
    return hashlib.sha256(f"{source}\0{identity(target)}".encode()).hexdigest()


def load(source: str, target: Target = Target()) -> Library:  # noqa: B008
    """Give the library of a source, from the cache where it is sound.

    A library has static memory of its own, so that each function needs a copy of its file: the
    loader would otherwise hand out one that is loaded already.

    Raises:
        CompileError: the compiler refused it, or the system refuses to load it.
    """
    folder = cache_folder()
    if not cache.trusted(folder):
        folder = _private_folder()
    name = key_of(source, target) + suffix()
    kept = cache.fetch(folder, name)
    if kept is not None:
        # Whole, but perhaps made where the system's own libraries are newer.
        with contextlib.suppress(CompileError):
            return _load_copy(kept, folder)
    data = _compile(source, folder, target)
    cache.store(folder, name, data)
    return _load_copy(data, folder)


def _compile(source: str, folder: Path, target: Target) -> bytes:
    """Compile a source and give the library's bytes."""
    with cache.workplace(folder, _private_folder()) as work:
        c_file, library = work / "graph.c", work / f"graph{suffix()}"
        c_file.write_text(source, encoding="utf-8")
        compile_c(c_file, library, target)
        return library.read_bytes()


def _load_copy(data: bytes, folder: Path) -> Library:
    """Load a library from a file that is removed at once: the mapping stays.

    A system may forbid running code from its folder of temporary files; then the cache serves.
    """
    reason = ""
    for place in (_private_folder(), folder):
        try:
            with cache.workplace(place, _private_folder()) as work:
                path = work / f"graph{suffix()}"
                path.write_bytes(data)
                return Library(str(path))
        except OSError as error:
            reason = str(error)
    raise CompileError(f"the compiled function cannot be loaded: {reason}; set TMPDIR elsewhere")


def _private_folder() -> Path:
    """Give a folder that ends with this process, and is not its parent's."""
    return _folder_of(os.getpid())


@functools.cache
def _folder_of(process: int) -> Path:
    """Make the private folder of a process."""
    folder = tempfile.mkdtemp(prefix="graphrnn-native-")

    def remove() -> None:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return Path(folder)
