"""Tar archives, plain or compressed, read as a stream with bounded memory. Nothing is extracted to disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO, RawIOBase
from typing import Protocol, Self

from corpora.errors import UnreadableDocument
from corpora.readers.containers.limits import (
    CHUNK_BYTES,
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

_MAX_META_BYTES = 2**20
_XZ_MEMORY_BYTES = 128 * 2**20
_META_TYPES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_NOT_FILES = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Xz:
    """The unpacked bytes of one or more xz streams; unlike the library's file object it limits the decoder's memory."""

    def __init__(self, raw: BytesIO) -> None:
        self._raw = raw
        self._decoder = self._new()

    def read(self, size: int, /) -> bytes:
        while True:
            packed = b""
            if self._decoder.eof:
                packed = self._decoder.unused_data.lstrip(b"\0") or self._raw.read(CHUNK_BYTES).lstrip(b"\0")
                if not packed:
                    return b""
                self._decoder = self._new()
            elif self._decoder.needs_input:
                packed = self._raw.read(CHUNK_BYTES)
                if not packed:
                    raise EOFError("the compressed data ends early")
            if chunk := self._decoder.decompress(packed, size):
                return chunk

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


def _plain(raw: BytesIO) -> _Readable:
    return raw


def _gzip(raw: BytesIO) -> _Readable:
    return gzip.GzipFile(fileobj=raw)


_BZ2_START = re.compile(rb"BZh[1-9]1AY&SY")
_DECODERS: dict[str, tuple[bytes, Callable[[BytesIO], _Readable]]] = {
    "tar.gz": (b"\x1f\x8b\x08", _gzip),
    "tar.bz2": (b"BZh", bz2.BZ2File),
    "tar.xz": (b"\xfd7zXZ\0", _Xz),
    "tar": (b"", _plain),
}


class _Header(tarfile.TarInfo):
    """A header block that is refused, not skipped, when it is damaged or asks for much memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):  # the library would take this for the end of the archive
                raise UnreadableDocument(f"damaged or cut off ({error}); copy the archive again") from error
            raise
        if header.size < 0 or (header.type in _META_TYPES and header.size > _MAX_META_BYTES):
            raise UnreadableDocument("a header with an impossible size; ask for a new copy of the archive")
        return header


class _Unpacked(RawIOBase):
    """The unpacked stream, charged to the budget as it flows."""

    def __init__(self, data: bytes, kind: str, budget: Budget) -> None:
        self._raw = BytesIO(data)
        self._stream = _DECODERS[kind][1](self._raw)
        self._budget = budget
        self._size = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._stream.read(CHUNK_BYTES if size < 0 else min(size, CHUNK_BYTES))
        self._size += len(chunk)
        self._budget.spend(len(chunk))
        if suspicious(self._size, self._raw.tell()):
            raise LimitExceeded(f"unpacks to more than {MAX_RATIO} times its size (a decompression bomb); refused")
        return chunk


def kind_of(data: bytes) -> str | None:
    """ "tar", "tar.gz", "tar.bz2", "tar.xz", or None when `data` is not a tar archive. Unpacks its first block only.

    Compressed data too damaged to tell is taken for a tar, so that reading it says what is wrong.
    """
    if data.startswith(b"BZh") and not _BZ2_START.match(data):
        return None  # text that happens to start so
    for kind, (magic, decoder) in _DECODERS.items():
        if data.startswith(magic):
            return kind if _starts_with_header(decoder(BytesIO(data))) else None
    return None


def entries(data: bytes, kind: str, budget: Budget) -> Iterator[Member | Refused]:
    """The files of a tar archive in its own order.

    Raises UnreadableDocument where it is damaged, LimitExceeded any time.
    """
    try:
        with tarfile.open(fileobj=_Unpacked(data, kind, budget), mode="r|", tarinfo=_Header) as archive:
            for info in archive:
                budget.count()
                entry = _entry(archive, info)
                if entry is not None:
                    yield entry
    except UnreadableDocument:
        raise
    except Exception as error:  # the library's, the decoders' and number errors: the stream cannot be followed further
        raise UnreadableDocument(f"damaged or cut off ({error or type(error).__name__}); copy the archive again") from error


def _entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member | Refused | None:
    try:
        path = harmless_path(info.name)
        if info.isdir() or hidden(path):
            return None
        if not path:
            raise UnreadableDocument("it has no name; rename it and pack it again")
        if not info.isreg() or info.issparse():
            kind = _NOT_FILES.get(info.type, "a sparse or special file")
            raise UnreadableDocument(f"{kind}, not an ordinary file; pack the file itself")
        check_size(info.size)
    except UnreadableDocument as error:
        return Refused(shown(info.name), str(error))
    stream = archive.extractfile(info)
    return Member(path, stream.read(info.size) if stream is not None else b"")


def _starts_with_header(stream: _Readable) -> bool:
    head = b""
    try:
        while len(head) < tarfile.BLOCKSIZE and (chunk := stream.read(tarfile.BLOCKSIZE - len(head))):
            head += chunk
    except Exception:  # a decoder's failure
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except Exception:  # header and number errors
        return False
    return True
