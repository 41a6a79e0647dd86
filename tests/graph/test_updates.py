from graphrnn.backends.compile import compile_graph
from graphrnn.errors import UserError
from graphrnn.graph import updates
from graphrnn.graph.shapes import tensor
from tests.helpers import TOLERANCE, evaluate

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def shared(value, name="W"):
    return aesara.shared(value.copy(), name=name, shape=value.shape)


def sgd(p, g, rate, memory):
    return p - rate * g


def momentum(p, g, rate, memory, momentum=0.9):
    memory["v"] = momentum * memory.get("v", 0) - rate * g
    return p + memory["v"]


def nesterov(p, g, rate, memory, momentum=0.9):
    memory["v"] = momentum * memory.get("v", 0) - rate * g
    return p + momentum * memory["v"] - rate * g


def rmsprop(p, g, rate, memory, decay=0.9, epsilon=1e-8):
    memory["r"] = decay * memory.get("r", 0) + (1 - decay) * g**2
    return p - rate * g / (np.sqrt(memory["r"]) + epsilon)


def adam(p, g, rate, memory, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    memory["t"] = memory.get("t", 0) + 1
    memory["m"] = beta_1 * memory.get("m", 0) + (1 - beta_1) * g
    memory["v"] = beta_2 * memory.get("v", 0) + (1 - beta_2) * g**2
    m_hat = memory["m"] / (1 - beta_1 ** memory["t"])
    v_hat = memory["v"] / (1 - beta_2 ** memory["t"])
    return p - rate * m_hat / (np.sqrt(v_hat) + epsilon)


# The oracles: one parameter's step as its paper writes it, in float64 NumPy.
CASES = {
    "sgd": (sgd, {}),
    "momentum": (momentum, {}),
    "momentum 0.5": (momentum, {"momentum": 0.5}),
    "momentum 0": (momentum, {"momentum": 0.0}),
    "nesterov": (nesterov, {}),
    "nesterov 0.5": (nesterov, {"momentum": 0.5}),
    "rmsprop": (rmsprop, {}),
    "rmsprop, options": (rmsprop, {"decay": 0.99, "epsilon": 1e-3}),
    "adam": (adam, {}),
    "adam, options": (adam, {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-2}),
}


def descend(params, targets, optimizer, backend, dtype, **options):
    """Compile a step towards targets that change from call to call: Σ (p - target)²."""

    def graph():
        rate = tensor("rate", dtype, ())
        goals = [tensor(f"goal{i}", dtype, t.shape) for i, t in enumerate(targets[0])]
        loss = sum(at.sum((p - goal) ** 2) for p, goal in zip(params, goals, strict=True))
        grads = updates.gradients(loss, params)
        return [rate, *goals], [loss], optimizer(params, grads, rate, **options)

    return compile_graph(graph, name="step", backend=backend)


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_rules_follow_their_papers(rng, case, dtype, backend):
    oracle, options = CASES[case]
    shapes, steps = [(3, 2), (2,), (1, 20)], 6
    expected = [rng.standard_normal(shape) for shape in shapes]
    targets = [[rng.standard_normal(s).astype(dtype) for s in shapes] for _ in range(steps)]
    params = [shared(value.astype(dtype), f"p{i}") for i, value in enumerate(expected)]
    step = descend(
        params, targets, updates.optimizer_named(oracle.__name__), backend, dtype, **options
    )
    memories = [{} for _ in shapes]
    for k, goals in enumerate(targets):
        rate = np.asarray(0.1 / (k + 1), dtype)
        before = [goal.copy() for goal in goals]
        step(rate, *goals)
        for goal, kept in zip(goals, before, strict=True):
            np.testing.assert_array_equal(goal, kept, err_msg="an input was changed")
        for i, goal in enumerate(goals):
            gradient = 2 * (expected[i] - goal)
            expected[i] = oracle(expected[i], gradient, 0.1 / (k + 1), memories[i], **options)
        for param, value in zip(params, expected, strict=True):
            assert param.get_value().dtype == dtype
            np.testing.assert_allclose(
                param.get_value(), value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 10
            )


def test_rules_have_their_cases():
    assert {oracle.__name__ for oracle, _ in CASES.values()} == set(updates.OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("sgd", []),
        ("momentum", ["velocity_W"]),
        ("nesterov", ["velocity_W"]),
        ("rmsprop", ["square_W"]),
        ("adam", ["step_of_adam", "mean_W", "square_W"]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_state_of_an_optimizer_is_named_and_static(name, state, dtype):
    W = shared(np.ones((3, 2), dtype))
    made = updates.OPTIMIZERS[name]([W], [2 * W], at.constant(0.1))
    remembered = {variable.name: variable for variable, _ in made}
    assert list(remembered) == [*state, "W"]
    for variable, after in made:
        assert variable.type.dtype == after.type.dtype == dtype
        assert variable.type.shape == (() if variable.name == "step_of_adam" else (3, 2))


@pytest.mark.parametrize("name", updates.OPTIMIZERS)
def test_a_rule_without_parameters_updates_nothing(name):
    assert updates.OPTIMIZERS[name]([], [], at.constant(0.1)) == []


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
@pytest.mark.parametrize(
    ("name", "option", "said"),
    [
        ("momentum", "momentum", "momentum"),
        ("nesterov", "momentum", "momentum"),
        ("rmsprop", "decay", "decay"),
        ("adam", "beta_1", "beta_1"),
        ("adam", "beta_2", "beta_2"),
    ],
)
def test_shares_out_of_range_are_refused(name, option, said, share):
    W = shared(np.ones(2))
    with pytest.raises(UserError, match=f"{said}: got .*, needed a value from 0 to less than 1;"):
        updates.OPTIMIZERS[name]([W], [W], at.constant(0.1), **{option: share})


@pytest.mark.parametrize("name", ["rmsprop", "adam"])
def test_epsilon_must_be_positive(name):
    with pytest.raises(UserError, match="epsilon: got 0, needed a value greater than 0"):
        updates.OPTIMIZERS[name]([], [], at.constant(0.1), epsilon=0.0)


def test_an_unknown_rule_names_the_near_one():
    with pytest.raises(UserError, match="unknown optimizer 'adm'; did you mean 'adam'"):
        updates.optimizer_named("adm")


def test_adam_keeps_all_digits_of_its_first_corrections():
    """1 - 0.999^1 in float32 has lost four digits; the step of a constant gradient is the rate."""
    W = shared(np.zeros(1, "float32"))
    step = descend([W], [[np.ones(1, "float32")]], updates.adam, "python", "float32")
    step(np.float32(0.5), np.full(1, 1e3, "float32"))
    np.testing.assert_allclose(W.get_value(), 0.5, rtol=3e-7)


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_by_value(rng, dtype, backend):
    a, b = rng.standard_normal((3, 20)).astype(dtype), rng.standard_normal(4).astype(dtype)
    results = evaluate(
        lambda a, b: updates.clipped_by_value([a, b], 0.5), {"a": a, "b": b}, backend
    )
    for got, value in zip(results, [a, b], strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, np.clip(value, -0.5, 0.5))


def test_clipping_by_nothing_is_refused():
    with pytest.raises(UserError, match="largest: got 0, needed a value greater than 0"):
        updates.clipped_by_value([at.constant([1.0])], 0)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e6])
def test_clipping(rng, largest):
    a, b = rng.standard_normal((3, 2)), rng.standard_normal(4)
    clipped = evaluate(lambda a, b: updates.clipped([a, b], largest), {"a": a, "b": b})
    norm = np.sqrt((a**2).sum() + (b**2).sum())
    for got, value in zip(clipped, [a, b], strict=True):
        np.testing.assert_allclose(got, value * min(1, largest / norm), rtol=1e-12)


def test_clipping_zero_gradients_divides_by_nothing():
    (clipped,) = evaluate(lambda a: updates.clipped([a], 1.0), {"a": np.zeros(3)})
    np.testing.assert_array_equal(clipped, 0)


def test_loss_must_be_a_scalar():
    W = shared(np.ones(2))
    with pytest.raises(UserError, match="loss: got 1 axes, needed a scalar"):
        updates.gradients(W**2, [W])


def test_parameter_apart_from_the_loss_is_named():
    W, b = shared(np.ones(2)), shared(np.ones(2), "b_unused")
    with pytest.raises(UserError, match="does not depend on b_unused;"):
        updates.gradients(at.sum(W**2), [W, b])


@pytest.mark.parametrize("rate", [0.5, np.float64(0.5)])
def test_a_rate_of_another_dtype_keeps_the_parameters(rate):
    W = shared(np.ones(2, "float32"))
    ((_, after),) = updates.sgd([W], [2 * W], rate)
    assert after.dtype == "float32"
    assert after.eval().tolist() == [0.0, 0.0]


def test_clipping_nothing_is_nothing():
    assert updates.clipped([], 1.0) == []
