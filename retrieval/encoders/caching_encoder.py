"""An encoder that encodes no text twice while it lives. Knows no index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.provenance import Role


class CachingEncoder:
    """An encoder that gives the vector of a text it has seen without encoding it again: for queries asked many times."""

    def __init__(self, encoder: Encoder) -> None:
        """Keeps every vector that it gives."""
        self._encoder = encoder
        self._vectors: dict[tuple[Role, str], Vectors] = {}

    @property
    def name(self) -> str:
        """That of the encoder behind."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """That of the encoder behind."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """The vectors of the encoder behind."""
        missing = list(dict.fromkeys(text for text in texts if (role, text) not in self._vectors))
        if missing:
            encoded = self._encoder.encode(missing, role)
            self._vectors.update({(role, text): vector for text, vector in zip(missing, encoded, strict=True)})
        vectors = [self._vectors[role, text] for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)

    @property
    def max_tokens(self) -> int | None:
        """That of the encoder behind."""
        return self._encoder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """That of the encoder behind."""
        return self._encoder.count_tokens(texts)
