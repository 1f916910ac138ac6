"""A small real collection with questions, an encoder without a model, and a tiny model with a real tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests_collection import Collection

from corpora.questions import read_squad
from corpora.store import CorpusStore
from retrieval.encoders import HashingEncoder
from retrieval.indexing import add_files, find_files
from retrieval.models import BASE_MODEL, ModelFolder, resolve_model
from retrieval.search import Retriever

SAMPLES = Path(__file__).resolve().parents[2] / "corpora" / "samples"


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The first 25 medical samples and their questions, indexed with the hashing encoder."""
    root = tmp_path_factory.mktemp("collection")
    store = CorpusStore(root / "corpus.db")
    encoder = HashingEncoder(128)
    files = find_files([SAMPLES / "medical"])[:25]
    report = add_files(store, root, encoder, files, "medical", 45)
    assert not report.failed
    names = {path.stem for path in files}
    squad = json.loads((SAMPLES / "questions" / "medical.json").read_text(encoding="utf-8"))
    squad["data"] = [a for a in squad["data"] if a["paragraphs"][0]["qas"][0]["id"].split("/")[1] in names]
    path = root / "questions.json"
    path.write_text(json.dumps(squad), encoding="utf-8")
    questions, wrong = read_squad(path)
    assert not wrong
    return Collection(root, store, Retriever(store, root, encoder), questions, path)


@pytest.fixture(scope="session")
def packaged() -> ModelFolder:
    """The packaged base model, converted once into the user's cache."""
    return resolve_model(BASE_MODEL)


@pytest.fixture(scope="session")
def tiny(packaged: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """A two-layer Llama with random weights and the packaged model's tokenizer: a step costs milliseconds."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(packaged.path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve_model(str(folder))
