"""What every annotation format shares: the documents and examples annotated, and what was read from a file.

What was read has a reason for each part that was not. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import ValidationError

from corpora.errors import AnnotationError
from corpora.records import Document, Evidence
from corpora.store.evidence_location import EvidenceLocator, NotLocated
from raft.examples.reviews import Review
from raft.prompts.format import render_prompt
from raft.records import RaftExample
from serving.annotate.records import AnnotatedQuestion, Label, Span


@dataclass(frozen=True)
class ShownText:
    """A text that was annotated elsewhere, located in the document of the collection that holds it.

    `start` and `end` are its offsets in the document.
    """

    document: Document
    start: int
    end: int
    text: str

    def part(self, start: int, end: int) -> Span:
        """The span of the document that `text[start:end]` is; white space may differ between the two."""
        inside = self.document.text[self.start : self.end]
        if inside != self.text and 0 <= start < end <= len(self.text):
            before, length = (len("".join(part.split())) for part in (self.text[:start], self.text[start:end]))
            visible = [offset for offset, character in enumerate(inside) if not character.isspace()][before : before + length]
            start, end = (visible[0], visible[-1] + 1) if visible else (start, end)
        return part_of(self.document, self.start + start, self.start + end)

    @property
    def whole(self) -> Span:
        """The span of all of it."""
        return part_of(self.document, self.start, self.end)


class Sources:
    """The documents that annotations are about, and the generated examples that reviews are about."""

    def __init__(self, locator: EvidenceLocator, examples: Iterable[RaftExample] = ()) -> None:
        """Examples are kept by id."""
        self.locator = locator
        self.documents: Mapping[str, Document] = locator.documents
        self.examples = {example.id: example for example in examples}

    def known_name(self, *names: str) -> str:
        """The first of `names` that means a document of the collection, else the last one."""
        return next((name for name in names if self.locator.names.called(name)), names[-1])

    def find_document(self, name: str) -> Document:
        """The document that `name` means most surely. Raises AnnotationError when there is none."""
        for identity in self.locator.names.called(name):
            return self.documents[identity]
        raise AnnotationError("its document is not in the collection; add it first")

    def locate_text(self, document: str, text: str) -> ShownText:
        """The annotated `text`, located in the document called `document` or, without one, anywhere.

        Offsets count from its beginning, so it must be a whole document or stand in one place only. Raises
        AnnotationError.
        """
        if not text.strip():
            raise AnnotationError("it has no text")
        locations = self.locator.every_place(Evidence(document, text))
        whole = [
            location
            for location in locations
            if (location.start, location.end) == (0, len(self.documents[location.document_id].text))
        ]
        if not locations:
            raise AnnotationError("its text is in no document of the collection; add the documents first")
        if len(locations) > 1 and not whole:
            raise AnnotationError("its text is in more than one place of the collection; give a longer text or document_id")
        location = (whole or locations)[0]
        return ShownText(self.documents[location.document_id], location.start, location.end, text)

    def evidence(self, document: str, text: str) -> ShownText:
        """The `text` of an evidence, located as for `generate` and `evaluate-retrieval`. Raises AnnotationError."""
        location = self.locator.locate(Evidence(document, text))
        if isinstance(location, NotLocated):
            raise AnnotationError(location.value)
        return ShownText(self.documents[location.document_id], location.start, location.end, text)


@dataclass
class Incoming:
    """The annotations read from a file. `dropped` are (what it is, reason) for the parts that could not be."""

    classes: list[str] = field(default_factory=list)
    questions: list[AnnotatedQuestion] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A context in which a fault drops the part `name` with its reason, and the file goes on."""
        try:
            yield
        except ValidationError as error:
            first = error.errors()[0]
            field_path = ".".join(str(key) for key in first["loc"])
            self.dropped.append((name, f"{field_path or 'it'}: {first['msg'][:1].lower()}{first['msg'][1:]}"))
        except AnnotationError as error:
            self.dropped.append((name, str(error)))


def part_of(document: Document, start: int, end: int) -> Span:
    """The span with its text; one that is out of the document has a shorter text and is refused when it is written."""
    return Span(start, end, document.text[max(start, 0) : max(end, 0)])


def offsets(text: str, start: int, end: int, quoted: str | None) -> tuple[int, int]:
    """Offsets of `quoted` in code points, from offsets that may count UTF-16 units.

    Tools that run in a browser count these; `quoted` tells which it is. Raises AnnotationError when `quoted` is at
    neither place.
    """
    if quoted is None or text[start:end] == quoted:
        return start, end
    units = text.encode("utf-16-le")
    before, inside = (units[2 * a : 2 * b].decode("utf-16-le", "replace") for a, b in ((0, start), (start, end)))
    if inside != quoted:
        raise AnnotationError(f"its text is not at {start}–{end}")
    return len(before), len(before) + len(inside)


def shown_prompt(example: RaftExample) -> str:
    """An example's passages and question, as the model gets them."""
    return render_prompt(example.passages, example.question, example.search_order).user
