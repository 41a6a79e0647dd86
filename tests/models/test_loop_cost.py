"""The choice of a loop: terms against a count by hand, the least total wins, the fit is a fit."""

from graphrnn.models import Sizes, model_named
from graphrnn.models.loop_cost import WAYS, Work, build_terms, choose, step_terms, work_of
from scripts.fit_loops import least_squares

import numpy as np
import pytest

WORK = Work(time=8, batch=2, nodes=5, weights=100, columns=20)
FREE = {way: {"build": [0.0] * (2 + (way == "unrolled")), "step": [0.0] * 5} for way in WAYS}


def factors(**changed):
    """Give factors that are 0 but for the first of each, the build's and the step's seconds."""
    results = {way: {"build": list(f["build"]), "step": list(f["step"])} for way, f in FREE.items()}
    for way, (build, step) in changed.items():
        name = {"by_4": "4"}.get(way, way)
        results[name]["build"][0], results[name]["step"][0] = build, step
    return results


def test_terms_are_counted():
    assert build_terms("scan", WORK) == [1, 5]
    assert build_terms("4", WORK) == [1, 20]
    assert build_terms("unrolled", WORK) == [1, 40, 1600]
    assert step_terms(WORK) == [1, 1600, 800, 320, 8]


def test_the_least_total_is_chosen():
    costs = factors(scan=(1.0, 3e-3), unrolled=(9.0, 1e-3), by_4=(4.0, 2e-3))
    assert [choose(WORK, n, costs).loop for n in (100, 3_000, 3_500, 100_000)] == [
        "scan", "scan", "4", "unrolled",
    ]  # fmt: skip
    assert choose(WORK, 1000, costs).seconds == pytest.approx({"scan": 4, "unrolled": 10, "4": 6})


def test_pieces_must_fill_the_time():
    odd = Work(time=7, batch=2, nodes=5, weights=100, columns=20)
    assert set(choose(odd, 10, FREE).seconds) == {"scan", "unrolled"}


def test_a_choice_says_why():
    costs = factors(scan=(1.0, 1e-3), unrolled=(200.0, 1e-3), by_4=(4.0, 1e-3))
    assert str(choose(WORK, 2000, costs)) == (
        "scan: build and 2,000 steps take about 3.0 s (unrolled 3.4 min, by 4 6.0 s)"
    )


@pytest.mark.parametrize(
    ("name", "sizes", "weights", "columns"),
    [
        ("theano_rnn", Sizes(7, 5), 7 * 5 + 5 * 5 + 5 * 7, 5 + 5 + 7),
        ("gru", Sizes(7, 5, 3), 7 * 3 + 3 * 15 + 5 * 15 + 5 * 7, 3 + 15 + 15 + 7),
        (
            "stacked_lstm",
            Sizes(7, 5, 3, 2),
            7 * 3 + (3 + 5 + 5 + 5) * 20 + 5 * 7,
            3 + 4 * 20 + 7,
        ),
    ],
)
def test_the_work_of_a_network_is_counted(name, sizes, weights, columns):
    work = work_of(model_named(name), sizes, time=4, batch=2)
    assert (work.time, work.batch, work.weights, work.columns) == (4, 2, weights, columns)
    assert 3 <= work.nodes <= 60
    longer = work_of(model_named(name), sizes, time=8, batch=2)
    assert longer.nodes == work.nodes


def test_fitted_factors_are_found_again():
    rng = np.random.default_rng(0)
    rows = [[1.0, a, a * a] for a in rng.uniform(1, 1e6, 20)]
    true = [2.0, 3e-6, 0.0]
    costs = [float(np.dot(row, true)) for row in rows]
    assert least_squares(rows, costs) == pytest.approx(true, rel=1e-6, abs=1e-15)


def test_the_fitted_factors_are_whole():
    choice = choose(WORK, 10)
    assert set(choice.seconds) == set(WAYS)
    assert all(0 < seconds < 100 for seconds in choice.seconds.values())
