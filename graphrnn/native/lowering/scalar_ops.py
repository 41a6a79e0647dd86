"""How each scalar operation of Aesara reads in C. Adding one is one entry in the table."""

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.native.ir.c_types import OP_NUMBER, arithmetic, c_type, convert, literal
from graphrnn.native.ir.program import Instruction
from graphrnn.native.ir.views import Unsupported

import aesara.scalar.basic as aes
import aesara.scalar.math as aesm
import numpy as np

Rule = Callable[[Sequence[str], str, Any], str]
"""(dtypes of the arguments, dtype of the result, the scalar op) → a C expression template."""


def _cast(dtypes: Sequence[str], k: int, dtype: str) -> str:
    """Write argument k, converted."""
    return convert(f"{{{k}}}", dtypes[k], dtype)


def _joined(sign: str) -> Rule:
    """Make the rule of an operation that joins any number of arguments by a sign."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return arithmetic(sign, [_cast(dtypes, k, out) for k in range(len(dtypes))], out)

    return rule


def _logical(sign: str, boolean: str) -> Rule:
    """Make the rule of a bitwise operation, which is a logical one for booleans."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return f" {boolean if out == 'bool' else sign} ".join(
            _cast(dtypes, k, out) for k in range(len(dtypes))
        )

    return rule


def _compared(sign: str) -> Rule:
    """Make the rule of a comparison: both sides in the type that holds both."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        if "uint64" in dtypes and any(dtype.startswith("int") for dtype in dtypes):
            return f"(__int128){{0}} {sign} (__int128){{1}}"
        both = str(np.result_type(*dtypes))
        return f"{_cast(dtypes, 0, both)} {sign} {_cast(dtypes, 1, both)}"

    return rule


def _function(single: str, double: str) -> Rule:
    """Make the rule of a function of one or more arguments, in the result's precision."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        if out not in ("float32", "float64"):
            raise Unsupported(f"{op} of {out}")
        name = single if out == "float32" else double
        return f"{name}({', '.join(_cast(dtypes, k, out) for k in range(len(dtypes)))})"

    return rule


def _in_double(name: str) -> Rule:
    """Make the rule of a function that is computed in double precision, whatever is asked for."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        if out not in ("float32", "float64"):
            raise Unsupported(f"{op} of {out}")
        arguments = ", ".join(_cast(dtypes, k, "float64") for k in range(len(dtypes)))
        return f"({c_type(out)}){name}({arguments})"

    return rule


def _template(text: str) -> Rule:
    """Make a rule from C text: {T} is the result's type, {0}, {1}, … the converted arguments."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        text_of = {f"{{{k}}}": _cast(dtypes, k, out) for k in range(len(dtypes))}
        return re.sub(r"\{(\d|T)\}", lambda m: c_type(out) if m[1] == "T" else text_of[m[0]], text)

    return rule


def _chosen(sign: str, one: str, other: str) -> str:
    """Write the larger or smaller of two values, or the one that is not a number."""
    return f"(({one} {sign} {other} || {one} != {one}) ? {one} : {other})"


def _extreme(sign: str) -> Rule:
    """Make the rule of maximum or minimum, which hand a NaN on as NumPy does."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        values = [_cast(dtypes, k, out) for k in range(len(dtypes))]
        return functools.reduce(functools.partial(_chosen, sign), values)

    return rule


def _clip(dtypes: Sequence[str], out: str, op: Any) -> str:
    x, low, high = (_cast(dtypes, k, out) for k in range(3))
    # As Aesara's own, for bounds that are out of order or not a number too.
    return f"({x} < {low} ? {low} : {x} > {high} ? {high} : {x})"


def _neg(dtypes: Sequence[str], out: str, op: Any) -> str:
    value = _cast(dtypes, 0, out)
    return f"-{value}" if out.startswith("float") else arithmetic("-", ["0", value], out)


def _sqr(dtypes: Sequence[str], out: str, op: Any) -> str:
    return arithmetic("*", [_cast(dtypes, 0, out)] * 2, out)


def _abs(dtypes: Sequence[str], out: str, op: Any) -> str:
    value = _cast(dtypes, 0, out)
    if out.startswith("float"):
        return f"{'fabsf' if out == 'float32' else 'fabs'}({value})"
    if out.startswith("u") or out == "bool":
        return value
    return f"({value} < 0 ? {arithmetic('-', ['0', value], out)} : {value})"


def _test(name: str) -> Rule:
    """Make the rule of a test of a floating-point number; an integer is always finite."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return f"({name}({{0}}) != 0)" if dtypes[0].startswith("float") else "0"

    return rule


