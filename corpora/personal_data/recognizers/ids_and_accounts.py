"""Numbers that a state or a bank gives a person: national ids, cards, IBANs, accounts.

Checksums are python-stdnum's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.us import itin, rtn, ssn

from corpora.personal_data.recognizers.finding import JOIN, NUMBER, Finding, Rule, any_case, apply_rules

# Issuers' prefixes with the lengths they use (ISO/IEC 7812): Visa, Mastercard, American Express, Discover, JCB, Diners,
# UnionPay, Maestro.
_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|4[4-9]\d"
    r"|5\d\d)\d{12,15}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}|3(?:0[0-5]|[689]\d)\d{11,16}|62\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)
_SSN_LABEL = r"(?:\bSSN\b|\bS\.S\.N\.|\bSS\s?#|\bsoc(?:ial|\.)\s+sec(?:urity|\.))"
_TAX_LABEL = any_case(r"steuer|\bidnr|\btax|\btin\b")
_IBAN = any_case(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,9}")
_ACCOUNT_LABEL = (
    r"(?:\b(?:bank\s+|checking\s+|savings\s+|current\s+)?(?:account|acct\.?|a/c)"
    + NUMBER
    + r"|\bacct\b\.?|\bkonto(?:nummer|-?nr\.?)"
    r"|\b(?:num[ée]ro|n[°º])\s+de\s+compte|\bn[uú]mero\s+de\s+cuenta)"
)


def _is_ssn(value: str) -> bool:
    return bool(ssn.is_valid(value.replace(" ", "-")))


def _is_itin(value: str) -> bool:
    return bool(itin.is_valid(value.replace(" ", "-")))


def _is_dni(value: str) -> bool:
    return bool(dni.is_valid(value.replace(".", "")))


def _is_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return bool(len(set(digits)) > 1 and _CARD.fullmatch(digits) and luhn.is_valid(digits))


RULES = (
    # United States
    Rule("national-id", 0.8, re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])"), _is_ssn, any_case(_SSN_LABEL), 0.98),
    Rule("national-id", 0.5, re.compile(r"(?<![\w.-])\d{3} \d{2} \d{4}(?![\w-])"), _is_ssn, any_case(_SSN_LABEL), 0.97),
    Rule("national-id", 0.8, re.compile(r"(?<![\w.-])9\d{2}-\d{2}-\d{4}(?![\w-])"), _is_itin),
    Rule("national-id", 0.9, any_case(_SSN_LABEL + NUMBER + "?" + JOIN + r"(?P<value>\d{3}[- .]?\d{2}[- .]?\d{4})(?!\d)")),
    Rule("national-id", 0.7, re.compile(r"(?<![\w*])[Xx*#•]{3}[- ]?[Xx*#•]{2}[- ]?\d{4}(?!\d)")),
    Rule("national-id", 0.7, any_case(_SSN_LABEL + r"[^.\n]{0,20}?(?:ending|last four|last 4)\D{0,12}(?P<value>\d{4})(?!\d)")),
    # United Kingdom: a labelled number that fails its checksum is most likely a mistyped one, and still somebody's.
    Rule(
        "national-id",
        0.62,
        re.compile(r"(?<![\w.-])\d{3}[ -]\d{3}[ -]\d{4}(?![\w-])"),
        nhs.is_valid,
        any_case(r"\bNHS\b"),
        0.98,
    ),
    Rule("national-id", 0.0, re.compile(r"(?<![\w.-])\d{10}(?![\w-])"), nhs.is_valid, any_case(r"\bNHS\b"), 0.98),
    Rule("national-id", 0.6, any_case(r"\bNHS" + NUMBER + "?" + JOIN + r"(?P<value>\d{3}[ -]?\d{3}[ -]?\d{4})(?!\d)")),
    Rule("national-id", 0.9, any_case(r"\bCHI" + NUMBER + JOIN + r"(?P<value>\d{6}[ -]?\d{4})(?!\d)")),
    Rule(
        "national-id",
        0.92,
        re.compile(
            r"(?<![A-Za-z0-9])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ -]?)\d{2}\1\d{2}\1\d{2}\1[A-D]"
            r"(?![A-Za-z0-9])"
        ),
    ),
    Rule(
        "national-id",
        0.95,
        any_case(
            r"\b(?:NINO|N\.?I\.?|nat(?:ional|\.)\s+ins(?:urance|\.)?)"
            + NUMBER
            + "?"
            + JOIN
            + r"(?P<value>[A-Z]{2}[ -]?(?:\d{2}[ -]?){3}[A-D])\b"
        ),
    ),
    # France, Germany, Italy, Spain, Ireland
    Rule(
        "national-id",
        0.95,
        re.compile(
            r"(?<![\w.])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .]?\d{2}(?!\w)"
        ),
        nir.is_valid,
    ),
    Rule("national-id", 0.65, re.compile(r"(?<![\w.])[1-9]\d \d{3} \d{3} \d{3}(?!\w)"), idnr.is_valid, _TAX_LABEL, 0.97),
    Rule("national-id", 0.0, re.compile(r"(?<![\w.])[1-9]\d{10}(?!\w)"), idnr.is_valid, _TAX_LABEL, 0.97),
    Rule(
        "national-id",
        0.97,
        any_case(r"(?<!\w)[A-Z]{6}[ ]?[0-9L-V]{2}[A-Z][0-9L-V]{2}[ ]?[A-Z][0-9L-V]{3}[A-Z](?!\w)"),
        codicefiscale.is_valid,
    ),
    Rule("national-id", 0.9, re.compile(r"(?<![\w.])\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Z](?!\w)"), _is_dni),
    Rule("national-id", 0.92, re.compile(r"(?<!\w)[XYZ][ -]?\d{7}[ -]?[A-Z](?!\w)"), nie.is_valid),
    Rule("national-id", 0.9, re.compile(r"(?<![\w.])\d{7} ?[A-W][A-IWTX]?(?!\w)"), pps.is_valid),
    # Papers
    Rule(
        "national-id",
        0.85,
        any_case(
            r"\b(?:passport|(?:reise)?pass-?|passeport|pasaporte|passaporto|personalausweis-?)"
            + NUMBER
            + "?"
            + JOIN
            + r"(?P<value>(?=[A-Z]{0,3}\d)(?!\d{4}\b)[A-Z0-9]{6,10})\b"
        ),
    ),
    Rule(
        "national-id",
        0.85,
        any_case(
            r"(?:\bdriv(?:er'?s?|ing)'?\s+lic(?:en[cs]e|\.)|\bf[üu]hrerschein-?|\bpermis\s+de\s+conduire|\bpermiso\s+de\s+conducir"
            r"|\bpatente\s+di\s+guida|\b(?-i:DL|D\.L\.)(?=\s?[#:]|\s+(?:no|num)))"
            + NUMBER
            + "?"
            + JOIN
            + r"(?P<value>(?=[A-Z-]{0,6}\d)(?:\d{3} \d{3} \d{3}|[A-Z0-9][A-Z0-9-]{5,18}))\b"
        ),
    ),
    # Banks
    Rule("card", 0.96, re.compile(r"(?<![\w.-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?(?![\w-])"), _is_card),
    Rule("card", 0.96, re.compile(r"(?<![\w.-])3\d{3}([ -]?)\d{6}\1\d{4,5}(?![\w-])"), _is_card),
    Rule(
        "card",
        0.7,
        any_case(
            r"\bcard" + NUMBER + "?" + JOIN + r"(?P<value>\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}|3\d{3}[ -]?\d{6}[ -]?\d{5})(?!\d)"
        ),
    ),
    Rule("account", 0.85, any_case(_ACCOUNT_LABEL + JOIN + r"(?P<value>(?:\d[ -]?){5,16}\d)(?![\w-])")),
    Rule("account", 0.85, any_case(r"\bsort\s?code" + JOIN + r"(?P<value>\d{2}[ -]?\d{2}[ -]?\d{2})(?!\d)")),
    Rule(
        "account",
        0.85,
        any_case(r"\b(?:routing|ABA|transit|RTN)" + NUMBER + "?" + JOIN + r"(?P<value>\d{9})(?!\d)"),
        rtn.is_valid,
    ),
)


def find_identifiers(text: str) -> Iterator[Finding]:
    """National ids, cards, accounts and IBANs in folded `text`."""
    yield from apply_rules(RULES, text)
    for match in _IBAN.finditer(text):
        # Words in capitals may follow the number: the longest valid head is it.
        for end in range(match.end(), match.start() + 14, -1) if match[0].isascii() else ():
            if not text[end : end + 1].isalnum() and text[end - 1].isalnum() and iban.is_valid(text[match.start() : end]):
                yield Finding("iban", match.start(), end, 0.98)
                break
