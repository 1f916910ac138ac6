"""BM25 over the store's lexical index, at a price that grows slowly with it.

Knows the tables, and no words but those it is given.

What costs is scoring: 2 µs a row, and the common words of a question stand in a tenth of all chunks, where finding
these rows takes .1 µs each. So rows are chosen by a question's rarer words and scored by all of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from corpora.store.database import Database
from corpora.store.filters import Filter

SCORED_ROWS = 20_000
"""About so many rows are scored for a query; a store with no more chunks is scored whole."""
ENOUGH_ROWS = 500
"""Rarer words have to stand in so many rows, or common ones choose rows as well."""

_SCORES = "SELECT c.id, -bm25(lexical, 2.0, 1.0, 4.0) AS score FROM lexical JOIN chunks c ON c.number = lexical.rowid"
_BEST = "ORDER BY score DESC, c.id LIMIT ?"
# By its own index: the table has its texts between the facts.
_DOCUMENTS = "documents d INDEXED BY documents_facts"


def few_permitted(database: Database, document_filter: Filter, scored_rows: int = SCORED_ROWS) -> str | None:
    """Numbers of the chunks that `document_filter` lets through, as JSON, or None where they are many.

    Where they are few, all of them are scored.

    They are those of one snapshot: worth keeping for its next queries.
    """
    if document_filter.everything:
        return None
    condition, values = document_filter.sql()
    permitted = f"SELECT p.number FROM {_DOCUMENTS} JOIN chunks p ON p.document_id = d.id WHERE {condition} LIMIT ?"  # noqa: S608 - built of constants
    limit = min(2 * scored_rows, _chunks(database) // 20)
    numbers = [number for (number,) in database.execute(permitted, (*values, limit))]
    return json.dumps(numbers) if len(numbers) < limit else None


def best_chunks(
    database: Database,
    terms: Sequence[str],
    limit: int,
    document_filter: Filter,
    scored_rows: int = SCORED_ROWS,
    few: str | None = None,
) -> list[tuple[str, float]]:
    """The best chunks for a query by BM25: `(chunk_id, score)`, best first, ties by chunk id.

    They have any of `terms`, which are distinct words or phrases without quotes.

    Only chunks of the documents that `document_filter` lets through; word frequencies are those of the whole
    collection. The title counts double, an identifier four times. All rows are scored where `document_filter` lets few
    through, which `few_permitted` gave, and where those that the rarer terms chose are fewer than `limit`.
    """
    if isinstance(terms, str):
        raise TypeError("terms is one string; give a list of words and phrases")  # it would be searched letter by letter
    if not terms:
        return []
    quoted = [f'"{term}"' for term in terms]
    everything = " OR ".join(quoted)
    if few is not None:
        # Scored whole. The plus keeps SQLite from asking the index anew for every number.
        among = f"{_SCORES} WHERE lexical MATCH ? AND +lexical.rowid IN (SELECT value FROM json_each(?)) {_BEST}"  # noqa: S608 - built of constants
        return _found(database, among, (everything, few, limit))
    condition, values = document_filter.sql()
    joined = "" if document_filter.everything else f"JOIN {_DOCUMENTS} ON d.id = c.document_id"
    scored = f"{_SCORES} {joined} WHERE lexical MATCH ? AND {condition} {_BEST}"
    chosen, unchosen = _choosing(database, quoted, scored_rows) if _chunks(database) > scored_rows else (quoted, [])
    if unchosen:
        # FTS5 has no optional terms. A row of the chosen ones counts these twice here, so the rest is there twice as
        # well.
        rows, optional = " OR ".join(chosen), " OR ".join(unchosen)
        hits = _found(database, scored, (f"({rows}) AND ({rows} OR {optional} OR {optional})", *values, limit))
        if len(hits) == limit:
            return [(chunk_id, score / 2) for chunk_id, score in hits]
    return _found(database, scored, (everything, *values, limit))


def _choosing(database: Database, terms: Sequence[str], scored_rows: int) -> tuple[list[str], list[str]]:
    """The terms from the rarest on that stand in `scored_rows` rows together, one at least, and the rest."""
    count = "SELECT count(*) FROM lexical WHERE lexical MATCH ?"
    counts = {term: int(database.execute(count, (term,)).fetchone()[0]) for term in terms}
    order = sorted(filter(counts.get, terms), key=lambda term: (counts[term], term))
    rows = 0
    for index, term in enumerate(order):
        if rows >= ENOUGH_ROWS and rows + counts[term] > scored_rows:
            return order[:index], order[index:]
        rows += counts[term]
    return order or list(terms), []


def _chunks(database: Database) -> int:
    """The number of chunks, removed ones included, without counting them."""
    return int(database.execute("SELECT coalesce(max(number), 0) FROM chunks").fetchone()[0])


def _found(database: Database, statement: str, values: Sequence[str | int]) -> list[tuple[str, float]]:
    return [(chunk_id, float(score)) for chunk_id, score in database.execute(statement, values)]
