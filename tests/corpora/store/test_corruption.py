"""Promise R4, short form: damage is named or harmless. The long form is tests/soak/soak_corruption.py."""

import os
import signal
import time
from pathlib import Path

import pytest
from corruption_trial import answers, make_workspace, opened_answers, trial, unsealed_trial

from corpora.errors import CorruptStore
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import other_writer, single_writer


def test_damage_is_named_or_harmless(tmp_path: Path) -> None:
    came = trial(make_workspace(tmp_path / "w"), damages=60)
    assert sum(came.values()) == 60
    assert came["corpus.db: named"] >= 5 and came["segments: right"] and came["cache: right"]


def test_a_seal_is_broken_by_writing_and_put_on_by_closing(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w")
    seal = root / "corpus.db.sha256"
    expected, sealed = opened_answers(root), seal.read_text()
    assert seal.read_text() == sealed, "reading leaves the seal"
    store = CorpusStore(root / "corpus.db")
    store.commit(removed_paths=[(str(root / "texts" / "9.txt"), "default")])
    assert not seal.exists()
    second_store = CorpusStore(root / "corpus.db")  # while it is written to, and unsealed
    assert answers(second_store, root) != expected
    second_store.close()
    store.close()
    assert seal.read_text() != sealed
    assert opened_answers(root) != expected


def test_a_text_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w")
    path = root / "corpus.db"
    data = path.read_bytes()
    assert b"lease of case" in data
    path.write_bytes(data.replace(b"lease of case", b"lapse of case"))
    with pytest.raises(CorruptStore, match=r"corpus\.db is damaged"):
        CorpusStore(path)
    path.with_name("corpus.db.sha256").unlink()  # as if a writer had been killed
    with pytest.raises(
        CorruptStore, match=r"corpus\.db is damaged: (the text of document \w+ is not what was written|.*malformed)"
    ):
        CorpusStore(path)


def test_damage_to_an_unsealed_store_is_named_or_harmless(tmp_path: Path) -> None:
    came = unsealed_trial(make_workspace(tmp_path / "w"), damages=60)
    assert came["named"] >= 10 and came["right"] >= 10


def test_what_a_killed_writer_left_is_sealed_by_the_next_who_opens_it(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w")
    seal, expected = root / "corpus.db.sha256", opened_answers(root)
    child = os.fork()
    if child == 0:
        with single_writer(root):
            CorpusStore(root / "corpus.db").commit(removed_paths=[(str(root / "texts" / "9.txt"), "default")])
            (root / "written").touch()
            time.sleep(60)
    while not (root / "written").exists():
        time.sleep(0.01)
    assert other_writer(root) and opened_answers(root) != expected
    assert not seal.exists(), "the writer is there, and seals what it writes"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not other_writer(root)
    with single_writer(root):
        assert not other_writer(root)
    CorpusStore(root / "corpus.db").close()
    assert seal.exists() and opened_answers(root) != expected
