"""Faults of Aesara 2.9.4 itself, and their remedies: one table, for all backends.

`README.md` in this folder has the same table for people, and a test keeps the two equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphrnn.upstream import matmul_dtype, op_gradients  # noqa: F401
from graphrnn.upstream.rewrites import GUARDS, TAG

from aesara.graph.rewriting.db import RewriteDatabaseQuery


@dataclass(frozen=True)
class UpstreamFault:
    """One kind of wrong result of Aesara's own.

    `where` names the rewrites that cause it, which no backend of graphrnn includes, or the
    function of Aesara's that does; `thread` is where upstream discusses it, if it does.
    """

    name: str
    what: str
    where: tuple[str, ...]
    mend: str
    thread: str = ""
    rewrites: bool = True

    def row(self) -> str:
        """Return the fault as a row of the Markdown table."""
        where = ", ".join(f"`{name}`" for name in self.where)
        return f"| {self.name} | {self.what} | {where} | {self.thread or '-'} | {self.mend} |"


OUT = "left out"

FAULTS: tuple[UpstreamFault, ...] = (
    UpstreamFault(
        "a value beside itself",
        "`x == x`, `x <= x`, `x >= x` are true and `x != x` is false, for NaN too",
        ("local_useless_elemwise", "local_useless_elemwise_comparison"),
        "taken for integers alone",
    ),
    UpstreamFault(
        "a value less itself",
        "`x - x`, `(x + y) - x` lose NaN, and inf - inf is 0",
        ("local_elemwise_sub_zeros", "local_add_canonizer"),
        "terms cancel where they are integers",
    ),
    UpstreamFault(
        "a value over itself",
        "`x / x`, `x * y / x`, `(a / x + b / x) * x` lose NaN; 0 / 0 is 1",
        ("local_mul_canonizer", "local_greedy_distributor"),
        "a factor cancels where what is left depends on it still",
    ),
    UpstreamFault(
        "nothing times a value",
        "`0 * x` and `0 / x` lose NaN and inf",
        ("local_mul_zero", "local_mul_specialize", "local_zero_div"),
        "taken for integers, and what was cast from them",
    ),
    UpstreamFault(
        "the whole part of a float",
        "`x // 1` is x: 2.5 for 2.0",
        ("local_intdiv_by_one",),
        "taken for integers alone",
    ),
    UpstreamFault(
        "inverse functions",
        "`arccosh(cosh(x))` is x for |x|; `cosh(arccosh(x))`, `tanh(arctanh(x))` and "
        "`sigmoid(log(x / (1 - x)))` are x where they are NaN",
        ("local_func_inv", "local_sigmoid_logit"),
        "taken for pairs that are inverse everywhere; the last is left out",
    ),
    UpstreamFault(
        "powers of small integers",
        "`x ** 2.0` of int8 squares in int8: 16.0 for 10000.0",
        ("local_pow_specialize", "local_pow_specialize_device"),
        "taken where base and result have one dtype",
    ),
    UpstreamFault(
        "sums and products of small integers",
        "`(x * x) * 1.5`, `(x + x) + 1.5`, `(-x) * y`, `y - (-x)`, `abs(x * y)`, `exp(log1p(x))` "
        "of int8 and uint8 wrap at another place than written",
        (
            "local_add_canonizer", "local_mul_canonizer", "local_mul_specialize",
            "local_sub_neg_to_add", "local_add_neg_to_sub", "local_abs_lift", "local_abs_merge",
            "local_exp_log_nan_switch", "local_merge_switch_same_cond", "local_add_mul_fusion",
        ),
        "joined where all are of one dtype, or floats",
    ),
    UpstreamFault(
        "reductions of small integers",
        "`sum(s * x)`, `sum(-x)` of int8, and a sum of a sum with a dtype, wrap at another place; "
        "a sum of a sum over axes out of order ends in an error",
        ("local_sum_prod_mul_by_scalar", "local_op_of_op"),
        "taken where no dtype changes",
    ),
    UpstreamFault(
        "products of scaled values",
        "`prod(2 * x, axis=1)` of (3, 4) is multiplied by 2^12 for 2^4",
        ("local_sum_prod_mul_by_scalar",),
        "taken for sums alone",
    ),
    UpstreamFault(
        "sums of nothing",
        "`sum(s * x)`, `sum(x / s)` and `sum(alloc(s, 0))` are NaN for s not finite, where there "
        "is nothing to sum; `log(sum(exp(x)))` ends in an error",
        ("local_sum_prod_mul_by_scalar", "local_sum_prod_div_dimshuffle", "local_opt_alloc",
         "local_log_sum_exp"),
        "taken where the length is not 0",
    ),
    UpstreamFault(
        "nearly one",
        "`log(1 + x + 1e-8)` is -inf at -1 for -18.4: what is near 1 is taken for 1 beside `log`, "
        "`exp` and `sigmoid`; and `log(sigmoid(x))`, `1 / (1 + exp(x))`, `1 + erf(x)` of uint8 "
        "take -x, which wraps",
        ("local_log1p", "local_1msigmoid", "logsigm_to_softplus", "log1msigm_to_softplus",
         "local_exp_over_1_plus_exp", "local_reciprocal_1_plus_exp", "local_sigm_times_exp",
         "local_one_plus_erf", "local_erf_neg_minus_one"),
        "taken where it is 1, and of floats",
    ),
    UpstreamFault(
        "softmax over another axis",
        "`exp(x) / sum(exp(x), axis=1)` of a square matrix is its softmax over axis 1, though the "
        "sums stand beside axis 0",
        ("local_mul_canonizer",),
        "found where the sums meet their own axis",
    ),
    UpstreamFault(
        "log of a difference",
        "`log(exp(a) - exp(b))` is NaN for a = b = -inf",
        ("log_diff_exp",),
        "a right one in its place",
    ),
    UpstreamFault(
        "one element of a logarithm",
        "`log(softmax(x))[k]` and `log(sum(exp(x)))[k]` are -inf and inf for large x: the index "
        "comes between what is safe together",
        ("local_subtensor_lift",),
        "taken but for these",
    ),
    UpstreamFault(
        "gradient of a picked logarithm",
        "the gradient of `log(softmax(x))[arange(n), y]` is NaN for large x: the form is left to a "
        "rewrite of `aesara.tensor.nnet`, which nobody imports",
        ("local_logsoftmax_grad",),
        "a right one in its place",
    ),
    UpstreamFault(
        "axes of length 1",
        "`sum(square(W * G), axis=(1, 2))` is refused where an axis of length 1 was broadcast; "
        "`(x + y)[1:]` of one element each is not empty",
        ("local_sumsqr2dot", "local_subtensor_lift"),
        "taken where lengths are equal, and not of one element",
    ),
    UpstreamFault(
        "rows set to themselves and more",
        "`set_subtensor(E[i], E[i] + a + b)` loses b; with a row named twice, "
        "`set_subtensor(E[i], E[i] + a)` adds twice where the last is to win",
        ("local_set_to_inc_subtensor",),
        OUT,
        "pymc-devs/pytensor commit 1f2386323 (rows named twice)",
    ),
    UpstreamFault(
        "rows set and read again",
        "`set_subtensor(E[i], y)[i]` is y, where a row named twice holds what was set last; a y of "
        "one row is refused",
        ("local_adv_sub1_adv_inc_sub1",),
        OUT,
    ),
    UpstreamFault(
        "dtype of matmul",
        "`matmul` of float32 is said to be floatX: with float64 there, its value is float32 and "
        "what is computed from it has one dtype or the other",
        ("aesara.tensor.math.MatMul.make_node",),
        "it is what the factors are cast to, in every mode",
        rewrites=False,
    ),
    UpstreamFault(
        "neighboring slices",
        "`join(0, x[0:2], x[2:1])` has 1 element for 2",
        ("local_join_subtensors",),
        "taken where the bounds are known and in order",
    ),
    UpstreamFault(
        "gradient of what is set in an axis of length 1",
        "the gradient of `b[:] = v`, b (1, 2), ends in an assertion; so does that of "
        "`b[i] = v` where v is broadcast",
        ("aesara.tensor.subtensor._sum_grad_over_bcasted_dims",),
        "a right one in its place, in every mode",
        rewrites=False,
    ),
    UpstreamFault(
        "gradient of rows set twice",
        "the gradient of `b[i] = v` with an element named twice counts every value written there, "
        "and not the last alone",
        ("aesara.tensor.subtensor.AdvancedIncSubtensor1.grad",
         "aesara.tensor.subtensor.AdvancedIncSubtensor.grad"),
        "a right one in its place, in every mode",
        rewrites=False,
    ),
    UpstreamFault(
        "gradient of the largest of equal values",
        "`max` along an axis gives each of several largest elements the whole gradient: that of "
        "`max(stack([x, x]), axis=0)` is 2",
        ("aesara.tensor.math.MaxAndArgmax.grad",),
        "they share it, in every mode",
        rewrites=False,
    ),
    UpstreamFault(
        "gradient of running products",
        "the gradient of `cumprod(x)` is NaN wherever an element is 0",
        ("aesara.tensor.extra_ops.CumOp.grad",),
        "one that does not divide, in every mode",
        "Theano/Theano#5197, pymc-devs/pytensor#1911",
        rewrites=False,
    ),
    UpstreamFault(
        "gradient of a switch of whole numbers",
        "the gradient of `switch(x > 0, 1, 0) * x` ends in an AttributeError",
        ("aesara.scalar.basic.Switch.L_op",),
        "zeros, in every mode",
        rewrites=False,
    ),
    UpstreamFault(
        "gradient of a parameter of length 1",
        "the gradient of a shared variable of value (1, 3), whose type does not say so, has the "
        "shape (4, 3) that it was broadcast to",
        ("aesara.grad",),
        "`updates.gradients` tells its shape first",
        rewrites=False,
    ),
    UpstreamFault(
        "tracebacks on the way",
        "values are right, but rewriting prints a traceback: `log(erfc(x))` of float32, switches "
        "of two dtypes, parts added to one array",
        ("local_log_erfc", "local_mul_switch_sink", "local_div_switch_sink",
         "pre_local_IncSubtensor_serialize", "local_IncSubtensor_serialize"),
        "what does not fit is dropped in silence",
    ),
)  # fmt: skip

LEFT_OUT = tuple(dict.fromkeys(name for fault in FAULTS if fault.rewrites for name in fault.where))
"""Rewrites of Aesara's that no backend includes under their own names."""

assert set(GUARDS) <= set(LEFT_OUT), set(GUARDS) - set(LEFT_OUT)


def sound(include: Sequence[str], exclude: Sequence[str]) -> RewriteDatabaseQuery:
    """Build a query for rewrites in which the sound ones replace the faulty ones."""
    return RewriteDatabaseQuery(include=[*include, TAG], exclude=[*exclude, *LEFT_OUT])
