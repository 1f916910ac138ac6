"""Tables read as documents, one a row: CSV, TSV, JSON Lines and a JSON list of objects.

A mapping says which field is what.

Without a mapping the fields' names are asked; where they do not tell, the table is one document and each row an item of
it, so that nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from corpora.errors import UnreadableDocument
from corpora.readers import text
from corpora.readers.containers.limits import printable
from corpora.readers.tables.rows import Row, parse, value_text
from corpora.records import Block, Reading

_TEXT_NAMES = ("text", "content", "contents", "body")
_TITLE_NAMES = ("title", "name", "question")
_ID_NAMES = ("id", "_id")
_PROSE_CHARACTERS = 200
_MAX_PART_CHARACTERS = 200


@dataclass(frozen=True)
class FieldMapping:
    """Which fields of a row are its text (in reading order), title, id and metadata; names exactly as in the file."""

    text: tuple[str, ...]
    title: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] = ()


def read_rows(data: bytes, media_type: str, mapping: FieldMapping | None = None) -> list[Reading]:
    """One reading a row, or, without a mapping, one reading with all rows as items.

    `part` is the row's id or "row N" (from 1).

    Raises UnreadableDocument when the table is damaged (naming the line) or lacks a field that `mapping` names.
    """
    rows = parse(data, media_type)
    fields = list(dict.fromkeys(name for row in rows for name in row))
    if mapping is None:
        mapping = guess_mapping(rows, fields)
    else:
        _check(mapping, fields)
    if mapping is None:
        return [Reading(None, [Block("item", line) for row in rows if (line := _line(row, fields))])]
    parts = _parts(rows, mapping.id)
    return [_reading(row, part, mapping, fields) for row, part in zip(rows, parts, strict=True)]


def guess_mapping(rows: Sequence[Row], fields: Sequence[str]) -> FieldMapping | None:
    """A mapping by the fields' names, None when no field that is filled in most rows has the name of a text.

    What is left over is text where it is prose (over 200 characters somewhere), else metadata.
    """
    body = next((name for name in _TEXT_NAMES if 2 * sum(bool(value_text(row.get(name))) for row in rows) > len(rows)), None)
    if body is None:
        return None
    title = next((name for name in _TITLE_NAMES if name in fields), None)
    identifier = next((name for name in _ID_NAMES if name in fields), None)
    remaining = [name for name in fields if name not in (body, title, identifier)]
    prose = {name for name in remaining if any(len(value_text(row.get(name))) > _PROSE_CHARACTERS for row in rows)}
    return FieldMapping(
        (body, *(name for name in remaining if name in prose)),
        title,
        identifier,
        tuple(name for name in remaining if name not in prose),
    )


def _check(mapping: FieldMapping, fields: Sequence[str]) -> None:
    if not mapping.text:
        raise UnreadableDocument("the field mapping names no text field; name at least one")
    mapped = (*mapping.text, mapping.title, mapping.id, *mapping.metadata)
    missing = [name for name in mapped if name is not None and name not in fields]
    if missing:
        raise UnreadableDocument(
            f"no field {', '.join(map(repr, missing))}; the fields there are: {', '.join(map(repr, fields))}"
        )


def _reading(row: Row, part: str, mapping: FieldMapping, fields: Sequence[str]) -> Reading:
    filled = [name for name in mapping.text if value_text(row.get(name)).strip()]
    blocks: list[Block] = []
    for name in filled:
        if len(mapping.text) > 1:
            blocks.append(Block("heading", name, 2))
        blocks += _paragraphs(row[name])
    if not filled and (line := _line(row, fields)):
        blocks.append(Block("item", line))
    title = value_text(row.get(mapping.title)).strip() if mapping.title is not None else ""
    if not title and len(mapping.text) > 1:
        title = part  # else the first field's name, a heading, would be taken for the title
    metadata = {name: value for name in mapping.metadata if (value := value_text(row.get(name)))}
    return Reading(title or None, blocks, part, metadata)


def _paragraphs(value: object) -> Sequence[Block]:
    """The blocks of a text field; a list of strings is a list of paragraphs."""
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    whole = "\n\n".join(cast("list[str]", value)) if listed else value_text(value)
    return text.read(whole.encode("utf-8", "replace"))[0].blocks


def _line(row: Mapping[str, object], fields: Sequence[str]) -> str:
    return "; ".join(f"{name}: {value}" for name in fields if (value := value_text(row.get(name)).strip()))


def _parts(rows: Sequence[Row], identifier: str | None) -> list[str]:
    """A name for each row, no two alike."""
    parts: list[str] = []
    used: set[str] = set()
    for number, row in enumerate(rows, 1):
        row_id = value_text(row.get(identifier)) if identifier is not None else ""
        part = printable(re.sub(r"\s+", " ", row_id).strip())[:_MAX_PART_CHARACTERS] or f"row {number}"
        if part in used:
            part = f"{part} (row {number})"
        used.add(part)
        parts.append(part)
    return parts
