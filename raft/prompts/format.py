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
_QUOTE = re.compile(r"(?:\[(\d{1,4})\]\s*)?" + re.escape(BEGIN_QUOTE) + r"(.*?)(?:" + re.escape(END_QUOTE) + r"|$)", re.S)
_SAYS = r"(?:answer|say|contain|mention|provide|state|specify|give|include)"
_SOURCES = r"(?:documents?|passages?|context|texts?)"
_ABSTAINED = re.compile(
    rf"(?:(?:i am|i'm) )?(?:sorry|unfortunately)?[,.:]?\s*(?:but )?(?:"
    rf"(?:(?:the|these|this|any of the|none of the) )?(?:(?:provided|given|retrieved|above|supplied|available) )*{_SOURCES}"
    rf"(?: (?:provided|given|retrieved|above|supplied))? (?:do|does|did)(?: not|n't) (?:\w+ly )?{_SAYS}\b"
    rf"|no(?:ne of the)? (?:(?:provided|given) )?{_SOURCES} (?:{_SAYS}s?)\b"
    rf"|(?:it|(?:the|this) question) (?:cannot|can't|can not|could not) be answered(?:[.!]?\s*$| [^.]{{0,30}}\b{_SOURCES}\b))",
    re.I,
)
_TAGS = ("think", "thinking", "thought", "reasoning", "seed:think")
_THOUGHTS = (
    *((f"<{tag}>", f"</{tag}>") for tag in _TAGS),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|channel>thought", r"<channel\|>"),
    (r"<\|channel\|>(?:analysis|commentary)", r"<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>"),
    (r"\A\s*analysis(?=[A-Z\"'])", r"assistantfinal"),
)
"""How a thought opens and closes in the models that write one; the last is gpt-oss with its control tokens left out."""
_CLOSERS = tuple(re.compile(closer) for _, closer in _THOUGHTS)
_EVENT = re.compile(
    "|".join(f"(?P<t{number}>{opener})" for number, (opener, _) in enumerate(_THOUGHTS))
    + f"|{re.escape(BEGIN_QUOTE)}|{re.escape(ANSWER)}"
)
_QUOTE_END = re.compile(f"{re.escape(END_QUOTE)}|{re.escape(ANSWER)}|\\Z")
_UNOPENED = re.compile(r"</(?:" + "|".join(_TAGS) + r")>|\[/THINK\]|<\|END_THINKING\|>|<\|channel\|>final<\|message\|>")


@dataclass(frozen=True)
class Prompt:
    """A prompt in pieces. `documents` are (header, text) pairs; with the question they make up the user's message."""

    system: str
    documents: tuple[tuple[str, str], ...]
    question: str

    @property
    def user(self) -> str:
        """The whole user message, without white space around it: many chat templates take that off."""
        return self._message.strip()

    @property
    def stripped(self) -> int:
        """Characters of white space that `user` leaves out at the beginning."""
        return len(self._message) - len(self._message.lstrip())

    @property
    def _message(self) -> str:
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
    """The answer and quotes of a completion, its thoughts taken off; never raises.

    Without an answer marker the whole text is the answer and it is not well formed. A completion in the form abstains
    with the exact sentence (case, white space and the full stop aside), or with nothing; free text also with words to
    that effect at its beginning.
    """
    text = without_thoughts(text)
    reason, marker, answer = text.partition(ANSWER)
    quotes = tuple(
        (int(number) if number else None, quote.strip()) for number, quote in _QUOTE.findall(reason) if quote.strip()
    )
    if not marker:
        answer = re.sub(r"##\w+(?:##|:)?", " ", text)
    answer = re.split(r"\n\s*\n|##", answer.strip())[0]
    answer = " ".join(answer.split())
    abstained = not answer or _plain(answer) == _plain(ABSTENTION) or (not marker and bool(_ABSTAINED.match(answer)))
    return ParsedCompletion(answer, quotes, abstained, bool(marker))


def without_thoughts(text: str) -> str:
    """The completion without what a thinking model thought first. A thought that does not end takes all the rest along.

    Nothing is a thought inside a quote or after the answer marker. An end of a thought without a beginning, which was in
    the prompt then, ends all that stands before it, unless the completion begins in the form.
    """
    kept, position = "", 0
    while event := _EVENT.search(text, position):
        if event.group() == ANSWER:
            break
        if event.group() == BEGIN_QUOTE:
            quote_end = _QUOTE_END.search(text, event.end())
            end = quote_end.start() if quote_end else len(text)
            kept += text[position:end]
        else:
            closed = _CLOSERS[int(str(event.lastgroup)[1:])].search(text, event.end())
            end = closed.end() if closed else len(text)
            kept += text[position : event.start()]
        position = end
    kept += text[position:]
    unopened = None if begins_in_form(kept) else _UNOPENED.search(kept)
    return without_thoughts(kept[unopened.end() :]) if unopened else kept


def begins_in_form(text: str) -> bool:
    """Whether a completion begins with a marker of the form, so that no more of its beginning can be a thought."""
    return text.lstrip().startswith((REASON, ANSWER))


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" .\"'").casefold()
