"""Promise R8: adding again costs nothing, a bad file is a row with its reason, and nothing committed is embedded twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_trial import CountingEncoder
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import RaftsmithError
from corpora.ingest.file_discovery import find_files
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing import add_files as indexing
from retrieval.indexing.add_files import add_files
from retrieval.indexing.add_report import AddReport
from retrieval.search.retriever import Retriever

TEXT = "The lease runs for a year. Notice is given in March. The deposit is returned. The rent rises in May."


class Ingestion:
    """A workspace with a counting encoder and files to add to it."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.texts = folder / "workspace", folder / "texts"
        self.texts.mkdir()
        self.store, self.encoder = CorpusStore(self.workspace / "corpus.db"), CountingEncoder()

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.texts / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def add(self, chunk_words: int = 10) -> AddReport:
        self.encoder.encoded.clear()
        files, options = find_files([self.texts]), ChunkOptions(chunk_words)
        return add_files(self.store, self.workspace, self.encoder, files, "default", options, reader=read_in_process)


@pytest.fixture
def ingestion(tmp_path: Path) -> Iterator[Ingestion]:
    opened = Ingestion(tmp_path)
    yield opened
    opened.store.close()


def test_adding_twice_changes_nothing(ingestion: Ingestion) -> None:
    for number in range(4):
        ingestion.write(f"{number}.txt", f"{TEXT} Clause {number}.")
    first = ingestion.add()
    assert (first.added, first.unchanged, first.failed, first.snapshot) == (4, 0, [], 1)
    chunks, vector_places = ingestion.store.chunks(), ingestion.store.vectors.places("hashing-64")
    again = ingestion.add()
    assert (again.added, again.unchanged, again.failed, again.snapshot) == (0, 4, [], 1)
    assert ingestion.encoder.encoded == []
    assert (ingestion.store.chunks(), ingestion.store.vectors.places("hashing-64")) == (chunks, vector_places)


def test_only_the_changed_file_is_read_again(ingestion: Ingestion) -> None:
    for number in range(3):
        ingestion.write(f"{number}.txt", f"{TEXT} Clause {number}.")
    ingestion.add()
    ingestion.write("1.txt", "Wholly new wording.")
    report = ingestion.add()
    assert (report.added, report.unchanged) == (1, 2)
    assert ingestion.encoder.encoded == ["1\nWholly new wording."]
    assert "Clause 1." not in " ".join(chunk.text for chunk in ingestion.store.chunks())


def test_a_bad_file_is_a_row_and_the_others_are_added(ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH_CHUNKS", 2)
    ingestion.write("a.txt", f"{TEXT} A.")
    bad = ingestion.write("b.pdf", b"%PDF-1.7 broken")
    empty = ingestion.write("c.txt", b"")
    ingestion.write("d.txt", f"{TEXT} D.")
    report = ingestion.add()
    assert report.added == 2
    assert [path for path, _ in report.failed] == [str(bad), str(empty)]
    assert "damaged" in report.failed[0][1]
    assert "empty" in report.failed[1][1]
    assert ingestion.store.failures() == [(path, "default", reason) for path, reason in report.failed]
    assert ingestion.store.counts() == {
        "documents": 2,
        "chunks": len(ingestion.store.chunks()),
        "failed": 2,
        "snapshot": report.snapshot,
    }
    again = ingestion.add()
    assert (again.added, again.unchanged, again.failed) == (0, 2, report.failed)
    assert ingestion.encoder.encoded == []


def test_a_mended_file_clears_its_failure(ingestion: Ingestion) -> None:
    path = ingestion.write("a.txt", b"")
    ingestion.add()
    assert len(ingestion.store.failures()) == 1
    path.write_text(TEXT)
    assert ingestion.add().added == 1
    assert ingestion.store.failures() == []


def test_a_file_that_went_bad_keeps_its_last_good_version(ingestion: Ingestion) -> None:
    path = ingestion.write("a.txt", TEXT)
    ingestion.add()
    chunks = ingestion.store.chunks()
    path.write_bytes(b"\0\1\2binary")
    assert [failed for failed, _ in ingestion.add().failed] == [str(path)]
    assert chunks and ingestion.store.chunks() == chunks
    assert [failed for failed, _, _ in ingestion.store.failures()] == [str(path)]
    before = ingestion.store.snapshot
    assert ingestion.add().snapshot == before, "the same failure again is no change"
    path.write_text(TEXT)
    assert ingestion.add().unchanged == 1
    assert ingestion.store.failures() == []


@pytest.mark.parametrize("copies", [1, 2])
def test_another_chunk_size_cuts_again(ingestion: Ingestion, copies: int) -> None:
    for number in range(copies):
        ingestion.write(f"copy-{number}.txt", TEXT)
    ingestion.add(chunk_words=6)
    small = [chunk.text for chunk in ingestion.store.chunks()]
    assert ingestion.add(chunk_words=100).added == copies
    assert [chunk.text for chunk in ingestion.store.chunks()] == [TEXT]
    assert len(small) == 4
    assert ingestion.add(chunk_words=100).unchanged == copies


def test_another_encoder_gets_vectors_beside_those_there_are(ingestion: Ingestion) -> None:
    """Who goes back to the encoder before finds its vectors; chunks that are cut otherwise take them along."""
    ingestion.write("a.txt", TEXT)
    ingestion.write("copy.txt", TEXT)
    ingestion.add()
    second_encoder = HashingEncoder(64)
    add_files(ingestion.store, ingestion.workspace, second_encoder, find_files([ingestion.texts]), "default", ChunkOptions(10))
    assert {(segment.encoder, segment.dimension) for segment in ingestion.store.segments()} == {
        ("hashing-64", 64),
        ("hashing-256", 256),
    }
    for encoder in (second_encoder, ingestion.encoder):
        assert len(ingestion.store.vectors.places(encoder.name)) == ingestion.store.counts()["chunks"]
        assert Retriever(ingestion.store, ingestion.workspace, encoder).search(["lease"], 3, "dense")[0].hits
    add_files(ingestion.store, ingestion.workspace, second_encoder, find_files([ingestion.texts]), "default", ChunkOptions(5))
    assert {segment.encoder for segment in ingestion.store.segments()} == {"hashing-64"}


def test_a_file_name_that_is_not_unicode_is_no_obstacle(ingestion: Ingestion) -> None:
    ingestion.write("b.txt", TEXT)
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    ingestion.write(name, f"{TEXT} Café.")
    assert ingestion.add().added == 2
    assert ingestion.add().unchanged == 2
    assert any(document.source.endswith("caf\\udce9.txt") for document in ingestion.store.documents())


def test_an_encoder_that_gives_nonsense_adds_nothing(ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch) -> None:
    ingestion.write("a.txt", TEXT)
    monkeypatch.setattr(ingestion.encoder, "encode", lambda texts: HashingEncoder().encode(texts) * float("nan"))
    with pytest.raises(RaftsmithError, match="not finite"):
        ingestion.add()
    assert ingestion.store.counts() == {"documents": 0, "chunks": 0, "failed": 0, "snapshot": 0}


def test_files_are_found_in_order_without_hidden_ones_and_links(ingestion: Ingestion, tmp_path: Path) -> None:
    plain, deep = ingestion.write("b.txt", "b"), ingestion.texts / "folder" / "a.txt"
    deep.parent.mkdir()
    deep.write_text("a")
    ingestion.write(".hidden", "x")
    (ingestion.texts / "link.txt").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("outside")
    assert find_files([ingestion.texts, plain]) == [plain, deep]
    with pytest.raises(RaftsmithError, match="does not exist"):
        find_files([ingestion.texts / "absent"])
