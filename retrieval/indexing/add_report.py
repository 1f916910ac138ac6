"""What `add` did: counts, reasons and findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class AddReport:
    """What `add` did: files, `failed` as (path, reason), documents, how many blocks each step of cleaning changed, findings of
    personal data by kind, and documents that were not indexed because another says the same. `waiting` are files to be read again,
    `unencoded` chunks that have no vector yet.
    """

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    documents: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    cleaned: Counter[str] = field(default_factory=Counter)
    personal_data: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    waiting: int = 0
    unencoded: int = 0
    snapshot: int = 0
