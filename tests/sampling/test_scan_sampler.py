"""The compiled scan and the loop in Python write the same text from the same numbers."""

from graphrnn.data.text import Vocabulary
from graphrnn.models.from_settings import network_of
from graphrnn.sampling import scan_sampler
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from tests.helpers import evaluate

import aesara.tensor as at
import numpy as np
import pytest

LETTERS = "abcdefghijkl "


def sampler(model="theano_rnn", backend="native", state="as-trained", **changes):
    """An untrained network: all of its characters are likely."""
    given = {"hidden": 6, "time": 4} | ({"layers": 1} if model == "stacked_lstm" else {})
    settings = TrainSettings(model=model, backend=backend, **given | changes)
    vocabulary = Vocabulary.of(LETTERS)
    network = network_of(settings, len(vocabulary), np.random.default_rng(0))
    return Sampler.of_network(network, settings, vocabulary, state=state)


def written(writes, settings):
    return "".join(writes(settings))


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ("theano_rnn", "windows"),
        ("theano_rnn", "carried"),
        ("stateful_lstm", "as-trained"),
        ("stateful_lstm", "windows"),
        ("eight_char", "as-trained"),
    ],
)
@pytest.mark.parametrize(
    "settings", [{"temperature": 1.5, "length": 70}, {"top_k": 4, "top_p": 0.8, "length": 9}]
)
def test_scan_and_steps_agree(model, state, settings):
    given = SampleSettings(prompt="abc de", seed=3, **settings)
    network = sampler(model, state=state)
    scanned = written(network.write, given)
    after = network.next_characters(3)
    network.reset()
    assert written(network.write_by_steps, given) == scanned
    assert len(scanned) == given.length
    stepped = network.next_characters(3)
    assert [c for c, _ in stepped] == [c for c, _ in after]
    np.testing.assert_allclose([p for _, p in stepped], [p for _, p in after], rtol=1e-5)


@pytest.mark.parametrize("prompt", ["a", "abc", "abcd", "abcdefgh"])
def test_a_window_that_is_not_full_yet_is_what_was_read(prompt):
    """Prompts that are shorter than a window, as long, and longer."""
    given = SampleSettings(prompt=prompt, length=12, temperature=2.0, seed=1)
    network = sampler()
    scanned = written(network.write, given)
    network.reset()
    assert written(network.write_by_steps, given) == scanned


def test_a_long_window_is_a_loop_in_the_loop():
    given = SampleSettings(prompt="abc", length=15, temperature=2.0, seed=1)
    network = sampler(time=scan_sampler.UNROLLED_UP_TO + 1)
    scanned = written(network.write, given)
    network.reset()
    assert written(network.write_by_steps, given) == scanned


def test_python_backend_agrees_and_pieces_do_not_matter():
    given = SampleSettings(prompt="abc", length=130, temperature=2.0, seed=0)
    network = sampler()
    pieces = list(network.write(given))
    assert [len(piece) for piece in pieces] == [61, 64, 5]
    other = sampler(backend="python")
    assert written(other.write, given) == "".join(pieces)


def test_several_texts_at_once_differ_and_the_first_draws_of_all_are_known():
    network = sampler()
    texts = network.texts(SampleSettings(prompt="ab", length=30, count=3, temperature=2.0, seed=0))
    assert len(set(texts)) == 3
    again = network.texts(SampleSettings(prompt="ab", length=30, count=3, temperature=2.0, seed=0))
    assert again == texts
    greedy = network.texts(SampleSettings(prompt="ab", length=30, count=3, greedy=True))
    assert len(set(greedy)) == 1


def test_the_draws_have_the_probabilities(rng):
    """20,000 draws against the softmax, within five standard deviations."""
    z = rng.standard_normal(6)
    n = 20_000
    counts = np.bincount(
        [scan_sampler.choose(z, u, 0.7, None, 0.9) for u in rng.random((n, 6))], minlength=6
    )
    p = np.exp(z / 0.7) * (np.arange(6) > 0)
    p /= p.sum()
    order = np.argsort(-p)
    inside = order[: int(np.searchsorted(np.cumsum(p[order]), 0.9)) + 1]
    wanted = np.zeros(6)
    wanted[inside] = p[inside] / p[inside].sum()
    assert (counts[wanted == 0] == 0).all()
    np.testing.assert_allclose(counts / n, wanted, atol=5 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize(("k", "p"), [(None, None), (3, None), (None, 0.5), (4, 0.9), (1, 0.1)])
def test_the_graph_of_the_choice_is_the_choice(rng, k, p, backend):
    arrays = {
        "z": np.round(rng.standard_normal((40, 7)), 1).astype("float32"),
        "u": rng.random((40, 7)),
        "temperature": np.float64(0.9),
    }
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    filtered = k is not None or p is not None

    def graph(z, u, temperature):
        limits = (at.constant(k or 99, dtype="int32"), at.constant(2.0 if p is None else p))
        return scan_sampler.choice(z, u, temperature, *limits if filtered else ())

    (chosen,) = evaluate(graph, arrays, backend)
    expected = [
        scan_sampler.choose(z, u, 0.9, k, p) for z, u in zip(arrays["z"], arrays["u"], strict=True)
    ]
    assert chosen.tolist() == expected
    assert chosen.dtype == np.int32


def test_entropy_of_what_is_written_grows_with_temperature():
    """On the compiled scan: the spread of the next character over 1,000 draws, in nats."""
    network = sampler()
    weight = network.network.weights["b_y"]  # so that the characters are not all as likely
    weight.set_value(np.linspace(0, 5, weight.get_value().size, dtype="float32"))
    entropies = []
    for temperature in (0.05, 0.5, 1.0, 5.0):
        settings = SampleSettings(prompt="a", length=1, count=1000, temperature=temperature, seed=0)
        texts = network.texts(settings)
        p = np.unique(texts, return_counts=True)[1] / len(texts)
        entropies.append(-(p * np.log(p)).sum())
    assert entropies == sorted(entropies)
    assert entropies[-1] > entropies[0] + 0.5
