"""Whether a collection is good to train on: diverse enough, focused enough, and in every split, each with its figure.

The limits are rules of thumb, and cosines depend on the encoder. With all-MiniLM-L6-v2 two documents of one field are
.20 to .55 alike, of two fields .15, tweets .12, texts of ten sources .08, and contracts of one template .93.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from corpora.splits import SPLITS
from retrieval.inspection.records import Judgement, Topic
from retrieval.inspection.topics import LEAST_DOCUMENTS

MOST_REPEATED = 0.3  # share of documents that repeat another
MOST_ALIKE = 0.75  # mean cosine of two documents
LEAST_ALIKE = 0.13


def judge_diversity(documents: int, distinct: int, alike: float | None) -> Judgement:
    """Whether the documents are diverse enough to train on.

    `distinct` counts `documents` without their repetitions; `alike`, the mean cosine of two of them, is the figure.
    """
    repeated = 1 - distinct / documents
    if documents < LEAST_DOCUMENTS or alike is None:
        sentence = f"Too few to judge: a model tuned on {documents} documents learns these, not the subject; add more."
        return Judgement(False, alike, sentence)
    if repeated > MOST_REPEATED:
        sentence = f"Not diverse enough: {repeated:.0%} of the documents repeat another; add documents that say other things."
        return Judgement(False, alike, sentence)
    if alike > MOST_ALIKE:
        sentence = (
            f"Not diverse enough: two documents are on average {alike:.2f} alike (1 is the same); "
            "a tuned model would learn one form of words: add documents of other kinds."
        )
        return Judgement(False, alike, sentence)
    sentence = f"Diverse enough: two documents are on average {alike:.2f} alike (1 is the same), {repeated:.0%} repeat another."
    return Judgement(True, alike, sentence)


def judge_focus(documents: int, alike: float | None, far: int) -> Judgement:
    """Whether the documents are focused enough to train on.

    Of `documents` with a vector, `far` are far from every topic; `alike`, the mean cosine of two of them, is the
    figure.
    """
    if documents < LEAST_DOCUMENTS or alike is None:
        return Judgement(False, alike, f"Too few to judge: {documents} documents with text show no topics; add more.")
    strays = f"{far / documents:.0%} of them are far from every topic"
    if alike < LEAST_ALIKE:
        sentence = (
            f"Not focused enough: two documents are on average only {alike:.2f} alike, {strays}; a small model learns one field "
            "better than several: `raftsmith remove` the outliers, or give each field a workspace of its own."
        )
        return Judgement(False, alike, sentence)
    return Judgement(True, alike, f"Focused enough: two documents are on average {alike:.2f} alike, {strays}.")


def split_notes(present_splits: Collection[str], topics: Sequence[Topic]) -> tuple[str, ...]:
    """What the splits lack, a sentence each; `present_splits` are those that have documents."""
    notes = [f"No document is in the {split} split; add more documents." for split in SPLITS if split not in present_splits]
    for number, topic in enumerate(topics, start=1):
        missing = [split for split in ("train", "test") if split in present_splits and not topic.splits[split]]
        consequence = {"train": "it is asked about and never learnt", "test": "how well it was learnt is not measured"}
        notes += [f"Topic {number} has no document in the {split} split: {consequence[split]}." for split in missing]
    return tuple(notes)
