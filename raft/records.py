"""The records of RAFT: what a model is trained on, and what it answers. Pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A document as a prompt shows it: a chunk's text with its title. `section` is the path of headings above it."""

    chunk_id: str
    document_id: str
    title: str
    section: str
    text: str


@dataclass(frozen=True)
class Quote:
    """A verbatim quote and its offsets: characters of the document text, end exclusive."""

    text: str
    chunk_id: str
    document_id: str
    start: int
    end: int


@dataclass(frozen=True)
class RaftExample:
    """One training or test example. Reference: RAFT, arXiv 2403.10131, section 3.

    `passages` are in prompt order; `search_order` are their numbers (from 1) as search ranks them for the question.
    `oracles` are the chunk ids that hold the evidence, whether or not they are among the passages. `policy` is "answer"
    (oracle present), "abstain-absent" (oracle taken out) or "abstain-unanswerable". `context` is equal for examples
    with the same passages in the same order: training encodes those once.
    """

    id: str
    context: str
    question_id: str
    question: str
    passages: tuple[Passage, ...]
    search_order: tuple[int, ...]
    oracles: tuple[str, ...]
    policy: str
    answer: str
    answers: tuple[str, ...]
    quotes: tuple[Quote, ...]
    completion: str
    split: str


@dataclass(frozen=True)
class ParsedCompletion:
    """A completion parsed into its answer and quotes, which are (number of the passage it names or None, text).

    `well_formed` is false when the answer marker is missing; the answer is then all the text.
    """

    answer: str
    quotes: tuple[tuple[int | None, str], ...]
    abstained: bool
    well_formed: bool


@dataclass(frozen=True)
class Citation:
    """A quote of an answer and the passage it was found in.

    Not `verified` means it was found in none; offsets are then -1. `page`, from 1, is the one its passage begins on,
    where the source has pages.
    """

    document_id: str
    chunk_id: str
    title: str
    source: str
    start: int
    end: int
    quote: str
    verified: bool
    page: int | None = None


@dataclass(frozen=True)
class Answer:
    """The assistant's answer to one question, with its citations.

    `completion` is the model's raw text; `run` is None for the base model. `support` is the estimated chance, in 0–1,
    that search found the evidence, or None where nothing estimates it.
    """

    question: str
    answer: str
    abstained: bool
    citations: tuple[Citation, ...]
    snapshot: int
    run: str | None
    support: float | None
    completion: str
    prompt_tokens: int
    completion_tokens: int
