"""The inspection of a collection before training on it, from what is in the store. Values in, values out.

Puts together the other modules of this room: topics, outliers, leaks, judgements. Every draw is seeded by the
document's id.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from corpora.personal_data.masking import MIN_CONFIDENCE, counts, find_personal_data
from corpora.progress import Count
from corpora.records import Document, content_id
from corpora.splits import SPLITS, split_at
from corpora.text.languages import UNKNOWN, language_of
from corpora.text.near_duplicates import THRESHOLD, clusters_of, normalised
from retrieval.encoders.encoder import Vectors
from retrieval.inspection.material import Material, Prompts, TokenEstimate
from retrieval.inspection.outliers import FAR, find_outliers
from retrieval.inspection.records import (
    DocumentFacts,
    FailedFiles,
    Inspection,
    Lengths,
    PersonalDataCounts,
    Topic,
    listed,
)
from retrieval.inspection.split_leakage import dataset_leaks, duplicate_groups
from retrieval.inspection.suitability import judge_diversity, judge_focus, split_notes
from retrieval.inspection.topics import Topics, find_topics, mean_cosine, name_topics

_BARS = 12
_SHOWN = 5
_NOT_STATED = "not stated"


@dataclass(frozen=True)
class InspectOptions:
    """The shares of the splits and the similarity of near-duplicates, in 0–1, as the workspace configures them.

    At most `personal_documents` documents, drawn by `seed`, are searched for personal data.
    """

    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    similarity: float = THRESHOLD
    personal_documents: int = 200
    seed: int = 0


def inspect_material(
    material: Material,
    options: InspectOptions,
    tokens: TokenEstimate,
    prompts: Sequence[Prompts] = (),
    progress: Count = lambda done, total: None,
) -> Inspection:
    """The inspection; equal for equal arguments.

    `progress` counts the documents that are searched for personal data.
    """
    documents = {document.id: document for document in material.documents}
    words = {id: len(normalised(document.text).split()) for id, document in documents.items()}
    languages = {id: _language(document) for id, document in documents.items()}
    splits = {id: split_at(d.position, options.validation_fraction, options.test_fraction) for id, d in documents.items()}
    clusters = clusters_of(material.documents, options.similarity)
    groups = duplicate_groups(documents, clusters, splits)
    topics = find_topics(material.vectors, options.seed) if material.vector_ids else None
    topic_of = dict(zip(material.vector_ids, topics.topic_of, strict=True)) if topics else {}
    for copy, (original, _) in material.copy_of.items():
        if original in topic_of:
            topic_of[copy] = topic_of[original]
    outliers = find_outliers(material, words, languages, topics)
    described = _topics(material, documents, splits, topic_of, topics)
    map_points = dict(zip(material.vector_ids, _map_points(material.vectors), strict=True))

    def facts(d: Document) -> DocumentFacts:
        details = (languages[d.id], words[d.id], splits[d.id], topic_of.get(d.id), map_points.get(d.id))
        return DocumentFacts(d.id, d.title, d.source, d.collection, d.media_type, *details)

    alike = mean_cosine(material.vectors)
    characters = sum(len(document.text) for document in material.documents)
    per_collection = Counter(document.collection for document in material.documents)
    return Inspection(
        snapshot=material.snapshot,
        documents=len(documents),
        characters=characters,
        words=sum(words.values()),
        tokens=sum(words.values()) if tokens.per_character is None else round(tokens.per_character * characters),
        token_unit=tokens.unit,
        collections=dict(sorted(per_collection.items())),
        formats=_ranked(document.media_type for document in material.documents),
        languages=_ranked(languages.values()),
        licences=_ranked(_licence(document) for document in material.documents),
        lengths=_lengths(documents, words),
        groups=groups,
        copies=tuple(
            listed(documents[id], f"{similarity:.0%} like {_name(documents.get(original), original)}")
            for id, (original, similarity) in sorted(material.copy_of.items())
        ),
        personal_data=_personal_data(material.documents, options, progress),
        encoder=material.encoder,
        topics=described,
        separation=topics.separation if topics else None,
        diverse=judge_diversity(len(documents), len(set(clusters.values())), alike),
        focused=judge_focus(len(material.vector_ids), alike, len(outliers[FAR])),
        outliers=outliers,
        splits={split: sum(document_split == split for document_split in splits.values()) for split in SPLITS},
        collection_splits={
            name: {split: sum(splits[d.id] == split for d in material.documents if d.collection == name) for split in SPLITS}
            for name in sorted(per_collection)
        },
        split_notes=split_notes(set(splits.values()), described),
        datasets=tuple(dataset_leaks(dataset, clusters) for dataset in prompts),
        failures=_failures(material.failures),
        rows=tuple(facts(document) for document in material.documents),
    )


def _ranked(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _name(document: Document | None, id: str) -> str:
    return (document.title or document.source) if document else id


def _language(document: Document) -> str:
    """The language that the text is in, else the one that the document states."""
    detected = language_of(document.text)
    stated = document.metadata.get("language", "")[:2].lower()
    return stated if detected == UNKNOWN and stated else detected


def _licence(document: Document) -> str:
    return document.metadata.get("licence") or document.metadata.get("license") or _NOT_STATED  # a table's column may say so


def _lengths(documents: Mapping[str, Document], words: Mapping[str, int]) -> Lengths:
    order = sorted(words, key=lambda id: (words[id], id))
    edges = _edges(words[order[0]], words[order[-1]])
    bars = [(low, high, sum(low <= count < high for count in words.values())) for low, high in pairwise(edges)]
    middle = round(statistics.median(words.values()))
    short, long = (tuple(listed(documents[id], f"{words[id]} words") for id in ids[:_SHOWN]) for ids in (order, order[::-1]))
    return Lengths(words[order[0]], middle, words[order[-1]], tuple(bars), short, long)


def _edges(shortest: int, longest: int) -> list[int]:
    """Round edges of a histogram, the last above `longest`: equal steps, or 1, 2, 5, 10, ... where it spans two powers
    of ten.
    """
    rounded = [digit * 10**power for power in range(len(str(longest)) + 1) for digit in (1, 2, 5)]
    if longest <= 100 * max(1, shortest):
        step = next(step for step in rounded if step * _BARS > longest - shortest)
        return list(range(shortest // step * step, longest // step * step + step + 1, step))
    first = max((edge for edge in rounded if edge <= shortest), default=0)
    last = next(edge for edge in rounded if edge > longest)
    return [edge for edge in (0, *rounded) if first <= edge <= last]


def _personal_data(documents: Sequence[Document], options: InspectOptions, progress: Count) -> PersonalDataCounts:
    drawn = sorted(documents, key=lambda document: content_id(str(options.seed), "personal data", document.id))
    drawn = drawn[: options.personal_documents]
    total: Counter[str] = Counter()
    concerned = 0
    for done, document in enumerate(drawn, start=1):
        findings = counts(f for f in find_personal_data(document.text) if f.confidence >= MIN_CONFIDENCE)
        total.update(findings)
        concerned += bool(findings)
        progress(done, len(drawn))
    return PersonalDataCounts(len(drawn), concerned, _ranked(total.elements()))


def _topics(
    material: Material,
    documents: Mapping[str, Document],
    splits: Mapping[str, str],
    topic_of: Mapping[str, int],
    topics: Topics | None,
) -> tuple[Topic, ...]:
    if topics is None:
        return ()
    count = len(topics.centres)
    names = name_topics([documents[id].text for id in material.vector_ids], topics.topic_of, count)
    described = []
    for number in range(count):
        rows = [row for row, topic in enumerate(topics.topic_of) if topic == number]
        near = sorted(rows, key=lambda row: (-topics.similarity[row], material.vector_ids[row]))
        members = [id for id, topic in topic_of.items() if topic == number]
        described.append(
            Topic(
                names[number],
                len(members),
                round(statistics.fmean(topics.similarity[row] for row in rows), 4) if rows else 0.0,
                mean_cosine(material.vectors[rows]),
                {split: sum(splits[id] == split for id in members) for split in SPLITS},
                tuple(
                    listed(documents[id], f"{topics.similarity[row]:.2f} like its topic")
                    for row, id in ((row, material.vector_ids[row]) for row in near[:3])
                ),
            )
        )
    return tuple(described)


def _map_points(vectors: Vectors) -> list[tuple[float, float]]:
    """Two principal components of each row: a map on which near means alike, as far as two dimensions can say."""
    if not len(vectors):
        return []
    centred = np.asarray(vectors - vectors.mean(axis=0), dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    points = np.pad(centred @ axes, ((0, 0), (0, max(0, 2 - axes.shape[1]))))
    return [(round(float(x), 4), round(float(y), 4)) for x, y in points]


def _failures(failures: Sequence[tuple[str, str, str]]) -> tuple[FailedFiles, ...]:
    paths: dict[str, list[str]] = defaultdict(list)
    for path, _, reason in failures:
        paths[reason].append(path)
    ranked = sorted(paths.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(FailedFiles(reason, tuple(sorted(failed_paths))) for reason, failed_paths in ranked)
