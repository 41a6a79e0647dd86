"""How each scalar operation of Aesara reads in C. Adding one is one entry in the table."""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.native.program import Instruction
from graphrnn.native.views import Unsupported

import aesara.scalar.basic as aes
import aesara.scalar.math as aesm
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

Rule = Callable[[Sequence[str], str, Any], str]
"""(dtypes of the arguments, dtype of the result, the scalar op) → a C expression template."""


def c_type(dtype: str) -> str:
    """Give the C type of a dtype.

    Raises:
        Unsupported: it has none here (complex numbers, float16).
    """
    if dtype not in C_TYPES:
        raise Unsupported(f"dtype {dtype}")
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


def _cast(k: int, dtype: str) -> str:
    """Write argument k, converted."""
    return f"({c_type(dtype)}){{{k}}}"


def _joined(sign: str) -> Rule:
    """Make the rule of an operation that joins any number of arguments by a sign."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return f" {sign} ".join(_cast(k, out) for k in range(len(dtypes)))

    return rule


def _logical(sign: str, boolean: str) -> Rule:
    """Make the rule of a bitwise operation, which is a logical one for booleans."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return f" {boolean if out == 'bool' else sign} ".join(
            _cast(k, out) for k in range(len(dtypes))
        )

    return rule


def _compared(sign: str) -> Rule:
    """Make the rule of a comparison: both sides in the type that holds both."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        both = str(np.result_type(*dtypes))
        return f"{_cast(0, both)} {sign} {_cast(1, both)}"

    return rule


def _function(single: str, double: str) -> Rule:
    """Make the rule of a function of one or more arguments, in the result's precision."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        if out not in ("float32", "float64"):
            raise Unsupported(f"{op} of {out}")
        name = single if out == "float32" else double
        return f"{name}({', '.join(_cast(k, out) for k in range(len(dtypes)))})"

    return rule


def _template(text: str) -> Rule:
    """Make a rule from C text, in which {T} is the result's type."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return text.replace("{T}", c_type(out))

    return rule


def _true_div(dtypes: Sequence[str], out: str, op: Any) -> str:
    return f"{_cast(0, out)} / {_cast(1, out)}"


def _extreme(sign: str) -> Rule:
    """Make the rule of maximum or minimum, which hand a NaN on as NumPy does."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        expression = _cast(0, out)
        for k in range(1, len(dtypes)):
            other = _cast(k, out)
            kept = f"{expression} {sign} {other} || {expression} != {expression}"
            expression = f"(({kept}) ? {expression} : {other})"
        return expression

    return rule


def _abs(dtypes: Sequence[str], out: str, op: Any) -> str:
    if out == "float32":
        return "fabsf({0})"
    if out == "float64":
        return "fabs({0})"
    return "{0}" if out.startswith("u") or out == "bool" else "({0} < 0 ? -{0} : {0})"


def _test(name: str) -> Rule:
    """Make the rule of a test of a floating-point number; an integer is always finite."""

    def rule(dtypes: Sequence[str], out: str, op: Any) -> str:
        return f"({name}({{0}}) != 0)" if dtypes[0].startswith("float") else "0"

    return rule


def _power(dtypes: Sequence[str], out: str, op: Any) -> str:
    if out not in ("float32", "float64"):
        raise Unsupported(f"power of {out}")
    return f"{'powf' if out == 'float32' else 'pow'}({_cast(0, out)}, {_cast(1, out)})"


TABLE: dict[type, Rule] = {
    aes.Add: _joined("+"),
    aes.Sub: _joined("-"),
    aes.Mul: _joined("*"),
    aes.TrueDivide: _true_div,
    aes.Neg: _template("-({T}){0}"),
    aes.Sqr: _template("({T}){0} * ({T}){0}"),
    aes.Reciprocal: _template("1 / ({T}){0}"),
    aes.Identity: _template("{0}"),
    aes.Second: _template("({T}){1}"),
    aes.Cast: _template("({T}){0}"),
    aes.Switch: _template("({0} ? ({T}){1} : ({T}){2})"),
    aes.Clip: _template("({0} < {1} ? ({T}){1} : {0} > {2} ? ({T}){2} : ({T}){0})"),
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
    aes.Floor: _function("floorf", "floor"),
    aes.Ceil: _function("ceilf", "ceil"),
    aes.Trunc: _function("truncf", "trunc"),
    aesm.Sigmoid: _function("g_sigmoidf", "g_sigmoid"),
    aesm.Softplus: _function("g_softplusf", "g_softplus"),
    aesm.Erf: _function("erff", "erf"),
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
