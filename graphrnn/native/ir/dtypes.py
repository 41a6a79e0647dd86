"""The dtypes that a program may hold."""

from graphrnn.native.ir.views import Unsupported

REALS = frozenset({"float32", "float64"})
SIGNED = frozenset({"int8", "int16", "int32", "int64"})
UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})
INTEGERS = SIGNED | UNSIGNED
DTYPES = REALS | INTEGERS | {"bool"}


def require_dtype(dtype: str) -> None:
    """Refuse what no buffer can hold.

    Raises:
        Unsupported: complex numbers, float16.
    """
    if dtype not in DTYPES:
        raise Unsupported(f"dtype {dtype}")


def rank(dtype: str) -> int:
    """Return 0 for booleans, 1 for integers, 2 for reals: what NumPy converts without being asked.

    Example:
        >>> rank("bool"), rank("uint8"), rank("float32")
        (0, 1, 2)
    """
    return 2 if dtype in REALS else int(dtype != "bool")
