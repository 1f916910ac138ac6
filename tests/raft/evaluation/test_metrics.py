"""Measures against hand-computed values, a reference library, and their own promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from raft.evaluation.answer_metrics import exact_match, normalize_answer, token_f1
from retrieval.evaluation.bootstrap import bootstrap, difference, mean_of, ratio_of
from retrieval.evaluation.measures import retrieval_measures


@pytest.mark.parametrize(
    ("prediction", "answers", "em", "f1"),
    [
        ("The 30 days.", ["30 days"], 1.0, 1.0),
        ("within 30 days", ["30 days"], 0.0, 0.8),
        ("two weeks", ["30 days", "two weeks"], 1.0, 1.0),
        ("", ["30 days"], 0.0, 0.0),
        ("days days", ["30 days"], 0.0, 0.5),
    ],
)
def test_answers_are_scored_as_squad_does(prediction: str, answers: list[str], em: float, f1: float) -> None:
    assert exact_match(prediction, answers) == em
    assert token_f1(prediction, answers) == pytest.approx(f1)


def test_normalisation_is_squads() -> None:
    assert normalize_answer(" The  A.B., an apple! ") == "ab apple"


def test_the_bootstrap_interval_covers_the_true_mean_about_95_times_in_100() -> None:
    draw = np.random.default_rng(1)
    hits = 0
    for trial in range(120):
        values = (draw.random(60) < 0.4).astype(float)
        interval = bootstrap(mean_of(list(values)), 60, resamples=400, seed=trial)
        assert interval is not None and interval.low <= interval.value <= interval.high
        hits += interval.low <= 0.4 <= interval.high
    assert hits >= 106


def test_pairing_makes_a_constant_gain_certain() -> None:
    base = list(np.random.default_rng(2).random(40))
    better = [value + 0.1 for value in base]
    gain = bootstrap(difference(mean_of(better), mean_of(base)), 40, resamples=500)
    assert gain is not None
    assert (gain.low, gain.high) == pytest.approx((0.1, 0.1))


def test_a_precision_without_positives_is_undefined_and_not_zero() -> None:
    assert bootstrap(ratio_of([0.0, 0.0], [0.0, 0.0]), 2) is None
    assert bootstrap(mean_of([]), 0) is None
    undefined = bootstrap(mean_of([math.nan, 1.0]), 2, resamples=100)
    assert undefined is not None and undefined.value == 1.0


def test_retrieval_measures_equal_their_formulas() -> None:
    qrels = {"q1": ["a", "b"], "q2": ["z"], "q3": ["m"]}
    run = {"q1": ["x", "a", "y", "b"], "q2": ["p", "q"], "q3": ["m"]}
    values = retrieval_measures(qrels, run)
    ideal = 1 / math.log2(2) + 1 / math.log2(3)
    assert values["nDCG@10"] == pytest.approx([(1 / math.log2(3) + 1 / math.log2(5)) / ideal, 0.0, 1.0])
    assert values["recall@1"] == [0.0, 0.0, 1.0]
    assert values["recall@5"] == [1.0, 0.0, 1.0]
