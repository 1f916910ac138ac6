"""Ways of searching by name, as `evaluate-retrieval` compares them: "lexical", "hybrid", "convex-0.4+late-interaction".

A name is a base and, after "+", a reranker. Knows how a searcher is put together, not what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpora.errors import EvaluationError
from corpora.progress import Say, quiet
from corpora.store.corpus_store import CorpusStore
from retrieval.chunk_vectors.dense_index import IndexOptions
from retrieval.encoders.encoder import Encoder
from retrieval.search.fusion import Fusion
from retrieval.search.options import SearchOptions
from retrieval.search.postprocessing import OrderedSearcher, OrderOptions
from retrieval.search.reranking import RerankedSearcher, Reranker
from retrieval.search.retriever import SHOWN_RANKS, Mode, Retriever, Searcher

ACCEPTED = (
    "accepted: lexical, dense, hybrid (fused as raftsmith.toml says), rrf, convex-W with a dense weight W in 0–1, each also with "
    "+late-interaction or +MODEL (a cross-encoder), and configured (all that raftsmith.toml says)"
)
_BASE = re.compile(r"lexical|dense|hybrid|rrf|convex-(?P<weight>[01](\.\d+)?|\.\d+)")

LoadReranker = Callable[[str], Reranker]


@dataclass(frozen=True)
class Configuration:
    """A named way of searching: the mode, and the options of `raftsmith.toml` with those of the name over them."""

    name: str
    mode: Mode
    search: SearchOptions


@dataclass(frozen=True)
class SearchContext:
    """The store, folder and encoder that every searcher of a workspace uses."""

    store: CorpusStore
    root: Path
    encoder: Encoder


def parse_configuration(name: str, search: SearchOptions) -> Configuration:
    """The configuration called `name` over the workspace's options. Raises EvaluationError with what is accepted."""
    if name == "configured":
        return Configuration(name, "hybrid", search)
    base, plus, reranker = name.partition("+")
    match = _BASE.fullmatch(base)
    if match is None or (plus and not reranker):
        raise EvaluationError(f"{name!r} is no configuration; {ACCEPTED}")
    changes: dict[str, Any] = {"rerank": reranker, "max_per_source": 0, "merge_similarity": 0.0, "join_neighbours": False}
    mode: Mode = "lexical" if base == "lexical" else "dense" if base == "dense" else "hybrid"
    if base == "rrf":
        changes["fusion"] = "reciprocal-rank"
    if match["weight"]:
        changes.update(fusion="convex", dense_weight=float(match["weight"]))
        if float(match["weight"]) > 1:
            raise EvaluationError(f"{name!r}: the weight is in 0–1; {ACCEPTED}")
    return Configuration(name, mode, replace(search, **changes))


def fusion_of(search: SearchOptions) -> Fusion:
    """The fusion of a configuration."""
    return Fusion(search.fusion, search.dense_weight, search.rank_constant)


def index_options_of(search: SearchOptions) -> IndexOptions:
    """The options of the dense index of a configuration."""
    return IndexOptions(search.target_recall, int(search.index_memory_gb * 2**30) or None)


def make_searcher(
    index: SearchContext,
    search: SearchOptions,
    load: LoadReranker,
    shown_ranks: int = SHOWN_RANKS,
    say: Say = quiet,
    background: bool = False,
) -> Searcher:
    """The searcher of `search`: two rankings fused, then reranked, then ordered, as far as it asks for that.

    `load` gives the reranker of a name. A result carries `shown_ranks` of each ranking. `background`: see
    `SnapshotReader`.
    """
    index_options = index_options_of(search)
    searcher: Searcher = Retriever(
        index.store, index.root, index.encoder, fusion_of(search), shown_ranks, index_options, say, background
    )
    if search.rerank:
        searcher = RerankedSearcher(searcher, load(search.rerank), search.rerank_depth, search.rerank_weight)
    options = OrderOptions(search.max_per_source, search.merge_similarity, search.join_neighbours)
    if options.active:
        searcher = OrderedSearcher(searcher, options, lambda document_id: _text(index.store, document_id))
    return searcher


def _text(store: CorpusStore, document_id: str) -> str | None:
    document = store.document(document_id)
    return document.text if document else None
