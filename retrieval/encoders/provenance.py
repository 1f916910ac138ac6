"""What made a vector: model, weights, pooling, prompts, and the backend that computed it. Knows no model code.

Two encoders with one `name` give the same vectors (cosine of at least 0.9999), whatever computes them, so the name is
what an index compares. The backend stands beside it, not in it: a collection encoded on a GPU need not be encoded again
on a CPU.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpora.durable_files import sha256_file

Role = Literal["query", "passage"]
"""What a text is to a search. Some models want a prompt before the one, the other, or both."""

PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""The names under which models keep the prompt of their passages. The first with a text counts: saving a model with
sentence-transformers adds an empty "document" beside the "passage" that the model was trained with."""


@dataclass(frozen=True)
class Prompts:
    """The prompts that go before a query and before a passage; mostly none."""

    query: str = ""
    passage: str = ""

    def apply(self, texts: Sequence[str], role: Role) -> list[str]:
        """`texts` with the prompt of `role` before each."""
        prompt = self.query if role == "query" else self.passage
        return [prompt + text for text in texts] if prompt else list(texts)


@dataclass(frozen=True)
class Provenance:
    """The settings that determine a model's vectors, and `backend`, which does not.

    `weights` and `modules` are hexadecimal digests of the transformer's weights and of whatever the model has behind
    its pooling; `max_tokens` counts special tokens and is None when nothing is cut. Vectors are always scaled to length
    1.
    """

    model: str
    weights: str
    pooling: str = "mean"
    max_tokens: int | None = 256
    prompts: Prompts = Prompts()
    modules: str = ""
    backend: str = "torch"

    @property
    def name(self) -> str:
        """Model name and weights digest, and what differs from mean pooling over 256 tokens without prompts or further
        modules.

        So "all-MiniLM-L6-v2@0123456789abcdef", "bge-small-en-v1.5@0123456789abcdef+cls+512-tokens+prompts-89abcdef".
        """
        parts = [f"{self.model}@{self.weights}"]
        if self.pooling != "mean":
            parts.append(self.pooling)
        if self.max_tokens != 256:
            parts.append("all-tokens" if self.max_tokens is None else f"{self.max_tokens}-tokens")
        if self.modules:
            parts.append(f"modules-{self.modules}")
        if self.prompts != Prompts():
            parts.append(f"prompts-{_digest([self.prompts.query, self.prompts.passage])}")
        return "+".join(parts)


def prompts_of(folder: Path) -> Prompts:
    """The prompts that the model in `folder` states in its config_sentence_transformers.json; none where it states
    none.

    Nothing is guessed from a model's name: a prompt that a model was not trained with costs quality.
    """
    try:
        stated = json.loads((folder / "config_sentence_transformers.json").read_text("utf-8")).get("prompts")
    except (OSError, ValueError, AttributeError):
        return Prompts()
    if not isinstance(stated, Mapping):
        return Prompts()
    prompts = {name: text for name, text in stated.items() if isinstance(text, str)}
    passage = next((prompts[name] for name in PASSAGE_PROMPTS if prompts.get(name)), "")
    return Prompts(prompts.get("query", ""), passage)


def modules_digest(folder: Path, names: Sequence[str]) -> str:
    """8 hexadecimal digits over every file in the module folders `names` of the model in `folder`; "" when there are
    none.
    """
    files = [file for name in names for file in sorted((folder / name).rglob("*")) if file.is_file()]
    if not names:
        return ""
    return _digest([list(names), [(str(file.relative_to(folder)), sha256_file(file)) for file in files]])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:8]
