"""Texts to unit vectors, behind one protocol. Knows no index and no store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.encoders.provenance import Role

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """A model that turns texts into unit vectors.

    `name` says what made them (model, digest, pooling, prompts) and is stored with every segment.
    """

    @property
    def name(self) -> str:
        """The provenance of the vectors; two encoders with equal names give equal vectors."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`, with the prompt that the model wants for `role`.

        A text's vector does not depend on the other texts (up to rounding, a cosine of at least 0.9999). What is longer
        than the model reads is cut.
        """
        ...

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text it reads, special ones not counted; None: all.

        What is beyond is not in the vector.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of `texts` is to this encoder, without special ones."""
        ...
