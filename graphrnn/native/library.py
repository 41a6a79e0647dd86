"""C → shared library: compiled once, kept in the user's cache, checked before it is loaded."""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs

FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math")
"""No -ffast-math: it would set flush-to-zero for the whole process and break tests for NaN."""


class CompileError(Exception):
    """The C compiler refused generated code, or there is none."""


@functools.cache
def compiler() -> str:
    """Find the C compiler: the one named by CC, else cc, gcc or clang.

    Raises:
        CompileError: there is none.
    """
    names = (os.environ.get("CC", ""), "gcc", "cc", "clang")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise CompileError("no C compiler on PATH (looked for CC, gcc, cc, clang)")
    return found


@functools.cache
def _machine() -> str:
    """Say what the code is made for: compiler, its version, processor and its abilities."""
    answer = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False)
    abilities = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        abilities = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return "\n".join([answer.stdout, platform.machine(), platform.processor(), abilities])


@functools.cache
def _target_flags() -> tuple[str, ...]:
    """Give the flags for this machine's processor, as far as the compiler takes them."""
    machine = platform.machine().lower()
    wanted = ["-march=native"]
    if machine in ("x86_64", "amd64"):
        wanted.append("-mprefer-vector-width=512")
    taken = []
    for flag in wanted:
        command = [compiler(), flag, "-x", "c", "-c", os.devnull, "-o", os.devnull]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            taken.append(flag)
    return tuple(taken)


def cache_folder() -> Path:
    """Give the folder in which compiled libraries are kept."""
    return platformdirs.user_cache_path("graphrnn") / "native"


def _usable_folder() -> Path:
    """Give the cache, or a folder for this process where the cache cannot be written."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _private_folder()


@functools.cache
def _private_folder() -> Path:
    """Make a folder that ends with this process."""
    import atexit

    folder = tempfile.mkdtemp(prefix="graphrnn-native-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def key_of(source: str, more: tuple[str, ...] = ()) -> str:
    """Give the name that a source compiles to on this machine."""
    parts = "\0".join([source, *FLAGS, *_target_flags(), *more, _machine()])
    return hashlib.sha256(parts.encode()).hexdigest()


def load(source: str, more: tuple[str, ...] = ()) -> ctypes.CDLL:
    """Give the library of a source, from the cache where it is sound; `more` are further flags.

    A library has static memory of its own, so that each function needs a copy of its file: the
    loader would otherwise hand out one that is loaded already.

    Raises:
        CompileError: the compiler refused it.
    """
    folder, key = _usable_folder(), key_of(source, more)
    path, proof = folder / f"{key}.so", folder / f"{key}.sha256"
    try:
        data = path.read_bytes()
        sound = proof.read_text(encoding="ascii") == hashlib.sha256(data).hexdigest()
    except OSError:
        sound = False
    if not sound:
        data = _compile(source, folder, more)
        _write(path, data)
        _write(proof, hashlib.sha256(data).hexdigest().encode())
    return _load_copy(data)


def _compile(source: str, folder: Path, more: tuple[str, ...] = ()) -> bytes:
    """Compile a source and give the library's bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        c_file, library = Path(work) / "graph.c", Path(work) / "graph.so"
        c_file.write_text(source, encoding="utf-8")
        command = [compiler(), *FLAGS, *_target_flags(), *more, str(c_file), "-o", str(library)]
        command += ["-lm", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            raise CompileError(f"{compiler()} refused generated code: {(lines or [''])[0]}")
        return library.read_bytes()


def _write(path: Path, data: bytes) -> None:
    """Write a file so that other processes see all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)


def _load_copy(data: bytes) -> ctypes.CDLL:
    """Load a library from a file that is removed at once: the mapping stays."""
    handle, name = tempfile.mkstemp(suffix=".so", dir=_private_folder())
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    try:
        return ctypes.CDLL(name)
    finally:
        Path(name).unlink()