def _division(name: str) -> Rule:
    """Make the rule of division that rounds down, or of its remainder."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        arguments = f"({_cast(dtypes, 0, out)}, {_cast(dtypes, 1, out)})"
        if out.startswith("float"):
            return f"g_f{name}{'f' if out == 'float32' else ''}{arguments}"
        if out == "bool":
            raise Unsupported(f"{op} of booleans")
        return f"({c_type(out)})g_{'u' if out.startswith('u') else 'i'}{name}{arguments}"

    return rule


def _power(dtypes: Sequence[str], out: str, op: Any) -> str:
    base, exponent = (_cast(dtypes, k, out) for k in (0, 1))
    if out.startswith("float"):
        return f"{'powf' if out == 'float32' else 'pow'}({base}, {exponent})"
    if out == "bool":
        raise Unsupported(f"{op} of booleans")
    if out.startswith("u"):
        return f"({c_type(out)})g_ipow((uint64_t){base}, {exponent})"
    return f"({c_type(out)})g_spow((uint64_t){base}, {exponent}, {OP_NUMBER})"


def _rounded(name: str) -> Rule:
    """Make the rule of rounding, which leaves integers as they are."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        value = _cast(dtypes, 0, out)
        if not out.startswith("float"):
            return value
        return f"{name}{'f' if out == 'float32' else ''}({value})"

    return rule


def _in_range(dtypes: Sequence[str], out: str, op: Any) -> str:
    low, high = ("<", "<=")[not op.openlow], ("<", "<=")[not op.openhi]
    both = str(np.result_type(*dtypes))
    x, a, b = (_cast(dtypes, k, both) for k in range(3))
    return f"{a} {low} {x} && {x} {high} {b}"


def _mean(dtypes: Sequence[str], out: str, op: Any) -> str:
    total = " + ".join(_cast(dtypes, k, out) for k in range(len(dtypes)))
    return f"({total}) / {len(dtypes)}"


