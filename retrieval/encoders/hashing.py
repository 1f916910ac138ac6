"""An encoder without a model, for tests and crash trials: words hashed into vectors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from retrieval.encoders.encoder import Vectors
from retrieval.encoders.provenance import Role


class HashingEncoder:
    """Words hashed into a fixed number of signed buckets: no model, no training, always the same.

    For tests and tiny machines.
    """

    def __init__(self, dimension: int = 256) -> None:
        """`dimension` is the number of buckets."""
        self._dimension = dimension

    @property
    def name(self) -> str:
        """The name "hashing-D" with the dimension D."""
        return f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """The number of buckets."""
        return self._dimension

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors of hashed word counts; an empty text is the first unit vector. Queries are as passages."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                digest = hashlib.sha256(word.encode()).digest()
                bucket = int.from_bytes(digest[:4], "big") % self._dimension
                vectors[row, bucket] += 1.0 if digest[4] & 1 else -1.0
            norm = float(np.linalg.norm(vectors[row]))
            if norm:
                vectors[row] /= norm
            else:
                vectors[row, 0] = 1.0
        return vectors

    @property
    def max_tokens(self) -> int | None:
        """None, as every word counts."""
        return None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many words each text has."""
        return [len(re.findall(r"\w+", text)) for text in texts]
