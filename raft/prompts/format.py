"""Rendering of prompts and parsing of completions, the same for generation, training, evaluation and serving.

No torch and no tokenizer here: text in, text out. The format is RAFT's (arXiv 2403.10131): a reason with verbatim
quotes between markers, then the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from raft.records import ParsedCompletion, Passage

SYSTEM = (
    "Answer the question from the documents. First name the document and quote its sentence that answers, then answer in a few "
    "words: ##Reason: [number] ##begin_quote## the sentence ##end_quote## ##Answer: the answer. "
    "If the documents do not answer it, say so."
)
REASON = "##Reason:"
BEGIN_QUOTE = "##begin_quote##"
END_QUOTE = "##end_quote##"
ANSWER = "##Answer:"
ABSTENTION = "The documents do not answer this question."
_QUOTE = re.compile(re.escape(BEGIN_QUOTE) + r"(.*?)(?:" + re.escape(END_QUOTE) + r"|$)", re.S)
_ABSTAINED = re.compile(
    r"\b(?:documents?|passages?|context|text)\b[^.]{0,60}\b(?:do|does|did)(?: not|n't) (?:answer|say|contain|mention|provide|state|"
    r"specify|give|include)|\b(?:cannot|can't|could not) be answered\b|\bno (?:document|passage) (?:answers|says)\b",
    re.I,
)


@dataclass(frozen=True)
class Prompt:
    """A prompt in pieces. `documents` are (header, text) pairs; with the question they make up the user's message."""

    system: str
    documents: tuple[tuple[str, str], ...]
    question: str

    @property
    def user(self) -> str:
        """The whole user message."""
        return "".join(f"{header} {text}\n" for header, text in self.documents) + self.question


def label(number: int) -> str:
    """The label of passage `number` (from 1) in prompts and completions."""
    return f"[{number}]"


def render_prompt(passages: Sequence[Passage], question: str, search_order: Sequence[int]) -> Prompt:
    """A prompt with the documents first and the question last: questions over the same documents share the prefix.

    `search_order` are the passages' numbers as search ranked them for this question, best first: the positions of the
    documents are shuffled and tell nothing, what search thinks of them is said here.
    """
    documents = tuple((f"{label(number)} {passage.title}:", passage.text) for number, passage in enumerate(passages, start=1))
    order = " ".join(map(label, search_order))
    return Prompt(SYSTEM, documents, f"\nSearch order: {order}\nQuestion: {question}")


def render_completion(quotes: Sequence[tuple[int, str]], answer: str) -> str:
    """The completion of an answerable example; `quotes` are (number of the passage, text)."""
    quoted = " ".join(f"{label(number)} {BEGIN_QUOTE} {text} {END_QUOTE}" for number, text in quotes)
    return f"{REASON} {quoted}\n{ANSWER} {answer}"


def render_abstention() -> str:
    """The completion when no document answers."""
    return f"{REASON} {ABSTENTION}\n{ANSWER} {ABSTENTION}"


def parse_completion(text: str) -> ParsedCompletion:
    """The answer and quotes of a completion; never raises.

    Without an answer marker the whole text is the answer and it is not well formed.
    """
    reason, marker, answer = text.partition(ANSWER)
    quotes = tuple(quote.strip() for quote in _QUOTE.findall(reason) if quote.strip())
    if not marker:
        answer = re.sub(r"##\w+(?:##|:)?", " ", text)
    answer = re.split(r"\n\s*\n|##", answer.strip())[0]
    answer = " ".join(answer.split())
    return ParsedCompletion(answer, quotes, bool(_ABSTAINED.search(answer)) or not answer, bool(marker))
