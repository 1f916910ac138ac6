"""Legal and medical identifiers as index terms.

"42 C.F.R. § 482.13" and "42 CFR 482.13" give the same terms. Pure; knows no index.

A tokenizer of words makes "337" and "a" of "§ 337(a)", which stand in every statute. The same function reads passages
and queries, and what it gives is indexed and asked for beside the words. Two kinds of terms:

- joined words: "COX-2", "TNF-α" and "C.F.R." as "cox2", "tnfalpha" and "cfr", the words that others write for them;
- references, of parts that each end in `BAR`: "sectionǀ337ǀaǀ", "cfrǀ42ǀ482ǀ13ǀ", "10ǀmgǀkgǀ", "vǀroeǀwadeǀ".
  Whatever such a reference lies in is a term too ("sectionǀ337ǀ"), so that less exact ones are found, and rank below.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

BAR = "ǀ"
"""A letter to Unicode, so that no tokenizer splits at it, and none that an English stemmer knows an ending with."""

_NAMES = {
    "section": "sections sec secs s ss §",
    "article": "articles art arts",
    "rule": "rules r rr",
    "regulation": "regulations reg regs",
    "paragraph": "paragraphs para paras ¶",
    "clause": "clauses cl",
    "chapter": "chapters ch",
    "title": "titles tit",
    "schedule": "schedules sch sched",
    "annex": "annexes",
    "appendix": "appendices app",
    "order": "orders ord",
    **dict.fromkeys("part form exhibit amendment type stage phase grade class factor level category".split(), ""),
}
_UNITS = {
    "%": "percent per-cent",
    "g": "gram grams gm",
    "mg": "milligram milligrams",
    "mcg": "microgram micrograms microg ug μg",
    "ng": "nanogram nanograms",
    "pg": "",
    "kg": "kilogram kilograms kgs",
    "l": "litre litres liter liters",
    "ml": "millilitre millilitres milliliter milliliters cc",
    "dl": "decilitre deciliter",
    "mcl": "ul μl",
    "mol": "",
    "mmol": "millimol mmols",
    "mcmol": "umol μmol",
    "nmol": "",
    "iu": "",
    "u": "unit units",
    "meq": "",
    "mmhg": "",
    "mm": "millimetre millimetres millimeter millimeters",
    "cm": "centimetre centimetres centimeter centimeters",
    "m": "metre metres meter meters",
    "km": "kilometre kilometres kilometer kilometers",
    "m2": "sqm",
    "°c": "",
    "°f": "",
    "gy": "",
    "kcal": "",
    "min": "minute minutes mins",
    "h": "hour hours hr hrs",
    "day": "days d",
    "week": "weeks",
    "month": "months",
    "year": "years",
    "usd": "dollar dollars",
    "eur": "euro euros",
    "gbp": "",
}
_CURRENCIES = {"$": "usd", "€": "eur", "£": "gbp"}
_MANY = {"million": "000000", "m": "000000", "billion": "000000000", "bn": "000000000"}
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega".split(),
        strict=True,
    )
)
_GREEK_NAMES = frozenset({*_GREEK, *_GREEK.values()})
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_SMALL = frozenset("and or to of in on by per at from than for with out vs was is the no not but are were".split())


def _spellings(names: dict[str, str]) -> dict[str, str]:
    return {spelling: name for name, variants in names.items() for spelling in (name, *variants.split())}


_NAME_OF, _UNIT_OF = _spellings(_NAMES), _spellings(_UNITS)


def _any_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# Names and units ignore the case of ASCII only: else "İ" is an "i", and no entry of the tables.
_DASH = "-‐‑–"
_NUMBER = rf"\d+[A-Za-z]{{0,2}}(?:[{_DASH}.:]\d+[A-Za-z]{{0,2}}){{0,5}}(?![^\W_])"
_DEEPER = r"(?:\s?\((?:\d{1,3}[A-Za-z]?|[A-Za-z]{1,2}|[ivxIVX]{1,5})\))"
_ONE = rf"{_NUMBER}{_DEEPER}{{0,8}}"
_LIST = rf"{_ONE}(?:(?:,\s?(?:and |or )?| (?:and|or|to|through|&) ){_ONE})*"
_AMOUNT = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_UNIT = rf"(?ai:{_any_of(_UNIT_OF)})(?!\.?[^\W_])"

_REFERENCE = re.compile(rf"({_NUMBER})({_DEEPER}{{0,8}})")
_BARE = re.compile(rf"(?<![\w.{_DASH}])({_NUMBER})({_DEEPER}{{1,8}})")
_NAMED = re.compile(rf"(?<![\w.'’])(?ai:({_any_of(_NAME_OF)}))[§¶]?\.?[\s-]?(?:({_LIST})|(?<=\s)([IVXLC]{{1,7}})(?!\.?[^\W_]))")
_CITATION = re.compile(
    r"(?<![\w.,])[\[(]?(\d{1,4})[\])]?\s"
    r"((?:[A-Z][A-Za-z]{0,5}\.\s?|[A-Z]{1,6}(?![^\W_])\s?|(?:[2-9]d|[2-9]th)(?![^\W_])\.?\s?){1,6}|[a-z]{2,6}\s)"
    rf"(?:§+\s?|(?i:sec(?:tion|\.)?|pa?r?ts?\.?)\s)?({_NUMBER})({_DEEPER}{{0,8}})"
)
_QUANTITY = re.compile(
    rf"(?<![\w.,])({_AMOUNT})(?:\s?(?:[{_DASH}]|to)\s?({_AMOUNT}))?[\s-]?({_UNIT}(?:(?:\s?/\s?|\sper\s){_UNIT})*)"
)
_MONEY = re.compile(rf"([$€£])\s?({_AMOUNT})(?:\s?(million|billion|bn|m)(?![^\W_]))?")
_OF_YEAR = re.compile(r"(?<![\w.,])(\d{1,4}) of ((?:1[89]|20)\d\d)(?![^\W_])")
_COMPOUND = re.compile(rf"(?<!\d,)(?<![^\W_])[^\W_]+(?:[{_DASH}/.][^\W_]+)+")
_ACRONYM_NUMBER = re.compile(r"(?<!\d )(?<!\d\] )(?<![^\W_])([A-Z]{2,6}) (\d{1,4}[a-z]?)(?![^\W_])")
_GREEK_LETTER = re.compile(rf"[{''.join(_GREEK)}{''.join(_GREEK).upper()}]")
_WORD = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w,])")
_VERSUS = re.compile(r"\s[-–]?v(?:s|ersus)?\.?[-–]?\s", re.IGNORECASE)
_NAME_WORD = re.compile(r"[^\W\d_][\w'’]*")
_IN_RE = re.compile(r"\b(?i:in re|ex parte|re)\s(?:the\s)?([A-Z][\w'’]*)")


def identifier_terms(text: str) -> list[str]:
    """Index terms of every identifier in `text`, each once; none for plain prose.

    They are in lower case, of letters and digits only.
    """
    plain = unicodedata.normalize("NFKC", text).replace("ς", "σ")
    rules = (_named, _bare, _citations, _quantities, _compounds, _cases)
    return list(dict.fromkeys(term for rule in rules for term in rule(plain)))


def _nested(*parts: str, least: int) -> Iterator[str]:
    """The reference itself and what it lies in, down to `least` parts."""
    clean = ["".join(c if c.isalnum() else BAR for c in part.casefold()) for part in parts]
    for count in range(least, len(clean) + 1):
        yield "".join(f"{part}{BAR}" for part in clean[:count])


def _inner(deeper: str) -> list[str]:
    return re.findall(r"\((\w+)\)", deeper)


def _named(text: str) -> Iterator[str]:
    """§ 337(a), s. 12(3), Article 6(1)(f), sections 5 and 6, Title IX, phase III."""
    for match in _NAMED.finditer(text):
        name, numbers, roman = match.groups()
        kind = _NAME_OF[name.lower()]
        if roman:
            values = [_ROMAN[c] for c in roman]
            total = sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))
            yield from _nested(kind, str(total), least=2)
        for number, deeper in _REFERENCE.findall(numbers or ""):
            yield from _nested(kind, number, *_inner(deeper), least=2)


def _bare(text: str) -> Iterator[str]:
    """337(a), wherever it stands: what a provision is called is often left out."""
    for number, deeper in _BARE.findall(text):
        yield from _nested(number, *_inner(deeper), least=2)


def _citations(text: str) -> Iterator[str]:
    """21 U.S.C. 355(b)(2), 42 CFR 482.13, 410 U.S. 113, 550 F.3d 1023, [2019] IESC 4, S.I. No. 5 of 2014."""
    for volume, words, number, deeper in _CITATION.findall(text):
        series = "".join(c for c in words.casefold() if c.isalnum())
        if series not in _SMALL and series not in _UNIT_OF:
            yield from _nested(series, volume, *number.split("."), *_inner(deeper), least=3)
    for number, year in _OF_YEAR.findall(text):
        yield f"{number}{BAR}{year}"  # as 5/2014 is joined


def _quantities(text: str) -> Iterator[str]:
    """10 mg/kg, 0.5 mL, 5–10 days, 1,000, $5 million."""
    for first, last, units in _QUANTITY.findall(text):
        names = [_UNIT_OF[unit] for unit in re.split(r"\s?/\s?|\sper\s", units.lower())]
        for amount in filter(None, (first, last)):
            yield from _nested(_amount(amount), *names, least=2)
    for sign, amount, magnitude in _MONEY.findall(text):
        yield from _nested(_amount(amount, _MANY.get(magnitude, "")), _CURRENCIES[sign], least=2)
    for amount in _THOUSANDS.findall(text):
        yield _amount(amount)


def _amount(digits: str, zeros: str = "") -> str:
    whole, _, fraction = digits.replace(",", "").partition(".")
    shifted = fraction.ljust(len(zeros), "0")
    whole, fraction = whole + shifted[: len(zeros)], shifted[len(zeros) :].rstrip("0")
    return f"{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}"


def _compounds(text: str) -> Iterator[str]:
    """COX-2, HER2/neu, TNF-α, E11.9, C.F.R., 1:20-cv-01234, 95/46/EC, COX 2: written together.

    IL-6/STAT3: its parts as well.
    """
    for compound in _COMPOUND.findall(text):
        for written in dict.fromkeys((compound, *compound.split("/"))):
            parts = re.split(rf"[{_DASH}/.]", written)
            if len(parts) > 1 and _names_something(parts):
                yield _joined(parts)
    for parts in _ACRONYM_NUMBER.findall(text):
        yield _joined(parts)
    for word in _WORD.findall(text) if _GREEK_LETTER.search(text) else ():
        if len(word) > 1 and _GREEK_LETTER.search(word) and word not in _UNIT_OF:
            yield _joined([word])


def _names_something(parts: list[str]) -> bool:
    """True for parts with a digit, in capitals or in Greek, but not for an amount and its unit."""
    units = [part.lower().lstrip("0123456789") for part in parts]
    if any(units) and all(unit in _UNIT_OF for unit in units if unit):
        return False
    return any(any(c.isdigit() for c in part) or part.isupper() or part.lower() in _GREEK_NAMES for part in parts)


def _joined(parts: list[str] | tuple[str, ...]) -> str:
    whole = ""
    for part in parts:
        # 95/46 and 9/546 are not the same number
        whole += f"{BAR if whole[-1:].isdigit() and part[0].isdigit() else ''}{part}"
    return "".join(_GREEK.get(c, c) for c in whole.casefold() if c.isalnum())


def _cases(text: str) -> Iterator[str]:
    """Roe v. Wade, ROE -v- WADE, Ernesto Miranda vs State of Arizona, In re Gault: any name before with any after."""
    for versus in _VERSUS.finditer(text):
        before = _NAME_WORD.findall(text[max(0, versus.start() - 60) : versus.start()])[-5:][::-1]
        after = _NAME_WORD.findall(text[versus.end() : versus.end() + 60])[:5]
        for plaintiff in _party(before):
            for defendant in _party(after):
                yield from _nested("v", plaintiff, defendant, least=3)
    for name in _IN_RE.findall(text):
        yield from _nested("re", name, least=2)


def _party(words: list[str]) -> list[str]:
    """The names of a party, from the "v" outwards, at most three; of one that is written small, its nearest word."""
    names: list[str] = []
    for word in words:
        if word[0].isupper():
            names.append(word)
        elif word not in _SMALL:
            break
    return names[:3] or words[:1]
