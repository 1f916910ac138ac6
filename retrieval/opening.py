"""A workspace's store, encoder and retriever, put together as its configuration says. The commands and the demo start here."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

from corpora.store import CorpusStore
from corpora.workspace import Workspace
from retrieval.encoders import Encoder, HashingEncoder
from retrieval.fusion import Fusion
from retrieval.models import Say, resolve_model
from retrieval.packed_encoder import open_encoder
from retrieval.search import Retriever


@dataclass(frozen=True)
class OpenCollection:
    """An open store with what searches it."""

    store: CorpusStore
    encoder: Encoder
    retriever: Retriever


def quiet_libraries() -> None:
    """Keep the libraries' own progress bars and notices out of stderr; errors still raise. Before they are imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def load_encoder(name: str, say: Say = lambda line: None) -> Encoder:
    """The encoder called `name`: "hashing-D" needs no model, anything else is a sentence-transformers model."""
    if name.startswith("hashing-") and name.removeprefix("hashing-").isdecimal():
        return HashingEncoder(int(name.removeprefix("hashing-")))
    quiet_libraries()
    model = resolve_model(name, say)
    return open_encoder(model)


def open_collection(workspace: Workspace, say: Say = lambda line: None) -> OpenCollection:
    """Open the workspace's store and load its encoder."""
    store = CorpusStore(workspace.database)
    encoder = load_encoder(workspace.config.models.encoder, say)
    search = workspace.config.search
    return OpenCollection(store, encoder, Retriever(store, workspace.root, encoder, Fusion(search.fusion, search.dense_weight)))
