"""The annotation page's request bodies, with every text, number and list bounded (promise S19).

Unknown fields are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from raft.prompts.format import ABSTENTION, render_abstention, render_completion
from serving.annotate.records import MAX_QUESTION_CHARACTERS, MAX_SPAN_CHARACTERS, MAX_SPANS, AnnotatedQuestion, Span
from serving.annotate.store import MAX_CLASS_CHARACTERS
from serving.http.errors import ApiError

MAX_OFFSET = 2**31
MAX_ANSWER_CHARACTERS = 4_000
MAX_QUOTES = 20
Identity = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[\w.:-]+$")]
Text = Annotated[str, Query(max_length=200)]
Name = Field(min_length=1, max_length=MAX_CLASS_CHARACTERS)
DocumentId = Field(min_length=1, max_length=100)
Seen = Field(
    "", max_length=MAX_CLASS_CHARACTERS, description="What the annotator saw there; another state by now is a conflict."
)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, value: Any) -> Any:
        unknown = sorted(set(value) - set(cls.model_fields)) if isinstance(value, dict) else []
        if unknown:
            accepted = ", ".join(cls.model_fields)
            raise PydanticCustomError(
                "unknown_field", "there is a field that is not known; accepted: {accepted}", {"accepted": accepted}
            )
        return value


class SpanIn(_Request):
    """A selected part of a document, with its text as the page has it."""

    start: int = Field(ge=0, le=MAX_OFFSET)
    end: int = Field(ge=0, le=MAX_OFFSET)
    text: str = Field(min_length=1, max_length=MAX_SPAN_CHARACTERS)

    @property
    def span(self) -> Span:
        """The span, not yet verified."""
        return Span(self.start, self.end, self.text)


class QuestionIn(_Request):
    """A question to save; without answers the document does not answer it."""

    document_id: str = DocumentId
    text: str = Field(min_length=1, max_length=MAX_QUESTION_CHARACTERS)
    answerable: bool = True
    answers: list[SpanIn] = Field([], max_length=MAX_SPANS)
    evidence: list[SpanIn] = Field([], max_length=MAX_SPANS)
    seen: str = Seen

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if self.answerable and not self.answers:
            raise PydanticCustomError("no_answer", "select the answer in the document, or say that the document has none")
        if not self.answerable and (self.answers or self.evidence):
            raise PydanticCustomError(
                "two_minds", "the document has no answer, and answers or evidence are given; take them out"
            )
        return self

    def question(self, identity: str) -> AnnotatedQuestion:
        """The question under this id."""
        answers, evidence = (tuple(item.span for item in spans) for spans in (self.answers, self.evidence))
        return AnnotatedQuestion(identity, self.document_id, self.text, answers, evidence)


class LabelIn(_Request):
    """The class of a part of a document.

    A document's text never changes under its id, so its offsets say enough.
    """

    document_id: str = DocumentId
    start: int = Field(ge=0, le=MAX_OFFSET)
    end: int = Field(ge=1, le=MAX_OFFSET)
    name: str = Name
    seen: str = Seen


class PlaceIn(_Request):
    """The part of a document whose label is to be removed."""

    document_id: str = DocumentId
    start: int = Field(ge=0, le=MAX_OFFSET)
    end: int = Field(ge=1, le=MAX_OFFSET)
    seen: str = Seen


class ClassIn(_Request):
    """A class to add to the set, or to take away."""

    name: str = Name


class ReviewIn(_Request):
    """A verdict on an example.

    An edit has quotes from the passages and an answer, or neither: then the documents do not answer.
    """

    verdict: Literal["accept", "edit", "reject"]
    answer: str = Field("", max_length=MAX_ANSWER_CHARACTERS)
    quotes: list[str] = Field([], max_length=MAX_QUOTES)
    judged: str = Field("", max_length=100, description="The completion that was looked at; another one by now is refused.")
    seen: str = Seen

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if any(not 0 < len(quote.strip()) <= MAX_SPAN_CHARACTERS for quote in self.quotes):
            raise PydanticCustomError("quote_length", "a quote has 1 to {most} characters", {"most": MAX_SPAN_CHARACTERS})
        if any("##" in text for text in (self.answer, *self.quotes)):
            raise PydanticCustomError("marker", "'##' marks the parts of a completion; leave it out of answers and quotes")
        if self.verdict == "edit" and self.quotes and not self.answer.strip():
            raise PydanticCustomError("no_answer", "write the answer that the quotes prove, or take the quotes out")
        return self

    @property
    def completion(self) -> str:
        """The edited completion, in the form of the prompts; numbers of passages are put right later."""
        answer = " ".join(self.answer.split())
        if self.quotes:
            return render_completion([(1, quote) for quote in self.quotes], answer)
        return render_abstention() if answer in ("", ABSTENTION) else render_completion([], answer)


def following(ids: Sequence[str], after: str) -> int:
    """The index in `ids` behind `after`; 0 when that is "".

    Raises ApiError 404 when it is not among them (any more).
    """
    if not after:
        return 0
    if after not in ids:
        raise ApiError(404, "what the list was to go on from is not there any more; load it from its start", code="not_found")
    return ids.index(after) + 1
