"""Paired tests: against SciPy, against values worked out by hand, and on differences that are known to be noise."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retrieval.evaluation.bootstrap import bootstrap, bootstrap_mean, mean_of
from retrieval.evaluation.significance import compare, holm, randomisation_test


def test_randomisation_is_scipys_where_all_patterns_are_tried() -> None:
    generator = np.random.default_rng(3)
    for n in (2, 5, 9, 12):
        left, right = generator.random(n), generator.random(n)
        exact = stats.permutation_test(
            (left, right), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", vectorized=True
        ).pvalue
        assert randomisation_test(list(left - right)) == pytest.approx(exact, abs=1e-12)


def test_randomisation_by_draws_is_near_the_exact_value() -> None:
    differences = list(np.random.default_rng(4).normal(0.25, 1, 14))
    exact = randomisation_test(differences, draws=2**14)
    assert randomisation_test(differences, draws=5_000) == pytest.approx(exact, abs=0.02)


def test_randomisation_by_hand() -> None:
    assert randomisation_test([]) == 1 and randomisation_test([0.0, 0.0]) == 1
    assert randomisation_test([0.3]) == 1  # one query proves nothing
    assert randomisation_test([1.0] * 5) == pytest.approx(2 / 32)
    assert randomisation_test([1.0] * 5 + [0.0] * 30) == pytest.approx(2 / 32)
    assert randomisation_test([1.0, 1.0, 1.0, -1.0]) == pytest.approx(10 / 16)  # |sum| >= 2: 2 of 4 + 8 of 2
    assert 0 < randomisation_test([0.5] * 400) < 0.001


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1, allow_nan=False, width=16), max_size=9))
def test_randomisation_has_no_side(differences: list[float]) -> None:
    assert randomisation_test(differences) == pytest.approx(randomisation_test([-value for value in differences]))


def test_noise_is_rarely_called_a_difference() -> None:
    """At the level .05 about one of twenty comparisons of equal systems is; without the test's exactness it would be more."""
    generator = np.random.default_rng(5)
    called = sum(randomisation_test(list(generator.normal(0, 1, 40)), draws=500) < 0.05 for _ in range(400))
    assert 8 <= called <= 34  # 20 ± 3.2 standard errors


def test_holm_by_hand() -> None:
    """Holm's own rule: .01 · 4, .02 · 3, .03 · 2, .04 · 1, never falling."""
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.9, 0.4]) == pytest.approx([0.9, 0.8]) and holm([0.7, 0.6]) == pytest.approx([1, 1]) and holm([]) == []


@settings(max_examples=100)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_order_and_only_raises(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(old <= new <= 1 for old, new in zip(p_values, corrected, strict=True))
    assert min(corrected) == pytest.approx(min(1, min(p_values) * len(p_values)))
    places = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert all(corrected[a] <= corrected[b] for a, b in itertools.pairwise(places))


def test_the_quick_mean_is_the_plain_bootstrap() -> None:
    values = list(np.random.default_rng(6).random(77))
    slow, quick = bootstrap(mean_of(values), 77, 1_100), bootstrap_mean(values, 1_100)
    assert slow is not None and quick is not None and quick.n == 77
    assert (quick.value, quick.low, quick.high) == pytest.approx((slow.value, slow.low, slow.high), abs=1e-12)
    assert bootstrap_mean([]) is None


def test_compare_tells_a_gain_from_noise() -> None:
    generator = np.random.default_rng(7)
    base = generator.random(200)
    noisy = base + generator.normal(0, 0.1, 200) - 0.0
    found = {
        (c.left, c.right): c for c in compare({"better": base + 0.2, "base": base, "noisy": noisy - (noisy - base).mean()})
    }
    assert found["better", "base"].better and not found["better", "base"].worse
    assert found["better", "base"].difference.value == pytest.approx(0.2)
    assert not found["base", "noisy"].better and not found["base", "noisy"].worse
    assert found["base", "noisy"].p_holm >= found["base", "noisy"].p
    with pytest.raises(ValueError, match="same"):
        compare({"a": [1.0], "b": [1.0, 2.0]})
    assert compare({"a": [], "b": []}) == [] and compare({"a": [1.0]}) == []
