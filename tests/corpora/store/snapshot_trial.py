"""Readers in processes of their own beside a writer (promise R6): every answer has to be that of exactly one snapshot, rebuilt from scratch.

python tests/corpora/store/snapshot_trial.py WORKSPACE ANSWERS.jsonl      # one reader, until WORKSPACE/stop is there
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from in_process_reading import read_in_process  # noqa: E402

from corpora.chunking.chunker import ChunkOptions  # noqa: E402
from corpora.store.corpus_store import CorpusStore  # noqa: E402
from corpora.store.writer_lock import single_writer  # noqa: E402
from retrieval.encoders.hashing import HashingEncoder  # noqa: E402
from retrieval.indexing.add_files import add_files  # noqa: E402
from retrieval.search.retriever import Mode, Retriever  # noqa: E402
from retrieval.vector_index import vector_index  # noqa: E402

TOPICS = ("lease", "deposit", "warfarin", "sepsis", "hearsay", "appeal", "lactate", "warranty")
QUERIES = ("the lease of case 8", "sepsis parts", "an appeal on hearsay", "42 CFR 482.13")
MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")
ENCODER = HashingEncoder(64)
K = 6
NAMES = 14
Contents = dict[str, str]
Answer = list[tuple[str, float]]


@dataclass(frozen=True)
class Observed:
    """`commits` were made, `answers` given from so many `snapshots`, and `checked` of them held against a rebuilt store."""

    commits: int
    answers: int
    snapshots: int
    checked: int


def read(workspace: Path, answers: Path) -> None:
    """Ask until told to stop; every answer with its snapshot becomes a line."""
    vector_index._SMALL_DELTA = 12  # so that compaction beside the searches is part of it
    store = CorpusStore(workspace / "corpus.db")
    retriever = Retriever(store, workspace, ENCODER, background=True)
    draw = random.Random(os.getpid())
    with answers.open("w") as lines:
        while not (workspace / "stop").exists():
            mode = draw.choice(MODES)
            for query, result in zip(QUERIES, retriever.search(QUERIES, K, mode), strict=True):
                hits = [[hit.chunk.id, hit.score, hit.chunk.text] for hit in result.hits]
                lines.write(json.dumps([result.snapshot, mode, query, hits]) + "\n")
    store.close()


def trial(folder: Path, seconds: float, readers: int = 8, rebuilt: int = 25, seed: int = 6) -> Observed:
    """Write for `seconds` beside `readers`, then hold their answers against `rebuilt` of the snapshots. Raises AssertionError."""
    workspace, texts = folder / "live", folder / "texts"
    workspace.mkdir(parents=True)
    texts.mkdir()
    draw, store = random.Random(seed), CorpusStore(workspace / "corpus.db")
    states: dict[int, Contents] = {store.snapshot: {}}
    contents: Contents = {}
    command = [sys.executable, __file__, str(workspace)]
    running = [subprocess.Popen([*command, str(folder / f"{number}.jsonl")]) for number in range(readers)]
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            assert all(process.poll() is None for process in running), "a reader ended by itself"
            name = f"{draw.randrange(NAMES)}.txt"
            with single_writer(workspace):
                if name in contents and draw.random() < 0.4:
                    del contents[name]
                    store.commit(removed_paths=[(str(texts / name), "default")])
                else:
                    contents[name] = _text(draw)
                    (texts / name).write_text(contents[name])
                    add(store, workspace, [texts / name])
            states[store.snapshot] = dict(contents)
            time.sleep(draw.uniform(0, 0.1))
    finally:
        (workspace / "stop").touch()
        codes = [process.wait(120) for process in running]
    store.close()
    assert codes == [0] * readers, f"readers ended with {codes}"
    answers = [line for number in range(readers) for line in _lines(folder / f"{number}.jsonl")]
    answer_counts = Counter(snapshot for snapshot, *_ in answers)
    assert set(answer_counts) <= set(states), "an answer came from a snapshot that no commit made"
    chosen = set(draw.sample(sorted(answer_counts), min(rebuilt, len(answer_counts))))
    for snapshot in chosen:
        expected = _rebuilt(folder / "rebuilt", texts, states[snapshot])
        for answer_snapshot, mode, query, hits in answers:
            if answer_snapshot == snapshot:
                _compare(hits, expected[mode, query], f"snapshot {snapshot}, {mode}, {query!r}")
    return Observed(len(states) - 1, len(answers), len(answer_counts), sum(answer_counts[snapshot] for snapshot in chosen))


def add(store: CorpusStore, workspace: Path, files: list[Path]) -> None:
    """As the command does, without a process to read the files in."""
    add_files(store, workspace, ENCODER, files, "default", ChunkOptions(8), reader=read_in_process)


def _text(draw: random.Random) -> str:
    topics = draw.sample(TOPICS, 3)
    lines = [f"The {topics[0]} of case {draw.randrange(20)} was long.", f"Its {topics[1]} had {draw.randrange(9)} parts."]
    lines += [f"A {topics[2]} followed under 42 CFR 482.{draw.randrange(10, 16)}."] * draw.randrange(3)
    return "\n\n".join(lines)


def _lines(path: Path) -> list[tuple[int, Mode, str, list[Any]]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _rebuilt(workspace: Path, texts: Path, contents: Contents) -> dict[tuple[Mode, str], list[Any]]:
    """The answers of a new store over the same files. Chunk ids do not depend on what was there before."""
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir()
    for name, text in contents.items():
        (texts / name).write_text(text)
    store = CorpusStore(workspace / "corpus.db")
    add(store, workspace, [texts / name for name in sorted(contents)])
    retriever = Retriever(store, workspace, ENCODER)
    expected = {
        (mode, query): [[hit.chunk.id, hit.score, hit.chunk.text] for hit in result.hits]
        for mode in MODES
        for query, result in zip(QUERIES, retriever.search(QUERIES, K, mode), strict=True)
    }
    store.close()
    return expected


def _compare(hits: list[Any], expected: list[Any], where: str) -> None:
    assert [hit[0] for hit in hits] == [hit[0] for hit in expected], where
    assert all(
        abs(hit[1] - expected_hit[1]) < 1e-6 and hit[2] == expected_hit[2]
        for hit, expected_hit in zip(hits, expected, strict=True)
    ), where


if __name__ == "__main__":
    read(Path(sys.argv[1]), Path(sys.argv[2]))
