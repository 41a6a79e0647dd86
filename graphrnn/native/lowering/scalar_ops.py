"""Which scalar operation each of Aesara's becomes. Adding one is one entry in the table."""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.native.ir.dtypes import require_dtype
from graphrnn.native.ir.program import Instruction, constant
from graphrnn.native.ir.scalars import ScalarOp, misuse
from graphrnn.native.ir.views import Unsupported

import aesara.scalar.basic as aes
import aesara.scalar.math as aesm

Lowered = Callable[[Any, Sequence[int], int], list[Instruction]]
"""(the scalar op, its arguments, the first free number) → instructions, the result's last."""


def _in_range(op: Any, arguments: Sequence[int], first: int) -> list[Instruction]:
    """Low < x and x < high, either of them with equality."""
    x, low, high = arguments
    below = ScalarOp.LT if op.openlow else ScalarOp.LE
    above = ScalarOp.LT if op.openhi else ScalarOp.LE
    return [
        Instruction(below, (low, x), "bool"),
        Instruction(above, (x, high), "bool"),
        Instruction(ScalarOp.AND, (first, first + 1), "bool"),
    ]


TABLE: dict[type, ScalarOp | Lowered] = {
    aes.Add: ScalarOp.ADD,
    aes.Sub: ScalarOp.SUB,
    aes.Mul: ScalarOp.MUL,
    aes.TrueDivide: ScalarOp.DIV,
    aes.FloorDivide: ScalarOp.FLOOR_DIV,
    aes.Mod: ScalarOp.MOD,
    aes.Neg: ScalarOp.NEG,
    aes.Sqr: ScalarOp.SQUARE,
    aes.Reciprocal: ScalarOp.RECIPROCAL,
    aes.Identity: ScalarOp.IDENTITY,
    aes.Second: ScalarOp.SECOND,
    aes.Cast: ScalarOp.CAST,
    aes.Switch: ScalarOp.SELECT,
    aes.Clip: ScalarOp.CLIP,
    aes.ScalarMaximum: ScalarOp.MAXIMUM,
    aes.ScalarMinimum: ScalarOp.MINIMUM,
    aes.Abs: ScalarOp.ABS,
    aes.Sgn: ScalarOp.SIGN,
    aes.LT: ScalarOp.LT,
    aes.GT: ScalarOp.GT,
    aes.LE: ScalarOp.LE,
    aes.GE: ScalarOp.GE,
    aes.EQ: ScalarOp.EQ,
    aes.NEQ: ScalarOp.NE,
    aes.IsNan: ScalarOp.IS_NAN,
    aes.IsInf: ScalarOp.IS_INF,
    aes.AND: ScalarOp.AND,
    aes.OR: ScalarOp.OR,
    aes.XOR: ScalarOp.XOR,
    aes.Invert: ScalarOp.NOT,
    aes.Pow: ScalarOp.POW,
    aes.Exp: ScalarOp.EXP,
    aes.Expm1: ScalarOp.EXPM1,
    aes.Log: ScalarOp.LOG,
    aes.Log1p: ScalarOp.LOG1P,
    aes.Log2: ScalarOp.LOG2,
    aes.Log10: ScalarOp.LOG10,
    aes.Sqrt: ScalarOp.SQRT,
    aes.Tanh: ScalarOp.TANH,
    aes.Sin: ScalarOp.SIN,
    aes.Cos: ScalarOp.COS,
    aes.Tan: ScalarOp.TAN,
    aes.Floor: ScalarOp.FLOOR,
    aes.Ceil: ScalarOp.CEIL,
    aes.Trunc: ScalarOp.TRUNC,
    aes.RoundHalfToEven: ScalarOp.ROUND_EVEN,
    aes.RoundHalfAwayFromZero: ScalarOp.ROUND_AWAY,
    aes.InRange: _in_range,
    aes.Mean: ScalarOp.MEAN,
    aes.Conj: ScalarOp.IDENTITY,
    aes.Real: ScalarOp.IDENTITY,
    aes.Exp2: ScalarOp.EXP2,
    aes.Deg2Rad: ScalarOp.DEG2RAD,
    aes.Rad2Deg: ScalarOp.RAD2DEG,
    aes.ArcCos: ScalarOp.ARCCOS,
    aes.ArcSin: ScalarOp.ARCSIN,
    aes.ArcTan: ScalarOp.ARCTAN,
    aes.ArcTan2: ScalarOp.ARCTAN2,
    aes.Cosh: ScalarOp.COSH,
    aes.Sinh: ScalarOp.SINH,
    aes.ArcCosh: ScalarOp.ARCCOSH,
    aes.ArcSinh: ScalarOp.ARCSINH,
    aes.ArcTanh: ScalarOp.ARCTANH,
    aesm.Sigmoid: ScalarOp.SIGMOID,
    aesm.Softplus: ScalarOp.SOFTPLUS,
    aesm.Erf: ScalarOp.ERF,
    aesm.Erfc: ScalarOp.ERFC,
    aesm.Log1mexp: ScalarOp.LOG1MEXP,
    aesm.Gamma: ScalarOp.GAMMA,
    aesm.GammaLn: ScalarOp.LOG_GAMMA,
    aesm.Psi: ScalarOp.DIGAMMA,
    aesm.TriGamma: ScalarOp.TRIGAMMA,
    aesm.J0: ScalarOp.J0,
    aesm.J1: ScalarOp.J1,
}


def instructions(
    op: Any, arguments: Sequence[int], dtypes: Sequence[str], first: int, out: str
) -> list[Instruction]:
    """Lower a scalar op: its value is that of the last instruction.

    `arguments` are numbers of values, `first` the number that the first instruction gets.

    Raises:
        Unsupported: the table has no entry for it, or it is not covered for these dtypes.
    """
    if isinstance(op, aes.Composite):
        return _composite(op, arguments, dtypes, first)
    scalar_op = next((TABLE[kind] for kind in type(op).__mro__ if kind in TABLE), None)
    if scalar_op is None:
        raise Unsupported(f"scalar operation {op}")
    require_dtype(out)
    if not isinstance(scalar_op, ScalarOp):
        return scalar_op(op, arguments, first)
    wrong = misuse(scalar_op, dtypes, out)
    if wrong:
        raise Unsupported(f"{op} {wrong}")
    return [Instruction(scalar_op, tuple(arguments), out)]


def _composite(
    op: Any, arguments: Sequence[int], dtypes: Sequence[str], first: int
) -> list[Instruction]:
    """Lower a fused operation by its parts."""
    known = {
        variable: (number, dtype)
        for variable, number, dtype in zip(op.fgraph.inputs, arguments, dtypes, strict=True)
    }
    done: list[Instruction] = []
    for node in op.fgraph.toposort():
        numbers, kinds = [], []
        for variable in node.inputs:
            if variable not in known:
                done.append(constant(variable.data, variable.dtype))
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
        done.append(Instruction(ScalarOp.IDENTITY, (number,), dtype))
    return done
