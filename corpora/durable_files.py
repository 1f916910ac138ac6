"""Every file operation that promises durability, in one place, so that tests can inject crashes and disk errors here.

Knows nothing of documents. The order is always: write to a temporary name, fsync, rename, fsync the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

Probe = Callable[[str], None]
Buffer = bytes | memoryview
Write = Callable[[Buffer], None]
_probe: Probe | None = None


def set_probe(probe: Probe | None) -> None:
    """Call `probe(operation)` before every durable operation ("write", "fsync", "rename", "fsync-folder", "commit")."""
    global _probe
    _probe = probe


def checkpoint(operation: str) -> None:
    """Announce one durable operation to the probe, if a test has set one."""
    if _probe is not None:
        _probe(operation)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` with `data`, or leave it as it was; on return the bytes are on disk. Mode 0600. Raises OSError."""
    _replace(path, lambda write: write(data))


def write_streamed(path: Path, fill: Callable[[Write], None]) -> str:
    """Like `write_atomic` for what is too large to hold in memory: `fill(write)` gives it piece by piece.

    Gives the SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()

    def hashed(write: Write) -> Write:
        def both(piece: Buffer) -> None:
            digest.update(piece)
            write(piece)

        return both

    _replace(path, lambda write: fill(hashed(write)))
    return digest.hexdigest()


def _replace(path: Path, fill: Callable[[Write], None]) -> None:
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        checkpoint("write")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:

            def write(piece: Buffer) -> None:
                view = memoryview(piece).cast("B")
                while view:
                    view = view[os.write(descriptor, view) :]

            fill(write)
            checkpoint("fsync")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        checkpoint("rename")
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    checkpoint("fsync-folder")
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make `folder`, mode 0700, and what is missing above it, so that it is there after a power failure.

    Raises OSError.
    """
    for missing in reversed([missing for missing in (folder, *folder.parents) if not missing.exists()]):
        missing.mkdir(exist_ok=True, mode=0o700)  # one by one: the mode of `parents=True` is the process's own
        sync_folder(missing.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document atomically: UTF-8, sorted keys, a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_atomic(path, text.encode("utf-8"))


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal. Raises OSError."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
