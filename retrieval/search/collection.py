"""A workspace's store, encoder and retriever, put together as its configuration says.

The commands and the demo start here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from corpora.errors import ModelError
from corpora.progress import Say, quiet
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import Workspace, open_workspace
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.loading import load_encoder, quiet_libraries, resolved_model
from retrieval.model_folders import resolve_model
from retrieval.model_options import ModelOptions
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import SearchContext, make_searcher
from retrieval.search.reranking import (
    LATE_INTERACTION,
    CrossEncoderReranker,
    LateInteractionReranker,
    Reranker,
    load_cross_encoder,
)
from retrieval.search.retriever import SHOWN_RANKS, Searcher, other_encoders


@dataclass(frozen=True)
class OpenCollection:
    """An open store with its encoder and searcher."""

    store: CorpusStore
    encoder: Encoder
    retriever: Searcher

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def load_reranker(name: str, encoder: str, say: Say = quiet) -> Reranker:
    """The reranker called `name`: "late-interaction" over the model called `encoder`, else a cross-encoder.

    Raises ModelError.
    """
    quiet_libraries()
    if name == LATE_INTERACTION and encoder.startswith("hashing-"):
        raise ModelError(f"{LATE_INTERACTION} compares token vectors, and {encoder} has none; set models.encoder to a model")
    if name == LATE_INTERACTION:
        model = resolve_model(encoder, say)
        return LateInteractionReranker(model.path, f"{LATE_INTERACTION}/{Path(model.name).name}@{model.digest}")
    model = resolved_model(name, say)
    return CrossEncoderReranker(load_cross_encoder(model.path), f"{Path(model.name).name}@{model.digest}")


def open_collection(
    workspace: Workspace | Path,
    say: Say = quiet,
    shown_ranks: int = SHOWN_RANKS,
    joined: bool = False,
    background: bool = False,
) -> OpenCollection:
    """Open the workspace's store and load its encoder, and a reranker where one is configured.

    A path is the workspace's folder. The results carry `shown_ranks` of each ranking. Neighbouring hits are joined,
    where the configuration says so, only with `joined`: that is for readers, while a prompt's passages are chunks as a
    model was trained on. `background`: the index is compacted in a thread, for a process that goes on.
    """
    if isinstance(workspace, Path):
        workspace = open_workspace(workspace)
    context = open_search_context(workspace, say)
    search, encoder_name = workspace.options(SearchOptions), workspace.options(ModelOptions).encoder
    if not joined:
        search = replace(search, join_neighbours=False)
    waiting = context.store.vectors.count_missing(context.encoder.name)
    if waiting and not other_encoders(context.store, context.encoder):
        say(f"{waiting} passages wait for their vectors and are found by their words only; `raftsmith index --fill` goes on")
    searcher = make_searcher(context, search, lambda name: load_reranker(name, encoder_name, say), shown_ranks, say, background)
    return OpenCollection(context.store, context.encoder, searcher)


def open_search_context(workspace: Workspace, say: Say = quiet) -> SearchContext:
    """The workspace's store, opened, and its encoder, loaded. Raises ModelError, StoreError."""
    store = CorpusStore(workspace.database)
    try:
        return SearchContext(store, workspace.root, load_encoder(workspace.options(ModelOptions).encoder, say))
    except BaseException:
        store.close()
        raise
