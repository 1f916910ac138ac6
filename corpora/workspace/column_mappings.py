"""Column mappings of tables, remembered for each file of a collection.

A later reading takes a file as the first did.

One small file of the workspace, `mappings.json`, written atomically. The caller holds the writer lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from corpora.durable_files import write_json
from corpora.errors import UnreadableDocument, WorkspaceError
from corpora.readers import media_type
from corpora.readers.tables.documents import FieldMapping
from corpora.readers.tables.rows import CSV, JSON, JSONL, TSV

FILE = "mappings.json"
_FORMAT = 1
_HEAD_BYTES = 8192
# What may hold tables: they themselves, archives, and mails by their attachments.
_TABLES = (CSV, TSV, JSON, JSONL, "message/rfc822")

Mappings = dict[tuple[str, str], FieldMapping]
"""`(collection, file)` → mapping."""


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: tuple[str, ...]
    title: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int
    collections: dict[str, dict[str, _Mapping]]


def read_mappings(root: Path) -> Mappings:
    """What the workspace at `root` remembers. Raises WorkspaceError when the file is damaged."""
    path = root / FILE
    if not path.exists():
        return {}
    try:
        stored = _File.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise WorkspaceError(f"{path} cannot be read ({_first_line(error)}); delete it and give --map again") from error
    if stored.format != _FORMAT:
        raise WorkspaceError(f"{path} has format {stored.format}; this version reads {_FORMAT}: update raftsmith")
    return {
        (collection, file): FieldMapping(**mapping.model_dump())
        for collection, files in stored.collections.items()
        for file, mapping in files.items()
    }


def remember(root: Path, mappings: Mappings) -> None:
    """Write `mappings` as all that the workspace remembers; without any there is no file."""
    if not mappings:
        (root / FILE).unlink(missing_ok=True)
        return
    collections: dict[str, dict[str, object]] = {}
    for (collection, file), mapping in mappings.items():
        collections.setdefault(collection, {})[file] = asdict(mapping)
    write_json(root / FILE, {"format": _FORMAT, "collections": collections})


def forget(root: Path, files: Iterable[tuple[str, str]]) -> None:
    """Drop what is remembered of `files`, which are (file, collection)."""
    mappings = read_mappings(root)
    gone = {(collection, file) for file, collection in files}
    if gone & mappings.keys():
        remember(root, {key: mapping for key, mapping in mappings.items() if key not in gone})


def may_hold_tables(path: Path) -> bool:
    """True for tables, and for archives and mails, which may have some inside.

    Reads the head of the file; never raises.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    try:
        kind = media_type(head, path.name)
    except UnreadableDocument:
        # A zip whose directory lies beyond the head may be an archive or a document; a mapping does a document no harm.
        return head.startswith(b"PK")
    return kind in _TABLES or kind.startswith("archive/")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
