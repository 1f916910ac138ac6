"""Identifier queries for `lexical.py`: identifiers that stand in few passages of a set, typed as somebody else would write them.

Neither the patterns that draw them nor the judgement of what holds them are those of `corpora.text.identifiers`: a passage is right when the
identifier's letters and digits stand in it in order, with nothing but punctuation and space between.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_PATTERNS = (
    r"(?:[Ss]ections?|§+) \d[\w.–-]*(?:\(\w{1,4}\))+",
    r"§ \d+[A-Z]?-\d[\w.]*(?:\(\w{1,4}\))*",
    r"\d+ (?:U\.S\.C\.|C\.F\.R\.|D\.C\.R\.|DCMR|DCR|Stat\.) (?:§+ )?\d[\w.-]*(?:\(\w{1,4}\))*",
    r"(?:No\. \d+|\d+) of (?:19|20)\d\d",
    r"\b\d{2,4}/\d{2,4}(?:/E[CU])?\b",
    r"\bArticles? \d+(?:\(\w{1,3}\))+",
    r"\b(?:Chapter|Part|Schedule|Title|Form|Type|Stage|Phase|Class) (?:\d+[A-Z]?|[IVX]+)\b",
    r"[$€£]\d[\d,.]*\d",
    r"\b\d+(?:\.\d+)? ?(?:mg|mcg|g|ml|mL|mmol|IU|units)(?:/\w+)*\b",
    r"\b[A-Za-z]{1,6}-\d{1,4}[A-Za-z]?\b",
    r"\b[A-Z]{2,6}\d{1,4}[A-Z]?\b",
    r"\b\d+ (?:days|weeks|months|years)\b",
    r"\b[A-Z][a-z]+ v\.? [A-Z][a-z]+",
)
AT_MOST = 5
"""Passages that an identifier may stand in, to be asked for."""
A_PATTERN = 40

Retyping = Callable[[str, random.Random], str]


def _section(text: str, draw: random.Random) -> str:
    return re.sub(r"(?:[Ss]ections?|§+) ?", lambda _: draw.choice(["§ ", "section ", "s. ", "§", "sec. ", ""]), text)


def _dots(text: str, draw: random.Random) -> str:
    return re.sub(r"(?:[A-Z]\.){2,}", lambda match: match[0].replace(".", ""), text) if draw.random() < 0.7 else text


def _hyphen(text: str, draw: random.Random) -> str:
    return re.sub(r"\A([A-Za-z]+)-(?=\d)", lambda match: match[1] + draw.choice(["-", "", " "]), text)


def _joined(text: str, draw: random.Random) -> str:
    return re.sub(r"(?<=[A-Z])(?=\d)", lambda _: draw.choice(["", "-"]), text, count=1) if text.isalnum() else text


def _unit(text: str, draw: random.Random) -> str:
    return re.sub(r"(?<=\d) ?(?=(?:mg|mcg|g|ml|mL|mmol|IU|units)\b)", lambda _: draw.choice(["", " "]), text)


def _versus(text: str, draw: random.Random) -> str:
    return re.sub(r" v\.? ", lambda _: draw.choice([" v. ", " v ", " vs. ", " versus "]), text)


def _small(text: str, draw: random.Random) -> str:
    return text.lower() if draw.random() < 0.3 else text


_RETYPINGS: tuple[Retyping, ...] = (_section, _dots, _hyphen, _joined, _unit, _versus, _small)


def identifier_queries(passages: Sequence[str], seed: int = 0) -> list[tuple[str, str, frozenset[int]]]:
    """`(identifier, how it is typed, numbers of the passages that hold it)`: at most `A_PATTERN` of each pattern."""
    flat = [flattened(passage) for passage in passages]
    queries = []
    for number, pattern in enumerate(_PATTERNS):
        found = sorted({match[0] for passage in passages for match in re.finditer(pattern, passage)})
        draw = random.Random(f"{seed} {number}")
        draw.shuffle(found)
        kept = 0
        for identifier in found:
            wanted = flattened(identifier)
            holders = frozenset(place for place, text in enumerate(flat) if wanted in text)
            if 1 <= len(holders) <= AT_MOST:
                typed = identifier
                for retype in _RETYPINGS:
                    typed = retype(typed, draw)
                queries.append((identifier, typed, holders))
                kept += 1
            if kept == A_PATTERN:
                break
    return queries


def flattened(text: str) -> str:
    """Letter and digit runs, one space apart, in lower case; "§" is "section", and "v", "vs" and "versus" are one."""
    text = re.sub(r"§+", " section ", text.lower())
    text = re.sub(r"\bsections\b", "section", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    runs = re.findall(r"[^\W\d_]+|\d+", re.sub(r"\b(?:[a-z]\.){2,}", lambda match: match[0].replace(".", ""), text))
    return f" {' '.join('v' if run in ('vs', 'versus') else run for run in runs)} "
