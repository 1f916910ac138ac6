"""Bit flips and truncations over every file of a workspace (promise R4): an error that names the file, or the right answer."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

from snapshot_trial import ENCODER, MODES, QUERIES, add

from corpora.errors import RaftsmithError
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from retrieval.search.retriever import Retriever
from serving.doctor import diagnose

Answers = list[tuple[str, float, str, str, str, int, int]]
CONFIG = '[models]\nencoder = "hashing-64"\n'


def make_workspace(root: Path) -> Path:
    """Three batches of documents, one removed, searched once so that the index is there, and closed."""
    root.mkdir(parents=True)
    (root / "raftsmith.toml").write_text(CONFIG)
    texts = root / "texts"
    texts.mkdir()
    files = []
    for number in range(30):
        files.append(texts / f"{number}.txt")
        paragraphs = [f"The lease of case {number} was long.", f"Its deposit had {number} parts under 42 CFR 482.{number}."]
        files[-1].write_text("\n\n".join([*paragraphs, "An appeal on hearsay, and sepsis in its parts. " * (number % 4)]))
    store = CorpusStore(root / "corpus.db")
    with single_writer(root):
        for first in range(0, 30, 10):
            add(store, root, files[first : first + 10])
        store.commit(removed_paths=[(str(files[4]), "default")])
    answers(store, root)
    store.close()
    return root


def answers(store: CorpusStore, root: Path) -> Answers:
    """Everything that a search shows, in every mode."""
    retriever = Retriever(store, root, ENCODER)
    return [
        (hit.chunk.id, round(hit.score, 6), hit.chunk.text, hit.chunk.title, hit.chunk.source, hit.chunk.start, hit.chunk.end)
        for mode in MODES
        for result in retriever.search(QUERIES, 6, mode)
        for hit in result.hits
    ]


def opened_answers(root: Path) -> Answers:
    """As a new process would get them."""
    store = CorpusStore(root / "corpus.db")
    try:
        return answers(store, root)
    finally:
        store.close()


def trial(root: Path, damages: int, seed: int = 4) -> Counter[str]:
    """Damage one file after the other, at random; what came of it, by kind of file. Raises AssertionError."""
    draw = random.Random(seed)
    expected, came = opened_answers(root), Counter[str]()
    whole = root.with_name("whole")
    shutil.copytree(root, whole)
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.stat().st_size]
    files = [path for path in files if path.parent.name != "texts" and path.suffix not in (".toml", ".lock")]
    for number in range(damages):
        path = files[number % len(files)]
        data = bytearray(path.read_bytes())
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        kind = path.relative_to(root).parts[0]
        try:
            assert opened_answers(root) == expected, f"a wrong answer after damage {number} to {path.name}"
            came[f"{kind}: right"] += 1
        except RaftsmithError as error:
            assert path.name in str(error), f"{path.name} is damaged, and the error is: {error}"
            came[f"{kind}: named"] += 1
        if path.parent.name in ("segments", "cache") or "cache" in path.parts:
            diagnose(root, repair=True)
            store = CorpusStore(root / "corpus.db")
            with single_writer(root):
                add(store, root, [text for text in sorted((root / "texts").iterdir()) if text.stem != "4"])
            assert answers(store, root) == expected, f"doctor --repair and add did not mend {path.name}"
            store.close()
        for entry in root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(whole, root, dirs_exist_ok=True)
    return came


def unsealed_trial(root: Path, damages: int, seed: int = 9) -> Counter[str]:
    """Damage the store while it has no seal, as after `kill -9` of a writer; what came of it. Raises AssertionError."""
    draw = random.Random(seed)
    expected, came = opened_answers(root), Counter[str]()
    path = root / "corpus.db"
    whole = path.read_bytes()
    for number in range(damages):
        data = bytearray(whole)
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        for ending in (".sha256", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        path.write_bytes(data)
        try:
            assert opened_answers(root) == expected, f"a wrong answer after damage {number}"
            came["right"] += 1
        except RaftsmithError as error:
            assert path.name in str(error), str(error)
            came["named"] += 1
    return came
