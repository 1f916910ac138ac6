"""What people wrote about a document, taken out of the annotation store when the document is purged (promise S16).

Works on the file below `AnnotationStore`, so that a damaged or busy one is told apart. Of the schema it relies on this: each table that is
about a document names it in `document_id`, and `reviews` keeps the `quotes` of an edit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from corpora.errors import StoreBusy, StoreError
from corpora.store.seal import break_seal


def forget_annotations(path: Path, documents: Collection[str], reviewed: Sequence[tuple[str, str]]) -> int:
    """Take what was annotated on `documents` out of the file for good, and the reviews of `reviewed`, (dataset, example id).

    Gives the number of rows. Raises StoreBusy while another process has the file open, StoreError when it cannot be written.
    """
    if not path.exists():
        return 0
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    try:
        break_seal(path)
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        before = db.total_changes
        about = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = ?"
        for (table,) in db.execute(about, ("document_id",)).fetchall():
            db.executemany(f'DELETE FROM "{table}" WHERE document_id = ?', [(document,) for document in documents])  # noqa: S608 - a name of the schema
        db.executemany("DELETE FROM reviews WHERE instr(quotes, ?)", [(document,) for document in documents])
        db.executemany("DELETE FROM reviews WHERE dataset = ? AND example_id = ?", reviewed)
        gone = db.total_changes - before
        db.execute("COMMIT")
        db.execute("VACUUM")
        if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise StoreBusy(f"{path} is open elsewhere (`raftsmith annotate`?); stop that and purge again")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path} could not be purged ({error}); close what uses it and purge again, or delete it") from error
    finally:
        db.close()
    return gone
