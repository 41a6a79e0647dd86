"""Finds the C++ compiler and the BLAS, and sets Aesara's configuration before Aesara is imported.

The user's own settings take precedence: `AESARA_FLAGS` first, then `.aesararc`.
"""

import configparser
import ctypes
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graphrnn.errors import UserError, reason
from graphrnn.user_cache import cache_folder, require_temporary_files

import scipy_openblas32

# The BLAS routines that Aesara's generated C calls, for the two precisions s and d.
_BLAS_ROUTINES = ("gemm", "gemv", "ger", "dot", "axpy", "scal", "syrk", "syr", "copy", "swap")

# Anything non-empty keeps Aesara from looking for a BLAS of its own; the mathematics library is
# linked all the same. See `preload_blas` for why no -L and -l of OpenBLAS stand here.
_LDFLAGS = "-lm"

# A process that we start inherits the flags that we set; here it finds those that the user had,
# which count as long as AESARA_FLAGS is still as we set it.
_KEPT = "GRAPHRNN_USER_AESARA_FLAGS"
_SET = "GRAPHRNN_AESARA_FLAGS"


@dataclass(frozen=True)
class Toolchain:
    """What was found and configured: for `graphrnn doctor` and for error messages."""

    compiler: str | None
    blas: Path | None
    given: Mapping[str, str]
    problem: str | None = None


def user_flags(environ: Mapping[str, str]) -> dict[str, str]:
    """Read the Aesara flags that the user has set, AESARA_FLAGS over `.aesararc`.

    Example:
        >>> user_flags({"AESARA_FLAGS": "floatX=float32,cxx=", "AESARARC": "/nonexistent"})
        {'floatX': 'float32', 'cxx': ''}
    """
    files = environ.get("AESARARC", "~/.aesararc").split(os.pathsep)
    parser = configparser.RawConfigParser()
    # Aesara's flags are case-sensitive (floatX); the parser would fold them.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        # Of os.path, which leaves ~ as it is where there is no home.
        parser.read([os.path.expanduser(name) for name in files if name], encoding="utf-8")  # noqa: PTH111
    except (configparser.Error, UnicodeDecodeError) as error:
        why = str(getattr(error, "message", error)).splitlines()[0]
        raise UserError(f".aesararc cannot be read: {why}") from error
    flags = {
        option if section == "global" else f"{section}__{option}": value
        for section in parser.sections()
        for option, value in parser.items(section)
    }
    text = environ.get("AESARA_FLAGS", "")
    if text and text == environ.get(_SET):
        text = environ.get(_KEPT, "")
    words = shlex.shlex(text, posix=True)
    words.whitespace = ","
    words.whitespace_split = True
    try:
        pairs = [word.partition("=") for word in words]
    except ValueError as error:
        raise UserError(f"AESARA_FLAGS cannot be read: {error}") from error
    return flags | {key.strip(): value.strip() for key, _, value in pairs}


def blas_library() -> Path:
    """Return the path of the OpenBLAS in the scipy-openblas32 wheel."""
    folder = Path(scipy_openblas32.get_lib_dir())
    return folder / str(scipy_openblas32.get_library(fullname=True))


def preload_blas() -> Path:
    """Load OpenBLAS for the whole process, so that compiled modules find its symbols by name.

    Aesara splits its linker flags at spaces: a `-L` with this project's path fails if that path has
    a space. A library loaded with RTLD_GLOBAL needs no path at all.
    """
    library = blas_library()
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return library


def set_blas_threads(n: int) -> None:
    """Set the number of OpenBLAS's threads; a BLAS of the user's own keeps its settings."""
    library = configure().blas
    if library is not None:
        ctypes.CDLL(str(library)).scipy_openblas_set_num_threads(n)


def renamed_symbols() -> str:
    """Return the compiler flags that rename BLAS calls to the wheel's prefixed symbols.

    Example:
        >>> renamed_symbols().split()[0]
        '-Dsgemm_=scipy_sgemm_'
    """
    return " ".join(
        f"-D{precision}{routine}_=scipy_{precision}{routine}_"
        for routine in _BLAS_ROUTINES
        for precision in "sd"
    )


