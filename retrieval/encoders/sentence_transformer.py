"""A model of sentence-transformers as an encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.encoder import Vectors
from retrieval.encoders.provenance import Provenance, Role, modules_digest, prompts_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformerEncoder:
    """Any sentence-transformers model that is loaded, on the CPU or a GPU, through the library's own `encode`."""

    def __init__(self, model: SentenceTransformer, provenance: Provenance, batch_size: int = 64) -> None:
        """`model` as `load_sentence_transformer` gives it; `provenance` as `provenance_of`."""
        self._model, self._batch_size = model, batch_size
        self.provenance = provenance

    @property
    def name(self) -> str:
        """The provenance of the vectors: model name, weights digest, and settings other than the defaults."""
        return self.provenance.name

    @property
    def dimension(self) -> int:
        """The model's embedding size."""
        size = self._model.get_embedding_dimension()
        if size is None:
            raise ValueError(f"{self.name} does not say its dimension; choose a sentence-transformers model")
        return int(size)

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`.

        Equal texts are encoded once; the library sorts by length to pad little.
        """
        unique = list(dict.fromkeys(texts))
        if not unique:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        vectors = encode(  # the prompt is given: the library overlooks one that is called "passage"
            unique,
            prompt=getattr(self.provenance.prompts, role),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        rows = {text: row for row, text in enumerate(unique)}
        return np.asarray(vectors, dtype=np.float32)[[rows[text] for text in texts]]

    @property
    def max_tokens(self) -> int | None:
        """The model's own limit, 256 for the packaged one, without the tokens that it puts around a text."""
        limit = self._model.max_seq_length
        return None if limit is None else int(limit) - int(self._model.tokenizer.num_special_tokens_to_add())

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of the model's own tokenizer each text has; a list at once is ten times as fast as text by
        text.
        """
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


def load_sentence_transformer(folder: Path) -> SentenceTransformer:
    """The model in `folder`; nothing is fetched and no code of the model's is run.

    Takes a second or two: torch is imported here.
    """
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)


def provenance_of(model: SentenceTransformer, folder: Path, name: str, weights: str, backend: str = "torch") -> Provenance:
    """The provenance of the vectors of `model`, loaded from `folder` under `name`; `weights` is the digest of its
    weights.
    """
    from sentence_transformers.sentence_transformer.modules import Pooling

    types = [type(module).__name__ for module in model]
    pooling = next((module for module in model if isinstance(module, Pooling)), None)
    modes = [] if pooling is None else [pooling.pooling_mode] if isinstance(pooling.pooling_mode, str) else pooling.pooling_mode
    spelled = "-".join(modes) or "no-pooling"
    if pooling is not None and not pooling.include_prompt:
        spelled += "-without-prompt"
    standard = types[:1] == ["Transformer"] and set(types[1:]) <= {"Pooling", "Normalize"}
    further = [] if standard else [path for path in _module_folders(folder) if path]
    limit = model.max_seq_length
    # A tokenizer without a limit says so with a number of thirty digits.
    max_tokens = int(limit) if limit is not None and limit < 10**9 else None
    return Provenance(name, weights, spelled, max_tokens, prompts_of(folder), modules_digest(folder, further), backend)


def _module_folders(folder: Path) -> list[str]:
    try:
        return [module["path"] for module in json.loads((folder / "modules.json").read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return []
