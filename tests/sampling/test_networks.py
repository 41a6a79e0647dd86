from graphrnn.errors import UserError
from graphrnn.sampling.networks import network_in

import pytest


def test_an_unknown_backend_is_refused():
    with pytest.raises(UserError, match=r"unknown backend 'gpu' \(known: auto"):
        network_in(None, backend="gpu")
