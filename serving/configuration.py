"""All of `raftsmith.toml`: the sections that the four packages declare, in the order of the file."""

from __future__ import annotations

from corpora.chunking.chunker import ChunkOptions
from corpora.ingest.options import IngestOptions
from corpora.workspace.config import Sections
from raft.answering.options import AskOptions
from raft.examples.options import ExampleOptions
from raft.training.options import TrainOptions
from retrieval.model_options import ModelOptions
from retrieval.search.options import SearchOptions
from serving.lifecycle.options import ServeOptions

SECTIONS: Sections = (
    ModelOptions,
    ChunkOptions,
    IngestOptions,
    SearchOptions,
    ExampleOptions,
    TrainOptions,
    AskOptions,
    ServeOptions,
)
