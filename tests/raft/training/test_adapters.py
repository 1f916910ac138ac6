"""Adapters find the linear modules of any architecture, in the upper layers alone where these can be told, and never the head."""

from __future__ import annotations

import re

import pytest
import torch
from architectures import VOCABULARY, tiny_model
from peft import get_peft_model

from raft.training.adapters import adapter_targets, lora_config
from raft.training.options import TrainOptions

MODULES = {
    "llama": "down_proj gate_proj k_proj o_proj q_proj up_proj v_proj",
    "gemma2": "down_proj gate_proj k_proj o_proj q_proj up_proj v_proj",
    "gpt2": "c_attn c_fc c_proj",
    "mixtral": "k_proj o_proj q_proj v_proj",
    "qwen3-moe": "k_proj o_proj q_proj v_proj",
    "qwen3-moe-dense": "k_proj o_proj q_proj v_proj",
}


def adapted(name: str, options: TrainOptions) -> tuple[torch.nn.Module, set[str]]:
    """The model with its adapter, and the names of what has one."""
    model = tiny_model(name)
    peft = get_peft_model(model, lora_config(adapter_targets(model, options), options))
    trained = {key for key, weight in peft.named_parameters() if weight.requires_grad}
    return peft, {key.split(".lora_")[0].removeprefix("base_model.model.") for key in trained}


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
@pytest.mark.parametrize("fraction", [0.34, 0.667, 1.0])
@pytest.mark.parametrize("name", MODULES)
def test_the_linear_modules_of_the_upper_layers_are_adapted(name: str, fraction: float) -> None:
    _, where = adapted(name, TrainOptions(layers_fraction=fraction, rank=2))
    assert {key.rpartition(".")[2] for key in where} == set(MODULES[name].split())
    layers = {int(number) for key in where for number in re.findall(r"\.(\d+)\.", key)[:1]}
    assert layers == set(range(3 - round(3 * fraction), 3)) and not any("lm_head" in key for key in where)


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
@pytest.mark.parametrize("options", [{}, {"dora": True}, {"rslora": True}])
@pytest.mark.parametrize("name", MODULES)
def test_an_adapter_of_any_kind_learns(name: str, options: dict[str, bool]) -> None:
    model, _ = adapted(name, TrainOptions(rank=2, layers_fraction=0.667, **options))
    ids = torch.arange(3, 33)[None] % VOCABULARY
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    losses = []
    for _ in range(8):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("name", ["mixtral", "qwen3-moe"])
def test_stacked_experts_are_named_or_adapted_and_merge_exactly(name: str) -> None:
    without = adapter_targets(tiny_model(name), TrainOptions())
    assert without.parameters == () and without.not_adapted == ("mlp.experts.down_proj", "mlp.experts.gate_up_proj")
    options = TrainOptions(rank=2, layers_fraction=0.667, experts=True)
    targets = adapter_targets(tiny_model(name), options)
    assert targets.not_adapted == ()
    assert {re.findall(r"\d+", key)[0] for key in targets.parameters} == {"1", "2"} and len(targets.parameters) == 4
    model, where = adapted(name, options)
    assert any("experts" in key for key in where)
    for key, weight in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(weight, std=0.05)
    model.eval()
    ids = torch.arange(3, 33)[None] % VOCABULARY
    with torch.no_grad():
        tuned = model(input_ids=ids).logits
        plain = tiny_model(name)(input_ids=ids).logits
        merged = model.merge_and_unload()(input_ids=ids).logits  # type: ignore[operator]
    assert (tuned - plain).abs().max() > 1e-2
    torch.testing.assert_close(merged, tuned, rtol=1e-3, atol=1e-3)


def test_a_model_without_a_list_of_layers_is_adapted_throughout() -> None:
    model = tiny_model("llama")
    model.config.num_hidden_layers = 7
    assert adapter_targets(model, TrainOptions()).modules == "all-linear"


def test_dense_layers_of_a_mixture_are_named_where_peft_would_take_them_for_experts() -> None:
    targets = adapter_targets(tiny_model("qwen3-moe-dense"), TrainOptions(experts=True))
    assert targets.not_adapted == ("mlp.down_proj", "mlp.gate_proj", "mlp.up_proj")
