"""BERT-like sentence-transformers models on a CPU: the same vectors as the library's, in batches of so many tokens,
none of them padding.

Each core takes batches of its own instead of sharing every product with the others, so cores never wait for each other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from retrieval.encoders.cpu_workers import CpuWorkers
from retrieval.encoders.encoder import Vectors
from retrieval.encoders.packed_transformer import PackedTransformer, PoolingMode, half_pays, why_not_packed
from retrieval.encoders.provenance import Provenance, Role
from retrieval.encoders.sentence_transformer import SentenceTransformerEncoder, load_sentence_transformer, provenance_of
from retrieval.model_folders import ModelFolder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

BATCH_TOKENS = 2048
"""A batch's tokens: enough rows for full speed of the products, and few enough that activations stay in the cache."""
_PROBES = ("A tenancy deposit must be protected within 30 days.", "Sepsis?", "warfarin and vitamin K " * 60, "")
_SAME = 0.99999
_SAME_HALF = 0.9999
"""Of products in bfloat16."""
log = logging.getLogger("raftsmith.retrieval")


class PackedEncoder:
    """A BERT-like model with mean or CLS pooling, on every core of the CPU."""

    def __init__(self, model: SentenceTransformer, provenance: Provenance, batch_tokens: int = BATCH_TOKENS) -> None:
        """Check the packed vectors against the library's.

        Raises ValueError, saying why, for another kind of model or other vectors. The comparison on a few texts costs
        some tens of milliseconds; an architecture that only looks like BERT ends there.
        """
        reason = why_not(model, provenance)
        if reason:
            raise ValueError(reason)
        self.provenance, self._batch_tokens = provenance, batch_tokens
        self._backend_tokenizer = model.tokenizer.backend_tokenizer.to_str()
        self._cores = CpuWorkers()
        expected = model.encode(list(_PROBES), prompt="", normalize_embeddings=True, show_progress_bar=False)
        worst = 0.0
        for half in (True, False) if half_pays() else (False,):
            self._transformer = PackedTransformer(model[0].auto_model, cast(PoolingMode, provenance.pooling), half)
            worst = float((self._encode(list(_PROBES)) * expected).sum(axis=1).min())
            if worst >= (_SAME_HALF if half else _SAME):
                return
        raise ValueError(f"its packed vectors have a cosine of {worst:.6f} with the library's; at least {_SAME} is accepted")

    @property
    def name(self) -> str:
        """The provenance of the vectors: model name, weights digest, and settings other than the defaults.

        Equal for every backend.
        """
        return self.provenance.name

    @property
    def dimension(self) -> int:
        """The model's embedding size."""
        return self._transformer.dimension

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`. Equal texts are encoded once."""
        unique = list(dict.fromkeys(texts))
        if not unique:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._encode(self.provenance.prompts.apply(unique, role))
        if len(unique) == len(texts):
            return vectors
        rows = {text: row for row, text in enumerate(unique)}
        return vectors[[rows[text] for text in texts]]

    @property
    def max_tokens(self) -> int | None:
        """The model's own limit, without the tokens that it puts around a text."""
        limit = self.provenance.max_tokens
        return None if limit is None else limit - self.tokenizer.num_special_tokens_to_add(is_pair=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of the model's own tokenizer each text has, without special ones."""
        return [len(encoding.ids) for encoding in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    @cached_property
    def _cut(self) -> Tokenizer:
        """Never changed once made: a tokenizer that is set up anew while another thread uses it raises."""
        tokenizer = self._tokenizer()
        if self.provenance.max_tokens is not None:
            tokenizer.enable_truncation(self.provenance.max_tokens)
        return tokenizer

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, without padding or cutting."""
        return self._tokenizer()

    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._backend_tokenizer)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _encode(self, texts: Sequence[str]) -> Vectors:
        share = -(-len(texts) // (4 * self._cores.count))
        parts = [texts[start : start + share] for start in range(0, len(texts), share)]
        tokens = [ids for part in self._cores.map(self._token_ids, parts) for ids in part]
        order = sorted(range(len(texts)), key=lambda i: -len(tokens[i]))
        budget = self._batch_tokens
        if self._cores.count > 1:  # some batches a core, the long texts first: then all cores end together
            budget = max(256, min(budget, sum(map(len, tokens)) // (4 * self._cores.count)))
        filled = list(batches([len(tokens[i]) for i in order], budget))
        batch_vectors = self._cores.map(lambda rows: self._unit_vectors([tokens[order[row]] for row in rows]), filled)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        vectors[order] = np.concatenate(batch_vectors)
        return vectors

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._cut.encode_batch(list(texts))]

    def _unit_vectors(self, sequences: Sequence[Sequence[int]]) -> Vectors:
        from torch.nn import functional

        return cast(Vectors, functional.normalize(self._transformer.pooled(sequences), dim=1).numpy())


def open_encoder(model: ModelFolder) -> PackedEncoder | SentenceTransformerEncoder:
    """The encoder of a model folder: packed where it can be, which gives the same vectors faster; else
    sentence-transformers.
    """
    loaded = load_sentence_transformer(model.path)
    return encoder_of(loaded, provenance_of(loaded, model.path, Path(model.name).name, model.digest))


def encoder_of(model: SentenceTransformer, provenance: Provenance) -> PackedEncoder | SentenceTransformerEncoder:
    """The encoder of a loaded model, with its present weights."""
    try:
        return PackedEncoder(model, replace(provenance, backend="torch-packed"))
    except ValueError as reason:
        log.info("%s is encoded by sentence-transformers: %s", provenance.model, reason)
        return SentenceTransformerEncoder(model, provenance)


def why_not(model: SentenceTransformer, provenance: Provenance) -> str:
    """Why `model` cannot be a PackedEncoder, or "" when it may."""
    if provenance.modules or [type(module).__name__ for module in model][:1] != ["Transformer"]:
        return "it has modules other than a transformer, pooling and scaling"
    if provenance.pooling not in ("mean", "cls"):
        return f"its pooling is {provenance.pooling}; accepted: mean, cls"
    if not getattr(model.tokenizer, "is_fast", False):
        return "its tokenizer is not a fast one"
    return why_not_packed(model[0].auto_model)


def batches(lengths: Sequence[int], budget: int) -> Iterator[range]:
    """Consecutive rows whose `lengths` sum to at most `budget`; a longer one is alone."""
    start = total = 0
    for row, length in enumerate(lengths):
        if row > start and total + length > budget:
            yield range(start, row)
            start, total = row, 0
        total += length
    if len(lengths) > start:
        yield range(start, len(lengths))
