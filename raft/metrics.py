"""Measures of answers: exact match, token F1, verbatim quotes, citations, abstention, and paired bootstrap intervals. Pure."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower case without punctuation, articles and extra white space. Rajpurkar et al., SQuAD evaluation script v2.0, 2018."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1.0 when the normalised prediction equals a normalised answer, else 0.0."""
    return float(any(normalize_answer(prediction) == normalize_answer(answer) for answer in answers))


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """The best F1 over answers of the bags of normalised words, in 0–1. SQuAD evaluation script v2.0."""
    return max((_f1(normalize_answer(prediction).split(), normalize_answer(a).split()) for a in answers), default=0.0)


def _f1(prediction: Sequence[str], answer: Sequence[str]) -> float:
    if not prediction or not answer:
        return float(list(prediction) == list(answer))
    common = sum((Counter(prediction) & Counter(answer)).values())
    if not common:
        return 0.0
    precision, recall = common / len(prediction), common / len(answer)
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class Interval:
    """A mean (or difference of means) with its 95 % interval and the number of questions behind it."""

    value: float
    low: float
    high: float
    n: int


Statistic = Callable[[np.ndarray], float]


def bootstrap(statistic: Statistic, n: int, resamples: int = 10_000, seed: int = 0) -> Interval | None:
    """Percentile bootstrap of `statistic(indices)` over questions 0..n-1; None when the statistic is undefined on all of them.

    Pairing is kept because the same resampled questions feed both sides of a difference. `statistic` gives NaN where it is
    undefined on a resample (a precision without any positive); such resamples are left out. Efron and Tibshirani, 1993.
    """
    if not n:
        return None
    value = statistic(np.arange(n))
    if np.isnan(value):
        return None
    generator = np.random.default_rng(seed)
    draws = np.array([statistic(generator.integers(0, n, n)) for _ in range(resamples)])
    draws = draws[~np.isnan(draws)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(float(value), float(low), float(high), n)


def mean_of(values: Sequence[float]) -> Statistic:
    """The statistic "mean of `values`", NaN entries left out."""
    array = np.asarray(values, dtype=float)

    def statistic(indices: np.ndarray) -> float:
        chosen = array[indices]
        chosen = chosen[~np.isnan(chosen)]
        return float(chosen.mean()) if len(chosen) else float("nan")

    return statistic


def ratio_of(numerators: Sequence[float], denominators: Sequence[float]) -> Statistic:
    """The statistic "Σ numerators / Σ denominators": precision and recall counted over all questions (micro average)."""
    top, bottom = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)

    def statistic(indices: np.ndarray) -> float:
        total = bottom[indices].sum()
        return float(top[indices].sum() / total) if total else float("nan")

    return statistic


def difference(left: Statistic, right: Statistic) -> Statistic:
    """`left - right` on the same questions."""
    return lambda indices: left(indices) - right(indices)
