"""A small real collection, a faithful fake of the engine, and the application on a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI

from corpora.chunking import ChunkOptions
from corpora.store import CorpusStore
from raft.answering import Assistant
from raft.engine import Completion
from raft.prompts import Prompt, render_completion
from raft.tokens import EncodedPrompt
from retrieval.encoders import HashingEncoder
from retrieval.indexing import add_files
from retrieval.search import Retriever
from serving.server import ApiServer, bind, url_of

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    from annotation_browser import ARGUMENTS, CHROMIUM, playwright

    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any) -> Callable[..., Any]:
    """`with opened(desk, 2) as (one, two)`: so many people at one desk, each with a browser of their own.

    At the end nothing was loaded from elsewhere, and nothing failed but what has `allowed` in its message.
    """
    from annotation_browser import Seen
    from annotation_samples import TOKEN

    from serving.annotate_api import create_annotate_app

    @contextmanager
    def open_all(desk: Any, people: int = 1, allowed: str = "", **options: Any) -> Iterator[Any]:
        with running(create_annotate_app(desk, TOKEN)) as url:
            contexts = [browser.new_context(**options) for _ in range(people)]
            try:
                all_seen = [Seen(context.new_page(), url).open() for context in contexts]
                yield all_seen if people > 1 else all_seen[0]
            finally:
                for context in contexts:
                    context.close()
        for seen in all_seen:
            assert seen.requests and all(request.startswith(f"{url}/") for request in seen.requests), seen.requests
            assert not [problem for problem in seen.problems if not allowed or allowed not in problem], seen.problems

    return open_all
