"""The memory that a model needs for inference, LoRA, QLoRA and full tuning, from its configuration. Pure arithmetic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import ModelError

GB = 1e9
PROCESS_GB = 0.4
TRAINING_GB = 0.35
"""What a process takes beside the model, and what tuning adds to it: fitted to tests/benchmarks/model_memory.py."""


@dataclass(frozen=True)
class ModelShape:
    """The numbers of a decoder that memory depends on. `linear_parameters` are those inside the decoder layers."""

    parameters: int
    linear_parameters: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    vocabulary: int
    context: int
    kv_width: int


@dataclass(frozen=True)
class MemoryNeed:
    """Peak resident memory of a process on a CPU in float32, in GB (1e9 bytes), for rows of `tokens` tokens."""

    tokens: int
    inference: float
    lora: float
    qlora: float
    full: float


def read_shape(folder: Path) -> ModelShape:
    """The shape of the Llama-like decoder in `folder`, its parameters counted from the weights. Raises ModelError."""
    from safetensors import safe_open

    try:
        config = json.loads((folder / "config.json").read_text())
        hidden, layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
        heads = int(config["num_attention_heads"])
        head = int(config.get("head_dim") or hidden // heads)
        total = linear = 0
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="numpy") as weights:
                for key in weights.keys():  # noqa: SIM118 - safe_open is not a mapping
                    shape = weights.get_slice(key).get_shape()
                    size = 1
                    for length in shape:
                        size *= int(length)
                    total += size
                    linear += size if ".layers." in key and len(shape) == 2 else 0
        return ModelShape(
            parameters=total,
            linear_parameters=linear,
            hidden_size=hidden,
            intermediate_size=int(config["intermediate_size"]),
            layers=layers,
            heads=heads,
            vocabulary=int(config["vocab_size"]),
            context=int(config.get("max_position_embeddings", 0)),
            kv_width=int(config.get("num_key_value_heads") or heads) * head,
        )
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"{folder} has no configuration that memory can be computed from ({type(error).__name__}: {error})"
        ) from error


def lora_parameters(shape: ModelShape, rank: int, layers_fraction: float) -> int:
    """Parameters of an adapter of `rank` on every linear module of the upper `layers_fraction` of the layers."""
    h, i, kv = shape.hidden_size, shape.intermediate_size, shape.kv_width
    per_layer = 2 * (h + h) + 2 * (h + kv) + 3 * (h + i)
    return rank * per_layer * max(1, round(shape.layers * layers_fraction))


def memory_need(shape: ModelShape, tokens: int, rank: int = 16, layers_fraction: float = 2 / 3) -> MemoryNeed:
    """The estimated memory: weights, what is trained (gradient, two Adam moments), activations for the backward pass.

    Activations a token and trained layer: the inputs of the linear modules and norms (about 14 h + 5 i floats with
    LoRA's own), attention probabilities (2 · heads · tokens, eager attention), and the output layer on a quarter of the
    tokens. On a CPU QLoRA was measured to take more than LoRA with long rows; what fits is that it keeps the
    activations of all layers and unpacked weights of the trained ones.
    """
    weights = 4.0 * shape.parameters
    quantised = 4.0 * (shape.parameters - shape.linear_parameters) + 0.55 * shape.linear_parameters
    adapter = lora_parameters(shape, rank, layers_fraction) * 16.0
    per_layer = tokens * (14 * shape.hidden_size + 5 * shape.intermediate_size + 2 * shape.heads * tokens) * 4.0
    head = 0.25 * tokens * shape.vocabulary * 4.0 * 3
    trained = max(1, round(shape.layers * layers_fraction))
    cache = 2.0 * shape.layers * shape.kv_width * tokens * 4.0
    base = PROCESS_GB * GB
    tuning = base + TRAINING_GB * GB
    unpacked = 4.0 * shape.linear_parameters * trained / shape.layers
    return MemoryNeed(
        tokens=tokens,
        inference=round((base + weights + cache + tokens * shape.intermediate_size * 16.0) / GB, 2),
        lora=round((tuning + weights + adapter + trained * per_layer + head) / GB, 2),
        qlora=round((tuning + quantised + adapter + shape.layers * per_layer + unpacked + head) / GB, 2),
        full=round((tuning + weights + shape.parameters * 12.0 + shape.layers * per_layer + head) / GB, 2),
    )
