"""How well a text is predicted, against a loop over single steps and against training."""

import itertools

from graphrnn.data.text import Vocabulary
from graphrnn.errors import UserError
from graphrnn.models.from_settings import network_of
from graphrnn.runs.checkpoint import Checkpoint, Header
from graphrnn.sampling import evaluation
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run

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


def steps(checkpoint, text, state, *, windows):
    """Read a text character by character; give the logits before each next character with it."""
    reader = Sampler.of(checkpoint, state=state, backend="python")
    time = checkpoint.header.settings.time
    every = reader.network.model.predictions(time) == time
    for k, (character, following) in enumerate(itertools.pairwise(text)):
        if windows and k % time == 0:
            reader.reset()
        reader._read(int(checkpoint.vocabulary.encode(character)[0]))
        if not windows or every or k % time == time - 1:
            yield reader.logits.astype("float64"), following


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ("theano_rnn", "as-trained"),
        ("theano_rnn", "carried"),
        ("rnn", "as-trained"),
        ("rnn", "carried"),
        ("three_char", "as-trained"),
    ],
)
def test_it_is_what_a_loop_over_single_steps_gives(model, state):
    """Every step predicts, only the last one does, and none has a state."""
    checkpoint = made(model, **({"time": 3} if model == "three_char" else {}))
    time = checkpoint.header.settings.time
    text, vocabulary = TEXT[: 6 * time + 1], checkpoint.vocabulary
    errors, ranks, pairs = [], [], []
    for z, following in steps(checkpoint, text, state, windows=state != "carried"):
        y = int(vocabulary.encode(following)[0])
        errors.append(np.log(np.exp(z).sum()) - z[y])
        ranks.append((z > z[y]).sum())
        pairs.append((following, int(z.argmax())))
    got = evaluation.evaluate_text(checkpoint, text, state=state, backend="python")
    assert got.characters == len(errors)
    assert got.loss == pytest.approx(np.mean(errors), rel=1e-5)
    assert got.bits == pytest.approx(got.loss / np.log(2))
    assert got.accuracy == pytest.approx(np.mean(np.array(ranks) == 0))
    assert got.among_best == pytest.approx(np.mean(np.array(ranks) < 5))
    counts = {c: sum(f == c for f, _ in pairs) for c in got.commonest}
    assert got.confusion.sum(axis=1).tolist() == list(counts.values())
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    first = got.commonest[0]
    took = sum(f == first and k == vocabulary.encode(first)[0] for f, k in pairs)
    assert got.confusion[0, 0] == took
    assert got.confusion.shape == (10, 11)


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("model", ["theano_rnn", "rnn", "stateful_lstm", "three_char"])
def test_the_held_out_text_has_the_loss_that_training_gave(model, backend, tmp_path):
    text = (TEXT * 40) + TEXT[::-1] * 20
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    settings = TrainSettings(
        model=model, corpus=str(tmp_path / "text.txt"), hidden=5, batch=4, sequences=40,
        out=tmp_path / "run", backend=backend, held_out=0.25,
    )  # fmt: skip
    checkpoint = training_run.train(settings).checkpoint
    held_out = evaluation.held_out_part(checkpoint, text)
    got = evaluation.evaluate_text(checkpoint, held_out, backend=backend)
    last = checkpoint.header.held_out[-1]
    assert got.loss == last.loss
    assert got.accuracy == pytest.approx(last.accuracy)
    assert len(held_out) == round(len(text) / 4)


def test_how_a_text_is_read_is_told():
    checkpoint = made("theano_rnn")
    for state, words in [
        ("as-trained", "in windows of 4 characters, each from a zero state"),
        ("carried", "from end to end, by a state that is carried"),
    ]:
        read = evaluation.evaluate_text(checkpoint, TEXT, state=state, backend="python").read
        assert read == words
    with pytest.raises(UserError, match="--state carried: three_char"):
        evaluation.evaluate_text(made("three_char", time=3), TEXT, state="carried")


def test_strangers_are_counted_and_left_out():
    checkpoint = made("theano_rnn")
    clean = evaluation.evaluate_text(checkpoint, TEXT, backend="python")
    mixed = evaluation.evaluate_text(checkpoint, TEXT.replace("cat", "c€a€t"), backend="python")
    assert (mixed.unknown, mixed.strangers) == (4, ("€",))
    assert (clean.unknown, mixed.loss) == (0, clean.loss)


def test_nothing_known_is_refused():
    with pytest.raises(UserError, match="got 0 characters that the network knows"):
        evaluation.evaluate_text(made("theano_rnn"), "ΩΩΩ", backend="python")
