"""Topics of a collection: k-means over one vector a document, named by the words that set each topic apart.

Knows no store. The number of topics is chosen by the silhouette (Rousseeuw, 1987); the names are class-based TF-IDF
(Grootendorst, BERTopic, arXiv 2203.05794, equation 2). Groups of one or two documents are no topics, nor are groups
less alike than any two documents: what k-means puts together because it fits nowhere counts as far from the others.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpora.text.languages import STOP_WORDS
from retrieval.encoders.encoder import Vectors

MAX_TOPICS = 12
LEAST_DOCUMENTS = 8  # fewer are one topic: nothing can be said about their groups
LEAST_MEMBERS = 3
_LEAST_SHARE = 0.01
_LEAST_SEPARATION = 0.05  # mean silhouette under which the groups are one
_NEARLY = 0.9  # of the best silhouette; the finest division that is nearly as clear says more
_FITTED = 5000  # documents that the centres are found from
_RESTARTS = 5
_READ_CHARACTERS = 20_000
_MAX_WORDS = 50_000
_WORD = r"(?u)\b[^\W\d_]{3,}\b"
_FAR = 2.5  # standard deviations, estimated by the median absolute deviation
_LEAST_GAP = 0.15


@dataclass(frozen=True)
class Topics:
    """Topics of a collection's documents, and the topic of each document.

    `centres`: unit rows, float32 `(topics, dimension)`, largest topic first. For row i of the vectors, `topic_of[i]` is
    the nearest centre and `similarity[i]` its cosine. `separation` is the mean silhouette, −1 to 1; None where there is
    one topic.
    """

    centres: Vectors
    topic_of: tuple[int, ...]
    similarity: tuple[float, ...]
    separation: float | None


def find_topics(vectors: Vectors, seed: int = 0) -> Topics:
    """Topics of unit vectors, float32 `(n, dimension)`, n at least 1. The same on every call; at most twelve."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):  # several threads sum in changing order
        draw = np.random.default_rng(seed)
        rows = np.sort(draw.choice(len(vectors), _FITTED, replace=False)) if len(vectors) > _FITTED else np.arange(len(vectors))
        labels, separation = _divided(vectors[rows], seed)
        topic_labels = _real(vectors[rows], labels)
        if len(topic_labels) < 2:
            separation = None
        centres = (
            _centres(vectors[rows], labels, topic_labels)
            if topic_labels
            else _centres(vectors[rows], np.zeros_like(labels), [0])
        )
        nearest = (vectors @ centres.T).argmax(axis=1)
        order = np.argsort(-np.bincount(nearest, minlength=len(centres)), kind="stable")
        centres = centres[order]
        scores = vectors @ centres.T
        nearest = scores.argmax(axis=1)
        similarity = np.clip(scores[np.arange(len(vectors)), nearest], -1.0, 1.0)
        return Topics(centres, tuple(nearest.tolist()), tuple(round(float(value), 4) for value in similarity), separation)


def _divided(vectors: Vectors, seed: int) -> tuple[Any, float | None]:
    """Group of each row, and how clear the groups are; one group where no division is."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import silhouette_score

    single_group = np.zeros(len(vectors), dtype=np.int64)
    if len(vectors) < LEAST_DOCUMENTS:
        return single_group, None
    tried: list[tuple[float, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct vectors than groups
        for count in range(2, min(MAX_TOPICS, math.isqrt(len(vectors))) + 1):
            labels = KMeans(count, n_init=_RESTARTS, random_state=seed).fit_predict(vectors)
            if 2 <= len(np.unique(labels)) < len(vectors):
                tried.append((float(silhouette_score(vectors, labels, metric="cosine")), labels))
    best = max((score for score, _ in tried), default=0.0)
    if best < _LEAST_SEPARATION:
        return single_group, None
    score, labels = [pair for pair in tried if pair[0] >= _NEARLY * best][-1]
    return labels, round(score, 4)


def _real(vectors: Vectors, labels: Any) -> list[int]:
    """The groups that are topics: large enough, and more alike than two documents are on average."""
    least = max(LEAST_MEMBERS, math.ceil(_LEAST_SHARE * len(vectors)))
    groups = {int(label): vectors[labels == label] for label in np.unique(labels)}
    alike = {label: mean_cosine(group) for label, group in groups.items() if len(group) >= least}
    usual = mean_cosine(vectors)
    return [label for label, value in alike.items() if value is not None and usual is not None and value >= usual]


def _centres(vectors: Vectors, labels: Any, topic_labels: Sequence[int]) -> Vectors:
    means = np.stack([vectors[labels == label].mean(axis=0) for label in topic_labels])
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def least_similarity(similarity: Sequence[float]) -> float:
    """The cosine under which a document is far from every topic: 2.5 robust deviations, and .15, below the median."""
    values = np.asarray(similarity, dtype=np.float64)
    if len(values) < LEAST_DOCUMENTS:
        return -1.0
    middle = float(np.median(values))
    deviation = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle - max(_FAR * deviation, _LEAST_GAP)


def mean_cosine(vectors: Vectors) -> float | None:
    """The mean cosine of two different rows, −1 to 1; None for fewer than two."""
    n = len(vectors)
    if n < 2:
        return None
    total = vectors.sum(axis=0, dtype=np.float64)
    return round(float((total @ total - n) / (n * (n - 1))), 4)


def name_topics(texts: Sequence[str], topic_of: Sequence[int], count: int, words: int = 6) -> list[tuple[str, ...]]:
    """The most characteristic words of topics 0 to `count` − 1, best first, ties by alphabet; none where there are no
    words.

    `texts[i]` belongs to topic `topic_of[i]`; its first 20,000 characters are read. Small words of seven languages are
    left out, and so are words of a single document once there are eight.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    stop = sorted(
        {word for words_of in STOP_WORDS.values() for word in words_of.split() if re.fullmatch(_WORD, word)}
        | set(ENGLISH_STOP_WORDS)
    )
    vectorizer = CountVectorizer(
        stop_words=stop, token_pattern=_WORD, min_df=2 if len(texts) >= LEAST_DOCUMENTS else 1, max_features=_MAX_WORDS
    )
    try:
        counts = vectorizer.fit_transform([text[:_READ_CHARACTERS] for text in texts])
    except ValueError:  # no word is left
        return [()] * count
    topic_numbers = np.asarray(topic_of)
    frequency = np.stack(
        [np.asarray(counts[np.flatnonzero(topic_numbers == topic)].sum(axis=0)).ravel() for topic in range(count)]
    )
    share = frequency / np.maximum(frequency.sum(axis=1, keepdims=True), 1)
    weight = share * np.log1p(frequency.sum() / count / np.maximum(frequency.sum(axis=0), 1))
    vocabulary = vectorizer.get_feature_names_out()
    return [tuple(str(vocabulary[i]) for i in np.lexsort((vocabulary, -row))[:words] if row[i] > 0) for row in weight]
