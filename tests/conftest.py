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

# Sets Aesara's configuration before any test module imports it, which is when it is read.
import graphrnn  # noqa: F401

import aesara
import numpy as np
import pytest

# What evaluates a constant, or a small graph on the way, compiles no C++ that runs once.
CXX = aesara.config.cxx
aesara.config.cxx = ""
# Graphs are thousands of objects, nearly all kept: looking for garbage took a tenth of the time.
gc.set_threshold(1_000_000, 5, 20)


def pytest_collection_finish():
    """Look for no garbage in what all tests import: it stays."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def kept_from_the_collector():
    """Look through what a module left behind once: what lives on is not looked at again."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def quick_c(request):
    """Compile with few optimizations where the C is only a means: it takes an eighth of the time.

    Modules that are marked `shipped_flags` compile as users do.
    """
    from graphrnn.native.runtime import compilers

    if request.node.get_closest_marker("shipped_flags") or shutil.which("gcc") is None:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CC", "gcc -Og")
        _forget(compilers)
        yield
    _forget(compilers)


@pytest.fixture(autouse=True)
def stock_c(request):
    """Let tests that are marked `stock_c` compile C++: a module takes half a second."""
    if request.node.get_closest_marker("stock_c") is None:
        yield
        return
    with aesara.config.change_flags(cxx=CXX):
        yield


def _forget(compilers):
    """Let the compiler be looked for anew."""
    compilers.compiler.cache_clear()
    compilers.identity.cache_clear()


IN_FLOAT64 = ("backends", "comparison", "graph", "inspection", "native", "upstream")


@pytest.fixture(autouse=True)
def wide_floats(request):
    """Let tests that build graphs by hand, to be compared closely, make float64 by themselves."""
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    with aesara.config.change_flags(floatX="float64" if folder in IN_FLOAT64 else "float32"):
        yield


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
