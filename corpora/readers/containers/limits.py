"""What no container may do, whatever its format: limits on count, size and compression, and names made harmless.

Knows nothing of zip, tar or mail. Nothing here or in the modules that use it writes to disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from corpora.errors import UnreadableDocument

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 512 * 2**20
MAX_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 2**20
MAX_PATH_CHARACTERS = 1_024
MAX_NAME_CHARACTERS = 120
CHUNK_BYTES = 64 * 2**10
_DRIVE = re.compile(r"[A-Za-z]:/")


class LimitExceeded(UnreadableDocument):
    """The archive as a whole is over a limit: nothing further of it is read, however deep it is nested."""


@dataclass(frozen=True)
class Member:
    """One file of an archive. `name` is a relative POSIX path without "..", control characters or a hidden part."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Refused:
    """A member that is not read, and why. `name` is for display only; "" stands for the rest of the archive."""

    name: str
    reason: str


class Budget:
    """What may still be unpacked. One budget serves an archive and all that is nested in it."""

    def __init__(self) -> None:
        self._members = 0
        self._bytes = 0

    def count(self, members: int = 1) -> None:
        """Account for entries of any kind. Raises LimitExceeded above MAX_MEMBERS."""
        self._members += members
        if self._members > MAX_MEMBERS:
            raise LimitExceeded(f"more than {MAX_MEMBERS:,} members; split the archive")

    def spend(self, size: int) -> None:
        """Account for unpacked bytes. Raises LimitExceeded above MAX_TOTAL_BYTES."""
        self._bytes += size
        if self._bytes > MAX_TOTAL_BYTES:
            raise LimitExceeded(f"more than {MAX_TOTAL_BYTES // 2**20} MiB unpacked; split the archive")


def check_size(size: int) -> None:
    """Raises UnreadableDocument when a member of `size` unpacked bytes is too large."""
    if size > MAX_MEMBER_BYTES:
        raise UnreadableDocument(f"more than {MAX_MEMBER_BYTES // 2**20} MiB unpacked; split the file")


def suspicious(unpacked: int, packed: int) -> bool:
    """True when so much came out of so little that it must be a decompression bomb."""
    return unpacked > max(RATIO_COUNTS_FROM_BYTES, MAX_RATIO * packed)


def harmless_path(name: str) -> str:
    """`name` as a relative POSIX path, "" for the archive's own root. Raises UnreadableDocument with the reason."""
    if "\0" in name:
        raise UnreadableDocument("a NUL character in its name; rename it and pack it again")
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        raise UnreadableDocument("an absolute path; pack it again with relative names")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if any(part.strip() == ".." for part in parts):
        raise UnreadableDocument('".." in its path, which leads out of the archive; pack it again with plain names')
    if len(path) > MAX_PATH_CHARACTERS:
        raise UnreadableDocument(f"a path of {len(path):,} characters; at most {MAX_PATH_CHARACTERS:,}: rename it")
    return printable("/".join(parts))


def hidden(path: str) -> bool:
    """True for what file managers leave behind and do not show."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def harmless_name(name: str) -> str:
    """A bare file name: no folders, no control characters, at most MAX_NAME_CHARACTERS, ending kept. May be ""."""
    base = printable(name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]).strip(". ")
    if len(base) <= MAX_NAME_CHARACTERS:
        return base
    ending = PurePosixPath(base).suffix[:20]
    return base[: MAX_NAME_CHARACTERS - len(ending)] + ending


def printable(text: str) -> str:
    """Every character that is not printable (control, bidirectional override, lone surrogate) as "_"."""
    return "".join(character if character.isprintable() else "_" for character in text)


def shown(name: str) -> str:
    """A refused name as it may be logged and displayed."""
    text = printable(name)
    return text if len(text) <= 200 else text[:199] + "…"
