"""A finding of personal data, and a rule that finds it by one pattern.

A finding has a place and a kind, and never the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

KINDS = (
    "email",
    "phone",
    "date-of-birth",
    "record-number",
    "docket-number",
    "national-id",
    "card",
    "iban",
    "account",
    "address",
    "vehicle",
    "name",
    "case-name",
    "ip",
    "url-with-credentials",
)
# One character for one, so that offsets stay: typesetting's dashes, spaces, apostrophes and wide digits as a keyboard
# has them.
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys(
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
        ),
        **dict.fromkeys("\u2018\u2019\u02bc\u00b4\u201b", "'"),
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        "\uff20": "@",
        "\uff0b": "+",
    }
)
# Between a label and its value: "No. (as given): ", " is ", " = ". Bounded, so that no text makes it slow.
JOIN = r"(?:\s?\([^()\n]{1,30}\))?[\s:#=.\-]{0,6}(?:(?:is|was|of|as|reads)\s{1,3})?[\s:#=]{0,4}"
NUMBER = r"(?:\s?(?:numbers?|nummer|nos?\b\.?|num\b\.?|nr\b\.?|n[°º]|#|ids?\b|identifier|identification(?:\snumber)?|ref(?:erence)?\b\.?))"
_CONTEXT_CHARACTERS = 45


@dataclass(frozen=True)
class Finding:
    """Personal data at `text[start:end]`.

    `kind` is one of `KINDS`; `confidence` in 0–1 says how sure its recogniser is.
    """

    kind: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True)
class Rule:
    """Matches of `pattern` (its group `value`, if it has one) that `valid` accepts.

    Where `context` is found in the 45 characters before, the confidence is `context_confidence`. A confidence of 0 is
    no finding.
    """

    kind: str
    confidence: float
    pattern: re.Pattern[str]
    valid: Callable[[str], bool] | None = None
    context: re.Pattern[str] | None = None
    context_confidence: float = 0.0


def folded(text: str) -> str:
    """`text` with dashes, spaces, apostrophes and digits of typesetting made plain; of the same length."""
    return text.translate(_FOLDED)


def apply_rules(rules: Iterable[Rule], text: str) -> Iterator[Finding]:
    """Findings of the rules in folded `text`; they may overlap."""
    for rule in rules:
        group = "value" if "value" in rule.pattern.groupindex else 0
        for match in rule.pattern.finditer(text):
            start, end = match.span(group)
            if rule.valid is not None and not (text[start:end].isascii() and rule.valid(text[start:end])):
                continue
            confidence = rule.confidence
            if rule.context is not None and rule.context.search(text, max(0, start - _CONTEXT_CHARACTERS), start):
                confidence = rule.context_confidence
            if confidence > 0:
                yield Finding(rule.kind, start, end, confidence)


def any_case(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled to ignore case."""
    return re.compile(pattern, re.IGNORECASE)
