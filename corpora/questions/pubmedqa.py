"""PubMedQA: questions on abstracts, decided yes, no or maybe. Reference: Jin et al., EMNLP 2019, arXiv 1909.06146.

The conclusion of the abstract (LONG_ANSWER) is not among its CONTEXTS, so that no context says the answer. What
supports it is taken to be the sentence of the contexts whose words overlap most with the conclusion: from the results,
where the abstract names them, else from anything but its background and aims, which repeat the question. The answer is
the decision alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import AliasChoices, AliasPath, Field, ValidationError

from corpora.questions.evidence import closest, sentences, tidy
from corpora.questions.gathering import Gathering, Loose, fault
from corpora.records import Block, Evidence, Question, QuestionSet

_RESULTS = re.compile(r"result|finding|conclusion|discussion", re.I)
_AIMS = re.compile(r"background|objective|aim|purpose|introduction|question|hypothes|importance|context|rationale", re.I)


class _Item(Loose):
    question: str = Field(validation_alias=AliasChoices("QUESTION", "question"))
    contexts: tuple[str, ...] = Field(validation_alias=AliasChoices("CONTEXTS", AliasPath("context", "contexts")))
    labels: tuple[str, ...] = Field((), validation_alias=AliasChoices("LABELS", AliasPath("context", "labels")))
    conclusion: str = Field("", validation_alias=AliasChoices("LONG_ANSWER", "long_answer"))
    decision: str = Field("", validation_alias="final_decision")
    year: str = Field("", validation_alias="YEAR")


def fits(item: Any) -> bool:
    """True for a question of PubMedQA: with its contexts, in the published file or in rows made of it."""
    if not isinstance(item, dict):
        return False
    nested = item.get("context")
    return ("QUESTION" in item and "CONTEXTS" in item) or (isinstance(nested, dict) and "contexts" in nested)


def read(items: Iterable[tuple[str, Any]], broken: Iterable[tuple[str, str]] = ()) -> QuestionSet:
    """The set of `(pmid, question)`; each abstract is a document under its pmid, its labels are headings."""
    gathering = Gathering("pubmedqa", broken)
    for name, raw in items:
        pmid = tidy(name)
        try:
            item = _Item.model_validate(raw)
        except ValidationError as error:
            gathering.drop(pmid, fault(error))
            continue
        blocks = gathering.carry(pmid, _blocks(item), identifier=pmid, date=item.year)
        decision = tidy(item.decision).lower()
        near = (closest(candidates, item.conclusion) for candidates in _pools(blocks))
        evidence = next(filter(None, near), None)
        if not decision:
            gathering.drop(pmid, "it has no final_decision")
        elif not item.conclusion.strip():
            gathering.drop(pmid, "it has no LONG_ANSWER to find evidence with")
        elif evidence is None:
            gathering.drop(pmid, "no sentence of its contexts shares a word with its conclusion")
        else:
            cited = (Evidence(pmid, evidence),)
            gathering.add(Question(pmid, tidy(item.question), (decision,), cited, pmid, extractive=False))
    return gathering.as_set()


def _blocks(item: _Item) -> list[Block]:
    blocks: list[Block] = []
    for number, context in enumerate(item.contexts):
        if number < len(item.labels):
            blocks.append(Block("heading", item.labels[number].capitalize(), 2))
        blocks.append(Block("paragraph", context))
    return blocks


def _pools(blocks: list[Block]) -> Iterable[list[str]]:
    """The sentences of the results, of all that is not background, and of everything."""
    label = ""
    labelled: list[tuple[str, Block]] = []
    for block in blocks:
        if block.kind == "heading":
            label = block.text
        else:
            labelled.append((label, block))
    results = [block for label, block in labelled if _RESULTS.search(label)]
    beyond_aims = [block for label, block in labelled if not _AIMS.search(label)]
    return map(sentences, (results, beyond_aims, blocks))
