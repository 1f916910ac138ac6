"""Recogniser of vehicles: licence plates and vehicle identification numbers.

A plate counts where something says that it is one, an identification number by its check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import JOIN, NUMBER, Finding, Rule, any_case, apply_rules

_ABOUT_CARS = any_case(
    r"\b(?:reg(?:istration|istered|\.)?|VRM|plates?|vehicle|car|van|lorry|truck|motorcycle|ford|vauxhall|bmw|audi|toyota)\b"
)
_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _is_vin(value: str) -> bool:
    """The check digit of 49 CFR 565.15(c); few letters or few digits are a word or a number."""
    digits = sum(sign.isdigit() for sign in value)
    if not 4 <= digits <= 15:
        return False
    total = sum(
        (_VALUES[sign] if sign in _VALUES else int(sign)) * weight for sign, weight in zip(value, _WEIGHTS, strict=True)
    )
    return value[8] == ("X" if total % 11 == 10 else str(total % 11))


def _is_plate(value: str) -> bool:
    return any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)


RULES = (
    Rule("vehicle", 0.9, re.compile(r"(?<![\w-])[A-HJ-NPR-Z0-9]{17}(?![\w-])"), _is_vin),
    Rule(
        "vehicle",
        0.9,
        any_case(
            r"\b(?:VIN|vehicle\s+identification|fahrgestell-?|FIN)"
            + NUMBER
            + "?"
            + JOIN
            + r"(?P<value>(?-i:[A-HJ-NPR-Z0-9]{17}))\b"
        ),
    ),
    # United Kingdom since 2001, where the words before it speak of cars
    Rule("vehicle", 0.0, re.compile(r"(?<![\w-])[A-Z]{2}\d{2} ?[A-Z]{3}(?![\w-])"), None, _ABOUT_CARS, 0.85),
    Rule(
        "vehicle",
        0.85,
        any_case(
            r"\b(?:(?:licen[cs]e|number|registration|vehicle|[A-Z]{2})\s+)?plates?"
            + NUMBER
            + "?"
            + JOIN
            + r"(?P<value>(?-i:[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,5}))(?![\w-])"
        ),
        _is_plate,
    ),
    Rule(
        "vehicle",
        0.9,
        any_case(r"\bkennzeichen" + NUMBER + "?" + JOIN + r"(?P<value>(?-i:[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2}[ -]?\d{1,4}[HE]?))\b"),
    ),
)


def find_vehicles(text: str) -> Iterator[Finding]:
    """Licence plates and vehicle identification numbers in folded `text`."""
    return apply_rules(RULES, text)
