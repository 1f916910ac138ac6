"""Finding passages: encoders, dense and lexical search, fusion, snapshots, retrieval metrics. Imports corpora only.

The names below are for Python users, see docs/python.md; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from retrieval.encoders.loading import load_encoder as load_encoder
    from retrieval.evaluation.judged_queries import from_qrels as from_qrels
    from retrieval.evaluation.system_comparison import System as System
    from retrieval.evaluation.system_comparison import run_system as run_system
    from retrieval.indexing.add_paths import add_paths as add_paths
    from retrieval.model_folders import resolve_model as resolve_model
    from retrieval.records import Hit as Hit
    from retrieval.records import SearchResult as SearchResult
    from retrieval.search.collection import OpenCollection as OpenCollection
    from retrieval.search.collection import open_collection as open_collection
    from retrieval.search.options import SearchOptions as SearchOptions
    from retrieval.search.retriever import RestrictedSearcher as RestrictedSearcher

__getattr__ = lazy_exports(
    __name__,
    {
        "add_paths": "indexing.add_paths",
        "open_collection": "search.collection",
        "OpenCollection": "search.collection",
        "Hit": "records",
        "SearchResult": "records",
        "RestrictedSearcher": "search.retriever",
        "SearchOptions": "search.options",
        "load_encoder": "encoders.loading",
        "resolve_model": "model_folders",
        "from_qrels": "evaluation.judged_queries",
        "System": "evaluation.system_comparison",
        "run_system": "evaluation.system_comparison",
    },
)
