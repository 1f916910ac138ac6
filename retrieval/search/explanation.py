"""Why a hit has its rank: its ranks and scores in both rankings, the words that matched, and the sums that decided."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from corpora.records import Chunk
from corpora.store.schema import lexical_row
from corpora.text.identifiers import BAR
from retrieval.records import Hit, SearchResult
from retrieval.search.fusion import Fusion, Ranking, while_filling
from retrieval.search.query_terms import match_expression
from retrieval.search.retriever import Mode

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""That of the corpus store's lexical index; a test holds the two together."""


@dataclass(frozen=True)
class RankingEntry:
    """A chunk's entry in one ranking: rank from 1, score (a cosine, BM25, or a reranker's), and its share of the fused
    score.
    """

    rank: int
    score: float
    share: float | None = None


@dataclass(frozen=True)
class Explanation:
    """How one hit was ranked. An entry is None where the ranking, as deep as it was read, does not hold the chunk.

    `fused` is the fused score with its rank before reranking and ordering; `alike` and `parts` are as in `Hit`.
    """

    rank: int
    chunk_id: str
    dense: RankingEntry | None
    lexical: RankingEntry | None
    matched: tuple[str, ...]
    fused: RankingEntry | None
    reranked: RankingEntry | None
    alike: tuple[str, ...]
    parts: tuple[str, ...]


def explain(query: str, result: SearchResult, fusion: Fusion, mode: Mode = "hybrid") -> list[Explanation]:
    """The explanation of each hit.

    `result` carries its rankings whole, as `open_collection(..., shown_ranks=...)` makes it.
    """
    dense = result.rankings.get("dense", ()) if mode != "lexical" else ()
    lexical = result.rankings.get("lexical", ()) if mode != "dense" else ()
    shares = fusion.shares(dense, lexical, result.filled)
    fused = fusion(dense, lexical, result.filled) if mode == "hybrid" else []
    tables = [
        _entries(dense, shares[0]),
        _entries(lexical, shares[1]),
        _entries(fused),
        _entries(result.rankings.get("reranked", ())),
    ]
    if mode != "hybrid":
        tables[:2] = [_entries(dense), _entries(lexical)]
    matched = matched_words(query, [hit.chunk for hit in result.hits]) if mode != "dense" else [()] * len(result.hits)
    return [_explained(hit, words, tables) for hit, words in zip(result.hits, matched, strict=True)]


def matched_words(query: str, chunks: Sequence[Chunk]) -> list[tuple[str, ...]]:
    """The words of each chunk, with title and section, that match the query, in order, each once, in lower case.

    Then its identifiers that the query names, as "section 337 a". Asked of SQLite with the index's own tokenizer, so
    that "leases" is found for "lease" exactly where search finds it.
    """
    expression = match_expression(query)
    matched: list[tuple[str, ...]] = [()] * len(chunks)
    if expression is None:
        return matched
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f'CREATE VIRTUAL TABLE t USING fts5(title, text, identifiers, tokenize = "{TOKENIZER}")')
        rows = [
            (row, *lexical_row(_unmarked(f"{c.title} {c.section}"), _unmarked(c.text))) for row, c in enumerate(chunks, start=1)
        ]
        database.executemany("INSERT INTO t (rowid, title, text, identifiers) VALUES (?, ?, ?, ?)", rows)
        columns = ", ".join(f"highlight(t, {column}, char(1), char(2))" for column in range(3))
        for row, *texts in database.execute(f"SELECT rowid, {columns} FROM t WHERE t MATCH ?", (expression,)):  # noqa: S608 - constant
            words = re.findall("\x01(.*?)\x02", " ".join(texts), re.S)
            matched[row - 1] = tuple(dict.fromkeys(word.rstrip(BAR).replace(BAR, " ").lower() for word in words))
    return matched


def as_lines(explanation: Explanation, fusion: Fusion, mode: Mode, filled: float = 1.0) -> list[str]:
    """The explanation for a person, a line a step; `filled` is that of the result."""
    coverage = "" if filled == 1 else f"; {filled:.0%} of the vectors are there"
    lines = [f"dense: {_entry_text(explanation.dense, 'cosine')}{coverage}"] if mode != "lexical" else []
    if mode != "dense":
        words = ", ".join(explanation.matched) or "none"
        lines.append(f"lexical: {_entry_text(explanation.lexical, 'BM25')}; words: {words}")
    if explanation.fused is not None:
        parts = [entry.share or 0.0 if entry else 0.0 for entry in (explanation.dense, explanation.lexical)]
        total = f"{parts[0]:.4f} + {parts[1]:.4f} = {explanation.fused.score:.4f}, rank {explanation.fused.rank}"
        lines.append(f"fused ({_method(fusion, filled)}): {total}")
    if explanation.reranked is not None:
        lines.append(f"reranked: {_entry_text(explanation.reranked, 'score')}")
    if explanation.parts:
        lines.append(f"joined from {len(explanation.parts)} neighbouring chunks: {', '.join(explanation.parts)}")
    if explanation.alike:
        lines.append(f"also said, and left out: {', '.join(explanation.alike)}")
    return lines


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation for a program."""
    return asdict(explanation)


def _explained(hit: Hit, words: tuple[str, ...], tables: Sequence[dict[str, RankingEntry]]) -> Explanation:
    # A joined passage stands where its best part stood.
    ids = hit.parts or (hit.chunk.id,)
    best = [min((table[i] for i in ids if i in table), key=lambda entry: entry.rank, default=None) for table in tables]
    return Explanation(hit.rank, hit.chunk.id, best[0], best[1], words, best[2], best[3], hit.alike, hit.parts)


def _entries(ranking: Ranking, shares: dict[str, float] | None = None) -> dict[str, RankingEntry]:
    return {
        item: RankingEntry(rank, score, shares[item] if shares is not None else None)
        for rank, (item, score) in enumerate(ranking, start=1)
    }


def _entry_text(entry: RankingEntry | None, score_name: str) -> str:
    return "not found" if entry is None else f"{score_name} {entry.score:.4f}, rank {entry.rank}"


def _method(fusion: Fusion, filled: float) -> str:
    if fusion.method == "convex":
        weight = round(while_filling(filled) * fusion.dense_weight, 4)
        return f"{weight:g} · dense + {1 - weight:g} · lexical, each scaled to 0–1"
    return f"1 / ({fusion.rank_constant} + rank)" + ("" if filled == 1 else f", dense × {while_filling(filled):.4g}")


def _unmarked(text: str) -> str:
    return text.replace("\x01", " ").replace("\x02", " ")
