"""A retrieval set in BEIR's folder form: `corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`, each also with gzip.

Thakur et al., "BEIR: a heterogeneous benchmark for zero-shot evaluation of information retrieval models", 2021. A set
with its judgements beside the corpus (`qrels.tsv`) is accepted as well. Knows no store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import EvaluationError, QuestionsError
from corpora.questions.content import read_table, read_text
from corpora.questions.evidence import paragraphs
from corpora.records import Reading
from corpora.text.cleaning import clean, clean_line
from retrieval.evaluation.qrels import read_qrels

MEDIA_TYPE = "text/plain"


@dataclass(frozen=True)
class BeirSet:
    """A BEIR set: its corpus file, and the judged queries of one split.

    `queries`: id → text; `qrels`: query id → document id → grade.
    """

    name: str
    corpus: Path
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def read_beir(folder: Path, split: str = "test") -> BeirSet:
    """The set in `folder`, judged by `split`.

    Raises EvaluationError saying what is missing and which splits there are.
    """
    corpus = corpus_file(folder)
    queries = read_queries(_file(folder, "queries.jsonl"))
    qrels = read_qrels(_judgements(folder, split))
    unknown = sorted(set(qrels) - set(queries))
    if unknown:
        raise EvaluationError(f"{folder}: {len(unknown)} judged queries are not in queries.jsonl, e.g. {unknown[0]}")
    return BeirSet(folder.resolve().name, corpus, {query: queries[query] for query in qrels}, qrels)


def corpus_file(folder: Path) -> Path:
    """The path of the corpus file. Raises EvaluationError when `folder` is no BEIR folder."""
    return _file(folder, "corpus.jsonl")


def read_queries(path: Path) -> dict[str, str]:
    """The queries of a file, id → text, from JSON lines with `_id` (or `id`) and `text` (or `query`, `question`).

    Raises EvaluationError.
    """
    queries: dict[str, str] = {}
    for location, row in _rows(path):
        identity = _value(row, "_id", "id", "qid", "query_id")
        text = _value(row, "text", "query", "question")
        if not identity or not text:
            raise EvaluationError(f"{path}, {location} has the fields {', '.join(row)}; accepted: _id and text")
        queries[identity] = " ".join(text.split())
    return queries


def read_corpus(path: Path) -> Iterator[Reading]:
    """The documents of a corpus file, one for each row: `part` is its `_id`, the text is cleaned.

    Raises EvaluationError. Rows without any text are left out, as nothing can be found in them.
    """
    known_ids: set[str] = set()
    for location, row in _rows(path):
        identity, title = _value(row, "_id", "id", "docno", "doc_id"), clean_line(_value(row, "title"))
        text = _value(row, "text", "contents", "content", "body")
        if not identity or identity in known_ids:
            reason = (
                f"the _id {identity} a second time" if identity else f"the fields {', '.join(row)}; accepted: _id, title, text"
            )
            raise EvaluationError(f"{path}, {location} has {reason}")
        known_ids.add(identity)
        blocks, _ = clean(paragraphs(text or title))
        if blocks:
            yield Reading(title or None, blocks, identity, {}, MEDIA_TYPE)


def _judgements(folder: Path, split: str) -> Path:
    for name in (f"qrels/{split}.tsv", f"qrels/{split}.tsv.gz", "qrels.tsv", "qrels.tsv.gz"):
        if (folder / name).is_file():
            return folder / name
    splits = sorted(path.name.partition(".")[0] for path in (folder / "qrels").glob("*.tsv*")) if folder.is_dir() else []
    available = f"splits there: {', '.join(splits)}" if splits else "there is no folder qrels with .tsv files"
    raise EvaluationError(f"{folder} has no qrels/{split}.tsv; {available}; choose one with --split")


def _file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise EvaluationError(f"{folder} has no {name}; a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv")


def _rows(path: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
    try:
        table = read_table(read_text(path), None, path)
    except QuestionsError as error:
        raise EvaluationError(f"{str(error).partition('. Accepted')[0]}; accepted: JSON lines") from error
    if table.broken:
        raise EvaluationError(f"{path}, {table.broken[0][0]}: {table.broken[0][1]}; accepted: JSON objects, one a line")
    return table.rows


def _value(row: dict[str, Any], *names: str) -> str:
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int):
            return str(value).strip()
        if value is not None:
            return json.dumps(value, ensure_ascii=False)
    return ""
