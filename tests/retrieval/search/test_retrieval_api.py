"""The examples of docs/retrieval-api.md run as they stand there, in their order."""

import re
from pathlib import Path

import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import create_workspace
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from serving.configuration import SECTIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "retrieval-api.md"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "my-collection"
    config = create_workspace(root, SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-256"'))
    texts = {
        "lease.txt": "The notice period is two months. It ends at midnight.",
        "rent.txt": "The rent is due on the first of May.",
    }
    for name, text in texts.items():
        (root / name).write_text(text)
    store = CorpusStore(root / "corpus.db")
    add_files(store, root, HashingEncoder(), [root / name for name in texts], "default", ChunkOptions(8))
    store.close()
    return tmp_path


def test_the_examples_run(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(workspace)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # the page is ours
    said = capsys.readouterr().out
    assert "1 1.0 lease" in said and "two months" in said and "best: nDCG@10 1.000" in said
