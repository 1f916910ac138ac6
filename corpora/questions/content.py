"""What a question file holds before its format is known: its text, one JSON value, or named rows. Knows no format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import QuestionsError, UnreadableDocument
from corpora.readers.text import decode

MAX_BYTES = 2**30
ACCEPTED = (
    "Accepted: SQuAD, PubMedQA, BioASQ, MedQuAD, gorilla RAFT, and JSONL or CSV rows with question, answer and evidence, whose "
    "columns --map FIELD=COLUMN names"
)
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Table:
    """Rows with what each is called ("line 7"), and `(name, reason)` for those that are no row.

    `format`: "jsonl" or "csv".
    """

    rows: tuple[tuple[str, dict[str, Any]], ...]
    broken: tuple[tuple[str, str], ...]
    format: str


def read_text(path: Path) -> str:
    """The text of a file, unpacked where it is compressed, without white space around it. Raises QuestionsError."""
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        if data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise QuestionsError(f"{path} is damaged gzip ({error}); fetch or pack it again") from error
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror or error}; check the path and its rights") from error
    if len(data) > MAX_BYTES:
        raise QuestionsError(f"{path} holds more than {MAX_BYTES // 2**20} MiB of text; split it")
    try:
        text = decode(data).strip()
    except UnreadableDocument as error:
        raise QuestionsError(f"{path} is not text: {error}. {ACCEPTED}") from error
    if not text:
        raise QuestionsError(f"{path} is empty. {ACCEPTED}")
    if "\0" in text[:4096]:
        raise QuestionsError(f"{path} is binary. {ACCEPTED}")
    return text


def whole_json(text: str) -> Any:
    """The one JSON value that `text` is, or None when it is not one."""
    if text[0] not in "{[":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_table(text: str, value: Any, path: Path) -> Table:
    """The rows of a JSON list or object (`value`), of JSONL, or of CSV with a header. Raises QuestionsError."""
    if isinstance(value, dict):
        return Table((("line 1", value),), (), "jsonl")
    if isinstance(value, list):
        return _table(((f"item {number}", item) for number, item in enumerate(value, start=1)))
    if text[0] in "{[":
        table = _table(_lines(text))
        if not table.rows:
            raise QuestionsError(f"{path} looks like JSON and is neither one JSON value nor JSONL; write it again. {ACCEPTED}")
        return table
    return _csv(text, path)


def _table(items: Iterable[tuple[str, Any]]) -> Table:
    rows: list[tuple[str, dict[str, Any]]] = []
    broken: list[tuple[str, str]] = []
    for name, item in items:
        if isinstance(item, dict):
            rows.append((name, item))
        else:
            broken.append((name, "it is not a JSON object"))
    return Table(tuple(rows), tuple(broken), "jsonl")


def _lines(text: str) -> Iterable[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"line {number}", None


def _csv(text: str, path: Path) -> Table:
    header = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    if not header.count(delimiter):
        raise QuestionsError(f"{path} starts with {header[:40]!r}, which is neither JSON nor the header of a CSV. {ACCEPTED}")
    rows: list[tuple[str, dict[str, Any]]] = []
    broken: list[tuple[str, str]] = []
    limit = csv.field_size_limit(len(text) + 1)  # the limit of the module, 128 KiB, is less than a long contract
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter), start=1):
            if None in row:
                broken.append((f"row {number}", "it has more cells than the header"))
            else:
                rows.append((f"row {number}", row))
    except csv.Error as error:
        raise QuestionsError(f"{path} is not CSV: {error}; save it again as CSV in UTF-8") from error
    finally:
        csv.field_size_limit(limit)
    return Table(tuple(rows), tuple(broken), "csv")
