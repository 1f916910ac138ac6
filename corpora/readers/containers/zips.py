"""Zip containers opened with care: no header is believed, nothing is unpacked that was not asked for.

Serves plain zip archives and the document formats that are zips inside. Does not know what the members mean.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

from corpora.errors import UnreadableDocument
from corpora.readers.containers.limits import (
    CHUNK_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    Budget,
    LimitExceeded,
    Member,
    Refused,
    check_size,
    harmless_path,
    hidden,
    shown,
    suspicious,
)

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40
_UTF8 = 0x800
_LOCAL_HEADER_BYTES = 30


class Zip:
    """A zip container in memory.

    Raises UnreadableDocument when it is damaged, has too many entries, or overlapping ones.
    """

    def __init__(self, data: bytes, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        # The directory is parsed as a whole, so its length is bounded first; members stored inside may hold entries
        # too.
        if data.count(_ENTRY) > 10 * MAX_MEMBERS:
            raise LimitExceeded(f"more than {MAX_MEMBERS:,} members; split the archive")
        try:
            self._archive = zipfile.ZipFile(BytesIO(data))
        except Exception as error:  # struct, offset and encoding errors of a hostile directory besides BadZipFile
            raise UnreadableDocument(f"a damaged zip container ({error}); copy it again from where it came from") from error
        self.entries = self._archive.infolist()
        self._budget.count(len(self.entries))
        self._check_overlaps()

    def names(self) -> dict[str, zipfile.ZipInfo]:
        """The entries by their own, unchecked names: keys to look up, not paths."""
        return {entry.filename: entry for entry in self.entries}

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """The member's bytes. Raises UnreadableDocument when it is encrypted, damaged, too large or a bomb."""
        if entry.flag_bits & _ENCRYPTED:
            raise UnreadableDocument("encrypted; unpack it with its password and add the files")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # The library's decoders for the rarer methods have no bound on what one call gives back.
            raise UnreadableDocument(f"packed with method {entry.compress_type}; pack it again as an ordinary (deflate) zip")
        check_size(entry.file_size)
        chunks: list[bytes] = []
        size = 0
        try:
            with self._archive.open(entry) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    chunks.append(chunk)
                    size += len(chunk)
                    self._budget.spend(len(chunk))
                    check_size(size)
                    if suspicious(size, entry.compress_size):
                        raise UnreadableDocument(f"unpacks to more than {MAX_RATIO} times its size (a zip bomb); left out")
        except UnreadableDocument:
            raise
        except Exception as error:  # zlib, CRC, offset and encoding errors: one member's damage is one row
            raise UnreadableDocument(f"damaged ({error or type(error).__name__}); pack it again") from error
        return b"".join(chunks)

    def _check_overlaps(self) -> None:
        spans = sorted(
            (entry.header_offset, entry.header_offset + _LOCAL_HEADER_BYTES + _name_bytes(entry) + entry.compress_size)
            for entry in self.entries
        )
        spans.append((self._archive.start_dir, self._archive.start_dir))
        if spans[0][0] < 0 or any(end > start for (_, end), (start, _) in pairwise(spans)):
            raise UnreadableDocument("damaged or hostile: its members overlap (a zip bomb); ask for a new copy")


def entries(data: bytes, budget: Budget) -> Iterator[Member | Refused]:
    """The files of a zip archive in its own order.

    Raises UnreadableDocument before the first, LimitExceeded any time.
    """
    archive = Zip(data, budget)
    for entry in archive.entries:
        name = _name(entry)
        try:
            path = harmless_path(name)
            if entry.is_dir() or name.endswith("\\") or hidden(path):
                continue
            if not path:
                raise UnreadableDocument("it has no name; rename it and pack it again")
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
                raise UnreadableDocument("a link or a device, not a file; pack the file itself")
            content = archive.read(entry)
        except LimitExceeded:
            raise
        except UnreadableDocument as error:
            yield Refused(shown(name), str(error))
        else:
            yield Member(path, content)


def _name(entry: zipfile.ZipInfo) -> str:
    """The full name: the library cuts at a NUL, and reads as code page 437 what some tools write as unmarked UTF-8."""
    if entry.flag_bits & _UTF8:
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.orig_filename


def _name_bytes(entry: zipfile.ZipInfo) -> int:
    return len(entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437", "replace"))
