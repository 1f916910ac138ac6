"""The options of the section [models]: which models are used."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config={"extra": "forbid"})
class ModelOptions:
    """Which models are used: a packaged model, a folder, or a hub id."""

    SECTION: ClassVar[str] = "models"
    PARTIAL: ClassVar[bool] = False

    base: str = Field(default="SmolLM2-135M-Instruct", description="The model that answers and is tuned.")
    encoder: str = Field(default="all-MiniLM-L6-v2", description="The sentence-transformers model that makes vectors.")
