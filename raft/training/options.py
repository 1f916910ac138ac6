"""The section [train]: how a model is tuned."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config={"extra": "forbid"})
class TrainOptions:
    """How a model is tuned."""

    SECTION: ClassVar[str] = "train"
    PARTIAL: ClassVar[bool] = False

    adapter: Literal["qlora", "lora", "none"] = Field(
        default="qlora", description="qlora (4-bit base), lora, or none (all weights)."
    )
    rank: int = Field(default=16, ge=1, le=1024, description="Rank of the adapter.")
    alpha: int = Field(default=32, ge=1, description="Scaling of the adapter.")
    layers_fraction: float = Field(default=0.667, gt=0, le=1, description="Share of the upper layers that get an adapter.")
    experts: bool = Field(
        default=False, description="An adapter on the experts of a mixture too, where they are stacked in one parameter."
    )
    dora: bool = Field(default=False, description="DoRA: the adapter learns magnitudes apart from directions; slower.")
    rslora: bool = Field(default=False, description="rsLoRA: the scaling is alpha / sqrt(rank) instead of alpha / rank.")
    learning_rate: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Peak learning rate. 0 is by size: 1e-3 below 0.3B, 3e-4 to 1B, 2e-4 to 10B, 1e-4 above; all weights 2e-5.",
    )
    epochs: float = Field(default=1.0, gt=0, le=100, description="Passes over the training examples.")
    batch_examples: int = Field(default=6, ge=1, description="Examples (questions) an optimizer step.")
    max_tokens: int = Field(
        default=1536, ge=64, description="Tokens a training row at most; longer examples are an error, never cut."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Of matrix products. auto: bfloat16 on a GPU, on a CPU the faster by a timing at the start."
    )
    gradient_checkpointing: Literal["auto", True, False] = Field(
        default="auto", description="Compute activations twice to save memory. auto: when a GPU needs it."
    )
    neftune_alpha: float = Field(default=0.0, ge=0, description="NEFTune: noise on the embeddings in training; 0 is none.")
    evaluations: int = Field(default=3, ge=1, description="How often the validation loss is taken.")
    patience: int = Field(default=2, ge=1, description="Validations without a better loss before training stops.")
    seed: int = Field(default=0, ge=0, description="Seed of initialisation and order.")
    warmup_fraction: float = Field(default=0.05, ge=0, le=1)
    """Share of the steps over which the learning rate rises to its peak."""
    max_examples: int | None = Field(default=None, ge=1)
    """At most so many training examples, whole contexts; None is all."""
    max_validation_examples: int = Field(default=24, ge=0)
    share_prefix: bool = True
    """Examples over the same documents share one row, which encodes these once."""
