"""The report of an `add`: counts, reasons and findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class AddReport:
    """The counts, failures and findings of one `add`.

    Counts are of files, but for `documents`, `duplicates`, the documents that were not indexed because another says the
    same, and `unencoded`, the chunks without a vector. `failed` are (path, reason); `cleaned` is how many blocks each
    step of cleaning changed, `personal_data` findings by kind; `waiting` files are to be read again.
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
