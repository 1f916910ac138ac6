"""The probability that search found the evidence, estimated from the rankings: an assistant abstains where it is low.

A small model does not learn from a few hundred examples to say "the documents do not answer this"; how sharply the best
hits stand out from the rest says more. Fitted on questions whose evidence is known, measured on documents it was not
fitted on. Selective question answering: Kamath, Jia and Liang, ACL 2020; the features are query performance predictors
in the manner of Shtok et al., "Predicting query performance by query-drift estimation", TOIS 2012.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from corpora.durable_files import write_json
from corpora.errors import ModelError
from retrieval.evaluation.bootstrap import Interval, Statistic, bootstrap, ratio_of
from retrieval.records import SearchResult

FILE = "support.json"
LEAST = 15
"""Fewer questions than this with, or without, their evidence found are not enough to fit on."""
DEPTH = 10


@dataclass(frozen=True)
class AbstentionModel:
    """Logistic regression over `features`. `passages`: how many hits had to hold the evidence when it was fitted."""

    passages: int
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    fitted_on: int

    def probability(self, question: str, result: SearchResult) -> float:
        """The chance, in 0–1, that the first `passages` hits hold all the evidence that `question` needs."""
        values = features(question, result)
        parts = zip(values, self.means, self.scales, self.weights, strict=True)
        total = self.bias + sum(weight * (value - mean) / scale for value, mean, scale, weight in parts)
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True)
class SupportMeasure:
    """Precision and recall of abstaining below `threshold` (0–1), on questions that were not fitted on.

    `chance` is the precision of abstaining at random. `auc` is the chance that a question with its evidence found
    scores above one without.
    """

    n: int
    threshold: float
    auc: float
    chance: float
    abstained: int
    precision: Interval | None
    recall: Interval | None


@dataclass(frozen=True)
class AbstentionCase:
    """One question, what search found for it, and whether its first hits held all of its evidence."""

    question: str
    result: SearchResult
    supported: bool


def features(question: str, result: SearchResult) -> list[float]:
    """The features of a question and its rankings, in the order of the model's weights.

    Of each ranking: its best score, and how far the 2nd, 5th and 10th fall behind it. Of both: whether they have the
    same best hit, how many of the first five they share, and the best lexical score a word of the question.
    """
    dense, lexical = result.rankings.get("dense", ()), result.rankings.get("lexical", ())
    words = len(question.split())
    first, second = [item for item, _ in dense[:5]], [item for item, _ in lexical[:5]]
    agreement = [float(first[:1] == second[:1] != []), float(len(set(first) & set(second)))]
    return [*_shape(dense), *_shape(lexical), *agreement, _scores(lexical)[0] / max(words, 1)]


def _scores(ranking: Sequence[tuple[str, float]]) -> list[float]:
    scores = [score for _, score in ranking[:DEPTH]] or [0.0]
    return scores + [scores[-1]] * (DEPTH - len(scores))


def _shape(ranking: Sequence[tuple[str, float]]) -> list[float]:
    scores = _scores(ranking)
    return [scores[0], scores[0] - scores[1], scores[0] - scores[4], scores[0] - scores[9]]


def fit_support(observations: Sequence[AbstentionCase], passages: int) -> AbstentionModel | None:
    """An abstention model fitted on `observations`; None when too few of them are supported, or too few are not."""
    labels = np.array([observation.supported for observation in observations], dtype=bool)
    if min(labels.sum(), (~labels).sum()) < LEAST:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    matrix = np.array([features(observation.question, observation.result) for observation in observations])
    scaler = StandardScaler().fit(matrix)
    fitted = LogisticRegression().fit(scaler.transform(matrix), labels)
    return AbstentionModel(
        passages=passages,
        means=tuple(map(float, scaler.mean_)),
        scales=tuple(map(float, scaler.scale_)),
        weights=tuple(map(float, fitted.coef_[0])),
        bias=float(fitted.intercept_[0]),
        fitted_on=len(observations),
    )


def measure_support(model: AbstentionModel, observations: Sequence[AbstentionCase], threshold: float) -> SupportMeasure | None:
    """Measure abstaining below `threshold` (0–1) on `observations`; None when all or none of them are supported."""
    supported = np.array([observation.supported for observation in observations], dtype=bool)
    if not len(supported) or supported.all() or not supported.any():
        return None
    from sklearn.metrics import roc_auc_score

    chances = np.array([model.probability(observation.question, observation.result) for observation in observations])
    abstained = chances < threshold

    def share(denominator: np.ndarray) -> Statistic:
        return ratio_of(list(abstained & ~supported), list(denominator))

    return SupportMeasure(
        n=len(supported),
        threshold=threshold,
        auc=round(float(roc_auc_score(supported, chances)), 4),
        chance=round(float((~supported).mean()), 4),
        abstained=int(abstained.sum()),
        precision=bootstrap(share(abstained), len(supported)),
        recall=bootstrap(share(~supported), len(supported)),
    )


def write_support(folder: Path, model: AbstentionModel) -> None:
    """Write `model` to `support.json` in `folder`."""
    write_json(folder / FILE, asdict(model))


def read_support(folder: Path) -> AbstentionModel | None:
    """The model that `write_support` put in `folder`, or None when there is none. Raises ModelError for a damaged
    one.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        model: AbstentionModel = TypeAdapter(AbstentionModel).validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path} is damaged ({error.errors()[0]['msg']}); generate the dataset and train again") from error
    return model


def as_text(measure: SupportMeasure) -> str:
    """The measure in one line."""
    value: Any = measure.precision
    precision = f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]" if value else "–"
    recall: Any = measure.recall
    return (
        f"abstaining on held-out documents (n = {measure.n}): precision {precision} where chance is {measure.chance:.2f}, "
        f"recall {recall.value:.2f}, AUC {measure.auc:.2f}"
    )
