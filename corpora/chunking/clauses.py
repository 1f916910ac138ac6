"""A sentence that is too long for an encoder, cut where a reader would breathe. Knows only text."""

from __future__ import annotations

import re
from collections.abc import Iterator

SEMICOLON, COLON, ENUMERATOR, COMMA, WORD, CHARACTER = 0.05, 0.1, 0.1, 0.3, 1.0, 2.0
"""What cutting after each costs, to be weighed against the squared room (0–1) that a window leaves."""

_BREAKS = (
    (SEMICOLON, re.compile(r";(?:\s+(?:and|or))?\s+|\s+[-–•*·]\s+(?=\w)|\s*\|\s*")),
    (COLON, re.compile(r":[\s—–-]*\s|\s*[—–]\s*")),
    (ENUMERATOR, re.compile(r"\s+(?=\((?:[a-z]{1,2}|[ivx]+|[A-Z]|\d{1,3})\)\s)")),
    (COMMA, re.compile(r",(?:\s+(?:and|or|but|nor))?\s+|\)\s+")),
)
_WORD_END = re.compile(r"\s+")
_CHARACTER = re.compile(r"\S[\u0300-\u036f\u200d\ufe0f]*")


def clause_spans(text: str) -> list[tuple[int, int, float]]:
    """Spans of the clauses of `text`, as `(start, end, cost of cutting after it)`.

    White space between them is left out. The last one costs 0.
    """
    costs: dict[int, tuple[int, float]] = {}
    for cost, pattern in _BREAKS:
        for match in pattern.finditer(text):
            costs.setdefault(match.end(), (match.start() + len(match[0].rstrip()), cost))
    return list(_spans(text, sorted((end, start, cost) for start, (end, cost) in costs.items())))


def word_spans(text: str) -> list[tuple[int, int, float]]:
    """Spans of the words of `text`, as `clause_spans` gives them, for a clause that is itself too long."""
    return list(_spans(text, [(match.start(), match.end(), WORD) for match in _WORD_END.finditer(text)]))


def character_spans(text: str) -> list[tuple[int, int, float]]:
    """Spans of the characters of `text`, as `clause_spans` gives them, for scripts without spaces.

    Combining marks stay with the character that they stand on.
    """
    return list(_spans(text, [(match.end(), match.end(), CHARACTER) for match in _CHARACTER.finditer(text)]))


def _spans(text: str, breaks: list[tuple[int, int, float]]) -> Iterator[tuple[int, int, float]]:
    """`breaks` are (where a piece ends, where the next begins, cost), ascending."""
    start = 0
    for end, following, cost in breaks:
        if text[start:end].strip() and text[following:].strip():
            yield start, end, cost
            start = following
    if text[start:].strip():
        yield start, len(text), 0.0
