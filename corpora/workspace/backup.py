"""Backup of a workspace's collection in one file, of one snapshot, and its restoring (promise R17).

Others may go on writing meanwhile.

A zip with the database as SQLite's own online backup gives it, the segment files that it names, and a manifest of
checksums. Knows no documents. What can be made again (caches) is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpora.durable_files import sync_folder
from corpora.errors import CorruptStore, RaftsmithError, StoreError
from corpora.store.segment_lock import segments_kept
from corpora.workspace.workspace import CONFIG, DATABASES

FORMAT = 1
MANIFEST = "manifest.json"
_FILES = (CONFIG, "personal.key", "mappings.json")
_FOLDERS = ("datasets", "runs", "reports")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What a backup file holds: the snapshot of the store, and its files with their sizes in bytes."""

    path: Path
    snapshot: int
    files: dict[str, int]


def back_up(workspace: Path, target: Path, everything: bool = False) -> Backup:
    """Write the collection of `workspace` to the new file `target`, mode 0600.

    `everything` takes datasets, runs and reports along.

    Readers and a writer are not disturbed. Raises RaftsmithError when `target` exists, StoreError when the disk is in
    the way.
    """
    if target.exists():
        raise RaftsmithError(f"{target} exists already; a backup never overwrites: give another name")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with segments_kept(workspace):  # a writer goes on, and deletes none of the files that are copied here
            backup = _written(workspace, part, everything)
        os.replace(part, target)
        sync_folder(target.parent)
        return Backup(target, backup.snapshot, backup.files)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{target} could not be written ({error}); free space or mend the disk and run it again") from error
    finally:
        part.unlink(missing_ok=True)


def _written(workspace: Path, part: Path, everything: bool) -> Backup:
    copies: list[Path] = []
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with (
            os.fdopen(descriptor, "w+b") as handle,
            zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):

            def put(name: str, path: Path) -> None:
                kind = zipfile.ZIP_STORED if name.endswith(".safetensors") else zipfile.ZIP_DEFLATED  # vectors do not shrink
                digest, entry = hashlib.sha256(), zipfile.ZipInfo(name)
                entry.compress_type, entry.external_attr = kind, 0o600 << 16
                with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        sink.write(block)
                digests[name], sizes[name] = digest.hexdigest(), path.stat().st_size

            snapshot, segments = 0, list[str]()
            for name in DATABASES:
                if (workspace / name).exists():
                    copies.append(part.with_name(f"{part.name}.{name}"))
                    _copied(workspace / name, copies[-1])
                    if name == "corpus.db":
                        snapshot, segments = _named(copies[-1])
                    put(name, copies[-1])
            for name in segments:
                put(f"segments/{name}", workspace / "segments" / name)
            for name in _FILES:
                if (workspace / name).exists():
                    put(name, workspace / name)
            for path in _made(workspace) if everything else ():
                put(path.relative_to(workspace).as_posix(), path)
            manifest = {"format": FORMAT, "snapshot": snapshot, "sha256": digests}
            archive.writestr(zipfile.ZipInfo(MANIFEST), json.dumps(manifest, indent=1, sort_keys=True))
            archive.close()
            handle.flush()
            os.fsync(handle.fileno())
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)
    return Backup(part, snapshot, sizes)


def _copied(database: Path, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL, 0o600))
    source, target = sqlite3.connect(database, timeout=5.0), sqlite3.connect(copy)
    try:
        source.backup(target)  # one step: of one state, however much is written meanwhile
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        source.close()
        target.close()


def _named(copy: Path) -> tuple[int, list[str]]:
    db = sqlite3.connect(copy)
    try:
        snapshot = db.execute("SELECT value FROM meta WHERE key = 'snapshot'").fetchone()[0]
        return int(snapshot), [row[0] for row in db.execute("SELECT name FROM segments ORDER BY name")]
    finally:
        db.close()


def _made(workspace: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        yield from sorted(path for path in (workspace / folder).rglob("*") if path.is_file() and not path.is_symlink())


def restore(backup: Path, workspace: Path) -> Backup:
    """Make the new folder `workspace` from a backup, every file checked.

    Raises RaftsmithError when it exists, CorruptStore.
    """
    if workspace.exists() and any(workspace.iterdir()):
        raise RaftsmithError(f"{workspace} exists and is not empty; a backup is restored to a new folder")
    try:
        with zipfile.ZipFile(backup) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise RaftsmithError(
                    f"{backup} has format {manifest['format']}, this raftsmith reads {FORMAT}: install another raftsmith"
                )
            names = manifest["sha256"]
            if set(names) | {MANIFEST} != set(archive.namelist()):
                raise CorruptStore(f"{backup} does not hold the files that its manifest names; take another backup")
            workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
            sizes = {name: _unpacked(archive, name, names[name], workspace, backup) for name in sorted(names, key=_last)}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise CorruptStore(f"{backup} is no backup of raftsmith or is damaged ({error}); take another one") from error
    return Backup(backup, int(manifest["snapshot"]), sizes)


def _last(name: str) -> tuple[bool, str]:
    return name == CONFIG, name  # a folder is a workspace from its configuration on: a restore that was stopped is none


def _unpacked(archive: zipfile.ZipFile, name: str, digest: str, workspace: Path, backup: Path) -> int:
    path = (workspace / name).resolve()
    if not path.is_relative_to(workspace.resolve()):
        raise CorruptStore(f"{backup} names a file outside of the workspace; it was not made by raftsmith")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    computed, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink, archive.open(name) as source:
        while block := source.read(_BLOCK):
            computed.update(block)
            size += len(block)
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())
    if computed.hexdigest() != digest:
        raise CorruptStore(f"{name} in {backup} is damaged; take another backup, or restore it to read what is whole")
    return size
