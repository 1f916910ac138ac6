"""How a model is tuned."""

from __future__ import annotations

from dataclasses import dataclass

ADAPTERS = ("qlora", "lora", "none")


@dataclass(frozen=True)
class TrainOptions:
    """How a model is tuned. Tokens, not characters; learning rate at its peak."""

    adapter: str = "qlora"
    rank: int = 16
    alpha: int = 32
    layers_fraction: float = 2 / 3
    """Share of the upper layers that get an adapter, in 0–1: what lies below needs no backward pass."""
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05
    epochs: float = 1.0
    batch_examples: int = 6
    """Examples an optimizer step, counted in questions; contexts are put together until they have about as many."""
    max_examples: int | None = None
    """At most so many training examples, whole contexts; None is all."""
    max_validation_examples: int = 24
    max_tokens: int = 1536
    share_prefix: bool = True
    evaluations: int = 3
    """How often the validation loss is taken, evenly over the run."""
    patience: int = 2
    """Stop after so many validations without a better loss."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if self.adapter not in ADAPTERS:
            raise ValueError(f"adapter is {self.adapter!r}; accepted: {', '.join(ADAPTERS)}")
        if not 0 < self.layers_fraction <= 1:
            raise ValueError(f"layers_fraction is {self.layers_fraction}; it must be above 0 and at most 1")
        for name in ("rank", "alpha", "learning_rate", "epochs", "batch_examples", "max_tokens", "evaluations", "patience"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")
