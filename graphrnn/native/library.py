"""C → shared library: compiled once, kept in the user's cache, checked before it is loaded."""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from graphrnn.native import cache
from graphrnn.native.compilers import CompileError, Target, compile_c, compiler, identity, suffix

import platformdirs

__all__ = ["CompileError", "Target", "cache_folder", "compiler", "key_of", "load"]


def cache_folder() -> Path:
    """Give the folder in which compiled libraries are kept."""
    return platformdirs.user_cache_path("graphrnn") / "native"


def key_of(source: str, target: Target = Target()) -> str:  # noqa: B008
    """Give the name that a source compiles to by a target on this machine."""
    return hashlib.sha256(f"{source}\0{identity(target)}".encode()).hexdigest()


def load(source: str, target: Target = Target()) -> ctypes.CDLL:  # noqa: B008
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


def _load_copy(data: bytes, folder: Path) -> ctypes.CDLL:
    """Load a library from a file that is removed at once: the mapping stays.

    A system may forbid running code from its folder of temporary files; then the cache serves.
    """
    reason = ""
    for place in (_private_folder(), folder):
        try:
            with cache.workplace(place, _private_folder()) as work:
                path = work / f"graph{suffix()}"
                path.write_bytes(data)
                return _joined(ctypes.CDLL(str(path)))
        except OSError as error:
            reason = str(error)
    raise CompileError(f"the compiled function cannot be loaded: {reason}; set TMPDIR elsewhere")


_POOL: list[int] = []


def _joined(library: ctypes.CDLL) -> ctypes.CDLL:
    """Let all functions of a process share the threads of the first."""
    library.graph_pool.restype = ctypes.c_void_p
    library.graph_pool.argtypes = [ctypes.c_void_p]
    pool = library.graph_pool(_POOL[0] if _POOL else None)
    if not _POOL:
        _POOL.append(pool)
    return library


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
