"""Readers and facts that a file is added with, such as its licence.

Kept for its next versions too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from corpora.errors import RaftsmithError

EVERYBODY: tuple[str, ...] = ()
MAX_READER_CHARACTERS = 200


@dataclass(frozen=True)
class SourceAttributes:
    """`readers` are names of people or groups, sorted, none for everybody.

    `metadata` goes over what the source itself states.
    """

    readers: tuple[str, ...] = EVERYBODY
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """As the store keeps it; equal for equal values."""
        return json.dumps({"readers": self.readers, "metadata": dict(sorted(self.metadata.items()))}, ensure_ascii=False)


def attributes_from_json(text: str) -> SourceAttributes:
    """The attributes that `SourceAttributes.to_json` wrote; "{}" has none."""
    value = json.loads(text)
    return SourceAttributes(tuple(value.get("readers", ())), value.get("metadata", {}))


def reader_names(names: Collection[str]) -> tuple[str, ...]:
    """The names, each once, sorted. Raises RaftsmithError for one that is empty, too long or has control characters."""
    for name in names:
        if not name.strip() or len(name) > MAX_READER_CHARACTERS or not name.isprintable():
            raise RaftsmithError(
                f"{name!r} is no name of a reader; accepted: 1 to {MAX_READER_CHARACTERS} printable characters, as in alice or group:oncology"
            )
    return tuple(sorted({name.strip() for name in names}))
