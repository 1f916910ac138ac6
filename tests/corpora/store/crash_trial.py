"""One crash trial: a child process indexes files and is killed; what it leaves is checked against an uninterrupted run.

Shared by test_crash.py (short form) and tests/soak/soak_crash.py (long form) of promises R1 and R8.
"""

import json
import os
import shutil
import signal
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.durable_files import set_probe, sha256_file
from corpora.ingest.documents import make_document
from corpora.readers import read_bytes
from corpora.records import Chunk, Document
from corpora.store.changes import NewDocument, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from retrieval.chunk_vectors.segments import read_segment, write_segment
from retrieval.encoders.encoder import Vectors
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.encoders.provenance import Role
from retrieval.indexing import add_files as indexing
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever

CHUNK_WORDS = 12
BATCH_CHUNKS = 5  # so that a few files make several commits
QUERIES = (
    "notice period of the lease",
    "warfarin dose",
    "deposit must be returned",
    "sepsis lactate",
    "clause nine",
    "absent word",
)
Hits = list[list[tuple[str, float, str, str]]]


def file_text(number: int, version: int) -> str:
    """A few paragraphs that differ with number and version."""
    subjects = ("lease", "warfarin", "deposit", "sepsis", "appeal", "lactate", "notice", "dose")
    subject, thing = subjects[number % 8], subjects[(number + 3) % 8]
    return "\n\n".join(
        f"The {subject} rule {number} of part {part} counts {version * 10 + part} days. The {thing} must be returned in clause {part}. "
        f"A notice period number {number * 7 + part} applies to each {subject}."
        for part in range(1 + (number + version) % 3)
    )


class CountingEncoder(HashingEncoder):
    """Remembers every text that it is asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        self.encoded += texts
        return super().encode(texts, role)


@dataclass(frozen=True)
class State:
    """What a store holds: path → digest of the file as it was read, and the failed paths."""

    sources: tuple[tuple[str, str], ...]
    failures: tuple[str, ...]

    @classmethod
    def of(cls, store: CorpusStore) -> "State":
        sources = sorted((path, sha256) for path, (sha256, _) in store.source_digests("default").items())
        return cls(tuple(sources), tuple(path for path, _, _ in store.failures()))


class _Acknowledging(CorpusStore):
    """Writes down every commit after it has returned, with what the store then holds."""

    def __init__(self, path: Path, acknowledged: Path) -> None:
        super().__init__(path)
        self._acknowledged = acknowledged

    def commit(self, *args: Any, **kwargs: Any) -> int:
        snapshot = super().commit(*args, **kwargs)
        state = State.of(self)
        line = json.dumps([snapshot, state.sources, state.failures]) + "\n"
        with self._acknowledged.open("a") as handle:
            handle.write(line)
        return snapshot


def _write(workspace: Path, files: Sequence[Path], acknowledged: Path, kill_at: int | None) -> None:
    operations = 0

    def probe(operation: str) -> None:
        nonlocal operations
        operations += 1
        if operations == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    indexing.BATCH_CHUNKS = BATCH_CHUNKS
    set_probe(probe)
    with single_writer(workspace):
        store = _Acknowledging(workspace / "corpus.db", acknowledged)
        add_files(store, workspace, HashingEncoder(), files, "default", ChunkOptions(CHUNK_WORDS), reader=read_in_process)
        store.close()


def write_in_child(
    workspace: Path, files: Sequence[Path], acknowledged: Path, kill_at: int | None = None, delay_s: float | None = None
) -> bool:
    """Index `files` in a child process; True when it was killed (at its `kill_at`-th durable operation, or after `delay_s`)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _write(workspace, files, acknowledged, kill_at)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if delay_s is not None:
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the writer failed, see its traceback on stderr"
    return False


