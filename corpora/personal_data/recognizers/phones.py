"""Recogniser of telephone numbers.

Valid ones by libphonenumber in several countries, and labelled or typically written ones of any make.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import Finding, any_case

_DIGITS = re.compile(
    r"(?<![\w.,/$£€#-])(?:\+|\(\+?|00)?\d[\d ().\-/]{5,40}\d(?:\s?(?:ext\.?|extension|x|durchwahl)\s?\d{1,6})?(?![\w])",
    re.IGNORECASE,
)
_PHONE_LABEL = any_case(
    r"(?:\b(?:tele?(?:phone|fono|fon)?|t[ée]l|ph(?:one)?|mob(?:ile)?|cell(?:ular|phone)?|fax|pager|bleep|handy|mobil|movil"
    r"|m[óo]vil|portable|rufnummer"
    r"|call(?:ed|ing)?|dial(?:led)?|contact(?:ed)?|text(?:ed)?|sms|whatsapp|voicemail|hotline|reach(?:ed|able)?|ring|rang"
    r"|landline|home|work|office|(?:his|her|their|my|your|\w{2,15}'s)\s+numbers?)\b\.?|☎|✆|📞|📱)"
    r"[^\n.;]{0,25}$|\b[tmf]\s?[:.]\s?$"
)
_SURE_LABEL = any_case(
    r"(?:\b(?:tele?(?:phone|fono|fon)?|t[ée]l|ph(?:one)?|mob(?:ile)?|cell(?:phone)?|fax|pager|handy|m[óo]vil|whatsapp"
    r"|voicemail|landline)\b\.?|☎|✆|📞|📱)"
    r"[\s:#().]{0,5}(?:(?:numbers?|nos?|home|work|direct|office|main|is|was)\b[\s:#().]{0,4}){0,3}$"
)
_NANP = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?\d{3}[.-]|[2-9]\d{2}-\d{3}-|[2-9]\d{2}\.\d{3}\.)\d{4}(?!\d)")
_UK = re.compile(r"\(?0\d{2,4}\)?[ -]?\d{3,4}[ -]?\d{3,4}(?!\d)")
_NOT_PHONE = re.compile(
    r"(?:19|20)\d{2}\s?[-/.]\s?(?:\d{1,2}\s?[-/.]\s?\d{1,2}|(?:19|20)\d{2})(?!\d)|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{2}|\d{4})(?!\d)"
)
_TRUNK_REGIONS = ("GB", "IE", "DE", "FR", "IT", "NL", "AU")
_REGIONS = ("US", "GB", "IE", "DE", "FR", "ES", "IT", "AT", "CH", "NL", "BE", "AU")
_LABEL_CHARACTERS = 40


def find_phones(text: str) -> Iterator[Finding]:
    """Telephone numbers in folded `text`.

    Valid ones by libphonenumber, in several countries, and labelled ones of any make.
    """
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        digits = sum(character.isdigit() for character in match[0])
        if digits < 7 or _NOT_PHONE.match(match[0]):
            continue
        before = max(0, start - _LABEL_CHARACTERS)
        sure = bool(_SURE_LABEL.search(text, before, start))
        # Digits in one run are a phone number only where something says so: they are as often a record number.
        labelled = sure or bool(not match[0].isdigit() and _PHONE_LABEL.search(text, before, start))
        if sure:
            yield _phone(text, start, end, 0.8)
        elif match[0].lstrip("(").startswith("+") and 9 <= digits <= 15:
            yield _phone(text, start, end, 0.6)
        shaped = _NANP.match(match[0]) or (_UK.match(match[0]) if digits in (10, 11) else None)
        if shaped and shaped.end() == len(match[0]) and not match[0].isdigit():
            yield _phone(text, start, end, 0.7)
        yield from _valid_phones(text, start, end, labelled)


def _valid_phones(text: str, start: int, end: int, labelled: bool) -> Iterator[Finding]:
    from phonenumbers import Leniency, PhoneNumberMatcher

    window = text[start:end]
    international = window.startswith(("+", "(+", "00"))
    if labelled:
        regions: tuple[str, ...] = _REGIONS
    elif international:
        regions = ("GB",)  # any region will do; one that dials 00 abroad
    elif window.lstrip("(").startswith("0"):
        regions = _TRUNK_REGIONS
    elif _NANP.match(window):
        regions = ("US",)
    else:
        return
    leniency = Leniency.VALID if labelled or international else Leniency.STRICT_GROUPING
    for region in regions:
        for match in PhoneNumberMatcher(window, region, leniency):
            if window[match.start : match.end].isdigit() and not labelled and not window.startswith("0"):
                continue
            confidence = 0.97 if international else 0.93 if labelled else 0.75
            yield _phone(text, start + match.start, start + match.end, confidence)


def _phone(text: str, start: int, end: int, confidence: float) -> Finding:
    """The finding without a bracket that opens or closes outside it."""
    value = text[start:end]
    if value.startswith("(") and ")" not in value:
        start += 1
    elif value.endswith(")") and "(" not in value:
        end -= 1
    return Finding("phone", start, end, confidence)
