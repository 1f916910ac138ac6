"""Promise R17, the upgrade: stores that older versions of raftsmith wrote open, with everything that was in them."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from corpora.splits import hashed_position
from corpora.store.corpus_store import CorpusStore
from corpora.store.database import Database
from corpora.store.schema import FORMAT, LAYOUT
from retrieval.encoders.hashing import HashingEncoder
from retrieval.search.retriever import Retriever

STORES = Path(__file__).parent / "stores"


@pytest.mark.parametrize("written", range(1, FORMAT))
def test_a_store_of_an_older_format_opens(written: int, tmp_path: Path) -> None:
    shutil.unpack_archive(STORES / f"format-{written}.zip", tmp_path)
    store = CorpusStore(tmp_path / "corpus.db")
    assert store.integrity() is None
    documents = {Path(document.source).name: document for document in store.documents()}
    assert sorted(documents) == ["a.txt", "b.md"] and documents["b.md"].title == "Notes"
    assert [chunk.text for chunk in store.chunks(documents["b.md"].id)] == ["The dose is 10 mg. It is given daily."]
    assert all(document.readers == () for document in documents.values())
    by_hash = {document.position == hashed_position(document.cluster) for document in documents.values()}
    assert by_hash == {written < 3}  # where a document was is where it stays
    assert [path for path, _ in store.files()] == sorted(document.source for document in documents.values())
    assert [(version.number, version.text) for version in store.versions(documents["b.md"].source)] == [
        (1, documents["b.md"].text)
    ]
    for mode in ("dense", "lexical"):
        hits = Retriever(store, tmp_path, HashingEncoder(64)).search(["a dose of 10 mg"], 1, mode)[0].hits
        assert hits[0].chunk.document_id == documents["b.md"].id
    assert store.identity("default", documents["a.txt"].text) == documents["a.txt"].id
    store.commit(removed_paths=[(documents["a.txt"].source, "default")])
    assert store.counts() == {"documents": 1, "chunks": 1, "failed": 0, "snapshot": 2}
    store.close()
    again = Database(tmp_path / "corpus.db", LAYOUT)
    assert again.meta("format") == str(FORMAT)
    assert again.execute("PRAGMA foreign_key_check").fetchall() == []
    new = Database(tmp_path / "new.db", LAYOUT)
    tables = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    assert again.execute(tables).fetchall() == new.execute(tables).fetchall()
    for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%lexical%'").fetchall():
        columns = f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}') ORDER BY name"
        assert again.execute(columns).fetchall() == new.execute(columns).fetchall(), name
    assert again.execute("SELECT rowid, identifiers FROM lexical").fetchall() == [(2, "10ǀmgǀ")]
    again.close()
    new.close()


def test_the_fixtures_are_what_they_say() -> None:
    for written in range(1, FORMAT):
        with zipfile.ZipFile(STORES / f"format-{written}.zip") as archive:
            assert "corpus.db" in archive.namelist()
