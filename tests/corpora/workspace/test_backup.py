"""Promise R17: a backup that is taken while a writer works restores to one snapshot; a damaged one is refused."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import CorruptStore, RaftsmithError
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.backup import MANIFEST, back_up, restore
from retrieval.chunk_vectors.segments import read_segment
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever
from serving.main import raftsmith

ENCODER = HashingEncoder(64)


def add(store: CorpusStore, root: Path, *paths: Path) -> None:
    add_files(store, root, ENCODER, paths, "default", ChunkOptions(20), reader=read_in_process)


def test_a_backup_during_writes_restores_to_one_snapshot(tmp_path: Path) -> None:
    root = tmp_path / "w"
    store = CorpusStore(root / "corpus.db")
    (root / "raftsmith.toml").write_text("")
    path, stop = tmp_path / "a.txt", threading.Event()
    documents_by_snapshot: dict[int, str] = {}

    def write() -> None:
        writer, number = CorpusStore(root / "corpus.db"), 0
        while not stop.is_set():
            number += 1
            path.write_text(f"Version {number} of the lease.")
            add(writer, root, path)
            documents_by_snapshot[writer.snapshot] = path.read_text()
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        backups = [back_up(root, tmp_path / f"{number}.zip") for number in range(12)]
    finally:
        stop.set()
        thread.join()
    store.close()
    assert len({backup.snapshot for backup in backups}) > 3
    for number, backup in enumerate(backups):
        folder = tmp_path / f"r{number}"
        assert restore(backup.path, folder).snapshot == backup.snapshot
        again = CorpusStore(folder / "corpus.db")
        assert again.integrity() is None and again.snapshot == backup.snapshot
        assert [document.text for document in again.documents()] == (
            [documents_by_snapshot[backup.snapshot]] if backup.snapshot else []
        )
        for segment in again.segments():
            assert len(read_segment(folder / "segments", segment.name)) == segment.count
        assert len(Retriever(again, folder, ENCODER).search(["lease"], 3)[0].hits) == bool(backup.snapshot)
        again.close()
        assert {p.name for p in folder.iterdir() if p.stat().st_mode & 0o077} == set()
    assert not list(tmp_path.glob(".*"))


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    workspace, path = tmp_path / "w", tmp_path / "a.txt"
    CliRunner().invoke(raftsmith, ["init", str(workspace)])
    config = workspace / "raftsmith.toml"
    config.write_text(config.read_text().replace("all-MiniLM-L6-v2", "hashing-64"))
    path.write_text("The lease ends in May.")
    store = CorpusStore(workspace / "corpus.db")
    add(store, workspace, path)
    store.close()
    (workspace / "datasets" / "d").mkdir(parents=True)
    (workspace / "datasets" / "d" / "manifest.json").write_text("{}")
    result = CliRunner().invoke(raftsmith, ["backup", str(tmp_path / "b.zip"), "--workspace", str(workspace), "--json"])
    assert json.loads(result.stdout)["snapshot"] == 1
    return tmp_path / "b.zip"


def test_the_commands_and_what_is_in_it(backup: Path, tmp_path: Path) -> None:
    names = set(zipfile.ZipFile(backup).namelist())
    assert {"corpus.db", "raftsmith.toml", MANIFEST} < names and not any(
        name.startswith(("cache", "datasets")) for name in names
    )
    everything = ["backup", str(tmp_path / "all.zip"), "--all", "--workspace", str(tmp_path / "w")]
    assert CliRunner().invoke(raftsmith, everything).exit_code == 0
    assert "datasets/d/manifest.json" in zipfile.ZipFile(tmp_path / "all.zip").namelist()
    shutil.rmtree(tmp_path / "w")
    assert CliRunner().invoke(raftsmith, ["restore", str(backup), str(tmp_path / "back")]).exit_code == 0
    searched = CliRunner().invoke(raftsmith, ["search", "lease", "--json", "--workspace", str(tmp_path / "back")])
    assert json.loads(searched.stdout)["hits"][0]["text"] == "The lease ends in May."


def test_nothing_is_overwritten(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(RaftsmithError, match="never overwrites"):
        back_up(tmp_path / "w", backup)
    with pytest.raises(RaftsmithError, match="new folder"):
        restore(backup, tmp_path / "w")


def test_a_damaged_or_foreign_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    data = bytearray(backup.read_bytes())
    with zipfile.ZipFile(backup) as archive:
        entry = archive.getinfo("corpus.db")
    data[entry.header_offset + entry.compress_size // 2] ^= (
        0xFF  # in its content: nothing reads some bytes of the zip's headers
    )
    for number, content in enumerate((bytes(data), bytes(data[: len(data) // 2]), b"no zip")):
        bad = tmp_path / f"bad{number}.zip"
        bad.write_bytes(content)
        with pytest.raises(CorruptStore, match=r"bad\d.zip"):
            restore(bad, tmp_path / f"into{number}")
        assert not (tmp_path / f"into{number}" / "raftsmith.toml").exists()
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../out.txt", "x")
        archive.writestr(MANIFEST, json.dumps({"format": 1, "snapshot": 0, "sha256": {"../out.txt": "0"}}))
    with pytest.raises(CorruptStore, match="outside"):
        restore(hostile, tmp_path / "deep" / "into")
    assert not (tmp_path / "deep" / "out.txt").exists()
