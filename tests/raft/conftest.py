"""A small real collection with questions and an encoder without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests_collection import Collection

from corpora.chunking.chunker import ChunkOptions
from corpora.ingest.file_discovery import find_files
from corpora.questions import read_questions
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever

SAMPLES = Path(__file__).resolve().parents[2] / "corpora" / "samples"


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The first 25 medical samples and their questions, indexed with the hashing encoder."""
    root = tmp_path_factory.mktemp("collection")
    store = CorpusStore(root / "corpus.db")
    encoder = HashingEncoder(128)
    files = find_files([SAMPLES / "medical"])[:25]
    report = add_files(store, root, encoder, files, "medical", ChunkOptions(45))
    assert not report.failed
    names = {path.stem for path in files}
    squad = json.loads((SAMPLES / "questions" / "medical.json").read_text(encoding="utf-8"))
    squad["data"] = [a for a in squad["data"] if a["paragraphs"][0]["qas"][0]["id"].split("/")[1] in names]
    path = root / "questions.json"
    path.write_text(json.dumps(squad), encoding="utf-8")
    found = read_questions(path)
    assert not found.dropped
    return Collection(root, store, Retriever(store, root, encoder), list(found.questions), path)
