import os
from dataclasses import replace
from functools import partial

from graphrnn.data.text import Vocabulary
from graphrnn.errors import UserError
from graphrnn.models.from_settings import network_of
from graphrnn.runs import folder as run_folder
from graphrnn.runs.checkpoint import Checkpoint, save_checkpoint
from graphrnn.sampling import sampler as samplers
from graphrnn.sampling.networks import carries_state
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run

import numpy as np
import pytest


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small network that has learnt a little."""
    folder = tmp_path_factory.mktemp("trained")
    text = folder / "small.txt"
    text.write_text("the cats sat on the mat; the dog lay by the log.\n" * 90, encoding="utf-8")
    return training_run.train(
        TrainSettings(
            corpus=str(text),
            hidden=16,
            sequences=2500,
            batch=1,
            backend="native",
            learning_rate=0.02,
            out=folder / "run",
        )
    )


@pytest.fixture(scope="module")
def sampler(trained):
    return samplers.load_sampler(str(trained.folder.path), backend="python")


@pytest.fixture(autouse=True)
def fresh(sampler):
    sampler.reset()


def write(sampler, **settings):
    sampler.reset()
    return "".join(
        sampler.write(SampleSettings(**({"prompt": "the ", "length": 60, "seed": 0} | settings)))
    )


def test_it_writes_what_it_has_learnt(sampler):
    text = write(sampler, temperature=0.3)
    assert len(text) == 60
    assert set(text) <= set(sampler.vocabulary.characters) - {"\0"}
    assert "the" in text


def test_same_seed_same_text(sampler):
    texts = [write(sampler, seed=seed, temperature=5.0) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_greedy_is_top_1_and_very_cold(sampler):
    greedy = write(sampler, greedy=True)
    assert greedy == write(sampler, top_k=1) == write(sampler, temperature=1e-9)


def test_next_characters(sampler):
    sampler.read("th")
    best = sampler.next_characters(3)
    assert best[0][0] == "e"
    assert [p for _, p in best] == sorted((p for _, p in best), reverse=True)
    everything = sampler.next_characters(10_000)
    assert len(everything) == len(sampler.vocabulary) - 1
    assert sum(p for _, p in everything) == pytest.approx(1)


def test_reading_goes_on_from_the_state(sampler):
    sampler.read("the c")
    whole = sampler.next_characters(3)
    sampler.reset()
    sampler.read("the")
    sampler.read(" c")
    assert sampler.next_characters(3) == whole


def test_the_last_characters_alone_count_in_windows(sampler):
    """A network trained on windows predicts from the last eight characters, however many came."""
    assert (sampler.window, sampler.shortest) == (8, 1)
    sampler.read("the dog lay by the log.\nthe cats ")
    long = sampler.next_characters(5)
    sampler.reset()
    sampler.read("he cats ")
    short = sampler.next_characters(5)
    assert [c for c, _ in short] == [c for c, _ in long]
    np.testing.assert_allclose([p for _, p in short], [p for _, p in long], rtol=1e-5)


def test_of_a_long_text_one_window_is_read(sampler, monkeypatch):
    calls, step = [], sampler.window_step
    monkeypatch.setitem(vars(sampler), "window_step", lambda *a: calls.append(a) or step(*a))
    sampler.read("the dog lay by the log.\nthe cats ")
    assert len(calls) == 1
    sampler.read("sat")
    assert len(calls) == 2


def test_a_carried_state_sees_all_of_the_text(trained):
    reader = samplers.load_sampler(str(trained.folder.path), state="carried", backend="python")
    after = []
    for text in ("the dog lay by the log.\nthe cats ", "he cats "):
        reader.reset()
        reader.read(text)
        after.append([p for _, p in reader.next_characters(5)])
    assert not np.allclose(*after, rtol=1e-3)


def test_each_prompt_has_draws_of_its_own(sampler):
    """Else two texts run together for good once their last eight characters are equal."""
    texts = [write(sampler, prompt=f"{c} sat on the ", temperature=2.0) for c in ("cat", "dog")]
    assert texts[0] != texts[1]
    assert texts[0][-8:] != texts[1][-8:]


def test_without_a_seed_each_text_is_another(sampler):
    texts = {write(sampler, seed=None, temperature=5.0) for _ in range(3)}
    assert len(texts) == 3


def test_it_writes_with_its_best_network_unless_the_last_is_asked_for(trained, tmp_path):
    folder = run_folder.RunFolder(tmp_path)
    zero = {name: 0 * value for name, value in trained.checkpoint.weights.items()}
    header = trained.checkpoint.header
    save_checkpoint(folder.last, replace(trained.checkpoint, weights=zero))
    load = partial(samplers.load_sampler, str(tmp_path), backend="python")
    assert load().trained == f"the network after {header.sequences:,} sequences"
    save_checkpoint(folder.best, trained.checkpoint)
    assert load().trained.endswith("sequences, the best on held-out text")
    for which, weights in (("best", trained.checkpoint.weights), ("last", zero)):
        got = load(checkpoint=which).network.weights["W_hh"].get_value()
        np.testing.assert_array_equal(got, weights["W_hh"])


@pytest.mark.parametrize(
    ("model", "state", "carried"),
    [
        ("theano_rnn", "as-trained", False),
        ("theano_rnn", "carried", True),
        ("stateful_lstm", "as-trained", True),
        ("stateful_lstm", "windows", False),
        ("three_char", "as-trained", False),
        ("three_char", "windows", False),
    ],
)
def test_a_network_reads_as_it_was_trained(model, state, carried):
    settings = TrainSettings(model=model, hidden=3)
    network = network_of(settings, 5, np.random.default_rng(0))
    assert carries_state(network, state) == carried
    reader = samplers.Sampler.of_network(network, settings, Vocabulary.of("abcd"), state=state)
    assert (reader.window is None) == carried
    trained = state == "as-trained" or model == "three_char"
    assert ("not as in training" in reader.described) != trained
    assert ("--state" in reader.described) == (model != "three_char")


def test_what_has_no_state_carries_none():
    settings = TrainSettings(model="three_char", hidden=3)
    network = network_of(settings, 5, np.random.default_rng(0))
    with pytest.raises(UserError, match="--state carried: three_char is laid out for windows"):
        samplers.Sampler.of_network(network, settings, Vocabulary.of("abcd"), state="carried")


def test_unknown_characters_and_nothing_to_read(sampler):
    with pytest.raises(UserError, match="never seen: 'Q'"):
        write(sampler, prompt="Q")
    with pytest.raises(UserError, match="needed at least one character"):
        write(sampler, prompt="")
    sampler.reset()
    with pytest.raises(UserError, match="has read nothing yet"):
        sampler.next_characters(1)


def test_a_checkpoint_from_another_vocabulary(trained):
    header = replace(trained.checkpoint.header, vocabulary=("\0", "a", "b"))
    with pytest.raises(UserError, match="W_hy, W_xh, b_y do not fit a vocabulary of 3"):
        samplers.Sampler.of(Checkpoint(header, trained.checkpoint.weights), backend="python")


def test_runs_are_found_by_folder_file_name_and_age(trained, in_tmp):
    file = trained.folder.last
    assert run_folder.find_checkpoint(str(trained.folder.path)) == file
    assert run_folder.find_checkpoint(str(file)) == file
    with pytest.raises(UserError, match=r"no trained network in runs/; train one first"):
        run_folder.find_checkpoint("latest")
    for age, name in enumerate(["new", "old"]):
        (in_tmp / "runs" / name).mkdir(parents=True)
        path = in_tmp / "runs" / name / run_folder.CHECKPOINT
        path.write_bytes(file.read_bytes())
        os.utime(path, (1e9 - age, 1e9 - age))
    assert run_folder.find_checkpoint("latest").parent.name == "new"
    assert run_folder.find_checkpoint("old").parent.name == "old"
    with pytest.raises(UserError, match="run 'other': no such folder"):
        run_folder.find_checkpoint("other")


def test_settings_that_do_not_fit_the_weights_are_refused_unbuilt(trained):
    header = trained.checkpoint.header
    huge = replace(header, settings=replace(header.settings, hidden=60_000))
    with pytest.raises(UserError, match="and 60000 hidden units"):
        samplers.Sampler.of(Checkpoint(huge, trained.checkpoint.weights), backend="python")
