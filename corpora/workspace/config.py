"""`raftsmith.toml`: tables of values, each declared as a section by the package that reads it.

A section is a frozen pydantic dataclass that forbids other keys, with the name of its table (`SECTION`), a default for
every field, and a description for every field that people set. This module knows how sections are read, checked and
written, and none of them by name: who sees all packages passes them.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from corpora.errors import WorkspaceError


class Section(Protocol):
    """The options of one table.

    `PARTIAL`: the class reads some of the table's keys, and leaves the others to its subclass.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    SECTION: ClassVar[str]
    PARTIAL: ClassVar[bool]


S = TypeVar("S", bound=Section)
Sections = Sequence[type[Section]]


@dataclass(frozen=True)
class Config:
    """What a `raftsmith.toml` says: the values of its tables as they were written, by table.

    Without a file every default holds.
    """

    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    path: Path | None = None

    def options(self, section: type[S], **overrides: Any) -> S:
        """The options of one section: `overrides` over what the file says over the defaults.

        A model that one of the workspace's own runs made is given by its full path: written they stay right when the
        workspace moves. Raises WorkspaceError for an unknown key (with a suggestion) and for a wrong value.
        """
        keys = [item.name for item in fields(section)]
        values = {key: self._anchored(value) for key, value in self.tables.get(section.SECTION, {}).items()}
        if section.PARTIAL:
            values = {key: value for key, value in values.items() if key in keys}
        try:
            return TypeAdapter(section).validate_python({**values, **overrides})
        except ValidationError as error:
            raise WorkspaceError(
                f"{self.path}: {_said(error, section.SECTION, [f'{section.SECTION}.{key}' for key in keys])}"
            ) from error

    def with_options(self, options: Section) -> Config:
        """The configuration with all values of one section replaced."""
        return replace(self, tables={**self.tables, options.SECTION: asdict(options)})

    def check(self, sections: Sections) -> None:
        """Read every section.

        Raises WorkspaceError for a table or a key that none of them has, and for a wrong value.
        """
        by_table = {section.SECTION: section for section in sections}
        keys = [*by_table, *(f"{name}.{key}" for name, section in by_table.items() for key, _ in described(section))]
        for name in self.tables:
            if name not in by_table:
                raise WorkspaceError(f"{self.path}: {_unknown(name, keys)}")
            for key in self.tables[name]:
                if key not in {item.name for item in fields(by_table[name])}:
                    raise WorkspaceError(f"{self.path}: {_unknown(f'{name}.{key}', keys)}")
            self.options(by_table[name])

    def _anchored(self, value: Any) -> Any:
        if self.path is None or not isinstance(value, str) or not value.startswith("runs/"):
            return value
        anchored = self.path.parent / value
        return str(anchored) if anchored.is_dir() else value


def read_config(path: Path) -> Config:
    """The configuration in `path`.

    Raises WorkspaceError for what is not TOML, and for a value that stands outside of a table.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WorkspaceError(f"{path} is not readable TOML: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise WorkspaceError(f"{path}: {name} stands outside of a table; write it under one, e.g. [search]")
    return Config(tables, path)


def described(section: type[Section]) -> Iterator[tuple[str, str]]:
    """`(key, description)` of every key of a section that people set, in order."""
    for item in fields(section):
        description = getattr(item.default, "description", None)
        if description:
            yield item.name, description


def default_toml(sections: Sections) -> str:
    """The commented configuration that `init` writes; every line is a default."""
    lines = ["# raftsmith workspace. Every value here is the default; change what you need.", ""]
    for section in sections:
        defaults = asdict(section())
        lines += [f"# {(section.__doc__ or '').strip().splitlines()[0]}", f"[{section.SECTION}]"]
        lines += [f"{key} = {json.dumps(defaults[key])}  # {text}" for key, text in described(section)]
        lines.append("")
    return "\n".join(lines)


def _said(error: ValidationError, table: str, keys: Sequence[str]) -> str:
    first = error.errors()[0]
    name = ".".join([table, *(str(part) for part in first["loc"])])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return _unknown(name, keys)
    return f"{name} is {first['input']!r}: {first['msg']}"


def _unknown(name: str, keys: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, keys, n=1, cutoff=0.4)
    return f"unknown key {name}; " + (f"did you mean {close[0]}?" if close else f"accepted: {', '.join(keys)}")
