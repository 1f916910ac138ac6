"""SQLite files of a workspace: of a known format, durable, changed in whole transactions.

Knows no tables but `meta`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpora.durable_files import checkpoint, make_folder, sync_folder
from corpora.errors import CorruptStore, StoreBusy, StoreError
from corpora.store.seal import break_seal, check_seal, put_seal

_IN_THE_WAY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)


@dataclass(frozen=True)
class Layout:
    """The schema of a database file, its format number, and the upgrades from older formats.

    `description` is its name in messages ("a corpus store").

    A way up is statements, or a function that makes the changes. `meta` are the entries of the table `meta`, beside
    "format", that a new file begins with.
    """

    description: str
    format: int
    schema: str
    upgrades: Mapping[int, str | Callable[[Database], None]] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)


def of_the_disk(error: Exception) -> bool:
    """Whether the disk or another process was in the way, rather than that the file is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _IN_THE_WAY  # the lower byte of an extended code is the primary one


class Database:
    """The file at `path`, made when absent with mode 0600, upgraded when older.

    Raises CorruptStore when it is something else or damaged, and StoreError, before anything is written, for a newer
    format or when the disk is in the way.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        """Open, make or upgrade."""
        self.path, self._layout, self._changed = path, layout, False
        make_folder(path.parent)
        has_content = path.exists() and path.stat().st_size > 0
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            sync_folder(path.parent)  # SQLite syncs the file; its name would be lost with the power
        self.unsealed = not check_seal(path) and has_content
        """True when nothing tells whether it is what was written: a writer was killed, or is at it."""
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._connection.close()
                raise
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter when SQLite quotes what is damaged
            if of_the_disk(error):
                raise StoreError(
                    f"{path} could not be opened: {error}; free space or mend the disk and run it again"
                ) from error
            raise CorruptStore(f"{path} is not {layout.description} or is damaged ({error}); restore a backup of it") from error

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One statement; outside of `changing` only for reading."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> sqlite3.Cursor:
        """One statement for every row, inside of `changing`."""
        return self._connection.executemany(statement, rows)

    def meta(self, key: str) -> str:
        """An entry of `meta`. Raises CorruptStore when it is missing."""
        row = self.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise CorruptStore(f"{self.path} lacks its {key!r} entry; restore a backup of it")
        return str(row[0])

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One transaction, committed at the end or not at all.

        Raises StoreError, nothing changed, when the disk is in the way.
        """
        try:
            self._begin()
            try:
                yield
                checkpoint("commit")
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path}: nothing was changed: {error}; free space or mend the disk and run it again"
            ) from error

    def _begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")
        try:
            break_seal(self.path)
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self._changed = True

    def scrub(self) -> None:
        """Write the file anew without what was deleted, and empty the WAL (promise S16).

        Slow; needs as much space again.

        Raises StoreBusy when another process reads it, whose view the WAL still holds, and StoreError when it cannot be
        done.
        """
        try:
            break_seal(self.path)
            self._changed = True
            self.execute("VACUUM")
            busy = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path} could not be scrubbed of what was deleted: {error}; mend that and do it again"
            ) from error
        if busy:
            raise StoreBusy(f"{self.path} is being read by another process; stop that and do it again")

    def close(self) -> None:
        """Close the file; SQLite checkpoints the WAL.

        What was changed is sealed, unless another process is at it too.
        """
        try:
            if self._changed:
                self.seal()
        finally:
            self._connection.close()

    def seal(self) -> None:
        """Seal the file as it is, unless another process uses it.

        Then the last one to close seals it, or the next writer.
        """
        try:
            self.execute("PRAGMA busy_timeout = 200")
            self._seal()
            self.execute("PRAGMA busy_timeout = 5000")
        except (sqlite3.Error, OSError):
            pass  # without a seal, damage is noticed later or not at all; what was committed is safe

    def _seal(self) -> None:
        if self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return
        self.execute("BEGIN IMMEDIATE")  # nobody writes meanwhile
        try:
            if self.path.with_name(f"{self.path.name}-wal").stat().st_size == 0:
                put_seal(self.path)
        finally:
            self.execute("ROLLBACK")

    def _open(self) -> None:
        if self._has_schema():
            self._refuse_newer()  # before anything that writes: choosing the journal mode does
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self.execute(f"PRAGMA {pragma}")
        if not self._has_schema():
            self._begin()
            if not self._has_schema():
                self.run(self._layout.schema)
                entries = {"format": str(self._layout.format), **self._layout.meta}
                self.executemany("INSERT INTO meta VALUES (?, ?)", list(entries.items()))
            self.execute("COMMIT")
        self._refuse_newer()
        while (version := int(self.meta("format"))) < self._layout.format:
            self._begin()
            if int(self.meta("format")) == version:  # else another process was quicker
                upgrade = self._layout.upgrades[version]
                self.run(upgrade) if isinstance(upgrade, str) else upgrade(self)
                self.execute("UPDATE meta SET value = ? WHERE key = 'format'", (str(version + 1),))
            self.execute("COMMIT")
        self.execute("PRAGMA foreign_keys = ON")  # only now: with it SQLite does not let an upgrade add a column that refers

    def run(self, statements: str) -> None:
        """Statements, each ended by a semicolon at the end of its line, inside of `changing` or of an upgrade."""
        for statement in filter(str.strip, statements.split(";\n")):
            self.execute(statement)

    def _has_schema(self) -> bool:
        return bool(self.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0])

    def _refuse_newer(self) -> None:
        version = int(self.meta("format"))
        if version > self._layout.format:
            raise StoreError(
                f"{self.path} has format {version}; this raftsmith reads up to {self._layout.format}: install a newer raftsmith"
            )
