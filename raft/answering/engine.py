"""Text generation behind one protocol: prompts in, completions out. Knows no library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from raft.prompts.format import Prompt


@dataclass(frozen=True)
class Completion:
    """What a model wrote, without the end of turn; `finished` is false when it ran into `max_tokens`."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finished: bool


class Engine(Protocol):
    """Completes prompts. Greedy: the same prompt gives the same completion."""

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        """One completion a prompt, in order."""
        ...

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        """The completion in pieces of text, as they are made."""
        ...
