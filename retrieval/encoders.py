"""Texts to unit vectors, behind one protocol. Knows no index and no store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Gives unit vectors. `name` says what made them (model, digest, pooling) and is stored with every segment."""

    @property
    def name(self) -> str:
        """The provenance of the vectors; two encoders with equal names give equal vectors."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text it reads, special ones not counted; None: all. What is beyond is not in the vector."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of `texts` is to this encoder, without special ones."""
        ...


class SentenceTransformerEncoder:
    """Any sentence-transformers model in a local folder, on the CPU or a GPU."""

    def __init__(self, folder: Path, name: str, batch_size: int = 64) -> None:
        """Load from `folder`; nothing is fetched. Takes a second or two: torch is imported here."""
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        self._name = name
        self._batch_size = batch_size

    @property
    def name(self) -> str:
        """Model name and weights digest."""
        return self._name

    @property
    def dimension(self) -> int:
        """The model's embedding size."""
        size = self._model.get_embedding_dimension()
        if size is None:
            raise ValueError(f"{self._name} does not say its dimension; choose a sentence-transformers model")
        return int(size)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Cosine-ready vectors; sentence-transformers sorts by length so that little is padded."""
        vectors = self._model.encode(
            list(texts), batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32)

    @property
    def max_tokens(self) -> int | None:
        """The model's own limit, 256 for the packaged one, without the tokens that it puts around a text."""
        limit = self._model.max_seq_length
        return None if limit is None else int(limit) - int(self._model.tokenizer.num_special_tokens_to_add())

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of the model's own tokenizer; a list at once is ten times as fast as text by text."""
        if not texts:
            return []
        encoded = self._model.tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            verbose=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return [len(ids) for ids in encoded["input_ids"]]


class HashingEncoder:
    """Words hashed into a fixed number of signed buckets: no model, no training, always the same. For tests and tiny machines."""

    def __init__(self, dimension: int = 256) -> None:
        """`dimension` buckets."""
        self._dimension = dimension

    @property
    def name(self) -> str:
        """ "hashing-D"."""
        return f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """The number of buckets."""
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of hashed word counts; an empty text is the first unit vector."""
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
        """None: every word counts."""
        return None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(re.findall(r"\w+", text)) for text in texts]
