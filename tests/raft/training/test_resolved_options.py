"""What the options leave open is chosen by model and machine, once, and kept by a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from architectures import CONFIGS, tiny_model

from corpora.errors import ModelError
from raft.training import precision
from raft.training.base_model import halve_frozen_products
from raft.training.options import TrainOptions
from raft.training.precision import Computation, LayerShape, faster
from raft.training.resolved_options import default_learning_rate, resolve, skeleton, training_bytes
from retrieval.model_folders import ModelFolder

ALL = [Computation(p, a) for p in ("float32", "bfloat16") for a in ("sdpa", "eager")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("adapter", "parameters", "rate"),
    [
        ("lora", 135_000_000, 1e-3),
        ("qlora", 0.5e9, 3e-4),
        ("lora", 1.5e9, 2e-4),
        ("qlora", 8e9, 2e-4),
        ("lora", 70e9, 1e-4),
        ("none", 135_000_000, 2e-5),
    ],
)
def test_the_learning_rate_is_by_method_and_size(adapter: str, parameters: int, rate: float) -> None:
    assert default_learning_rate(adapter, parameters) == rate


def test_a_skeleton_counts_the_parameters_of_any_architecture(tiny: ModelFolder, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    real = AutoModelForCausalLM.from_pretrained(tiny.path)
    bare = skeleton(tiny)
    assert sum(p.numel() for p in bare.parameters()) == sum(p.numel() for p in real.parameters())
    assert all(p.is_meta for p in bare.parameters())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    with pytest.raises(ModelError, match="no causal language model"):
        skeleton(ModelFolder("x", tmp_path, "0"))


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt2", "qwen3-moe"])
def test_what_is_given_is_taken_and_what_is_not_is_chosen(name: str) -> None:
    model = tiny_model(name)
    given = resolve(TrainOptions(learning_rate=0.01, precision="bfloat16", gradient_checkpointing=True), model, [64], gpu=False)
    assert (given.learning_rate, given.precision, given.gradient_checkpointing, given.layer_ms) == (0.01, "bfloat16", True, {})
    assert given.attention == ("eager" if name == "gemma2" else "sdpa")
    chosen = resolve(TrainOptions(), model, [64, 32, 500], gpu=False)
    assert chosen.learning_rate == 1e-3 and not chosen.gradient_checkpointing
    assert f"{chosen.precision} {chosen.attention}" in chosen.layer_ms
    assert ("float32 sdpa" in chosen.layer_ms) == (name != "gemma2") and "milliseconds a layer" in str(chosen)


def test_bfloat16_has_to_be_faster_by_a_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = LayerShape.of(CONFIGS["llama"])
    assert shape == LayerShape(32, 48, 4, 2, 8)
    for seconds, expected in (({"bfloat16 sdpa": 0.9}, "float32 eager"), ({"bfloat16 sdpa": 0.8}, "bfloat16 sdpa")):
        times = {"float32 eager": 1.0, **seconds}
        monkeypatch.setattr(precision._TimedLayer, "seconds", lambda layer, times=times: times.get(str(layer._choice), 2.0))
        choice, timed = faster(shape, 16, ALL)
        assert str(choice) == expected and timed["bfloat16 eager"] == 2000.0


def test_ways_of_computing_a_timed_layer_agree() -> None:
    shape, results = LayerShape.of(CONFIGS["llama"]), []
    for choice in ALL:
        layer = precision._TimedLayer(shape, 12, choice)
        assert layer.seconds() > 0
        results.append(layer._x.grad)
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2], rtol=0.02, atol=0.02)


def test_memory_on_a_card_grows_with_tokens_and_weights() -> None:
    model = tiny_model("llama")
    sizes = [
        training_bytes(TrainOptions(adapter=adapter), model, tokens, "bfloat16")  # type: ignore[arg-type]
        for adapter, tokens in (("qlora", 64), ("lora", 64), ("none", 64), ("none", 1000))
    ]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_frozen_products_keep_embedding_head_and_norms(name: str) -> None:
    model = tiny_model(name)
    halve_frozen_products(model)
    halves = {key for key, weight in model.named_parameters() if weight.dtype == torch.bfloat16}
    assert halves and not [key for key in halves if any(part in key for part in ("embed", "lm_head", "norm", "wte", "ln_"))]
