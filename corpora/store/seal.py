"""The digest of a database file at rest, in a file beside it.

SQLite itself does not notice a flipped bit in a text (promise R4).

Whoever is about to write takes the seal away first, durably, and puts a new one on when everything is in the file and
nobody else writes. So a seal that is there and does not fit tells of damage, and no seal tells of nothing: a process
was killed, or is writing. What was left without one is for whoever knows its content to look through, and to seal.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from corpora.durable_files import checkpoint, sha256_file, sync_folder, write_atomic
from corpora.errors import CorruptStore


def break_seal(path: Path) -> None:
    """Take the seal away before the first write. Raises OSError."""
    seal = _seal(path)
    if seal.exists():
        seal.unlink()
        checkpoint("fsync-folder")
        sync_folder(path.parent)


def put_seal(path: Path) -> None:
    """Seal the file, which is whole and which nobody writes to. Raises OSError."""
    digest = sha256_file(path)
    write_atomic(_seal(path), f"{digest} {_check(digest)}\n".encode())


def check_seal(path: Path) -> bool:
    """True when the file is what was sealed, False when there is nothing to tell by.

    Raises CorruptStore when it is not.
    """
    sealed = _sealed(path)
    if sealed is None or _in_use(path):
        return False
    if sha256_file(path) == sealed:
        return True
    if _sealed(path) == sealed and not _in_use(path):  # else a writer has begun meanwhile
        raise CorruptStore(
            f"{path} is damaged: it is not what was written last; restore a backup (`raftsmith restore`), or delete {_seal(path).name} "
            "if you put that file there yourself"
        )
    return False


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _check(digest: str) -> str:
    return hashlib.sha256(digest.encode()).hexdigest()[:8]


def _sealed(path: Path) -> str | None:
    try:
        digest, _, check = _seal(path).read_text("ascii").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        return None
    return digest if check == _check(digest) else None  # a damaged seal says nothing of the file


def _in_use(path: Path) -> bool:
    """Whether there is anything in the write-ahead log."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False
