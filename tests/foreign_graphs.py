"""Twelve graphs that are not ours, most of them from Aesara's own documentation."""

import warnings

import aesara
import aesara.sparse as sparse
import aesara.tensor as at
import numpy as np
from aesara.compile.builders import OpFromGraph
from aesara.ifelse import ifelse
from aesara.scan.utils import until
from aesara.tensor.random.utils import RandomStream


def logistic_regression():
    """The tutorial's "a real example": logistic regression by gradient descent."""
    x, y = at.dmatrix("x"), at.dvector("y")
    w = aesara.shared(np.zeros(5), name="w")
    b = aesara.shared(0.0, name="b")
    p_1 = 1 / (1 + at.exp(-at.dot(x, w) - b))
    prediction = p_1 > 0.5
    xent = -y * at.log(p_1) - (1 - y) * at.log(1 - p_1)
    cost = xent.mean() + 0.01 * (w**2).sum()
    gw, gb = at.grad(cost, [w, b])
    return [x, y], [prediction, xent], [(w, w - 0.1 * gw), (b, b - 0.1 * gb)]


def power_by_scan():
    """The tutorial's A ** k."""
    k, A = at.iscalar("k"), at.vector("A")
    result, updates = aesara.scan(
        lambda prior, A: prior * A, outputs_info=at.ones_like(A), non_sequences=A, n_steps=k
    )
    return [A, k], [result[-1]], list(updates.items())


def jacobian():
    """The tutorial's Jacobian, a scan over the entries of y."""
    x = at.dvector("x")
    y = x**2
    J, updates = aesara.scan(
        lambda i, y, x: at.grad(y[i], x), sequences=at.arange(y.shape[0]), non_sequences=[y, x]
    )
    return [x], [J], list(updates.items())


def nested_scan():
    """A scan in a scan: the sums of the powers of a matrix's rows."""
    X = at.TensorType("float64", (3, 4))("X")

    def row(x_t):
        powers, _ = aesara.scan(
            lambda p_tm1, x: p_tm1 * x, outputs_info=at.ones_like(x_t), non_sequences=x_t, n_steps=5
        )
        return powers.sum(axis=0)

    sums, _ = aesara.scan(row, sequences=X)
    return [X], [sums], []


def if_else():
    """The tutorial's lazy if, beside its switch."""
    a, b = at.scalars("a", "b")
    x, y = at.matrices("x", "y")
    lazy = ifelse(at.lt(a, b), at.mean(x), at.mean(y))
    return [a, b, x, y], [lazy, at.switch(at.lt(a, b), at.mean(x), at.mean(y))], []


def random_variables():
    """The tutorial's random streams, whose states are updated at each call."""
    stream = RandomStream(seed=234)
    u, n = stream.uniform(0, 1, size=(2, 2)), stream.normal(0, 1, size=(2, 2))
    return [], [u + n], []


def sparse_product():
    """A sparse matrix times a dense one."""
    x, W = sparse.csr_matrix("x", dtype="float64"), at.dmatrix("W")
    return [x, W], [sparse.structured_dot(x, W)], []


def polynomial_until():
    """The tutorial's scan with a condition: powers of two up to a limit."""
    limit = at.scalar("limit")
    values, _ = aesara.scan(
        lambda previous, limit: (previous * 2, until(previous * 2 > limit)),
        outputs_info=at.constant(1.0, dtype=limit.dtype),
        non_sequences=limit,
        n_steps=1024,
    )
    return [limit], [values], []


def op_from_graph():
    """A graph as an operation, used twice."""
    x, y, z = at.scalars("xyz")
    e = x + y * z
    op = OpFromGraph([x, y, z], [e])
    return [x, y, z], [op(x, y, z) + op(z, y, x)], []


def convolution():
    """The convolution of a small image, with a nonlinearity."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Aesara calls the module of its convolution old
        from aesara.tensor.nnet import conv2d
    image = at.TensorType("float32", (1, 2, 8, 8))("image")
    W = aesara.shared(np.zeros((3, 2, 3, 3), "float32"), name="W", shape=(3, 2, 3, 3))
    return [image], [at.sigmoid(conv2d(image, W))], []


def hessian():
    """Second derivatives, a gradient through a gradient."""
    x = at.dvector("x")
    return [x], [aesara.gradient.hessian((x**3).sum(), x)], []


def fibonacci():
    """A scan with two taps."""
    first = at.lvector("first")
    values, _ = aesara.scan(
        lambda two_before, before: two_before + before,
        outputs_info=[{"initial": first, "taps": [-2, -1]}],
        n_steps=10,
    )
    return [first], [values], []


FOREIGN = {
    build.__name__: build
    for build in (
        logistic_regression,
        power_by_scan,
        jacobian,
        nested_scan,
        if_else,
        random_variables,
        sparse_product,
        polynomial_until,
        op_from_graph,
        convolution,
        hessian,
        fibonacci,
    )
}
