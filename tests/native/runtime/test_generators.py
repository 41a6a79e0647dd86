"""Generators that a compiled function draws from."""

from unittest.mock import Mock

from graphrnn.native.runtime.generators import FUNCTIONS, Generators, addresses
from tests.native.programs import buffer

import numpy as np

SLOT, OTHER = (buffer(name, 1, "generator", "uint64") for name in "gh")


def test_each_function_of_numpy_is_found():
    assert len(addresses()) == len(FUNCTIONS)
    assert all(addresses())


def test_the_user_s_generator_is_never_drawn_from():
    generators = Generators(Mock(), [SLOT, OTHER], fallible=True)
    given = np.random.default_rng(1)
    generators.enter(SLOT, given, mine=False)
    mine = generators.result(SLOT, mine=True)
    assert mine is not given
    wanted = np.random.default_rng(1).random(3)
    np.testing.assert_array_equal(mine.random(3), wanted)
    np.testing.assert_array_equal(given.random(3), wanted)


def test_a_call_that_failed_is_undone():
    generators = Generators(Mock(), [SLOT], fallible=True)
    generators.enter(SLOT, np.random.default_rng(1), mine=False)
    slot = generators.result(SLOT, mine=True)
    generators.enter(SLOT, slot, mine=True)
    before = slot.bit_generator.state
    slot.random(5)
    assert generators.put_back() is None
    assert slot.bit_generator.state == before


def test_a_copy_made_for_c_goes_on_as_the_other_would():
    generators = Generators(Mock(), [SLOT, OTHER], fallible=False)
    generators.enter(SLOT, np.random.default_rng(2), mine=False)
    assert generators._copy(1, 0) == 0
    first, second = (generators.result(each, mine=True) for each in (SLOT, OTHER))
    assert first.random() == second.random()
    assert generators._copy(1, 7) == 1
    assert isinstance(generators.put_back(), IndexError)
