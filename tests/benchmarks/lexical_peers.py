"""The peers of `lexical.py` over the same passages: SQLite FTS5 by words alone, tantivy, and bm25s, with an English stemmer each."""

from __future__ import annotations

import importlib.metadata
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpora.text.identifiers import identifier_terms
from retrieval.search.explanation import TOKENIZER
from retrieval.search.query_terms import query_terms


class Ranker(Protocol):
    """A lexical index of passages, which are known by their numbers from 0."""

    def search(self, query: str, k: int, group: int | None = None) -> list[int]:
        """The best passages first; of a group only, where the index was made with groups."""
        ...


class WordsOnly:
    """FTS5 as it was before identifiers were indexed."""

    def __init__(self, passages: Sequence[str]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute(f'CREATE VIRTUAL TABLE t USING fts5(title, text, tokenize = "{TOKENIZER}")')
        self._db.executemany("INSERT INTO t (rowid, title, text) VALUES (?, '', ?)", enumerate(passages))

    def search(self, query: str, k: int, group: int | None = None) -> list[int]:
        added = set(identifier_terms(query))
        match = " OR ".join(f'"{term}"' for term in query_terms(query) if term not in added)
        select = "SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t, 2.0, 1.0), rowid LIMIT ?"
        return [number for (number,) in self._db.execute(select, (match, k))] if match else []


class Tantivy:
    """tantivy with its English stemmer; quoted phrases as phrases. `folder` is None for an index in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        import tantivy as library

        self._library = library
        schema = library.SchemaBuilder()
        schema.add_text_field("text", tokenizer_name="en_stem")
        for name in ("number", "document", "group"):
            schema.add_integer_field(name, stored=name == "number", indexed=True, fast=True)
        self._schema = schema.build()
        self.index = library.Index(self._schema, path=str(folder) if folder else None)
        self._writer = self.index.writer(heap_size=256_000_000, num_threads=1)

    def add(self, number: int, text: str, document: int = 0, group: int = 0) -> None:
        self._writer.add_document(self._library.Document(text=[text], number=number, document=document, group=group))

    def remove(self, document: int) -> None:
        self._writer.delete_documents_by_term("document", document)

    def commit(self) -> None:
        self._writer.commit()
        self.index.reload()

    def search(self, query: str, k: int, group: int | None = None, numbers: Sequence[int] | None = None) -> list[int]:
        typed = re.sub(r'[^\w\s"]', " ", query)
        if typed.count('"') % 2:
            typed = typed.replace('"', " ")
        words = " ".join(word.lower() if word in ("AND", "OR", "NOT", "IN") else word for word in typed.split())
        if not words.replace('"', "").strip():
            return []
        asked = self.index.parse_query(words, ["text"])
        kind, must = self._library.Query, self._library.Occur.Must
        if group is not None:
            asked = kind.boolean_query([(must, asked), (must, kind.term_query(self._schema, "group", group))])
        if numbers is not None:
            asked = kind.boolean_query([(must, asked), (must, kind.term_set_query(self._schema, "number", list(numbers)))])
        searcher = self.index.searcher()
        return [int(searcher.doc(address)["number"][0]) for _, address in searcher.search(asked, k, count=False).hits]


class Bm25s:
    """bm25s with the Snowball stemmer. Has no updates: a change is a new index."""

    def __init__(self, passages: Sequence[str], groups: Sequence[int] = ()) -> None:
        import bm25s as library
        import Stemmer

        self._library, self._stemmer = library, Stemmer.Stemmer("english")
        self._groups, self._count = np.array(groups), len(passages)
        self.model = library.BM25()
        self.model.index(self._tokens(list(passages)), show_progress=False)

    def search(self, query: str, k: int, group: int | None = None) -> list[int]:
        mask = None if group is None else (self._groups == group).astype(np.float32)
        found, scores = self.model.retrieve(self._tokens([query]), k=min(k, self._count), show_progress=False, weight_mask=mask)
        return [int(number) for number, score in zip(found[0], scores[0], strict=True) if score > 0]

    def _tokens(self, texts: list[str]) -> Any:
        return self._library.tokenize(texts, stopwords="en", stemmer=self._stemmer, show_progress=False)


def versions() -> dict[str, str]:
    """Which releases were compared with."""
    found = {name: importlib.metadata.version(name) for name in ("tantivy", "bm25s", "PyStemmer")}
    return {"SQLite": sqlite3.sqlite_version, **found}
