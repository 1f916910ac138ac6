"""The records of an inspection: counts, figures and lists of documents, never a piece of a document's text but its
title.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corpora.records import Document


@dataclass(frozen=True)
class Listed:
    """A document in a list, and why it is there in a few words."""

    document_id: str
    title: str
    source: str
    collection: str
    why: str


def listed(document: Document, why: str) -> Listed:
    """The entry of `document` in a list, with its reason."""
    return Listed(document.id, document.title, document.source, document.collection, why)


@dataclass(frozen=True)
class DocumentFacts:
    """The facts of one document.

    `topic` is an index of `Inspection.topics`, and `place` its point on the map; None without a vector.
    """

    document_id: str
    title: str
    source: str
    collection: str
    media_type: str
    language: str
    words: int
    split: str
    topic: int | None
    place: tuple[float, float] | None


@dataclass(frozen=True)
class Lengths:
    """The lengths of the documents in words; `histogram` rows are (from, below, documents).

    `why` of a document is its length.
    """

    shortest: int
    median: int
    longest: int
    histogram: tuple[tuple[int, int, int], ...]
    shortest_documents: tuple[Listed, ...]
    longest_documents: tuple[Listed, ...]


@dataclass(frozen=True)
class DuplicateGroup:
    """Documents that say nearly the same, each with its split as `why`. More than one of `splits` is a leak."""

    documents: tuple[Listed, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class PersonalDataCounts:
    """Counts of personal data by kind in `searched` documents, of which `concerned` have any. Never the data itself."""

    searched: int
    concerned: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Topic:
    """A topic by its most characteristic words. `similarity` is the mean cosine of its documents to its centre.

    `cohesion` is the mean cosine of two of them; None for one. `typical` are those nearest to the centre.
    """

    words: tuple[str, ...]
    documents: int
    similarity: float
    cohesion: float | None
    splits: Mapping[str, int]
    typical: tuple[Listed, ...]


@dataclass(frozen=True)
class Judgement:
    """Whether something is good enough to train on, the figure behind it, and one plain sentence of advice."""

    enough: bool
    figure: float | None
    sentence: str


@dataclass(frozen=True)
class DatasetLeaks:
    """Ids of documents that one dataset shows in two splits: themselves (`same`), or only a near-duplicate (`near`).

    `problem` says why the dataset could not be looked at, or "".
    """

    dataset: str
    prompts: int
    same: tuple[str, ...]
    near: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class FailedFiles:
    """Files, or parts of them, that could not be read for one reason."""

    reason: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """The result of an inspection.

    `tokens` are of `token_unit`. `outliers` are by kind: "far from every topic", "very short", ... `groups` are
    near-duplicates; `copies` are not indexed, each with what it is like. `separation` is the topics' mean silhouette,
    −1 to 1. `split_notes` are plain sentences on what the splits lack. `encoder` made the vectors behind topics.
    """

    snapshot: int
    documents: int
    characters: int
    words: int
    tokens: int
    token_unit: str
    collections: Mapping[str, int]
    formats: Mapping[str, int]
    languages: Mapping[str, int]
    licences: Mapping[str, int]
    lengths: Lengths
    groups: tuple[DuplicateGroup, ...]
    copies: tuple[Listed, ...]
    personal_data: PersonalDataCounts
    encoder: str
    topics: tuple[Topic, ...]
    separation: float | None
    diverse: Judgement
    focused: Judgement
    outliers: Mapping[str, tuple[Listed, ...]]
    splits: Mapping[str, int]
    collection_splits: Mapping[str, Mapping[str, int]]
    split_notes: tuple[str, ...]
    datasets: tuple[DatasetLeaks, ...]
    failures: tuple[FailedFiles, ...]
    rows: tuple[DocumentFacts, ...]

    @property
    def leaks(self) -> tuple[DuplicateGroup, ...]:
        """The near-duplicates that stand in more than one split."""
        return tuple(group for group in self.groups if len(group.splits) > 1)
