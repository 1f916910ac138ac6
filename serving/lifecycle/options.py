"""The section [serve]: what the API answers with, and where it listens."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config={"extra": "forbid"})
class ServeOptions:
    """What the API answers with, and where it listens."""

    SECTION: ClassVar[str] = "serve"
    PARTIAL: ClassVar[bool] = False

    run: str = Field(
        default="",
        description='A tuned run, "" is the base model; a running server changes to it by `raftsmith swap`.',
    )
    host: str = Field(
        default="127.0.0.1", description="Address; only loopback addresses are accepted, as there are no keys yet."
    )
    port: int = Field(default=8321, ge=0, le=65535, description="Port; 0 takes a free one.")
