"""Segments and rows of the vectors of a store's chunks, by encoder.

Reads only; a commit of the store changes them.

An encoder is a name here and a segment a file's name: knows no vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from corpora.store.database import Database

_MISSING = """
NOT EXISTS (SELECT 1 FROM vectors v JOIN segments s ON s.number = v.segment WHERE v.chunk = c.number AND s.encoder = ?)
"""


class VectorPlace(NamedTuple):
    """Where the vector of chunk number `chunk` lies: in `row` of the segment with that number and file name."""

    chunk: int
    segment: int
    name: str
    row: int


class VectorPlaces:
    """The segments and rows of a store's vectors, as of the transaction that the database is in."""

    def __init__(self, database: Database) -> None:
        """Of an open store."""
        self._db = database

    def places(self, encoder: str, ids: Sequence[str] | None = None) -> list[tuple[str, str, int]]:
        """`(chunk_id, segment, row)` of every chunk that `encoder` has encoded, or of those of `ids`.

        By chunk id: an index built from it is the same every time.
        """
        statement = (
            "SELECT c.id, s.name, v.row FROM chunks c JOIN vectors v ON v.chunk = c.number JOIN segments s ON s.number = v.segment "
            "WHERE s.encoder = ?"
        )
        if ids is None:
            return list(self._db.execute(f"{statement} ORDER BY c.id", (encoder,)))
        rows = []
        for first in range(0, len(ids), 500):
            part = list(ids[first : first + 500])
            marks = ",".join("?" * len(part))
            rows += self._db.execute(f"{statement} AND c.id IN ({marks})", (encoder, *part)).fetchall()
        return sorted(rows)

    def after(self, encoder: str, segment: int) -> list[VectorPlace]:
        """The vectors by `encoder` in segments with higher numbers than `segment`, by segment and row.

        That is what was added since that one.
        """
        rows = self._db.execute(
            "SELECT v.chunk, s.number, s.name, v.row FROM segments s JOIN vectors v ON v.segment = s.number "
            "WHERE s.encoder = ? AND s.number > ? ORDER BY s.number, v.row",
            (encoder, segment),
        )
        return [VectorPlace(*row) for row in rows]

    def of_segment(self, encoder: str, segment: int) -> list[VectorPlace]:
        """The vectors in one segment, by row."""
        rows = self._db.execute(
            "SELECT v.chunk, s.number, s.name, v.row FROM segments s JOIN vectors v ON v.segment = s.number "
            "WHERE s.encoder = ? AND s.number = ? ORDER BY v.row",
            (encoder, segment),
        )
        return [VectorPlace(*row) for row in rows]

    def segment_rows(self, encoder: str) -> list[tuple[int, int, int]]:
        """`(number, rows in the file, rows of chunks that are there)` of each segment by `encoder`, by number."""
        rows = self._db.execute(
            "SELECT number, count, (SELECT count(*) FROM vectors WHERE segment = number) FROM segments WHERE encoder = ? ORDER BY number",
            (encoder,),
        )
        return rows.fetchall()

    def missing(self, encoder: str, after: int, limit: int) -> dict[int, str]:
        """Number → id of the next chunks that `encoder` has not encoded, by number.

        They are the first `limit` with numbers above `after`.
        """
        rows = self._db.execute(
            f"SELECT c.number, c.id FROM chunks c WHERE c.number > ? AND {_MISSING} ORDER BY c.number LIMIT ?",  # noqa: S608 - constant
            (after, encoder, limit),
        )
        return dict(rows.fetchall())

    def count_missing(self, encoder: str) -> int:
        """How many chunks `encoder` has not encoded."""
        row = self._db.execute(f"SELECT count(*) FROM chunks c WHERE {_MISSING}", (encoder,))  # noqa: S608 - constant
        return int(row.fetchone()[0])

    def chunk_numbers(self, encoder: str) -> list[int]:
        """Numbers of the chunks that `encoder` has encoded, in no order."""
        statement = "SELECT v.chunk FROM segments s JOIN vectors v ON v.segment = s.number WHERE s.encoder = ?"
        return [row[0] for row in self._db.execute(statement, (encoder,))]

    def removed_after(self, snapshot: int) -> list[int]:
        """Numbers of the chunks that went in later commits than that of `snapshot`. A number is never used again."""
        return [row[0] for row in self._db.execute("SELECT number FROM removed_chunks WHERE snapshot > ?", (snapshot,))]

    def segment_names(self, encoder: str) -> dict[int, str]:
        """Number → file name of the segments by `encoder`. A number is never used again."""
        return dict(self._db.execute("SELECT number, name FROM segments WHERE encoder = ? ORDER BY number", (encoder,)))

    def has_segments(self, encoder: str, upto: int) -> bool:
        """Whether there is a segment by `encoder` with a number of at most `upto`."""
        row = self._db.execute("SELECT EXISTS (SELECT 1 FROM segments WHERE encoder = ? AND number <= ?)", (encoder, upto))
        return bool(row.fetchone()[0])
