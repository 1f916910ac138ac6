"""Vectors kept on disk by the text they are of, so that systems that encode the same text pay for it once."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.encoders.encoder import Encoder, Vectors


class StoringEncoder:
    """An encoder whose vectors are kept in the SQLite file at `path`."""

    def __init__(self, encoder: Encoder, path: Path) -> None:
        self._encoder = encoder
        self.encoded = 0
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT, text BLOB, vector BLOB, PRIMARY KEY (encoder, text))"
        )

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def max_tokens(self) -> int | None:
        return self._encoder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.count_tokens(texts)

    def encode(self, texts: Sequence[str], role: str = "passage") -> Vectors:
        """The vectors of the encoder behind, encoded 512 at a time; what was encoded is kept even when this is stopped."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        known = {key: vector for key in set(keys) if (vector := self._known(key)) is not None}
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        for first in range(0, len(missing), 512):
            part = missing[first : first + 512]
            vectors = self._encoder.encode([text for _, text in part])
            self.encoded += len(part)
            rows = [(self.name, key, vector.tobytes()) for (key, _), vector in zip(part, vectors, strict=True)]
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
            known.update({key: vector for (key, _), vector in zip(part, vectors, strict=True)})
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, self.dimension), dtype=np.float32)

    def _known(self, key: bytes) -> Vectors | None:
        row = self._db.execute("SELECT vector FROM vectors WHERE encoder = ? AND text = ?", (self.name, key)).fetchone()
        return np.frombuffer(row[0], dtype=np.float32) if row else None
