"""The closed list of scalar operations, and what each of them must satisfy.

What an operation looks like in C, and what it costs, is known to `codegen/scalars.py` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from graphrnn.native.ir.dtypes import DTYPES, INTEGERS, REALS, SIGNED, rank


class ScalarOp(Enum):
    """A scalar operation; its value is its name in listings.

    Unless it is said otherwise below, arguments are converted to the dtype of the result first.
    """

    CONSTANT = "constant"  # the instruction's immediate
    IDENTITY = "identity"
    CAST = "cast"
    SECOND = "second"  # the second argument; the first lends its shape
    SELECT = "select"  # the second where the first is not 0, else the third
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    FLOOR_DIV = "floor_div"
    MOD = "mod"
    POW = "pow"
    NEG = "neg"
    ABS = "abs"
    SIGN = "sign"
    SQUARE = "square"
    RECIPROCAL = "reciprocal"
    MEAN = "mean"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    CLIP = "clip"  # the first between the second and the third
    LT = "lt"  # comparisons convert to the dtype that holds both sides
    GT = "gt"
    LE = "le"
    GE = "ge"
    EQ = "eq"
    NE = "ne"
    IS_NAN = "is_nan"
    IS_INF = "is_inf"
    AND = "and"  # bitwise; of booleans logical
    OR = "or"
    XOR = "xor"
    NOT = "not"
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    ROUND_EVEN = "round_half_to_even"
    ROUND_AWAY = "round_half_away"
    SQRT = "sqrt"
    EXP = "exp"
    EXP2 = "exp2"
    EXPM1 = "expm1"
    LOG = "log"
    LOG1P = "log1p"
    LOG2 = "log2"
    LOG10 = "log10"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ARCSIN = "arcsin"
    ARCCOS = "arccos"
    ARCTAN = "arctan"
    ARCTAN2 = "arctan2"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    ARCSINH = "arcsinh"
    ARCCOSH = "arccosh"
    ARCTANH = "arctanh"
    DEG2RAD = "deg2rad"
    RAD2DEG = "rad2deg"
    SIGMOID = "sigmoid"
    SOFTPLUS = "softplus"
    ERF = "erf"
    ERFC = "erfc"
    LOG1MEXP = "log1mexp"
    GAMMA = "gamma"
    LOG_GAMMA = "log_gamma"
    DIGAMMA = "digamma"
    TRIGAMMA = "trigamma"
    J0 = "j0"
    J1 = "j1"


@dataclass(frozen=True)
class Signature:
    """How many arguments an operation takes, and of which dtype its result may be.

    `converted` are the arguments that go over into the result's dtype, which may be of no lower
    rank: all, those from one on, or none.
    """

    least: int
    most: int | None
    results: frozenset[str]
    converted: int | None = 0


_BOOL = frozenset({"bool"})
_NUMBERS = DTYPES - _BOOL
_COMPARED = Signature(2, 2, _BOOL, None)
_FUNCTION = Signature(1, 1, REALS)
_TESTED = Signature(1, 1, _BOOL, None)
_ROUNDED = Signature(1, 1, DTYPES)
_BITWISE = Signature(1, None, INTEGERS | _BOOL)
_SIGNATURES: dict[ScalarOp, Signature] = {
    ScalarOp.CONSTANT: Signature(0, 0, DTYPES),
    ScalarOp.IDENTITY: Signature(1, 1, DTYPES),
    ScalarOp.CAST: Signature(1, 1, DTYPES, None),
    ScalarOp.SECOND: Signature(2, 2, DTYPES, 1),
    ScalarOp.SELECT: Signature(3, 3, DTYPES, 1),
    ScalarOp.ADD: Signature(1, None, DTYPES),
    ScalarOp.SUB: Signature(2, 2, _NUMBERS),
    ScalarOp.MUL: Signature(1, None, DTYPES),
    ScalarOp.DIV: Signature(2, 2, REALS),
    ScalarOp.FLOOR_DIV: Signature(2, 2, _NUMBERS),
    ScalarOp.MOD: Signature(2, 2, _NUMBERS),
    ScalarOp.POW: Signature(2, 2, _NUMBERS),
    ScalarOp.NEG: Signature(1, 1, _NUMBERS),
    ScalarOp.ABS: Signature(1, 1, DTYPES),
    ScalarOp.SIGN: Signature(1, 1, DTYPES),
    ScalarOp.SQUARE: Signature(1, 1, DTYPES),
    ScalarOp.MEAN: Signature(1, None, REALS),
    ScalarOp.MAXIMUM: Signature(1, None, DTYPES),
    ScalarOp.MINIMUM: Signature(1, None, DTYPES),
    ScalarOp.CLIP: Signature(3, 3, DTYPES),
    ScalarOp.ARCTAN2: Signature(2, 2, REALS),
    **dict.fromkeys(
        (ScalarOp.LT, ScalarOp.GT, ScalarOp.LE, ScalarOp.GE, ScalarOp.EQ, ScalarOp.NE), _COMPARED
    ),
    **dict.fromkeys((ScalarOp.IS_NAN, ScalarOp.IS_INF), _TESTED),
    **dict.fromkeys((ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR), _BITWISE),
    ScalarOp.NOT: Signature(1, 1, INTEGERS | _BOOL),
    **dict.fromkeys(
        (
            ScalarOp.FLOOR,
            ScalarOp.CEIL,
            ScalarOp.TRUNC,
            ScalarOp.ROUND_EVEN,
            ScalarOp.ROUND_AWAY,
        ),
        _ROUNDED,
    ),
}
"""Those that are not here are functions of one real number."""


def signature(op: ScalarOp) -> Signature:
    """Return what an operation must satisfy."""
    return _SIGNATURES.get(op, _FUNCTION)


def misuse(op: ScalarOp, arguments: Sequence[str], result: str) -> str:
    """Describe what an operation may not do that is done with it; "" where nothing is wrong.

    Example:
        >>> misuse(ScalarOp.EXP, ["int64"], "int64")
        'gives int64'
        >>> misuse(ScalarOp.ADD, ["float32", "int8"], "int8")
        'converts float32 to int8'
    """
    needed = signature(op)
    if len(arguments) < needed.least or (needed.most is not None and len(arguments) > needed.most):
        return f"takes {len(arguments)} arguments"
    if result not in needed.results:
        return f"gives {result}"
    converted = [] if needed.converted is None else arguments[needed.converted :]
    lost = next((dtype for dtype in converted if rank(dtype) > rank(result)), None)
    return f"converts {lost} to {result}" if lost else ""


def may_fail(op: ScalarOp, dtype: str) -> bool:
    """Return whether an operation may find while running that something is wrong."""
    return op is ScalarOp.POW and dtype in SIGNED
