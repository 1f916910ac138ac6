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
    learning_rate: float = Field(
        default=1e-3, gt=0, lt=1, description="Peak learning rate; 1e-4 to 3e-4 for models of 1B and up."
    )
    epochs: float = Field(default=1.0, gt=0, le=100, description="Passes over the training examples.")
    batch_examples: int = Field(default=6, ge=1, description="Examples (questions) an optimizer step.")
    max_tokens: int = Field(
        default=1536, ge=64, description="Tokens a training row at most; longer examples are an error, never cut."
    )
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
