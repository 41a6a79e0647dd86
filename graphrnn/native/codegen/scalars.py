"""Scalar operations as C, and what each costs: the one table that knows.

Costs count additions of the same dtype, an element, in loops that the compiler turns into vector
code where it can: `expf` here is a polynomial in vectors, `exp` a call of the C library. They were
measured in the first cache of a processor with AVX-512 (GCC 12).
"""

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphrnn.native.codegen.c_types import arithmetic, c_type, convert, literal
from graphrnn.native.ir.dtypes import REALS, SIGNED, UNSIGNED
from graphrnn.native.ir.program import Instruction
from graphrnn.native.ir.scalars import ScalarOp

import numpy as np


@dataclass(frozen=True)
class _Call:
    """An operation on C expressions of these dtypes; `number` names its kernel when it fails."""

    values: Sequence[str]
    dtypes: Sequence[str]
    out: str
    number: int

    def converted(self, dtype: str = "") -> list[str]:
        """Write the arguments in the dtype of the result, or another."""
        pairs = zip(self.values, self.dtypes, strict=True)
        return [convert(value, source, dtype or self.out) for value, source in pairs]

    @property
    def real(self) -> bool:
        """Whether the result is a real number."""
        return self.out in REALS


_Text = Callable[[_Call], str]


def _joined(sign: str) -> _Text:
    """Join any number of arguments by a sign."""
    return lambda call: arithmetic(sign, call.converted(), call.out)


def _bitwise(sign: str, boolean: str) -> _Text:
    """Join arguments by a bitwise operation, which is a logical one for booleans."""
    return lambda call: f" {boolean if call.out == 'bool' else sign} ".join(call.converted())


def _compared(sign: str) -> _Text:
    """Compare both sides in the type that holds both."""

    def text(call: _Call) -> str:
        a, b = call.values
        if "uint64" in call.dtypes and any(dtype in SIGNED for dtype in call.dtypes):
            return f"(__int128){a} {sign} (__int128){b}"
        return f" {sign} ".join(call.converted(str(np.result_type(*call.dtypes))))

    return text


def _function(single: str, double: str) -> _Text:
    """Call a function in the result's precision."""

    def text(call: _Call) -> str:
        return f"{single if call.out == 'float32' else double}({', '.join(call.converted())})"

    return text


def _in_double(name: str) -> _Text:
    """Call a function in double precision, whatever is asked for."""
    return lambda call: f"({c_type(call.out)}){name}({', '.join(call.converted('float64'))})"


def _template(text: str) -> _Text:
    """Fill in C text: {T} is the result's type, {0}, {1}, … the converted arguments."""

    def filled(call: _Call) -> str:
        values = call.converted()
        return re.sub(
            r"\{(\d|T)\}",
            lambda m: c_type(call.out) if m[1] == "T" else values[int(m[1])],
            text,
        )

    return filled


def _chosen(sign: str, x: str, y: str) -> str:
    """Write the larger or smaller of two values, or the one that is not a number."""
    return f"(({x} {sign} {y} || {x} != {x}) ? {x} : {y})"


def _extreme(sign: str) -> _Text:
    """Choose the largest or smallest, and hand a NaN on as NumPy does."""
    return lambda call: functools.reduce(functools.partial(_chosen, sign), call.converted())


def _clip(call: _Call) -> str:
    x, low, high = call.converted()
    # As Aesara's own, for bounds that are out of order or not a number too.
    return f"{x} < {low} ? {low} : {x} > {high} ? {high} : {x}"


def _select(call: _Call) -> str:
    _, x, y = call.converted()
    return f"{call.values[0]} != 0 ? {x} : {y}"


def _neg(call: _Call) -> str:
    (value,) = call.converted()
    return f"-{value}" if call.real else arithmetic("-", ["0", value], call.out)


def _abs(call: _Call) -> str:
    (value,) = call.converted()
    if call.real:
        return f"{'fabsf' if call.out == 'float32' else 'fabs'}({value})"
    if call.out in UNSIGNED or call.out == "bool":
        return value
    return f"({value} < 0 ? {arithmetic('-', ['0', value], call.out)} : {value})"


