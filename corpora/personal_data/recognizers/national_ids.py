"""Recogniser of national identity numbers of further countries.

By their label, or by a form and a checksum that no other number has.

Checksums are python-stdnum's. A labelled number that fails its checksum is most likely mistyped, and still somebody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum.at import vnr
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cz import rc
from stdnum.dk import cpr
from stdnum.fi import hetu
from stdnum.in_ import aadhaar
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer

from corpora.personal_data.recognizers.finding import JOIN, NUMBER, Finding, any_case


@dataclass(frozen=True)
class _Number:
    """A national number: its label, its form and its checksum.

    `valid` is None where it has no checksum; `alone` is True where its form is that of no other number.
    """

    label: str
    form: str
    valid: Callable[[str], bool] | None
    alone: bool = False


_NUMBERS = (
    _Number(r"BSN|burgerservicenummer|sofinummer", r"\d{4}[ .]?\d{2}[ .]?\d{3}|\d{3}[ .]?\d{3}[ .]?\d{3}", bsn.is_valid),
    _Number(r"PESEL", r"\d{11}", pesel.is_valid),
    _Number(r"AHV|AVS|OASI|sozialversicherungs", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", ahv.is_valid, alone=True),
    _Number(r"personnummer|personal\s+identity|pers\.?\s?nr", r"(?:19|20)?\d{6}[-+]?\d{4}", personnummer.is_valid),
    _Number(r"CPR|personnummer", r"\d{6}[- ]?\d{4}", cpr.is_valid),
    _Number(r"hetu|henkil[öo]tunnus|personbeteckning", r"\d{6}[-+ABCDEFUVWXY]\d{3}[0-9A-Y]", hetu.is_valid, alone=True),
    _Number(
        r"rijksregister|num[ée]ro\s+national|NISS|INSZ|registre\s+national",
        r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{11}",
        nn.is_valid,
        alone=True,
    ),
    _Number(r"SVNR|SV-?Nr|(?:sozial)?versicherungs", r"\d{4} ?\d{6}", vnr.is_valid),
    _Number(r"RVNR|(?:renten|sozial)versicherungs|versicherungs", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", None),
    _Number(r"f[øo]dselsnummer|personnummer", r"\d{6} ?\d{5}", fodselsnummer.is_valid),
    _Number(r"rodn[ée]\s+[čc][íi]slo|birth\s+number", r"\d{6}/?\d{3,4}", rc.is_valid),
    _Number(r"CNP|cod\s+numeric\s+personal", r"\d{13}", cnp.is_valid),
    _Number(r"(?-i:SIN)|social\s+insurance", r"\d{3}[- ]?\d{3}[- ]?\d{3}", sin.is_valid),
    _Number(r"TFN|tax\s+file", r"\d{3} ?\d{3} ?\d{2,3}", tfn.is_valid),
    _Number(r"aadhaar|UIDAI", r"\d{4}[ -]?\d{4}[ -]?\d{4}", aadhaar.is_valid),
    _Number(r"CPF", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", cpf.is_valid),
    _Number(r"CURP", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", curp.is_valid, alone=True),
)
_LABELLED = [
    (number, any_case(rf"\b(?:{number.label})-?{NUMBER}?{JOIN}(?P<value>{number.form})(?![\w])")) for number in _NUMBERS
]
_ALONE = [(number, re.compile(rf"(?<![\w.-])(?:{number.form})(?![\w-])")) for number in _NUMBERS if number.alone]


def find_state_numbers(text: str) -> Iterator[Finding]:
    """National ids in folded `text`; of those whose form is nobody else's, the valid ones without a label too."""
    for number, pattern in _LABELLED:
        for match in pattern.finditer(text):
            valid = number.valid is None or number.valid(match["value"])
            yield Finding("national-id", *match.span("value"), 0.96 if valid else 0.7)
    for number, pattern in _ALONE:
        for match in pattern.finditer(text):
            plain = match[0].isdigit()  # eleven digits in a row are many things
            if not plain and number.valid is not None and number.valid(match[0]):
                yield Finding("national-id", *match.span(), 0.9)
