"""The text that is encoded for a passage, and the check that its vectors are finite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpora.errors import RaftsmithError
from corpora.records import Chunk
from retrieval.encoders.encoder import Encoder, Vectors


def embedding_text(chunk: Chunk) -> str:
    """The text that is encoded for a chunk: title and section before the text, since a window alone rarely names its
    subject.
    """
    return f"{chunk.title}. {chunk.section}\n{chunk.text}" if chunk.section else f"{chunk.title}\n{chunk.text}"


def finite_vectors(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The passage vectors of `texts`, float32 `(len(texts), dimension)`.

    Raises RaftsmithError for other shapes and values not finite.
    """
    if not texts:
        return np.zeros((0, encoder.dimension), dtype=np.float32)
    vectors = encoder.encode(texts)
    if vectors.shape != (len(texts), encoder.dimension) or not np.isfinite(vectors).all():
        raise RaftsmithError(
            f"{encoder.name} gave vectors of shape {vectors.shape} or with values that are not finite; nothing was added"
        )
    return vectors
