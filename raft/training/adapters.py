"""Where the adapter goes, for any architecture: the linear modules of the upper layers, as PEFT finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raft.training.options import TrainOptions

_READ_AS_EXPERTS = frozenset({"gate", "gate_proj", "up_proj", "down_proj", "w1", "w2", "w3"})
"""In a mixture PEFT (0.21) takes modules of these names for its stacked experts, those of all layers."""


@dataclass(frozen=True)
class AdapterTargets:
    """What of a model gets an adapter, in the terms of `peft.LoraConfig`, and the names of large weights that get none."""

    modules: str | tuple[str, ...]
    layers: tuple[int, ...] | None
    layers_pattern: str | None
    parameters: tuple[str, ...]
    not_adapted: tuple[str, ...]


def adapter_targets(model: Any, options: TrainOptions) -> AdapterTargets:
    """The linear modules (GPT-2's Conv1D too) of the upper `layers_fraction` of the layers, never the output layer.

    The layers are the list of `num_hidden_layers` modules; where there is none, all linear modules are taken. With
    `options.experts` also the stacked experts of these layers.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    count = int(model.config.get_text_config().num_hidden_layers)
    lists = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == count and "." in name
    ]
    stacked = [name for name, weight in model.named_parameters() if weight.ndim == 3]
    if not lists:
        experts = tuple(stacked) if options.experts else ()
        return AdapterTargets("all-linear", None, None, experts, () if options.experts else _kinds(stacked))
    layers, head = min(lists, key=len), model.get_output_embeddings()
    first = count - max(1, round(count * options.layers_fraction))

    def upper(name: str) -> bool:
        return name.startswith(f"{layers}.") and int(name.removeprefix(f"{layers}.").split(".")[0]) >= first

    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head and upper(name)
    ]
    left_out = [name for name in linear if stacked and name.rpartition(".")[2] in _READ_AS_EXPERTS]
    return AdapterTargets(
        modules=tuple(sorted({name.rpartition(".")[2] for name in linear if name not in left_out})),
        layers=tuple(range(first, count)),
        layers_pattern=layers.rpartition(".")[2],
        parameters=tuple(name for name in stacked if upper(name)) if options.experts else (),
        not_adapted=_kinds([*left_out, *([] if options.experts else stacked)]),
    )


def _kinds(names: list[str]) -> tuple[str, ...]:
    """The names without the numbers of layers: `mlp.experts.down_proj`, once."""
    return tuple(sorted({".".join(part for part in name.split(".")[-3:] if not part.isdigit()) for name in names}))


def lora_config(targets: AdapterTargets, options: TrainOptions) -> Any:
    """The `peft.LoraConfig` of a run."""
    from peft import LoraConfig

    return LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        target_modules=targets.modules if isinstance(targets.modules, str) else list(targets.modules),
        layers_to_transform=list(targets.layers) if targets.layers else None,
        layers_pattern=targets.layers_pattern,
        target_parameters=list(targets.parameters) or None,
        use_dora=options.dora,
        use_rslora=options.rslora,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
