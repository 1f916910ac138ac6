"""An encoder that encodes no text twice while it lives. Knows no index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.provenance import Role


class CachingEncoder:
    """An encoder that keeps every vector in memory, so that a text is encoded once: for queries asked many times."""

    def __init__(self, encoder: Encoder) -> None:
        """`encoder` makes the vectors."""
        self._encoder = encoder
        self._vectors: dict[tuple[Role, str], Vectors] = {}

    @property
    def name(self) -> str:
        """The name of the encoder behind."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`, from memory where the text was encoded before."""
        missing = list(dict.fromkeys(text for text in texts if (role, text) not in self._vectors))
        if missing:
            encoded = self._encoder.encode(missing, role)
            self._vectors.update({(role, text): vector for text, vector in zip(missing, encoded, strict=True)})
        vectors = [self._vectors[role, text] for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the encoder reads; None: all."""
        return self._encoder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of `texts` has, without special ones."""
        return self._encoder.count_tokens(texts)
