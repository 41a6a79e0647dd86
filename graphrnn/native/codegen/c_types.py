"""C types of dtypes, literals and conversions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

C_TYPES = {
    "bool": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "float32": "float",
    "float64": "double",
}


def c_type(dtype: str) -> str:
    """Return the C type of a dtype."""
    return C_TYPES[dtype]


def literal(value: Any, dtype: str) -> str:
    """Write a number as C of a dtype.

    Example:
        >>> literal(0.1, "float32"), literal(3, "int64"), literal(float("inf"), "float64")
        ('0x1.99999ap-4f', '((int64_t)3LL)', '((double)INFINITY)')
    """
    if dtype in ("float32", "float64"):
        number = float(np.asarray(value, dtype))
        kind = c_type(dtype)
        if np.isnan(number):
            return f"(({kind})NAN)"
        if np.isinf(number):
            return f"(({kind}){'-' if number < 0 else ''}INFINITY)"
        text = number.hex()
        if "." in text:
            digits, exponent = text.split("p")
            text = f"{digits.rstrip('0').rstrip('.')}p{exponent}"
        return f"{text}{'f' if dtype == 'float32' else ''}"
    suffix = "ULL" if dtype == "uint64" else "LL"
    return f"(({c_type(dtype)}){int(value)}{suffix})"


def convert(value: str, source: str, target: str) -> str:
    """Write a value of one dtype as another, as NumPy converts it.

    Example:
        >>> convert("x", "float32", "bool"), convert("x", "float32", "uint8")
        ('(x != 0)', '(uint8_t)g_int32(x)')
        >>> convert("x", "bool", "float32")
        '(x ? (float)1 : (float)0)'
    """
    if source == target:
        return value
    kind = c_type(target)
    if target == "bool":
        return f"({value} != 0)"
    if source.startswith("float") and not target.startswith("float"):
        # Beyond the target's range C says nothing: what an x86 processor does is as good as any.
        wide = "g_int32" if target in ("int8", "int16", "int32", "uint8", "uint16") else "g_int64"
        return f"({kind}){'g_uint64' if target == 'uint64' else wide}({value})"
    if source == "bool" and target.startswith("float"):
        # A choice becomes a mask; a byte widened in a loop over floats takes seven times as long.
        return f"({value} ? ({kind})1 : ({kind})0)"
    return f"({kind}){value}"


def _unsigned(dtype: str) -> str:
    """Return the C type in which integers of a dtype may wrap: C leaves signed ones undefined."""
    return "uint64_t" if dtype in ("int64", "uint64") else "uint32_t"


def arithmetic(sign: str, values: Sequence[str], dtype: str) -> str:
    """Join values of one dtype by +, - or *; integers go round, booleans are or and and.

    Example:
        >>> arithmetic("+", ["a", "b"], "float32"), arithmetic("+", ["a", "b"], "int32")
        ('a + b', '(int32_t)((uint32_t)a + (uint32_t)b)')
    """
    if dtype == "bool":
        return f" {'||' if sign == '+' else '&&'} ".join(values)
    if dtype.startswith("float"):
        return f" {sign} ".join(values)
    wide = _unsigned(dtype)
    return f"({c_type(dtype)})({f' {sign} '.join(f'({wide}){value}' for value in values)})"
