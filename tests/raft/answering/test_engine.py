"""The local engine: quotes that cannot be invented, and greedy decoding that is the same however it is batched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from raft.answering.transformers_engine import TransformersEngine
from raft.prompts.format import BEGIN_QUOTE, parse_completion, render_completion, render_prompt
from raft.records import Passage
from retrieval.model_folders import ModelFolder, resolve_model

PASSAGES = [
    Passage("c1", "d1", "Deposits", "", "The deposit is protected within 30 days. The tenant gets the prescribed information."),
    Passage("c2", "d2", "Deposits", "", "The deposit is capped at five weeks' rent. The cap is six weeks from £50,000."),
]
PROMPTS = [
    render_prompt(PASSAGES, q, [1, 2])
    for q in ("How soon is it protected?", "What is the cap?", "Why is it so, and since when?")
]
ARCHITECTURES = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 2048},
    "mistral": {"sliding_window": 16},
    "gemma3_text": {"sliding_window": 16, "head_dim": 8, "num_hidden_layers": 6},
    "qwen3": {"head_dim": 8},
    "mamba2": {"num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 2, "chunk_size": 8},
}
"""Caches that differ: all columns, a window, a window in some layers, and a state instead of a cache."""


def _random_model(kind: str, tiny: ModelFolder, folder: Path) -> ModelFolder:
    """A model of another architecture with random weights and the packaged model's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    torch.manual_seed(0)
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "pad_token_id": tokenizer.pad_token_id}
    size = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    own = ARCHITECTURES[kind]
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **ends, **({} if kind == "gpt2" else size) | own)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve_model(str(folder))


def _eager_to_quote(engine: TransformersEngine, noise: float) -> list[int]:
    """Make the engine's model open a quote first and, with `noise`, write at random; the widths of its passes are given."""
    opening = engine._tokenizer(f"[1] {BEGIN_QUOTE}", add_special_tokens=False)["input_ids"]
    forward = engine._model.forward
    widths: list[int] = []

    def forward_eagerly(*args: object, **kwargs: object) -> object:
        output = forward(*args, **kwargs)
        if len(widths) < len(opening):
            output.logits[:, -1, opening[len(widths)]] = 1e4
        elif noise:
            output.logits += noise * torch.randn_like(output.logits)
        widths.append(kwargs["input_ids"].shape[1])
        return output

    forward_eagerly.__signature__ = __import__("inspect").signature(forward)
    engine._model.forward = forward_eagerly
    return widths


@pytest.mark.parametrize("kind", ["llama", *ARCHITECTURES])
def test_a_model_that_writes_noise_cannot_invent_a_quote(kind: str, tiny: ModelFolder, tmp_path: Path) -> None:
    engine = TransformersEngine(tiny if kind == "llama" else _random_model(kind, tiny, tmp_path))
    torch.manual_seed(3)
    _eager_to_quote(engine, noise=100.0)
    completions = engine.complete(PROMPTS[:2], 120)
    for completion in completions:
        quotes = parse_completion(completion.text).quotes
        assert quotes and all(any(quote in passage.text for passage in PASSAGES) for _, quote in quotes)


@pytest.mark.parametrize("kind", ["llama", *ARCHITECTURES])
def test_batched_alone_streamed_and_without_running_ahead_completions_are_the_same(
    kind: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    model = tiny if kind == "llama" else _random_model(kind, tiny, tmp_path)
    texts, passes = [], []
    for fast_forward in (True, False):
        engine = TransformersEngine(model, fast_forward=fast_forward)
        for prompts in (PROMPTS[:1], PROMPTS):
            engine = TransformersEngine(model, fast_forward=fast_forward)
            widths = _eager_to_quote(engine, noise=0)
            texts.append(engine.complete(prompts, 60)[0])
            passes.append(len(widths))
        engine = TransformersEngine(model, fast_forward=fast_forward)
        _eager_to_quote(engine, noise=0)
        assert "".join(engine.stream(PROMPTS[0], 60)) == texts[-1].text
    assert texts == texts[:1] * 4
    assert parse_completion(texts[0].text).quotes
    assert passes[2:] == [60, 60]
    assert passes[0] < 55 or kind == "mamba2"
    assert passes[1] < 55 or kind in ("mamba2", "mistral", "gemma3_text")


def test_the_packaged_model_answers_alike_alone_batched_and_streamed(packaged: ModelFolder) -> None:
    engine = TransformersEngine(packaged, batch_size=3)
    together = engine.complete(PROMPTS, 16)
    alone = [engine.complete([prompt], 16)[0] for prompt in PROMPTS]
    assert [c.text for c in together] == [c.text for c in alone]
    assert "".join(engine.stream(PROMPTS[0], 16)) == together[0].text
    assert together[0].completion_tokens <= 16 and together[0].prompt_tokens > 50


def test_a_model_that_follows_the_trained_ids_decodes_to_exactly_these(tiny: ModelFolder) -> None:
    """Through the real constraint and both ways of decoding; the quotes' ids are never offered by the model."""
    completion = render_completion(
        [(1, "The tenant gets the prescribed information."), (2, PASSAGES[1].text)], "it is ##\n\nso"
    )
    engine = TransformersEngine(tiny)
    trained = engine.encoder.completion(completion)
    prompt = engine.encoder.encode(PROMPTS[0]).ids
    forward = engine._model.forward
    read: list[int] = []

    def follow(*args: object, **kwargs: object) -> object:
        output = forward(*args, **kwargs)
        read.extend(kwargs["input_ids"][0].tolist())
        output.logits[:, -1, trained[len(read) - len(prompt)]] = 1e4
        return output

    follow.__signature__ = __import__("inspect").signature(forward)
    engine._model.forward = follow
    answer = engine.complete(PROMPTS[:1], 200)[0]
    assert answer.text == completion and answer.finished
    assert read == [*prompt, *trained[:-1]]


@pytest.mark.parametrize("kind", ["llama", "mistral", "mamba2"])
def test_sampling_defaults_of_the_hub_change_nothing(kind: str, tiny: ModelFolder, tmp_path: Path) -> None:
    model = tiny if kind == "llama" else _random_model(kind, tiny, tmp_path / "plain")
    shutil.copytree(model.path, tmp_path / "penalised")
    engine = TransformersEngine(model)
    plain = engine.complete(PROMPTS, 24)
    first = engine._tokenizer(plain[0].text, add_special_tokens=False)["input_ids"][0]
    defaults = {
        "do_sample": True,
        "temperature": 0.6,
        "repetition_penalty": 1.3,
        "no_repeat_ngram_size": 3,
        "encoder_repetition_penalty": 1.2,
        "bad_words_ids": [[first]],
        "suppress_tokens": [first],
        "min_new_tokens": 30,
        "num_beams": 2,
    }
    (tmp_path / "penalised" / "generation_config.json").write_text(json.dumps(defaults))
    assert TransformersEngine(resolve_model(str(tmp_path / "penalised"))).complete(PROMPTS, 24) == plain


def test_without_passages_no_quote_can_be_opened(tiny: ModelFolder) -> None:
    engine = TransformersEngine(tiny)
    _eager_to_quote(engine, noise=0)
    assert BEGIN_QUOTE not in engine.complete([render_prompt([], "When?", [])], 40)[0].text


def test_in_the_strict_form_a_model_of_noise_still_keeps_the_form(tiny: ModelFolder) -> None:
    engine = TransformersEngine(tiny, form="strict")
    parsed = parse_completion(engine.complete(PROMPTS[:1], 200)[0].text)
    assert parsed.well_formed and (parsed.abstained or parsed.quotes)
