"""What several tests of inspection look into."""

from tests import inspected

import pytest


@pytest.fixture
def lesson():
    """The lesson's network, rewritten once for all tests."""
    return inspected.lesson()
