"""Files by how the rows in them are read: as told now, or as the workspace remembers. Reads no table itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from corpora.ingest.file_discovery import source_name
from corpora.readers.tables.documents import FieldMapping
from corpora.workspace.column_mappings import Mappings, may_hold_tables, read_mappings, remember
from retrieval.indexing.add_report import AddReport


def by_mapping(
    root: Path, collection: str, files: Sequence[Path], given: FieldMapping | None
) -> list[tuple[FieldMapping | None, list[Path]]]:
    """`files` by how their rows are read: as `given`, else as the workspace at `root` remembers. Remembers what is given.

    It is written before anything is read, so that an `add` that was killed goes on with it.
    """
    held = read_mappings(root)
    if given:
        mapped = {(collection, source_name(file)): given for file in files if may_hold_tables(file)}
        held |= mapped
        if mapped:
            remember(root, held)
    groups: dict[FieldMapping | None, list[Path]] = {}
    for file in files:
        groups.setdefault(held.get((collection, source_name(file))), []).append(file)
    return list(groups.items())


def keep_working(root: Path, collection: str, before: Mappings, failed: Collection[str]) -> None:
    """Take back what was remembered for files that could not be read so: they keep the mapping that they had `before`."""
    now = read_mappings(root)
    after = {
        key: mapping
        for key, new in now.items()
        if (mapping := before.get(key) if key[0] == collection and key[1] in failed else new)
    }
    if after != now:
        remember(root, after)


def together(one: AddReport, other: AddReport) -> AddReport:
    """What two readings did, `other` being the later."""
    return AddReport(
        one.added + other.added,
        one.unchanged + other.unchanged,
        one.removed + other.removed,
        one.documents + other.documents,
        [*one.failed, *other.failed],
        one.cleaned + other.cleaned,
        one.personal_data + other.personal_data,
        one.duplicates + other.duplicates,
        other.waiting,
        other.unencoded,
        other.snapshot,
    )
