"""The mark on a dataset or run that was made from documents purged since.

A dataset is refused by it, a run is used with a warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpora.durable_files import write_json

_FILE = "purged.json"


def mark_purged(folder: Path, documents: Iterable[str]) -> None:
    """Mark the dataset or run in `folder` as made from `documents`, which are purged."""
    write_json(folder / _FILE, {"documents": sorted(documents)})


def is_purged(folder: Path) -> bool:
    """True for a dataset or run that was made from documents that have been purged since."""
    return (folder / _FILE).exists()
