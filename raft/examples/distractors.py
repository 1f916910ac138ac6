"""Distractor documents: hard negatives from the index that will serve, screened so that none of them answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from corpora.records import Chunk, Question

_WORD = re.compile(r"\w+")


def answers_question(chunk: Chunk, question: Question, oracles: Collection[str]) -> bool:
    """True when `chunk` may hold an answer: it is an oracle, overlaps the evidence text, or has an answer in its words.

    Answers of one short word ("yes", "14") occur by chance everywhere, so there the evidence alone decides.
    """
    if chunk.id in oracles:
        return True
    text = f" {_normal(chunk.text)} "
    if any(_normal(evidence.text) in text or text.strip() in _normal(evidence.text) for evidence in question.evidence):
        return True
    answers = [_normal(answer) for answer in question.answers]
    return any(" " in answer and f" {answer} " in text for answer in answers)


def screened(ranked: Sequence[Chunk], question: Question, oracles: Collection[str]) -> list[Chunk]:
    """The chunks of `ranked` that may serve as distractors, best first."""
    return [chunk for chunk in ranked if not answers_question(chunk, question, oracles)]


@lru_cache(maxsize=65_536)
def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
