"""No rewrite may end in a traceback."""

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog):
    """No rewrite may end in a traceback."""
    with caplog.at_level(logging.WARNING, logger="aesara"):
        yield
    assert not [r.getMessage() for r in caplog.records if "Rewrite failure" in r.getMessage()]
