"""The records that this package produces. Offsets are in characters of the cleaned document text, end exclusive."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


def content_id(*parts: str) -> str:
    """20 hexadecimal digits of SHA-256 over the parts, each closed by a NUL so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Block:
    """One structural unit of a document as a reader found it: `kind` is "heading", "paragraph" or "item".

    `page`, from 1, is the one it begins on where the source has pages; `breaks` are the offsets in `text` where the
    next ones begin. A reader marks a page's end inside a block with a form feed, and cleaning turns these into breaks.
    """

    kind: str
    text: str
    level: int = 0
    page: int | None = None
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a reader makes of one document: a title, if it has one of its own, and its blocks in reading order.

    `part` names the document inside a file that holds several (a row, a message, a member of an archive); "" where the
    file is the document. `metadata` are facts that the source states about itself: "date", "author", "jurisdiction",
    "licence", "identifier", "type", "url", ... `media_type` is that of the part.
    """

    title: str | None
    blocks: Sequence[Block]
    part: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    media_type: str = ""


@dataclass(frozen=True)
class Document:
    """A cleaned document.

    `id` is a hash of collection and text; `cluster` decides the split (near-duplicates share one).

    `source` is the file, with "#" and the part where a file holds several documents. `metadata` is what the source says
    about itself, see `Reading`, and what was said of it when it was added. `readers` are the names of those who may
    read it, none for everybody. `position`, in 0–1, is its cluster's place among the splits, see `corpora.splits`;
    below 0 until it is stored.
    """

    id: str
    collection: str
    title: str
    media_type: str
    text: str
    source: str
    cluster: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    readers: tuple[str, ...] = ()
    position: float = field(default=-1.0, compare=False)


@dataclass(frozen=True)
class Version:
    """What a source held from `began` until `ended` (ISO 8601; "" is unknown, None is now). `number` counts from 1.

    `text` is None where it is no longer kept.
    """

    source: str
    collection: str
    number: int
    document_id: str
    sha256: str
    title: str
    media_type: str
    metadata: Mapping[str, str]
    text: str | None
    began: str
    ended: str | None


@dataclass(frozen=True)
class Chunk:
    """A window of whole sentences: `document.text[start:end] == text`. `section` is the path of headings above it.

    `page` counts from 1 where the source has pages; `paragraph` is the number, from 1, of the block in the document
    that the window begins in.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    title: str
    section: str
    source: str
    collection: str
    page: int | None = None
    paragraph: int = 0


@dataclass(frozen=True)
class Evidence:
    """A passage that supports an answer, as the question file has it.

    `document` is the title or file name of its document.
    """

    document: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question with its accepted answers and evidence sentences.

    No answers: it cannot be answered from the collection.

    `extractive`: the first answer is a part of the first evidence. Where it is not, as with "yes", the evidence
    supports it.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    document: str
    extractive: bool = True

    @property
    def answerable(self) -> bool:
        """True when at least one answer is given."""
        return bool(self.answers)


@dataclass(frozen=True)
class QuestionSet:
    """A file of questions as read.

    `dropped` are (question id or place, reason); `format` is the one that was recognised.

    `documents` are those that the set brings along, empty where it asks about documents that are elsewhere; the `part`
    of each is the name that `Evidence.document` and `Question.document` use.
    """

    questions: tuple[Question, ...]
    dropped: tuple[tuple[str, str], ...]
    format: str
    documents: tuple[Reading, ...] = ()
