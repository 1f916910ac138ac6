"""Reranking of the first hits: by a cross-encoder, or by late interaction of the encoder's token vectors.

A reranker is slower and sharper than search and sees `depth` hits. Knows no store.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from corpora.errors import ModelError
from corpora.store.filters import EVERYTHING, Filter
from retrieval.encoders.packed_cross_encoder import PackedPairs
from retrieval.encoders.passage_text import embedding_text
from retrieval.records import Hit, SearchResult
from retrieval.search.retriever import Mode, Searcher

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

LATE_INTERACTION = "late-interaction"
log = logging.getLogger("raftsmith.retrieval")


class Reranker(Protocol):
    """A model that scores passages for a query; higher is better, comparable within one query only."""

    @property
    def name(self) -> str:
        """The model and digest that the scores come from."""
        ...

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """A finite score for each passage, in their order."""
        ...


class CrossEncoderReranker:
    """Any cross-encoder of sentence-transformers with one output; packed where it can be, which gives the same scores
    sooner.
    """

    def __init__(self, model: CrossEncoder, name: str, batch_size: int = 32) -> None:
        """`model` with its present weights; `batch_size` counts pairs where the model cannot be packed."""
        self._model, self._name, self._batch_size = model, name, batch_size
        try:
            self._packed: PackedPairs | None = PackedPairs(model)
        except ValueError as reason:
            log.info("%s is run by sentence-transformers: %s", name, reason)
            self._packed = None

    @property
    def name(self) -> str:
        """Model name and weights digest."""
        return self._name

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """The model's output for each pair (query, passage)."""
        if not passages:
            return []
        pairs = [(query, passage) for passage in passages]
        if self._packed is not None:
            return self._packed.scores(pairs)
        scores = self._model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
        return [float(score) for score in scores]


def load_cross_encoder(folder: Path) -> CrossEncoder:
    """The cross-encoder in `folder`; nothing is fetched and no code of the model's is run.

    Raises ModelError for what scores no pairs.
    """
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{folder} cannot be loaded as a cross-encoder ({error}); give one with a classification head"
        ) from error
    if model.num_labels != 1:
        raise ModelError(
            f"{folder} gives {model.num_labels} values a pair; a reranker gives one: choose a model with num_labels = 1"
        )
    return model


class LateInteractionReranker:
    """Late interaction of an encoder's token vectors: the mean over the query's tokens of the best cosine in the
    passage.

    Khattab and Zaharia, "ColBERT", SIGIR 2020, without its training: the encoder's own token vectors are taken as they
    are.
    """

    def __init__(self, folder: Path, name: str, batch_size: int = 64, kept_bytes: int = 256 << 20) -> None:
        """Load the sentence-transformers model in `folder`.

        Token vectors of recent passages are kept, `kept_bytes` of them.
        """
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        self._name, self._batch_size = name, batch_size
        self._token_vectors: dict[str, np.ndarray] = {}  # the least recently used first
        self._kept_bytes = kept_bytes

    @property
    def name(self) -> str:
        """Method, model name and weights digest."""
        return self._name

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """Late-interaction scores of the passages, in -1–1. The special tokens at both ends do not count."""
        if not passages:
            return []
        token_vectors = {text: self._token_vectors.pop(text) for text in dict.fromkeys(passages) if text in self._token_vectors}
        missing = [text for text in dict.fromkeys(passages) if text not in token_vectors]
        query_vectors, *passage_vectors = self._tokens([query, *missing])
        token_vectors.update(zip(missing, passage_vectors, strict=True))
        self._keep(token_vectors)
        return [float((query_vectors @ token_vectors[text].T).max(axis=1).mean()) for text in passages]

    def _keep(self, token_vectors: Mapping[str, np.ndarray]) -> None:
        self._token_vectors.update(token_vectors)
        total_bytes = sum(tokens.nbytes for tokens in self._token_vectors.values())
        for text in list(self._token_vectors):
            if total_bytes <= self._kept_bytes:
                break
            total_bytes -= self._token_vectors.pop(text).nbytes

    def _tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Unit vectors, float32 `(tokens, dimension)`, of each text, without its first and last token."""
        encoded = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            output_value="token_embeddings",
            convert_to_numpy=False,
            show_progress_bar=False,
        )
        vectors = []
        for tokens in encoded:
            inner = np.asarray(tokens.cpu(), dtype=np.float32)
            inner = inner[1:-1] if len(inner) > 2 else inner
            vectors.append(inner / np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-12))
        return vectors


class RerankedSearcher:
    """A searcher whose first hits are reordered by a reranker."""

    def __init__(self, searcher: Searcher, reranker: Reranker, depth: int = 20, weight: float = 1.0) -> None:
        """The first `depth` hits are scored; `weight`, in 0–1, is of the reranker against search, 1 takes its order
        alone.
        """
        self._searcher, self._reranker, self._depth, self._weight = searcher, reranker, depth, weight

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: Filter = EVERYTHING
    ) -> list[SearchResult]:
        """One result a query, in order; what was not scored follows in its own order."""
        results = self._searcher.search(queries, max(k, self._depth), mode, document_filter)
        return [self._reranked(query, result, k) for query, result in zip(queries, results, strict=True)]

    def _reranked(self, query: str, result: SearchResult, k: int) -> SearchResult:
        first, unscored = result.hits[: self._depth], result.hits[self._depth :]
        scores = self._reranker.scores(query, [embedding_text(hit.chunk) for hit in first])
        hits = reordered(first, scores, self._weight)
        floor = hits[-1].score if hits else 0.0
        hits += [replace(hit, score=floor - offset) for offset, hit in enumerate(unscored, start=1)]
        ranked = sorted(zip((hit.chunk.id for hit in first), scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
        whole = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], start=1))
        return replace(result, hits=whole, rankings={**result.rankings, "reranked": tuple(ranked)})


def reordered(hits: Sequence[Hit], scores: Sequence[float], weight: float = 1.0) -> list[Hit]:
    """The hits reordered by `weight` · reranker + (1 - `weight`) · search, each scaled to 0–1 within the hits; ties
    keep their order.

    Pure.
    """
    reranker_scores, search_scores = _scaled(scores), _scaled([hit.score for hit in hits])
    mixed = [weight * left + (1 - weight) * right for left, right in zip(reranker_scores, search_scores, strict=True)]
    order = sorted(range(len(hits)), key=lambda index: -mixed[index])
    return [replace(hits[index], score=mixed[index]) for index in order]


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else 1.0 for value in values]
