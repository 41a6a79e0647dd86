"""Random draws and checks as C."""

import contextlib

from graphrnn.native.codegen.c_types import c_type, convert
from graphrnn.native.codegen.writer import Writer, subscript
from graphrnn.native.ir.distributions import INTEGER
from graphrnn.native.ir.operations import Check, CopyGenerator, RandomSample

# The C expression of a sample from the generator g, with parameters a and b as
# doubles (n and m as int64); and what the parameters must hold for NumPy to accept them.
_CALL = "((double (*)(void *, double, double))draws[{}])(g, a, {})"
_CALL1 = "((double (*)(void *, double))draws[{}])(g, a)"
_BINOMIAL = "((int64_t (*)(void *, double, int64_t, void *))draws[7])"
_SAMPLERS: dict[str, tuple[str, str]] = {
    "uniform": (_CALL.format(0, "b - a"), "isfinite(b - a)"),
    "normal": (_CALL.format(1, "b"), "(b != b || !signbit(b))"),
    "exponential": (_CALL1.format(2), "(a != a || !signbit(a))"),
    "laplace": (_CALL.format(3, "b"), "(b != b || !signbit(b))"),
    "logistic": (_CALL.format(4, "b"), "(b != b || !signbit(b))"),
    "lognormal": (_CALL.format(5, "b"), "(b != b || !signbit(b))"),
    "poisson": ("((int64_t (*)(void *, double))draws[6])(g, a)", "(a >= 0 && a <= 9.2e18)"),
    "binomial": (f"{_BINOMIAL}(g, b, n, binomial)", "(n >= 0 && b >= 0 && b <= 1)"),
    "bernoulli": (f"{_BINOMIAL}(g, a, 1, binomial)", "(a >= 0 && a <= 1)"),
    "integers": (
        "(int64_t)((uint64_t (*)(void *, uint64_t, uint64_t, uint64_t, _Bool))draws[8])"
        "(g, (uint64_t)n, (uint64_t)m - 1 - (uint64_t)n, 0, 0)",
        "n < m",
    ),
}


def _alone(w: Writer) -> contextlib.AbstractContextManager[None]:
    """Write a block that one thread runs: a generator has one order."""
    return w.block("if (tid == 0)" if w.threads else "")


def write_random_sample(w: Writer, op: RandomSample) -> None:
    """Write a draw of as many numbers as the target has, in C order."""
    number = w.number(op)
    indices = [f"i{k}" for k in range(len(op.lengths))]
    with _alone(w):
        w.put(f"void *g = generators[{w.slots[op.generator.buffer]}];")
        w.put("double binomial[32] = {0}; (void)binomial;")
        w.put(f"{c_type(op.target.buffer.dtype)} *t = {w.pointer(op.target)};")
        for k, ref in enumerate(op.parameters):
            w.put(f"{c_type(ref.buffer.dtype)} *p{k} = {w.pointer(ref)};")
        with w.loops([(i, "0", str(n)) for i, n in zip(indices, op.lengths, strict=True)]):
            (_categorical if op.kind == "categorical" else _drawn)(w, op, indices, number)


def _drawn(w: Writer, op: RandomSample, indices: list[str], number: int) -> None:
    """Write the draw of one number."""
    for k, ref in enumerate(op.parameters):
        value = f"p{k}[{subscript(ref.strides, indices)}]"
        real = convert(value, ref.buffer.dtype, "float64")
        whole = convert(value, ref.buffer.dtype, "int64")
        w.put(f"const double {'ab'[k]} = {real}; (void){'ab'[k]};")
        w.put(f"const int64_t {'nm'[k]} = {whole}; (void){'nm'[k]};")
    expression, valid = _SAMPLERS[op.kind]
    bad = f"fail(BAD_PARAMETER, {number}, 0, 0);"
    otherwise = f"{{ {bad} continue; }}" if op.lengths else f"{bad} else"
    w.put(f"if (!({valid})) {otherwise}")
    drawn = "int64" if op.kind in INTEGER else "float64"
    value = convert(f"({expression})", drawn, op.target.buffer.dtype)
    w.put(f"t[{subscript(op.target.strides, indices)}] = {value};")


def _categorical(w: Writer, op: RandomSample, indices: list[str], _number: int) -> None:
    """Write the search for the first category whose running sum reaches a uniform number."""
    (ref,) = op.parameters
    dtype = ref.buffer.dtype
    row = subscript(ref.strides[:-1], indices)
    w.put("const double u = ((double (*)(void *, double, double))draws[0])(g, 0.0, 1.0);")
    w.put(f"{c_type(dtype)} sum = 0;")
    w.put("int64_t j = 0;")
    with w.block(f"for (; j < {op.categories}; j++)"):
        w.put(f"sum += p0[{row} + j * {ref.strides[-1]}];")
        w.put("if (!(sum < u)) break;")
    place = f"t[{subscript(op.target.strides, indices)}]"
    w.put(f"{place} = {convert('j', 'int64', op.target.buffer.dtype)};")


def write_copy_generator(w: Writer, op: CopyGenerator) -> None:
    """Write the copying of a generator's state, which NumPy does."""
    failure = f"fail(BAD_GENERATOR, {w.number(op)}, 0, 0);"
    target, source = w.slots[op.target.buffer], w.slots[op.source.buffer]
    with _alone(w):
        w.put(f"if (copy_generator({target}, {source})) {failure}")
    w.barrier()
    w.leave_if_failed()


def write_check(w: Writer, op: Check) -> None:
    """Write a check; all threads leave together."""
    all_hold = " && ".join(f"*({w.pointer(ref)}) != 0" for ref in op.conditions)
    with w.block():
        if op.conditions:
            w.put(f"if (!({all_hold})) fail(FIRST_CHECK + {op.number}, {w.number(op)}, 0, 0);")
            w.barrier()
        w.leave_if_failed()
