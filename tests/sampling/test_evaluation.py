"""What the graph says of a text, against a NumPy loop over the compiled step's logits."""

import itertools

from graphrnn.data.text import Vocabulary
from graphrnn.errors import UserError
from graphrnn.models.from_settings import network_of
from graphrnn.runs.checkpoint import Checkpoint, Header
from graphrnn.sampling import evaluation
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest

TEXT = "the cat sat on the mat; a dog lay by the log. " * 2


def made(model, **changes):
    """A checkpoint of a network as it is drawn."""
    settings = TrainSettings(model=model, **{"hidden": 5, "time": 4} | changes)
    vocabulary = Vocabulary.of(TEXT)
    network = network_of(settings, len(vocabulary), np.random.default_rng(2))
    weights = {name: w.get_value() for name, w in network.weights.items()}
    header = Header(
        settings=settings,
        corpus="",
        vocabulary=vocabulary.characters,
        sequences=0,
        versions={},
    )
    return Checkpoint(header, weights)


@pytest.mark.parametrize("model", ["theano_rnn", "rnn", "three_char"])
def test_it_is_what_a_loop_over_single_steps_gives(model):
    """Every step predicts, only the last one does, and none has a state."""
    checkpoint = made(model, **({"time": 3} if model == "three_char" else {}))
    reader = Sampler.of(checkpoint, backend="python")
    text, vocabulary = TEXT[:71], checkpoint.vocabulary
    errors, ranks, pairs = [], [], []
    for character, following in itertools.pairwise(text):
        try:
            reader.read(character)
        except UserError:
            reader.recent = np.append(reader.recent, vocabulary.encode(character))
        if reader.logits is None:
            continue
        z, y = reader.logits.astype("float64"), int(vocabulary.encode(following)[0])
        errors.append(np.log(np.exp(z).sum()) - z[y])
        ranks.append((z > z[y]).sum())
        pairs.append((following, int(z.argmax())))
    result = evaluation.evaluate_text(checkpoint, text, backend="python")
    assert result.characters == len(errors)
    assert result.loss == pytest.approx(np.mean(errors), rel=1e-5)
    assert result.bits == pytest.approx(result.loss / np.log(2))
    assert result.accuracy == pytest.approx(np.mean(np.array(ranks) == 0))
    assert result.among_best == pytest.approx(np.mean(np.array(ranks) < 5))
    counts = {c: sum(f == c for f, _ in pairs) for c in result.commonest}
    assert result.confusion.sum(axis=1).tolist() == list(counts.values())
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    first = result.commonest[0]
    took = sum(f == first and k == vocabulary.encode(first)[0] for f, k in pairs)
    assert result.confusion[0, 0] == took
    assert result.confusion.shape == (10, 11)


def test_strangers_are_counted_and_left_out():
    checkpoint = made("theano_rnn")
    clean = evaluation.evaluate_text(checkpoint, TEXT, backend="python")
    mixed = evaluation.evaluate_text(checkpoint, TEXT.replace("cat", "c€a€t"), backend="python")
    assert (mixed.unknown, mixed.strangers) == (4, ("€",))
    assert (clean.unknown, mixed.loss) == (0, clean.loss)


def test_nothing_known_is_refused():
    with pytest.raises(UserError, match="got 0 characters that the network knows"):
        evaluation.evaluate_text(made("theano_rnn"), "ΩΩΩ", backend="python")
