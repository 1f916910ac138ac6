"""Question–answer sets: the format is told by content, one module a format. Knows nothing of the store.

Accepted: SQuAD v1 and v2 and sets of that form, PubMedQA, BioASQ, MedQuAD (XML, a folder of it, or rows), the output of
gorilla's RAFT generator, and JSONL, JSON and CSV rows with a mapping of their columns; each also compressed with gzip.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpora.errors import QuestionsError
from corpora.questions import bioasq, gorilla, medquad, pubmedqa, rows, squad
from corpora.questions.content import ACCEPTED, Table, read_table, read_text, whole_json
from corpora.questions.evidence import sentence_around
from corpora.records import QuestionSet

__all__ = ["read_questions", "sentence_around"]


def read_questions(path: Path, mapping: Mapping[str, str] | None = None) -> QuestionSet:
    """The questions of a file or folder, in its order, with what was dropped and the documents that it brings along.

    `mapping` names the columns of rows, field to column: "question", "answer", "evidence", "document", "id"; with it a
    file of rows is read as rows, whatever it looks like. Raises QuestionsError when the file has no known format or no
    questions.
    """
    question_set = _read(path, mapping or {})
    if not question_set.questions and not question_set.dropped:
        raise QuestionsError(f"{path} was read as {question_set.format} and holds no question; check that it is complete")
    return question_set


def _read(path: Path, mapping: Mapping[str, str]) -> QuestionSet:
    if path.is_dir():
        return _unmapped(medquad.read_folder(path), mapping, path)
    text = read_text(path)
    if text.startswith("<"):
        return _unmapped(medquad.read_xml(text, path), mapping, path)
    value = whole_json(text)
    if isinstance(value, dict):
        value = _inner_rows(value)
    if isinstance(value, dict):
        question_set = _of_object(value)
        if question_set is not None:
            return _unmapped(question_set, mapping, path)
    table = read_table(text, value, path)
    return rows.read(table, mapping, path) if mapping else _of_table(table, path)


def _inner_rows(value: dict[str, Any]) -> dict[str, Any] | list[Any]:
    """The list under `data` where it holds rows and not the articles of SQuAD; else the object itself."""
    data = value.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return data if isinstance(data, list) and isinstance(first, dict) and "paragraphs" not in first else value


def _of_object(value: Mapping[str, Any]) -> QuestionSet | None:
    """The set in a JSON object that is one as a whole; None for anything else, a single row included."""
    if isinstance(value.get("data"), list):
        return squad.read(value["data"])
    if isinstance(value.get("questions"), list):
        return bioasq.read(value["questions"])
    if pubmedqa.fits(next(iter(value.values()), None)):
        return pubmedqa.read(value.items())
    return None


def _of_table(table: Table, path: Path) -> QuestionSet:
    """Rows by the fields of the first one."""
    first = next((row for _, row in table.rows), {})
    if gorilla.fits(first):
        return gorilla.read(table)
    if squad.fits(first):
        return squad.read([row for _, row in table.rows], table.broken)
    if pubmedqa.fits(first):
        return pubmedqa.read(((str(row.get("pubid", row.get("id", name))), row) for name, row in table.rows), table.broken)
    if bioasq.fits(first):
        return bioasq.read([row for _, row in table.rows], table.broken)
    if medquad.fits(first):
        return medquad.read_rows(table)
    return rows.read(table, {}, path)


def _unmapped(question_set: QuestionSet, mapping: Mapping[str, str], path: Path) -> QuestionSet:
    if mapping:
        raise QuestionsError(
            f"{path} is in the format {question_set.format}, whose fields are known; leave out the mapping. {ACCEPTED}"
        )
    return question_set
