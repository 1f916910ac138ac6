"""The records of annotation, and the rules that they keep. Pure.

Offsets are in characters (code points) of the cleaned document, end exclusive. No message holds text of a document.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from corpora.errors import AnnotationError
from corpora.questions.evidence import tidy
from corpora.records import Document, content_id
from corpora.text.sentences import sentence_spans
from raft.examples.reviews import Review

MAX_QUESTION_CHARACTERS = 2_000
MAX_SPAN_CHARACTERS = 20_000
MAX_SPANS = 50


@dataclass(frozen=True)
class Span:
    """A part of a document: `document.text[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class AnnotatedQuestion:
    """A question about one document. No answers: the document does not answer it, and there is no evidence either.

    The first answer lies in the first evidence; further answers are other ways to say it.
    """

    id: str
    document_id: str
    text: str
    answers: tuple[Span, ...]
    evidence: tuple[Span, ...]


@dataclass(frozen=True)
class Label:
    """The class that a part of a document belongs to: of a chunk, of the whole document, or of what was selected."""

    document_id: str
    span: Span
    name: str


@dataclass(frozen=True)
class Annotations:
    """All annotations of one set, and the reviews of one dataset."""

    classes: tuple[str, ...] = ()
    questions: tuple[AnnotatedQuestion, ...] = ()
    labels: tuple[Label, ...] = ()
    reviews: tuple[Review, ...] = ()


class Conflict(AnnotationError):
    """The annotation to be changed is no longer what its annotator saw: somebody else was quicker."""


def version(item: AnnotatedQuestion | Review | None) -> str:
    """The version of a question or review: a hash of its state, "" where there is none."""
    return content_id("version", json.dumps(asdict(item), sort_keys=True)) if item else ""


def verify(span: Span, document: Document) -> None:
    """Raise AnnotationError unless the document has exactly this text at these offsets.

    The document's text is in no message.
    """
    if not (0 <= span.start < span.end <= len(document.text)):
        raise AnnotationError(
            f"{span.start}–{span.end} is no part of document {document.id}; accepted: 0 to {len(document.text)}, start before end"
        )
    if document.text[span.start : span.end] != span.text:
        raise AnnotationError(f"document {document.id} has another text at {span.start}–{span.end}; load it again and reselect")


def checked(question: AnnotatedQuestion, document: Document) -> AnnotatedQuestion:
    """The question normalised for the store: text on one line, tight spans, the first answer's evidence first.

    A tight span has no white space around it. Without evidence it is the sentences that the first answer stands in.
    Raises AnnotationError for spans that are not verbatim or too many, evidence without an answer, or a first answer
    that no evidence holds.
    """
    text = tidy(question.text)
    if not 0 < len(text) <= MAX_QUESTION_CHARACTERS:
        raise AnnotationError(f"the question has {len(text)} characters; accepted: 1 to {MAX_QUESTION_CHARACTERS}")
    if max(len(question.answers), len(question.evidence)) > MAX_SPANS:
        raise AnnotationError(f"accepted: up to {MAX_SPANS} answers and as many parts of evidence")
    answers = tuple(dict.fromkeys(_tight(span, document) for span in question.answers))
    evidence = tuple(dict.fromkeys(_tight(span, document) for span in question.evidence))
    if evidence and not answers:
        raise AnnotationError("there is evidence and no answer; select the answer in it, or say that the document has none")
    if answers and not evidence:
        evidence = (_sentences_around(answers[0], document),)
    holding = [span for span in evidence if span.start <= answers[0].start and answers[0].end <= span.end]
    if answers and not holding:
        raise AnnotationError("the first answer lies in no evidence; select it inside the evidence, or leave the evidence out")
    ordered = tuple(dict.fromkeys([*holding[:1], *evidence]))
    return replace(question, text=text, answers=answers, evidence=ordered)


def _tight(span: Span, document: Document) -> Span:
    verify(span, document)
    inner = span.text.strip()
    if not 0 < len(inner) <= MAX_SPAN_CHARACTERS:
        raise AnnotationError(f"what is selected has {len(inner)} characters; accepted: 1 to {MAX_SPAN_CHARACTERS}, not blank")
    start = span.start + len(span.text) - len(span.text.lstrip())
    return Span(start, start + len(inner), inner)


def _sentences_around(span: Span, document: Document) -> Span:
    inside = [sentence for sentence in sentence_spans(document.text) if sentence[0] < span.end and sentence[1] > span.start]
    start, end = inside[0][0], inside[-1][1]
    return Span(start, end, document.text[start:end])
