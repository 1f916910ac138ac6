"""How RAFT examples are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExampleOptions:
    """How examples are made. Fractions are in 0–1."""

    distractors: int = 4
    oracle_fraction: float = 0.8
    """P of the paper: the share of answerable questions whose oracle is in the prompt."""
    random_fraction: float = 0.1
    """Share of distractors drawn at random instead of mined."""
    questions_per_context: int = 4
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0
    mining_depth: int = 40

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        for name in ("oracle_fraction", "random_fraction", "validation_fraction", "test_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be in 0–1")
        if self.distractors < 1 or self.questions_per_context < 1:
            raise ValueError("distractors and questions_per_context must be at least 1")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("validation_fraction + test_fraction must leave something to train on (be under 1)")
