"""Finds the C compiler, says what it makes code for, and runs it so that Ctrl-C ends it."""

import functools
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FLAGS = (
    *("-O2", "-ftree-vectorize", "-std=gnu11", "-fPIC", "-shared"),
    *("-fno-math-errno", "-fno-trapping-math"),
)
"""No -ffast-math: it would set flush-to-zero for the whole process and break tests for NaN.
No -O3: it takes four times as long and gains nothing on loops that are written for vectors."""

WORTH_A_VECTOR = "-fvect-cost-model=dynamic"
"""At -O2, gcc takes vectors only where it can prove that they pay; clang knows no such flag."""

LIBRARIES = ("-lm", "-lpthread")


class CompileError(Exception):
    """The C compiler refused generated code, or there is none."""


@dataclass(frozen=True)
class Target:
    """What code is made by and for; the default is the compiler that is found, for this processor.

    `flags` replace those that ask for this processor: `("-march=x86-64",)` runs on any of its
    family, `("-march=native", "-mno-avx512f")` leaves the widest vectors out. `more` come on top,
    a sanitizer's for example.
    """

    compiler: str = ""
    flags: tuple[str, ...] | None = None
    more: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The compiler as the user names it.

        Raises:
            CompileError: there is no compiler.
        """
        return self.compiler or compiler()

    def command(self) -> list[str]:
        """Give the compiler with all its flags.

        Raises:
            CompileError: there is no compiler.
        """
        flags = native_flags(self.named) if self.flags is None else self.flags
        words = words_of(self.named)
        # Ours stand behind all of the user's, since these may end in the compiler's name
        # (`python -m ziglang cc`); what the user's flags say already is left to them.
        said = {_setting(word) for word in words[1:]}
        ours = [flag for flag in (*FLAGS, *flags) if _setting(flag) not in said]
        return [*words, *ours, *self.more]


def words_of(named: str) -> list[str]:
    """Split a compiler's name into words as a shell does; a path with spaces may go unquoted.

    Raises:
        CompileError: a quotation mark has no second one.

    Example:
        >>> words_of("ccache '/opt/my tools/gcc' -O1")
        ['ccache', '/opt/my tools/gcc', '-O1']
    """
    if shutil.which(named):
        return [named]
    try:
        return shlex.split(named)
    except ValueError as error:
        raise CompileError(f"the C compiler {named!r}: {str(error).lower()}") from error


def _setting(flag: str) -> str:
    """Name what a flag sets, so that two that set the same can be told.

    Example:
        >>> [_setting(flag) for flag in ("-O2", "-fno-math-errno", "-mcpu=native", "-std=gnu11")]
        ['-O', '-fmath-errno', '-march', '-std']
    """
    name = flag.partition("=")[0]
    if name.startswith("-O"):
        return "-O"
    if name == "-mcpu":
        return "-march"
    return re.sub("^-([fm])no-", r"-\1", name)


@functools.cache
def compiler() -> str:
    """Find the C compiler: the one named by CC (it may have flags of its own), else gcc, cc, clang.

    Raises:
        CompileError: there is none, or none of the name in CC.
    """
    words = words_of(os.environ.get("CC", ""))
    if words:
        if shutil.which(words[0]) is None:
            raise CompileError(f"no C compiler {words[0]!r} on PATH, which CC names; unset CC")
        return shlex.join(words)
    found = next((path for name in ("gcc", "cc", "clang") if (path := shutil.which(name))), None)
    if found is None:
        raise CompileError("no C compiler on PATH (looked for CC, gcc, cc, clang)")
    return shlex.quote(found)


@functools.cache
def native_flags(named: str) -> tuple[str, ...]:
    """Give the flags that ask a compiler for this machine's processor, as far as it takes them.

    Compilers for ARM say -mcpu where those for x86 say -march (macOS is untried).
    """
    machine = platform.machine().lower()
    arm = machine in ("arm64", "aarch64")
    wanted = ["-mcpu=native" if arm else "-march=native"]
    if machine in ("x86_64", "amd64"):
        wanted.append("-mprefer-vector-width=512")
    command = [*words_of(named), "-x", "c", "-c", os.devnull, "-o", os.devnull]
    for taken in ([*wanted, WORTH_A_VECTOR], wanted, wanted[:1]):
        if subprocess.run([*command, *taken], capture_output=True, check=False).returncode == 0:
            return tuple(taken)
    return ()


@functools.cache
def identity(target: Target) -> str:
    """Say what a target comes to: the compiler itself, and every macro that it defines.

    The macros name the compiler's version and what the processor can do, on any system.

    Raises:
        CompileError: the compiler cannot be run.
    """
    command = target.command()
    answer = run([*command, "-dM", "-E", "-x", "c", os.devnull])
    if answer.returncode != 0:
        raise CompileError(f"{target.named} cannot be used: {_first_error(answer.stderr)}")
    # The first word may only start the compiler that another names (`ccache gcc`).
    words = [word for word in words_of(target.named) if not word.startswith("-")]
    found = [Path(path).resolve() for word in words if (path := shutil.which(word))]
    stamps = [f"{p} {p.stat().st_mtime_ns} {p.stat().st_size}" for p in found]
    return "\n".join([*command, *stamps, answer.stdout])


def compile_c(source: Path, library: Path, target: Target) -> None:
    """Compile a C file into a shared library.

    Raises:
        CompileError: the compiler refused it.
    """
    command = [*target.command(), str(source), "-o", str(library), *LIBRARIES]
    done = run(command)
    if done.returncode != 0:
        raise CompileError(f"{target.named} refused generated code: {_first_error(done.stderr)}")


def _first_error(text: str) -> str:
    """Give the line of a compiler's complaint that says what is wrong."""
    lines = text.splitlines() or ["it does not say why"]
    return next((line for line in lines if "error" in line), lines[0])


def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a compiler and all that it starts; an exception here, such as Ctrl-C, ends them too.

    They get a process group of their own: the driver's death would leave its children running.

    Raises:
        CompileError: it cannot be started.
    """
    environ = os.environ | {"LC_ALL": "C"}
    try:
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise CompileError(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        out, complaints = child.communicate()
    except BaseException:
        _end(child)
        raise
    return subprocess.CompletedProcess(list(command), child.returncode, out, complaints)


def _end(child: "subprocess.Popen[str]") -> None:
    """End a process with its whole group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()
    child.wait()


def suffix() -> str:
    """Give the ending of a shared library's name."""
    return ".dylib" if sys.platform == "darwin" else ".so"
