"""The program is verified after each pass; and graphs that do not fit reach the backend.

Other graph builders do not check them.
"""

from functools import wraps

from graphrnn.native.ir.verifier import ProgramError, verify
from graphrnn.native.passes import order
from graphrnn.symbolic.building import unchecked

import pytest


def verified(run):
    """Give a pass that is blamed for what it spoils."""

    @wraps(run)
    def checked(program, cost):
        run(program, cost)
        try:
            verify(program)
        except ProgramError as error:
            error.add_note(f"after the pass {run.__name__}")
            raise

    return checked


@pytest.fixture(autouse=True)
def each_pass_verified(monkeypatch):
    monkeypatch.setattr(order, "PASSES", tuple(verified(run) for run in order.PASSES))


@pytest.fixture(autouse=True)
def as_others_build():
    with unchecked():
        yield
