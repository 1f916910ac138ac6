"""Documents with questions whose answer is a span of the document's text, from the shared folder. Nothing of it is copied.

The words that a question was made from are withheld from every splitter alike: what stands over an answer is left out, or is the
source's own word for such answers ("symptoms"), or a section's number.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpora.chunking.chunker import join_blocks
from corpora.ingest.documents import make_document
from corpora.questions.evidence import paragraphs
from corpora.readers.html import markdown
from corpora.records import Block, Document, Reading
from corpora.text.cleaning import clean


@dataclass(frozen=True)
class Asked:
    """A question and the place of its answer: `documents[document].text[start:end]`."""

    text: str
    document: int
    start: int
    end: int


@dataclass(frozen=True)
class QuestionedSet:
    """Documents with their blocks, questions about them, and in a sentence what they are."""

    name: str
    about: str
    documents: tuple[tuple[Document, Sequence[Block]], ...]
    questions: tuple[Asked, ...]

    @property
    def characters(self) -> int:
        """Of all document texts."""
        return sum(len(document.text) for document, _ in self.documents)


@dataclass(frozen=True)
class _Part:
    """A stretch of a document, and the question that it answers, if it is asked."""

    question: str | None
    blocks: Sequence[Block]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _assembled(name: str, about: str, sources: Sequence[tuple[str, Sequence[_Part]]], most: int, seed: int) -> QuestionedSet:
    """The set over `(title, parts)` of each document; `most` of its questions, drawn with `seed`."""
    documents, questions = [], []
    for number, (title, parts) in enumerate(sources):
        blocks = [block for part in parts for block in part.blocks]
        _, spans = join_blocks(blocks)
        documents.append((make_document(name, Reading(title, blocks), f"{name}/{number}"), blocks))
        first = 0
        for part in parts:
            own = [place for place, block in zip(spans[first:], part.blocks, strict=False) if block.kind != "heading"]
            first += len(part.blocks)
            if part.question and own:
                questions.append(Asked(part.question, number, own[0][0], own[-1][1]))
    drawn = random.Random(seed).sample(questions, min(most, len(questions)))
    return QuestionedSet(name, about, tuple(documents), tuple(drawn))


def medquad(data: Path, documents: int, questions: int, seed: int, headings: bool = False) -> QuestionedSet:
    """Answers of one source about one subject, joined to a document of that title; the question's answer is the span."""
    answers: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in _rows(data / "medquad" / "medquad_answered.jsonl.gz"):
        if row["source"] != "2_GARD_QA":  # its answers begin with the question
            answers.setdefault(row["focus"].casefold(), {}).setdefault(row["source"], []).append(row)
    longest = [
        max(by_source.values(), key=lambda rows: sum(len(row["answer"]) for row in rows)) for by_source in answers.values()
    ]
    joined = [rows for rows in longest if len({row["question"] for row in rows}) >= 4]
    sources = []
    for rows in random.Random(seed).sample(joined, documents):
        counts = Counter(row["question"] for row in rows)
        parts = []
        for row in rows:
            over = [Block("heading", row["qtype"].capitalize(), 2)] if headings else []
            asked = row["question"] if counts[row["question"]] == 1 else None
            parts.append(_Part(asked, clean([*over, *paragraphs(row["answer"])])[0]))
        sources.append((rows[0]["focus"], parts))
    about = "answers about one subject joined to a document; the question is looked for"
    over = "the kind of question stands over each answer" if headings else "no headings"
    return _assembled("medquad, headings" if headings else "medquad", f"{about}; {over}", sources, questions, seed)


def irish_acts(data: Path, documents: int, questions: int, seed: int, headings: bool = False) -> QuestionedSet:
    """Whole acts; a section's heading with the act's title is the question, and the section's text is the span."""
    rows = [row for row in _rows(data / "irish_acts" / "acts_2018on.jsonl.gz") if 15_000 < len(row["text"]) < 90_000]
    acts = []
    for row in random.Random(seed).sample(rows, documents):
        reading = markdown.read(row["text"].encode())[0]
        blocks, _ = clean(reading.blocks)
        acts.append((re.findall(r'^title: "(.*)"$', row["text"], re.M)[0], blocks))
    sources = []
    for title, blocks in acts:
        names = Counter(_bare(block.text) for block in blocks if _is_section(block))
        parts: list[_Part] = []
        for block in blocks:
            if _is_section(block):
                bare = _bare(block.text)
                asked = f"{bare}, {title}" if names[bare] == 1 and len(bare.split()) >= 2 else None
                over = [Block("heading", f"{block.text.partition('.')[0]}.", block.level)] if headings else []
                parts.append(_Part(asked, over))
            elif block.kind == "heading":
                parts.append(_Part(None, [block] if headings else []))
            else:
                last = parts.pop() if parts else _Part(None, [])
                parts.append(replace(last, blocks=[*last.blocks, block]))
        sources.append((title, parts))
    about = "whole acts; a section's heading with the act's title is looked for, and withheld from the text"
    over = "headings of parts, and sections' numbers, are there" if headings else "no headings"
    return _assembled("irish_acts, numbers" if headings else "irish_acts", f"{about}; {over}", sources, questions, seed)


def legal_plain_summ(data: Path, documents: int, questions: int, seed: int) -> QuestionedSet:
    """Terms of service, their clauses joined in order; a plain summary is the question, its clause the span. All lower case."""
    clauses: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads((data / "legal_plain_summ" / "all_v1.json").read_text(encoding="utf-8")).values():
        clauses.setdefault(row["doc"], []).append(row)
    sources = []
    for title, rows in list(clauses.items())[:documents]:
        parts = []
        for row in rows:
            asked = row["reference_summary"] if len(row["reference_summary"].split()) >= 4 else None
            parts.append(_Part(asked, clean(paragraphs(row["original_text"]))[0]))
        sources.append((title, parts))
    about = "terms of service joined from clauses, all lower case; a plain summary is looked for; no headings"
    return _assembled("legal_plain_summ", about, sources, questions, seed)


SETS: dict[str, Callable[[Path, int, int, int], QuestionedSet]] = {
    "medquad": medquad,
    "medquad, headings": lambda *given: medquad(*given, headings=True),
    "irish_acts": irish_acts,
    "irish_acts, numbers": lambda *given: irish_acts(*given, headings=True),
    "legal_plain_summ": legal_plain_summ,
}


def _is_section(block: Block) -> bool:
    return block.kind == "heading" and re.match(r"\d+[A-Z]?\.\s", block.text) is not None


def _bare(text: str) -> str:
    return text.partition(". ")[2].strip()
