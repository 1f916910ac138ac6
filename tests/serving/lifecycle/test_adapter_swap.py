"""Promise R16, of the adapter: while the run behind a server changes, no request fails and each answer names the run that gave it."""

from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref
from pathlib import Path

import openai
import pytest
from in_process_reading import read_in_process

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import ModelError
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from raft.answering.assistant import Assistant
from raft.prompts.format import Prompt, render_completion
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever
from retrieval.vector_index import vector_index
from serving.api.app import create_app
from serving.api.model_catalog import CURRENT_ID, ModelCatalog
from serving.lifecycle.model_reload import Reloader

MESSAGES = [{"role": "user", "content": "Within how many days is the deposit returned?"}]
CLIENTS, COMMITS, SWAPS = 4, 60, 40


def asked(client: openai.OpenAI, stream: bool, model: str = CURRENT_ID) -> tuple[set[str], int, str | None, str]:
    """The models that the answer, or each piece of it, names; the snapshot; the run; and the text."""
    if not stream:
        whole = client.chat.completions.create(model=model, messages=MESSAGES)
        return {whole.model}, whole.raftsmith["snapshot"], whole.raftsmith["run"], whole.choices[0].message.content
    chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, stream=True))
    said = chunks[-1].raftsmith
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return {chunk.model for chunk in chunks}, said["snapshot"], said["run"], text


def test_adapters_and_the_index_change_under_load(tmp_path: Path, fake, served, client_of, monkeypatch) -> None:
    monkeypatch.setattr(vector_index, "_SMALL_DELTA", 3)  # every few commits the index is built anew beside the requests
    workspace, lease, encoder = tmp_path / "w", tmp_path / "lease.txt", HashingEncoder()
    writing, reading = CorpusStore(workspace / "corpus.db"), CorpusStore(workspace / "corpus.db")
    right: dict[int, str] = {}

    def commit() -> None:
        days = f"days{len(right)}."
        lease.write_text(f"Lease.\n\nThe deposit is returned within {days} Rent is due in May.")
        with single_writer(workspace, wait_s=5):
            done = add_files(writing, workspace, encoder, [lease], "texts", ChunkOptions(20), reader=read_in_process)
        right[done.snapshot] = days

    commit()
    retriever = Retriever(reading, workspace, encoder, background=True)

    def assistant(run: str) -> Assistant:
        def script(prompt: Prompt) -> str:
            sentence = next(s for _, text in prompt.documents for s in text.split("\n") if "within days" in s).strip()
            return render_completion([(1, sentence.split(" Rent")[0])], f"{run} has read {sentence.split()[5]}")

        return Assistant(retriever, fake(script), run, passages=3, max_tokens=64)

    numbers = itertools.count(1)

    def load() -> dict[str, Assistant]:
        number = next(numbers)
        if number % 4 == 0:
            raise ModelError(f"run{number} is damaged")
        return {f"run{number}": assistant(f"run{number}")}

    app = create_app({"run0": assistant("run0")})
    answers: list[tuple[set[str], int, str | None, str]] = []
    failures: list[Exception] = []
    outcomes: list[str | None] = []
    stop = threading.Event()
    with served(app) as url, Reloader(app.state.catalog, load, outcomes.append) as reloader:

        def ask(stream: bool) -> None:
            client = client_of(url)
            while not stop.is_set():
                try:
                    answers.append(asked(client, stream))
                except Exception as error:
                    failures.append(error)

        clients = [threading.Thread(target=ask, args=[number % 2 == 0]) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        while (len(outcomes) < SWAPS or len(right) < COMMITS or len(answers) < 3 * SWAPS) and not failures:
            reloader.ask()
            commit()
        stop.set()
        for client in clients:
            client.join(60)
    reading.close()
    writing.close()
    assert not failures
    assert len({run for _, _, run, _ in answers}) >= 5 and len({snapshot for _, snapshot, _, _ in answers}) >= 5
    assert outcomes[:4] == [None, None, None, "run4 is damaged"]
    for models, snapshot, run, text in answers:
        assert models == {run} and (run == "run0" or int(str(run)[3:]) % 4)
        assert text.startswith(f"{run} has read {right[snapshot]}"), (run, right[snapshot], text)


def test_who_is_inside_ends_with_what_it_began_with_and_then_its_memory_is_free(collection, fake, served, client_of) -> None:
    hold = threading.Event()
    old = fake(lambda prompt: "##Answer: the old one says so", hold=hold)
    app = create_app({"old": collection.assistant(old, "old")})
    with served(app) as url:
        client, waiting = client_of(url), client_of(url)
        stream = iter(client.chat.completions.create(model=CURRENT_ID, messages=MESSAGES, stream=True))
        pieces = [next(stream)]
        told: list[tuple[set[str], int, str | None, str]] = []
        queued = threading.Thread(target=lambda: told.append(asked(waiting, stream=False)))
        queued.start()
        while app.state.admission.inside < 2:
            time.sleep(0.01)
        app.state.catalog.replace({"new": collection.assistant(fake(lambda prompt: "##Answer: the new one"), "new")})
        assert [model.id for model in client_of(url).models.list()] == [CURRENT_ID, "new"]
        with pytest.raises(openai.NotFoundError, match='"raftsmith" is always served'):
            asked(client_of(url), stream=False, model="old")
        kept = weakref.ref(old)
        del old
        assert kept() is not None
        hold.set()
        pieces += stream
        queued.join(20)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in pieces) == "the old one says so"
        assert pieces[-1].raftsmith["run"] == "old" and {chunk.model for chunk in pieces} == {"old"}
        assert told == [({"old"}, 1, "old", "the old one says so")]
        assert asked(client, stream=True) == ({"new"}, 1, "new", "the new one")
        gc.collect()
        assert kept() is None


def test_what_cannot_be_loaded_or_served_changes_nothing(collection, fake) -> None:
    catalog = ModelCatalog({"first": collection.assistant(fake(), "first")})
    outcomes: list[str | None] = []
    told = threading.Semaphore(0)

    def done(error: str | None) -> None:
        outcomes.append(error)
        told.release()

    loads = iter([ModelError("the run is damaged"), RuntimeError("out of memory"), {}, {"bad": collection.assistant(object())}])

    def load() -> dict[str, Assistant]:
        value = next(loads)
        if isinstance(value, Exception):
            raise value
        return value

    with Reloader(catalog, load, done) as reloader:
        for _ in range(4):
            reloader.ask()
            assert told.acquire(timeout=10)
            assert catalog.names == [CURRENT_ID, "first"]
    assert outcomes[:2] == ["the run is damaged", "RuntimeError: out of memory"]
    assert "no assistant" in str(outcomes[2]) and "no `encoder`" in str(outcomes[3])


def test_many_asks_are_few_loads_and_the_end_waits_for_the_one_that_runs(collection, fake) -> None:
    began, go = threading.Event(), threading.Event()
    finished: list[str | None] = []

    def load() -> dict[str, Assistant]:
        began.set()
        assert go.wait(20)
        return {"next": collection.assistant(fake(), "next")}

    catalog = ModelCatalog({"first": collection.assistant(fake(), "first")})
    with Reloader(catalog, load, finished.append) as reloader:
        reloader.ask()
        assert began.wait(10)
        for _ in range(50):
            reloader.ask()
        threading.Timer(0.2, go.set).start()
        while len(finished) < 2:
            time.sleep(0.01)
        began.clear()
        go.clear()
        reloader.ask()
        assert began.wait(10)
        threading.Timer(0.2, go.set).start()
    assert finished == [None] * 3 and catalog.names == [CURRENT_ID, "next"]
