"""Values of `raftsmith.toml` changed in place; comments and everything else stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tomlkit

from corpora.durable_files import write_atomic

Value = str | float | int | bool


def with_value(text: str, section: str, key: str, value: Value) -> str:
    """`text` with `key` of `[section]` as `value`; what is missing is added."""
    document = tomlkit.parse(text)
    document.setdefault(section, tomlkit.table())[key] = value
    return tomlkit.dumps(document)


def write_values(path: Path, section: str, values: Mapping[str, Value]) -> bytes:
    """Set `values` of `[section]` in the file at `path`, atomically, and give what was written. Raises OSError."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        text = with_value(text, section, key, value)
    data = text.encode()
    write_atomic(path, data)
    return data
