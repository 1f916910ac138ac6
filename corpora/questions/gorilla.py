"""Output of gorilla's RAFT generator: a question, its oracle passage and a reasoned answer a row.

arXiv 2403.10131.

The answer is what follows the last `<ANSWER>:`. The evidence is the sentence around the quote (between
`##begin_quote##` and `##end_quote##`) that is nearest to the answer; a teacher's quote that the oracle does not hold
counts for nothing, and without one that it holds the evidence is the oracle's sentence nearest to the answer. The
documents are the oracle passages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from corpora.questions.content import Table
from corpora.questions.evidence import closest, paragraphs, sentence_around, sentences, span_in, tidy
from corpora.questions.gathering import Gathering, Loose, fault
from corpora.records import Block, Evidence, Question, QuestionSet, content_id

_QUOTE = re.compile(r"##begin_quote##(.*?)##end_quote##", re.S)
_ANSWER = re.compile(r"<ANSWER>\s*:?")
_NUMBER = re.compile(r"^\s*\d{1,3}[.)]\s+")  # the teacher is asked for a list, and its numbers stay
_PLACEHOLDER = "placeholder_title"


class _Item(Loose):
    id: str = ""
    question: str
    oracle_context: str
    cot_answer: str
    context: Any = None


def fits(row: Mapping[str, Any]) -> bool:
    """True for a row that the generator wrote in its own format (`hf`)."""
    return {"question", "oracle_context", "cot_answer"} <= row.keys()


def read(table: Table) -> QuestionSet:
    """The set of a table of the generator's rows."""
    gathering = Gathering("gorilla", table.broken)
    for name, row in table.rows:
        label = str(row.get("id") or name)
        try:
            item = _Item.model_validate(row)
        except ValidationError as error:
            gathering.drop(label, fault(error))
            continue
        document = _name(item)
        blocks = gathering.carry(document, paragraphs(item.oracle_context))
        *before, last = _ANSWER.split(item.cot_answer)
        answer = tidy(last.strip().strip('"'))
        evidence = _evidence(item, blocks, answer)
        if not before or not answer:
            gathering.drop(label, "its cot_answer has no <ANSWER>:")
        elif evidence is None:
            gathering.drop(label, "no sentence of its oracle_context shares a word with its answer")
        else:
            identity = tidy(item.id) or content_id("question", item.oracle_context, item.question)
            text = tidy(_NUMBER.sub("", item.question))
            extractive = span_in(answer, evidence) is not None
            gathering.add(Question(identity, text, (answer,), (Evidence(document, evidence),), document, extractive))
    return gathering.as_set()


def _name(item: _Item) -> str:
    """The title that the row gives the oracle, or, where there is only a placeholder, a name by content."""
    titles, passages = _flat(item.context, "title"), _flat(item.context, "sentences")
    context_title = dict(zip(passages, titles, strict=False)).get(item.oracle_context, "")
    title = tidy(context_title) if context_title != _PLACEHOLDER else ""
    return title or f"passage {content_id(item.oracle_context)[:8]}"


def _flat(context: Any, key: str) -> list[str]:
    """The texts under `key`, where the generator puts a list into a list."""
    value = context.get(key) if isinstance(context, Mapping) else None
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _evidence(item: _Item, blocks: Sequence[Block], answer: str) -> str | None:
    quoted: list[str] = []
    for quote in _QUOTE.findall(item.cot_answer):
        text = tidy(quote.strip().strip('"“”').strip())
        for block in blocks:
            start = block.text.find(text) if text else -1
            if start >= 0:
                quoted.append(sentence_around(block.text, start, text))
                break
    return closest(quoted, answer) or next(iter(quoted), None) or closest(sentences(blocks), f"{answer} {item.question}")
