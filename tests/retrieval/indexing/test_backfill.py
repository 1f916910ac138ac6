"""Searchable at once: words come with the documents, vectors follow batch by batch, and search is sound all the while."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import RaftsmithError
from corpora.splits import SPLITS, split_at
from corpora.store.changes import Segment, StoredVectors
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import make_filter
from corpora.workspace.workspace import create_workspace
from retrieval.chunk_vectors.segments import write_segment
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.loading import load_encoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing import add_files as indexing
from retrieval.indexing.add_files import add_files
from retrieval.indexing.backfill import backfill, drop_others
from retrieval.indexing.batch_writer import DIRECT_CHUNKS
from retrieval.search.explanation import as_lines, explain
from retrieval.search.fusion import Fusion
from retrieval.search.retriever import Retriever
from serving.main import raftsmith

ENCODER = HashingEncoder(128)
TOPICS = ("lease", "deposit", "warfarin", "sepsis", "hearsay", "appeal", "lactate", "warranty")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    opened = CorpusStore(tmp_path / "corpus.db")
    yield opened
    opened.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH_CHUNKS", 8)
    monkeypatch.setattr("retrieval.indexing.backfill.BATCH_CHUNKS", 8)


def write(workspace: Path, number: int) -> Path:
    path = workspace / "texts" / f"{number}.txt"
    path.parent.mkdir(exist_ok=True)
    topic, other = TOPICS[number % 8], TOPICS[(number * 3 + 1) % 8]
    path.write_text(f"The {topic} of case {number} was long.\n\nIts {other} had {number + 2} parts.\n\nA {topic} followed it.")
    return path


def add(store: CorpusStore, workspace: Path, paths: list[Path], collection: str = "default") -> None:
    options = ChunkOptions(8)
    add_files(store, workspace, ENCODER, paths, collection, options, reader=read_in_process, direct_chunks=10)


def retriever(store: CorpusStore, workspace: Path) -> Retriever:
    return Retriever(store, workspace, ENCODER)


def assert_vectors_right(store: CorpusStore, workspace: Path) -> None:
    """Dense search finds every chunk of the store by its own text first, with a cosine of 1."""
    chunks = store.chunks()
    results = retriever(store, workspace).search([embedding_text(chunk) for chunk in chunks], 3, "dense")
    assert all(result.filled == 1.0 and result.hits[0].score == pytest.approx(1, abs=1e-5) for result in results)
    assert all(chunk.text in {hit.chunk.text for hit in result.hits} for chunk, result in zip(chunks, results, strict=True))


@pytest.mark.usefixtures("small")
def test_everything_is_found_by_its_words_from_the_first_commit_on(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    chunks, waiting = store.chunks(), store.vectors.count_missing(ENCODER.name)
    assert 0 < len(chunks) - waiting <= 10 and waiting > 40
    reader = retriever(store, tmp_path)
    for mode in ("lexical", "hybrid"):
        for chunk, result in zip(chunks, reader.search([chunk.text for chunk in chunks], 3, mode), strict=True):
            assert chunk.text in {hit.chunk.text for hit in result.hits}
            assert result.filled == (1 if mode == "lexical" else pytest.approx(1 - waiting / len(chunks)))
    (dense,) = reader.search(["the lease of case 8"], 200, "dense")
    encoded = set(store.chunk_ids(store.vectors.chunk_numbers(ENCODER.name)).values())
    assert {hit.chunk.id for hit in dense.hits} == encoded, "without a vector it is in no dense ranking"
    filled, seen = 0.0, []

    def progress(done: int, total: int) -> None:
        nonlocal filled
        (result,) = reader.search(["the lease of case 8"], 200, "dense")
        assert result.filled > filled and len({hit.chunk.id for hit in result.hits}) == len(chunks) - waiting + done
        filled = result.filled
        seen.append((done, total))

    assert backfill(store, tmp_path, ENCODER, progress) == waiting
    assert seen[-1] == (waiting, waiting) and filled == 1.0
    assert {path.name for path in (tmp_path / "segments").iterdir()} == {segment.name for segment in store.segments()}
    assert len(store.vectors.chunk_numbers(ENCODER.name)) == len(chunks)
    assert_vectors_right(store, tmp_path)
    assert backfill(store, tmp_path, ENCODER) == 0


def test_a_store_without_any_vector_is_searched_by_its_words(store: CorpusStore, tmp_path: Path) -> None:
    files = [write(tmp_path, number) for number in range(4)]
    add_files(store, tmp_path, ENCODER, files, "default", ChunkOptions(8), reader=read_in_process, direct_chunks=0)
    assert not store.segments() and not (tmp_path / "segments").exists()
    (hybrid,) = retriever(store, tmp_path).search(["the lease"], 3)
    assert hybrid.hits and hybrid.filled == 0.0
    assert not retriever(store, tmp_path).search(["the lease"], 3, "dense")[0].hits


@pytest.mark.usefixtures("small")
def test_few_vectors_do_not_outrank_what_the_words_find(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    chunk = store.chunks(next(document.id for document in store.documents() if "case 20 " in document.text))[0]
    assert chunk.id not in {c for c, _, _ in store.vectors.places(ENCODER.name)}
    (result,) = retriever(store, tmp_path).search([chunk.text], 3)
    assert result.hits[0].chunk.id == chunk.id


@pytest.mark.usefixtures("small")
def test_a_document_s_split_is_given_before_its_vectors_and_kept(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(40)])
    before = {document.id: document.position for document in store.documents()}
    shares = Counter(split_at(position) for position in before.values())
    assert all(abs(shares[split] - share * 40) <= 4 for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True))
    assert store.vectors.count_missing(ENCODER.name)
    backfill(store, tmp_path, ENCODER)
    add(store, tmp_path, [write(tmp_path, 40)])
    after = {document.id: document.position for document in store.documents()}
    assert {name: after[name] for name in before} == before and len(after) == 41


@pytest.mark.usefixtures("small")
def test_quick_vectors_of_an_earlier_version_are_not_searched_and_go(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    waiting = store.vectors.missing(ENCODER.name, 0, 1_000)
    static = HashingEncoder(32)
    vectors = static.encode([store.chunks_by_id([chunk])[chunk].text for chunk in waiting.values()])
    segment = Segment(write_segment(tmp_path / "segments", vectors), "static-32(test)", 32, len(vectors))
    store.commit(vectors=[StoredVectors(segment, tuple((chunk, row) for row, chunk in enumerate(waiting.values())))])
    store.close()
    old = CorpusStore(tmp_path / "corpus.db")
    (dense,) = retriever(old, tmp_path).search(["the lease of case 8"], 200, "dense")
    assert {hit.chunk.id for hit in dense.hits}.isdisjoint(waiting.values()) and 0 < dense.filled < 1
    assert backfill(old, tmp_path, ENCODER) == len(waiting)
    assert {segment.encoder for segment in old.segments()} == {ENCODER.name}
    assert {path.name for path in (tmp_path / "segments").iterdir()} == {segment.name for segment in old.segments()}
    assert_vectors_right(old, tmp_path)
    old.close()


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
def test_a_filter_holds_while_filling(store: CorpusStore, tmp_path: Path) -> None:
    paths = [write(tmp_path, number) for number in range(24)]
    add(store, tmp_path, paths[:12], "law")
    add(store, tmp_path, paths[12:], "medicine")
    for mode in ("dense", "hybrid"):
        for collection in ("law", "medicine"):
            (result,) = retriever(store, tmp_path).search(["the lease parts"], 200, mode, make_filter(collections=[collection]))
            there = {chunk.id for chunk in store.chunks() if chunk.collection == collection}
            encoded = {chunk for chunk, _, _ in store.vectors.places(ENCODER.name)}
            found = {hit.chunk.id for hit in result.hits}
            assert found <= there and (mode != "dense" or found == there & encoded)


@pytest.mark.usefixtures("small")
def test_the_explanation_sums_up_while_filling(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, [write(tmp_path, number) for number in range(24)])
    (result,) = Retriever(store, tmp_path, ENCODER, shown_ranks=1000).search(["the lease of case 8"], 5)
    for hit, reason in zip(result.hits, explain("the lease of case 8", result, Fusion()), strict=True):
        shares = [place.share or 0.0 if place else 0.0 for place in (reason.dense, reason.lexical)]
        assert sum(shares) == pytest.approx(hit.score) and reason.fused is not None
    lines = as_lines(reason, Fusion(), "hybrid", result.filled)
    assert f"{result.filled:.0%} of the vectors are there" in " ".join(lines)
    assert f"{round(0.6 * result.filled**2, 4):g} · dense" in " ".join(lines)


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
    files = [write(tmp_path, number) for number in range(6)]
    add_files(store, tmp_path, ENCODER, files, "default", ChunkOptions(8), reader=read_in_process)
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


def test_the_real_encoder(store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH_CHUNKS", 8)
    encoder = load_encoder("all-MiniLM-L6-v2")
    files = [write(tmp_path, number) for number in range(16)]
    add_files(store, tmp_path, encoder, files, "default", ChunkOptions(8), reader=read_in_process, direct_chunks=8)
    reader = Retriever(store, tmp_path, encoder)
    queries = ["How long did the tenancy take?", "blood poisoning", "second-hand testimony"]
    before = reader.search(queries, 5, "dense")
    backfill(store, tmp_path, encoder)
    after = reader.search(queries, 5, "dense")
    for first, last, topic in zip(before, after, ("lease", "sepsis", "hearsay"), strict=True):
        assert 0 < first.filled < 1 == last.filled
        assert topic in last.hits[0].chunk.text


def test_the_commands_leave_vectors_for_later_and_make_them(tmp_path: Path) -> None:
    config = create_workspace(tmp_path / "w")
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-64"'))
    sentences = [f"Item {number} is kept in room {number * 7} of the store. " * 20 for number in range(DIRECT_CHUNKS + 100)]
    for part in range(10):
        (tmp_path / f"{part}.txt").write_text("\n\n".join(sentences[part::10]))

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(raftsmith, [*words, "--workspace", str(tmp_path / "w"), "--json"])
        assert done.exit_code == 0, done.output
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    files = [str(tmp_path / f"{part}.txt") for part in range(10)]
    waiting = run("add", *files, "--later")["unencoded"]
    assert waiting and run("index")["unencoded"] == waiting
    assert run("search", "room 7000")["hits"]
    filled = run("index", "--fill")
    assert filled["unencoded"] == 0 and filled["vectors"] > DIRECT_CHUNKS
