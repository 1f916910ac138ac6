"""Column mappings of table files: the one that is given now, or the one that the workspace remembers.

Reads no table itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from corpora.ingest.file_discovery import source_name
from corpora.readers.tables.documents import FieldMapping
from corpora.workspace.column_mappings import Mappings, may_hold_tables, read_mappings, remember
from retrieval.indexing.add_report import AddReport


def by_mapping(
    root: Path, collection: str, files: Sequence[Path], mapping: FieldMapping | None
) -> list[tuple[FieldMapping | None, list[Path]]]:
    """`files` grouped by column mapping: `mapping`, else the one that the workspace at `root` remembers.

    Remembers `mapping`. It is written before anything is read, so that an `add` that was killed goes on with it.
    """
    mappings = read_mappings(root)
    if mapping:
        mapped = {(collection, source_name(file)): mapping for file in files if may_hold_tables(file)}
        mappings |= mapped
        if mapped:
            remember(root, mappings)
    groups: dict[FieldMapping | None, list[Path]] = {}
    for file in files:
        groups.setdefault(mappings.get((collection, source_name(file))), []).append(file)
    return list(groups.items())


def keep_working(root: Path, collection: str, before: Mappings, failed: Collection[str]) -> None:
    """Restore the mappings of files that could not be read with the new one: they keep the mapping that they had
    `before`.
    """
    now = read_mappings(root)
    after = {
        key: mapping
        for key, new in now.items()
        if (mapping := before.get(key) if key[0] == collection and key[1] in failed else new)
    }
    if after != now:
        remember(root, after)


def together(earlier: AddReport, later: AddReport) -> AddReport:
    """The sum of two reports, with what is still open from the `later` one."""
    return AddReport(
        earlier.added + later.added,
        earlier.unchanged + later.unchanged,
        earlier.removed + later.removed,
        earlier.documents + later.documents,
        [*earlier.failed, *later.failed],
        earlier.cleaned + later.cleaned,
        earlier.personal_data + later.personal_data,
        earlier.duplicates + later.duplicates,
        later.waiting,
        later.unencoded,
        later.snapshot,
    )