def acknowledged_states(path: Path) -> dict[int, State]:
    """Snapshot → state, of every commit that was acknowledged; a line cut by the kill was not."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return {snapshot: State(tuple(map(tuple, sources)), tuple(failures)) for snapshot, sources, failures in whole}


@dataclass
class Scenario:
    """Files to index into a workspace that is new (`update` False) or holds older versions of some of them."""

    folder: Path
    update: bool
    files: list[Path] = field(default_factory=list)
    _rebuilt: dict[State, dict[str, Hits]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = self.folder / "files"
        texts.mkdir(parents=True)
        self.files = [texts / f"{number}.txt" for number in range(7)]
        self.readings: dict[str, tuple[Document, list[Chunk]]] = {}
        if self.update:
            for number, path in enumerate(self.files[:4]):
                path.write_text(file_text(number, 0))
            self._remember()
            assert not write_in_child(self.template, self.files[:4], self.folder / "template.acks")
        for number, path in enumerate(self.files):
            path.write_text(file_text(number, 0 if number == 0 else 1))
        self.files[5].write_bytes(b"\x7fELF\0\0binary")
        self._remember()
        started = time.monotonic()
        assert not write_in_child(self.start("reference"), self.files, self.folder / "reference.acks")
        self.duration_s = time.monotonic() - started
        self.states = {**self.first, **acknowledged_states(self.folder / "reference.acks")}
        assert len(self.states) >= 4, "too few commits to be worth a kill"

    @property
    def template(self) -> Path:
        return self.folder / "template"

    @cached_property
    def first(self) -> dict[int, State]:
        """The snapshot that every trial starts from."""
        states = acknowledged_states(self.folder / "template.acks")
        return {max(states): states[max(states)]} if states else {0: State((), ())}

    def start(self, name: str) -> Path:
        """A workspace as it is before the writer starts."""
        workspace = self.folder / name
        if self.update:
            shutil.copytree(self.template, workspace)
        else:
            workspace.mkdir()
        return workspace

    def _remember(self) -> None:
        for path in self.files:
            if path.exists() and b"\0" not in path.read_bytes():
                (reading,) = read_bytes(path.read_bytes(), path.name).readings
                document = make_document("default", reading, str(path))
                chunks = chunk_document(document, reading.blocks, ChunkOptions(CHUNK_WORDS))
                self.readings[sha256_file(path)] = (document, chunks)

    def expected_hits(self, state: State) -> dict[str, Hits]:
        """The search results of an index built from scratch, in one commit and another order, over the documents of `state`."""
        if state not in self._rebuilt:
            workspace = self.folder / f"rebuilt-{len(self._rebuilt)}"
            store, encoder = CorpusStore(workspace / "corpus.db"), HashingEncoder()
            readings = [self.readings[sha256] for _, sha256 in reversed(state.sources)]
            texts = [embedding_text(chunk) for _, chunks in readings for chunk in chunks]
            if texts:
                name = write_segment(workspace / "segments", encoder.encode(texts))
                added, row = [], 0
                for document, chunks in readings:
                    added.append(NewDocument(document, chunks, "0" * 64, "rebuilt", name, row))
                    row += len(chunks)
                store.commit(added=added, segment=Segment(name, encoder.name, encoder.dimension, len(texts)))
            self._rebuilt[state] = hits_of(store, workspace)
            store.close()
        return self._rebuilt[state]

    def trial(self, name: str, kill_at: int | None = None, delay_s: float | None = None) -> dict[str, Any]:
        """Kill one writer and check everything; gives what happened. Raises AssertionError where a promise is broken."""
        workspace, acks = self.start(name), self.folder / f"{name}.acks"
        killed = write_in_child(workspace, self.files, acks, kill_at, delay_s)
        last = max(acknowledged_states(acks) or self.first)
        store = CorpusStore(workspace / "corpus.db")
        snapshot = store.snapshot
        assert snapshot in (last, last + 1), f"snapshot {snapshot} after {last} was acknowledged"
        self.check(store, workspace, self.states[snapshot])
        again = self.complete(store, workspace)
        self.check(store, workspace, self.states[max(self.states)])
        store.close()
        segment_files = {path.name for path in (workspace / "segments").iterdir()}
        reopened = CorpusStore(workspace / "corpus.db")
        assert segment_files == {segment.name for segment in reopened.segments()}, "stray or missing segment files"
        reopened.close()
        shutil.rmtree(workspace)
        return {"killed": killed, "acknowledged": last, "snapshot": snapshot, "added_again": again}

    def check(self, store: CorpusStore, workspace: Path, state: State) -> None:
        """The store holds exactly `state`: whole documents, their chunks and vectors, and it searches like a rebuilt one."""
        assert store.integrity() is None
        assert State.of(store) == state
        expected = [self.readings[sha256] for _, sha256 in state.sources]
        documents = store.documents()
        assert all(0 <= document.position < 1 for document in documents)
        assert documents == sorted((document for document, _ in expected), key=lambda document: document.id)
        vector_rows = {chunk_id: (segment, row) for chunk_id, segment, row in store.vectors.places(HashingEncoder().name)}
        assert set(vector_rows) == {chunk.id for _, chunks in expected for chunk in chunks}
        segments = {name: read_segment(workspace / "segments", name) for name, _ in vector_rows.values()}
        for document, chunks in expected:
            assert store.chunks(document.id) == chunks
            for chunk, vector in zip(chunks, HashingEncoder().encode([embedding_text(c) for c in chunks]), strict=True):
                assert document.text[chunk.start : chunk.end] == chunk.text
                name, row = vector_rows[chunk.id]
                assert (segments[name][row] == vector).all()
        assert hits_of(store, workspace) == self.expected_hits(state)

    def complete(self, store: CorpusStore, workspace: Path) -> int:
        """Add the same files again: exactly the missing ones are added, and no committed chunk is embedded twice (R8)."""
        present = {sha256 for _, sha256 in State.of(store).sources}
        digests = [sha256_file(path) for path in self.files]
        missing = [digest for digest in digests if digest in self.readings and digest not in present]
        encoder = CountingEncoder()
        with single_writer(workspace):
            report = add_files(
                store, workspace, encoder, self.files, "default", ChunkOptions(CHUNK_WORDS), reader=read_in_process
            )
        assert report.added == len(missing)
        assert report.unchanged == len(self.files) - len(missing) - 1
        assert [path for path, _ in report.failed] == [str(self.files[5])]
        assert encoder.encoded == [embedding_text(chunk) for digest in missing for chunk in self.readings[digest][1]]
        return report.added


def hits_of(store: CorpusStore, workspace: Path) -> dict[str, Hits]:
    """Mode → for each query the hits: chunk id, score, text, source."""
    retriever = Retriever(store, workspace, HashingEncoder())
    return {
        mode: [
            [(hit.chunk.id, hit.score, hit.chunk.text, hit.chunk.source) for hit in result.hits]
            for result in retriever.search(QUERIES, 5, mode)
        ]
        for mode in ("dense", "lexical", "hybrid")
    }
