"""Sentence boundaries with exact offsets, for the prose of law and medicine. Knows no documents, only text."""

from __future__ import annotations

import re

# A full stop after one of these (lower case, without the stop) never ends a sentence ...
_ABBREVIATIONS = frozenset(
    (
        "v vs cf ed eds e.g i.e viz fed civ crim evid proc dr mr mrs ms prof messrs hon st bros approx ca supp f f.2d f.3d dept al"
    ).split()
)
# ... and after one of these not before a number: "No. 7" and "42 U.S.C. 1983", but "The answer is no. The ...".
_BEFORE_NUMBER = frozenset("no nos art arts sec secs s ss cl reg regs para paras p pp ch r fig figs vol app stat".split())
_BOUNDARY = re.compile(r"[.!?…][\"'”’)\]]*(?=\s+[\"'“‘(\[]*[A-Z0-9§À-Þ])|[.!?…][\"'”’)\]]*$|\n{2,}")
_VISIBLE = re.compile(r"\S")
_LIST_LABEL = re.compile(r"\s*\(?(?:\d{1,3}|[A-Za-z]|[ivxlIVXL]{1,5})(?:\.\d{1,3})*[.)]+")
_LAST_WORD = re.compile(r"([\w.]+)\.$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, in order, without surrounding white space; together they hold every visible character."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        if match[0][0] == "." and _is_abbreviation(text[start : match.start() + 1], _VISIBLE.search(text, match.end())):
            continue
        if not spans and match.end() < len(text) and _LIST_LABEL.fullmatch(text, start, match.end()):
            continue  # "1. The tenant ..."
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _is_abbreviation(before: str, following: re.Match[str] | None) -> bool:
    word = _LAST_WORD.search(before)
    if word is None or following is None:
        return False
    stem = word[1].lower()
    number_follows = following[0].isdigit() or following[0] == "§"
    if stem in _ABBREVIATIONS or (number_follows and stem in _BEFORE_NUMBER):
        return True
    initial = len(stem) == 1 and word[1].isupper()
    return initial or bool(number_follows and re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word[1]))


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = end - (len(piece) - len(piece.rstrip()))
    if left < right:
        spans.append((left, right))
