"""Random draws: the numbers are stock Aesara's bit for bit, and so are the generators' ends."""

import copy

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from tests.native_helpers import PYTHON, build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.tensor.random import basic
from aesara.tensor.random.utils import RandomStream

P = np.array([[0.2, 0.5, 0.3], [0.0, 0.1, 0.9]])
DRAWS = {
    "uniform": lambda s: s.uniform(-1, 2, size=(3, 5)),
    "uniform of arrays": lambda s: s.uniform(np.arange(3.0), np.arange(3.0) + 2, size=(4, 3)),
    "normal": lambda s: s.normal(size=(7,)),
    "normal of arrays": lambda s: s.normal(np.arange(4.0), [[1.0], [0.5]]),
    "normal, one": lambda s: s.normal(1, 3),
    "exponential": lambda s: s.exponential(2.0, size=(5,)),
    "laplace": lambda s: s.laplace(1.0, 2.0, size=(5,)),
    "logistic": lambda s: s.logistic(1.0, 2.0, size=(5,)),
    "lognormal": lambda s: s.lognormal(1.0, 0.2, size=(5,)),
    "poisson": lambda s: s.poisson([1.5, 40.0], size=(6, 2)),
    "bernoulli": lambda s: s.bernoulli(0.3, size=(40,)),
    "bernoulli of an array": lambda s: s.bernoulli([0.0, 0.5, 1.0], size=(9, 3)),
    "binomial": lambda s: s.binomial([5, 200], [0.2, 0.6], size=(8, 2)),
    "integers": lambda s: s.integers(3, 17, size=(30,)),
    "integers, wide": lambda s: s.integers(-(2**40), 2**40, size=(9,)),
    "integers below": lambda s: s.integers([5, 300], size=(9, 2)),
    "categorical": lambda s: s.categorical(P, size=(6, 2)),
    "categorical, alone": lambda s: s.categorical(P),
    "none": lambda s: s.normal(size=(0, 3)),
}


