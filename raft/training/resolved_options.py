"""What the options leave to the model and the machine: learning rate, precision, attention kernel, checkpointing.

Chosen once, when a run begins, and kept in its record: a run that goes on keeps what it began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpora.errors import ModelError
from raft.training.options import TrainOptions
from raft.training.precision import Attention, Computation, LayerShape, Precision, faster
from retrieval.model_folders import ModelFolder

RATES = ((0.3e9, 1e-3), (1e9, 3e-4), (10e9, 2e-4))
"""Parameters below which an adapter is trained with a learning rate; with 1e-4 above."""
FULL_RATE = 2e-5
_CARD_SHARE = 0.6


@dataclass(frozen=True)
class ResolvedOptions:
    """What was chosen. `layer_ms`: milliseconds of a layer by way of computing it, where a timing chose."""

    learning_rate: float
    precision: Precision
    attention: Attention
    gradient_checkpointing: bool
    layer_ms: dict[str, float]

    def __str__(self) -> str:
        """A line for a person."""
        timed = ", ".join(f"{name} {ms:g}" for name, ms in self.layer_ms.items())
        return (
            f"learning rate {self.learning_rate:g}, products in {self.precision}, attention {self.attention}"
            + (", gradient checkpointing" if self.gradient_checkpointing else "")
            + (f" (milliseconds a layer: {timed})" if timed else "")
        )


def skeleton(base: ModelFolder) -> Any:
    """The model of `base` without weights: its modules and the shapes of its parameters. Raises ModelError."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{base.path} holds no causal language model that transformers knows ({error})") from error


def default_learning_rate(adapter: str, parameters: int) -> float:
    """The peak learning rate for a way of tuning a model of so many parameters."""
    return FULL_RATE if adapter == "none" else next((rate for below, rate in RATES if parameters < below), 1e-4)


def resolve(options: TrainOptions, model: Any, lengths: Sequence[int], gpu: bool) -> ResolvedOptions:
    """The choices for `model`, a skeleton, on rows of `lengths` tokens."""
    import torch

    parameters = sum(weight.numel() for weight in model.parameters())
    # A model whose attention has a softcap or sinks takes no SDPA, and says so.
    kernels: tuple[Attention, ...] = ("sdpa", "eager") if getattr(model, "_supports_sdpa", False) else ("eager",)
    timed: dict[str, float] = {}
    if options.precision != "auto":
        computation = Computation(options.precision, kernels[0])
    elif gpu:
        computation = Computation("bfloat16" if torch.cuda.is_bf16_supported() else "float32", kernels[0])
    else:
        choices = [Computation(precision, kernel) for precision in ("float32", "bfloat16") for kernel in kernels]
        computation, timed = faster(LayerShape.of(model.config), sorted(lengths)[len(lengths) // 2], choices)
    checkpointing = options.gradient_checkpointing
    if checkpointing == "auto":
        checkpointing = gpu and (
            training_bytes(options, model, max(lengths), computation.precision)
            > _CARD_SHARE * torch.cuda.get_device_properties(0).total_memory
        )
    return ResolvedOptions(
        learning_rate=options.learning_rate or default_learning_rate(options.adapter, parameters),
        precision=computation.precision,
        attention=computation.attention,
        gradient_checkpointing=bool(checkpointing),
        layer_ms=timed,
    )


def training_bytes(options: TrainOptions, model: Any, tokens: int, precision: Precision) -> float:
    """The estimated bytes on a GPU for rows of `tokens` tokens: weights, what is trained, activations without checkpointing."""
    text, shape = model.config.get_text_config(), LayerShape.of(model.config)
    parameters = sum(int(weight.numel()) for weight in model.parameters())
    embedded = int(model.get_input_embeddings().weight.numel())
    width = 2.0 if precision == "bfloat16" else 4.0
    layers = int(text.num_hidden_layers) * (1 if options.adapter == "none" else options.layers_fraction)
    activations = tokens * (14 * shape.hidden + 5 * shape.intermediate) * width * layers
    head = 0.25 * tokens * int(text.vocab_size) * 4.0 * 3
    if options.adapter == "none":
        return 16.0 * parameters + activations + head
    adapter = 16.0 * options.rank * layers * (10 * shape.hidden + 3 * shape.intermediate)
    weights = 0.55 * (parameters - embedded) + width * embedded if options.adapter == "qlora" else width * parameters
    return weights + adapter + activations + head
