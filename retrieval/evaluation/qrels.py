"""Relevance judgements and runs in TREC's formats, read and written.

Pure but for the reading; knows no store and no search. Judgements: `query 0 document grade` (trec_eval), or three
columns under the header `query-id corpus-id score` (BEIR). Runs: `query Q0 document rank score tag`. White space
divides the columns, except in BEIR's files, where tabs do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from corpora.errors import EvaluationError, QuestionsError
from corpora.questions.content import read_text

Qrels = Mapping[str, Mapping[str, int]]
"""Query id → id of what was judged → grade; 0 and less is judged not relevant, 1 and more relevant."""
Ranking = Sequence[tuple[str, float]]
"""`(id, score)`, best first."""
Run = Mapping[str, Ranking]
"""Query id → its ranking."""

_FORMATS = "accepted: `query 0 document grade` (TREC), or tabs under the header query-id, corpus-id, score (BEIR)"


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The judgements of a file, plain or gzip: query id → document id → grade.

    Raises EvaluationError, naming the line, for anything else.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        tabs = [cell.strip() for cell in line.split("\t")]
        cells = tabs if len(tabs) == 3 else line.split()
        if number == 1 and cells[-1].lower() in ("score", "grade", "relevance", "rel", "label"):
            continue
        if len(cells) not in (3, 4):
            raise EvaluationError(f"{path}, line {number} has {len(cells)} columns ({line[:60]!r}); {_FORMATS}")
        query, document, grade = cells[0], cells[-2], cells[-1]
        try:
            value = int(float(grade))
        except (ValueError, OverflowError):
            raise EvaluationError(f"{path}, line {number}: {grade!r} is no grade; {_FORMATS}") from None
        qrels.setdefault(query, {})[document] = value
    if not qrels:
        raise EvaluationError(f"{path} holds no judgement; {_FORMATS}")
    return qrels


def read_run(path: Path) -> dict[str, list[tuple[str, float]]]:
    """The run of a file, each ranking by score descending as trec_eval reads it, ties by id descending.

    Raises EvaluationError.
    """
    run: dict[str, list[tuple[str, float]]] = {}
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split()
        if len(cells) != 6:
            raise EvaluationError(
                f"{path}, line {number} has {len(cells)} columns ({line[:60]!r}); accepted: query Q0 document rank score tag"
            )
        try:
            score = float(cells[4])
        except ValueError:
            raise EvaluationError(f"{path}, line {number}: {cells[4]!r} is no score; give a number") from None
        run.setdefault(cells[0], []).append((cells[2], score))
    return {query: sorted(sorted(ranking, reverse=True), key=lambda pair: -pair[1]) for query, ranking in run.items()}


def run_text(run: Run, tag: str) -> str:
    """A run as a TREC file; `tag` names the system. Raises EvaluationError for an id with white space.

    trec_eval reads scores as float32, orders by them and ignores ranks: a score that is not below the one before it is
    written as the next smaller float32, so that whoever reads the file sees the order that was searched.
    """
    lines = []
    for query, ranking in run.items():
        before = np.float32(np.inf)
        for rank, (item, score) in enumerate(ranking, start=1):
            written = min(np.float32(score), np.nextafter(before, np.float32(-np.inf)))
            lines.append(f"{_plain(query)} Q0 {_plain(item)} {rank} {written!s} {_plain(tag)}\n")
            before = written
    return "".join(lines)


def _plain(name: str) -> str:
    if not name or name.split() != [name]:
        raise EvaluationError(f"{name!r} cannot stand in a TREC file, where white space divides columns; give it another id")
    return name


def _lines(path: Path) -> Iterable[str]:
    try:
        text = read_text(path)
    except QuestionsError as error:
        raise EvaluationError(str(error).partition(". Accepted")[0]) from error
    return [line for line in text.split("\n") if line.strip()]
