"""What every format of annotations needs: what they are about, and what was read with a reason for each part that was not.

Knows no format and no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath

from pydantic import ValidationError

from corpora.errors import AnnotationError
from corpora.records import Document
from raft.examples.reviews import Review
from raft.prompts.format import render_prompt
from raft.records import RaftExample
from serving.annotate.records import AnnotatedQuestion, Label, Span


class Sources:
    """The documents that annotations are about, and the generated examples that reviews are about."""

    def __init__(self, documents: Iterable[Document], examples: Iterable[RaftExample] = ()) -> None:
        """Both by id."""
        self.documents = {document.id: document for document in documents}
        self.examples = {example.id: example for example in examples}
        self._by_text = {document.text: document for document in self.documents.values()}
        self._titles = Counter(document.title for document in self.documents.values())

    def place(self, document_id: str, text: str) -> tuple[Document, int]:
        """The document that `text` is, or is a part of, and where in it that begins. Raises AnnotationError.

        Without a document of this id it is told by the text alone, which must then stand in one place only.
        """
        known = self.documents.get(document_id) or self._by_text.get(text)
        if known is not None and known.text == text:
            return known, 0
        if not text.strip():
            raise AnnotationError("it has no text")
        candidates = [known] if known else self.documents.values()
        found = [(document, document.text.count(text)) for document in candidates if text in document.text]
        if not found:
            raise AnnotationError("its text is in no document of the collection; add the documents first")
        if len(found) > 1 or found[0][1] > 1:
            raise AnnotationError("its text is in more than one place of the collection; give a longer text or document_id")
        return found[0][0], found[0][0].text.index(text)

    def name(self, document: Document) -> str:
        """What question files call the document: its title, or the name of its file where others have the title too."""
        return document.title if self._titles[document.title] == 1 else PurePath(document.source).stem


@dataclass
class Incoming:
    """What was read from a file. `dropped` are (what it is, reason)."""

    classes: list[str] = field(default_factory=list)
    questions: list[AnnotatedQuestion] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is wrong inside drops the part `name` with its reason, and the file goes on."""
        try:
            yield
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(key) for key in first["loc"])
            self.dropped.append((name, f"{place or 'it'}: {first['msg'][:1].lower()}{first['msg'][1:]}"))
        except AnnotationError as error:
            self.dropped.append((name, str(error)))


def part_of(document: Document, start: int, end: int) -> Span:
    """The span with its text; one that is out of the document has a shorter text and is refused when it is written."""
    return Span(start, end, document.text[max(start, 0) : max(end, 0)])


def offsets(text: str, start: int, end: int, quoted: str | None) -> tuple[int, int]:
    """Offsets of `quoted` in code points. Tools that run in a browser may count UTF-16 units; `quoted` tells which it is.

    Raises AnnotationError when `quoted` is at neither place.
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