def _tested(name: str) -> _Text:
    """Test a real number; an integer is always finite."""
    return lambda call: f"({name}({call.values[0]}) != 0)" if call.dtypes[0] in REALS else "0"


def _division(name: str) -> _Text:
    """Divide and round down, or give the remainder of that."""

    def text(call: _Call) -> str:
        arguments = f"({', '.join(call.converted())})"
        if call.real:
            return f"g_f{name}{'f' if call.out == 'float32' else ''}{arguments}"
        kind = "u" if call.out in UNSIGNED else "i"
        return f"({c_type(call.out)})g_{kind}{name}{arguments}"

    return text


def _power(call: _Call) -> str:
    base, exponent = call.converted()
    if call.real:
        return f"{'powf' if call.out == 'float32' else 'pow'}({base}, {exponent})"
    if call.out in UNSIGNED:
        return f"({c_type(call.out)})g_ipow((uint64_t){base}, {exponent})"
    return f"({c_type(call.out)})g_spow((uint64_t){base}, {exponent}, {call.number})"


def _rounded(name: str) -> _Text:
    """Round a real number; integers stay as they are."""

    def text(call: _Call) -> str:
        (value,) = call.converted()
        return f"{name}{'f' if call.out == 'float32' else ''}({value})" if call.real else value

    return text


def _mean(call: _Call) -> str:
    return f"({' + '.join(call.converted())}) / {len(call.values)}"


@dataclass(frozen=True)
class _Scalar:
    """How an operation is written, and what it costs for each kind of dtype."""

    text: _Text
    float32: int = 1
    float64: int = 1
    integer: int = 1


def _math(name: str, float32: int, float64: int) -> _Scalar:
    """Call a function of the C library that has a namesake for float32."""
    return _Scalar(_function(f"{name}f", name), float32, float64)


