"""What the tests of annotation share: a session over the collection of `conftest`, with a dataset of three examples to review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from corpora.records import Chunk, Document
from corpora.store.corpus_store import CorpusStore
from raft.examples.dataset import read_dataset, write_dataset
from raft.examples.grounding import Grounding
from raft.examples.options import ExampleOptions
from raft.prompts.format import render_completion
from raft.quotes.verification import verify_quote
from raft.records import Passage, RaftExample
from serving.annotate.records import Span
from serving.annotate.session import AnnotationSession
from serving.annotate.store import AnnotationStore

QUOTES = (
    ("How much is the deposit?", "The tenant pays a deposit of nine hundred pounds.", "nine hundred pounds"),
    ("When is it returned?", "The landlord returns it in ten days.", "ten days"),
    ("When is an action barred?", "An action on a contract is barred after six years.", "after six years"),
)

TOKEN = "a-token-for-tests"


@contextmanager
def entered(url: str) -> Iterator[httpx.Client]:
    """A client that has opened the page's address, as a browser does: with the cookie and the key of a session."""
    with httpx.Client(base_url=url, verify=False) as client:  # without TLS anyway; loading certificates takes long
        client.headers["X-Raftsmith-Key"] = key_in(client.get("/", params={"token": TOKEN}))
        yield client


def key_in(answer: httpx.Response) -> str:
    """The key that the answer to the printed address hands to the page."""
    found = re.search(r'data-key="([\w-]{43})"', answer.text)
    assert answer.status_code == 200 and found, answer.text
    return found[1]


def document_with(store: CorpusStore, text: str) -> Document:
    return next(document for document in store.documents() if text in document.text)


def span_of(document: Document, text: str) -> Span:
    start = document.text.index(text)
    return Span(start, start + len(text), text)


def example_of(chunks: list[Chunk], question: str, sentence: str, answer: str) -> RaftExample:
    """An example that shows `chunks` and answers with `sentence`, which is in one of them."""
    passages = tuple(Passage(c.id, c.document_id, c.title, c.section, c.text) for c in chunks)
    quote = verify_quote(sentence, chunks)
    assert quote is not None
    number = 1 + [chunk.id for chunk in chunks].index(quote.chunk_id)
    completion = render_completion([(number, quote.text)], answer)
    order, oracles = tuple(range(1, len(chunks) + 1)), (quote.chunk_id,)
    return RaftExample(
        f"id-{answer.replace(' ', '-')}",
        "context",
        question,
        question,
        passages,
        order,
        oracles,
        "answer",
        answer,
        (answer,),
        (quote,),
        completion,
        "train",
    )


def make_session(store: CorpusStore, root: Path, with_dataset: bool = True) -> AnnotationSession:
    """A session in the workspace `root`."""
    annotations = AnnotationStore(root / "annotations.db", store.document)
    if not with_dataset:
        return AnnotationSession(store, annotations, "default")
    chunks = sorted(store.chunks(), key=lambda chunk: (chunk.source, chunk.start))
    examples = [example_of(chunks, *row) for row in QUOTES]
    folder = root / "datasets" / "d"
    if not folder.exists():
        write_dataset(folder, "d", Grounding(), [], examples, ExampleOptions(), 1, ["questions.json"])
    return AnnotationSession(store, annotations, "default", None, read_dataset(folder), folder)
