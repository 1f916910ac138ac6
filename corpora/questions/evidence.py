"""Which sentence of a passage supports an answer, where a set does not say. Pure.

Sentences are taken from cleaned blocks, so that a document of the collection holds them verbatim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from corpora.records import Block
from corpora.text.cleaning import clean_line
from corpora.text.sentences import sentence_spans

_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[ -%'-~]*")
_VERDICTS = frozenset("yes no maybe true false".split())
_COMMON = frozenset(
    (
        "a an and any are as at be been between both but by can could did do does during each for from had has have how if in "
        "into is it its may more most no nor not of on only or other our should so some such than that the their them then there "
        "these they this those to was we were what when where whether which who why will with would"
    ).split()
)


def tidy(text: str) -> str:
    """`text` on one line, as cleaning leaves it in a document."""
    return " ".join(text.split()) if is_plain(text) else clean_line(text)


def is_plain(text: str) -> bool:
    """True for printable ASCII on one line without HTML entities: cleaning changes nothing of it but runs of spaces."""
    return _PLAIN.fullmatch(text) is not None


def paragraphs(text: str) -> list[Block]:
    """A block for each paragraph of `text`; empty lines divide them."""
    return [Block("paragraph", part) for part in re.split(r"\n[^\S\n]*\n\s*", text) if part.strip()]


def sentence_around(text: str, start: int, answer: str) -> str:
    """The sentence, or run of sentences, of `text` that holds `answer` at `start`."""
    end = start + len(answer)
    inside = [
        (sentence_start, sentence_end)
        for sentence_start, sentence_end in _spans(text)
        if sentence_start < end and sentence_end > start
    ]
    return text[inside[0][0] : inside[-1][1]] if inside else answer


@lru_cache(maxsize=8)  # a contract of CUAD is asked 41 questions
def _spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(sentence_spans(text))


def sentences(blocks: Iterable[Block]) -> list[str]:
    """The sentences of all blocks but headings, in order."""
    return [block.text[start:end] for block in blocks if block.kind != "heading" for start, end in _spans(block.text)]


def words(text: str) -> frozenset[str]:
    """The words of `text` in lower case, plurals as singulars.

    The commonest words and verdicts are left out.
    """
    tokens = frozenset(_WORD.findall(text.lower())) - _COMMON - _VERDICTS
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in tokens)


def closest(candidates: Sequence[str], text: str) -> str | None:
    """The candidate whose words overlap most with those of `text`, the first of equals; None when none shares a word.

    Overlap is Dice's coefficient of the two sets of words, 2 |A ∩ B| / (|A| + |B|), so that length alone wins nothing.
    """
    text_words = words(text)
    scores = [2 * len(text_words & candidate) / (len(text_words) + len(candidate) or 1) for candidate in map(words, candidates)]
    best = max(scores, default=0.0)
    return candidates[scores.index(best)] if best else None


def span_in(answer: str, text: str) -> int | None:
    """Offset of `answer` in `text` as whole words, or None.

    None also for "yes" and its like, and for the letter of a choice.
    """
    if not answer or answer.lower().rstrip(".") in _VERDICTS or (len(answer) == 1 and answer.isalpha()):
        return None
    match = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text)
    return match.start() if match else None


def supporting(blocks: Sequence[Block], answers: Sequence[str], about: str) -> tuple[str, tuple[str, ...], bool] | None:
    """`(evidence, answers, extractive)`: a sentence of `blocks` for the answers, or None when nothing is near them.

    An answer that stands in a block gives the sentence around it, and becomes the first of the answers; otherwise it is
    the sentence closest to the first answer and `about`, and the answers are not extractive.
    """
    for answer in answers:
        for block in blocks:
            start = span_in(answer, block.text) if block.kind != "heading" else None
            if start is not None:
                order = tuple(dict.fromkeys((answer, *answers)))
                return sentence_around(block.text, start, answer), order, True
    evidence = closest(sentences(blocks), f"{answers[0]} {about}") if answers else None
    return (evidence, tuple(answers), False) if evidence else None
