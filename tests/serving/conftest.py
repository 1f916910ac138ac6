"""A small real collection, a faithful fake of the engine, and the application on a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import openai
import pytest
from fastapi import FastAPI

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from raft.answering.assistant import Assistant
from raft.answering.engine import Completion
from raft.prompts.format import Prompt, render_completion
from raft.prompts.tokenization import EncodedPrompt
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.search.retriever import Retriever
from serving.http.server import ApiServer, bind, url_of

TEXTS = {
    "lease.txt": "Lease of 4 Mill Lane.\n\nThe tenant pays a deposit of nine hundred pounds.\nThe landlord returns it in ten days.",
    "aspirin.txt": "Aspirin leaflet.\n\nAdults take one tablet of aspirin every six hours. Do not exceed four tablets a day.",
    "statute.txt": "Limitation.\n\nAn action on a contract is barred after six years. The court may not extend this period.",
}


class WordCounter:
    """A tokenizer whose tokens are words."""

    def encode(self, prompt: Prompt) -> EncodedPrompt:
        return EncodedPrompt(tuple(range(len(f"{prompt.system} {prompt.user}".split()))), 0, ())

    def completion(self, text: str) -> tuple[int, ...]:
        return tuple(range(len(text.split()) + 1))


def quote_first_passage(prompt: Prompt) -> str:
    """What a tuned model writes: a sentence of the first passage, and its last word as answer."""
    sentence = prompt.documents[0][1].strip().splitlines()[-1].split(". ")[0].rstrip(".") + "."
    return render_completion([(1, sentence)], sentence.rstrip(".").rsplit(maxsplit=2)[1] + " as quoted")


@dataclass
class FakeEngine:
    """An engine whose completions are written by `script`; `hold` stops its streams after the first word until it is set."""

    script: Callable[[Prompt], str] = quote_first_passage
    hold: threading.Event | None = None
    encoder: WordCounter = field(default_factory=WordCounter)
    started: int = 0
    closed: int = 0

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        completions = []
        for prompt in prompts:
            words = self.script(prompt).split(" ")
            text = " ".join(words[:max_tokens])
            prompt_tokens = len(self.encoder.encode(prompt).ids)
            completions.append(Completion(text, prompt_tokens, len(words[:max_tokens]), len(words) <= max_tokens))
        return completions

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        self.started += 1
        try:
            for number, word in enumerate(self.script(prompt).split(" ")[:max_tokens]):
                yield word if number == 0 else f" {word}"
                while self.hold is not None and not self.hold.is_set():
                    yield ""
                    time.sleep(0.005)
        finally:
            self.closed += 1


@dataclass
class Searches:
    """A retriever that counts how often it is asked."""

    retriever: Retriever
    count: int = 0

    def search(self, queries: Sequence[str], k: int, mode: str = "hybrid") -> list:
        self.count += 1
        return self.retriever.search(queries, k)


@dataclass
class Collection:
    """The collection of `TEXTS`, indexed."""

    store: CorpusStore
    searches: Searches

    def assistant(self, engine: object, run: str | None = None, max_tokens: int = 64) -> Assistant:
        return Assistant(self.searches, engine, run, passages=3, max_tokens=max_tokens)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    store, encoder = CorpusStore(tmp_path / "w" / "corpus.db"), HashingEncoder()
    report = add_files(store, tmp_path / "w", encoder, sorted(folder.iterdir()), "texts", ChunkOptions(45))
    assert report.added == len(TEXTS)
    yield Collection(store, Searches(Retriever(store, tmp_path / "w", encoder)))
    store.close()


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The URL of `app`, served by uvicorn in a thread on a free port."""
    listener = bind("127.0.0.1", 0)
    server = ApiServer(app, listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        url = url_of(listener)
        while not server.started:
            time.sleep(0.01)
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


@pytest.fixture
def served() -> Callable[[FastAPI], object]:
    """`running`, as test files cannot import from here."""
    return running


@pytest.fixture
def fake() -> type[FakeEngine]:
    """The fake engine's class."""
    return FakeEngine


@pytest.fixture
def client_of() -> Iterator[Callable[[str], openai.OpenAI]]:
    """The official client for a URL, without retries."""
    clients: list[openai.OpenAI] = []

    def make(url: str) -> openai.OpenAI:
        clients.append(
            openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60, http_client=httpx.Client())
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close()
