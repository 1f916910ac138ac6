"""The questions, drops and documents that a reader of question files collects.

Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from corpora.questions.evidence import is_plain, tidy
from corpora.records import Block, Question, QuestionSet, Reading
from corpora.text.cleaning import clean


class Loose(BaseModel):
    """Base of the records that are read from a question file.

    Other fields are left alone, null is as absent, numbers stand for text.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: Any) -> Any:
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else value


class Gathering:
    """Questions in order with unique ids, and documents by name in the order in which they were first carried."""

    def __init__(self, format_name: str, broken: Iterable[tuple[str, str]] = ()) -> None:
        """`broken` are drops of before, as `(name, reason)`."""
        self._format = format_name
        self._questions: list[Question] = []
        self._dropped = list(broken)
        self._ids: set[str] = set()
        self._blocks: dict[str, list[Block]] = {}
        self._texts: dict[str, set[str]] = {}
        self._metadata: dict[str, dict[str, str]] = {}

    def add(self, question: Question) -> None:
        """Keep `question`, or drop it when its id was there before or it asks nothing."""
        if question.id in self._ids:
            self.drop(question.id, "the id occurs twice")
        elif not question.text:
            self.drop(question.id, "the question is empty")
        else:
            self._ids.add(question.id)
            self._questions.append(question)

    def drop(self, name: str, reason: str) -> None:
        """Count the question `name` as dropped."""
        self._dropped.append((tidy(name), reason))

    def carry(self, name: str, blocks: Sequence[Block], **metadata: str) -> list[Block]:
        """Put `blocks` to the document `name`, unless it has them all, and give them cleaned as the collection will."""
        if all(is_plain(block.text) for block in blocks):
            cleaned = [replace(block, text=tidy(block.text)) for block in blocks if block.text.strip()]
        else:
            cleaned, _ = clean(blocks)
        texts = {block.text for block in cleaned if block.kind != "heading"}
        carried = self._texts.setdefault(name, set())
        if not texts <= carried:
            carried |= texts
            self._blocks.setdefault(name, []).extend(cleaned)
        self._metadata.setdefault(name, {}).update({key: value for key, value in metadata.items() if value})
        return cleaned

    def as_set(self, with_documents: bool = True) -> QuestionSet:
        """All that was gathered."""
        carried = self._blocks.items() if with_documents else ()
        documents = tuple(Reading(name, tuple(blocks), name, self._metadata[name]) for name, blocks in carried)
        return QuestionSet(tuple(self._questions), tuple(self._dropped), self._format, documents)


def fault(error: ValidationError) -> str:
    """The first thing wrong with a row, as the reason of a drop."""
    first = error.errors()[0]
    location = ".".join(str(part) for part in first["loc"] if not isinstance(part, int)) or "the row"
    return f"{location}: {first['msg'][:1].lower()}{first['msg'][1:]}"
