"""The vectors of a workspace brought up to date: the missing ones made, those of other encoders dropped, the index renewed."""

from __future__ import annotations

from corpora.progress import Progress, Say, no_progress, quiet
from corpora.store.writer_lock import single_writer
from corpora.workspace.workspace import Workspace
from retrieval.chunk_vectors.dense_index import DenseIndex, refreshed_index
from retrieval.chunk_vectors.index_cache import DenseCache
from retrieval.indexing.backfill import backfill
from retrieval.indexing.backfill import drop_others as drop_other_vectors
from retrieval.search.collection import open_search_context
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import index_options_of


def maintain_index(
    workspace: Workspace,
    *,
    rebuild: bool = False,
    fill: bool = False,
    drop_others: bool = False,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> tuple[DenseIndex, int]:
    """The index of vectors of the workspace's encoder, and how many passages have no vector.

    `fill` makes the missing vectors, `drop_others` takes out those of other encoders, `rebuild` chooses, builds and measures the index
    anew. Raises RaftsmithError while a passage needs what is to be dropped.
    """
    context = open_search_context(workspace, say)
    store, encoder = context.store, context.encoder
    if fill:
        with single_writer(workspace.root):
            backfill(store, workspace.root, encoder, progress("vectors"))
    if drop_others:
        with single_writer(workspace.root):
            dropped = drop_other_vectors(store, workspace.root, encoder)
        say(f"dropped: {', '.join(dropped) or 'nothing, as there are no others'}")
    if rebuild:
        DenseCache(workspace.root / "cache", encoder.name, encoder.dimension).forget()
    options = index_options_of(workspace.options(SearchOptions))
    dense_index = refreshed_index(store, workspace.root, encoder.name, encoder.dimension, options, say)
    missing = store.vectors.count_missing(encoder.name)
    store.close()
    return dense_index, missing