TABLE: dict[type, Rule] = {
    aes.Add: _joined("+"),
    aes.Sub: _joined("-"),
    aes.Mul: _joined("*"),
    aes.TrueDivide: _template("{0} / {1}"),
    aes.FloorDivide: _division("div"),
    aes.Mod: _division("mod"),
    aes.Neg: _neg,
    aes.Sqr: _sqr,
    aes.Reciprocal: _template("1 / {0}"),
    aes.Identity: _template("{0}"),
    aes.Second: _template("{1}"),
    aes.Cast: _template("{0}"),
    aes.Switch: lambda dtypes, out, op: (
        f"({{0}} != 0 ? {_cast(dtypes, 1, out)} : {_cast(dtypes, 2, out)})"
    ),
    aes.Clip: _clip,
    aes.ScalarMaximum: _extreme(">="),
    aes.ScalarMinimum: _extreme("<="),
    aes.Abs: _abs,
    aes.Sgn: _template("(({T})({0} > 0) - ({T})({0} < 0) + ({0} != {0} ? {0} : 0))"),
    aes.LT: _compared("<"),
    aes.GT: _compared(">"),
    aes.LE: _compared("<="),
    aes.GE: _compared(">="),
    aes.EQ: _compared("=="),
    aes.NEQ: _compared("!="),
    aes.IsNan: _test("isnan"),
    aes.IsInf: _test("isinf"),
    aes.AND: _logical("&", "&&"),
    aes.OR: _logical("|", "||"),
    aes.XOR: _logical("^", "!="),
    aes.Invert: lambda dtypes, out, op: "!{0}" if out == "bool" else "~{0}",
    aes.Pow: _power,
    aes.Exp: _function("g_expf", "exp"),
    aes.Expm1: _function("expm1f", "expm1"),
    aes.Log: _function("logf", "log"),
    aes.Log1p: _function("log1pf", "log1p"),
    aes.Log2: _function("log2f", "log2"),
    aes.Log10: _function("log10f", "log10"),
    aes.Sqrt: _function("sqrtf", "sqrt"),
    aes.Tanh: _function("g_tanhf", "tanh"),
    aes.Sin: _function("sinf", "sin"),
    aes.Cos: _function("cosf", "cos"),
    aes.Tan: _function("tanf", "tan"),
    aes.Floor: _rounded("floor"),
    aes.Ceil: _rounded("ceil"),
    aes.Trunc: _rounded("trunc"),
    aes.RoundHalfToEven: _rounded("rint"),
    aes.RoundHalfAwayFromZero: _rounded("round"),
    aes.InRange: _in_range,
    aes.Mean: _mean,
    aes.Conj: _template("{0}"),
    aes.Real: _template("{0}"),
    aes.Exp2: _function("exp2f", "exp2"),
    aes.Deg2Rad: _template(f"{{0}} * ({{T}}){(math.pi / 180).hex()}"),
    aes.Rad2Deg: _template(f"{{0}} * ({{T}}){(180 / math.pi).hex()}"),
    aes.ArcCos: _function("acosf", "acos"),
    aes.ArcSin: _function("asinf", "asin"),
    aes.ArcTan: _function("atanf", "atan"),
    aes.ArcTan2: _function("atan2f", "atan2"),
    aes.Cosh: _function("coshf", "cosh"),
    aes.Sinh: _function("sinhf", "sinh"),
    aes.ArcCosh: _function("acoshf", "acosh"),
    aes.ArcSinh: _function("asinhf", "asinh"),
    aes.ArcTanh: _function("atanhf", "atanh"),
    aesm.Sigmoid: _function("g_sigmoidf", "g_sigmoid"),
    aesm.Softplus: _function("g_softplusf", "g_softplus"),
    aesm.Erf: _function("erff", "erf"),
    aesm.Erfc: _function("erfcf", "erfc"),
    aesm.Log1mexp: _in_double("g_log1mexp"),
    aesm.Gamma: _in_double("g_gamma"),
    aesm.GammaLn: _in_double("g_lgamma"),
    aesm.Psi: _in_double("g_psi"),
    aesm.TriGamma: _in_double("g_trigamma"),
    aesm.J0: _in_double("j0"),
    aesm.J1: _in_double("j1"),
}


def instructions(
    op: Any, arguments: Sequence[int], dtypes: Sequence[str], first: int, out: str
) -> list[Instruction]:
    """Translate a scalar op: its value is that of the last instruction.

    `arguments` are numbers of values, `first` the number that the first instruction gets.

    Raises:
        Unsupported: the table has no entry for it.
    """
    if isinstance(op, aes.Composite):
        return _composite(op, arguments, dtypes, first)
    rule = next((TABLE[kind] for kind in type(op).__mro__ if kind in TABLE), None)
    if rule is None:
        raise Unsupported(f"scalar operation {op}")
    c_type(out)
    return [Instruction(f"({rule(dtypes, out, op)})", tuple(arguments), out)]


def _composite(
    op: Any, arguments: Sequence[int], dtypes: Sequence[str], first: int
) -> list[Instruction]:
    """Translate a fused operation by its parts."""
    known = {
        variable: (number, dtype)
        for variable, number, dtype in zip(op.fgraph.inputs, arguments, dtypes, strict=True)
    }
    done: list[Instruction] = []
    for node in op.fgraph.toposort():
        numbers, kinds = [], []
        for variable in node.inputs:
            if variable not in known:
                done.append(Instruction(literal(variable.data, variable.dtype), (), variable.dtype))
                known[variable] = (first + len(done) - 1, variable.dtype)
            numbers.append(known[variable][0])
            kinds.append(known[variable][1])
        out = node.outputs[0].dtype
        done += instructions(node.op, numbers, kinds, first + len(done), out)
        known[node.outputs[0]] = (first + len(done) - 1, out)
    if len(op.fgraph.outputs) != 1:
        raise Unsupported("a fused operation with several results")
    number, dtype = known[op.fgraph.outputs[0]]
    if number != first + len(done) - 1 or not done:
        done.append(Instruction("{0}", (number,), dtype))
    return done
