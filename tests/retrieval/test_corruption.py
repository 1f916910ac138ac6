"""Promise R4, short form: damage is named or harmless. The long form is tests/soak/soak_corruption.py."""

from pathlib import Path

import pytest
from corruption_trial import answers, make_workspace, opened_answers, trial

from corpora.errors import CorruptStore
from corpora.store import CorpusStore


def test_damage_is_named_or_harmless(tmp_path: Path) -> None:
    came = trial(make_workspace(tmp_path / "w"), damages=60)
    assert sum(came.values()) == 60
    assert came["corpus.db: named"] >= 5 and came["segments: right"] and came["cache: right"]


def test_a_seal_is_broken_by_writing_and_put_on_by_closing(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w")
    seal = root / "corpus.db.sha256"
    right, sealed = opened_answers(root), seal.read_text()
    assert seal.read_text() == sealed, "reading leaves the seal"
    store = CorpusStore(root / "corpus.db")
    store.commit(removed_paths=[(str(root / "texts" / "9.txt"), "default")])
    assert not seal.exists()
    other = CorpusStore(root / "corpus.db")  # while it is written to, and unsealed
    assert answers(other, root) != right
    other.close()
    store.close()
    assert seal.read_text() != sealed
    assert opened_answers(root) != right


def test_a_text_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w")
    path = root / "corpus.db"
    data = path.read_bytes()
    assert b"lease of case" in data
    path.write_bytes(data.replace(b"lease of case", b"lapse of case"))
    with pytest.raises(CorruptStore, match=r"corpus\.db is damaged"):
        CorpusStore(path)
    path.with_name("corpus.db.sha256").unlink()
    store = CorpusStore(path)
    assert "is not what was written" in (store.integrity() or "") or "malformed" in (store.integrity() or "")
    store.close()
