"""What every test shares."""

import gc
import os
import shutil
from pathlib import Path

# A user's own flags must not decide whether the tests pass. What a test evaluates without saying
# how runs in Python, since compiling C is slow; what stock Aesara does compile runs only once.
os.environ["AESARA_FLAGS"] = "mode=FAST_COMPILE,gcc__cxxflags=-O0"
os.environ["AESARARC"] = os.devnull
# Tests run side by side: more threads than processors would only wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"
# A terminal's width and colours must not either.
os.environ.update(COLUMNS="100", NO_COLOR="1", TERM="dumb")

# Before any test module imports Aesara, which reads its configuration then.
from graphrnn.errors import UserError
from graphrnn.native.linker import STOCK_SCAN

import aesara
import numpy as np
import pytest

# Examples evaluate constants, which Aesara folds by compiling C++ that runs once.
CXX = aesara.config.cxx
aesara.config.cxx = ""
# What is imported by now stays: looking for garbage in it takes a tenth of the suite's time.
gc.freeze()
gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip what stock Aesara cannot compile on this Python, and say so."""
    try:
        return (yield)
    except UserError as error:
        if STOCK_SCAN or "stock Aesara's scan does not compile" not in str(error):
            raise
        pytest.skip(str(error))


AS_SHIPPED = ("native/", "cli/test_doctor.py", "test_readme.py", "test_environment.py")
MANY = tuple(f"native/lowering/test_{name}.py" for name in ("lowering", "random_ops", "ifelse"))
"""Tests of the backend itself compile with its own flags, but for those of many small rules."""


@pytest.fixture(autouse=True, scope="module")
def quick_c(request):
    """Compile without vectors where the C is only a means: the compiler takes half the time."""
    from graphrnn.native.runtime import compilers

    here = Path(__file__).parent
    name = request.path.relative_to(here).as_posix() if request.path.is_relative_to(here) else ""
    shipped = name.startswith(AS_SHIPPED) and not name.startswith(MANY)
    if shipped or shutil.which("gcc") is None:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CC", "gcc -Og")
        _forget(compilers)
        yield
    _forget(compilers)


@pytest.fixture(autouse=True)
def stock_c():
    """Let tests compile C++, but not the examples outside this folder."""
    with aesara.config.change_flags(cxx=CXX):
        yield


def _forget(compilers):
    """Let the compiler be looked for anew."""
    compilers.compiler.cache_clear()
    compilers.identity.cache_clear()


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL_TEXT = "the cats sat on the mat; the dog lay by the log.\n" * 90
"""4,410 characters with something to learn in them.

The lines have 49: were that a multiple of the windows' 8, training would see six windows over and
over and the held-out text would be cut at other places.
"""


@pytest.fixture
def small_text(in_tmp):
    """A small text in a file of its own."""
    path = in_tmp / "small.txt"
    path.write_text(SMALL_TEXT, encoding="utf-8")
    return path


@pytest.fixture
def threads(monkeypatch):
    """Let even small functions run on two threads."""
    from graphrnn.native.codegen import function

    monkeypatch.setattr(function, "PARALLEL_FROM", 0)
