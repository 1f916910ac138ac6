"""Archives of documents: zip and tar, one inside another up to a bound.

Gives each file's bytes, and each refusal's reason.

Never extracts to disk, and does not read the documents: `archive_kind` leaves Word files, e-books and their like to
their own readers.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpora.errors import UnreadableDocument
from corpora.readers.containers import tars, zips
from corpora.readers.containers.limits import Budget, LimitExceeded, Member, Refused

__all__ = ["MAX_LEVELS", "Member", "Refused", "archive_kind", "members"]

MAX_LEVELS = 2
_DOCUMENT_MARKS = ("[Content_Types].xml", "META-INF/container.xml", "META-INF/manifest.xml")


def archive_kind(data: bytes) -> str | None:
    """ "zip", "tar", "tar.gz", "tar.bz2" or "tar.xz"; None for anything else, and for a document that is a zip inside.

    A damaged zip is a "zip": `members` says what is wrong with it.
    """
    if not data.startswith(zips.MAGIC):
        return tars.kind_of(data)
    if data[30:50].startswith(b"mimetypeapplication/"):
        return None
    try:
        names = zips.Zip(data).names()
    except UnreadableDocument:
        return "zip"
    return None if any(mark in names for mark in _DOCUMENT_MARKS) else "zip"


def members(data: bytes) -> Iterator[Member | Refused]:
    """The files of an archive and of the archives in it (as "inner.zip/name"), in order; hidden files are left out.

    Raises UnreadableDocument at the first step when the archive as a whole is refused or damaged. Damage and limits met
    later end the reading with a `Refused` named "" for the rest. At most one member's bytes a level are held at a time.
    """
    started = False
    try:
        for entry in _walk(data, 1, "", Budget(), set()):
            started = True
            yield entry
    except UnreadableDocument as error:
        if not started:
            raise
        yield Refused("", f"the rest of the archive is not read: {error}")


def _walk(data: bytes, level: int, prefix: str, budget: Budget, names: set[str]) -> Iterator[Member | Refused]:
    kind = archive_kind(data)
    if kind is None:
        raise UnreadableDocument("not an archive; accepted: zip, tar, tar.gz, tar.bz2, tar.xz")
    for entry in zips.entries(data, budget) if kind == "zip" else tars.entries(data, kind, budget):
        name = prefix + entry.name
        if isinstance(entry, Refused):
            yield Refused(name, entry.reason)
        elif name in names:
            yield Refused(name, "a second member of this name; rename one of them")
        else:
            names.add(name)
            yield from _opened(Member(name, entry.data), level, budget, names)


def _opened(member: Member, level: int, budget: Budget, names: set[str]) -> Iterator[Member | Refused]:
    """The member itself, or what is in it when it is an archive."""
    if archive_kind(member.data) is None:
        yield member
    elif level == MAX_LEVELS:
        yield Refused(member.name, f"an archive more than {MAX_LEVELS} levels deep; unpack it and add the files")
    else:
        try:
            yield from _walk(member.data, level + 1, member.name + "/", budget, names)
        except LimitExceeded:
            raise
        except UnreadableDocument as error:
            yield Refused(member.name, str(error))
