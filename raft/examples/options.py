"""The section [generate]: how RAFT examples are made."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from corpora.splits import SplitOptions


@dataclass(frozen=True, config={"extra": "forbid"})
class ExampleOptions(SplitOptions):
    """How RAFT examples are made."""

    SECTION: ClassVar[str] = "generate"
    PARTIAL: ClassVar[bool] = False

    distractors: int = Field(default=4, ge=1, le=20, description="Distractor documents a prompt.")
    oracle_fraction: float = Field(
        default=0.8, ge=0, le=1, description="P of the paper: share of questions whose oracle is in the prompt."
    )
    random_fraction: float = Field(
        default=0.1, ge=0, le=1, description="Share of distractors drawn at random, the others are mined."
    )
    questions_per_context: int = Field(
        default=4, ge=1, le=16, description="Questions over the same documents; training shares them."
    )
    mining_depth: int = Field(default=40, ge=1)
    """Hits of a question that its distractors are chosen from."""
