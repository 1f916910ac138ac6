"""Promise R16, of the index: while documents change and the index is renewed, no request fails and each answer names its snapshot.

That of the adapter is test_adapter_swap.py.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from raft.answering.assistant import Assistant
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever
from retrieval.vector_index import vector_index
from serving.api.app import create_app
from serving.api.model_catalog import BASE_MODEL_ID

QUESTION = {"model": BASE_MODEL_ID, "messages": [{"role": "user", "content": "Within how many days is the deposit returned?"}]}
CLIENTS, COMMITS = 4, 25


def test_the_index_changes_under_load(tmp_path: Path, fake, served, client_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "_SMALL_DELTA", 3)  # every few commits the index is built anew beside the requests
    workspace, lease = tmp_path / "w", tmp_path / "lease.txt"
    encoder = HashingEncoder()
    writing, reading = CorpusStore(workspace / "corpus.db"), CorpusStore(workspace / "corpus.db")

    def commit(number: int) -> int:
        """The lease says another number of days; what says so is the right answer of this snapshot."""
        lease.write_text(f"Lease.\n\nThe deposit is returned within days{number}. Rent is due in May.")
        with single_writer(workspace):
            return add_files(writing, workspace, encoder, [lease], "texts", ChunkOptions(20), reader=read_in_process).snapshot

    right = {commit(0): "days0."}
    retriever = Retriever(reading, workspace, encoder, background=True)
    app = create_app({BASE_MODEL_ID: Assistant(retriever, fake(), None, passages=3, max_tokens=64)})
    answers: list[tuple[int, str | None, str]] = []
    failures: list[Exception] = []
    stop = threading.Event()
    with served(app) as url:

        def ask() -> None:
            client = client_of(url)
            while not stop.is_set():
                try:
                    found = client.chat.completions.create(**QUESTION)
                    said = found.raftsmith
                    answers.append((said["snapshot"], said["run"], found.choices[0].message.content))
                except Exception as error:
                    failures.append(error)

        clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for number in range(1, COMMITS):
            right[commit(number)] = f"days{number}."
        while (len(answers) < COMMITS or len({snapshot for snapshot, *_ in answers}) < 5) and not failures:
            number = len(right)
            right[commit(number)] = f"days{number}."
        stop.set()
        for client in clients:
            client.join(60)
    reading.close()
    writing.close()
    assert not failures
    assert len(answers) >= COMMITS and len({snapshot for snapshot, *_ in answers}) >= 5
    for snapshot, run, answer in answers:
        assert run is None and right[snapshot] in answer, (snapshot, answer)
