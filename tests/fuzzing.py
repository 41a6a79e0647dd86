"""What both kinds of random graphs share: the ways to run one, and how a fault is told."""

import contextlib
import logging
import traceback
import warnings

from graphrnn.backends.compile import BACKENDS, _Builder, deep, seldom_collected, silent
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime.compilers import Target
from tests.native_helpers import PYTHON

import aesara
import numpy as np

WAYS = ("written", "native", "python")
"""As it was written, node by node; rewritten and in C; rewritten and stepped in Python."""


def mode_of(way, *, threads=1, more=()):
    """Give the mode of one way to run a graph."""
    if way == "native":
        return native_mode(strict=True, threads=threads, target=Target(more=more))
    return PYTHON if way == "written" else BACKENDS["python"](_Builder("fuzz", silent))


def flags(mode=PYTHON):
    """Set Aesara up for thousands of graphs: no C++, and no lines of source to remember."""
    return aesara.config.change_flags(cxx="", mode=mode, floatX="float64", traceback__limit=0)


def function_of(inputs, outputs, mode, updates=()):
    """Make the function of a graph; a rewrite of ours that fails is a failure."""
    with flags(), rewrites_that_fail() as failed:
        function = aesara.function(
            inputs,
            outputs,
            updates=list(updates),
            mode=mode,
            on_unused_input="ignore",
            no_default_updates=True,
        )
    assert not failed, failed[0]
    return function


def error_line(error):
    """Say in one line what went wrong, and where."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    place = f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]} ({place})"


@contextlib.contextmanager
def undisturbed():
    """Let deep graphs be walked, and neither Aesara nor what is not a number warn."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), deep(), seldom_collected():
        warnings.simplefilter("ignore")  # Aesara's gradients are old to NumPy
        yield


@contextlib.contextmanager
def rewrites_that_fail():
    """Collect what Aesara logs when one of our rewrites fails: it goes on without."""
    results, log = [], logging.getLogger("aesara.graph.rewriting.basic")

    def look(record):
        text = record.getMessage()
        if "/graphrnn/" in text:
            results.append(text)
        return False

    log.addFilter(look)
    try:
        yield results
    finally:
        log.removeFilter(look)
