"""Rows of JSONL, JSON or CSV: which column is the question, the answer, the evidence, the document and the id.

A mapping says so, or usual names are recognised. A column of passages (its name says "context" or "passage") gives
documents of the set, and the evidence is the sentence of a passage that holds the answer or is nearest to it. Any other
column of evidence is taken whole. Without such a column an answer of six words or more stands for its own evidence:
somewhere it must be written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.errors import QuestionsError
from corpora.questions.content import ACCEPTED, Table
from corpora.questions.evidence import paragraphs, span_in, supporting, tidy
from corpora.questions.gathering import Gathering
from corpora.records import Block, Evidence, Question, QuestionSet, content_id

FIELDS = ("question", "answer", "evidence", "document", "id")
_NAMES = {
    "question": "question query prompt instruction userinput input questiontext q",
    "answer": (
        "answer answers response output completion groundtruth groundtruths referenceanswer expectedanswer expectedoutput "
        "goldanswer goldenanswer reference answertext a"
    ),
    "evidence": (
        "evidence quote quotes excerpt snippet supportingtext supportingpassage oraclecontext goldcontext groundtruthcontext "
        "referencecontexts context contexts passage passages retrievedcontexts"
    ),
    "document": "document documentid documentname documenttitle doc docid docname title file filename source url",
    "id": "id questionid qid uid uuid key",
}
_PASSAGES = ("context", "passage")
_SPEAKING = 6  # words: a shorter answer stands in many places by chance


def read(table: Table, mapping: Mapping[str, str], path: Path) -> QuestionSet:
    """The set of a table; a row without a question or an answer, or without evidence, is dropped with that reason.

    Raises QuestionsError for a field or a column that is not there.
    """
    columns = list(dict.fromkeys(key for _, row in table.rows for key in row))
    if not columns:
        raise QuestionsError(f"{path} holds no row. {ACCEPTED}")
    chosen = _columns(columns, mapping, path)
    gathering = Gathering(table.format, table.broken)
    for name, row in table.rows:
        values = {field: _texts(row.get(column)) for field, column in chosen.items()}
        label = next(iter(values.get("id", ())), name)
        question = _question(values, chosen.get("evidence", ""), gathering)
        if isinstance(question, str):
            gathering.drop(label, question)
        else:
            gathering.add(question)
    return gathering.as_set()


def _columns(columns: Sequence[str], mapping: Mapping[str, str], path: Path) -> dict[str, str]:
    """Field → column. Raises QuestionsError."""
    for field, column in mapping.items():
        if field not in FIELDS:
            near = difflib.get_close_matches(field, FIELDS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise QuestionsError(f"{field!r} is not a field; accepted: {', '.join(FIELDS)}{hint}")
        if column not in columns:
            raise QuestionsError(f"{path} has no column {column!r} for {field}; its columns are {', '.join(columns)}")
    plain = {re.sub(r"[^a-z0-9]", "", column.lower()): column for column in reversed(columns)}
    used = set(mapping.values())
    chosen = dict(mapping)
    for field in FIELDS:
        usual = [plain[name] for name in _NAMES[field].split() if name in plain and plain[name] not in used]
        if field not in chosen and usual:
            chosen[field] = usual[0]
            used.add(usual[0])
    for field in ("question", "answer"):
        if field not in chosen:
            raise QuestionsError(
                f"{path} has no column that is known to hold the {field}; its columns are {', '.join(columns)}; name it with "
                f"--map {field}=COLUMN"
            )
    return chosen


def _question(values: Mapping[str, Sequence[str]], column: str, gathering: Gathering) -> Question | str:
    question = tidy(" ".join(values["question"][:1]))
    answers = tuple(dict.fromkeys(map(tidy, values["answer"])))
    texts, documents = values.get("evidence", ()), [tidy(text) for text in values.get("document", ())]
    if not question:
        return "the question is empty"
    if len(values["question"]) > 1:
        return "it holds more than one question"
    if not answers:
        return "it has no answer"
    identity = tidy(" ".join(values.get("id", ())[:1])) or content_id("question", question, *answers, *texts)
    if not texts:
        if len(answers[0].split()) < _SPEAKING:
            return "it has no evidence, and its answer is too short to be looked for in the documents"
        document = documents[0] if documents else ""
        return Question(identity, question, answers, (Evidence(document, answers[0]),), document)
    if not any(word in column.lower() for word in _PASSAGES):
        names = _names(texts, documents, "")
        ordered = sorted(answers, key=lambda answer: span_in(answer, tidy(texts[0])) is None)
        extractive = span_in(ordered[0], tidy(texts[0])) is not None
        quoted = tuple(Evidence(name, tidy(text)) for name, text in zip(names, texts, strict=True))
        return Question(identity, question, tuple(ordered), quoted, names[0], extractive)
    passages: list[tuple[str, Block]] = []
    for name, text in zip(_names(texts, documents, "passage"), texts, strict=True):
        passages += [(name, block) for block in gathering.carry(name, paragraphs(text))]
    support = supporting([block for _, block in passages], answers, question)
    if support is None:
        return "no sentence of its passages shares a word with its answer"
    evidence, answers, extractive = support
    document = next(name for name, block in passages if evidence in block.text)
    return Question(identity, question, answers, (Evidence(document, evidence),), document, extractive)


def _names(texts: Sequence[str], documents: Sequence[str], kind: str) -> list[str]:
    """The document of each text: one for all, one for each, or, with a `kind`, a name by content."""
    if len(documents) == 1:
        return [documents[0]] * len(texts)
    if len(documents) == len(texts):
        return list(documents)
    return [f"{kind} {content_id(text)[:8]}" if kind else "" for text in texts]


def _texts(value: Any) -> list[str]:
    """The texts of a cell: itself, or those of a list or of an object's `text`; empty ones are left out."""
    if isinstance(value, Mapping):
        value = value.get("text", value.get("content", value.get("page_content")))
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, str | int | float):
        return [str(value)] if str(value).strip() not in ("", "nan") else []
    return []
