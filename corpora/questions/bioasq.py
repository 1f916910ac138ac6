"""BioASQ task b: biomedical questions with snippets of PubMed abstracts.

Reference: Tsatsaronis et al., BMC Bioinf. 16, 2015.

A yes/no question is answered by its exact answer, a factoid by any of its synonyms, a list by the first name of each
entry, and a summary by its ideal answer. The evidence is the sentence of a snippet that holds the exact answer; where
none does it is the one closest to the ideal answer, and the answer is not extractive. The documents are what the set
holds of them: the snippets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from corpora.questions.evidence import paragraphs, supporting, tidy
from corpora.questions.gathering import Gathering, Loose, fault
from corpora.records import Block, Evidence, Question, QuestionSet, content_id


class _Snippet(Loose):
    document: str = ""
    text: str = ""


class _Item(Loose):
    id: str = ""
    body: str
    type: str = ""
    snippets: tuple[_Snippet, ...] = ()
    ideal_answer: Any = None
    exact_answer: Any = None


def fits(row: Mapping[str, Any]) -> bool:
    """True for a question of BioASQ as a row."""
    return "body" in row and ("snippets" in row or "ideal_answer" in row)


def read(items: Sequence[Any], broken: Iterable[tuple[str, str]] = ()) -> QuestionSet:
    """The question set of the entries of `questions`.

    A question of a test batch, without answers, is dropped with that reason.
    """
    gathering = Gathering("bioasq", broken)
    for number, raw in enumerate(items, start=1):
        name = str(raw.get("id") or f"question {number}") if isinstance(raw, Mapping) else f"question {number}"
        try:
            item = _Item.model_validate(raw)
        except ValidationError as error:
            gathering.drop(name, fault(error))
            continue
        question = _question(item, _passages(item, gathering))
        if isinstance(question, str):
            gathering.drop(name, question)
        else:
            gathering.add(question)
    return gathering.as_set()


def _passages(item: _Item, gathering: Gathering) -> list[tuple[str, Block]]:
    """`(document, block)` of the snippets, cleaned."""
    passages: list[tuple[str, Block]] = []
    for snippet in item.snippets:
        document = tidy(snippet.document.rstrip("/").rsplit("/", 1)[-1]) or f"snippet {content_id(snippet.text)[:8]}"
        blocks = gathering.carry(document, paragraphs(snippet.text), url=snippet.document)
        passages += [(document, block) for block in blocks]
    return passages


def _question(item: _Item, passages: Sequence[tuple[str, Block]]) -> Question | str:
    ideal = _texts(item.ideal_answer)
    answers = _exact(item) or ideal
    if not answers:
        return "it has neither an exact nor an ideal answer"
    if not passages:
        return "it has no snippet with text"
    about = " ".join(ideal[:1]) or item.body
    support = supporting([block for _, block in passages], answers, about)
    if support is None:
        return "no sentence of its snippets shares a word with its answer"
    evidence, ordered, extractive = support
    document = next((document for document, block in passages if evidence in block.text), passages[0][0])
    identity = tidy(item.id) or content_id("question", item.body)
    return Question(identity, tidy(item.body), ordered, (Evidence(document, evidence),), document, extractive)


def _exact(item: _Item) -> tuple[str, ...]:
    if item.type == "list" and isinstance(item.exact_answer, list):
        entries = [_texts(entry) for entry in item.exact_answer]
        listed = ", ".join(entry[0] for entry in entries if entry)
        return (listed,) if listed else ()
    exact = _texts(item.exact_answer)
    return tuple(answer.lower() for answer in exact) if item.type == "yesno" else exact


def _texts(value: Any) -> tuple[str, ...]:
    """Every text in `value`, a text or lists of texts, each once."""
    if isinstance(value, list):
        return tuple(dict.fromkeys(text for item in value for text in _texts(item)))
    return (tidy(value),) if isinstance(value, str) and value.strip() else ()
