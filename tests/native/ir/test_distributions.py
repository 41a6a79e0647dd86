"""Distributions."""

from graphrnn.native.codegen.random import _SAMPLERS
from graphrnn.native.ir.distributions import INTEGER, PARAMETERS


def test_each_has_c_that_uses_its_parameters():
    assert INTEGER <= PARAMETERS.keys() == _SAMPLERS.keys() | {"categorical"}
    for name, (expression, valid) in _SAMPLERS.items():
        second = any(
            letter in (expression + valid).replace("binomial", "") for letter in ("b", "m -")
        )
        assert PARAMETERS[name] == 1 or second, name
