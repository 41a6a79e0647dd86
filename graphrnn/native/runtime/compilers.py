"""Finds the C compiler, says what it makes code for, and runs it so that Ctrl-C ends it.

What a compiler says of the code is told from what kept it from working: the second may be otherwise
in a minute, and a run that goes on in another way because of it is another run.
"""

import contextlib
import errno
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


class ResourceError(Exception):
    """The system kept a compiler from working: no room, no memory, or its process was ended."""


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
"""What a folder may lack, in whose place another may serve."""

_NO_MEANS = (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE)

_NO_MEMORY = re.compile(
    "|".join(["out of memory", "memory exhausted", *(os.strerror(n) for n in _NO_MEANS)]), re.I
)

_ENDED = re.compile(
    r"signal terminated program|terminated (?:with|by) signal|failed due to signal"
    r"|(?::|execute command:) (?:Killed|Terminated)\b"
)
"""How gcc, clang and their linkers say that a process of theirs was ended by a signal."""


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
        """Return the compiler with all its flags.

        Raises:
            CompileError: there is no compiler.
        """
        flags = native_flags(self.named) if self.flags is None else self.flags
        words = words_of(self.named)
        # Ours come after all of the user's, since these may end in the compiler's name
        # (`python -m ziglang cc`); the user's flags take precedence over ours.
        chosen = {_setting(word) for word in words[1:]}
        ours = [flag for flag in (*FLAGS, *flags) if _setting(flag) not in chosen]
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
    first = next((path for name in ("gcc", "cc", "clang") if (path := shutil.which(name))), None)
    if first is None:
        raise CompileError("no C compiler on PATH (looked for CC, gcc, cc, clang)")
    return shlex.quote(first)


@functools.cache
def native_flags(named: str) -> tuple[str, ...]:
    """Return those flags for this machine's processor that a compiler accepts.

    Compilers for ARM take -mcpu where those for x86 take -march (macOS is untested).
    """
    machine = platform.machine().lower()
    arm = machine in ("arm64", "aarch64")
    flags = ["-mcpu=native" if arm else "-march=native"]
    if machine in ("x86_64", "amd64"):
        flags.append("-mprefer-vector-width=512")
    for taken in ([*flags, WORTH_A_VECTOR], flags, flags[:1]):
        with contextlib.suppress(CompileError):
            _preprocess(named, [*words_of(named), *taken])
            return tuple(taken)
    return ()


def _preprocess(named: str, command: Sequence[str]) -> str:
    """Let a compiler read an empty file, which needs no folder, and give all macros it defines.

    Raises:
        CompileError: it cannot be run, or refuses its flags.
        ResourceError: the system kept it from working.
    """
    done = run([*command, "-dM", "-E", "-x", "c", os.devnull])
    if done.returncode != 0:
        failure = _failure(named, "cannot be used", done)
        raise ResourceError(str(failure)) if isinstance(failure, OSError) else failure
    return done.stdout


@functools.cache
def identity(target: Target) -> str:
    """Describe what a target comes to: the compiler itself, and every macro that it defines.

    The macros name the compiler's version and what the processor can do, on any system.

    Raises:
        CompileError: the compiler cannot be run.
        ResourceError: the system kept it from working.
    """
    command = target.command()
    macros = _preprocess(target.named, command)
    # The first word may only start the compiler that another names (`ccache gcc`).
    words = [word for word in words_of(target.named) if not word.startswith("-")]
    paths = [Path(path).resolve() for word in words if (path := shutil.which(word))]
    stamps = [f"{p} {p.stat().st_mtime_ns} {p.stat().st_size}" for p in paths]
    return "\n".join([*command, *stamps, macros])


def compile_c(source: Path, library: Path, target: Target) -> None:
    """Compile a C file into a shared library; all that the compiler writes stands beside it.

    Raises:
        CompileError: the compiler refused it.
        ResourceError: the system kept the compiler from working.
        OSError: the folder did; another may serve.
    """
    command = [*target.command(), str(source), "-o", str(library), *LIBRARIES]
    done = run(command, library.parent)
    if done.returncode != 0:
        raise _failure(target.named, "refused generated code", done)
    if not library.is_file():
        raise CompileError(f"{target.named} gave no library, and no error")


def _failure(
    named: str, verdict: str, done: "subprocess.CompletedProcess[str]"
) -> CompileError | ResourceError | OSError:
    """Tell what a compiler says of the code from what kept it from working."""
    # A shell that starts it gives 128 and the signal's number.
    code = done.returncode
    number = -code if code < 0 else code - 128
    line = next((line for line in done.stderr.splitlines() if _ENDED.search(line)), "")
    if number in set(signal.Signals) or line:
        how = signal.Signals(number).name if number in set(signal.Signals) else line.strip()
        return ResourceError(
            f"{named} was ended while it worked ({how}), as by a system that runs out of memory; "
            "make memory free and try again"
        )
    for number in _NO_ROOM:
        if os.strerror(number) in done.stderr:
            return OSError(number, os.strerror(number))
    shortage = _NO_MEMORY.search(done.stderr)
    if shortage:
        return ResourceError(
            f"{named} got too little to work with ({shortage[0].lower()}); make memory free, or "
            "end other processes, and try again"
        )
    return CompileError(f"{named} {verdict}: {_first_error(done.stderr)}")


def lacks_memory(text: str) -> bool:
    """Return whether a complaint, of a compiler or of the loader, is about memory."""
    return _NO_MEMORY.search(text) is not None


def _first_error(text: str) -> str:
    """Return the line of a compiler's complaint that says what is wrong."""
    lines = text.splitlines() or ["it does not say why"]
    return next((line for line in lines if "error" in line), lines[0])


def run(command: Sequence[str], folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a compiler and all that it starts; an exception here, such as Ctrl-C, ends them too.

    They get a process group of their own: the driver's death would leave its children running.
    `folder` is where they put temporary files.

    Raises:
        CompileError: it cannot be started.
        ResourceError: the system has no room for another process.
    """
    environ = os.environ | {"LC_ALL": "C"} | ({"TMPDIR": str(folder)} if folder else {})
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
        kind = ResourceError if error.errno in _NO_MEANS else CompileError
        raise kind(f"{command[0]} cannot be started: {error.strerror}") from error
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
    """Return the ending of a shared library's name."""
    return ".dylib" if sys.platform == "darwin" else ".so"
