"""The section [ask]: how questions are answered."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from raft.quotes.grammar import QuoteUnit


@dataclass(frozen=True, config={"extra": "forbid"})
class AskOptions:
    """How questions are answered."""

    SECTION: ClassVar[str] = "ask"
    PARTIAL: ClassVar[bool] = False

    passages: int = Field(default=5, ge=1, le=50, description="Retrieved chunks in a prompt; keep it distractors + 1.")
    max_tokens: int = Field(default=96, ge=8, le=4096, description="Tokens an answer at most.")
    min_support: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A tuned run abstains when the chance that search found the evidence is below this; 0 never does.",
    )
    quotes: QuoteUnit = Field(
        default="sentences", description="What a quote may be: sentences (whole ones of a passage), or words (any run of them)."
    )
