"""Rows of tables as mappings from field to value: CSV and TSV in any dialect, JSON Lines, JSON.

Does not know what they mean.
"""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import PurePath
from typing import TypeAlias

from corpora.errors import UnreadableDocument
from corpora.readers.text import decode

Row: TypeAlias = dict[str, object]

CSV = "text/csv"
TSV = "text/tab-separated-values"
JSONL = "application/jsonl"
JSON = "application/json"
MAX_ROWS = 500_000
_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 4_096
_OPENS_OBJECT = re.compile(r'\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)')
_OPENS_LIST = re.compile(r'\[\s*\{\s*"')
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")

# The library's limit is one for the process and 128 KiB, less than one judgment in one field; the file's size is the
# bound.
csv.field_size_limit(64 * 2**20)


def parse(data: bytes, media_type: str) -> list[Row]:
    """The rows, at least one.

    Raises UnreadableDocument naming the line that is broken, ValueError for an unknown type.
    """
    if media_type in (CSV, TSV):
        rows = _delimited(decode(data), "\t" if media_type == TSV else None)
    elif media_type in (JSONL, "application/x-ndjson"):
        rows = _json_lines(decode(data))
    elif media_type == JSON:
        rows = _json_list(decode(data))
    else:
        raise ValueError(f"not a type of tables: {media_type}")
    if not rows:
        raise UnreadableDocument("a table without rows; a first line of column names needs rows below it")
    return rows


def value_text(value: object) -> str:
    """A value as text: strings as they are, nothing for None, everything else as compact JSON.

    Never a lone surrogate.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")


def looks_like_jsonl(head: bytes) -> bool:
    """True when the first line is a JSON object, or the start of one that is longer than `head`."""
    line, newline, _ = _decoded(head).lstrip().partition("\n")
    if not _OPENS_OBJECT.match(line):
        return False
    if not newline:
        return True
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def looks_like_json(head: bytes) -> bool:
    """True when `head` opens a JSON list of objects."""
    return _OPENS_LIST.match(_decoded(head).lstrip()) is not None


def looks_like_csv(head: bytes, name: str) -> bool:
    """True for text named .csv or .tsv, and for other text that looks like a table.

    That is, its five or more whole lines all have as many cells, over two.
    """
    if b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return False
    sample = _decoded(head)
    if PurePath(name.lower()).suffix in (".csv", ".tsv", ".tab"):
        return bool(sample.strip())
    lines = sample[: sample.rfind("\n") + 1]
    if not _may_be_rows(lines):
        return False
    try:
        rows = [row for row in csv.reader(StringIO(lines, newline=""), delimiter=_delimiter(lines)) if row]
    except csv.Error:
        return False
    return len(rows) >= 5 and len(rows[0]) > 2 and {len(row) for row in rows} == {len(rows[0])}


def _may_be_rows(lines: str) -> bool:
    """False where a quick look shows that no delimiter gives rows of equal length.

    It takes the lines before the first quotation mark, each of them a row.

    Only to be quick: the library tries every character of a text as its delimiter.
    """
    plain = [line for line in re.split(r"[\r\n]+", lines.partition('"')[0]) if line]
    if '"' in lines:
        plain = plain[:-1]
    return not plain or any(
        len({line.count(mark) for line in plain} | {max(2, plain[0].count(mark))}) == 1 for mark in _DELIMITERS
    )


def _decoded(head: bytes) -> str:
    utf = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return head.decode(utf, "ignore")


def _delimiter(sample: str) -> str:
    """The sniffed delimiter if the first line has it, else the candidate that the first line has most often."""
    sample = sample[:_SAMPLE_CHARACTERS]
    first = sample.lstrip("\r\n").partition("\n")[0]
    try:
        sniffed = csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:
        sniffed = ""
    if sniffed and sniffed in first:
        return sniffed
    return max(_DELIMITERS, key=first.count)


def _delimited(table: str, delimiter: str | None) -> list[Row]:
    reader = csv.reader(StringIO(table, newline=""), delimiter=delimiter or _delimiter(table))
    rows: list[Row] = []
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                numbers_only = all(_NUMBER.fullmatch(cell.strip()) for cell in cells if cell.strip())
                names = _column_names([] if numbers_only else cells)
                if not numbers_only:
                    continue
            if len(cells) > len(names):
                names = _column_names(names + [""] * (len(cells) - len(names)))
            rows.append({name: cell for name, cell in zip(names, cells, strict=False) if cell})
            _check_count(rows)
    except csv.Error as error:
        raise UnreadableDocument(f"line {reader.line_num} of the table is broken ({error})") from error
    return rows


def _column_names(cells: list[str]) -> list[str]:
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = " ".join(cell.split()) or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


def _json_lines(lines: str) -> list[Row]:
    rows: list[Row] = []
    # Not splitlines(): a JSON string may hold U+2028 and its like.
    for number, line in enumerate(lines.split("\n"), 1):
        if line.strip():
            rows.append(_object(_loads(line, f"line {number}"), f"line {number}"))
            _check_count(rows)
    return rows


def _json_list(whole: str) -> list[Row]:
    loaded = _loads(whole, "the file")
    values = loaded if isinstance(loaded, list) else [loaded]
    rows = [_object(value, f"entry {number}") for number, value in enumerate(values, 1)]
    _check_count(rows)
    return rows


def _loads(source: str, where: str) -> object:
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(f"{where} is not JSON ({error}); correct it or take it out") from error


def _object(value: object, where: str) -> Row:
    if not isinstance(value, dict):
        raise UnreadableDocument(f"{where} is a {type(value).__name__}; accepted: JSON objects, one a row")
    return value


def _check_count(rows: list[Row]) -> None:
    if len(rows) > MAX_ROWS:
        raise UnreadableDocument(f"more than {MAX_ROWS:,} rows; split the table")
