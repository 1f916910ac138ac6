"""The grammar of a completion: which texts may answer a prompt, given its passages. Text in, text out.

A grammar is a string in the dialect of Lark that llguidance reads (its docs/syntax.md), as do vLLM, SGLang and llama.cpp
when built with it. It speaks of characters only, so it holds for every tokenizer. Knows no tokenizer and no model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from corpora.text.sentences import sentence_spans
from raft.prompts.format import ABSTENTION, ANSWER, BEGIN_QUOTE, END_QUOTE, REASON, label

QuoteUnit: TypeAlias = Literal["sentences", "words"]
"""What a quote is: a run of whole sentences of a passage, or any run of its words."""

CompletionForm: TypeAlias = Literal["free", "strict"]
"""What surrounds quotes: any text, or nothing but the form that RAFT examples train."""

_ANYTHING = r"(?s:.*)"
_MARKERS = re.compile("|".join(map(re.escape, (BEGIN_QUOTE, END_QUOTE, ANSWER))))


def completion_grammar(
    passages: Sequence[str],
    unit: QuoteUnit = "sentences",
    form: CompletionForm = "free",
    can_write: Callable[[str], bool] = lambda text: True,
) -> str:
    """Grammar of the completions over `passages`, the texts in the order of their numbers.

    In both forms a quote is of the passage whose number stands before it. "free" leaves all text outside quotes to the
    model, for a base model that was never taught the form; a quote without a number may be of any passage, and one with
    a number that no passage has cannot be opened. "strict" is a reason of one or more quotes, or the abstention, then
    the answer. With no passage to quote from, "free" opens no quote and "strict" abstains.

    A sentence that holds one of the form's own markers is never quoted: it would end the quote, or the reason. Nor is one
    of which `can_write` is false: the tokenizer has no token for a character of it.
    """
    quotable: dict[int, str] = {}
    terminals: list[str] = []
    for number, text in enumerate(passages, start=1):
        runs = _sentence_runs if unit == "sentences" else _word_runs
        body, of_body = runs(number, text, can_write)
        if body:
            quotable[number] = body
            terminals += of_body
    rules = _free(quotable) if form == "free" else _strict(quotable)
    return "\n".join([*rules, *terminals]) + "\n"


def _free(quotable: dict[int, str]) -> list[str]:
    begin = re.escape(BEGIN_QUOTE)
    # A terminal ends with the first opening marker, so that the lexer can never read past one.
    first = f"& ~/{_ANYTHING}{begin}(?s:.)+/"
    text = f"TEXT: /(?s:.+)/ & ~/{_ANYTHING}{begin}{_ANYTHING}/"
    if not quotable:
        return ["start: TEXT?", text]
    named = [f"OPEN{n}: /{_ANYTHING}{re.escape(label(n))}\\s*{begin}/ {first}" for n in quotable]
    any_label = re.escape(label(0)).replace("0", "[0-9]+")
    unnamed = f"OPEN: /{_ANYTHING}{begin}/ {first} & ~/{_ANYTHING}{any_label}\\s*{begin}/"
    quotes = [f"QUOTE{n}: {_closed(body)}" for n, body in quotable.items()]
    quote = f"QUOTE: {_closed(' | '.join(quotable.values()))}"
    pairs = " | ".join([*(f"OPEN{n} QUOTE{n}" for n in quotable), "OPEN QUOTE"])
    return [f"start: ({pairs})* TEXT?", text, *named, unnamed, *quotes, quote]


def _strict(quotable: dict[int, str]) -> list[str]:
    # Some tokenizers begin a text with a space that nobody wrote, and some frames leave their last line break to the answer.
    head = f'HEAD: (" " | "\\n")? {_literal(f"{REASON} ")}'
    abstention = f"ABSTENTION: {_literal(f'{ABSTENTION}{chr(10)}{ANSWER} {ABSTENTION}')}"
    if not quotable:
        return ["start: HEAD ABSTENTION", head, abstention]
    quotes = [f"QUOTE{n}: {_literal(f'{label(n)} {BEGIN_QUOTE}')} {_closed(body)}" for n, body in quotable.items()]
    answer = [f"NEXT: {_literal(f'{chr(10)}{ANSWER} ')}", "ANSWER: /[^\\n]+(\\n[^\\n]+)*/"]
    return [
        'start: HEAD (quote (" " quote)* NEXT ANSWER | ABSTENTION)',
        f"quote: {' | '.join(f'QUOTE{n}' for n in quotable)}",
        head,
        abstention,
        *quotes,
        *answer,
    ]


def _closed(body: str) -> str:
    """Terminal expression from behind the opening marker to the end of the closing one."""
    return f'" " ({body}) {_literal(f" {END_QUOTE}")}'


def _sentence_runs(number: int, text: str, can_write: Callable[[str], bool]) -> tuple[str, list[str]]:
    """Expression of the runs of whole sentences of `text`, and its terminals: one a sentence, each may go on to the next.

    Linear in the text, though the runs are not: n sentences have n (n + 1) / 2.
    """
    spans = sentence_spans(text)
    quotable = {
        i: f"SENTENCE{number}_{i}"
        for i, span in enumerate(spans)
        if not _MARKERS.search(text, *span) and can_write(text[slice(*span)])
    }
    terminals = []
    for i, name in quotable.items():
        run = _literal(text[slice(*spans[i])])
        if i + 1 in quotable:
            run += f" ({_literal(text[spans[i][1] : spans[i + 1][0]])} {quotable[i + 1]})?"
        terminals.append(f"{name}: {run}")
    return " | ".join(quotable.values()), terminals


def _word_runs(number: int, text: str, can_write: Callable[[str], bool]) -> tuple[str, list[str]]:
    """Expression of the runs of words of `text` between markers, and its terminals."""
    pieces = [piece.strip() for piece in _MARKERS.split(text) if piece.strip() and can_write(piece)]
    terminals = [
        f"WORDS{number}_{i}: %regex {json.dumps({'substring_words': piece}, ensure_ascii=False)}"
        for i, piece in enumerate(pieces)
    ]
    return " | ".join(f"WORDS{number}_{i} & /\\S(?s:.*)/" for i in range(len(pieces))), terminals


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
