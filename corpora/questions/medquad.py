"""MedQuAD: pages of the US National Institutes of Health as questions and answers.

Ben Abacha and Demner-Fushman, BMC Bioinf. 2019.

An answer is a section of a page, 200 words in the mean, and no short text answers for it. Its first whole sentence is
taken as the answer and as its evidence: NIH pages answer first and explain then. Where that only announces a list or a
table, or there is none, the question is dropped. The document is the page with all its sections, under the name of its
subject (with its source where two pages have one subject); the types of the questions are the headings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lxml import etree
from pydantic import AliasChoices, Field, ValidationError

from corpora.errors import QuestionsError
from corpora.questions.content import ACCEPTED, Table
from corpora.questions.evidence import sentences, tidy
from corpora.questions.gathering import Gathering, Loose, fault
from corpora.records import Block, Evidence, Question, QuestionSet, content_id

_ITEM = re.compile(r"(?:^|(?<=[.!?:]))\s*[-•*]\s+(?=\S)")
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")  # its encoding no longer holds for text that was decoded
_ANNOUNCED = re.compile(r"\bfollowing (?:list|table)\b|\b(?:list|table) below\b")
_SOURCE = re.compile(r"^\d+_|_QA(?:_XML)?$")  # "1_CancerGov_QA"
_SHORT = 5  # words: what is shorter is a heading or a label of a list


class _Pair(Loose):
    id: str = ""
    focus: str = Field("", validation_alias=AliasChoices("focus", "focus_area"))
    source: str = ""
    url: str = ""
    qtype: str = ""
    question: str
    answer: str = ""

    @property
    def page(self) -> str:
        """What the pairs of one page share: the id up to the number of the pair, or source and subject."""
        return self.id.rpartition("-")[0] or f"{self.source} {self.focus}"


def fits(row: Mapping[str, Any]) -> bool:
    """True for a pair of MedQuAD as a row."""
    return {"question", "answer"} <= row.keys() and ("focus_area" in row or {"focus", "qtype"} <= row.keys())


def read_rows(table: Table) -> QuestionSet:
    """The set of a table with a pair a row."""
    return _read(table.rows, table.broken)


def read_xml(text: str, path: Path) -> QuestionSet:
    """The set of one page. Raises QuestionsError when it is not one."""
    pairs = _pairs(_DECLARATION.sub("", text).encode(), path.stem)
    if isinstance(pairs, str):
        raise QuestionsError(f"{path} is XML and not of MedQuAD: {pairs}; its root is <Document> with <QAPairs>. {ACCEPTED}")
    return _read(pairs)


def read_folder(folder: Path) -> QuestionSet:
    """The set of all XML files under `folder`; one that is not a page is dropped with its reason.

    Raises QuestionsError.
    """
    files = sorted(path for path in folder.rglob("*.xml") if path.is_file())
    pairs: list[tuple[str, Mapping[str, Any]]] = []
    broken: list[tuple[str, str]] = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            page_pairs = _pairs(path.read_bytes(), path.stem)
        except OSError as error:
            page_pairs = f"it cannot be read: {error.strerror}"
        if isinstance(page_pairs, str):
            broken.append((name, page_pairs))
        else:
            pairs += page_pairs
    if not pairs:
        raise QuestionsError(
            f"{folder} is a folder with {len(files)} XML files, none of MedQuAD; give a question file. {ACCEPTED}"
        )
    return _read(pairs, broken)


def _pairs(data: bytes, stem: str) -> list[tuple[str, Mapping[str, Any]]] | str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return "it is not well-formed XML"
    if root.tag != "Document" or root.find("QAPairs") is None:
        return "it is not a page of MedQuAD"
    source, number = root.get("source", ""), root.get("id", stem)
    page = {"focus": root.findtext("Focus", ""), "source": source, "url": root.get("url", "")}
    pairs: list[tuple[str, Mapping[str, Any]]] = []
    for index, pair in enumerate(root.iterfind("QAPairs/QAPair"), start=1):
        question, answer = pair.find("Question"), pair.find("Answer")
        # Each source of MedQuAD counts its pages from 1.
        name = f"{source}_{number}-{pair.get('pid', index)}".lstrip("_")
        texts = ["".join(node.itertext()) if node is not None else "" for node in (question, answer)]
        qtype = question.get("qtype", "") if question is not None else ""
        pairs.append((name, {**page, "id": name, "qtype": qtype, "question": texts[0], "answer": texts[1]}))
    return pairs


def _read(rows: Sequence[tuple[str, Mapping[str, Any]]], broken: Iterable[tuple[str, str]] = ()) -> QuestionSet:
    gathering = Gathering("medquad", broken)
    pairs: list[_Pair] = []
    for name, row in rows:
        try:
            pairs.append(_Pair.model_validate(row))
        except ValidationError as error:
            gathering.drop(str(row.get("id") or name), fault(error))
    names = _page_names(pairs)
    for pair in pairs:
        identity = tidy(pair.id) or content_id("question", pair.page, pair.question, pair.answer)
        document = names[pair.page]
        blocks = _blocks(pair)
        if not blocks:
            gathering.drop(identity, "it has no answer; MedQuAD leaves those of MedlinePlus out")
            continue
        cleaned = gathering.carry(document, blocks, url=pair.url, publisher=pair.source)
        answer = _first(sentences(cleaned))
        if answer is None:
            gathering.drop(identity, "its answer has no whole sentence")
        elif _ANNOUNCED.search(answer):
            gathering.drop(identity, "its answer is a list or a table")
        else:
            gathering.add(Question(identity, tidy(pair.question), (answer,), (Evidence(document, answer),), document))
    return gathering.as_set()


def _page_names(pairs: Sequence[_Pair]) -> dict[str, str]:
    """A name for each page: its subject, with the source, and then the page's number, where that is not enough."""
    pages = {pair.page: pair for pair in pairs}
    names = {page: tidy(pair.focus) or page for page, pair in pages.items()}
    for suffixes in (
        {page: _SOURCE.sub("", pair.source) or page for page, pair in pages.items()},
        {page: page for page in pages},
    ):
        counts = Counter(names.values())
        names = {page: f"{name} ({suffixes[page]})" if counts[name] > 1 else name for page, name in names.items()}
    return names


def _blocks(pair: _Pair) -> list[Block]:
    """A block for each line and list item of an answer.

    MedQuAD keeps a paragraph on a line, and a list on one or on several.
    """
    blocks: list[Block] = []
    for line in pair.answer.splitlines():
        first, *items = _ITEM.split(line)
        blocks += [Block("paragraph", first)] if first.strip() else []
        blocks += [Block("item", item) for item in items if item.strip()]
    heading = [Block("heading", pair.qtype.capitalize(), 2)] if pair.qtype else []
    return [*heading, *blocks] if blocks else []


def _first(candidates: Sequence[str]) -> str | None:
    """The first statement of some length, or the first one at all; a question that the answer repeats is none."""
    statements = [text for text in candidates if text.endswith((".", "!", ".)", '."', ".”"))]
    return next((text for text in statements if len(text.split()) >= _SHORT), statements[0] if statements else None)