_O = ScalarOp
_TABLE: dict[ScalarOp, _Scalar] = {
    _O.IDENTITY: _Scalar(_template("{0}")),
    _O.CAST: _Scalar(_template("{0}")),
    _O.SECOND: _Scalar(_template("{1}")),
    _O.SELECT: _Scalar(lambda call: f"({_select(call)})"),
    _O.ADD: _Scalar(_joined("+")),
    _O.SUB: _Scalar(_joined("-")),
    _O.MUL: _Scalar(_joined("*")),
    _O.DIV: _Scalar(_template("{0} / {1}"), 2, 3),
    _O.FLOOR_DIV: _Scalar(_division("div"), 120, 120, 30),
    _O.MOD: _Scalar(_division("mod"), 240, 70, 30),
    _O.POW: _Scalar(_power, 90, 100, 30),
    _O.NEG: _Scalar(_neg),
    _O.ABS: _Scalar(_abs),
    _O.SIGN: _Scalar(_template("(({T})({0} > 0) - ({T})({0} < 0) + ({0} != {0} ? {0} : 0))"), 2, 2),
    _O.SQUARE: _Scalar(lambda call: arithmetic("*", call.converted() * 2, call.out)),
    _O.RECIPROCAL: _Scalar(_template("1 / {0}"), 2, 3),
    _O.MEAN: _Scalar(_mean, 2, 3),
    _O.MAXIMUM: _Scalar(_extreme(">=")),
    _O.MINIMUM: _Scalar(_extreme("<=")),
    _O.CLIP: _Scalar(_clip, 7, 7, 2),
    _O.LT: _Scalar(_compared("<")),
    _O.GT: _Scalar(_compared(">")),
    _O.LE: _Scalar(_compared("<=")),
    _O.GE: _Scalar(_compared(">=")),
    _O.EQ: _Scalar(_compared("==")),
    _O.NE: _Scalar(_compared("!=")),
    _O.IS_NAN: _Scalar(_tested("isnan")),
    _O.IS_INF: _Scalar(_tested("isinf")),
    _O.AND: _Scalar(_bitwise("&", "&&")),
    _O.OR: _Scalar(_bitwise("|", "||")),
    _O.XOR: _Scalar(_bitwise("^", "!=")),
    _O.NOT: _Scalar(lambda call: f"{'!' if call.out == 'bool' else '~'}{call.values[0]}"),
    _O.FLOOR: _Scalar(_rounded("floor")),
    _O.CEIL: _Scalar(_rounded("ceil")),
    _O.TRUNC: _Scalar(_rounded("trunc")),
    _O.ROUND_EVEN: _Scalar(_rounded("rint")),
    _O.ROUND_AWAY: _Scalar(_rounded("round")),
    _O.SQRT: _math("sqrt", 3, 6),
    _O.EXP: _Scalar(_function("g_expf", "exp"), 8, 60),
    _O.EXP2: _math("exp2", 50, 35),
    _O.EXPM1: _math("expm1", 200, 60),
    _O.LOG: _math("log", 50, 35),
    _O.LOG1P: _math("log1p", 150, 100),
    _O.LOG2: _math("log2", 90, 65),
    _O.LOG10: _math("log10", 100, 60),
    _O.SIN: _math("sin", 50, 80),
    _O.COS: _math("cos", 60, 80),
    _O.TAN: _math("tan", 250, 150),
    _O.ARCSIN: _math("asin", 70, 85),
    _O.ARCCOS: _math("acos", 90, 45),
    _O.ARCTAN: _math("atan", 200, 160),
    _O.ARCTAN2: _math("atan2", 200, 200),
    _O.SINH: _math("sinh", 250, 120),
    _O.COSH: _math("cosh", 200, 60),
    _O.TANH: _Scalar(_function("g_tanhf", "tanh"), 12, 160),
    _O.ARCSINH: _math("asinh", 400, 200),
    _O.ARCCOSH: _math("acosh", 90, 45),
    _O.ARCTANH: _math("atanh", 400, 95),
    _O.DEG2RAD: _Scalar(_template(f"{{0}} * ({{T}}){(math.pi / 180).hex()}")),
    _O.RAD2DEG: _Scalar(_template(f"{{0}} * ({{T}}){(180 / math.pi).hex()}")),
    _O.SIGMOID: _Scalar(_function("g_sigmoidf", "g_sigmoid"), 10, 65),
    _O.SOFTPLUS: _Scalar(_function("g_softplusf", "g_softplus"), 600, 130),
    _O.ERF: _math("erf", 80, 30),
    _O.ERFC: _math("erfc", 90, 35),
    _O.LOG1MEXP: _Scalar(_in_double("g_log1mexp"), 250, 170),
    _O.GAMMA: _Scalar(_in_double("g_gamma"), 900, 480),
    _O.LOG_GAMMA: _Scalar(_in_double("g_lgamma"), 400, 130),
    _O.DIGAMMA: _Scalar(_in_double("g_psi"), 600, 250),
    _O.TRIGAMMA: _Scalar(_in_double("g_trigamma"), 500, 200),
    _O.J0: _Scalar(_in_double("j0"), 100, 70),
    _O.J1: _Scalar(_in_double("j1"), 100, 70),
}


def expression(instruction: Instruction, dtypes: Sequence[str], number: int = 0) -> str:
    """Write an instruction as C, on arguments x0, x1, … of these dtypes.

    Example:
        >>> expression(Instruction(ScalarOp.ADD, (0, 2), "float64"), ["float64", "float32"])
        '(x0 + (double)x2)'
    """
    if instruction.op is ScalarOp.CONSTANT:
        return literal(instruction.immediate, instruction.dtype)
    values = [f"x{argument}" for argument in instruction.arguments]
    call = _Call(values, dtypes, instruction.dtype, number)
    return f"({_TABLE[instruction.op].text(call)})"


def function_name(op: ScalarOp, dtype: str) -> str:
    """Return the C function that computes a real number.

    Example:
        >>> function_name(ScalarOp.EXP, "float32"), function_name(ScalarOp.EXP, "float64")
        ('g_expf', 'exp')
    """
    return _TABLE[op].text(_Call([""], [dtype], dtype, 0)).partition("(")[0]


def cost(op: ScalarOp, dtype: str) -> int:
    """Return what an operation costs that gives one number of a dtype, in additions.

    Example:
        >>> cost(ScalarOp.EXP, "float32"), cost(ScalarOp.EXP, "float64")
        (8, 60)
    """
    if op is ScalarOp.CONSTANT:
        return 0
    scalar = _TABLE[op]
    costs = {"float32": scalar.float32, "float64": scalar.float64}
    return costs.get(dtype, scalar.integer)
