"""Examples chosen for a run, and their rows as a dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from raft.records import RaftExample
from raft.training.packing import PackedSequence


def limited_examples(examples: Sequence[RaftExample], limit: int | None) -> list[RaftExample]:
    """The first whole contexts with together at most `limit` examples, drawn evenly by a hash of the context."""
    if limit is None or len(examples) <= limit:
        return list(examples)
    contexts: dict[str, list[RaftExample]] = {}
    for example in sorted(examples, key=lambda e: hashlib.sha256(e.context.encode()).digest()):
        contexts.setdefault(example.context, []).append(example)
    chosen: list[RaftExample] = []
    for members in contexts.values():
        if len(chosen) + len(members) <= limit:
            chosen += members
    return chosen


def as_dataset(rows: Sequence[PackedSequence]) -> Any:
    """The rows as a `datasets.Dataset`, in order."""
    from datasets import Dataset

    return Dataset.from_list(
        [{"input_ids": r.input_ids, "labels": r.labels, "position_ids": r.position_ids, "branch": r.branch} for r in rows]
    )
