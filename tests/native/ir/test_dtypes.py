"""What a buffer may hold."""

from graphrnn.native.codegen.c_types import C_TYPES
from graphrnn.native.ir.dtypes import DTYPES, rank, require_dtype
from graphrnn.native.ir.views import Unsupported

import numpy as np
import pytest


def test_ranks_are_those_of_numpy():
    """What is of a higher rank is not converted to a lower one without being asked."""
    for left in DTYPES:
        for right in DTYPES:
            if rank(left) > rank(right):
                assert not np.can_cast(left, right, "same_kind")


def test_every_dtype_has_a_c_type_and_others_are_refused():
    assert set(C_TYPES) == DTYPES
    with pytest.raises(Unsupported, match="dtype complex64"):
        require_dtype("complex64")
