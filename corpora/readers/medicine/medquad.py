"""MedQuAD: questions and answers of the National Institutes of Health about one subject, the document's focus."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from corpora.readers.xml.elements import find, inline, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

# "Key points - The heart ... . - The lungs ...": a list that was flattened to one line.
_BULLET = re.compile(r"(?:^|(?<=[.?!:]) +|(?<=Points) +)- (?=[A-Z])")


def read(data: bytes) -> list[Reading]:
    """One reading: the focus is the title, each question a heading, its answer's lines the paragraphs below."""
    root = parse(data)
    focus = next((inline(element) for element in find(root, "Focus")), "")
    blocks = [Block("heading", focus, 1)] if focus else []
    synonyms = [inline(element) for element in find(root, "Synonym")]
    if synonyms:
        blocks.append(Block("paragraph", "Also called: " + "; ".join(synonyms)))
    for pair in find(root, "QAPair"):
        for question in find(pair, "Question"):
            blocks.append(Block("heading", inline(question), 2))
        for answer in find(pair, "Answer"):
            blocks.extend(_answer(answer))
    return [
        Reading(
            focus or None,
            blocks,
            metadata=stated(
                identifier=root.get("id"),
                url=root.get("url"),
                publisher=root.get("source"),
                concepts="; ".join(inline(element) for element in find(root, "CUI")),
                type="questions and answers",
            ),
        )
    ]


def _answer(answer: etree._Element) -> Iterator[Block]:
    for line in _lines("".join(answer.itertext())):
        for index, piece in enumerate(_BULLET.split(line)):
            if piece.strip():
                yield Block("item" if index else "paragraph", piece.strip())


def _lines(text: str) -> list[str]:
    """The paragraphs of an answer, one a line.

    A line goes on in the next where it ends without a full stop and the next begins with a small letter.
    """
    lines: list[str] = []
    ended = True
    for line in (" ".join(line.split()) for line in text.splitlines()):
        if not ended and lines and line[:1].islower() and lines[-1][-1:] not in ".?!:":
            lines[-1] += " " + line
        elif line:
            lines.append(line)
        ended = not line
    return lines
