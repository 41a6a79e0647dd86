"""What graphrnn found on this machine: what one would paste into a bug report."""

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

from graphrnn import toolchain
from graphrnn.backends.compile import Report, silent
from graphrnn.backends.gemm_rate import _ORDER, gemm_rate
from graphrnn.errors import UserError
from graphrnn.native.linker import STOCK_SCAN
from graphrnn.native.runtime import library
from graphrnn.native.runtime.threads import default_threads

import aesara

_NO_STOCK_SCAN = "its own scan does not compile on this Python: use --loop unrolled with it"


def folder_size(folder: Path) -> tuple[int, int]:
    """Count the files below a folder and their bytes; a file that vanishes meanwhile counts 0."""
    files = size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(path) / name).stat().st_size
                files += 1
            except OSError:
                continue
    return files, size


def findings(report: Report = silent) -> list[tuple[str, str]]:
    """Return pairs of a name and what was found; a check that fails says so and hides no other."""
    tools = toolchain.configure()
    config = aesara.config
    compiler = tools.compiler
    rows = [
        ("graphrnn", version("graphrnn")),
        ("interpreter", f"Python {sys.version.split()[0]}, {sys.executable}"),
        ("platform", f"{platform.platform()}, {os.cpu_count()} cores"),
        ("aesara", version("aesara") + ("" if STOCK_SCAN else f"; {_NO_STOCK_SCAN}")),
        ("numpy", version("numpy")),
    ]
    if compiler:
        rows.append(("compiler", f"{compiler}: {toolchain.compiler_version(compiler)}"))
    else:
        rows.append(("compiler", "none found"))
    rows.append(("compiler, native", _native_compiler()))
    rows.append(("compiler flags", f"{config.gcc__cxxflags} {config.blas__ldflags}"))
    rows.append(("user's flags", _user_flags()))
    if tools.blas:
        rows.append(("BLAS", toolchain.blas_description(tools.blas)))
        rows.append(("BLAS file", str(tools.blas)))
    else:
        rows.append(("BLAS", f"the user's: {config.blas__ldflags or 'none'}"))
    for backend in ("native", "aesara"):
        rows.append((f"matrix product, {backend}", _rate(backend, report)))
    for name, folder in (
        ("cache, native", library.cache_folder()),
        ("cache, aesara", Path(config.base_compiledir)),
    ):
        if folder is None:
            rows.append((name, "none: there is no home folder"))
            continue
        files, size = folder_size(folder)
        rows.append((name, f"{folder} ({files:,} files, {size / 1e6:.1f} MB)"))
    return rows


def _native_compiler() -> str:
    """Return the C compiler of the native backend, with the flags for this processor."""
    try:
        command = library.Target().command()
    except (library.CompileError, library.ResourceError) as error:
        return f"not usable: {error}"
    return f"{shlex.join(command)}, threads: {default_threads()}"


def _rate(backend: str, report: Report) -> str:
    """Measure a backend, or say why it cannot be."""
    try:
        return f"{gemm_rate(backend, report):.0f} GFLOP/s (float32, order {_ORDER})"
    except UserError as error:
        return f"not measured: {error}"
    except Exception as error:
        return f"failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _user_flags() -> str:
    """Return the user's own Aesara flags, from the environment as it was and from `.aesararc`."""
    flags = toolchain.configure().given
    return ", ".join(f"{key}={value}" for key, value in flags.items()) or "none"
