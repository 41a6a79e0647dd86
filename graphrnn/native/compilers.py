"""Finds the C compiler, says what it makes code for, and runs it so that Ctrl-C ends it."""

import functools
import os
import platform
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

    def command(self) -> list[str]:
        """Give the compiler with all its flags.

        Raises:
            CompileError: there is no compiler.
        """
        named = self.compiler or compiler()
        flags = native_flags(named) if self.flags is None else self.flags
        words = shlex.split(named)
        own = next((k for k, word in enumerate(words) if word.startswith("-")), len(words))
        # The user's own flags come last, and win.
        return [*words[:own], *FLAGS, *flags, *self.more, *words[own:]]


@functools.cache
def compiler() -> str:
    """Find the C compiler: the one named by CC (it may have flags of its own), else gcc, cc, clang.

    Raises:
        CompileError: there is none, or none of the name in CC.
    """
    named = shlex.split(os.environ.get("CC", ""))
    if named:
        if shutil.which(named[0]) is None:
            raise CompileError(f"no C compiler {named[0]!r} on PATH, which CC names; unset CC")
        return shlex.join(named)
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
    command = [*shlex.split(named), "-x", "c", "-c", os.devnull, "-o", os.devnull]
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
    path = Path(shutil.which(command[0]) or command[0]).resolve()
    answer = run([*command, "-dM", "-E", "-x", "c", os.devnull])
    if answer.returncode != 0:
        raise CompileError(f"{path} cannot be used: {_first_error(answer.stderr)}")
    made = path.stat()
    return "\n".join([*command, str(path), f"{made.st_mtime_ns} {made.st_size}", answer.stdout])


def compile_c(source: Path, library: Path, target: Target) -> None:
    """Compile a C file into a shared library.

    Raises:
        CompileError: the compiler refused it.
    """
    command = [*target.command(), str(source), "-o", str(library), *LIBRARIES]
    done = run(command)
    if done.returncode != 0:
        raise CompileError(f"{command[0]} refused generated code: {_first_error(done.stderr)}")


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
