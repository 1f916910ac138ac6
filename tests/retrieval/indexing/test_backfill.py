"""Searchable at once: quick vectors come with the documents, full ones follow batch by batch, and search is sound all the while."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import RaftsmithError
from corpora.ingest.sandbox import read_in_process
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import make_filter
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.loading import load_encoder, quick_encoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing import add_files as indexing
from retrieval.indexing.add_files import add_files
from retrieval.indexing.backfill import backfill, drop_others
from retrieval.search.explanation import as_lines, explain
from retrieval.search.fusion import Fusion
from retrieval.search.retriever import Retriever

ENCODER = HashingEncoder(128)
TOPICS = ("lease", "deposit", "warfarin", "sepsis", "hearsay", "appeal", "lactate", "warranty")


class Quick(HashingEncoder):
    """Stands for a static encoder; the real one is in the last test."""

    @property
    def name(self) -> str:
        return "static-32(test)"


QUICK = Quick(32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    opened = CorpusStore(tmp_path / "corpus.db")
    yield opened
    opened.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH_CHUNKS", 8)
    monkeypatch.setattr(indexing, "DIRECT_CHUNKS", 10)
    monkeypatch.setattr("retrieval.indexing.backfill.BATCH_CHUNKS", 8)


def write(workspace: Path, number: int) -> Path:
    path = workspace / "texts" / f"{number}.txt"
    path.parent.mkdir(exist_ok=True)
    topic, other = TOPICS[number % 8], TOPICS[(number * 3 + 1) % 8]
    path.write_text(f"The {topic} of case {number} was long.\n\nIts {other} had {number + 2} parts.\n\nA {topic} followed it.")
    return path


def add(store: CorpusStore, workspace: Path, paths: list[Path], collection: str = "default") -> None:
    options = ChunkOptions(8)
    add_files(store, workspace, ENCODER, paths, collection, options, reader=read_in_process, quick=lambda: QUICK)


def retriever(store: CorpusStore, workspace: Path, quick: Quick = QUICK) -> Retriever:
    return Retriever(store, workspace, ENCODER, quick=lambda: quick)


def assert_vectors_right(store: CorpusStore, workspace: Path) -> None:
    """Dense search finds every chunk of the store by its own text first, with a cosine of 1."""
    chunks = store.chunks()
    results = retriever(store, workspace).search([embedding_text(chunk) for chunk in chunks], 3, "dense")
    assert all(result.filled == 1.0 and result.hits[0].score == pytest.approx(1, abs=1e-5) for result in results)
    assert all(chunk.text in {hit.chunk.text for hit in result.hits} for chunk, result in zip(chunks, results, strict=True))


class DistilledAnew(Quick):
    """Another static encoder than that of the vectors in the store."""

    @property
    def name(self) -> str:
        return "static-32(other)"


@pytest.mark.usefixtures("small")
def test_chunks_without_any_usable_vector_are_not_called_filled(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    chunks, waiting = len(store.chunks()), store.vectors.count_missing(ENCODER.name)
    (result,) = retriever(store, tmp_path, DistilledAnew(32)).search(["the lease of case 8"], 40)
    assert waiting and result.filled == pytest.approx(1 - waiting / chunks)


@pytest.mark.usefixtures("small")
def test_everything_is_found_from_the_first_commit_on(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    chunks, waiting = store.chunks(), store.vectors.count_missing(ENCODER.name)
    assert 0 < len(chunks) - waiting <= 10 and waiting > 40
    reader = retriever(store, tmp_path)
    for chunk in chunks:
        (result,) = reader.search([embedding_text(chunk)], 3, "dense")
        assert chunk.text in {hit.chunk.text for hit in result.hits}
        assert 0 < result.filled < 1
    filled, seen = 0.0, []

    def progress(done: int, total: int) -> None:
        nonlocal filled
        (result,) = reader.search(["the lease of case 8"], 40)
        assert result.filled > filled and len({hit.chunk.id for hit in result.hits}) == 40
        filled = result.filled
        seen.append((done, total))

    assert backfill(store, tmp_path, ENCODER, progress) == waiting
    assert seen[-1] == (waiting, waiting) and filled == 1.0
    assert {segment.encoder for segment in store.segments()} == {ENCODER.name}, "quick vectors have done their service"
    assert {path.name for path in (tmp_path / "segments").iterdir()} == {segment.name for segment in store.segments()}
    assert len(store.vectors.chunk_numbers(ENCODER.name)) == len(chunks)
    assert_vectors_right(store, tmp_path)
    assert backfill(store, tmp_path, ENCODER) == 0


@pytest.mark.usefixtures("small")
def test_a_stop_loses_nothing_that_was_made(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(16)])
    waiting = store.vectors.count_missing(ENCODER.name)

    def stop(done: int, total: int) -> None:
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(store, tmp_path, ENCODER, stop)
    assert store.vectors.count_missing(ENCODER.name) == waiting - 16
    # Meanwhile a document changes and another goes: what is known keeps its vectors, what is gone needs none.
    changed = write(tmp_path, 3)
    changed.write_text(changed.read_text() + "\n\nAn appeal was heard in May.")
    add(store, tmp_path, [changed])
    store.commit(removed_paths=[(str(tmp_path / "texts" / "15.txt"), "default")])
    backfill(store, tmp_path, ENCODER)
    assert sorted(store.vectors.chunk_numbers(ENCODER.name)) == sorted(set(store.vectors.chunk_numbers(ENCODER.name)))
    assert not store.vectors.count_missing(ENCODER.name)
    assert_vectors_right(store, tmp_path)


@pytest.mark.usefixtures("small")
def test_a_filter_holds_for_quick_vectors_too(store: CorpusStore, tmp_path: Path) -> None:
    paths = [write(tmp_path, number) for number in range(24)]
    add(store, tmp_path, paths[:12], "law")
    add(store, tmp_path, paths[12:], "medicine")
    for mode in ("dense", "hybrid"):
        for collection in ("law", "medicine"):
            (result,) = retriever(store, tmp_path).search(["the lease parts"], 200, mode, make_filter(collections=[collection]))
            there = {chunk.id for chunk in store.chunks() if chunk.collection == collection}
            found = {hit.chunk.id for hit in result.hits}
            assert found <= there and (mode != "dense" or found == there)


@pytest.mark.usefixtures("small")
def test_the_explanation_sums_up_while_filling(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    (result,) = Retriever(store, tmp_path, ENCODER, shown_ranks=1000, quick=lambda: QUICK).search(["the lease of case 8"], 5)
    for hit, reason in zip(result.hits, explain("the lease of case 8", result, Fusion()), strict=True):
        shares = [place.share or 0.0 if place else 0.0 for place in (reason.dense, reason.lexical)]
        assert sum(shares) == pytest.approx(hit.score) and reason.fused is not None
    assert "deviation from the mean" in as_lines(reason, Fusion(), "hybrid", result.filled)[0]


@pytest.mark.usefixtures("small")
def test_another_process_searches_while_vectors_fill_in(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(40)])
    other = CorpusStore(tmp_path / "corpus.db")
    reader, errors, shares = retriever(other, tmp_path), list[Exception](), list[float]()
    stop = threading.Event()

    def search() -> None:
        try:
            while not stop.is_set() or shares[-1] < 1:
                (result,) = reader.search(["the lease of case 8"], 20)
                assert len({hit.chunk.id for hit in result.hits}) == 20
                shares.append(result.filled)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        backfill(store, tmp_path, ENCODER)
    finally:
        stop.set()
        thread.join(60)
    other.close()
    assert not errors and shares == sorted(shares) and shares[-1] == 1.0 and shares[0] < 1


def test_another_encoder_takes_over_and_the_old_one_s_vectors_go_when_asked(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(6)])
    other = HashingEncoder(96)
    with pytest.raises(RaftsmithError, match=r"index --fill"):
        Retriever(store, tmp_path, other).search(["lease"], 3)
    with pytest.raises(RaftsmithError, match="passages have no vector by hashing-96 yet"):
        drop_others(store, tmp_path, other)
    assert backfill(store, tmp_path, other) == len(store.chunks())
    assert {segment.encoder for segment in store.segments()} == {ENCODER.name, other.name}
    assert (
        retriever(store, tmp_path).search(["lease"], 3)[0].hits
        and Retriever(store, tmp_path, other).search(["lease"], 3)[0].hits
    )
    assert drop_others(store, tmp_path, other) == [ENCODER.name] and drop_others(store, tmp_path, other) == []
    assert {path.name for path in (tmp_path / "segments").iterdir()} == {segment.name for segment in store.segments()}
    assert Retriever(store, tmp_path, other).search(["lease"], 3)[0].hits


def test_the_real_encoder_and_its_static_one(store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH_CHUNKS", 8)
    monkeypatch.setattr(indexing, "DIRECT_CHUNKS", 8)
    encoder, quick = load_encoder("all-MiniLM-L6-v2"), quick_encoder("all-MiniLM-L6-v2")
    assert quick is not None
    files = [write(tmp_path, number) for number in range(16)]
    add_files(store, tmp_path, encoder, files, "default", ChunkOptions(8), reader=read_in_process, quick=quick)
    reader = Retriever(store, tmp_path, encoder, quick=quick)
    queries = ["How long did the tenancy take?", "blood poisoning", "second-hand testimony"]
    before = reader.search(queries, 5, "dense")
    backfill(store, tmp_path, encoder)
    after = reader.search(queries, 5, "dense")
    for first, last, topic in zip(before, after, ("lease", "sepsis", "hearsay"), strict=True):
        assert first.filled < 1 == last.filled
        assert any(topic in hit.chunk.text for hit in first.hits)
        assert topic in last.hits[0].chunk.text
        assert np.isfinite([hit.score for hit in first.hits]).all()
