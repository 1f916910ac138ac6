"""Settings and models that tests share: no network, the packaged model, and a tiny one with its tokenizer."""

from __future__ import annotations

import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from retrieval.model_folders import BASE_MODEL, ModelFolder, resolve_model


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
