"""The records that this package produces. Offsets are in characters of the cleaned document text, end exclusive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


def content_id(*parts: str) -> str:
    """20 hexadecimal digits of SHA-256 over the parts, each closed by a NUL so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Block:
    """One structural unit of a document as a reader found it: `kind` is "heading", "paragraph" or "item"."""

    kind: str
    text: str
    level: int = 0


@dataclass(frozen=True)
class Document:
    """A cleaned document. `id` is a hash of collection and text; `cluster` decides the split (near-duplicates share one)."""

    id: str
    collection: str
    title: str
    media_type: str
    text: str
    source: str
    cluster: str


@dataclass(frozen=True)
class Chunk:
    """A window of whole sentences: `document.text[start:end] == text`. `section` is the path of headings above it."""

    id: str
    document_id: str
    start: int
    end: int
    text: str
    title: str
    section: str
    source: str
    collection: str


@dataclass(frozen=True)
class Evidence:
    """A passage that supports an answer: the text as the question file has it, and whose document it is (title or file name)."""

    document: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question with its accepted answers and evidence sentences. No answers: it cannot be answered from the collection."""

    id: str
    text: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    document: str

    @property
    def answerable(self) -> bool:
        """True when at least one answer is given."""
        return bool(self.answers)