@functools.cache
def configure() -> Toolchain:
    """Set Aesara's configuration through the environment, once; must run before it is imported.

    If the user's own flags cannot be read, nothing is set, and `problem` has the reason.
    """
    mine: dict[str, str] = {}
    require_temporary_files()
    if os.path.expanduser("~") == "~":  # noqa: PTH111
        # Aesara insists on a home, even where its folder is named: it takes this for one.
        os.environ.setdefault("USERPROFILE", os.sep)
    try:
        theirs = user_flags(os.environ)
    except UserError as error:
        return Toolchain(find_compiler(), None, {}, problem=str(error))
    library = None
    if "floatX" not in theirs:
        # With Aesara's own default, 0.01 * W and zeros((B, H)) are float64 in a float32 network.
        mine["floatX"] = "float32"
    if "blas__ldflags" not in theirs:
        library = preload_blas()
        mine["blas__ldflags"] = _LDFLAGS
        # Theirs are kept, with the renaming that linking needs added at the end.
        given = theirs.get("gcc__cxxflags", "")
        mine["gcc__cxxflags"] = f"{given} {renamed_symbols()}".strip()
    if not {"base_compiledir", "compiledir"} & theirs.keys():
        mine["base_compiledir"] = str(cache_folder() / "aesara")
    compiler = theirs.get("cxx", find_compiler())
    if "cxx" not in theirs:
        # Empty where there is none: Aesara keeps silent, and our own message names the remedy.
        mine["cxx"] = _one_program(compiler) if compiler else ""
    _hand_over(mine)
    return Toolchain(compiler=compiler or None, blas=library, given=theirs)


def _hand_over(flags: Mapping[str, str]) -> None:
    """Pass our flags to Aesara: by the environment, or to its configuration if it is loaded."""
    aesara = sys.modules.get("aesara")
    if aesara is None:
        given = os.environ.get("AESARA_FLAGS", "")
        if given and given == os.environ.get(_SET):
            given = os.environ.get(_KEPT, "")
        words = [given] if given else []
        words += [f"{key}={shlex.quote(value)}" for key, value in flags.items()]
        os.environ[_KEPT] = given
        os.environ[_SET] = os.environ["AESARA_FLAGS"] = ",".join(words)
        return
    for key, value in flags.items():
        # Where the cache is cannot be changed any more once Aesara is loaded.
        if key != "base_compiledir":
            setattr(aesara.config, key, value)


def find_compiler() -> str | None:
    """Find a C++ compiler: the one named by CXX (it may have several words), else g++, clang++."""
    for named in (os.environ.get("CXX", ""), "g++", "clang++"):
        words = _words(named)
        if words and (path := shutil.which(words[0])):
            return shlex.join([path, *words[1:]])
    return None


def _words(named: str) -> list[str]:
    """Split a compiler's name into words as a shell does; a path with spaces may go unquoted."""
    if shutil.which(named):
        return [named]
    try:
        return shlex.split(named)
    except ValueError:  # a quotation mark without a second one
        return [named]


def _one_program(compiler: str) -> str:
    """Return the path of a compiler; for a command of several words, that of a script that runs it.

    Aesara starts its compiler by one word, and recognizes g++ and clang++ by their names in it.
    """
    words = _words(compiler)
    if len(words) == 1:
        return words[0]
    text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    name = "-".join(Path(word).name for word in words if not word.startswith("-"))
    folder = cache_folder() / "compilers"
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
            file.write(text)
        Path(file.name).chmod(0o700)
        Path(file.name).replace(path)
    return str(path)


def require_compiler() -> str:
    """Return the C++ compiler.

    Raises:
        UserError: there is none, or the user's flags disable it (`cxx=`).
    """
    compiler = configure().compiler
    if compiler is None or shutil.which(_words(compiler)[0]) is None:
        raise UserError(
            "no C++ compiler found: install one with 'sudo apt install g++' (Debian, Ubuntu), "
            "'sudo dnf install gcc-c++' (Fedora) or 'xcode-select --install' (macOS), "
            "or run slowly without one by --backend python"
        )
    return compiler


def compiler_version(compiler: str) -> str:
    """Return the first line of the compiler's own `--version`."""
    command = [*_words(compiler), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"cannot be run: {reason(error)}"
    return answer.stdout.partition("\n")[0] or "unknown"


def blas_description(library: Path) -> str:
    """Return OpenBLAS's description of itself: version, threads, the kernel that it chose."""
    loaded = ctypes.CDLL(str(library))
    describe = loaded.scipy_openblas_get_config
    describe.restype = ctypes.c_char_p
    core = loaded.scipy_openblas_get_corename
    core.restype = ctypes.c_char_p
    threads = loaded.scipy_openblas_get_num_threads()
    words = re.sub(r"\s+", " ", describe().decode()).strip()
    return f"{words}; kernel {core().decode()}, {threads} threads"


def start_aesara() -> None:
    """Import Aesara, which reads the user's flags when it is imported.

    Raises:
        UserError: the flags, or the folder of its cache, prevent the import.
    """
    problem = configure().problem
    if problem:
        raise UserError(problem)
    try:
        import aesara  # noqa: F401
    except (ValueError, KeyError, OSError) as error:
        raise UserError(
            f"Aesara cannot start: {str(error).splitlines()[0]}; "
            "check AESARA_FLAGS, .aesararc and the cache folder"
        ) from error
