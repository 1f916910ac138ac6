"""The dense index over a store: it follows every commit, opens from its cache or not at all, and finds what brute force finds."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.durable_files import sha256_file, write_json
from corpora.errors import CorruptStore
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import EVERYTHING, make_filter
from retrieval.chunk_vectors.dense_index import IndexOptions, open_dense_index
from retrieval.chunk_vectors.index_cache import DenseCache
from retrieval.chunk_vectors.segment_compaction import compact_segments
from retrieval.chunk_vectors.segments import read_segment
from retrieval.chunk_vectors.snapshot_reader import SnapshotReader
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.indexing.add_files import add_files
from retrieval.vector_index import index_plan as index_choice
from retrieval.vector_index import vector_index
from retrieval.vector_index.index_files import MANIFEST
from retrieval.vector_index.vector_index import VectorIndex

ENCODER = HashingEncoder(32)
WORDS = [
    f"{first}{second}" for first in ("lease", "rent", "fever", "sepsis", "appeal") for second in ("", "s", "ing", "ed", "er")
]
QUERIES = ENCODER.encode(["lease rents", "fevering sepsis appeal", "leaser"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    opened = CorpusStore(tmp_path / "corpus.db")
    yield opened
    opened.close()


def write(workspace: Path, name: str, seed: int, sentences: int = 12) -> Path:
    draw = np.random.default_rng(seed)
    path = workspace / "texts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join(" ".join(draw.choice(WORDS, 6)) + "." for _ in range(sentences)))
    return path


def add(store: CorpusStore, workspace: Path, *paths: Path, collection: str = "default") -> None:
    add_files(store, workspace, ENCODER, paths, collection, ChunkOptions(8), reader=read_in_process)


def assert_found(reader: SnapshotReader, store: CorpusStore, k: int = 10, collection: str | None = None) -> None:
    """The scores are those of the best by brute force, and each hit has its own."""
    chunks = [chunk for chunk in store.chunks() if collection in (None, chunk.collection)]
    vectors = ENCODER.encode([embedding_text(chunk) for chunk in chunks])
    document_filter = make_filter(collections=[collection]) if collection else EVERYTHING
    for query, found in zip(QUERIES, reader.search(QUERIES, k, document_filter), strict=True):
        exact = {chunk.id: float(score) for chunk, score in zip(chunks, vectors @ query, strict=True)}
        assert len({chunk_id for chunk_id, _ in found}) == len(found) == min(k, len(exact))
        assert [score for _, score in found] == pytest.approx(sorted(exact.values(), reverse=True)[:k], abs=1e-6)
        assert all(score == pytest.approx(exact[chunk_id], abs=1e-6) for chunk_id, score in found)


def test_it_follows_every_commit_and_opens_from_its_cache(store: CorpusStore, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    reader = SnapshotReader(store, tmp_path, ENCODER)
    there: dict[str, Path] = {}
    for step in range(25):
        name = f"{draw.integers(8)}.txt"
        if name in there and draw.random() < 0.4:
            store.commit(removed_paths=[(str(there.pop(name)), "default")])
        else:
            there[name] = write(tmp_path, name, int(draw.integers(1000)))
            add(store, tmp_path, there[name])
        with store.reading() as snapshot:
            assert not reader.is_at(snapshot)
            reader.follow()
            assert reader.is_at(snapshot)
            assert_found(reader, store)
            # Another process: from what the cache holds, or without it.
            if step % 3 == 0:
                again = SnapshotReader(store, tmp_path, ENCODER)
                again.follow()
                assert_found(again, store)
            if step % 7 == 6:
                shutil.rmtree(tmp_path / "cache")


def test_a_commit_reads_only_its_own_segment(store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, tmp_path, *(write(tmp_path, f"{number}.txt", number) for number in range(5)))
    reader = SnapshotReader(store, tmp_path, ENCODER)
    with store.reading():
        reader.follow()
    read: list[str] = []
    monkeypatch.setattr(
        "retrieval.chunk_vectors.dense_index.read_segment", lambda folder, name: read.append(name) or read_segment(folder, name)
    )
    before = {segment.name for segment in store.segments()}
    add(store, tmp_path, write(tmp_path, "new.txt", 99))
    with store.reading():
        reader.follow()
    assert read == [segment.name for segment in store.segments() if segment.name not in before]


def test_a_filter_is_asked_of_the_store_once_a_snapshot(
    store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, tmp_path, write(tmp_path, "a.txt", 1), collection="law")
    add(store, tmp_path, write(tmp_path, "b.txt", 2), collection="medicine")
    asked: list[str] = []
    permitted = store.permitted
    monkeypatch.setattr(
        store, "permitted", lambda document_filter: asked.append(document_filter.collections[0]) or permitted(document_filter)
    )
    reader = SnapshotReader(store, tmp_path, ENCODER)
    for _ in range(2):
        with store.reading() as snapshot:
            if not reader.is_at(snapshot):
                reader.follow()
            for _ in range(2):
                assert_found(reader, store, collection="law")
                assert_found(reader, store, k=100, collection="medicine")
    assert asked == ["law", "medicine"]
    add(store, tmp_path, write(tmp_path, "c.txt", 3), collection="law")
    with store.reading():
        reader.follow()
        assert_found(reader, store, k=100, collection="law")
    assert asked == ["law", "medicine", "law"]


def test_it_is_compacted_beside_the_searches(store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "_SMALL_DELTA", 20)
    reader = SnapshotReader(store, tmp_path, ENCODER, background=True)
    for number in range(6):
        add(store, tmp_path, write(tmp_path, f"{number}.txt", number))
        with store.reading():
            reader.follow()
            assert_found(reader, store)
    reader.wait()
    with store.reading():
        reader.follow()  # what came while it was compacted may be worth another one
    reader.wait()
    assert len(reader.index.vectors.main) >= 36 and not reader.index.vectors.needs_compaction()
    with store.reading():
        assert_found(reader, store)
    cached = DenseCache(tmp_path / "cache", ENCODER.name, ENCODER.dimension).load()
    assert cached is not None and len(cached.main) == len(reader.index.vectors.main)
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 1, "an old index was left behind"


def test_a_store_put_in_the_place_of_another_is_not_searched_with_its_cache(tmp_path: Path) -> None:
    """The same chunk numbers mean other chunks there."""
    shared, fork = tmp_path / "shared", tmp_path / "fork"
    for place in (shared, fork):
        place.mkdir()
    first = CorpusStore(shared / "corpus.db")
    add(first, shared, write(shared, "a.txt", 1))
    first.close()
    shutil.copytree(shared, fork, dirs_exist_ok=True)
    for place, seed in ((shared, 2), (fork, 3)):
        opened = CorpusStore(place / "corpus.db")
        add(opened, place, write(place, "b.txt", seed))
        reader = SnapshotReader(opened, place, ENCODER)
        with opened.reading():
            reader.follow()
        opened.close()
    # The fork's store and segments under the cache of the other.
    for name in ("corpus.db", "corpus.db.sha256", "segments"):
        source, target = fork / name, shared / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    put = CorpusStore(shared / "corpus.db")
    reader = SnapshotReader(put, shared, ENCODER)
    with put.reading():
        reader.follow()
        assert_found(reader, put, k=30)
    put.close()


def test_segments_are_compacted_and_an_index_that_has_their_vectors_reads_none(
    store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, tmp_path, write(tmp_path, "large.txt", 99, 300))
    for number in range(12):
        add(store, tmp_path, write(tmp_path, f"{number}.txt", number))
    store.commit(removed_paths=[(str(tmp_path / "texts" / f"{number}.txt"), "default") for number in (2, 5)])
    reader = SnapshotReader(store, tmp_path, ENCODER)
    with store.reading():
        reader.follow()
    before = {segment.name for segment in store.segments()}
    assert compact_segments(store, tmp_path, many_small=5) == len(before) - 1 == 10
    large, small = sorted(store.segments(), key=lambda segment: -segment.count)
    assert large.name in before and small.name not in before and large.count + small.count == len(store.chunks())
    assert {path.name for path in (tmp_path / "segments").iterdir()} == {large.name, small.name} and store.integrity() is None
    read: list[str] = []
    monkeypatch.setattr(
        "retrieval.chunk_vectors.dense_index.read_segment", lambda folder, name: read.append(name) or read_segment(folder, name)
    )
    with store.reading():
        reader.follow()
        assert_found(reader, store)
        assert not read
        again = SnapshotReader(store, tmp_path, ENCODER)  # the cache is of before
        again.follow()
        assert_found(again, store)
    # A row of a chunk that is gone is rewritten away, if that is asked for.
    store.commit(removed_paths=[(str(tmp_path / "texts" / "7.txt"), "default")])
    assert compact_segments(store, tmp_path) == 0
    assert compact_segments(store, tmp_path, every_dead_row=True) == 1
    assert sum(segment.count for segment in store.segments()) == len(store.chunks()) == large.count + small.count - 12
    with store.reading():
        reader.follow()
        assert_found(reader, store)


def test_an_index_that_cannot_be_kept_still_searches(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, write(tmp_path, "a.txt", 1))
    (tmp_path / "cache").write_text("a file where the folder should be")
    said: list[str] = []
    reader = SnapshotReader(store, tmp_path, ENCODER, say=said.append)
    with store.reading():
        reader.follow()
        assert_found(reader, store)
    assert len(said) == 1 and "cannot be kept" in said[0]


def test_a_compaction_that_fails_is_said_and_searches_go_on(
    store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(vector_index, "_SMALL_DELTA", 5)
    monkeypatch.setattr(VectorIndex, "compacted_main", fail)
    said: list[str] = []
    reader = SnapshotReader(store, tmp_path, ENCODER, say=said.append, background=True)
    for number in range(4):
        add(store, tmp_path, write(tmp_path, f"{number}.txt", number))
        with store.reading():
            reader.follow()
            assert_found(reader, store)
        reader.wait()
    assert len(said) == 1 and "no room" in said[0]


def test_a_lost_segment_is_named(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, write(tmp_path, "a.txt", 1))
    (segment,) = (tmp_path / "segments").iterdir()
    segment.unlink()
    with store.reading(), pytest.raises(CorruptStore, match=segment.name):
        SnapshotReader(store, tmp_path, ENCODER).follow()


def test_a_large_collection_gets_an_approximate_index_with_a_measured_recall(
    store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_choice, "EXACT_NUMBERS", 1000 * 32)
    add(store, tmp_path, *(write(tmp_path, f"{number}.txt", number, 60) for number in range(30)))
    said: list[str] = []
    monkeypatch.setattr("retrieval.chunk_vectors.dense_index._WORTH_SAYING", 1000)
    with store.reading():
        index = open_dense_index(store, tmp_path, ENCODER.name, ENCODER.dimension, IndexOptions(0.9), said.append)
        again = open_dense_index(store, tmp_path, ENCODER.name, ENCODER.dimension, IndexOptions(0.9))
    measured = index.vectors.main.measured
    assert index.vectors.main.plan.kind == "ivf-pq" and "building the search index" in said[0]
    assert measured.recall >= 0.85 and measured == again.vectors.main.measured
    with store.reading():
        reader = SnapshotReader(store, tmp_path, ENCODER, IndexOptions(1.0))  # another target: built anew, exact
        reader.follow()
        assert isinstance(reader.index.vectors, VectorIndex) and reader.index.vectors.main.exact
        assert_found(reader, store)


def test_a_graph_that_an_earlier_version_published_is_built_again(store: CorpusStore, tmp_path: Path) -> None:
    add(store, tmp_path, write(tmp_path, "a.txt", 1))
    with store.reading():
        SnapshotReader(store, tmp_path, ENCODER).follow()
    (pointer,) = (tmp_path / "cache").glob("dense-*.json")
    published = json.loads(pointer.read_text())["folder"]
    manifest = tmp_path / "cache" / published / MANIFEST
    content = json.loads(manifest.read_text())
    content["plan"] |= {"kind": "hnsw", "links": 32, "construction": 100}
    manifest.write_text(json.dumps(content))
    write_json(pointer, {"folder": published, "manifest": sha256_file(manifest)})
    reader = SnapshotReader(store, tmp_path, ENCODER)
    with store.reading():
        reader.follow()
        assert_found(reader, store)
    assert json.loads(pointer.read_text())["folder"] != published
