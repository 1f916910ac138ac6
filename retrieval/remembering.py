"""An encoder that encodes no text twice while it lives. Knows no index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.encoders import Encoder, Vectors


class RememberingEncoder:
    """An encoder that gives the vector of a text it has seen without encoding it again: for queries asked many times."""

    def __init__(self, encoder: Encoder) -> None:
        """Keeps every vector that it gives."""
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    @property
    def name(self) -> str:
        """That of the encoder behind."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """That of the encoder behind."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of the encoder behind."""
        missing = list(dict.fromkeys(text for text in texts if text not in self._known))
        if missing:
            self._known.update(zip(missing, self._encoder.encode(missing), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, self.dimension), dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        """That of the encoder behind."""
        return self._encoder.count_tokens(text)