def draws(make, mode, *, calls=3, seed=7):
    """Draw several times from a fresh stream, and give all numbers and the generators' ends."""
    stream = RandomStream(seed=seed)
    f = build([], make(stream), mode)
    results = [f() for _ in range(calls)]
    ends = [rng.get_value().bit_generator.state for rng, _ in stream.state_updates]
    return [np.asarray(r) for r in results], ends


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("floats", ["float32", "float64"])
def test_numbers_are_those_of_aesara(name, floats):
    with aesara.config.change_flags(floatX=floats):
        wanted, wanted_ends = draws(DRAWS[name], PYTHON)
        got, ends = draws(DRAWS[name], native_mode(strict=True))
    for left, right in zip(got, wanted, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert ends == wanted_ends


@pytest.mark.parametrize("bits", ["PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_every_bit_generator(bits):
    ends = []
    for mode in (PYTHON, native_mode(strict=True)):
        rng = aesara.shared(np.random.Generator(getattr(np.random, bits)(5)))
        new, value = basic.normal(size=(3,), rng=rng).owner.outputs
        f = build([], value, mode, updates=[(rng, new)])
        ends.append(np.concatenate([f(), f()]))
    np.testing.assert_array_equal(*ends)


def test_a_generator_without_an_update_stays():
    """The same numbers each time, and the user's own object untouched."""
    mine = np.random.default_rng(3)
    before = mine.bit_generator.state
    rng = aesara.shared(mine, borrow=True)
    f = native([], basic.normal(size=(3,), rng=rng))
    np.testing.assert_array_equal(f(), f())
    assert mine.bit_generator.state == before
    g = native([], [], updates=[(rng, basic.normal(size=(3,), rng=rng).owner.outputs[0])])
    g()
    g()
    assert mine.bit_generator.state == before
    mine.normal(size=6)
    assert rng.get_value().bit_generator.state == mine.bit_generator.state


def test_two_functions_that_share_a_generator():
    results = []
    for mode in (PYTHON, native_mode(strict=True)):
        rng = aesara.shared(np.random.default_rng(3))
        new, value = basic.normal(size=(3,), rng=rng).owner.outputs
        newer, other = basic.uniform(size=(2,), rng=new).owner.outputs
        f = build([], value, mode, updates=[(rng, new)])
        g = build([], [value, other], mode, updates=[(rng, newer)])
        results.append(np.concatenate([f(), *g(), f(), f(), *g()]))
        rng.set_value(np.random.default_rng(3))
        np.testing.assert_array_equal(f(), results[-1][:3])
    np.testing.assert_array_equal(*results)


def test_a_generator_drawn_from_twice():
    """Two draws from one state see the same numbers; a later draw goes on from the first."""
    results = []
    for mode in (PYTHON, native_mode(strict=True)):
        rng = aesara.shared(np.random.default_rng(3))
        new, a = basic.normal(size=(3,), rng=rng).owner.outputs
        _, b = basic.uniform(size=(2,), rng=rng).owner.outputs
        newer, c = basic.normal(size=(3,), rng=new).owner.outputs
        _, d = basic.normal(size=(3,), rng=new).owner.outputs
        f = build([], [a, b, c, d], mode, updates=[(rng, newer)])
        results.append(np.concatenate([*f(), *f()]))
    np.testing.assert_array_equal(*results)


def test_a_generator_handed_in_and_given_back():
    kind = aesara.tensor.random.type.random_generator_type
    for mode in (PYTHON, native_mode(strict=True)):
        rng = kind("rng")
        f = build([rng], list(basic.normal(size=(3,), rng=rng).owner.outputs), mode)
        mine = np.random.default_rng(5)
        new, value = f(mine)
        assert mine.bit_generator.state == np.random.default_rng(5).bit_generator.state
        np.testing.assert_array_equal(value, mine.normal(size=3))
        assert new.bit_generator.state == mine.bit_generator.state
        f(np.random.default_rng(9))
        assert new.bit_generator.state == mine.bit_generator.state


def noisy(mode, carried):
    """Run a loop with draws in its body three times."""
    stream = RandomStream(seed=11)
    x = tensor("x", "float64", (6, 4))
    result, updates = aesara.scan(
        lambda x_t, h: h * 0.5 + x_t * stream.bernoulli(0.5, size=(4,)) + stream.normal(h, 1.0),
        sequences=[x],
        outputs_info=[at.zeros(4)],
    )
    f = build([x], result, mode, updates=updates if carried else None)
    return np.concatenate([f(np.ones((6, 4))) for _ in range(3)])


@pytest.mark.parametrize("carried", [True, False])
def test_draws_inside_of_a_loop(carried):
    wanted, got = (noisy(mode, carried) for mode in (PYTHON, native_mode(strict=True)))
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_the_gradient_sees_the_same_mask():
    results = []
    for mode in (PYTHON, native_mode(strict=True)):
        stream = RandomStream(seed=2)
        x = tensor("x", "float64", (5, 3))
        mask = stream.bernoulli(0.5, size=(5, 3))
        cost = at.sum(at.tanh(x * mask) ** 2)
        f = build([x], [cost, at.grad(cost, x)], mode)
        results.append([np.asarray(v) for _ in range(3) for v in f(np.full((5, 3), 0.7))])
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda s, x: s.normal(0, x, size=(3,)),
        lambda s, x: s.bernoulli(x, size=(3,)),
        lambda s, x: s.binomial(5, x),
        lambda s, x: s.exponential(x),
        lambda s, x: s.integers(3, at.cast(x, "int64")),
        lambda s, x: s.uniform(0, x * np.inf),
    ],
)
def test_parameters_out_of_their_range(make):
    x = tensor("x", "float64", ())
    f = native([x], make(RandomStream(seed=1), x))
    with pytest.raises(ValueError, match="parameter of a random draw"):
        f(-1.0)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda s: s.permutation(np.arange(4)), "permutation"),
        (lambda s: s.choice(4, size=(2,)), "choice"),
        (lambda s: s.gamma(2.0, 1.0), "gamma"),
    ],
)
def test_other_draws_are_refused_by_name(make, why):
    with pytest.raises(Unsupported, match=f"{why}.*bernoulli, binomial"):
        native([], make(RandomStream(seed=1)))


@pytest.mark.parametrize("borrow", [False, True])
def test_a_generator_is_a_result_of_its_own(borrow):
    """It goes on as the one it is a copy of would, which stays where it is."""
    given = np.random.default_rng(9)
    twin = np.random.default_rng(9)
    generator = aesara.shared(given)
    x = tensor("x", "float64", (2,))
    outputs = [aesara.Out(generator, borrow=borrow), x * 2, generator]
    f = native([x], outputs)
    for _ in range(2):
        first, doubled, second = f(np.ones(2))
        np.testing.assert_array_equal(doubled, [2, 2])
        assert first.random() == second.random() == np.random.default_rng(9).random()
    assert generator.get_value().random() == twin.random()


def test_a_generator_is_a_result_before_it_is_updated():
    generator = aesara.shared(np.random.default_rng(4))
    after, draws = basic.normal(0, 1, size=(2,), rng=generator).owner.outputs
    f = native([], [generator, draws, after], updates=[(generator, after)])
    twin = np.random.default_rng(4)
    for _ in range(3):
        before, got, moved = f()
        np.testing.assert_array_equal(before.normal(size=2), got)
        np.testing.assert_array_equal(twin.normal(size=2), got)
        assert moved.random() == copy.deepcopy(twin).random()
